#include "engine/layout.h"

#include "threads.h"

/* A tile of 16 channels by 16 pixels touches 16 cache lines on each side, so both sides use whole lines. */
enum { TILE = 16 };

struct layout {
    float *nchw;
    struct dk_tensor t;
};

static void from_rows(const void *args, int64_t begin, int64_t end, int worker) {
    const struct layout *a = args;
    int64_t height = a->t.height, width = a->t.width, channels = a->t.channels, stride = a->t.stride;
    (void)worker;
    for (int64_t row = begin; row < end; row++) {
        const float *src = a->nchw + ((row / height) * channels * height + row % height) * width;
        float *dst = a->t.data + row * width * stride;
        for (int64_t c0 = 0; c0 < channels; c0 += TILE)
            for (int64_t x0 = 0; x0 < width; x0 += TILE)
                for (int64_t x = x0; x < DK_MIN(width, x0 + TILE); x++)
                    for (int64_t c = c0; c < DK_MIN(channels, c0 + TILE); c++)
                        dst[x * stride + c] = src[c * height * width + x];
    }
}

static void to_rows(const void *args, int64_t begin, int64_t end, int worker) {
    const struct layout *a = args;
    int64_t height = a->t.height, width = a->t.width, channels = a->t.channels, stride = a->t.stride;
    (void)worker;
    for (int64_t row = begin; row < end; row++) {
        float *dst = a->nchw + ((row / height) * channels * height + row % height) * width;
        const float *src = a->t.data + row * width * stride;
        for (int64_t c0 = 0; c0 < channels; c0 += TILE)
            for (int64_t x0 = 0; x0 < width; x0 += TILE)
                for (int64_t c = c0; c < DK_MIN(channels, c0 + TILE); c++)
                    for (int64_t x = x0; x < DK_MIN(width, x0 + TILE); x++)
                        dst[c * height * width + x] = src[x * stride + c];
    }
}

/* Rows for about 4096 values. */
static int64_t grain(const struct dk_tensor *t) {
    return DK_MAX(1, 4096 / (t->width * t->channels));
}

enum dk_status dk_from_nchw(const float *nchw, const struct dk_tensor *y) {
    struct layout args = {(float *)nchw, *y};
    dk_parallel_for(y->batch * y->height, grain(y), from_rows, &args);
    return DK_OK;
}

enum dk_status dk_to_nchw(const struct dk_tensor *x, float *nchw) {
    struct layout args = {nchw, *x};
    dk_parallel_for(x->batch * x->height, grain(x), to_rows, &args);
    return DK_OK;
}

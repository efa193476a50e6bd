/* Between Darknet's order (NCHW) and channels last, an image row at a time. */
#include "engine/layout.h"

#include "dispatch.h"
#include "threads.h"

struct layout {
    float *nchw;
    struct dk_tensor t;
};

/* Row `row` of the batch in the users' array: channel c is a further c*height*width away. */
static float *nchw_row(const struct layout *a, int64_t row) {
    const struct dk_tensor *t = &a->t;
    return a->nchw + ((row / t->height) * t->channels * t->height + row % t->height) * t->width;
}

static void from_rows(const void *args, int64_t begin, int64_t end, int worker) {
    const struct layout *a = args;
    const int64_t width = a->t.width, channels = a->t.channels, stride = a->t.stride,
                  plane = a->t.height * width;
    (void)worker;
    for (int64_t row = begin; row < end; row++) {
        const float *src = nchw_row(a, row);
        float *dst = a->t.data + row * width * stride;
        if (channels == 3) /* photos: three values are too few for a transposition in registers */
            for (int64_t x = 0; x < width; x++, dst += stride) {
                dst[0] = src[x];
                dst[1] = src[plane + x];
                dst[2] = src[2 * plane + x];
            }
        else
            dk_kernels()->transpose.transpose(channels, width, src, plane, 1, dst, stride);
    }
}

static void to_rows(const void *args, int64_t begin, int64_t end, int worker) {
    const struct layout *a = args;
    const int64_t width = a->t.width, stride = a->t.stride, plane = a->t.height * width;
    (void)worker;
    for (int64_t row = begin; row < end; row++)
        dk_kernels()->transpose.transpose(width, a->t.channels, a->t.data + row * width * stride,
                                          stride, 1, nchw_row(a, row), plane);
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

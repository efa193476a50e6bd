/* Darknet's kernels that move feature maps: reorg, flatten, shortcut, upsample. */
#include "kernels/maps.h"

#include "dispatch.h"
#include "engine/layout.h"
#include "threads.h"

/* Values per chunk, about. */
enum { GRAIN = 1 << 15 };

static int64_t rows_per_chunk(int64_t width) {
    return DK_MAX(1, GRAIN / width);
}

/* ---- reorg ---- */

struct reorg {
    const float *x;
    float *out;
    int64_t w, h, c, stride;
    int is_forward;
};

/* Rows of the map that A runs over. */
static void reorg_rows(const void *args, int64_t begin, int64_t end, int worker) {
    const struct reorg *a = args;
    int64_t s = a->stride, inner = a->c / (s * s);
    (void)worker;
    for (int64_t row = begin; row < end; row++) {
        int64_t j = row % a->h, k = row / a->h % a->c, b = row / (a->h * a->c), o = k / inner;
        int64_t wide = row * a->w;
        int64_t fine = o % s + a->w * s * (j * s + o / s + a->h * s * (k % inner + inner * b));
        if (a->is_forward)
            for (int64_t i = 0; i < a->w; i++)
                a->out[fine + i * s] = a->x[wide + i];
        else
            for (int64_t i = 0; i < a->w; i++)
                a->out[wide + i] = a->x[fine + i * s];
    }
}

enum dk_status dk_reorg_cpu(const float *x, int64_t w, int64_t h, int64_t c, int64_t batch,
                            int64_t stride, int forward, float *out) {
    if (w < 1 || h < 1 || c < 1 || batch < 0 || stride < 1 || c % (stride * stride) != 0)
        return DK_BAD_SHAPE;
    struct reorg args = {x, out, w, h, c, stride, forward};
    dk_parallel_for(batch * c * h, rows_per_chunk(w), reorg_rows, &args);
    return DK_OK;
}

/* ---- flatten: the change between the orders of users and the engine ---- */

enum dk_status dk_flatten(const float *x, int64_t size, int64_t layers, int64_t batch, int forward,
                          float *out) {
    if (size < 1 || layers < 1 || batch < 0)
        return DK_BAD_SHAPE;
    /* A map of one row would be one item of work per image: use rows of `width` pixels. */
    int64_t height = 1;
    while (size % (height * 2) == 0 && size / height > 64)
        height *= 2;
    struct dk_tensor t = {forward ? out : (float *)x, batch, height, size / height, layers, layers};
    return forward ? dk_from_nchw(x, &t) : dk_to_nchw(&t, out);
}

/* ---- shortcut ---- */

struct shortcut {
    int64_t w1, h1, c1, w2, h2, c2;
    const float *add;
    float *out;
    float s1, s2;
};

/* Items are (image, channel of the overlap). */
static void shortcut_planes(const void *args, int64_t begin, int64_t end, int worker) {
    const struct shortcut *a = args;
    int64_t stride = DK_MAX(1, a->w1 / a->w2), sample = DK_MAX(1, a->w2 / a->w1);
    int64_t width = DK_MIN(a->w1, a->w2), height = DK_MIN(a->h1, a->h2),
            channels = DK_MIN(a->c1, a->c2);
    (void)worker;
    for (int64_t item = begin; item < end; item++) {
        int64_t b = item / channels, k = item % channels;
        const float *add = a->add + (b * a->c1 + k) * a->h1 * a->w1;
        float *out = a->out + (b * a->c2 + k) * a->h2 * a->w2;
        if (a->w1 == a->w2 && a->h1 == a->h2) {
            dk_kernels()->blas.weighted(0, width * height, a->s1, out, a->s2, add, out);
            continue;
        }
        for (int64_t j = 0; j < height; j++)
            for (int64_t i = 0; i < width; i++) {
                float *y = out + j * sample * a->w2 + i * sample;
                *y = a->s1 * *y + a->s2 * add[j * stride * a->w1 + i * stride];
            }
    }
}

enum dk_status dk_shortcut_cpu(int64_t batch, int64_t w1, int64_t h1, int64_t c1, const float *add,
                               int64_t w2, int64_t h2, int64_t c2, float s1, float s2, float *out) {
    if (batch < 0 || w1 < 1 || h1 < 1 || c1 < 1 || w2 < 1 || h2 < 1 || c2 < 1 ||
        DK_MAX(1, w1 / w2) != DK_MAX(1, h1 / h2) || DK_MAX(1, w2 / w1) != DK_MAX(1, h2 / h1))
        return DK_BAD_SHAPE;
    struct shortcut args = {w1, h1, c1, w2, h2, c2, add, out, s1, s2};
    dk_parallel_for(batch * DK_MIN(c1, c2), rows_per_chunk(w2 * h2), shortcut_planes, &args);
    return DK_OK;
}

/* ---- upsample ---- */

struct upsample {
    float *in, *out;
    int64_t w, h, stride;
    float scale;
};

/* Rows of `in`, over all planes; each owns `stride` rows of `out`, written by normal stores: it is
 * written four times as much as read. */
static void expand_rows(const void *args, int64_t begin, int64_t end, int worker) {
    const struct upsample *a = args;
    (void)worker;
    for (int64_t row = begin; row < end; row++)
        dk_kernels()->nchw_norm.expand(a->w, a->stride, a->scale, a->in + row * a->w,
                                       a->out + row * a->w * a->stride * a->stride);
}

static void reduce_rows(const void *args, int64_t begin, int64_t end, int worker) {
    const struct upsample *a = args;
    int64_t s = a->stride, wide = a->w * s;
    (void)worker;
    for (int64_t row = begin; row < end; row++)
        for (int64_t i = 0; i < a->w; i++) {
            const float *out = a->out + row * s * wide + i * s;
            float sum = 0;
            for (int64_t r = 0; r < s; r++)
                for (int64_t q = 0; q < s; q++)
                    sum += out[r * wide + q];
            a->in[row * a->w + i] += a->scale * sum;
        }
}

enum dk_status dk_upsample_cpu(float *in, int64_t w, int64_t h, int64_t c, int64_t batch,
                               int64_t stride, int forward, float scale, float *out) {
    if (w < 1 || h < 1 || c < 1 || batch < 0 || stride < 1)
        return DK_BAD_SHAPE;
    struct upsample args = {in, out, w, h, stride, scale};
    dk_parallel_for(batch * c * h, rows_per_chunk(w * stride * stride),
                    forward ? expand_rows : reduce_rows, &args);
    return DK_OK;
}

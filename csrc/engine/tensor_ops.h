/* Moving, joining and scaling tensors: copies between strided tensors, shortcut, upsample, crop, index orders. */
#ifndef DK_ENGINE_TENSOR_OPS_H
#define DK_ENGINE_TENSOR_OPS_H

#include "dk_types.h"

/* [cffi begin] */
/* y = factor*x, or y += factor*x when accumulate; the same batch, height, width and channels.  factor 1 copies bits.
 * Threads: over pixels.  Source: Darknet blas.c copy_cpu, axpy_cpu. */
struct dk_copy {
    struct dk_tensor x, y;
    float factor;
    int accumulate;
};
enum dk_status dk_copy(const struct dk_copy *args);

/* y = value everywhere.  Threads: over pixels.  Source: Darknet blas.c fill_cpu. */
struct dk_fill {
    struct dk_tensor y;
    float value;
};
enum dk_status dk_fill(const struct dk_fill *args);

/* Darknet's shortcut of layers of unequal sizes.  x is the previous layer, which y has the shape of; `source` the other
 * one.  stride = max(1, source.width / x.width), sample = max(1, x.width / source.width) (heights give the same).  The
 * overlap is, for i, j, c below the smaller height, width, channels:  y(i*sample, j*sample, c) meets
 * source(i*stride, j*stride, c).
 *   forward          y = f(x), and f(alpha*x + beta*source) on the overlap, f the activation.  y may be x itself.
 *   backward_x       x (+)= y, and alpha*y on the overlap.  Here y and x are deltas; source is not touched.
 *   backward_source  source (+)= beta*y on the overlap; positions outside it get 0 (accumulate 0) or stay (1).
 * Threads: over image rows.  Error: 2 roundings.  Source: Darknet blas.c shortcut_cpu; alpha acts on the overlap alone
 * in both directions (Darknet's backward applies it everywhere). */
struct dk_shortcut {
    struct dk_tensor x, source, y;
    float alpha, beta;
    int accumulate;
    int activation;         /* enum dk_activation; forward only */
};
enum dk_status dk_shortcut_forward(const struct dk_shortcut *args);
enum dk_status dk_shortcut_backward_x(const struct dk_shortcut *args);
enum dk_status dk_shortcut_backward_source(const struct dk_shortcut *args);

/* Backward of y = f(x + source) of equal sizes, in one pass over memory: d = delta*g(saved); x (+)= d, then
 * source (+)= d, which may be the same tensor.  delta is only read, unless it is x, which is then overwritten.
 * Threads: over pixels.  Error: 2 roundings.  Source: Darknet shortcut_layer.c backward_shortcut_layer. */
struct dk_sum_backward {
    struct dk_tensor saved;                 /* of the forward, see engine/activation.h; data may be NULL for linear */
    struct dk_tensor delta;
    struct dk_tensor x, source;             /* deltas; data NULL: nothing needs it */
    int accumulate_x, accumulate_source;    /* 0: overwritten, 1: added to */
    int activation;
};
enum dk_status dk_sum_backward(const struct dk_sum_backward *args);

/* x is the small tensor, y the large one: y.height = stride*x.height, y.width = stride*x.width.
 *   expand  y(i, j) (+)= scale * x(i/stride, j/stride)                     upsample forward
 *   reduce  x(i, j) (+)= scale * sum of the stride x stride block of y     upsample backward
 * With a negative stride in the .cfg the two change places.  Threads: over rows of the written tensor.
 * Source: Darknet blas.c upsample_cpu. */
struct dk_upsample {
    struct dk_tensor x, y;
    int64_t stride;
    float scale;
    int accumulate;
};
enum dk_status dk_upsample_expand(const struct dk_upsample *args);
enum dk_status dk_upsample_reduce(const struct dk_upsample *args);

/* Any order of the values of one image, on dense memory; index: int32 [y_count], each -1 or 0 .. x_count-1, the same
 * for every image, no value but -1 twice (the caller's promise).
 *   gather   y[b][i] (+)= x[b][index[i]], 0 where index is -1
 *   scatter  x[b][index[i]] (+)= y[b][i]; with accumulate 0 the values of x that no index names become 0
 * Each is the other's derivative.  Threads: over images and blocks of i.  Exact.  Serves Darknet's reorg, flatten,
 * extra and every change of order. */
struct dk_reindex {
    float *x, *y;
    const int32_t *index;
    int64_t batch, x_count, y_count;
    int accumulate;
};
enum dk_status dk_gather(const struct dk_reindex *args);
enum dk_status dk_scatter(const struct dk_reindex *args);

/* y(i, j) = factor * x(top + i, left + j) + offset; flip mirrors the cut-out: left + y.width - 1 - j.
 * Threads: over rows of y.  Source: Darknet crop_layer.c (which mirrors the whole image before it cuts: there its
 * left is x.width - y.width - left). */
struct dk_crop {
    struct dk_tensor x, y;
    int64_t top, left;
    int flip;
    float factor, offset;
};
enum dk_status dk_crop(const struct dk_crop *args);

/* The way back: x(top + i, left + j) += factor * y(i, j), mirrored alike; offset is not read, the rest of x stays.
 * Threads: over rows of y.  Error: 1 rounding.  Darknet has none: its crop stops the gradient. */
enum dk_status dk_crop_backward(const struct dk_crop *args);

/* y(p, c) = f_c(x(p, c)) with kinds uint8 [channels] of enum dk_activation (formulas and errors: engine/activation.h;
 * DK_BAD_ARGUMENT for an unknown kind): the outputs of the region and yolo heads.  y may be x itself.
 * Threads: over pixels.  Source: Darknet yolo_layer.c, region_layer.c. */
struct dk_channel_activate {
    struct dk_tensor x, y;
    const uint8_t *kinds;
};
enum dk_status dk_channel_activate(const struct dk_channel_activate *args);
/* [cffi end] */

#endif

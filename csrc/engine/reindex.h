/* Values in other places: upsample, crop, and any order given by an index. */
#ifndef DK_ENGINE_REINDEX_H
#define DK_ENGINE_REINDEX_H

#include "dk_types.h"

/* [cffi begin] */
/* x is the small tensor, y the large one: y.height = stride*x.height, y.width = stride*x.width.
 *   expand  y(i, j) (+)= scale * x(i/stride, j/stride)                     upsample forward
 *   reduce  x(i, j) (+)= scale * sum of the stride x stride block of y     upsample backward
 * With a negative stride in the .cfg the two change places.
 * Threads: over rows of the written tensor.
 * Source: Darknet blas.c upsample_cpu. */
struct dk_upsample {
    struct dk_tensor x, y;
    int64_t stride;
    float scale;
    int accumulate;
};
enum dk_status dk_upsample_expand(const struct dk_upsample *args);
enum dk_status dk_upsample_reduce(const struct dk_upsample *args);

/* Any order of the values of one image, on dense memory; index: int32 [y_count], each -1 or 0 ..
 * x_count-1, the same for every image, no value but -1 twice (the caller's promise).
 *   gather   y[b][i] (+)= x[b][index[i]], 0 where index is -1
 *   scatter  x[b][index[i]] (+)= y[b][i]; with accumulate 0 the other values of x become 0
 * Each is the other's derivative.  Threads: over images and blocks of i.  Exact.  Serves Darknet's
 * reorg, flatten, extra and every change of order. */
struct dk_reindex {
    float *x, *y;
    const int32_t *index;
    int64_t batch, x_count, y_count;
    int accumulate;
};
enum dk_status dk_gather(const struct dk_reindex *args);
enum dk_status dk_scatter(const struct dk_reindex *args);

/* y(i, j) = factor * x(top + i, left + j) + offset; with flip of x at left + y.width - 1 - j.
 * Threads: over rows of y.  Source: Darknet crop_layer.c (which mirrors the whole image before it
 * cuts: there its left is x.width - y.width - left). */
struct dk_crop {
    struct dk_tensor x, y;
    int64_t top, left;
    int flip;
    float factor, offset;
};
enum dk_status dk_crop(const struct dk_crop *args);

/* The way back: x(top + i, left + j) += factor * y(i, j), mirrored alike; offset is not
 * read, the rest of x stays.
 * Threads: over rows of y.  Error: 1 rounding.  Darknet has none: its crop stops the gradient. */
enum dk_status dk_crop_backward(const struct dk_crop *args);
/* [cffi end] */

#endif

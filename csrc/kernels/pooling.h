/* Pooling in Darknet's order, plane by plane; windows as in engine/pooling.h, struct dk_nchw_pool
 * as in simd/nchw_pooling_kernels.h. */
#ifndef DK_KERNELS_POOLING_H
#define DK_KERNELS_POOLING_H

#include "simd/nchw_pooling_kernels.h"

/* [cffi begin] */
/* y = max over the window and its argmax: the first in row order; NaN and -inf are never chosen, a
 * window without any candidate gives -FLT_MAX.  x read; y and argmax written (argmax may be NULL).
 * Threads: over planes.  Exact.
 * Source: Darknet maxpool_layer.c. */
enum dk_status dk_maxpool_forward_nchw(const struct dk_nchw_pool *pool);
/* x[argmax] += y for a delta in y: reads y and argmax, adds to x, windows in row order.
 * Threads: over planes. */
enum dk_status dk_maxpool_backward_nchw(const struct dk_nchw_pool *pool);

/* y = mean of the window's pixels inside the image, 0 when there are none.  Threads: over planes.
 * Error: size_h*size_w eps * mean|x|.  Source: AlexeyAB's local_avgpool. */
enum dk_status dk_local_avgpool_forward_nchw(const struct dk_nchw_pool *pool);
/* x += y / (pixels inside) at every pixel of y's window (AlexeyAB divides by size*size).
 * Threads: over planes. */
enum dk_status dk_local_avgpool_backward_nchw(const struct dk_nchw_pool *pool);

/* y [planes] = mean of each plane of x [planes][size].
 * Error: 4 eps sqrt(size) * mean|x|.  Threads: over planes.
 * Source: Darknet avgpool_layer.c. */
enum dk_status dk_avgpool_forward_nchw(const float *x, int64_t planes, int64_t size, float *y);
/* x [planes][size] += y [planes] / size. */
enum dk_status dk_avgpool_backward_nchw(float *x, int64_t planes, int64_t size, const float *y);
/* [cffi end] */

#endif

/* Pooling in Darknet's order, plane by plane; windows as in engine/pooling.h. */
#ifndef DK_KERNELS_POOLING_H
#define DK_KERNELS_POOLING_H

#include "dk_types.h"

/* [cffi begin] */
/* `planes` = batch*channels.  x float32 [planes][height][width], y float32 [planes][out_h][out_w].  Output (i, j) sees
 * the pixels i*stride_h - pad_h .. + size_h - 1 and j*stride_w - pad_w .. + size_w - 1 inside the image.
 * argmax: int32, shape of y: row*width + column of the maximum, -1 for none (averages do not look at it). */
struct dk_plane_pool {
    float *x, *y;
    int32_t *argmax;
    int64_t planes, height, width, out_h, out_w, size_h, size_w, stride_h, stride_w, pad_h, pad_w;
};

/* y = max over the window and its argmax: the first in row order; NaN and -inf are never chosen, a window without
 * any candidate gives -FLT_MAX.  x read; y and argmax written (argmax may be NULL).  Threads: over planes.  Exact.
 * Source: Darknet maxpool_layer.c. */
enum dk_status dk_maxpool_planes_forward(const struct dk_plane_pool *pool);
/* x[argmax] += y for a delta in y: reads y and argmax, adds to x, windows in row order.  Threads: over planes. */
enum dk_status dk_maxpool_planes_backward(const struct dk_plane_pool *pool);

/* y = mean of the window's pixels inside the image, 0 when there are none.  Threads: over planes.
 * Error: size_h*size_w eps * mean|x|.  Source: AlexeyAB's local_avgpool. */
enum dk_status dk_local_avgpool_planes_forward(const struct dk_plane_pool *pool);
/* x += y / (pixels inside) at every pixel of y's window (AlexeyAB divides by size*size).  Threads: over planes. */
enum dk_status dk_local_avgpool_planes_backward(const struct dk_plane_pool *pool);

/* y [planes] = mean of each plane of x [planes][size].  Error: 4 eps sqrt(size) * mean|x|.  Threads: over planes.
 * Source: Darknet avgpool_layer.c. */
enum dk_status dk_avgpool_planes_forward(const float *x, int64_t planes, int64_t size, float *y);
/* x [planes][size] += y [planes] / size. */
enum dk_status dk_avgpool_planes_backward(float *x, int64_t planes, int64_t size, const float *y);
/* [cffi end] */

#endif

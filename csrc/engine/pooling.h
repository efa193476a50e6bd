/* Pooling over windows and over whole images, channels last.
 *
 * Output (i, j) sees the pixels  y0 = i*stride_h - pad_h .. y0 + size_h - 1,  x0 = j*stride_w -
 * pad_w .. x0 + size_w - 1 that lie inside the image; Darknet's `padding` is a total, so pad =
 * floor(padding / 2).  struct dk_pool, which all of them take, is defined in
 * simd/pooling_kernels.h. */
#ifndef DK_ENGINE_POOLING_H
#define DK_ENGINE_POOLING_H

#include "simd/pooling_kernels.h"

/* [cffi begin] */
/* 1 or 4. */
int dk_maxpool_place_bytes(int64_t size_h, int64_t size_w);
/* y = max over the window; the first in row-major order wins; NaN and -inf are never chosen: a
 * window without any candidate gives -FLT_MAX, Darknet's initial value, and no place.  places is
 * written unless NULL (inference).
 * Threads: over rows of y.  Exact.  Source: Darknet maxpool_layer.c. */
enum dk_status dk_maxpool_forward(const struct dk_pool *pool);
/* x(place) (+)= y; reads places.  Overlapping windows are added in row-major order.
 * Threads: over rows of x, or images and blocks of channels when windows are large;
 * the same bits either way. */
enum dk_status dk_maxpool_backward(const struct dk_pool *pool);

/* y(n,0,0,c) = mean of x(n,.,.,c); y.height = y.width = 1.  Summed row by row.  Threads:
 * over images and blocks of channels.  Error: (height + width) eps * mean|x|.  Source:
 * Darknet avgpool_layer.c. */
enum dk_status dk_avgpool_forward(const struct dk_pool *pool);
/* x(n,h,w,c) (+)= y(n,0,0,c) / (height*width). */
enum dk_status dk_avgpool_backward(const struct dk_pool *pool);

/* y = mean over the window's pixels inside the image, 0 when there are none.
 * Threads: over rows of y.
 * Error: size_h*size_w eps * mean|x|.  Source: AlexeyAB's local_avgpool. */
enum dk_status dk_local_avgpool_forward(const struct dk_pool *pool);
/* x (+)= sum over the windows that hold the pixel of y / (pixels of that window inside the
 * image).  (AlexeyAB divides by size*size, also at the borders; here it is the derivative.)
 * Threads: over rows of x. */
enum dk_status dk_local_avgpool_backward(const struct dk_pool *pool);
/* [cffi end] */

#endif

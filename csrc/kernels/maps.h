/* Darknet's kernels that move whole feature maps [batch][channel][row][column], by its names. */
#ifndef DK_KERNELS_MAPS_H
#define DK_KERNELS_MAPS_H

#include "dk_types.h"

/* [cffi begin] */
/* Darknet's reorg: with c' = c/stride^2, o = k/c', for every k < c, j < h, i < w:
 *   A = i + w*(j + h*(k + c*b)),
 *   B = i*stride + o%stride + w*stride*(j*stride + o/stride + h*stride*(k%c' + c'*b))
 *   forward != 0: out[B] = x[A] (the layer's reverse=1);  forward 0: out[A] = x[B].
 * w, h, c: sizes of the map that A runs over.  c must be a multiple of stride^2.  Both
 * arrays have batch*c*h*w values; out is written whole.  Threads: over image rows.  Exact.
 * Source: Darknet blas.c. */
enum dk_status dk_reorg_cpu(const float *x, int64_t w, int64_t h, int64_t c, int64_t batch,
                            int64_t stride, int forward, float *out);

/* forward != 0: out [batch][size][layers] = x [batch][layers][size] transposed; forward 0: the way
 * back.  (Darknet's works in place through an array that it allocates; here out is another array.)
 * Threads: over images and rows.  Exact.  Source: Darknet blas.c. */
enum dk_status dk_flatten(const float *x, int64_t size, int64_t layers, int64_t batch, int forward,
                          float *out);

/* out [batch][c2][h2][w2] = s1*out + s2*add at the positions that add [batch][c1][h1][w1] meets:
 * with stride = max(1, w1/w2), sample = max(1, w2/w1), for k, j, i below the smaller sizes, out(k,
 * j*sample, i*sample) meets add(k, j*stride, i*stride).  DK_BAD_SHAPE when heights give other
 * factors.  Threads: over images and channels.
 * Error: 2 roundings.  Source: Darknet blas.c. */
enum dk_status dk_shortcut_cpu(int64_t batch, int64_t w1, int64_t h1, int64_t c1, const float *add,
                               int64_t w2, int64_t h2, int64_t c2, float s1, float s2, float *out);

/* forward != 0: out [batch][c][h*stride][w*stride] = scale * in(nearest) (overwrites); forward 0:
 * in [batch][c][h][w] += scale * sum of the stride x stride block of out (accumulates).
 * Threads: over image rows.  Error: stride^2 roundings.  Source: Darknet blas.c. */
enum dk_status dk_upsample_cpu(float *in, int64_t w, int64_t h, int64_t c, int64_t batch,
                               int64_t stride, int forward, float scale, float *out);
/* [cffi end] */

#endif

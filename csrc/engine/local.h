/* Locally connected layer: a convolution whose weights differ at every output position. */
#ifndef DK_ENGINE_LOCAL_H
#define DK_ENGINE_LOCAL_H

#include "dk_types.h"

/* [cffi begin] */
/* With location l = i*y.width + j, K = x.channels*size*size and k = (c*size + u)*size + v:
 *   y(n, i, j, f) = biases[f][l]
 *                   + sum_k weights[l][f][k] * x(n, i*stride - pad + u, j*stride - pad + v, c)
 * with 0 outside the image.  weights: float32 [locations][filters][K], biases: [filters][locations]
 * (both Darknet's order), filters = y.channels; biases may be NULL.  size, stride >= 1, pad >= 0.
 *   forward            reads x, weights, biases; writes y.  Threads: over locations.
 *   backward_data      reads the output's delta in y and weights; x (+)= delta (accumulate 0
 *                      overwrites).  Threads: over groups of images.
 *   backward_weights   reads x and the output's delta in y; weights += and biases += (update
 *                      buffers of the same shapes).  Threads: over locations.
 * Error: 4 eps sqrt(K) sum|w*x|.  Source: Darknet local_layer.c. */
struct dk_local {
    struct dk_tensor x, y;
    int64_t size, stride, pad;
    float *weights, *biases;
    int accumulate;
};
enum dk_status dk_local_forward(const struct dk_local *args);
enum dk_status dk_local_backward_data(const struct dk_local *args);
enum dk_status dk_local_backward_weights(const struct dk_local *args);
/* [cffi end] */

#endif

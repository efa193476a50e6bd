/* Darknet's biases and scales, under its names and argument lists.
 *
 * Layout, threads and errors as in kernels/batchnorm.h: `n` filters of `size` values.
 * DK_BAD_SHAPE when a size is < 1.  Source: Darknet convolutional_layer.c. */
#ifndef DK_KERNELS_BIASES_H
#define DK_KERNELS_BIASES_H

#include "dk_types.h"

/* [cffi begin] */
/* output += biases[f], in place. */
enum dk_status dk_add_bias(float *output, const float *biases, int64_t batch, int64_t n,
                           int64_t size);
/* output *= scales[f], in place. */
enum dk_status dk_scale_bias(float *output, const float *scales, int64_t batch, int64_t n,
                             int64_t size);
/* bias_updates[f] += sum of delta.  Adds. */
enum dk_status dk_backward_bias(float *bias_updates, const float *delta, int64_t batch, int64_t n,
                                int64_t size);

/* Both in one, to an output of its own, which may be x: out = x*scales[f] + biases[f];
 * scales NULL: 1; biases NULL: 0. */
enum dk_status dk_scale_shift(const float *x, const float *scales, const float *biases,
                              int64_t batch, int64_t filters, int64_t spatial, float *out);
/* [cffi end] */

#endif

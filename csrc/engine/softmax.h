/* Softmax over contiguous groups of values.
 *
 *   y_i = e^((x_i - max)/T) / sum over the group of e^((x_j - max)/T),  T = temperature
 *
 * The largest value is taken off first, so that nothing overflows; a NaN makes its whole group NaN.
 * Threads: split over groups.  Error: (4 + |x_i - max|/T) ulp.
 * Source: Darknet blas.c softmax_cpu. */
#ifndef DK_ENGINE_SOFTMAX_H
#define DK_ENGINE_SOFTMAX_H

#include "dk_types.h"

/* [cffi begin] */
struct dk_softmax {
    const float *x;
    float *y;                         /* written; may be x when their strides are equal */
    int64_t rows, x_stride, y_stride; /* row r begins at x + r*x_stride */
    int64_t groups, group_stride;     /* its group g at a further g*group_stride, in x and in y */
    int64_t group_size;               /* values of a group */
    float temperature;                /* not 0 */
};
enum dk_status dk_softmax_forward(const struct dk_softmax *args);
/* [cffi end] */

#endif

/* LRN and l2norm on Darknet's layout.
 * Threads: split over images and blocks of positions.
 * Errors as in engine/lrn.h and engine/l2norm.h. */
#ifndef DK_KERNELS_NORMALIZATION_H
#define DK_KERNELS_NORMALIZATION_H

#include "dk_types.h"
#include "engine/lrn.h"

/* [cffi begin] */
/* engine/lrn.h on dense arrays [batch][channels][height][width]; norms has that layout too,
 * strides are not read. */
enum dk_status dk_lrn_forward_nchw(const struct dk_lrn_forward *args);
int64_t dk_lrn_backward_nchw_workspace(const struct dk_lrn_backward *args);
enum dk_status dk_lrn_backward_nchw(const struct dk_lrn_backward *args);

/* x = x / |x| and dx = (1 - x)/|x| (of the new x), |x| over the filters at each position of
 * [batch][filters][spatial]; both 0 where |x| is 0 (Darknet: NaN).  x in place, dx overwritten.
 * Source: Darknet blas.c. */
enum dk_status dk_l2normalize_cpu(float *x, float *dx, int64_t batch, int64_t filters,
                                  int64_t spatial);
/* The same with an output of its own (which may be x); dx may be NULL. */
enum dk_status dk_l2normalize(const float *x, float *out, float *dx, int64_t batch, int64_t filters,
                              int64_t spatial);
/* [cffi end] */

#endif

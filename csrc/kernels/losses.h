/* Darknet's losses, element by element: delta and error of n values, overwritten or NULL.
 *
 * e = truth - pred:  l2: e, e^2;  l1: e>0 ? 1 : -1, |e|;  smooth_l1: |e|<1: e, e^2, else sign(e),
 * 2|e|-1 (pjreddie's CPU code has the sign wrong);  softmax_x_ent: e, -truth ln pred (Darknet: -ln
 * pred wherever truth is not 0; the same for 0 and 1);  logistic_x_ent: e, -truth ln pred -
 * (1-truth) ln(1-pred).  ln(p) is taken of max(p, 1.18e-38).  A truth of -1234 counts as any other,
 * except in softmax_x_ent (0 and 0).
 * Threads: split over the values.  Error: 3 ulp of each term.  Source: Darknet blas.c. */
#ifndef DK_KERNELS_LOSSES_H
#define DK_KERNELS_LOSSES_H

#include "dk_types.h"
#include "engine/cost.h"

/* [cffi begin] */
enum dk_status dk_l2_cpu(int64_t n, const float *pred, const float *truth, float *delta,
                         float *error);
enum dk_status dk_l1_cpu(int64_t n, const float *pred, const float *truth, float *delta,
                         float *error);
enum dk_status dk_smooth_l1_cpu(int64_t n, const float *pred, const float *truth, float *delta,
                                float *error);
enum dk_status dk_softmax_x_ent_cpu(int64_t n, const float *pred, const float *truth, float *delta,
                                    float *error);
enum dk_status dk_logistic_x_ent_cpu(int64_t n, const float *pred, const float *truth, float *delta,
                                     float *error);
/* [cffi end] */

#endif

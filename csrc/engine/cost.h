/* Losses: of each image their sum, and Darknet's delta for the layer before.
 * p: prediction, t: truth, e = t - p.
 *
 *   kind                     loss                        delta
 *   sse                      e^2                         e (half the derivative)
 *   masked                   as sse; 0 where t = -1234   e;  0 where t = -1234
 *   smooth                   |e|<1: e^2, else 2|e| - 1   |e|<1: e, else sign(e)
 *   L1                       |e|                         e>0: 1, else -1
 *   softmax cross entropy    -t ln p; 0 where t = -1234  e;  0 where t = -1234
 *   logistic cross entropy   -t ln p - (1-t) ln(1-p)     e
 *
 * The deltas of the cross entropies are with respect to the softmax's and the logistic's input.
 * ln(p) is taken of max(p, 1.18e-38): a probability of 0 costs 87.3 and not infinity.
 * Threads: split over images.  Error: of the sum 16 ulp of the sum of absolute losses.
 * Source: Darknet cost_layer.c, blas.c (smooth with the right sign, cross entropy
 * weighted by t). */
#ifndef DK_ENGINE_COST_H
#define DK_ENGINE_COST_H

#include "dk_types.h"
#include "simd/cost_kernels.h"

/* [cffi begin] */
struct dk_cost {
    struct dk_tensor prediction;
    const float *truth;      /* dense [batch][height][width][channels] */
    struct dk_tensor delta;  /* data NULL: the losses only */
    struct dk_tensor losses; /* each value's, written; data NULL: only their sums are wanted */
    int kind;                /* enum dk_cost_kind */
    float delta_factor;      /* multiplies the delta, not the losses */
    int accumulate;          /* 1: delta += instead of delta = */
    double *costs;           /* [batch], written */
};
enum dk_status dk_cost(const struct dk_cost *args);
/* [cffi end] */

#endif

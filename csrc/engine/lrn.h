/* Local response normalisation over the channels of each pixel (Krizhevsky et al. 2012).
 *
 *   norm_k = kappa + alpha * sum of x_j^2 over the channels j of k - (size-1)/2 .. k + size/2
 *   y_k    = x_k * norm_k^-beta
 *   dx_i   = delta_i norm_i^-beta
 *            - 2 alpha beta x_i * sum of delta_j y_j / norm_j over the j whose window holds i
 *
 * Backward makes norm and y again from x: quicker than reading them, and they need not be kept.
 *
 * Darknet's own sum misses one channel and its backward keeps the first term only; this is the
 * paper's.  beta = .75 needs reciprocal square roots only, others simd/math.h's vpow.
 * Threads: split over pixels.  Error: size + 4 ulp for beta = .75; backward: the same
 * of the terms' sizes. */
#ifndef DK_ENGINE_LRN_H
#define DK_ENGINE_LRN_H

#include "dk_types.h"

/* [cffi begin] */
struct dk_lrn_forward {
    struct dk_tensor x, y; /* same sizes, apart */
    int64_t size;          /* >= 1 */
    float alpha, beta, kappa;
    float *norms; /* [pixels][channels], written unless NULL */
};
enum dk_status dk_lrn_forward(const struct dk_lrn_forward *args);

struct dk_lrn_backward {
    struct dk_tensor x, delta;
    struct dk_tensor dx; /* written; may be delta itself unless accumulate */
    int64_t size;
    float alpha, beta, kappa;
    int accumulate;  /* 1: dx += instead of dx = */
    void *workspace; /* as many bytes as the function's _workspace says */
};
int64_t dk_lrn_backward_workspace(const struct dk_lrn_backward *args);
enum dk_status dk_lrn_backward(const struct dk_lrn_backward *args);
/* [cffi end] */

#endif

/* Contracts of local response normalisation on `pixels` pixels of `channels` contiguous channels
 * each, `stride` floats apart; `norms` is dense.  Formulas in engine/lrn.h; the window of channel k
 * is k-before .. k+after. */
#ifndef DK_LRN_KERNELS_H
#define DK_LRN_KERNELS_H

#include <stdint.h>

struct dk_lrn_kernels {
    /* norms = kappa + alpha * window sum of x^2 (not stored where NULL);  y = x * norms^-beta. */
    void (*forward)(int64_t pixels, int64_t channels, int64_t before, int64_t after, float alpha,
                    float beta, float kappa, const float *x, int64_t x_stride, float *y,
                    int64_t y_stride, float *norms);
    /* dx = delta*norm^-beta - 2 alpha beta x * sum of delta*y/norm over the channels whose window
     * holds this one; added to dx where accumulate.  dx may be delta (then not accumulate).
     * `scratch` has `channels` floats. */
    void (*backward)(int accumulate, int64_t pixels, int64_t channels, int64_t before,
                     int64_t after, float alpha, float beta, float kappa, const float *x,
                     int64_t x_stride, const float *delta, int64_t delta_stride, float *dx,
                     int64_t dx_stride, float *scratch);
};

#endif

/* Contracts of batch normalisation on `pixels` pixels of `channels` contiguous channels each,
 * `stride` floats apart; formulas in engine/batchnorm.h.  Arrays per channel have `channels`
 * values. */
#ifndef DK_BATCHNORM_KERNELS_H
#define DK_BATCHNORM_KERNELS_H

#include <stdint.h>

/* What both passes of the backward read.  g comes from z = (x - mean)*factor + bias for relu,
 * leaky, revleaky and the kinds that need the input, from y for the others (y is never read for the
 * former, but is no NULL). */
struct dk_batchnorm_rows {
    int64_t channels;
    const float *x, *y, *delta;
    int64_t x_stride, y_stride, delta_stride;
    const float *mean, *factor, *bias;
};

struct dk_batchnorm_kernels {
    /* Sums about a shift: shift = mean of the first pixels (at most 4), sum = sum of x - shift,
     * square = sum of (x - shift)^2.  The shift is made of the data, so (shift - mean)^2 is at
     * most pixels/4 times the variance, and square - sum^2/pixels loses no more than that factor.
     * All three are written. */
    void (*moments)(int64_t pixels, int64_t channels, const float *x, int64_t stride, float *shift,
                    float *sum, float *square);
    /* y = f((x - mean)*factor + bias + residual), residual NULL for none.  y may be x or
     * residual.  is_streamed: full vectors of y are stored around the caches; its pixels then
     * begin at cache lines. */
    void (*normalise)(int kind, int is_streamed, int64_t pixels, int64_t channels, const float *x,
                      int64_t x_stride, const float *residual, int64_t residual_stride, float *y,
                      int64_t y_stride, const float *mean, const float *factor, const float *bias);
    /* d = delta*g;  sum = sum of d, product = sum of d*(x - mean).  Both are written. */
    void (*backward_sums)(int kind, int64_t pixels, const struct dk_batchnorm_rows *rows,
                          float *sum, float *product);
    /* dx = by_delta*d + by_x*(x - mean) + constant, d as above; added to dx where
     * accumulate.  dx may be delta. */
    void (*backward)(int kind, int accumulate, int64_t pixels, const struct dk_batchnorm_rows *rows,
                     float *dx, int64_t dx_stride, const float *by_delta, const float *by_x,
                     const float *constant);
    /* delta *= g(saved) in place (linear: delta is only read);
     * sum = sum of the new delta, written. */
    void (*bias_sums)(int kind, int64_t pixels, int64_t channels, const float *saved,
                      int64_t saved_stride, float *delta, int64_t delta_stride, float *sum);
};

#endif

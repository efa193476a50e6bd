/* Contracts of dividing pixels by their length; formulas in engine/l2norm.h. */
#ifndef DK_L2NORM_KERNELS_H
#define DK_L2NORM_KERNELS_H

#include <stdint.h>

struct dk_l2norm_kernels {
    /* y = x / |x| for each of `pixels` rows of `channels` values; y may be x. */
    void (*forward)(int64_t pixels, int64_t channels, const float *x, int64_t x_stride, float *y,
                    int64_t y_stride);
    /* One row: y = x / |x|, and Darknet's dx = (1 - y)/|x| unless NULL; both 0 where
     * |x| is 0.  y may be x. */
    void (*normalize)(int64_t channels, const float *x, float *y, float *dx);
    /* dx = (delta - y (y.delta)) / |x|; added where accumulate.  dx may be delta
     * (then not accumulate). */
    void (*backward)(int accumulate, int64_t pixels, int64_t channels, const float *x,
                     int64_t x_stride, const float *y, int64_t y_stride, const float *delta,
                     int64_t delta_stride, float *dx, int64_t dx_stride);
};

#endif

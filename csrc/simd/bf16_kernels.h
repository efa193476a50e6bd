/* Contracts of what multiplies in bf16, the upper 16 bits of a float.  It belongs to one variant of
 * the vector kernels, whose lanes and tile sizes it shares: see dk_bf16 in dispatch.h.
 *
 * A pair is two bf16 values that lie side by side, 4 bytes: of channels 2c and 2c+1, the second 0
 * where there is none.  Denormal values count as 0. */
#ifndef DK_BF16_KERNELS_H
#define DK_BF16_KERNELS_H

#include "simd/convolution_kernels.h"
#include "simd/winograd_kernels.h"

struct dk_bf16_kernels {
    /* As the forward tile of struct dk_convolution_kernels, with pairs for the values of rows and
     * of weights: a product is x0*w0 + x1*w1, summed in float. */
    void (*forward)(const struct dk_convolution_tile *tile);
    /* F(2x2,3x3), whose inputs are transformed in float and then rounded. */
    struct dk_winograd_form winograd;
    /* For `pixels` pixels, x_step floats and y_step pairs apart: y[0 .. (channels+1)/2-1] = pairs
     * of x[0 .. channels-1], each rounded to the nearest bf16, ties to even. */
    void (*round)(int64_t pixels, int64_t channels, const float *x, int64_t x_step, uint32_t *y,
                  int64_t y_step);
};

#if defined(__x86_64__)
extern const struct dk_bf16_kernels dk_bf16_avx512;
#endif

#endif

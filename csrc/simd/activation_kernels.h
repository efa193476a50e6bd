/* Contracts of the activations on one stretch of contiguous memory; formulas in
 * engine/activation.h. */
#ifndef DK_ACTIVATION_KERNELS_H
#define DK_ACTIVATION_KERNELS_H

#include <stdint.h>

struct dk_activation_kernels {
    /* y = f(x) for n values; y may be x unless is_streamed (simd/vector.h, vput_n).  kind:
     * enum dk_activation. */
    void (*forward)(int kind, int is_streamed, int64_t n, const float *x, float *y);
    /* out = delta*g(saved) for n values; saved is the input where dk_activation_needs_input(kind),
     * else the output.  out may be delta unless is_streamed. */
    void (*gradient)(int kind, int is_streamed, int64_t n, const float *saved, const float *delta,
                     float *out);
};

#endif

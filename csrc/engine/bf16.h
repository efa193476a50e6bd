/* Numbers in bf16, the upper half of a float: 8 bits of precision, the range of float.  Only for
 * inference, and only where dk_has_bf16(). */
#ifndef DK_ENGINE_BF16_H
#define DK_ENGINE_BF16_H

#include "dk_types.h"

#include <string.h>

/* [cffi begin] */
/* Whether the instruction set in use multiplies bf16: AVX-512 with AVX512_BF16. */
int dk_has_bf16(void);

/* y(p, c) = the pair x(p, 2c), x(p, 2c+1), rounded to the nearest bf16, ties to even; 0 for a
 * channel that x has not; denormals become 0.  A pair takes the place of a float: y has half the
 * channels, rounded up. */
struct dk_round_bf16 {
    struct dk_tensor x, y; /* x read, y written */
};
/* Threads: split over pixels.  DK_UNSUPPORTED without dk_has_bf16(). */
enum dk_status dk_round_bf16(const struct dk_round_bf16 *args);
/* [cffi end] */

/* Channels in pairs. */
static inline int64_t dk_pairs(int64_t channels) {
    return (channels + 1) / 2;
}

/* The pair of two values, each rounded to the nearest bf16, ties to even (neither is NaN);
 * the first lies below. */
static inline uint32_t dk_to_pair(float first, float second) {
    uint32_t bits[2];
    memcpy(bits, &first, sizeof first);
    memcpy(bits + 1, &second, sizeof second);
    for (int i = 0; i < 2; i++)
        bits[i] = (bits[i] + 0x7fff + (bits[i] >> 16 & 1)) >> 16;
    return bits[0] | bits[1] << 16;
}

#endif

/* simd/bf16_kernels.h for the variant avx512, on processors that have AVX512_BF16 as well. */
#include "dk_types.h"
#include "simd/bf16_kernels.h"
#include "simd/math.h"
#include "simd/vector.h"

/* only a few of these bodies are used */
#pragma GCC diagnostic ignored "-Wunused-function"
#include "simd/activation.inc"

/* A pair in every lane: as bits, since it may look like a NaN. */
DK_INLINE vf vpair(const float *p) {
    int32_t bits;
    memcpy(&bits, p, sizeof bits);
    return (vf)_mm512_set1_epi32(bits);
}

/* Written as the instruction: GCC 12 would load into a register first. */
DK_INLINE vf vadd_products_from(vf sum, vf x, const float *w) {
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(x), "m"(*(const vf_unaligned *)w));
    return sum;
}

#define TILE_VALUE(p) vpair(p)
#define TILE_ADD(sum, x, w)                                                                        \
    ((sum) = (vf)_mm512_dpbf16_ps((__m512)(sum), (__m512bh)(x), (__m512bh)(w)))
#define TILE_ADD_FROM(sum, x, p) ((sum) = vadd_products_from(sum, x, p))
#include "simd/convolution_tile.inc"

DK_INLINE void vstore_pairs(float *p, vf v) {
    _mm256_storeu_si256((__m256i *)p, (__m256i)_mm512_cvtneps_pbh((__m512)v));
}

#define WINOGRAD_STORE(v, c, values) vstore_pairs((v) + (c) / 2, values)
#include "simd/winograd.inc"

static void round_pixel(int64_t n, const float *x, uint32_t *y) {
    int64_t c = 0;
    for (; c + VL <= n; c += VL)
        vstore_pairs((float *)y + c / 2, vload(x + c));
    if (c < n) {
        const __mmask8 pairs = (__mmask8)((1u << (n - c + 1) / 2) - 1);
        _mm256_mask_storeu_epi32(y + c / 2, pairs,
                                 (__m256i)_mm512_cvtneps_pbh((__m512)vload_n(x + c, n - c)));
    }
}

static void round_to_pairs(int64_t pixels, int64_t channels, const float *x, int64_t x_step,
                           uint32_t *y, int64_t y_step) {
    if (x_step == channels && 2 * y_step == channels) {
        round_pixel(pixels * channels, x, y);
        return;
    }
    if (channels == 3) { /* photos */
        for (; pixels > 0; pixels--, x += x_step, y += y_step)
            _mm_storel_epi64((__m128i *)y, (__m128i)_mm_cvtneps_pbh(_mm_maskz_loadu_ps(7, x)));
        return;
    }
    for (; pixels > 0; pixels--, x += x_step, y += y_step)
        round_pixel(channels, x, y);
}

const struct dk_bf16_kernels dk_bf16_avx512 = {
    .forward = convolution_forward,
    .winograd = {WINOGRAD_FORM(2_3, 2, 3, 1, 4), .in_pairs = 1},
    .round = round_to_pairs,
};

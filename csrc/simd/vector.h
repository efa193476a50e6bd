/* One vocabulary for all vector kernels: GCC/Clang vector extensions, with the few things that
 * these lack written per instruction set.  VL is the number of floats in a vector: 16 with
 * AVX-512, 8 with AVX, else 4 (SSE2, NEON).  VREGS is the number of vector registers, which
 * register tiles are sized by. */
#ifndef DK_VECTOR_H
#define DK_VECTOR_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#define VL 16
#define VREGS 32
#elif defined(__AVX__)
#include <immintrin.h>
#define VL 8
#define VREGS 16
#elif defined(__x86_64__)
#include <emmintrin.h>
#define VL 4
#define VREGS 16
#else
#define VL 4
#define VREGS 32
#endif

typedef float vf __attribute__((vector_size(VL * 4), may_alias));
typedef float vf_unaligned __attribute__((vector_size(VL * 4), aligned(4), may_alias));
typedef int32_t vi __attribute__((vector_size(VL * 4), may_alias));

#define DK_INLINE static inline __attribute__((always_inline, unused))

/* All lanes s.  (s - 0 is s for every s, -0 included, so compilers make it a broadcast.) */
DK_INLINE vf vset(float s) {
    return s - (vf){0};
}

DK_INLINE vf vload(const float *p) {
    return *(const vf_unaligned *)p;
}

DK_INLINE void vstore(float *p, vf v) {
    *(vf_unaligned *)p = v;
}

#if defined(__AVX2__) && VL == 8
/* All ones in the first n lanes. */
DK_INLINE __m256i vfirst_lanes(int64_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
#endif

/* The first n lanes (0 <= n <= VL) from memory, the others 0; reads nothing else. */
DK_INLINE vf vload_n(const float *p, int64_t n) {
#if VL == 16
    if (__builtin_constant_p(n) && n == VL)
        return vload(p);
    return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#elif defined(__AVX2__)
    if (__builtin_constant_p(n) && n == VL)
        return vload(p);
    return (vf)_mm256_maskload_ps(p, vfirst_lanes(n));
#else
    if (n == VL)
        return vload(p);
#if VL == 8
    vi lane = {0, 1, 2, 3, 4, 5, 6, 7};
    return (vf)_mm256_maskload_ps(p, (__m256i)(lane < (int32_t)n));
#else
    vf v = {0};
    for (int i = 0; i < n; i++)
        v[i] = p[i];
    return v;
#endif
#endif
}

/* The first n lanes (0 <= n <= VL) to memory; writes nothing else. */
DK_INLINE void vstore_n(float *p, vf v, int64_t n) {
#if VL == 16
    if (__builtin_constant_p(n) && n == VL)
        vstore(p, v);
    else
        _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#elif defined(__AVX2__)
    if (n == VL) /* masked stores are slow on some processors */
        vstore(p, v);
    else
        _mm256_maskstore_ps(p, vfirst_lanes(n), (__m256)v);
#else
    if (n == VL)
        vstore(p, v);
    else
        for (int i = 0; i < n; i++)
            p[i] = v[i];
#endif
}

/* Lane by lane: mask (all ones or all zeros) ? a : b. */
DK_INLINE vf vselect(vi mask, vf a, vf b) {
    return (vf)(((vi)a & mask) | ((vi)b & ~mask));
}

/* Lane by lane a > b ? a : b; b where either is NaN. */
DK_INLINE vf vmax(vf a, vf b) {
#if VL == 16
    return (vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif VL == 8
    return (vf)_mm256_max_ps((__m256)a, (__m256)b);
#elif defined(__x86_64__)
    return (vf)_mm_max_ps((__m128)a, (__m128)b);
#else
    return vselect(a > b, a, b);
#endif
}

/* Lane by lane a < b ? a : b; b where either is NaN. */
DK_INLINE vf vmin(vf a, vf b) {
#if VL == 16
    return (vf)_mm512_min_ps((__m512)a, (__m512)b);
#elif VL == 8
    return (vf)_mm256_min_ps((__m256)a, (__m256)b);
#elif defined(__x86_64__)
    return (vf)_mm_min_ps((__m128)a, (__m128)b);
#else
    return vselect(a < b, a, b);
#endif
}

DK_INLINE vf vsqrt(vf a) {
#if VL == 16
    return (vf)_mm512_sqrt_ps((__m512)a);
#elif VL == 8
    return (vf)_mm256_sqrt_ps((__m256)a);
#elif defined(__x86_64__)
    return (vf)_mm_sqrt_ps((__m128)a);
#else
    vf r = a;
    for (int i = 0; i < VL; i++)
        r[i] = __builtin_sqrtf(a[i]);
    return r;
#endif
}

DK_INLINE vf vabs(vf a) {
    return (vf)((vi)a & 0x7fffffff);
}

/* Asks for the cache lines of `bytes` bytes that lie eight kilobytes beyond p: across the borders
 * of pages, where the processor's own prefetching ends.  No memory need be there. */
DK_INLINE void vprefetch(const void *p, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += 64)
        __builtin_prefetch((const void *)((uintptr_t)p + 8192 + (uintptr_t)i));
}

/* Store around the caches (p aligned to the vector's size) where that exists; then call
 * vstream_fence() once. */
DK_INLINE void vstream(float *p, vf v) {
#if VL == 16
    _mm512_stream_ps(p, (__m512)v);
#elif VL == 8
    _mm256_stream_ps(p, (__m256)v);
#elif defined(__x86_64__)
    _mm_stream_ps(p, (__m128)v);
#else
    *(vf *)p = v;
#endif
}

DK_INLINE void vstream_fence(void) {
#if defined(__x86_64__)
    _mm_sfence();
#endif
}

/* vstore_n, or for whole vectors vstream where is_streamed: of kernels that write large
 * outputs around the caches. */
DK_INLINE void vput_n(int is_streamed, float *p, vf v, int64_t n) {
    if (is_streamed && n == VL)
        vstream(p, v);
    else
        vstore_n(p, v, n);
}

/* Asks for what comes behind the vector at p, the only input of a kernel, where is_streamed:
 * with two inputs the processor's own prefetching is faster alone, and what is in the caches
 * need not be asked for. */
DK_INLINE void vfetch(int is_streamed, const float *p) {
    if (is_streamed)
        vprefetch(p, 4 * VL);
}

/* The lanes as one value, by a tree: the lower and the upper half are joined lane by lane, and
 * so on, in the same order on every machine.  Written out where compilers would go through
 * memory, lane by lane. */
#if VL == 16
#define VJOIN_LANES(a, JOIN8, JOIN4, JOIN1)                                                        \
    VJOIN_EIGHT(                                                                                   \
        JOIN8(_mm512_castps512_ps256((__m512)(a)), _mm512_extractf32x8_ps((__m512)(a), 1)), JOIN4, \
        JOIN1)
#elif VL == 8
#define VJOIN_LANES(a, JOIN8, JOIN4, JOIN1) VJOIN_EIGHT((__m256)(a), JOIN4, JOIN1)
#elif defined(__x86_64__)
#define VJOIN_LANES(a, JOIN8, JOIN4, JOIN1) VJOIN_FOUR((__m128)(a), JOIN4, JOIN1)
#endif
#define VJOIN_EIGHT(a, JOIN4, JOIN1)                                                               \
    ({                                                                                             \
        const __m256 eight = (a);                                                                  \
        VJOIN_FOUR(JOIN4(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1)), JOIN4,   \
                   JOIN1);                                                                         \
    })
#define VJOIN_FOUR(a, JOIN4, JOIN1)                                                                \
    ({                                                                                             \
        const __m128 four = (a), two = JOIN4(four, _mm_movehl_ps(four, four));                     \
        _mm_cvtss_f32(JOIN1(two, _mm_shuffle_ps(two, two, 1)));                                    \
    })

/* Sum of the lanes. */
DK_INLINE float vsum(vf a) {
#if defined(VJOIN_LANES)
    return VJOIN_LANES(a, _mm256_add_ps, _mm_add_ps, _mm_add_ss);
#else
    return (a[0] + a[2]) + (a[1] + a[3]);
#endif
}

/* Largest lane. */
DK_INLINE float vmax_lane(vf a) {
#if defined(VJOIN_LANES)
    return VJOIN_LANES(a, _mm256_max_ps, _mm_max_ps, _mm_max_ss);
#else
    const float low = a[0] > a[2] ? a[0] : a[2], high = a[1] > a[3] ? a[1] : a[3];
    return low > high ? low : high;
#endif
}

/* Largest of n values, -infinity if none; NaN does not count. */
DK_INLINE float vmax_of(int64_t n, const float *x) {
    vf l0 = vset(-INFINITY), l1 = l0, l2 = l0, l3 = l0;
    int64_t whole = n - n % VL, i0 = 0;
    for (; i0 + 4 * VL <= whole; i0 += 4 * VL) { /* four, not to wait for each other */
        l0 = vmax(vload(x + i0), l0);
        l1 = vmax(vload(x + i0 + VL), l1);
        l2 = vmax(vload(x + i0 + 2 * VL), l2);
        l3 = vmax(vload(x + i0 + 3 * VL), l3);
    }
    for (; i0 < whole; i0 += VL)
        l0 = vmax(vload(x + i0), l0);
    float max = vmax_lane(vmax(vmax(l0, l1), vmax(l2, l3)));
    for (int64_t i = whole; i < n; i++) /* the empty lanes of a short vector must not count */
        max = x[i] > max ? x[i] : max;
    return max;
}

/* Runs the statements with c = 0, VL, 2 VL, ... below n and k = VL, at last once with the k < VL
 * that are left: of full vectors vload_n and vstore_n then know it.  The statements are written
 * twice, so keep them short. */
#define FOR_VECTORS(c, k, n, ...)                                                                  \
    do {                                                                                           \
        int64_t c = 0;                                                                             \
        for (; c + VL <= (n); c += VL) {                                                           \
            const int64_t k = VL;                                                                  \
            __VA_ARGS__                                                                            \
        }                                                                                          \
        if (c < (n)) {                                                                             \
            const int64_t k = (n) - c;                                                             \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    } while (0)

/* The lower, or the upper, halves of a and b, value by value in turns. */
#if defined(__clang__) && VL == 16
#define VINTERLEAVE_LOW(a, b)                                                                      \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define VINTERLEAVE_HIGH(a, b)                                                                     \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif VL == 16
#define VINTERLEAVE_LOW(a, b)                                                                      \
    __builtin_shuffle(a, b, (vi){0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23})
#define VINTERLEAVE_HIGH(a, b)                                                                     \
    __builtin_shuffle(a, b, (vi){8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31})
#elif defined(__clang__) && VL == 8
#define VINTERLEAVE_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define VINTERLEAVE_HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#elif VL == 8
#define VINTERLEAVE_LOW(a, b) __builtin_shuffle(a, b, (vi){0, 8, 1, 9, 2, 10, 3, 11})
#define VINTERLEAVE_HIGH(a, b) __builtin_shuffle(a, b, (vi){4, 12, 5, 13, 6, 14, 7, 15})
#elif defined(__clang__)
#define VINTERLEAVE_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define VINTERLEAVE_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#else
#define VINTERLEAVE_LOW(a, b) __builtin_shuffle(a, b, (vi){0, 4, 1, 5})
#define VINTERLEAVE_HIGH(a, b) __builtin_shuffle(a, b, (vi){2, 6, 3, 7})
#endif

#endif

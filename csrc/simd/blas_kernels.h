/* Contracts of the element-wise kernels on stretches of contiguous memory.  y may be one of the
 * inputs itself, but must not overlap one otherwise.  Where is_streamed, whole vectors go around
 * the caches, for outputs larger than those: y begins with a vector's size then and is none of the
 * inputs (simd/vector.h, vput_n). */
#ifndef DK_BLAS_KERNELS_H
#define DK_BLAS_KERNELS_H

#include <stdint.h>

struct dk_blas_kernels {
    void (*fill)(int64_t n, float value, float *y);
    /* y = factor*x ; a factor of 1 copies the bits */
    void (*scale)(int is_streamed, int64_t n, float factor, const float *x, float *y);
    /* y = factor*x + offset */
    void (*affine)(int is_streamed, int64_t n, float factor, float offset, const float *x,
                   float *y);
    /* y += factor*x */
    void (*axpy)(int64_t n, float factor, const float *x, float *y);
    /* y = s*a + t*b */
    void (*weighted)(int is_streamed, int64_t n, float s, const float *a, float t, const float *b,
                     float *y);
    /* sum of x*y of a few thousand values: partial sums per lane, their order set by n alone */
    float (*dot)(int64_t n, const float *x, const float *y);
    /* z = x*y */
    void (*mul)(int is_streamed, int64_t n, const float *x, const float *y, float *z);
    /* y = x^alpha as C's powf, but NaN for negative infinity and a broken alpha; error
     * as simd/math.h, vpow */
    void (*power)(int is_streamed, int64_t n, float alpha, const float *x, float *y);
    /* z += x*y */
    void (*mult_add)(int64_t n, const float *x, const float *y, float *z);
    /* c = s*a + (1-s)*b, b may be NULL (0) */
    void (*weighted_sum)(int is_streamed, int64_t n, const float *a, const float *b, const float *s,
                         float *c);
    /* da += dc*s ; db += dc*(1-s) ; ds += dc*(a-b) ; da, db may be NULL */
    void (*weighted_delta)(int64_t n, const float *a, const float *b, const float *s, float *da,
                           float *db, float *ds, const float *dc);
    /* y = min(max(x, -limit), limit); NaN stays */
    void (*clamp)(int is_streamed, int64_t n, float limit, const float *x, float *y);
    /* y = x, 0 for NaN and infinities */
    void (*make_finite)(int is_streamed, int64_t n, const float *x, float *y);
    /* y = x > 0 ? value : -value */
    void (*sign)(int is_streamed, int64_t n, float value, const float *x, float *y);
    /* sum of |x|: order as dot */
    float (*sum_abs)(int64_t n, const float *x);
    /* Once behind the last of what goes around the caches: makes it visible to other threads. */
    void (*stream_end)(void);
    /* y = x around the caches, x in the first-level cache; y begins with a vector's size */
    void (*stream_copy)(int64_t n, const float *x, float *y);
    /* y[i] = x[i] where keep[(first + i) % period] is -1, 0 where it is 0; keep has `period` values
     * and goes on in the same way for 16 more.  Around the caches; y may begin anywhere. */
    void (*stream_keep)(int64_t n, const float *x, const int32_t *keep, int64_t first,
                        int64_t period, float *y);
};

#endif

/* Darknet's element-wise kernels on vectors, under its names and argument lists.
 *
 * n values; value i of x stands at x[i*incx].  Increments are >= 0 for what is read, >= 1 for
 * what is written (DK_BAD_ARGUMENT).  With increments of 1 they run on vectors; outputs that are
 * only written and exceed the caches are stored around them.  Threads: split over the values;
 * bits do not depend on them.
 * Error: one rounding per operation written, unless said.
 * Source: Darknet blas.c; *: AlexeyAB's. */
#ifndef DK_KERNELS_BLAS_H
#define DK_KERNELS_BLAS_H

#include "dk_types.h"

/* [cffi begin] */
/* x = alpha */
enum dk_status dk_fill_cpu(int64_t n, float alpha, float *x, int64_t incx);
enum dk_status dk_const_cpu(int64_t n, float alpha, float *x, int64_t incx);
/* y = x, bit for bit */
enum dk_status dk_copy_cpu(int64_t n, const float *x, int64_t incx, float *y, int64_t incy);
/* y = x*y */
enum dk_status dk_mul_cpu(int64_t n, const float *x, int64_t incx, float *y, int64_t incy);
/* y = x^alpha; NaN for x < 0 unless alpha is whole.  Error: 2 + 2*|alpha ln x| ulp; alpha 0, 1,
 * 2, 0.5: 1 rounding. */
enum dk_status dk_pow_cpu(int64_t n, float alpha, const float *x, int64_t incx, float *y,
                          int64_t incy);
/* y = y + alpha*x */
enum dk_status dk_axpy_cpu(int64_t n, float alpha, const float *x, int64_t incx, float *y,
                           int64_t incy);
/* x = alpha*x */
enum dk_status dk_scal_cpu(int64_t n, float alpha, float *x, int64_t incx);
/* * x = alpha*x + beta */
enum dk_status dk_scal_add_cpu(int64_t n, float alpha, float beta, float *x, int64_t incx);
/* *sum = sum of x*y.  (Darknet returns it.)  Error: about 4 eps sqrt(n) * sum|x*y|. */
enum dk_status dk_dot_cpu(int64_t n, const float *x, int64_t incx, const float *y, int64_t incy,
                          float *sum);
/* * x = min(max(x, -alpha), alpha); NaN stays (AlexeyAB: becomes -alpha). */
enum dk_status dk_constrain_cpu(int64_t size, float alpha, float *x);
/* * NaN and infinities become 0 (AlexeyAB: 1/i, infinite for the first). */
enum dk_status dk_fix_nan_and_inf_cpu(float *x, int64_t size);
/* z = z + x*y */
enum dk_status dk_mult_add_into_cpu(int64_t n, const float *x, const float *y, float *z);
/* c = s*a + (1-s)*b; b NULL counts as 0 */
enum dk_status dk_weighted_sum_cpu(const float *a, const float *b, const float *s, int64_t n,
                                   float *c);
/* da += dc*s ;  db += dc*(1-s) ;  ds += dc*(a-b); da and db may be NULL */
enum dk_status dk_weighted_delta_cpu(const float *a, const float *b, const float *s, float *da,
                                     float *db, float *ds, int64_t n, const float *dc);
/* out[b] = the nx values x[b] followed by the ny values y[b], for batch images */
enum dk_status dk_inter_cpu(int64_t nx, const float *x, int64_t ny, const float *y, int64_t batch,
                            float *out);
/* x[b] += the first nx values of out[b], y[b] += the ny values behind them; x or y may be NULL */
enum dk_status dk_deinter_cpu(int64_t nx, float *x, int64_t ny, float *y, int64_t batch,
                              const float *out);

/* The same with an output of its own, which may be an input itself, on n contiguous values:
 *   out = x*y ;  out = s*a + t*b ;  out = alpha*x + beta ;  constrain ;  fix_nan_and_inf */
enum dk_status dk_product(int64_t n, const float *x, const float *y, float *out);
enum dk_status dk_combine(int64_t n, float s, const float *a, float t, const float *b, float *out);
enum dk_status dk_affine(int64_t n, float alpha, float beta, const float *x, float *out);
enum dk_status dk_constrain(int64_t n, float alpha, const float *x, float *out);
enum dk_status dk_make_finite(int64_t n, const float *x, float *out);

/* binary = w > 0 ? m : -m with m = mean |w| of the filter's `size` weights; n filters.
 * Error: 4 eps sqrt(size) m.
 * Source: Darknet convolutional_layer.c, as the next two. */
enum dk_status dk_binarize_weights(const float *weights, int64_t n, int64_t size, float *binary);
/* binary = x > 0 ? 1 : -1 */
enum dk_status dk_binarize_cpu(const float *x, int64_t n, float *binary);
/* binary = x > 0 ? m : -m with m = mean |x| over the n values at the same one of `size`
 * positions: arrays [n][size].
 * Error: n eps m. */
enum dk_status dk_binarize_input(const float *x, int64_t n, int64_t size, float *binary);
/* [cffi end] */

#endif

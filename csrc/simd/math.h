/* exp, log, tanh, ... on vectors.
 *
 * All take and give any float32: NaN stays NaN, overflow gives infinity.  Errors (in units of the
 * last place, over all of the stated range; checked by tests/engine/test_activation.py) are for
 * every instruction set. */
#ifndef DK_SIMD_MATH_H
#define DK_SIMD_MATH_H

#include "simd/vector.h"

/* Nearest integer, also as a float, |x| < 2^22: adding 1.5*2^23 leaves no room for a fraction. */
#define ROUND_SHIFT 12582912.0f

/* 2^n for -126 <= n <= 127. */
DK_INLINE vf vpower_of_two(vi n) {
    return (vf)((n + 127) << 23);
}

/* e^x = 2^n * (1 + p) with p = e^r - 1, |r| <= ln(2)/2; x within -104 .. 89.  Returns p, relative
 * error 2e-8, and n, also as a float. */
DK_INLINE vf vexp_reduce(vf x, vi *n, vf *n_float) {
    vf shifted = x * vset(1.44269504f) + vset(ROUND_SHIFT);
    vf whole = shifted - vset(ROUND_SHIFT);
    *n = (vi)shifted - (vi)vset(ROUND_SHIFT);
    *n_float = whole;
    /* ln(2) in two pieces: the first has 9 trailing zero bits, so whole*0.693359375 is exact. */
    vf r = (x - whole * vset(0.693359375f)) - whole * vset(-2.12194440e-4f);
    vf q = vset(0.0013946417f);
    q = q * r + vset(0.008366566f);
    q = q * r + vset(0.041666284f);
    q = q * r + vset(0.16666543f);
    q = q * r + vset(0.5f);
    return r + r * r * q;
}

/* vexp for x <= 89, which it does not look at. */
DK_INLINE vf vexp_limited(vf x) {
    vi n;
    vf whole, p = vexp_reduce(vmax(vset(-104), x), &n, &whole);
#if VL == 16
    return (vf)_mm512_scalef_ps((__m512)(vset(1) + p), (__m512)whole);
#else
    /* Two factors, since 2^n alone may be out of range where the product is not. */
    vi half = n >> 1;
    return (vset(1) + p) * vpower_of_two(half) * vpower_of_two(n - half);
#endif
}

/* e^x: 2 ulp; 0 below -103.97, infinity above 88.72. */
DK_INLINE vf vexp(vf x) {
    return vexp_limited(vmin(vset(89), x));
}

/* e^x - 1 for x <= 44: 3 ulp, also near 0. */
DK_INLINE vf vexpm1(vf x) {
    vi n;
    vf whole, p = vexp_reduce(vmax(vset(-44), vmin(vset(44), x)), &n, &whole);
    vf scale = vpower_of_two(n);
    return scale * p + (scale - vset(1));
}

/* ln(x): 2 ulp; -infinity for 0, NaN below. */
DK_INLINE vf vlog(vf x) {
    vi is_small = x < vset(1.17549435e-38f);
    vf scaled = vselect(is_small, x * vset(8388608), x);
    /* x = 2^n * (1 + f), 1 + f in [sqrt(1/2), sqrt(2)) */
    vi bits = (vi)scaled - (vi)vset(0.70710678f);
    vi n = (bits >> 23) - (is_small & 23);
    vf f = (vf)((bits & 0x7fffff) + (vi)vset(0.70710678f)) - vset(1);
    /* ln(1+f) = 2 atanh(s), s = f/(2+f);  2 atanh(s) - 2s = s*z*q(z), z = s^2, and 2s = f - s*f,
     * f*s = f^2/2 - s*f^2/2 */
    vf s = f / (vset(2) + f), z = s * s;
    vf q = vset(0.23580126f);
    q = q * z + vset(0.28537756f);
    q = q * z + vset(0.4000032f);
    q = q * z + vset(0.6666667f);
    vf half_square = vset(0.5f) * f * f;
    vf whole = __builtin_convertvector(n, vf);
    vf y = f - (half_square - (s * (half_square + z * q) + whole * vset(-2.12194440e-4f)));
    y = y + whole * vset(0.693359375f);
    y = vselect(scaled < vset(INFINITY), y, x); /* infinity and NaN as they are */
    return vselect(x > vset(0), y, vselect(x == vset(0), vset(-INFINITY), vset(NAN)));
}

/* x^y for x >= 0 as e^(y ln x): 2 + 2*|y ln x| ulp.  0^y is 0 for y > 0;
 * NaN for x < 0, and for 0^0. */
DK_INLINE vf vpow(vf x, vf y) {
    return vexp(y * vlog(x));
}

/* 1 / (1 + e^-x): 3 ulp; 0 below -88.7, where the exact value is below 1e-38. */
DK_INLINE vf vlogistic(vf x) {
    return vset(1) / (vset(1) + vexp(-x));
}

/* tanh(x): 4 ulp. */
DK_INLINE vf vtanh(vf x) {
    vf m = vexpm1(vset(2) * vmin(vset(10), vabs(x)));
    vi sign = (vi)x & (int32_t)0x80000000;
    return (vf)((vi)(m / (m + vset(2))) | sign);
}

/* Largest integer <= x; values beyond 2^23 are integers already. */
DK_INLINE vf vfloor(vf x) {
    vi is_small = vabs(x) < vset(8388608);
    vf inside = vselect(is_small, x, vset(0));
    vf whole = __builtin_convertvector(__builtin_convertvector(inside, vi), vf);
    return vselect(is_small, vselect(whole > x, whole - vset(1), whole), x);
}

#endif

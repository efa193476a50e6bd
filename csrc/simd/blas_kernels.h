/* Contracts of the element-wise kernels on stretches of contiguous memory.  y may be one of the inputs itself, but
 * must not overlap one otherwise. */
#ifndef DK_BLAS_KERNELS_H
#define DK_BLAS_KERNELS_H

#include <stdint.h>

struct dk_blas_kernels {
    void (*fill)(int64_t n, float value, float *y);
    /* y = factor*x ; a factor of 1 copies the bits */
    void (*scale)(int64_t n, float factor, const float *x, float *y);
    /* y = factor*x + offset */
    void (*affine)(int64_t n, float factor, float offset, const float *x, float *y);
    /* y += factor*x */
    void (*axpy)(int64_t n, float factor, const float *x, float *y);
    /* y = s*a + t*b */
    void (*weighted)(int64_t n, float s, const float *a, float t, const float *b, float *y);
    /* sum of x*y: partial sums per lane in an order that depends on n alone */
    float (*dot)(int64_t n, const float *x, const float *y);
};

#endif

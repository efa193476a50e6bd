/* Contracts of batch normalisation, LRN, softmax and l2norm on Darknet's layout
 * [batch][filters][spatial] (NCHW), a plane being the `n` contiguous values of one filter of one
 * image.  Sums are added in float32 over blocks of 4096 values, and the blocks in double. */
#ifndef DK_NCHW_NORM_KERNELS_H
#define DK_NCHW_NORM_KERNELS_H

#include <stdint.h>

struct dk_nchw_norm_kernels {
    /* *sum = sum of d (unless product is asked for alone: sum NULL);
     * *product = sum of d*(x - mean), unless NULL (then x is not read). */
    void (*sums)(int64_t n, const float *d, const float *x, float mean, double *sum,
                 double *product);
    /* *sum = sum of x - shift, unless NULL, *square = sum of (x - shift)^2 */
    void (*moments)(int64_t n, const float *x, float shift, double *sum, double *square);
    /* y = (x - mean)*factor + bias; y may be x unless is_streamed (simd/vector.h, vput_n) */
    void (*affine)(int is_streamed, int64_t n, const float *x, float mean, float factor, float bias,
                   float *y);
    /* out = by_d*d + by_x*(x - mean) + constant; out may be d or x unless is_streamed */
    void (*combine)(int is_streamed, int64_t n, const float *d, float by_d, const float *x,
                    float mean, float by_x, float constant, float *out);
    /* The squares' sum of rows instead of a plane: square[c] = sum over rows of
     * (x[c] - mean[c])^2, c < channels. */
    void (*row_squares)(int64_t rows, int64_t channels, const float *x, int64_t stride,
                        const float *mean, float *square);

    /* y[(r*n + i)*times + q] = factor * x[i], i < n, r, q < times: the rows of an enlarged image
     * for one of a small one */
    void (*expand)(int64_t n, int64_t times, float factor, const float *x, float *y);

    /* The next ones take `columns` neighbouring positions; plane c begins at c*stride. */

    /* Softmax over `n` planes at each position. */
    void (*softmax)(int64_t columns, int64_t n, int64_t stride, const float *x, float *y,
                    float temperature);
    /* y = x / |x| over `n` planes, 0 where |x| is 0; dx = (1 - y)/|x|
     * (0 there) unless NULL.  y may be x. */
    void (*l2normalize)(int64_t columns, int64_t n, int64_t stride, const float *x, float *y,
                        float *dx);
    /* As simd/lrn_kernels.h; norms and scratch have the layout of x; y goes around the
     * caches where is_streamed. */
    void (*lrn_forward)(int is_streamed, int64_t columns, int64_t channels, int64_t stride,
                        int64_t before, int64_t after, float alpha, float beta, float kappa,
                        const float *x, float *y, float *norms);
    void (*lrn_backward)(int accumulate, int64_t columns, int64_t channels, int64_t stride,
                         int64_t before, int64_t after, float alpha, float beta, float kappa,
                         const float *x, const float *delta, float *dx, float *scratch);
};

#endif

/* Contracts of the transforms of Winograd's convolutions F(m x m, r x r): m x m outputs of an r x r
 * kernel from n x n inputs with n*n products instead of m*m*r*r; n = m + r - 1 at a stride of 1, 5
 * for m = 2 and r = 3 at a stride of 2.  Every transform is a small matrix applied to the rows and
 * the columns of a square of vectors:
 *
 *   forward   y = A' [ (G w G') * (B' x B) ] A     (* value by value, summed over the channels)
 *   gradient  dw = G' [ sum over tiles of (B' x B) * (A dy A') ] G
 *
 * Points 0, 1, -1, 2, -2 and infinity for n = 6; 0, 1, -1 and infinity for n = 4.  At a stride of 2
 * the inputs of even index meet the weights 0 and 2 in an F(2,2), points 0, 1 and infinity; those
 * of odd index meet weight 1 alone, a product each, and come last.
 * Source: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (2015). */
#ifndef DK_WINOGRAD_KERNELS_H
#define DK_WINOGRAD_KERNELS_H

#include "simd/convolution_kernels.h"

/* Pixel (i,j) of the tile is at x + i*row + j*step; those outside y0 <= i < y1, x0 <= j < x1 count
 * as 0 and are not read.  Result e = n*row + column goes to v + e*plane; channels are rounded up to
 * whole vectors with zeros. */
struct dk_winograd_input {
    const float *x;
    int64_t row, step, y0, y1, x0, x1, channels;
    float *v;
    int64_t plane;
};

/* Sums e of the tile are at m + e*plane, whole vectors of filters; output (i,j), i < rows, j <
 * cols, is pixel `pixel + i*pixel_row + j*pixel_step` of out. */
struct dk_winograd_output {
    const float *m;
    int64_t plane, filters, rows, cols, pixel, pixel_row, pixel_step;
    struct dk_tile_output out;
};

struct dk_winograd_form {
    int outputs, kernel, stride, inputs; /* m, r, 1 or 2, n */
    int in_pairs;                        /* `input` writes pairs of bf16 in place of floats */
    /* B' x B of n x n pixels */
    void (*input)(const struct dk_winograd_input *tile);
    /* A dy A' of m x m pixels; NULL at a stride of 2 */
    void (*gradient)(const struct dk_winograd_input *tile);
    void (*output)(const struct dk_winograd_output *tile);
    /* u[e*plane + i] = (G w G')[e] of the r*r weights w[t*tap + i], i < count; count is a
     * multiple of the lanes. */
    void (*weights)(int64_t count, const float *w, int64_t tap, float *u, int64_t plane);
    /* w[t*tap + i] += (G' u G)[t] of the n*n values u[e*plane + i]; NULL at a stride of 2. */
    void (*updates)(int64_t count, const float *u, int64_t plane, float *w, int64_t tap);
};

struct dk_winograd_kernels {
    /* F(4x4,3x3), F(2x2,5x5), F(2x2,3x3), F(2x2,3x3) at a stride of 2 */
    struct dk_winograd_form forms[4];
};

#endif

/* Contracts of the transforms of Winograd's convolutions F(4x4,3x3) and F(2x2,5x5): m x m outputs of an r x r kernel
 * from 6x6 inputs with 36 products instead of 144 or 100.  Every transform is a small matrix applied to the rows and
 * the columns of a square of vectors:
 *
 *   forward   y = A' [ (G w G') * (B' x B) ] A          (* value by value, summed over the channels)
 *   gradient  dw = G' [ sum over tiles of (B' x B) * (A dy A') ] G
 *
 * Both have the points 0, 1, -1, 2, -2 and infinity, and so the same B.
 * Source: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (2015). */
#ifndef DK_WINOGRAD_KERNELS_H
#define DK_WINOGRAD_KERNELS_H

#include "simd/convolution_kernels.h"

/* Pixel (i,j) of the tile is at x + i*row + j*step; those outside y0 <= i < y1, x0 <= j < x1 count as 0 and are not
 * read.  Result e = 6*row + column goes to v + e*plane; channels are rounded up to whole vectors with zeros. */
struct dk_winograd_input {
    const float *x;
    int64_t row, step, y0, y1, x0, x1, channels;
    float *v;
    int64_t plane;
};

/* Sums e of the tile are at m + e*plane, whole vectors of filters; output (i,j), i < rows, j < cols, is pixel
 * `pixel + i*pixel_row + j*pixel_step` of out. */
struct dk_winograd_output {
    const float *m;
    int64_t plane, filters, rows, cols, pixel, pixel_row, pixel_step;
    struct dk_tile_output out;
};

/* m = 7 - r outputs along an axis for a kernel of r. */
struct dk_winograd_size {
    void (*gradient)(const struct dk_winograd_input *tile); /* A dy A' of m x m pixels */
    void (*output)(const struct dk_winograd_output *tile);
    /* u[e*plane + i] = (G w G')[e] of the r*r weights w[t*tap + i], i < n; n is a multiple of the lanes. */
    void (*weights)(int64_t n, const float *w, int64_t tap, float *u, int64_t plane);
    /* w[t*tap + i] += (G' u G)[t] of the 36 values u[e*plane + i]. */
    void (*updates)(int64_t n, const float *u, int64_t plane, float *w, int64_t tap);
};

struct dk_winograd_kernels {
    void (*input)(const struct dk_winograd_input *tile);    /* B' x B of 6x6 pixels */
    struct dk_winograd_size size[2];                        /* r = 3, r = 5 */
};

#endif

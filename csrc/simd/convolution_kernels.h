/* Contracts of the register tiles of convolution: one block of pixels and one panel of filters at a
 * time.  Their callers in engine/convolution walk the planes. */
#ifndef DK_CONVOLUTION_KERNELS_H
#define DK_CONVOLUTION_KERNELS_H

#include <stdint.h>

/* At most this many pixels in a tile, whatever the variant. */
enum { DK_TILE_PIXELS_MAX = 8 };

/* Where results go and what becomes of them:
 *   y[pixel[i]*y_stride + f] =
 *       activation(sum * scale[f] + shift[f] + residual[pixel[i]*residual_stride + f]) */
struct dk_tile_output {
    float *y;
    int64_t y_stride;
    const float *scale, *shift; /* NULL: 1, 0 */
    const float *residual;      /* NULL: none */
    int64_t residual_stride;
    int activation; /* DK_LINEAR, DK_RELU or DK_LEAKY */
    int from_y;     /* sums start from y instead of 0 */
    int is_final;   /* 0: store the bare sums; more of them will come */
    int streams;    /* full vectors go around the caches: y and its pixels begin at cache lines */
};

/* pixels x filters sums over taps x depth products:
 *   sum[i][f] = sum_t sum_c rows[t*tile_pixels + i][c] * weights[(first[t] + c)*width + f]
 * with width = filters rounded up to whole vectors. */
struct dk_convolution_tile {
    int64_t taps, depth;
    const float *const *rows;
    const int64_t *first;
    const float *weights;
    int64_t pixels;       /* 1 .. tile_pixels */
    int64_t filters;      /* 1 .. panel_vectors*lanes */
    const int64_t *pixel; /* [pixels + coming] */
    int64_t coming;       /* pixels of the next tile whose y is fetched, as its sums start there */
    /* Prefetched during step k of taps*depth, whatever lies there: next + k*next_step, which the
     * next tile reads, and prefetch + k*prefetch_step for later ones. */
    const char *next, *prefetch;
    int64_t next_step, prefetch_step;
    struct dk_tile_output out;
};

/* updates[c][f] += sum over rows x cols pixels of x[c]*dy[f], c < channels <= tile_pixels, f <
 * filters; steps in floats; updates has filters rounded up to whole vectors in a row, and 0 is
 * added to the lanes beyond. */
struct dk_gradient_tile {
    int64_t rows, cols;
    const float *x;
    int64_t x_row, x_step;
    const float *dy;
    int64_t dy_row, dy_step;
    int64_t x_prefetch, dy_prefetch; /* what lies so far behind a pixel's values is prefetched */
    int64_t channels, filters;
    float *updates;
};

enum { DK_CONNECTED_IMAGES = 8, DK_CONNECTED_CHANNELS = 32 };

/* dx[n][c] = (accumulate ? dx[n][c] : 0) + sum over the outputs f of dy[n][f] * weights[f][channel
 * + c], of the packed weights of a 1x1 convolution in one group. */
struct dk_connected_gradient_tile {
    int64_t channels, images; /* 1 .. DK_CONNECTED_CHANNELS, DK_CONNECTED_IMAGES */
    int64_t inputs, outputs;  /* the packed weights'; outputs in whole vectors */
    int64_t channel;
    const float *weights; /* all of them */
    const float *dy;      /* [images][outputs] */
    float *dx;
    int64_t dx_stride;
    int accumulate;
};

struct dk_convolution_kernels {
    int tile_pixels;   /* pixels of a forward tile, channels of a gradient tile */
    int panel_vectors; /* vectors of filters in a full panel */
    void (*forward)(const struct dk_convolution_tile *tile);
    void (*gradient)(const struct dk_gradient_tile *tile);
    /* Depthwise: sum[i][c] = sum_t rows[t*tile_pixels+i][c] * weights[t*weights_stride + c], for
     * all `filters` channels of the tile (any number); depth and first are not used. */
    void (*depthwise)(const struct dk_convolution_tile *tile, int64_t weights_stride);
    /* updates[c] += sum over pixels x[c]*dy[c] for all `filters` channels of the tile. */
    void (*depthwise_gradient)(const struct dk_gradient_tile *tile);
    void (*connected_gradient)(const struct dk_connected_gradient_tile *tile);
};

#endif

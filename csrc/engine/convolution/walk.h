/* A convolution as a walk over planes, which forward and data gradient share. */
#ifndef DK_ENGINE_CONVOLUTION_WALK_H
#define DK_ENGINE_CONVOLUTION_WALK_H

#include "engine/convolution.h"
#include "engine/convolution/panels.h"

/* A convolution as a walk over planes: output pixel (u,v) of an image, stored at dst(y0 +
 * u*dst_step_y, ...), sums over taps (i,j) the pixels src(off_y + u*src_step_y + i*tap_step_y, ...)
 * times the weights of tap first_tap + i*taps_x + j. */
struct dk_walk {
    struct dk_tensor src, dst, residual;
    struct dk_panels panels;
    int64_t rows, cols;
    int64_t dst_y, dst_x, dst_step_y, dst_step_x;
    int64_t off_y, off_x, src_step_y, src_step_x;
    int64_t taps_y, taps_x, tap_step_y, tap_step_x, first_tap;
    const float *weights, *scale, *shift;
    int activation, accumulate, depthwise;
    void (*tile)(const struct dk_convolution_tile *); /* unless depthwise */
    const struct dk_stretch *prefetch;
    int64_t prefetch_count;
};

/* The other activations run on each stretch of y just after it is written. */
static inline int dk_is_tile_activation(int activation) {
    return activation == DK_LINEAR || activation == DK_RELU || activation == DK_LEAKY;
}

/* Where a tile's results from filter f on go: bare sums, unless the caller sets more. */
static inline struct dk_tile_output dk_tile_output_of(const struct dk_walk *walk, int64_t f) {
    return (struct dk_tile_output){
        .y = walk->dst.data + f,
        .y_stride = walk->dst.stride,
        .scale = walk->scale ? walk->scale + f : NULL,
        .shift = walk->shift ? walk->shift + f : NULL,
        .residual = walk->residual.data ? walk->residual.data + f : NULL,
        .residual_stride = walk->residual.stride,
        .activation = dk_is_tile_activation(walk->activation) ? walk->activation : DK_LINEAR,
    };
}

/* The algorithm "indirect", forward and data gradient, and "depthwise": see walk.c. */
void dk_walk_convolve(const struct dk_walk *walk);

#endif

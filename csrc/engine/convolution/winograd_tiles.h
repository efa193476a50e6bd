/* What both directions of Winograd's convolution share: how tiles are counted and found, where
 * their products lie. */
#ifndef DK_ENGINE_CONVOLUTION_WINOGRAD_TILES_H
#define DK_ENGINE_CONVOLUTION_WINOGRAD_TILES_H

#include "engine/convolution/panels.h"

/* Planes a little longer than needed, so that they do not fall on the same cache sets. */
static inline int64_t dk_plane_floats(int64_t count, int64_t channels) {
    return dk_round_up(count * channels, 1024) + 80;
}

static inline int64_t dk_tile_count(const struct dk_winograd_form *form, int64_t batch,
                                    int64_t height, int64_t width) {
    return batch * dk_ceil_div(height, form->outputs) * dk_ceil_div(width, form->outputs);
}

/* Tile t of a tensor: its square of `side` pixels begins at (y,x). */
static inline struct dk_winograd_input dk_input_tile(const struct dk_tensor *s, int64_t n,
                                                     int64_t y, int64_t x, int64_t side) {
    return (struct dk_winograd_input){
        .x = s->data + ((n * s->height + y) * s->width + x) * s->stride,
        .row = s->width * s->stride,
        .step = s->stride,
        .y0 = DK_MIN(side, DK_MAX(0, -y)),
        .y1 = DK_MAX(DK_MIN(side, DK_MAX(0, -y)), DK_MIN(side, s->height - y)),
        .x0 = DK_MIN(side, DK_MAX(0, -x)),
        .x1 = DK_MAX(DK_MIN(side, DK_MAX(0, -x)), DK_MIN(side, s->width - x)),
    };
}

#endif

/* What the source files of convolution share: packed layouts, checks, and the walk over planes that forward and
 * backward data have in common. */
#ifndef DK_ENGINE_CONVOLUTION_PRIVATE_H
#define DK_ENGINE_CONVOLUTION_PRIVATE_H

#include "dispatch.h"
#include "engine/bf16.h"
#include "engine/convolution.h"
#include "engine/tensor.h"

/* One direction of a packed form: `outputs` per group in panels of lanes, sums over taps and `inputs` per group. */
struct dk_panels {
    int64_t groups, taps, inputs, outputs;
    int64_t lanes, width;      /* of a vector; of a full panel */
    int64_t padded;            /* outputs rounded up to whole vectors */
};

static inline int64_t dk_round_up(int64_t n, int64_t step) {
    return (n + step - 1) / step * step;
}

static inline int64_t dk_ceil_div(int64_t a, int64_t b) {
    return a >= 0 ? (a + b - 1) / b : -(-a / b);
}

static inline int64_t dk_floor_div(int64_t a, int64_t b) {
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

static inline struct dk_panels dk_make_panels(int64_t groups, int64_t taps, int64_t inputs, int64_t outputs) {
    const struct dk_kernel_table *k = dk_kernels();
    return (struct dk_panels){groups, taps, inputs, outputs, k->lanes,
                              (int64_t)k->lanes * k->convolution.panel_vectors, dk_round_up(outputs, k->lanes)};
}

static inline int64_t dk_panel_count(const struct dk_panels *p) {
    return (p->outputs + p->width - 1) / p->width;
}

/* Lanes in a row of panel q, padding included. */
static inline int64_t dk_panel_width(const struct dk_panels *p, int64_t q) {
    return DK_MIN(p->width, p->padded - q * p->width);
}

/* Floats before panel q of group g; dk_panels_size floats in all. */
static inline int64_t dk_panel_offset(const struct dk_panels *p, int64_t g, int64_t q) {
    return p->taps * p->inputs * (g * p->padded + q * p->width);
}

static inline int64_t dk_panels_size(const struct dk_panels *p) {
    return p->groups * p->taps * p->inputs * p->padded;
}

/* Every channel its own group: packed as [tap][channels padded]. */
static inline int dk_is_depthwise(const struct dk_conv_shape *s) {
    return s->groups > 1 && s->groups == s->channels && s->groups == s->filters;
}

struct dk_panels dk_weights_panels(const struct dk_conv_shape *s);
/* The form that backward data multiplies with: filters and channels exchanged, taps in the order in which the phases of
 * the stride need them.  Made of the packed weights in each call: they change with every update, and a form kept for
 * each layer would be as large as all weights.  Threads: split over taps. */
struct dk_panels dk_transposed_panels(const struct dk_conv_shape *s);
void dk_transpose_weights(const struct dk_conv_shape *s, const float *packed, float *transposed);

enum dk_status dk_check_conv_shape(const struct dk_conv_shape *s);
/* x and y fit the shape and each other, and have data. */
enum dk_status dk_check_convolution(const struct dk_conv_shape *s, const struct dk_tensor *x,
                                    const struct dk_tensor *y);

/* The taps along one axis of which dx positions p with p % stride == phase read dy, in the order of the transposed
 * form (source positions ascending): source = first + k*step + p/stride for k = 0 .. count-1; `before` counts the
 * taps of that axis in classes that come earlier. */
struct dk_phase {
    int64_t count, first, step, before;
};
struct dk_phase dk_transposed_phase(int64_t size, int64_t stride, int64_t pad, int64_t dilation, int64_t phase);
/* Place of tap (i,j) in the transposed form. */
int64_t dk_transposed_tap(const struct dk_conv_shape *s, int64_t i, int64_t j);

/* A fully connected layer in disguise: the kernel covers all of a contiguous x once.  Rewrites shape, x and y as a
 * 1x1 convolution of vectors; the packed weights are the same. */
void dk_flatten_whole_plane(struct dk_conv_shape *s, struct dk_tensor *x, struct dk_tensor *y);

/* What one job prefetches for later calls: its share of the stretches, a slice with each register tile. */
struct dk_prefetch {
    const struct dk_stretch *at;
    int64_t offset;            /* in it */
    int64_t left, per_tile;    /* bytes */
};
/* Share `job` of `jobs`, in slices for `tiles` register tiles. */
static inline struct dk_prefetch dk_prefetch_share(const struct dk_stretch *stretches, int64_t count, int64_t job,
                                                   int64_t jobs, int64_t tiles) {
    int64_t total = 0, offset;
    for (int64_t k = 0; k < count; k++)
        total += stretches[k].bytes;
    offset = total * job / jobs;
    struct dk_prefetch a = {stretches, offset, total * (job + 1) / jobs - offset, 0};
    while (a.left > 0 && a.offset >= a.at->bytes)
        a.offset -= a.at++->bytes;
    a.per_tile = dk_ceil_div(a.left, tiles);
    return a;
}
/* Gives the tile, of `steps` steps, the next slice, and nothing of its own to fetch for the next tile; a tile that sees
 * only padding has no slice. */
static inline void dk_prefetch_next(struct dk_prefetch *a, struct dk_convolution_tile *tile, int64_t steps) {
    tile->next = tile->prefetch = (const char *)tile->weights;
    tile->next_step = tile->prefetch_step = 0;
    if (a->left <= 0)
        return;
    int64_t bytes = DK_MIN(a->per_tile, a->at->bytes - a->offset);
    tile->prefetch = (const char *)a->at->data + a->offset;
    tile->prefetch_step = DK_MIN(64, dk_ceil_div(bytes, DK_MAX(1, steps)));
    a->left -= bytes;
    a->offset += bytes;
    if (a->offset == a->at->bytes) {
        a->at++;
        a->offset = 0;
    }
}

/* A convolution as a walk over planes: output pixel (u,v) of an image, stored at dst(y0 + u*dst_step_y, ...), sums over
 * taps (i,j) the pixels src(off_y + u*src_step_y + i*tap_step_y, ...) times the weights of tap first_tap + i*taps_x + j. */
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
void dk_walk_run(const struct dk_walk *g);

enum dk_status dk_check_activation(int activation);
/* The others run on each stretch of y just after it is written. */
static inline int dk_is_tile_activation(int activation) {
    return activation == DK_LINEAR || activation == DK_RELU || activation == DK_LEAKY;
}

int64_t dk_im2col_forward_workspace(const struct dk_convolution *a);
enum dk_status dk_im2col_forward(const struct dk_convolution *a);
int64_t dk_im2col_data_workspace(const struct dk_convolution_backward_data *a);
enum dk_status dk_im2col_data(const struct dk_convolution_backward_data *a);
int64_t dk_im2col_weights_workspace(const struct dk_convolution_backward_weights *a);
enum dk_status dk_im2col_weights(const struct dk_convolution_backward_weights *a);

/* Products of a tile for each pair of channel and filter. */
static inline int64_t dk_winograd_products(const struct dk_winograd_form *form) {
    return form->inputs * form->inputs;
}

/* Values of 4 bytes that a product sums over: channels, or pairs of them. */
static inline int64_t dk_winograd_run_of(const struct dk_winograd_form *form, const struct dk_panels *p) {
    return form->in_pairs ? dk_pairs(p->inputs) : p->inputs;
}

/* Winograd: the form that an algorithm means for a shape and a pass, NULL where there is none; the transformed weights
 * of one direction; the walk of forward and backward data (dst and src steps 1); the weight gradient, which takes what it
 * asks for with 1 thread or more.  Workspaces in bytes, aligned to 64. */
const struct dk_winograd_form *dk_winograd_form(const struct dk_conv_shape *s, int algorithm, int pass);
int64_t dk_winograd_weights_floats(const struct dk_winograd_form *form, const struct dk_panels *p);
void dk_winograd_weights(const struct dk_winograd_form *form, const struct dk_panels *p, const float *packed, float *u);
/* updates[f][c][i][j] += (G' u G), back from the products' form. */
void dk_winograd_add_updates(const struct dk_winograd_form *form, const struct dk_panels *p, const float *u,
                             float *updates);
int64_t dk_winograd_workspace(const struct dk_walk *g, const struct dk_winograd_form *form);
enum dk_status dk_winograd_run(const struct dk_walk *g, const struct dk_winograd_form *form, const float *u,
                               void *workspace, int64_t bytes);
int64_t dk_winograd_gradient_workspace(const struct dk_convolution_backward_weights *a,
                                       const struct dk_winograd_form *form, int64_t threads);
void dk_winograd_gradient(const struct dk_convolution_backward_weights *a, const struct dk_winograd_form *form);

/* The data gradient of a fully connected layer for few images; workspace 0 where it is not the one to take. */
int64_t dk_connected_gradient_workspace(const struct dk_convolution_backward_data *a);
enum dk_status dk_connected_gradient(const struct dk_convolution_backward_data *a);

int64_t dk_direct_weights_workspace(const struct dk_convolution_backward_weights *a);
enum dk_status dk_direct_weights(const struct dk_convolution_backward_weights *a);

#endif

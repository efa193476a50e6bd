/* Winograd's F(4x4,3x3) in three stages over a batch of tiles: transform the input, 36 small matrix products,
 * transform back.  Each stage is split over threads by itself, so that the few tiles of one small image are enough
 * work for all.  Batches are small enough for the last-level cache; their size does not change a bit of the result. */
#include "engine/convolution_private.h"

#include "threads.h"

#include <string.h>

enum {
    PRODUCTS = 36,
    OUT = 4,                 /* outputs of a tile along an axis */
    IN = 6,
    BUDGET = 1 << 19,        /* floats of a batch of transformed tiles, about: 2 MiB */
    CHANNELS = 64            /* of a tile that one item transforms */
};

struct winograd {
    const struct dk_gather *g;
    const struct dk_kernel_table *kernels;
    int64_t across, per_image;         /* tiles */
    int64_t first, count;              /* tiles of this batch */
    int64_t inputs, outputs;           /* channels and filters padded to whole vectors */
    int64_t v_plane, m_plane;          /* floats between the 36 planes */
    const float *u;
    float *v, *m;
};

/* Planes a little longer than needed, so that the 36 of them do not fall on the same cache sets. */
static int64_t plane_floats(int64_t count, int64_t channels) {
    return dk_round_up(count * channels, 1024) + 80;
}

static int64_t tile_count(int64_t batch, int64_t height, int64_t width) {
    return batch * dk_ceil_div(height, OUT) * dk_ceil_div(width, OUT);
}

/* Tiles of a batch: the budget's worth, in batches of equal size. */
static int64_t batch_tiles(int64_t tiles, int64_t floats_of_tile, int64_t budget) {
    int64_t most = DK_MAX(28, budget / floats_of_tile);
    int64_t batches = dk_ceil_div(tiles, most);
    return dk_ceil_div(tiles, batches);
}

static void locate(const struct winograd *w, int64_t tile, int64_t *n, int64_t *y, int64_t *x) {
    *n = tile / w->per_image;
    *y = tile % w->per_image / w->across * OUT;
    *x = tile % w->across * OUT;
}

/* Tile t of a tensor: its square of `side` pixels begins at (y,x). */
static struct dk_winograd_input input_tile(const struct dk_tensor *s, int64_t n, int64_t y, int64_t x, int64_t side) {
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

/* Items: (tile of the batch, block of channels). */
static void transform_input(const void *args, int64_t begin, int64_t end, int worker) {
    const struct winograd *w = args;
    const struct dk_tensor *src = &w->g->src;
    const int64_t blocks = dk_ceil_div(src->channels, CHANNELS);
    (void)worker;
    for (int64_t k = begin; k < end; k++) {
        int64_t t = k / blocks, c = k % blocks * CHANNELS, n, y, x;
        locate(w, w->first + t, &n, &y, &x);
        struct dk_winograd_input tile = input_tile(src, n, y + w->g->off_y, x + w->g->off_x, IN);
        tile.x += c;
        tile.channels = DK_MIN(CHANNELS, src->channels - c);
        tile.v = w->v + t * w->inputs + c;
        tile.plane = w->v_plane;
        w->kernels->winograd.input(&tile);
    }
}

/* Items: (product, panel); rows of tiles x channels times channels x filters. */
static void multiply(const void *args, int64_t begin, int64_t end, int worker) {
    const struct winograd *w = args;
    const struct dk_panels *p = &w->g->panels;
    const int64_t panels = dk_panel_count(p), side = w->kernels->convolution.tile_pixels, first = 0;
    const int64_t blocks = dk_ceil_div(w->count, side);
    (void)worker;
    for (int64_t k = begin; k < end; k++) {
        int64_t e = k / panels, q = k % panels;
        for (int64_t b = 0; b < blocks; b++) {
            const float *rows[DK_TILE_PIXELS_MAX];
            int64_t pixel[DK_TILE_PIXELS_MAX];
            int64_t t0 = b * w->count / blocks, t1 = (b + 1) * w->count / blocks;
            for (int64_t t = t0; t < t1; t++) {
                rows[t - t0] = w->v + e * w->v_plane + t * w->inputs;
                pixel[t - t0] = t;
            }
            struct dk_convolution_tile tile = {
                .taps = 1,
                .run = p->inputs,
                .rows = rows,
                .first = &first,
                .weights = w->u + (e * p->padded + q * p->width) * p->inputs,
                .pixels = t1 - t0,
                .filters = dk_panel_width(p, q),
                .pixel = pixel,
                .out = {.y = w->m + e * w->m_plane + q * p->width, .y_stride = w->outputs},
            };
            w->kernels->convolution.forward(&tile);
        }
    }
}

/* Items: (tile of the batch, block of filters). */
static void transform_output(const void *args, int64_t begin, int64_t end, int worker) {
    const struct winograd *w = args;
    const struct dk_gather *g = w->g;
    const int64_t blocks = dk_ceil_div(g->dst.channels, CHANNELS);
    const int fused = dk_is_tile_activation(g->activation);
    (void)worker;
    for (int64_t k = begin; k < end; k++) {
        int64_t t = k / blocks, f = k % blocks * CHANNELS, n, y, x;
        locate(w, w->first + t, &n, &y, &x);
        struct dk_winograd_output tile = {
            .m = w->m + t * w->outputs + f,
            .plane = w->m_plane,
            .filters = DK_MIN(CHANNELS, g->dst.channels - f),
            .rows = DK_MIN(OUT, g->dst.height - y),
            .cols = DK_MIN(OUT, g->dst.width - x),
            .pixel = (n * g->dst.height + y) * g->dst.width + x,
            .pixel_row = g->dst.width,
            .pixel_step = 1,
            .out = {.y = g->dst.data + f,
                    .y_stride = g->dst.stride,
                    .scale = g->scale ? g->scale + f : NULL,
                    .shift = g->shift ? g->shift + f : NULL,
                    .residual = g->residual.data ? g->residual.data + f : NULL,
                    .residual_stride = g->residual.stride,
                    .activation = fused ? g->activation : DK_LINEAR,
                    .from_y = g->accumulate,
                    .is_final = 1},
        };
        w->kernels->winograd.output(&tile);
        for (int64_t i = 0; !fused && i < tile.rows; i++)
            for (int64_t j = 0; j < tile.cols; j++) {
                float *row = tile.out.y + (tile.pixel + i * tile.pixel_row + j) * tile.out.y_stride;
                w->kernels->activation.forward(g->activation, tile.filters, row, row);
            }
    }
}

struct weights_job {
    const struct dk_kernel_table *kernels;
    const struct dk_panels *p;
    const float *from;
    float *to;
};

/* Items: vectors of a panel row; a panel of one tap is one stretch in both forms. */
static void transform_weights(const void *args, int64_t begin, int64_t end, int worker) {
    const struct weights_job *a = args;
    const struct dk_panels *p = a->p;
    const int64_t all = p->inputs * p->padded;
    (void)worker;
    for (int64_t at = begin * p->lanes; at < end * p->lanes;) {
        int64_t q = at / (p->inputs * p->width), start = q * p->inputs * p->width;
        int64_t tap = p->inputs * dk_panel_width(p, q);
        int64_t n = DK_MIN(end * p->lanes, start + tap) - at;
        a->kernels->winograd.weights(n, a->from + start * p->taps + at - start, tap, a->to + at, all);
        at += n;
    }
}

static void add_updates(const void *args, int64_t begin, int64_t end, int worker) {
    const struct weights_job *a = args;
    const struct dk_panels *p = a->p;
    const int64_t all = p->inputs * p->padded;
    (void)worker;
    for (int64_t at = begin * p->lanes; at < end * p->lanes;) {
        int64_t q = at / (p->inputs * p->width), start = q * p->inputs * p->width;
        int64_t tap = p->inputs * dk_panel_width(p, q);
        int64_t n = DK_MIN(end * p->lanes, start + tap) - at;
        a->kernels->winograd.updates(n, a->from + at, all, a->to + start * p->taps + at - start, tap);
        at += n;
    }
}

int64_t dk_winograd_weights_floats(const struct dk_panels *p) {
    return PRODUCTS * p->inputs * p->padded;
}

void dk_winograd_weights(const struct dk_panels *p, const float *packed, float *u) {
    struct weights_job args = {dk_kernels(), p, packed, u};
    dk_parallel_for(p->inputs * p->padded / p->lanes, 256, transform_weights, &args);
}

int dk_winograd_fits(const struct dk_conv_shape *s) {
    return s->groups == 1 && s->size_h == 3 && s->size_w == 3 && s->stride_h == 1 && s->stride_w == 1 &&
           s->dilation_h == 1 && s->dilation_w == 1;
}

static int64_t gather_batch(const struct dk_gather *g) {
    int64_t channels = dk_round_up(g->panels.inputs, g->panels.lanes) + g->panels.padded;
    return batch_tiles(tile_count(g->dst.batch, g->dst.height, g->dst.width), PRODUCTS * channels, BUDGET);
}

int64_t dk_winograd_workspace(const struct dk_gather *g) {
    int64_t count = gather_batch(g);
    return (int64_t)sizeof(float) * PRODUCTS *
           (plane_floats(count, dk_round_up(g->panels.inputs, g->panels.lanes)) +
            plane_floats(count, g->panels.padded));
}

void dk_winograd_run(const struct dk_gather *g, const float *u, void *workspace) {
    const int64_t most = gather_batch(g), tiles = tile_count(g->dst.batch, g->dst.height, g->dst.width);
    struct winograd w = {
        .g = g,
        .kernels = dk_kernels(),
        .across = dk_ceil_div(g->dst.width, OUT),
        .per_image = tile_count(1, g->dst.height, g->dst.width),
        .inputs = dk_round_up(g->panels.inputs, g->panels.lanes),
        .outputs = g->panels.padded,
        .u = u,
    };
    w.v_plane = plane_floats(most, w.inputs);
    w.m_plane = plane_floats(most, w.outputs);
    w.v = workspace;
    w.m = w.v + PRODUCTS * w.v_plane;
    for (w.first = 0; w.first < tiles; w.first += most) {
        w.count = DK_MIN(most, tiles - w.first);
        dk_parallel_for(w.count * dk_ceil_div(g->src.channels, CHANNELS), 2, transform_input, &w);
        dk_parallel_for(PRODUCTS * dk_panel_count(&g->panels), 1, multiply, &w);
        dk_parallel_for(w.count * dk_ceil_div(g->dst.channels, CHANNELS), 2, transform_output, &w);
    }
}

/* The weight gradient: x and dy are transformed, the products are sums over tiles. */
struct weight_gradient {
    const struct dk_convolution_backward_weights *a;
    const struct dk_kernel_table *kernels;
    struct dk_panels panels;
    int64_t across, per_image, first, count, inputs;
    int64_t v_plane, z_plane, is_first;
    float *v, *z, *u;
};

/* Items: (tile of the batch, block of channels of x, then of dy). */
static void transform_both(const void *args, int64_t begin, int64_t end, int worker) {
    const struct weight_gradient *w = args;
    const struct dk_tensor *x = &w->a->x, *dy = &w->a->dy;
    const int64_t x_blocks = dk_ceil_div(x->channels, CHANNELS), blocks = x_blocks + dk_ceil_div(dy->channels, CHANNELS);
    (void)worker;
    for (int64_t k = begin; k < end; k++) {
        int64_t t = k / blocks, block = k % blocks, at = w->first + t;
        int64_t n = at / w->per_image, top = at % w->per_image / w->across * OUT, left = at % w->across * OUT;
        if (block < x_blocks) {
            struct dk_winograd_input tile =
                input_tile(x, n, top - w->a->shape.pad_h, left - w->a->shape.pad_w, IN);
            tile.x += block * CHANNELS;
            tile.channels = DK_MIN(CHANNELS, x->channels - block * CHANNELS);
            tile.v = w->v + t * w->inputs + block * CHANNELS;
            tile.plane = w->v_plane;
            w->kernels->winograd.input(&tile);
        } else {
            int64_t f = (block - x_blocks) * CHANNELS;
            struct dk_winograd_input tile = input_tile(dy, n, top, left, OUT);
            tile.x += f;
            tile.channels = DK_MIN(CHANNELS, dy->channels - f);
            tile.v = w->z + t * w->panels.padded + f;
            tile.plane = w->z_plane;
            w->kernels->winograd.gradient(&tile);
        }
    }
}

/* Items: (product, panel, block of channels). */
static void accumulate(const void *args, int64_t begin, int64_t end, int worker) {
    const struct weight_gradient *w = args;
    const struct dk_panels *p = &w->panels;
    const int64_t panels = dk_panel_count(p), blocks = dk_ceil_div(p->inputs, w->kernels->convolution.tile_pixels);
    (void)worker;
    for (int64_t k = begin; k < end; k++) {
        int64_t e = k / panels, q = k % panels, width = dk_panel_width(p, q);
        float *u = w->u + (e * p->padded + q * p->width) * p->inputs;
        if (w->is_first)
            memset(u, 0, sizeof(float) * (size_t)(p->inputs * width));
        for (int64_t b = 0; b < blocks; b++) {
            int64_t c0 = b * p->inputs / blocks, c1 = (b + 1) * p->inputs / blocks;
            struct dk_gradient_tile tile = {
                .rows = 1,
                .cols = w->count,
                .x = w->v + e * w->v_plane + c0,
                .x_step = w->inputs,
                .dy = w->z + e * w->z_plane + q * p->width,
                .dy_step = p->padded,
                .channels = c1 - c0,
                .filters = width,
                .updates = u + c0 * width,
            };
            w->kernels->convolution.gradient(&tile);
        }
    }
}

static int64_t gradient_batch(const struct dk_convolution_backward_weights *a, const struct dk_panels *p) {
    int64_t channels = dk_round_up(p->inputs, p->lanes) + p->padded;
    return batch_tiles(tile_count(a->dy.batch, a->dy.height, a->dy.width), PRODUCTS * channels, BUDGET);
}

int64_t dk_winograd_gradient_workspace(const struct dk_convolution_backward_weights *a) {
    const struct dk_panels p = dk_weights_panels(&a->shape);
    int64_t count = gradient_batch(a, &p);
    return (int64_t)sizeof(float) *
           (PRODUCTS * (plane_floats(count, dk_round_up(p.inputs, p.lanes)) + plane_floats(count, p.padded)) +
            dk_winograd_weights_floats(&p));
}

void dk_winograd_gradient(const struct dk_convolution_backward_weights *a) {
    struct weight_gradient w = {
        .a = a,
        .kernels = dk_kernels(),
        .panels = dk_weights_panels(&a->shape),
        .across = dk_ceil_div(a->dy.width, OUT),
        .per_image = tile_count(1, a->dy.height, a->dy.width),
    };
    const struct dk_panels *p = &w.panels;
    const int64_t most = gradient_batch(a, p), tiles = tile_count(a->dy.batch, a->dy.height, a->dy.width);
    w.inputs = dk_round_up(p->inputs, p->lanes);
    w.v_plane = plane_floats(most, w.inputs);
    w.z_plane = plane_floats(most, p->padded);
    w.v = a->workspace;
    w.z = w.v + PRODUCTS * w.v_plane;
    w.u = w.z + PRODUCTS * w.z_plane;
    const int64_t blocks = dk_ceil_div(a->x.channels, CHANNELS) + dk_ceil_div(a->dy.channels, CHANNELS);
    for (w.first = 0; w.first < tiles; w.first += most) {
        w.count = DK_MIN(most, tiles - w.first);
        w.is_first = w.first == 0;
        dk_parallel_for(w.count * blocks, 2, transform_both, &w);
        dk_parallel_for(PRODUCTS * dk_panel_count(p), 1, accumulate, &w);
    }
    struct weights_job args = {w.kernels, p, w.u, a->updates};
    dk_parallel_for(p->inputs * p->padded / p->lanes, 256, add_updates, &args);
}

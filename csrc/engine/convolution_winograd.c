/* Winograd's F(4x4,3x3) and F(2x2,5x5).
 *
 * The tiles are cut into groups whose transformed inputs and sums stay in a core's own cache; a job takes a group and
 * a share of the filters and does all three stages: transform the input, 36 small matrix products, transform back.
 * No thread reads what another one has transformed: a line that another core has written costs several times as
 * much as one's own.  Cutting does not change a bit of the result, every sum runs over all channels in one go. */
#include "engine/convolution_private.h"

#include "threads.h"

#include <stdatomic.h>
#include <string.h>

enum {
    PRODUCTS = 36,
    IN = 6,                  /* inputs of a tile along an axis */
    GROUP_FLOATS = 160 << 10, /* of a group's transformed inputs and sums, about: 640 KiB */
    GROUP_LEAST = 14,        /* tiles of a group, if there are as many: the filters are read once per group */
    GROUP_MOST = 56,
    BUDGET = 1 << 19,        /* floats of a batch of transformed tiles of the weight gradient, about: 2 MiB */
    CHANNELS = 64            /* of a tile that one item of the weight gradient transforms */
};

/* Planes a little longer than needed, so that the 36 of them do not fall on the same cache sets. */
static int64_t plane_floats(int64_t count, int64_t channels) {
    return dk_round_up(count * channels, 1024) + 80;
}

/* Outputs of a tile along an axis. */
static int64_t tile_side(const struct dk_panels *p) {
    return p->taps == 9 ? 4 : 2;
}

static const struct dk_winograd_size *kernels_of(const struct dk_panels *p) {
    return &dk_kernels()->winograd.size[p->taps == 9 ? 0 : 1];
}

static int64_t tile_count(int64_t batch, int64_t height, int64_t width, int64_t side) {
    return batch * dk_ceil_div(height, side) * dk_ceil_div(width, side);
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

struct winograd {
    const struct dk_gather *g;
    const struct dk_kernel_table *kernels;
    const struct dk_winograd_size *transforms;
    int64_t side, across, per_image, tiles;
    int64_t groups, shares;            /* of the tiles; of a group's filters */
    int64_t inputs;                    /* channels padded to whole vectors */
    int64_t v_plane, m_plane;          /* floats between the 36 planes */
    int64_t lanes;                     /* jobs at a time, each with `lane_floats` of the workspace */
    int64_t lane_floats;
    const float *u;
    float *workspace;
    atomic_llong *next;                /* job */
};

static void locate(const struct winograd *w, int64_t tile, int64_t *n, int64_t *y, int64_t *x) {
    *n = tile / w->per_image;
    *y = tile % w->per_image / w->across * w->side;
    *x = tile % w->across * w->side;
}

/* Tiles first .. first+count-1, all channels. */
static void transform_input(const struct winograd *w, int64_t first, int64_t count, float *v) {
    const struct dk_tensor *src = &w->g->src;
    for (int64_t t = 0; t < count; t++) {
        int64_t n, y, x;
        locate(w, first + t, &n, &y, &x);
        struct dk_winograd_input tile = input_tile(src, n, y + w->g->off_y, x + w->g->off_x, IN);
        tile.channels = src->channels;
        tile.v = v + t * w->inputs;
        tile.plane = w->v_plane;
        w->kernels->winograd.input(&tile);
    }
}

/* The 36 products of the tiles v (count of them) with panel q. */
static void multiply(const struct winograd *w, const float *v, int64_t count, int64_t q, float *m) {
    const struct dk_panels *p = &w->g->panels;
    const int64_t side = w->kernels->convolution.tile_pixels, width = dk_panel_width(p, q), first = 0;
    const int64_t blocks = dk_ceil_div(count, side), floats = p->inputs * width;
    const int64_t step = width * (int64_t)sizeof(float) / blocks;
    const float *u = w->u + PRODUCTS * p->inputs * p->width * q;
    for (int64_t e = 0; e < PRODUCTS; e++)
        for (int64_t b = 0; b < blocks; b++) {
            const float *rows[DK_TILE_PIXELS_MAX];
            int64_t pixel[DK_TILE_PIXELS_MAX];
            int64_t t0 = b * count / blocks, t1 = (b + 1) * count / blocks;
            for (int64_t t = t0; t < t1; t++) {
                rows[t - t0] = v + e * w->v_plane + t * w->inputs;
                pixel[t - t0] = t;
            }
            struct dk_convolution_tile tile = {
                .taps = 1,
                .run = p->inputs,
                .rows = rows,
                .first = &first,
                .weights = u + e * floats,
                .pixels = t1 - t0,
                .filters = width,
                .pixel = pixel,
                /* a part of the next product's filters, which the first of its blocks would else wait for */
                .ahead = (const char *)(u + (e + 1) * floats) + b * p->inputs * step,
                .ahead_step = step,
                .out = {.y = m + e * w->m_plane, .y_stride = width},
            };
            w->kernels->convolution.forward(&tile);
        }
}

/* Tiles first .. first+count-1, the filters of panel q. */
static void transform_output(const struct winograd *w, int64_t first, int64_t count, int64_t q, const float *m) {
    const struct dk_gather *g = w->g;
    const int64_t f = q * g->panels.width, width = dk_panel_width(&g->panels, q);
    const int fused = dk_is_tile_activation(g->activation);
    for (int64_t t = 0; t < count; t++) {
        int64_t n, y, x;
        locate(w, first + t, &n, &y, &x);
        struct dk_winograd_output tile = {
            .m = m + t * width,
            .plane = w->m_plane,
            .filters = DK_MIN(width, g->dst.channels - f),
            .rows = DK_MIN(w->side, g->dst.height - y),
            .cols = DK_MIN(w->side, g->dst.width - x),
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
        w->transforms->output(&tile);
        for (int64_t i = 0; !fused && i < tile.rows; i++)
            for (int64_t j = 0; j < tile.cols; j++) {
                float *row = tile.out.y + (tile.pixel + i * tile.pixel_row + j) * tile.out.y_stride;
                w->kernels->activation.forward(g->activation, tile.filters, row, row);
            }
    }
}

/* A share is a stretch of the pairs (panel, tile of the group): whole panels, and of the first and last one perhaps
 * only some of the tiles. */
static void run_job(const struct winograd *w, int64_t job, float *v, float *m) {
    const int64_t group = job / w->shares, share = job % w->shares;
    const int64_t first = group * w->tiles / w->groups, count = (group + 1) * w->tiles / w->groups - first;
    const int64_t pairs = dk_panel_count(&w->g->panels) * count;
    const int64_t begin = share * pairs / w->shares, end = (share + 1) * pairs / w->shares;
    if (begin == end)
        return;
    /* within one panel only the tiles that it asks for */
    const int64_t single = begin / count == (end - 1) / count;
    const int64_t v0 = single ? begin % count : 0, v1 = single ? v0 + end - begin : count;
    transform_input(w, first + v0, v1 - v0, v);
    for (int64_t at = begin; at < end;) {
        int64_t q = at / count, t = at % count, n = DK_MIN(end - at, count - t);
        multiply(w, v + (t - v0) * w->inputs, n, q, m);
        transform_output(w, first + t, n, q, m);
        at += n;
    }
}

/* Items: lanes. */
static void run_lanes(const void *args, int64_t begin, int64_t end, int worker) {
    const struct winograd *w = args;
    (void)worker;
    for (int64_t lane = begin; lane < end; lane++) {
        float *v = w->workspace + lane * w->lane_floats, *m = v + PRODUCTS * w->v_plane;
        for (int64_t job; (job = atomic_fetch_add(w->next, 1)) < w->groups * w->shares;)
            run_job(w, job, v, m);
    }
}

struct weights_job {
    const struct dk_winograd_size *transforms;
    const struct dk_panels *p;
    const float *from;
    float *to;
};

/* Items: vectors of a panel row.  Both forms are stretches panel by panel: taps in one, 36 products in the other. */
static void transform_weights(const void *args, int64_t begin, int64_t end, int worker) {
    const struct weights_job *a = args;
    const struct dk_panels *p = a->p;
    (void)worker;
    for (int64_t at = begin * p->lanes; at < end * p->lanes;) {
        int64_t q = at / (p->inputs * p->width), start = q * p->inputs * p->width;
        int64_t tap = p->inputs * dk_panel_width(p, q);
        int64_t n = DK_MIN(end * p->lanes, start + tap) - at, i = at - start;
        a->transforms->weights(n, a->from + start * p->taps + i, tap, a->to + start * PRODUCTS + i, tap);
        at += n;
    }
}

static void add_updates(const void *args, int64_t begin, int64_t end, int worker) {
    const struct weights_job *a = args;
    const struct dk_panels *p = a->p;
    (void)worker;
    for (int64_t at = begin * p->lanes; at < end * p->lanes;) {
        int64_t q = at / (p->inputs * p->width), start = q * p->inputs * p->width;
        int64_t tap = p->inputs * dk_panel_width(p, q);
        int64_t n = DK_MIN(end * p->lanes, start + tap) - at, i = at - start;
        a->transforms->updates(n, a->from + start * PRODUCTS + i, tap, a->to + start * p->taps + i, tap);
        at += n;
    }
}

int64_t dk_winograd_weights_floats(const struct dk_panels *p) {
    return PRODUCTS * p->inputs * p->padded;
}

void dk_winograd_weights(const struct dk_panels *p, const float *packed, float *u) {
    struct weights_job args = {kernels_of(p), p, packed, u};
    dk_parallel_for(p->inputs * p->padded / p->lanes, 256, transform_weights, &args);
}

int dk_winograd_fits(const struct dk_conv_shape *s) {
    return s->groups == 1 && (s->size_h == 3 || s->size_h == 5) && s->size_w == s->size_h && s->stride_h == 1 && s->stride_w == 1 &&
           s->dilation_h == 1 && s->dilation_w == 1;
}

/* Groups that the threads can share evenly; else shares of their filters. */
static struct winograd plan(const struct dk_gather *g) {
    const int64_t side = tile_side(&g->panels);
    struct winograd w = {
        .g = g,
        .kernels = dk_kernels(),
        .transforms = kernels_of(&g->panels),
        .side = side,
        .across = dk_ceil_div(g->dst.width, side),
        .per_image = tile_count(1, g->dst.height, g->dst.width, side),
        .tiles = tile_count(g->dst.batch, g->dst.height, g->dst.width, side),
        .inputs = dk_round_up(g->panels.inputs, g->panels.lanes),
        .shares = 1,
    };
    const int64_t threads = dk_get_num_threads(), width = DK_MIN(g->panels.width, g->panels.padded);
    const int64_t fit = GROUP_FLOATS / (PRODUCTS * (w.inputs + width));
    const int64_t fewest = dk_ceil_div(w.tiles, DK_MAX(GROUP_LEAST, DK_MIN(GROUP_MOST, fit)));
    const int64_t even = dk_round_up(fewest, threads);
    w.groups = fewest;
    if (fewest < 4 * threads) {
        if (even <= w.tiles / GROUP_LEAST)
            w.groups = even;
        else
            w.shares = DK_MIN(threads, dk_panel_count(&g->panels) * (w.tiles / fewest));
    }
    const int64_t largest = dk_ceil_div(w.tiles, fewest), count = dk_ceil_div(w.tiles, w.groups);
    w.v_plane = plane_floats(count, w.inputs);
    w.m_plane = plane_floats(count, width);
    /* the same for any number of threads, as that may have changed since the workspace was asked for */
    w.lane_floats = PRODUCTS * (plane_floats(largest, w.inputs) + plane_floats(largest, width));
    w.lanes = DK_MIN(threads, w.groups * w.shares);
    return w;
}

int64_t dk_winograd_workspace(const struct dk_gather *g) {
    struct winograd w = plan(g);
    return (int64_t)sizeof(float) * w.lanes * w.lane_floats;
}

enum dk_status dk_winograd_run(const struct dk_gather *g, const float *u, void *workspace, int64_t bytes) {
    atomic_llong next = 0;
    struct winograd w = plan(g);
    w.lanes = DK_MIN(w.lanes, bytes / (w.lane_floats * (int64_t)sizeof(float)));
    if (w.lanes < 1)
        return DK_BAD_ARGUMENT;
    w.u = u;
    w.workspace = workspace;
    w.next = &next;
    dk_parallel_for(w.lanes, 1, run_lanes, &w);
    return DK_OK;
}

/* Tiles of a batch: the budget's worth, in batches of equal size. */
static int64_t batch_tiles(int64_t tiles, int64_t floats_of_tile, int64_t budget) {
    int64_t most = DK_MAX(28, budget / floats_of_tile);
    int64_t batches = dk_ceil_div(tiles, most);
    return dk_ceil_div(tiles, batches);
}

/* The weight gradient: x and dy are transformed, the products are sums over tiles. */
struct weight_gradient {
    const struct dk_convolution_backward_weights *a;
    const struct dk_kernel_table *kernels;
    struct dk_panels panels;
    const struct dk_winograd_size *transforms;
    int64_t side, across, per_image, first, count, inputs;
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
        int64_t n = at / w->per_image, top = at % w->per_image / w->across * w->side, left = at % w->across * w->side;
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
            struct dk_winograd_input tile = input_tile(dy, n, top, left, w->side);
            tile.x += f;
            tile.channels = DK_MIN(CHANNELS, dy->channels - f);
            tile.v = w->z + t * w->panels.padded + f;
            tile.plane = w->z_plane;
            w->transforms->gradient(&tile);
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
        float *u = w->u + (PRODUCTS * q * p->width + e * width) * p->inputs;
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
    return batch_tiles(tile_count(a->dy.batch, a->dy.height, a->dy.width, tile_side(p)), PRODUCTS * channels, BUDGET);
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
    };
    const struct dk_panels *p = &w.panels;
    w.transforms = kernels_of(p);
    w.side = tile_side(p);
    w.across = dk_ceil_div(a->dy.width, w.side);
    w.per_image = tile_count(1, a->dy.height, a->dy.width, w.side);
    const int64_t most = gradient_batch(a, p), tiles = tile_count(a->dy.batch, a->dy.height, a->dy.width, w.side);
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
    struct weights_job args = {w.transforms, p, w.u, a->updates};
    dk_parallel_for(p->inputs * p->padded / p->lanes, 256, add_updates, &args);
}

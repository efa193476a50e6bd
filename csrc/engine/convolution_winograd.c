/* Winograd's F(4x4,3x3), F(2x2,5x5) and F(2x2,3x3), forward also F(2x2,3x3) at a stride of 2.
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
    GROUP_FLOATS = 160 << 10, /* of a group's transformed inputs and sums, about: 640 KiB */
    GROUP_LEAST = 32,        /* tiles of a group, if there are as many: the filters are read once per group, often
                              * from memory; fewer than these cannot hide that */
    GROUP_MOST = 56,
    GROUP_EVEN = 14,         /* the fewest for which groups are made smaller so that the threads share them evenly */
    BUDGET = 1 << 19,        /* floats of a batch of transformed tiles of the weight gradient, about: 2 MiB */
    CHANNELS = 64            /* of a tile that one item of the weight gradient transforms */
};

/* Planes a little longer than needed, so that they do not fall on the same cache sets. */
static int64_t plane_floats(int64_t count, int64_t channels) {
    return dk_round_up(count * channels, 1024) + 80;
}

static int64_t tile_count(const struct dk_winograd_form *form, int64_t batch, int64_t height, int64_t width) {
    return batch * dk_ceil_div(height, form->outputs) * dk_ceil_div(width, form->outputs);
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
    const struct dk_winograd_form *form;
    int64_t side, products, across, per_image, tiles;
    int64_t groups, shares;            /* of the tiles; of a group's filters */
    int64_t run, inputs;               /* channels, or pairs of them; padded to whole vectors */
    void (*tile)(const struct dk_convolution_tile *);
    int64_t v_plane, m_plane;          /* floats between the planes of the products */
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
        y = y * w->form->stride + w->g->off_y;
        x = x * w->form->stride + w->g->off_x;
        struct dk_winograd_input tile = input_tile(src, n, y, x, w->form->inputs);
        tile.channels = src->channels;
        tile.v = v + t * w->inputs;
        tile.plane = w->v_plane;
        w->form->input(&tile);
    }
}

/* All products of the tiles v (count of them) with panel q. */
static void multiply(const struct winograd *w, const float *v, int64_t count, int64_t q, float *m) {
    const struct dk_panels *p = &w->g->panels;
    const int64_t side = w->kernels->convolution.tile_pixels, width = dk_panel_width(p, q), first = 0;
    const int64_t blocks = dk_ceil_div(count, side), floats = w->run * width;
    const int64_t step = width * (int64_t)sizeof(float) / blocks;
    const float *u = w->u + w->products * w->run * p->width * q;
    for (int64_t e = 0; e < w->products; e++)
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
                .run = w->run,
                .rows = rows,
                .first = &first,
                .weights = u + e * floats,
                .pixels = t1 - t0,
                .filters = width,
                .pixel = pixel,
                .next = (const char *)(u + e * floats),
                /* a part of the next product's filters, which the first of its blocks would else wait for */
                .ahead = (const char *)(u + (e + 1) * floats) + b * w->run * step,
                .ahead_step = step,
                .out = {.y = m + e * w->m_plane, .y_stride = width},
            };
            w->tile(&tile);
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
        w->form->output(&tile);
        for (int64_t i = 0; !fused && i < tile.rows; i++)
            for (int64_t j = 0; j < tile.cols; j++) {
                float *row = tile.out.y + (tile.pixel + i * tile.pixel_row + j) * tile.out.y_stride;
                w->kernels->activation.forward(g->activation, 0, tile.filters, row, row);
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
        float *v = w->workspace + lane * w->lane_floats, *m = v + w->products * w->v_plane;
        for (int64_t job; (job = atomic_fetch_add(w->next, 1)) < w->groups * w->shares;)
            run_job(w, job, v, m);
    }
}

/* Groups that the threads can share evenly; else shares of their filters. */
static struct winograd plan(const struct dk_gather *g, const struct dk_winograd_form *form) {
    struct winograd w = {
        .g = g,
        .kernels = dk_kernels(),
        .form = form,
        .side = form->outputs,
        .products = dk_winograd_products(form),
        .across = dk_ceil_div(g->dst.width, form->outputs),
        .per_image = tile_count(form, 1, g->dst.height, g->dst.width),
        .tiles = tile_count(form, g->dst.batch, g->dst.height, g->dst.width),
        .run = dk_winograd_run_of(form, &g->panels),
        .inputs = dk_round_up(dk_winograd_run_of(form, &g->panels), g->panels.lanes),
        .tile = form->in_pairs ? dk_bf16()->forward : dk_kernels()->convolution.forward,
        .shares = 1,
    };
    const int64_t threads = dk_get_num_threads(), width = DK_MIN(g->panels.width, g->panels.padded);
    const int64_t fit = GROUP_FLOATS / (w.products * (w.inputs + width));
    const int64_t fewest = dk_ceil_div(w.tiles, DK_MAX(GROUP_LEAST, DK_MIN(GROUP_MOST, fit)));
    const int64_t even = dk_round_up(fewest, threads);
    w.groups = fewest;
    if (fewest < 4 * threads) {
        if (even <= w.tiles / GROUP_EVEN)
            w.groups = even;
        else
            w.shares = DK_MIN(threads, dk_panel_count(&g->panels) * (w.tiles / fewest));
    }
    const int64_t largest = dk_ceil_div(w.tiles, fewest), count = dk_ceil_div(w.tiles, w.groups);
    w.v_plane = plane_floats(count, w.inputs);
    w.m_plane = plane_floats(count, width);
    /* the same for any number of threads, as that may have changed since the workspace was asked for */
    w.lane_floats = w.products * (plane_floats(largest, w.inputs) + plane_floats(largest, width));
    w.lanes = DK_MIN(threads, w.groups * w.shares);
    return w;
}

int64_t dk_winograd_workspace(const struct dk_gather *g, const struct dk_winograd_form *form) {
    struct winograd w = plan(g, form);
    return (int64_t)sizeof(float) * w.lanes * w.lane_floats;
}

enum dk_status dk_winograd_run(const struct dk_gather *g, const struct dk_winograd_form *form, const float *u,
                               void *workspace, int64_t bytes) {
    atomic_llong next = 0;
    struct winograd w = plan(g, form);
    w.lanes = DK_MIN(w.lanes, bytes / (w.lane_floats * (int64_t)sizeof(float)));
    if (w.lanes < 1)
        return DK_BAD_ARGUMENT;
    w.u = u;
    w.workspace = workspace;
    w.next = &next;
    dk_parallel_for(w.lanes, 1, run_lanes, &w);
    return DK_OK;
}

/* Tiles of a batch, in batches of equal size: the budget's worth, but at least so many that they are as much memory
 * traffic as the channels*filters sums that each batch adds to. */
static int64_t batch_tiles(int64_t tiles, int64_t products, int64_t channels, int64_t filters) {
    int64_t most = DK_MAX(BUDGET / (products * (channels + filters)), channels * filters / (channels + filters));
    int64_t batches = dk_ceil_div(tiles, DK_MAX(28, most));
    return dk_ceil_div(tiles, batches);
}

/* The weight gradient: x and dy are transformed, the products are sums over tiles. */
struct weight_gradient {
    const struct dk_convolution_backward_weights *a;
    const struct dk_kernel_table *kernels;
    struct dk_panels panels;
    const struct dk_winograd_form *form;
    int64_t side, products, across, per_image, first, count, inputs;
    int64_t v_plane, z_plane, is_first;
    float *v, *z, *u;
};

/* Items: (tile of the batch, block of channels of x, then of dy). */
static void transform_both(const void *args, int64_t begin, int64_t end, int worker) {
    const struct weight_gradient *w = args;
    const struct dk_tensor *x = &w->a->x, *dy = &w->a->dy;
    const int64_t x_blocks = dk_ceil_div(x->channels, CHANNELS);
    const int64_t blocks = x_blocks + dk_ceil_div(dy->channels, CHANNELS);
    (void)worker;
    for (int64_t k = begin; k < end; k++) {
        int64_t t = k / blocks, block = k % blocks, at = w->first + t;
        int64_t n = at / w->per_image, top = at % w->per_image / w->across * w->side, left = at % w->across * w->side;
        if (block < x_blocks) {
            struct dk_winograd_input tile =
                input_tile(x, n, top - w->a->shape.pad_h, left - w->a->shape.pad_w, w->form->inputs);
            tile.x += block * CHANNELS;
            tile.channels = DK_MIN(CHANNELS, x->channels - block * CHANNELS);
            tile.v = w->v + t * w->inputs + block * CHANNELS;
            tile.plane = w->v_plane;
            w->form->input(&tile);
        } else {
            int64_t f = (block - x_blocks) * CHANNELS;
            struct dk_winograd_input tile = input_tile(dy, n, top, left, w->side);
            tile.x += f;
            tile.channels = DK_MIN(CHANNELS, dy->channels - f);
            tile.v = w->z + t * w->panels.padded + f;
            tile.plane = w->z_plane;
            w->form->gradient(&tile);
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
        float *u = w->u + (w->products * q * p->width + e * width) * p->inputs;
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

static struct weight_gradient plan_gradient(const struct dk_convolution_backward_weights *a,
                                            const struct dk_winograd_form *form) {
    struct weight_gradient w = {
        .a = a,
        .kernels = dk_kernels(),
        .panels = dk_weights_panels(&a->shape),
        .form = form,
        .side = form->outputs,
        .products = dk_winograd_products(form),
        .across = dk_ceil_div(a->dy.width, form->outputs),
        .per_image = tile_count(form, 1, a->dy.height, a->dy.width),
    };
    const int64_t tiles = a->dy.batch * w.per_image;
    w.inputs = dk_round_up(w.panels.inputs, w.panels.lanes);
    w.count = batch_tiles(tiles, w.products, w.inputs, w.panels.padded);
    w.v_plane = plane_floats(w.count, w.inputs);
    w.z_plane = plane_floats(w.count, w.panels.padded);
    return w;
}

int64_t dk_winograd_gradient_workspace(const struct dk_convolution_backward_weights *a,
                                       const struct dk_winograd_form *form) {
    struct weight_gradient w = plan_gradient(a, form);
    return (int64_t)sizeof(float) *
           (w.products * (w.v_plane + w.z_plane) + dk_winograd_weights_floats(form, &w.panels));
}

void dk_winograd_gradient(const struct dk_convolution_backward_weights *a, const struct dk_winograd_form *form) {
    struct weight_gradient w = plan_gradient(a, form);
    const struct dk_panels *p = &w.panels;
    const int64_t most = w.count, tiles = a->dy.batch * w.per_image;
    const int64_t blocks = dk_ceil_div(a->x.channels, CHANNELS) + dk_ceil_div(a->dy.channels, CHANNELS);
    w.v = a->workspace;
    w.z = w.v + w.products * w.v_plane;
    w.u = w.z + w.products * w.z_plane;
    for (w.first = 0; w.first < tiles; w.first += most) {
        w.count = DK_MIN(most, tiles - w.first);
        w.is_first = w.first == 0;
        dk_parallel_for(w.count * blocks, 2, transform_both, &w);
        dk_parallel_for(w.products * dk_panel_count(p), 1, accumulate, &w);
    }
    dk_winograd_add_updates(form, p, w.u, a->updates);
}

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
    SLICES = 4,              /* of the tiles of the weight gradient, at most */
    VALUES_PER_SUM = 8,      /* transformed for each sum in a slice, at least */
    TRANSFORM = 4            /* products that take as long as transforming one value for one product */
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
    const int streams = fused && !g->accumulate && dk_streams_output(g) && (uintptr_t)(g->dst.data + f) % DK_LINE == 0;
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
                    .is_final = 1,
                    .streams = streams},
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
    if (dk_streams_output(w->g))
        w->kernels->blas.stream_end();
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

/* The weight gradient: x and dy are transformed, the products are sums over tiles.
 *
 * A job sums a slice of the tiles for some of the channels and some of the filters, all by itself: as above, nothing is
 * read that another core has just written.  Slices have sums of their own, so how many there are follows from the shape
 * alone.  Where sums are large beside what is transformed there is one slice, and the threads share the channels and
 * filters instead: each transforms what it needs, some of it twice.  A sum then still runs over the tiles in one go. */
struct weight_gradient {
    const struct dk_convolution_backward_weights *a;
    const struct dk_kernel_table *kernels;
    struct dk_panels panels;
    const struct dk_winograd_form *form;
    int64_t side, products, across, per_image, tiles;
    int64_t slices, parts_x, parts_dy;  /* of the tiles, the channels, the panels of filters */
    int64_t channels, filters;          /* of the largest part, padded to whole vectors */
    int64_t count;                      /* tiles of a batch at most */
    int64_t v_plane, z_plane;           /* floats between the planes of the products */
    int64_t lanes, lane_floats;         /* jobs at a time, each with `lane_floats` of the workspace */
    int64_t size;                       /* floats of a slice's sums */
    float *u, *buffers;
    atomic_llong *next;                 /* job */
};

/* A job's channels c0 .. c1-1, panels q0 .. q1-1 (filters f0 .. f1-1), and its memory. */
struct gradient_job {
    int64_t c0, c1, q0, q1, f0, f1, inputs, outputs;
    float *v, *z, *u;
};

/* Transforms `count` tiles from tile `first` on. */
static void transform_both(const struct weight_gradient *w, const struct gradient_job *job, int64_t first,
                           int64_t count) {
    const struct dk_tensor *x = &w->a->x, *dy = &w->a->dy;
    for (int64_t t = 0; t < count; t++) {
        const int64_t at = first + t, n = at / w->per_image;
        const int64_t top = at % w->per_image / w->across * w->side, left = at % w->across * w->side;
        struct dk_winograd_input tile =
            input_tile(x, n, top - w->a->shape.pad_h, left - w->a->shape.pad_w, w->form->inputs);
        tile.x += job->c0;
        tile.channels = job->c1 - job->c0;
        tile.v = job->v + t * job->inputs;
        tile.plane = w->v_plane;
        w->form->input(&tile);
        tile = input_tile(dy, n, top, left, w->side);
        tile.x += job->f0;
        tile.channels = job->f1 - job->f0;
        tile.v = job->z + t * job->outputs;
        tile.plane = w->z_plane;
        w->form->gradient(&tile);
    }
}

/* Adds the products of `count` tiles to the sums, which begin with the first ones. */
static void accumulate(const struct weight_gradient *w, const struct gradient_job *job, int64_t count,
                       int is_first) {
    const struct dk_panels *p = &w->panels;
    const int64_t channels = job->c1 - job->c0, blocks = dk_ceil_div(channels, w->kernels->convolution.tile_pixels);
    for (int64_t e = 0; e < w->products; e++)
        for (int64_t q = job->q0; q < job->q1; q++) {
            const int64_t width = dk_panel_width(p, q);
            float *u = job->u + (w->products * q * p->width + e * width) * p->inputs + job->c0 * width;
            if (is_first)
                memset(u, 0, sizeof(float) * (size_t)(channels * width));
            for (int64_t b = 0; b < blocks; b++) {
                const int64_t c0 = b * channels / blocks, c1 = (b + 1) * channels / blocks;
                struct dk_gradient_tile tile = {
                    .rows = 1,
                    .cols = count,
                    .x = job->v + e * w->v_plane + c0,
                    .x_step = job->inputs,
                    .dy = job->z + e * w->z_plane + (q - job->q0) * p->width,
                    .dy_step = job->outputs,
                    .channels = c1 - c0,
                    .filters = width,
                    .updates = u + c0 * width,
                };
                w->kernels->convolution.gradient(&tile);
            }
        }
}

/* Items: lanes. */
static void run_gradient_lanes(const void *args, int64_t begin, int64_t end, int worker) {
    const struct weight_gradient *w = args;
    const int64_t parts = w->parts_x * w->parts_dy, panels = dk_panel_count(&w->panels);
    (void)worker;
    for (int64_t lane = begin; lane < end; lane++)
        for (int64_t k; (k = atomic_fetch_add(w->next, 1)) < w->slices * parts;) {
            const int64_t slice = k / parts, i = k % parts / w->parts_dy, j = k % w->parts_dy;
            struct gradient_job job = {
                .c0 = i * w->panels.inputs / w->parts_x,
                .c1 = (i + 1) * w->panels.inputs / w->parts_x,
                .q0 = j * panels / w->parts_dy,
                .q1 = (j + 1) * panels / w->parts_dy,
                .inputs = w->channels,
                .outputs = w->filters,
                .v = w->buffers + lane * w->lane_floats,
                .u = w->u + slice * w->size,
            };
            job.f0 = job.q0 * w->panels.width;
            job.f1 = DK_MIN(w->panels.outputs, job.q1 * w->panels.width);
            job.z = job.v + w->products * w->v_plane;
            const int64_t t0 = slice * w->tiles / w->slices, t1 = (slice + 1) * w->tiles / w->slices;
            for (int64_t t = t0; t < t1; t += w->count) {
                const int64_t count = DK_MIN(w->count, t1 - t);
                transform_both(w, &job, t, count);
                accumulate(w, &job, count, t == t0);
            }
        }
}

/* Items: values of the sums. */
static void join_slices(const void *args, int64_t begin, int64_t end, int worker) {
    const struct weight_gradient *w = args;
    float *restrict to = w->u;
    (void)worker;
    for (int64_t slice = 1; slice < w->slices; slice++) {
        const float *from = w->u + slice * w->size;
        for (int64_t i = begin; i < end; i++)
            to[i] += from[i];
    }
}

/* Parts for `jobs` jobs at a time, such that the longest job is short: its products, and what it transforms for them,
 * which takes as long as TRANSFORM products of each value. */
static void choose_parts(struct weight_gradient *w, int64_t jobs) {
    const int64_t panels = dk_panel_count(&w->panels);
    int64_t least = INT64_MAX;
    for (int64_t parts_x = 1; parts_x <= DK_MIN(jobs, w->panels.inputs); parts_x++) {
        const int64_t parts_dy = DK_MIN(panels, jobs / parts_x);
        const int64_t channels = dk_ceil_div(w->panels.inputs, parts_x);
        const int64_t filters = DK_MIN(w->panels.padded, dk_ceil_div(panels, parts_dy) * w->panels.width);
        const int64_t cost = channels * filters + TRANSFORM * (dk_round_up(channels, w->panels.lanes) + filters);
        if (cost < least) {
            least = cost;
            w->parts_x = parts_x;
            w->parts_dy = parts_dy;
            w->channels = dk_round_up(channels, w->panels.lanes);
            w->filters = filters;
        }
    }
}

static struct weight_gradient plan_gradient(const struct dk_convolution_backward_weights *a,
                                            const struct dk_winograd_form *form, int64_t threads) {
    struct weight_gradient w = {
        .a = a,
        .kernels = dk_kernels(),
        .panels = dk_weights_panels(&a->shape),
        .form = form,
        .side = form->outputs,
        .products = dk_winograd_products(form),
        .across = dk_ceil_div(a->dy.width, form->outputs),
        .per_image = tile_count(form, 1, a->dy.height, a->dy.width),
        .tiles = tile_count(form, a->dy.batch, a->dy.height, a->dy.width),
    };
    w.size = dk_winograd_weights_floats(form, &w.panels);
    const int64_t transformed = w.tiles * (w.panels.inputs + w.panels.padded);
    w.slices = DK_MAX(1, DK_MIN(SLICES, transformed / (VALUES_PER_SUM * w.panels.inputs * w.panels.padded)));
    choose_parts(&w, dk_ceil_div(threads, w.slices));
    w.count = batch_tiles(dk_ceil_div(w.tiles, w.slices), w.products, w.channels, w.filters);
    w.v_plane = plane_floats(w.count, w.channels);
    w.z_plane = plane_floats(w.count, w.filters);
    w.lanes = DK_MIN(threads, w.slices * w.parts_x * w.parts_dy);
    w.lane_floats = w.products * (w.v_plane + w.z_plane);
    return w;
}

static int64_t gradient_bytes(const struct weight_gradient *w) {
    return (int64_t)sizeof(float) * (w->slices * w->size + w->lanes * w->lane_floats);
}

int64_t dk_winograd_gradient_workspace(const struct dk_convolution_backward_weights *a,
                                       const struct dk_winograd_form *form, int64_t threads) {
    const struct weight_gradient w = plan_gradient(a, form, threads);
    return gradient_bytes(&w);
}

void dk_winograd_gradient(const struct dk_convolution_backward_weights *a, const struct dk_winograd_form *form) {
    atomic_llong next = 0;
    int64_t threads = dk_get_num_threads();
    struct weight_gradient w = plan_gradient(a, form, threads);
    while (threads > 1 && gradient_bytes(&w) > a->workspace_bytes)
        w = plan_gradient(a, form, --threads);
    w.u = a->workspace;
    w.buffers = w.u + w.slices * w.size;
    w.next = &next;
    dk_parallel_for(w.lanes, 1, run_gradient_lanes, &w);
    if (w.slices > 1)
        dk_parallel_for(w.size, 1 << 14, join_slices, &w);
    dk_winograd_add_updates(form, &w.panels, w.u, a->updates);
}

/* The weight gradient of Winograd's convolutions: x and dy are transformed, the
 * products are sums over tiles.
 *
 * A job sums a slice of the tiles for some of the channels and some of the filters, all by itself:
 * as forward, nothing is read that another core has just written.  Slices have sums of their own,
 * so how many there are follows from the shape alone.  Where sums are large beside what is
 * transformed there is one slice, and the threads share the channels and filters instead: each
 * transforms what it needs, some of it twice.  A sum then still runs over all tiles. */
#include "engine/convolution/algorithms.h"
#include "engine/convolution/pack.h"
#include "engine/convolution/winograd_form.h"
#include "engine/convolution/winograd_tiles.h"
#include "engine/convolution/winograd_weights.h"
#include "threads.h"

#include <stdatomic.h>
#include <string.h>

enum {
    BUDGET = 1 << 19,   /* floats of a batch of transformed tiles, about: 2 MiB */
    SLICES = 4,         /* most slices of the tiles */
    VALUES_PER_SUM = 8, /* fewest values that a slice transforms for each of its sums */
    TRANSFORM = 4       /* products that take as long as transforming one value for one product */
};

/* Tiles of a batch, in batches of equal size: the budget's worth, but at least so many that they
 * are as much memory traffic as the channels*filters sums that each batch adds to. */
static int64_t batch_tiles(int64_t tiles, int64_t products, int64_t channels, int64_t filters) {
    int64_t most = DK_MAX(BUDGET / (products * (channels + filters)),
                          channels * filters / (channels + filters));
    int64_t batches = dk_ceil_div(tiles, DK_MAX(28, most));
    return dk_ceil_div(tiles, batches);
}

struct weight_gradient {
    const struct dk_convolution_backward_weights *a;
    const struct dk_kernel_table *kernels;
    struct dk_panels panels;
    const struct dk_winograd_form *form;
    int64_t side, products, across, per_image, tiles;
    int64_t slices, parts_x, parts_dy; /* parts of the tiles, channels and panels of filters */
    int64_t channels, filters;         /* the largest part's, padded to whole vectors */
    int64_t count;                     /* most tiles of a batch */
    int64_t v_plane, z_plane;          /* floats between the planes of the products */
    int64_t workers, worker_floats; /* jobs at a time, each with `worker_floats` of the workspace */
    int64_t size;                   /* floats in a slice's sums */
    float *u, *buffers;
    atomic_llong *next; /* job */
};

/* A job's channels c0 .. c1-1, panels q0 .. q1-1 (filters f0 .. f1-1), and its memory. */
struct gradient_job {
    int64_t c0, c1, q0, q1, f0, f1, inputs, outputs;
    float *v, *z, *u;
};

/* Transforms `count` tiles from tile `first` on. */
static void transform_both(const struct weight_gradient *w, const struct gradient_job *job,
                           int64_t first, int64_t count) {
    const struct dk_tensor *x = &w->a->x, *dy = &w->a->dy;
    for (int64_t t = 0; t < count; t++) {
        const int64_t at = first + t, n = at / w->per_image;
        const int64_t top = at % w->per_image / w->across * w->side,
                      left = at % w->across * w->side;
        struct dk_winograd_input tile =
            dk_input_tile(x, n, top - w->a->shape.pad_h, left - w->a->shape.pad_w, w->form->inputs);
        tile.x += job->c0;
        tile.channels = job->c1 - job->c0;
        tile.v = job->v + t * job->inputs;
        tile.plane = w->v_plane;
        w->form->input(&tile);
        tile = dk_input_tile(dy, n, top, left, w->side);
        tile.x += job->f0;
        tile.channels = job->f1 - job->f0;
        tile.v = job->z + t * job->outputs;
        tile.plane = w->z_plane;
        w->form->gradient(&tile);
    }
}

/* Adds the products of `count` tiles to the sums, which begin with the first ones. */
static void accumulate(const struct weight_gradient *w, const struct gradient_job *job,
                       int64_t count, int is_first) {
    const struct dk_panels *p = &w->panels;
    const int64_t channels = job->c1 - job->c0,
                  blocks = dk_ceil_div(channels, w->kernels->convolution.tile_pixels);
    for (int64_t e = 0; e < w->products; e++)
        for (int64_t q = job->q0; q < job->q1; q++) {
            const int64_t width = dk_panel_width(p, q);
            float *u =
                job->u + (w->products * q * p->width + e * width) * p->inputs + job->c0 * width;
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

/* Items: workers, whichever thread runs them. */
static void run_gradient_workers(const void *args, int64_t begin, int64_t end, int worker) {
    const struct weight_gradient *w = args;
    const int64_t parts = w->parts_x * w->parts_dy, panels = dk_panel_count(&w->panels);
    (void)worker;
    for (int64_t k = begin; k < end; k++)
        for (int64_t next; (next = atomic_fetch_add(w->next, 1)) < w->slices * parts;) {
            const int64_t slice = next / parts, i = next % parts / w->parts_dy,
                          j = next % w->parts_dy;
            struct gradient_job job = {
                .c0 = i * w->panels.inputs / w->parts_x,
                .c1 = (i + 1) * w->panels.inputs / w->parts_x,
                .q0 = j * panels / w->parts_dy,
                .q1 = (j + 1) * panels / w->parts_dy,
                .inputs = w->channels,
                .outputs = w->filters,
                .v = w->buffers + k * w->worker_floats,
                .u = w->u + slice * w->size,
            };
            job.f0 = job.q0 * w->panels.width;
            job.f1 = DK_MIN(w->panels.outputs, job.q1 * w->panels.width);
            job.z = job.v + w->products * w->v_plane;
            const int64_t t0 = slice * w->tiles / w->slices,
                          t1 = (slice + 1) * w->tiles / w->slices;
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

/* Parts for `jobs` jobs at a time, such that the longest job is short: its products, and what it
 * transforms for them, which takes as long as TRANSFORM products of each value. */
static void choose_parts(struct weight_gradient *w, int64_t jobs) {
    const int64_t panels = dk_panel_count(&w->panels);
    int64_t least = INT64_MAX;
    for (int64_t parts_x = 1; parts_x <= DK_MIN(jobs, w->panels.inputs); parts_x++) {
        const int64_t parts_dy = DK_MIN(panels, jobs / parts_x);
        const int64_t channels = dk_ceil_div(w->panels.inputs, parts_x);
        const int64_t filters =
            DK_MIN(w->panels.padded, dk_ceil_div(panels, parts_dy) * w->panels.width);
        const int64_t cost =
            channels * filters + TRANSFORM * (dk_round_up(channels, w->panels.lanes) + filters);
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
        .per_image = dk_tile_count(form, 1, a->dy.height, a->dy.width),
        .tiles = dk_tile_count(form, a->dy.batch, a->dy.height, a->dy.width),
    };
    w.size = dk_winograd_weights_floats(form, &w.panels);
    const int64_t transformed = w.tiles * (w.panels.inputs + w.panels.padded);
    w.slices = DK_MAX(
        1, DK_MIN(SLICES, transformed / (VALUES_PER_SUM * w.panels.inputs * w.panels.padded)));
    choose_parts(&w, dk_ceil_div(threads, w.slices));
    w.count = batch_tiles(dk_ceil_div(w.tiles, w.slices), w.products, w.channels, w.filters);
    w.v_plane = dk_plane_floats(w.count, w.channels);
    w.z_plane = dk_plane_floats(w.count, w.filters);
    w.workers = DK_MIN(threads, w.slices * w.parts_x * w.parts_dy);
    w.worker_floats = w.products * (w.v_plane + w.z_plane);
    return w;
}

static int64_t gradient_bytes(const struct weight_gradient *w) {
    return (int64_t)sizeof(float) * (w->slices * w->size + w->workers * w->worker_floats);
}

int64_t dk_winograd_gradient_workspace(const struct dk_convolution_backward_weights *a,
                                       const struct dk_winograd_form *form, int64_t threads) {
    const struct weight_gradient w = plan_gradient(a, form, threads);
    return gradient_bytes(&w);
}

void dk_winograd_gradient(const struct dk_convolution_backward_weights *a,
                          const struct dk_winograd_form *form) {
    atomic_llong next = 0;
    int64_t threads = dk_get_num_threads();
    struct weight_gradient w = plan_gradient(a, form, threads);
    while (threads > 1 && gradient_bytes(&w) > a->workspace_bytes)
        w = plan_gradient(a, form, --threads);
    w.u = a->workspace;
    w.buffers = w.u + w.slices * w.size;
    w.next = &next;
    dk_parallel_for(w.workers, 1, run_gradient_workers, &w);
    if (w.slices > 1)
        dk_parallel_for(w.size, 1 << 14, join_slices, &w);
    dk_winograd_add_updates(form, &w.panels, w.u, a->updates);
}

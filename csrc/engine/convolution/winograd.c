/* Winograd's F(4x4,3x3), F(2x2,5x5) and F(2x2,3x3), forward also F(2x2,3x3) at a stride of 2.
 *
 * The tiles are cut into groups whose transformed inputs and sums stay in a core's own cache; a job
 * takes a group and a share of the filters and does all three stages: transform the input, 36 small
 * matrix products, transform back.  No thread reads what another one has transformed: a line that
 * another core has written costs several times as much as one's own.  Cutting does not change a bit
 * of the result, every sum runs over all channels in one go. */
#include "engine/bf16.h"
#include "engine/convolution/algorithms.h"
#include "engine/convolution/winograd_form.h"
#include "engine/convolution/winograd_tiles.h"
#include "engine/tensor.h"
#include "threads.h"

#include <stdatomic.h>
#include <string.h>

enum {
    GROUP_FLOATS = 160 << 10, /* floats of a group's transformed inputs and sums, about: 640 KiB */
    GROUP_LEAST = 32, /* fewest tiles of a group: each group reads all filters, often from main
                       * memory, and with fewer tiles would wait for them */
    GROUP_MOST = 56,  /* most tiles of a group */
    GROUP_EVEN = 14   /* fewest tiles of a group that is made smaller to share groups evenly */
};

struct winograd {
    const struct dk_walk *walk;
    const struct dk_kernel_table *kernels;
    const struct dk_winograd_form *form;
    int64_t side, products, across, per_image, tiles;
    int64_t groups, shares; /* the tiles are cut into groups, a group's filters into shares */
    int64_t depth, inputs;  /* channels, or pairs of them; padded to whole vectors */
    void (*tile)(const struct dk_convolution_tile *);
    int64_t v_plane, m_plane; /* floats between the planes of the products */
    int64_t workers;          /* jobs at a time, each with `worker_floats` of the workspace */
    int64_t worker_floats;
    const float *u;
    float *workspace;
    atomic_llong *next; /* job */
};

static void locate(const struct winograd *w, int64_t tile, int64_t *n, int64_t *y, int64_t *x) {
    *n = tile / w->per_image;
    *y = tile % w->per_image / w->across * w->side;
    *x = tile % w->across * w->side;
}

/* Tiles first .. first+count-1, all channels. */
static void transform_input(const struct winograd *w, int64_t first, int64_t count, float *v) {
    const struct dk_tensor *src = &w->walk->src;
    for (int64_t t = 0; t < count; t++) {
        int64_t n, y, x;
        locate(w, first + t, &n, &y, &x);
        y = y * w->form->stride + w->walk->off_y;
        x = x * w->form->stride + w->walk->off_x;
        struct dk_winograd_input tile = dk_input_tile(src, n, y, x, w->form->inputs);
        tile.channels = src->channels;
        tile.v = v + t * w->inputs;
        tile.plane = w->v_plane;
        w->form->input(&tile);
    }
}

/* All products of the tiles v (count of them) with panel q. */
static void multiply(const struct winograd *w, const float *v, int64_t count, int64_t q, float *m) {
    const struct dk_panels *p = &w->walk->panels;
    const int64_t side = w->kernels->convolution.tile_pixels, width = dk_panel_width(p, q),
                  first = 0;
    const int64_t blocks = dk_ceil_div(count, side), floats = w->depth * width;
    const int64_t step = width * (int64_t)sizeof(float) / blocks;
    const float *u = w->u + w->products * w->depth * p->width * q;
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
                .depth = w->depth,
                .rows = rows,
                .first = &first,
                .weights = u + e * floats,
                .pixels = t1 - t0,
                .filters = width,
                .pixel = pixel,
                .next = (const char *)(u + e * floats),
                /* part of the next product's filters: its first block would
                 * otherwise wait for them */
                .prefetch = (const char *)(u + (e + 1) * floats) + b * w->depth * step,
                .prefetch_step = step,
                .out = {.y = m + e * w->m_plane, .y_stride = width},
            };
            w->tile(&tile);
        }
}

/* Tiles first .. first+count-1, the filters of panel q. */
static void transform_output(const struct winograd *w, int64_t first, int64_t count, int64_t q,
                             const float *m) {
    const struct dk_walk *walk = w->walk;
    const int64_t f = q * walk->panels.width, width = dk_panel_width(&walk->panels, q);
    const int fused = dk_is_tile_activation(walk->activation);
    const int streams = fused && !walk->accumulate && dk_is_streamable(&walk->dst) &&
                        dk_to_line(walk->dst.data + f) == 0;
    for (int64_t t = 0; t < count; t++) {
        int64_t n, y, x;
        locate(w, first + t, &n, &y, &x);
        struct dk_winograd_output tile = {
            .m = m + t * width,
            .plane = w->m_plane,
            .filters = DK_MIN(width, walk->dst.channels - f),
            .rows = DK_MIN(w->side, walk->dst.height - y),
            .cols = DK_MIN(w->side, walk->dst.width - x),
            .pixel = (n * walk->dst.height + y) * walk->dst.width + x,
            .pixel_row = walk->dst.width,
            .pixel_step = 1,
            .out = dk_tile_output_of(walk, f),
        };
        tile.out.from_y = walk->accumulate;
        tile.out.is_final = 1;
        tile.out.streams = streams;
        w->form->output(&tile);
        for (int64_t i = 0; !fused && i < tile.rows; i++)
            for (int64_t j = 0; j < tile.cols; j++) {
                float *row = tile.out.y + (tile.pixel + i * tile.pixel_row + j) * tile.out.y_stride;
                w->kernels->activation.forward(walk->activation, 0, tile.filters, row, row);
            }
    }
}

/* A share is a stretch of the pairs (panel, tile of the group): whole panels, and of the first and
 * last one perhaps only some of the tiles. */
static void run_job(const struct winograd *w, int64_t job, float *v, float *m) {
    const int64_t group = job / w->shares, share = job % w->shares;
    const int64_t first = group * w->tiles / w->groups,
                  count = (group + 1) * w->tiles / w->groups - first;
    const int64_t pairs = dk_panel_count(&w->walk->panels) * count;
    const int64_t begin = share * pairs / w->shares, end = (share + 1) * pairs / w->shares;
    if (begin == end)
        return;
    /* a share that lies in one panel transforms only the tiles that it multiplies */
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

/* Items: workers, whichever thread runs them. */
static void run_workers(const void *args, int64_t begin, int64_t end, int worker) {
    const struct winograd *w = args;
    (void)worker;
    for (int64_t k = begin; k < end; k++) {
        float *v = w->workspace + k * w->worker_floats, *m = v + w->products * w->v_plane;
        for (int64_t job; (job = atomic_fetch_add(w->next, 1)) < w->groups * w->shares;)
            run_job(w, job, v, m);
    }
    if (dk_is_streamable(&w->walk->dst))
        w->kernels->blas.stream_end();
}

/* As many groups as give every thread the same number; if those would be too small, shares of
 * each group's filters. */
static struct winograd plan(const struct dk_walk *walk, const struct dk_winograd_form *form) {
    struct winograd w = {
        .walk = walk,
        .kernels = dk_kernels(),
        .form = form,
        .side = form->outputs,
        .products = dk_winograd_products(form),
        .across = dk_ceil_div(walk->dst.width, form->outputs),
        .per_image = dk_tile_count(form, 1, walk->dst.height, walk->dst.width),
        .tiles = dk_tile_count(form, walk->dst.batch, walk->dst.height, walk->dst.width),
        .depth = dk_winograd_depth(form, &walk->panels),
        .inputs = dk_round_up(dk_winograd_depth(form, &walk->panels), walk->panels.lanes),
        .tile = form->in_pairs ? dk_bf16()->forward : dk_kernels()->convolution.forward,
        .shares = 1,
    };
    const int64_t threads = dk_get_num_threads(),
                  width = DK_MIN(walk->panels.width, walk->panels.padded);
    const int64_t fit = GROUP_FLOATS / (w.products * (w.inputs + width));
    const int64_t fewest = dk_ceil_div(w.tiles, DK_MAX(GROUP_LEAST, DK_MIN(GROUP_MOST, fit)));
    const int64_t even = dk_round_up(fewest, threads);
    w.groups = fewest;
    if (fewest < 4 * threads) {
        if (even <= w.tiles / GROUP_EVEN)
            w.groups = even;
        else
            w.shares = DK_MIN(threads, dk_panel_count(&walk->panels) * (w.tiles / fewest));
    }
    const int64_t largest = dk_ceil_div(w.tiles, fewest), count = dk_ceil_div(w.tiles, w.groups);
    w.v_plane = dk_plane_floats(count, w.inputs);
    w.m_plane = dk_plane_floats(count, width);
    /* the same for any number of threads: it may have changed since the workspace was sized */
    w.worker_floats =
        w.products * (dk_plane_floats(largest, w.inputs) + dk_plane_floats(largest, width));
    w.workers = DK_MIN(threads, w.groups * w.shares);
    return w;
}

int64_t dk_winograd_workspace(const struct dk_walk *walk, const struct dk_winograd_form *form) {
    struct winograd w = plan(walk, form);
    return (int64_t)sizeof(float) * w.workers * w.worker_floats;
}

enum dk_status dk_winograd_convolve(const struct dk_walk *walk, const struct dk_winograd_form *form,
                                    const float *u, void *workspace, int64_t bytes) {
    atomic_llong next = 0;
    struct winograd w = plan(walk, form);
    w.workers = DK_MIN(w.workers, bytes / (w.worker_floats * (int64_t)sizeof(float)));
    if (w.workers < 1)
        return DK_BAD_ARGUMENT;
    w.u = u;
    w.workspace = workspace;
    w.next = &next;
    dk_parallel_for(w.workers, 1, run_workers, &w);
    return DK_OK;
}

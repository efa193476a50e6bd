/* The walk over planes that forward and backward data share.
 *
 * A job is a range of output pixels times a range of panels.  Its sums are cut into chunks of about CHUNK products
 * (a cut that depends on the shape alone).  For a chunk it writes a table of row addresses, one for every tap and
 * pixel, padding pointing at zeros; then, panel by panel, it runs the register tile over blocks of pixels: the
 * panel's chunk of weights stays in the cache while the blocks pass.
 *
 * Taps that lie side by side in a contiguous image are one run of taps*channels values, so a thin first layer is a
 * few long runs; a run that the border cuts is copied to a patch with zeros.  Where most taps fall outside (a kernel
 * about as large as the plane) a job is one position of all images, and leaves the taps outside out. */
#include "engine/convolution_private.h"

#include "threads.h"

#include <string.h>

enum {
    CHUNK = 1024,            /* products of a sum per pass: 64 filters of them are 256 KiB of weights */
    RUN_MAX = 2048,          /* longest run of a tap that may be padding */
    TABLE = 4096,            /* row addresses of a job: 32 KiB */
    PATCH = 16384,           /* floats of patches of a job: 64 KiB */
    PIXELS = 512,            /* output pixels of a job */
    TAPS = TABLE / 4,        /* taps of a chunk; a tile has at least 4 pixels */
    JOB_PRODUCTS = 1 << 20,  /* multiply-adds of a job, about: some 20 microseconds */
    JOBS_PER_THREAD = 6,
    SMALL = 1 << 17          /* multiply-adds in all below which one thread does them */
};

static const float zeros[RUN_MAX];

struct walk {
    const struct dk_walk *g;
    const struct dk_convolution_kernels *kernels;
    int64_t taps_x, merged, run;      /* taps along x after merging; original taps and products in one */
    int can_be_cut, by_position;
    int64_t positions, pixels;        /* jobs' positions (1 unless by_position); output pixels of each */
    int64_t blocks, range, ranges;    /* register tiles of those pixels; tiles of a job; jobs along them */
    int64_t taps_per_chunk, panel_count, panel_step, panel_jobs, jobs;
};

/* What one job has on its stack. */
struct job {
    const struct walk *w;
    int64_t group, first_pixel, pixel_count, first_block, block_count;
    int64_t i0, i1, j0, j1;           /* taps in use, j in merged ones */
    int64_t pixel[PIXELS];            /* index in dst */
    int64_t offset[PIXELS];           /* of the source pixel under tap (0,0), in pixels */
    int64_t sy[PIXELS], sx[PIXELS];
    int64_t first[TAPS];              /* rows of the packed weights before each tap of the chunk */
    const float *rows[TABLE];
    float patch[PATCH];
    struct dk_prefetch prefetch;
};

static void find_pixels(struct job *job, int64_t position) {
    const struct walk *w = job->w;
    const struct dk_walk *g = w->g;
    int64_t p = job->first_pixel, n, u, v;
    if (w->by_position) {
        n = p;
        u = position / g->cols;
        v = position % g->cols;
    } else {
        n = p / (g->rows * g->cols);
        u = p / g->cols % g->rows;
        v = p % g->cols;
    }
    for (int64_t k = 0; k < job->pixel_count; k++) {
        job->sy[k] = g->off_y + u * g->src_step_y;
        job->sx[k] = g->off_x + v * g->src_step_x;
        job->offset[k] = (n * g->src.height + job->sy[k]) * g->src.width + job->sx[k];
        job->pixel[k] =
            (n * g->dst.height + g->dst_y + u * g->dst_step_y) * g->dst.width + g->dst_x + v * g->dst_step_x;
        if (w->by_position) {
            n++;
        } else if (++v == g->cols) {
            v = 0;
            if (++u == g->rows) {
                u = 0;
                n++;
            }
        }
    }
}

/* Taps k with 0 <= at + k*step < size, of `taps`. */
static void valid_taps(int64_t at, int64_t step, int64_t size, int64_t taps, int64_t *begin, int64_t *end) {
    *begin = DK_MAX(0, dk_ceil_div(-at, step));
    *end = DK_MIN(taps, dk_floor_div(size - 1 - at, step) + 1);
    *end = DK_MAX(*begin, *end);
}

/* Row addresses of pixel k for the taps (from t0, count of them, channels from c0), TILE apart. */
static void fill_rows(struct job *job, int64_t k, int64_t t0, int64_t count, int64_t c0, int64_t tile, float **patch,
                      const float **rows) {
    const struct walk *w = job->w;
    const struct dk_walk *g = w->g;
    const int64_t stride = g->src.stride, across = job->j1 - job->j0, sy = job->sy[k], sx = job->sx[k];
    const float *data = g->src.data + job->group * g->panels.inputs + c0;
    int64_t i = job->i0 + t0 / across, j = job->j0 + t0 % across;
    for (int64_t t = 0; t < count; t++) {
        int64_t y = sy + i * g->tap_step_y, x = sx + j * w->merged * g->tap_step_x;
        const float *row = zeros;
        if (y >= 0 && y < g->src.height) {
            const float *at = data + (job->offset[k] + i * g->tap_step_y * g->src.width +
                                      j * w->merged * g->tap_step_x) * stride;
            if (x >= 0 && x + w->merged <= g->src.width) {
                row = at;
            } else if (w->merged > 1) {
                int64_t left = DK_MIN(DK_MAX(0, -x), w->merged);
                int64_t right = DK_MAX(left, DK_MIN(w->merged, g->src.width - x));
                memset(*patch, 0, sizeof(float) * (size_t)w->run);
                memcpy(*patch + left * stride, at + left * stride, sizeof(float) * (size_t)((right - left) * stride));
                row = *patch;
                *patch += w->run;
            }
        }
        rows[t * tile] = row;
        if (++j == job->j1) {
            j = job->j0;
            i++;
        }
    }
}

/* The same for a whole block of pixels side by side in a row, `step` floats apart, where no tap falls outside. */
static void fill_block(const struct job *job, int64_t k, int64_t t0, int64_t count, int64_t c0, int64_t tile,
                       int64_t step, const float **rows) {
    const struct walk *w = job->w;
    const struct dk_walk *g = w->g;
    const int64_t across = job->j1 - job->j0;
    const int64_t step_x = w->merged * g->tap_step_x * g->src.stride;
    const int64_t step_y = g->tap_step_y * g->src.width * g->src.stride;
    const float *at = g->src.data + job->group * g->panels.inputs + c0 + job->offset[k] * g->src.stride;
    int64_t i = job->i0 + t0 / across, j = job->j0 + t0 % across;
    for (int64_t t = 0; t < count; t++, rows += tile) {
        const float *row = at + i * step_y + j * step_x;
        for (int64_t p = 0; p < tile; p++)
            rows[p] = row + p * step;
        if (++j == job->j1) {
            j = job->j0;
            i++;
        }
    }
}

static void fill_table(struct job *job, int64_t t0, int64_t count, int64_t c0) {
    const struct walk *w = job->w;
    const struct dk_walk *g = w->g;
    const int64_t tile = w->kernels->tile_pixels;
    const int64_t last_y = (job->i1 - 1) * g->tap_step_y, last_x = (job->j1 * w->merged - 1) * g->tap_step_x;
    const int64_t first_y = job->i0 * g->tap_step_y, first_x = job->j0 * w->merged * g->tap_step_x;
    float *patch = job->patch;
    int64_t end = job->first_block * w->pixels / w->blocks;
    for (int64_t b = 0; b < job->block_count; b++) {
        const int64_t begin = end;
        end = (job->first_block + b + 1) * w->pixels / w->blocks;
        const int64_t k0 = begin - job->first_pixel, k1 = end - 1 - job->first_pixel, y = job->sy[k0];
        const float **rows = job->rows + b * count * tile;
        /* by position, the pixels of a block are those of several images */
        if (!w->by_position && job->sx[k1] - job->sx[k0] == (k1 - k0) * g->src_step_x && y == job->sy[k1] &&
            y + first_y >= 0 && y + last_y < g->src.height && job->sx[k0] + first_x >= 0 &&
            job->sx[k1] + last_x < g->src.width) {
            fill_block(job, k0, t0, count, c0, tile, g->src_step_x * g->src.stride, rows);
            continue;
        }
        for (int64_t k = k0; k <= k1; k++)
            fill_rows(job, k, t0, count, c0, tile, &patch, rows + k - k0);
    }
}

static void activate_tile(const struct dk_convolution_tile *t, int activation) {
    for (int64_t i = 0; i < t->pixels; i++) {
        float *y = t->out.y + t->pixel[i] * t->out.y_stride;
        dk_kernels()->activation.forward(activation, 0, t->filters, y, y);
    }
}

/* All panels q0 .. q1-1 over all blocks, for the chunk whose table is filled. */
static void run_chunk(struct job *job, int64_t q0, int64_t q1, int64_t taps, int64_t run, int from_y, int is_final) {
    const struct walk *w = job->w;
    const struct dk_walk *g = w->g;
    const struct dk_panels *p = &g->panels;
    const int64_t tile = w->kernels->tile_pixels;
    const int fused = dk_is_tile_activation(g->activation);
    const int streams = !from_y && is_final && fused && dk_is_streamable(&g->dst);
    /* The pixels of the next tile lie behind this one's: they are fetched with the first panel's products. */
    const int64_t next_step = tile * g->src_step_x * g->src.stride * (int64_t)sizeof(float) / run;
    const int fetches = taps == 1 && next_step <= DK_LINE * (int64_t)sizeof(float);
    for (int64_t q = q0; q < q1; q++) {
        int64_t f = job->group * p->outputs + q * p->width;
        struct dk_convolution_tile t = {
            .taps = taps,
            .run = run,
            .first = job->first,
            .filters = g->depthwise ? p->outputs : DK_MIN(p->width, p->outputs - q * p->width),
            .weights = g->weights + (g->depthwise ? 0 : dk_panel_offset(p, job->group, q)),
            .out = {.y = g->dst.data + f,
                    .y_stride = g->dst.stride,
                    .scale = g->scale ? g->scale + f : NULL,
                    .shift = g->shift ? g->shift + f : NULL,
                    .residual = g->residual.data ? g->residual.data + f : NULL,
                    .residual_stride = g->residual.stride,
                    .activation = fused ? g->activation : DK_LINEAR,
                    .from_y = from_y,
                    .is_final = is_final,
                    .streams = streams && dk_to_line(g->dst.data + f) == 0},
        };
        int64_t end = job->first_block * w->pixels / w->blocks;
        for (int64_t b = 0; b < job->block_count; b++) {
            const int64_t begin = end;
            end = (job->first_block + b + 1) * w->pixels / w->blocks;
            t.pixels = end - begin;
            t.pixel = job->pixel + begin - job->first_pixel;
            t.coming = 0;
            if (from_y && b + 1 < job->block_count)
                t.coming = (job->first_block + b + 2) * w->pixels / w->blocks - end;
            t.rows = job->rows + b * taps * tile;
            if (g->depthwise) {
                struct dk_convolution_tile d = t;
                d.weights += job->first[0] * p->padded;
                w->kernels->depthwise(&d, p->padded);
            } else {
                dk_prefetch_next(&job->prefetch, &t, taps * run);
                if (fetches && q == q0 && b + 1 < job->block_count) {
                    t.next = (const char *)t.rows[tile];
                    t.next_step = next_step;
                }
                g->tile(&t);
            }
            if (is_final && !fused)
                activate_tile(&t, g->activation);
        }
    }
}

static void run_job(struct job *job, int64_t q0, int64_t q1) {
    const struct walk *w = job->w;
    const struct dk_walk *g = w->g;
    const int64_t across = job->j1 - job->j0, taps = (job->i1 - job->i0) * across;
    /* A run that is too long for one chunk is cut into pieces; else several taps make a chunk. */
    const int64_t pieces = taps ? DK_MAX(1, dk_ceil_div(w->run, RUN_MAX)) : 1;
    const int64_t groups_of_taps = pieces > 1 ? taps : DK_MAX(1, dk_ceil_div(taps, w->taps_per_chunk));
    if (taps == 0 && g->accumulate)
        return;
    for (int64_t k = 0; k < groups_of_taps * pieces; k++) {
        int64_t t0 = k / pieces * taps / groups_of_taps, t1 = (k / pieces + 1) * taps / groups_of_taps;
        int64_t c0 = k % pieces * w->run / pieces, c1 = (k % pieces + 1) * w->run / pieces;
        for (int64_t t = t0; t < t1; t++) {
            int64_t i = job->i0 + t / across, j = (job->j0 + t % across) * w->merged;
            job->first[t - t0] = (g->first_tap + i * g->taps_x + j) * g->panels.inputs + c0;
        }
        if (t1 > t0)
            fill_table(job, t0, t1 - t0, c0);
        run_chunk(job, q0, q1, t1 - t0, c1 - c0, g->accumulate || k > 0, k == groups_of_taps * pieces - 1);
    }
}

static void run_jobs(const void *args, int64_t begin, int64_t end, int worker) {
    const struct walk *w = args;
    const struct dk_walk *g = w->g;
    struct job job;
    (void)worker;
    job.w = w;
    for (int64_t k = begin; k < end; k++) {
        int64_t q = k % w->panel_jobs, rest = k / w->panel_jobs;
        job.group = rest % g->panels.groups;
        rest /= g->panels.groups;
        job.first_block = rest % w->ranges * w->range;
        job.block_count = DK_MIN(w->range, w->blocks - job.first_block);
        job.first_pixel = job.first_block * w->pixels / w->blocks;
        job.pixel_count = (job.first_block + job.block_count) * w->pixels / w->blocks - job.first_pixel;
        find_pixels(&job, rest / w->ranges);
        job.i0 = job.j0 = 0;
        job.i1 = g->taps_y;
        job.j1 = w->taps_x;
        if (w->by_position) {
            valid_taps(job.sy[0], g->tap_step_y, g->src.height, g->taps_y, &job.i0, &job.i1);
            valid_taps(job.sx[0], g->tap_step_x, g->src.width, g->taps_x, &job.j0, &job.j1);
        }
        const int64_t chunks = DK_MAX(1, dk_ceil_div((job.i1 - job.i0) * (job.j1 - job.j0), w->taps_per_chunk));
        const int64_t tiles = job.block_count * w->panel_step * chunks;
        job.prefetch = dk_prefetch_share(g->prefetch, g->prefetch_count, k, w->jobs, tiles);
        run_job(&job, q * w->panel_step, DK_MIN(w->panel_count, (q + 1) * w->panel_step));
    }
    if (dk_is_streamable(&g->dst))
        dk_kernels()->blas.stream_end();
}

/* Share of the taps along one axis that lie inside. */
static double valid_share(int64_t count, int64_t off, int64_t src_step, int64_t taps, int64_t tap_step, int64_t size) {
    int64_t sum = 0;
    for (int64_t u = 0; u < count; u++) {
        int64_t begin, end;
        valid_taps(off + u * src_step, tap_step, size, taps, &begin, &end);
        sum += end - begin;
    }
    return (double)sum / (double)(count * DK_MAX(1, taps));
}

void dk_walk_run(const struct dk_walk *g) {
    const struct dk_convolution_kernels *kernels = &dk_kernels()->convolution;
    const struct dk_panels *p = &g->panels;
    const int64_t tile = kernels->tile_pixels, inputs = p->inputs;
    struct walk w = {.g = g, .kernels = kernels, .taps_x = g->taps_x, .merged = 1, .run = inputs};
    if (g->rows * g->cols * g->dst.batch == 0)
        return;
    double share = valid_share(g->rows, g->off_y, g->src_step_y, g->taps_y, g->tap_step_y, g->src.height) *
                   valid_share(g->cols, g->off_x, g->src_step_x, g->taps_x, g->tap_step_x, g->src.width);
    /* the depthwise tile reads its taps' weights one behind the other, so none may be left out */
    w.by_position = !g->depthwise && g->taps_y * g->taps_x > 1 && share < 0.6;
    w.can_be_cut = g->off_x < 0 || g->off_x + (g->cols - 1) * g->src_step_x + g->taps_x > g->src.width;
    if (!w.by_position && !g->depthwise && p->groups == 1 && g->src.stride == inputs && g->tap_step_x == 1 &&
        g->taps_x > 1 && (!w.can_be_cut || inputs <= 32) && g->taps_x * inputs <= RUN_MAX / 2) {
        w.merged = g->taps_x;
        w.taps_x = 1;
        w.run = g->taps_x * inputs;
    }
    const int64_t taps = g->taps_y * w.taps_x;
    w.taps_per_chunk = DK_MAX(1, DK_MIN(TABLE / tile, (g->depthwise ? TABLE : CHUNK) / w.run));
    w.taps_per_chunk = DK_MIN(w.taps_per_chunk, DK_MAX(1, taps));
    w.positions = w.by_position ? g->rows * g->cols : 1;
    w.pixels = w.by_position ? g->dst.batch : g->dst.batch * g->rows * g->cols;
    w.blocks = dk_ceil_div(w.pixels, tile);
    w.panel_count = g->depthwise ? 1 : dk_panel_count(p);

    /* Jobs: long enough to be worth a start, few enough blocks for the tables, enough of them for all threads. */
    const int64_t threads = dk_get_num_threads(), wanted = threads == 1 ? 1 : threads * JOBS_PER_THREAD;
    const int64_t per_block = tile * DK_MAX(1, taps) * w.run * p->padded;
    int64_t range = DK_MAX(8, JOB_PRODUCTS / per_block);
    range = DK_MIN(range, DK_MIN(PIXELS / tile, TABLE / (tile * w.taps_per_chunk)));
    if (w.merged > 1 && w.can_be_cut)
        range = DK_MIN(range, PATCH / (tile * w.taps_per_chunk * w.run));
    w.range = DK_MAX(1, DK_MIN(range, w.blocks));
    const int64_t others = w.positions * p->groups;
    int64_t jobs = others * dk_ceil_div(w.blocks, w.range);
    w.panel_jobs = jobs >= wanted ? 1 : DK_MIN(w.panel_count, dk_ceil_div(wanted, jobs));
    if (jobs * w.panel_jobs < wanted)
        w.range = DK_MAX(1, DK_MIN(w.range, w.blocks * others * w.panel_jobs / wanted));
    w.ranges = dk_ceil_div(w.blocks, w.range);
    w.panel_step = dk_ceil_div(w.panel_count, w.panel_jobs);
    w.panel_jobs = dk_ceil_div(w.panel_count, w.panel_step);
    w.jobs = others * w.ranges * w.panel_jobs;
    dk_parallel_for(w.jobs, per_block * w.blocks * others < SMALL ? w.jobs : 1, run_jobs, &w);
}

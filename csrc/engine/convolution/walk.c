/* The walk over planes that forward and data gradient share: the algorithm
 * "indirect", and "depthwise".
 *
 * A job is a range of output pixels times a range of panels.  Its sums are cut into chunks of
 * about CHUNK products (a cut that depends on the shape alone).  For a chunk it writes a table of
 * row addresses, one for every tap and pixel, padding pointing at zeros; then, panel by panel, it
 * runs the register tile over blocks of pixels: the panel's chunk of weights stays in the cache
 * while the blocks pass.
 *
 * Taps that lie side by side in a contiguous image are merged into one of taps*channels values, so
 * a thin first layer has a few deep taps; a merged tap that the border cuts is copied to a patch
 * with zeros.  Where most taps fall outside (a kernel about as large as the plane) a job is one
 * position of all images, and leaves out the taps outside. */
#include "engine/convolution/walk.h"

#include "engine/convolution/prefetch.h"
#include "engine/tensor.h"
#include "threads.h"

#include <string.h>

enum {
    CHUNK = 1024,     /* products of a sum per pass: for 64 filters they read 256 KiB of weights */
    DEPTH_MAX = 2048, /* products of a tap that may be padding, at most */
    TABLE = 4096,     /* row addresses of a job: 32 KiB */
    PATCH = 16384,    /* floats of patches of a job: 64 KiB */
    PIXELS = 512,     /* output pixels of a job */
    TAPS = TABLE / 4, /* taps of a chunk; a tile has at least 4 pixels */
    JOB_PRODUCTS = 1 << 20, /* multiply-adds of a job, about: some 20 microseconds */
    JOBS_PER_THREAD = 6,
    SMALL = 1 << 17 /* multiply-adds in all below which one thread does them */
};

static const float zeros[DEPTH_MAX];

struct plan {
    const struct dk_walk *walk;
    const struct dk_convolution_kernels *kernels;
    int64_t taps_x, merged, depth; /* merged taps along x; original taps in one, its products */
    int can_be_cut, by_position;
    int64_t positions, pixels; /* jobs' positions (1 unless by_position); output pixels of each */
    int64_t blocks, range, ranges; /* register tiles in all and of a job; jobs along them */
    int64_t taps_per_chunk, panel_count, panel_step, panel_jobs, jobs;
};

/* What one job has on its stack. */
struct job {
    const struct plan *plan;
    int64_t group, first_pixel, pixel_count, first_block, block_count;
    int64_t i0, i1, j0, j1;         /* taps in use, j in merged ones */
    int64_t pixel[PIXELS];          /* index in dst */
    int64_t offset[PIXELS];         /* index in src of the pixel under tap (0,0) */
    int64_t sy[PIXELS], sx[PIXELS]; /* its row and column */
    int64_t first[TAPS];            /* rows of the packed weights before each tap of the chunk */
    const float *rows[TABLE];
    float patch[PATCH];
    struct dk_prefetch prefetch;
};

static void find_pixels(struct job *job, int64_t position) {
    const struct plan *plan = job->plan;
    const struct dk_walk *walk = plan->walk;
    int64_t p = job->first_pixel, n, u, v;
    if (plan->by_position) {
        n = p;
        u = position / walk->cols;
        v = position % walk->cols;
    } else {
        n = p / (walk->rows * walk->cols);
        u = p / walk->cols % walk->rows;
        v = p % walk->cols;
    }
    for (int64_t k = 0; k < job->pixel_count; k++) {
        job->sy[k] = walk->off_y + u * walk->src_step_y;
        job->sx[k] = walk->off_x + v * walk->src_step_x;
        job->offset[k] = (n * walk->src.height + job->sy[k]) * walk->src.width + job->sx[k];
        job->pixel[k] =
            (n * walk->dst.height + walk->dst_y + u * walk->dst_step_y) * walk->dst.width +
            walk->dst_x + v * walk->dst_step_x;
        if (plan->by_position) {
            n++;
        } else if (++v == walk->cols) {
            v = 0;
            if (++u == walk->rows) {
                u = 0;
                n++;
            }
        }
    }
}

/* Taps k with 0 <= at + k*step < size, of `taps`. */
static void valid_taps(int64_t at, int64_t step, int64_t size, int64_t taps, int64_t *begin,
                       int64_t *end) {
    *begin = DK_MAX(0, dk_ceil_div(-at, step));
    *end = DK_MIN(taps, dk_floor_div(size - 1 - at, step) + 1);
    *end = DK_MAX(*begin, *end);
}

/* Row addresses of pixel k for the taps (from t0, count of them, channels from c0), TILE apart. */
static void fill_rows(struct job *job, int64_t k, int64_t t0, int64_t count, int64_t c0,
                      int64_t tile, float **patch, const float **rows) {
    const struct plan *plan = job->plan;
    const struct dk_walk *walk = plan->walk;
    const int64_t stride = walk->src.stride, across = job->j1 - job->j0, sy = job->sy[k],
                  sx = job->sx[k];
    const float *data = walk->src.data + job->group * walk->panels.inputs + c0;
    int64_t i = job->i0 + t0 / across, j = job->j0 + t0 % across;
    for (int64_t t = 0; t < count; t++) {
        int64_t y = sy + i * walk->tap_step_y, x = sx + j * plan->merged * walk->tap_step_x;
        const float *row = zeros;
        if (y >= 0 && y < walk->src.height) {
            const float *at = data + (job->offset[k] + i * walk->tap_step_y * walk->src.width +
                                      j * plan->merged * walk->tap_step_x) *
                                         stride;
            if (x >= 0 && x + plan->merged <= walk->src.width) {
                row = at;
            } else if (plan->merged > 1) {
                int64_t left = DK_MIN(DK_MAX(0, -x), plan->merged);
                int64_t right = DK_MAX(left, DK_MIN(plan->merged, walk->src.width - x));
                memset(*patch, 0, sizeof(float) * (size_t)plan->depth);
                memcpy(*patch + left * stride, at + left * stride,
                       sizeof(float) * (size_t)((right - left) * stride));
                row = *patch;
                *patch += plan->depth;
            }
        }
        rows[t * tile] = row;
        if (++j == job->j1) {
            j = job->j0;
            i++;
        }
    }
}

/* The same for a whole block of pixels side by side in a row, `step` floats apart, where
 * no tap falls outside. */
static void fill_block(const struct job *job, int64_t k, int64_t t0, int64_t count, int64_t c0,
                       int64_t tile, int64_t step, const float **rows) {
    const struct plan *plan = job->plan;
    const struct dk_walk *walk = plan->walk;
    const int64_t across = job->j1 - job->j0;
    const int64_t step_x = plan->merged * walk->tap_step_x * walk->src.stride;
    const int64_t step_y = walk->tap_step_y * walk->src.width * walk->src.stride;
    const float *at =
        walk->src.data + job->group * walk->panels.inputs + c0 + job->offset[k] * walk->src.stride;
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
    const struct plan *plan = job->plan;
    const struct dk_walk *walk = plan->walk;
    const int64_t tile = plan->kernels->tile_pixels;
    const int64_t last_y = (job->i1 - 1) * walk->tap_step_y,
                  last_x = (job->j1 * plan->merged - 1) * walk->tap_step_x;
    const int64_t first_y = job->i0 * walk->tap_step_y,
                  first_x = job->j0 * plan->merged * walk->tap_step_x;
    float *patch = job->patch;
    int64_t end = job->first_block * plan->pixels / plan->blocks;
    for (int64_t b = 0; b < job->block_count; b++) {
        const int64_t begin = end;
        end = (job->first_block + b + 1) * plan->pixels / plan->blocks;
        const int64_t k0 = begin - job->first_pixel, k1 = end - 1 - job->first_pixel,
                      y = job->sy[k0];
        const float **rows = job->rows + b * count * tile;
        /* by position, the pixels of a block are those of several images */
        if (!plan->by_position && job->sx[k1] - job->sx[k0] == (k1 - k0) * walk->src_step_x &&
            y == job->sy[k1] && y + first_y >= 0 && y + last_y < walk->src.height &&
            job->sx[k0] + first_x >= 0 && job->sx[k1] + last_x < walk->src.width) {
            fill_block(job, k0, t0, count, c0, tile, walk->src_step_x * walk->src.stride, rows);
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
static void run_chunk(struct job *job, int64_t q0, int64_t q1, int64_t taps, int64_t depth,
                      int from_y, int is_final) {
    const struct plan *plan = job->plan;
    const struct dk_walk *walk = plan->walk;
    const struct dk_panels *p = &walk->panels;
    const int64_t tile = plan->kernels->tile_pixels;
    const int fused = dk_is_tile_activation(walk->activation);
    const int streams = !from_y && is_final && fused && dk_is_streamable(&walk->dst);
    /* The pixels of the next tile lie behind this one's: they are fetched with the
     * first panel's products. */
    const int64_t next_step =
        tile * walk->src_step_x * walk->src.stride * (int64_t)sizeof(float) / depth;
    const int fetches = taps == 1 && next_step <= DK_LINE * (int64_t)sizeof(float);
    for (int64_t q = q0; q < q1; q++) {
        int64_t f = job->group * p->outputs + q * p->width;
        struct dk_convolution_tile t = {
            .taps = taps,
            .depth = depth,
            .first = job->first,
            .filters = walk->depthwise ? p->outputs : DK_MIN(p->width, p->outputs - q * p->width),
            .weights = walk->weights + (walk->depthwise ? 0 : dk_panel_offset(p, job->group, q)),
            .out = dk_tile_output_of(walk, f),
        };
        t.out.from_y = from_y;
        t.out.is_final = is_final;
        t.out.streams = streams && dk_to_line(walk->dst.data + f) == 0;
        int64_t end = job->first_block * plan->pixels / plan->blocks;
        for (int64_t b = 0; b < job->block_count; b++) {
            const int64_t begin = end;
            end = (job->first_block + b + 1) * plan->pixels / plan->blocks;
            t.pixels = end - begin;
            t.pixel = job->pixel + begin - job->first_pixel;
            t.coming = 0;
            if (from_y && b + 1 < job->block_count)
                t.coming = (job->first_block + b + 2) * plan->pixels / plan->blocks - end;
            t.rows = job->rows + b * taps * tile;
            if (walk->depthwise) {
                struct dk_convolution_tile d = t;
                d.weights += job->first[0] * p->padded;
                plan->kernels->depthwise(&d, p->padded);
            } else {
                dk_prefetch_next(&job->prefetch, &t, taps * depth);
                if (fetches && q == q0 && b + 1 < job->block_count) {
                    t.next = (const char *)t.rows[tile];
                    t.next_step = next_step;
                }
                walk->tile(&t);
            }
            if (is_final && !fused)
                activate_tile(&t, walk->activation);
        }
    }
}

static void run_job(struct job *job, int64_t q0, int64_t q1) {
    const struct plan *plan = job->plan;
    const struct dk_walk *walk = plan->walk;
    const int64_t across = job->j1 - job->j0, taps = (job->i1 - job->i0) * across;
    /* A tap that is too deep for one chunk is cut into pieces; otherwise a
     * chunk has several taps. */
    const int64_t pieces = taps ? DK_MAX(1, dk_ceil_div(plan->depth, DEPTH_MAX)) : 1;
    const int64_t groups_of_taps =
        pieces > 1 ? taps : DK_MAX(1, dk_ceil_div(taps, plan->taps_per_chunk));
    if (taps == 0 && walk->accumulate)
        return;
    for (int64_t k = 0; k < groups_of_taps * pieces; k++) {
        int64_t t0 = k / pieces * taps / groups_of_taps,
                t1 = (k / pieces + 1) * taps / groups_of_taps;
        int64_t c0 = k % pieces * plan->depth / pieces,
                c1 = (k % pieces + 1) * plan->depth / pieces;
        for (int64_t t = t0; t < t1; t++) {
            int64_t i = job->i0 + t / across, j = (job->j0 + t % across) * plan->merged;
            job->first[t - t0] =
                (walk->first_tap + i * walk->taps_x + j) * walk->panels.inputs + c0;
        }
        if (t1 > t0)
            fill_table(job, t0, t1 - t0, c0);
        run_chunk(job, q0, q1, t1 - t0, c1 - c0, walk->accumulate || k > 0,
                  k == groups_of_taps * pieces - 1);
    }
}

static void run_jobs(const void *args, int64_t begin, int64_t end, int worker) {
    const struct plan *plan = args;
    const struct dk_walk *walk = plan->walk;
    struct job job;
    (void)worker;
    job.plan = plan;
    for (int64_t k = begin; k < end; k++) {
        int64_t q = k % plan->panel_jobs, rest = k / plan->panel_jobs;
        job.group = rest % walk->panels.groups;
        rest /= walk->panels.groups;
        job.first_block = rest % plan->ranges * plan->range;
        job.block_count = DK_MIN(plan->range, plan->blocks - job.first_block);
        job.first_pixel = job.first_block * plan->pixels / plan->blocks;
        job.pixel_count =
            (job.first_block + job.block_count) * plan->pixels / plan->blocks - job.first_pixel;
        find_pixels(&job, rest / plan->ranges);
        job.i0 = job.j0 = 0;
        job.i1 = walk->taps_y;
        job.j1 = plan->taps_x;
        if (plan->by_position) {
            valid_taps(job.sy[0], walk->tap_step_y, walk->src.height, walk->taps_y, &job.i0,
                       &job.i1);
            valid_taps(job.sx[0], walk->tap_step_x, walk->src.width, walk->taps_x, &job.j0,
                       &job.j1);
        }
        const int64_t chunks =
            DK_MAX(1, dk_ceil_div((job.i1 - job.i0) * (job.j1 - job.j0), plan->taps_per_chunk));
        const int64_t tiles = job.block_count * plan->panel_step * chunks;
        job.prefetch =
            dk_prefetch_share(walk->prefetch, walk->prefetch_count, k, plan->jobs, tiles);
        run_job(&job, q * plan->panel_step, DK_MIN(plan->panel_count, (q + 1) * plan->panel_step));
    }
    if (dk_is_streamable(&walk->dst))
        dk_kernels()->blas.stream_end();
}

/* Share of the taps along one axis that lie inside. */
static double valid_share(int64_t count, int64_t off, int64_t src_step, int64_t taps,
                          int64_t tap_step, int64_t size) {
    int64_t sum = 0;
    for (int64_t u = 0; u < count; u++) {
        int64_t begin, end;
        valid_taps(off + u * src_step, tap_step, size, taps, &begin, &end);
        sum += end - begin;
    }
    return (double)sum / (double)(count * DK_MAX(1, taps));
}

void dk_walk_convolve(const struct dk_walk *walk) {
    const struct dk_convolution_kernels *kernels = &dk_kernels()->convolution;
    const struct dk_panels *p = &walk->panels;
    const int64_t tile = kernels->tile_pixels, inputs = p->inputs;
    struct plan plan = {
        .walk = walk, .kernels = kernels, .taps_x = walk->taps_x, .merged = 1, .depth = inputs};
    if (walk->rows * walk->cols * walk->dst.batch == 0)
        return;
    double share = valid_share(walk->rows, walk->off_y, walk->src_step_y, walk->taps_y,
                               walk->tap_step_y, walk->src.height) *
                   valid_share(walk->cols, walk->off_x, walk->src_step_x, walk->taps_x,
                               walk->tap_step_x, walk->src.width);
    /* the depthwise tile reads its taps' weights one behind the other, so none may be left out */
    plan.by_position = !walk->depthwise && walk->taps_y * walk->taps_x > 1 && share < 0.6;
    plan.can_be_cut =
        walk->off_x < 0 ||
        walk->off_x + (walk->cols - 1) * walk->src_step_x + walk->taps_x > walk->src.width;
    if (!plan.by_position && !walk->depthwise && p->groups == 1 && walk->src.stride == inputs &&
        walk->tap_step_x == 1 && walk->taps_x > 1 && (!plan.can_be_cut || inputs <= 32) &&
        walk->taps_x * inputs <= DEPTH_MAX / 2) {
        plan.merged = walk->taps_x;
        plan.taps_x = 1;
        plan.depth = walk->taps_x * inputs;
    }
    const int64_t taps = walk->taps_y * plan.taps_x;
    plan.taps_per_chunk =
        DK_MAX(1, DK_MIN(TABLE / tile, (walk->depthwise ? TABLE : CHUNK) / plan.depth));
    plan.taps_per_chunk = DK_MIN(plan.taps_per_chunk, DK_MAX(1, taps));
    plan.positions = plan.by_position ? walk->rows * walk->cols : 1;
    plan.pixels = plan.by_position ? walk->dst.batch : walk->dst.batch * walk->rows * walk->cols;
    plan.blocks = dk_ceil_div(plan.pixels, tile);
    plan.panel_count = walk->depthwise ? 1 : dk_panel_count(p);

    /* Jobs: long enough to be worth a start, few enough blocks for the tables, enough of
     * them for all threads. */
    const int64_t threads = dk_get_num_threads(),
                  wanted = threads == 1 ? 1 : threads * JOBS_PER_THREAD;
    const int64_t per_block = tile * DK_MAX(1, taps) * plan.depth * p->padded;
    int64_t range = DK_MAX(8, JOB_PRODUCTS / per_block);
    range = DK_MIN(range, DK_MIN(PIXELS / tile, TABLE / (tile * plan.taps_per_chunk)));
    if (plan.merged > 1 && plan.can_be_cut)
        range = DK_MIN(range, PATCH / (tile * plan.taps_per_chunk * plan.depth));
    plan.range = DK_MAX(1, DK_MIN(range, plan.blocks));
    const int64_t others = plan.positions * p->groups;
    int64_t jobs = others * dk_ceil_div(plan.blocks, plan.range);
    plan.panel_jobs = jobs >= wanted ? 1 : DK_MIN(plan.panel_count, dk_ceil_div(wanted, jobs));
    if (jobs * plan.panel_jobs < wanted)
        plan.range = DK_MAX(1, DK_MIN(plan.range, plan.blocks * others * plan.panel_jobs / wanted));
    plan.ranges = dk_ceil_div(plan.blocks, plan.range);
    plan.panel_step = dk_ceil_div(plan.panel_count, plan.panel_jobs);
    plan.panel_jobs = dk_ceil_div(plan.panel_count, plan.panel_step);
    plan.jobs = others * plan.ranges * plan.panel_jobs;
    dk_parallel_for(plan.jobs, per_block * plan.blocks * others < SMALL ? plan.jobs : 1, run_jobs,
                    &plan);
}

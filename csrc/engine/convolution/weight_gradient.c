/* The weight gradient: for every tap a product of x (shifted by the tap) with dy over all
 * pixels, read in place.
 *
 * Tiles of a few channels x one panel of filters run over blocks of image rows small enough for
 * the cache.  Either the pixels are cut into slices (a cut that depends on the shape alone)
 * with sums of their own that are added in order at the end, or, where the weights are large
 * beside the images, each job owns some of the tiles and sees all pixels.  Thin inputs (a few
 * channels) would leave tiles empty: there the taps of a row of the filter, which lie side by
 * side in the image, count as one tap of many channels.  Columns of pixels where the border
 * cuts such a row, and images that are not dense, are copied to patches first: taps*channels
 * values per pixel, zeros outside. */
#include "engine/convolution/algorithms.h"
#include "engine/convolution/geometry.h"
#include "engine/convolution/pack.h"
#include "threads.h"

#include <string.h>

enum {
    SLICES = 16,        /* most slices of the pixels, and so most threads that work on them */
    PATCH = 16384,      /* floats of patches at a time: 64 KiB */
    BLOCK_PIXELS = 192, /* pixels of a block, about: updates are loaded and stored once per block */
    BLOCK_LEAST = 48,   /* minimum block, even if it exceeds BLOCK_FLOATS */
    BLOCK_FLOATS = 1 << 17, /* most floats of x and dy in a block */
    THIN = 16,              /* channels up to which an input is thin */
    PART = 56,              /* channels of a part, about: without slices, jobs share the parts */
    MANY_VALUES = 48, /* values read per update from which separate slices pay off (measured) */
    JOBS_PER_THREAD = 4,
    DY_LINES = 4,   /* cache lines of dy at a pixel: a panel's filters */
    SMALL = 1 << 17 /* multiply-adds in all below which one thread does them */
};

struct gradient {
    struct dk_conv_shape s;
    struct dk_tensor x, dy;
    struct dk_panels panels;
    const struct dk_convolution_kernels *kernels;
    int depthwise, is_thin;
    int64_t merged;           /* taps that count as one */
    int64_t x0, x1;           /* columns of dy between those of patches */
    int64_t slices;           /* each has its own sums; 1: straight into updates */
    int64_t rows, block_rows; /* rows of dy over all images; rows of a block */
    int64_t parts;            /* the channels are cut into so many */
    int64_t tiles, jobs;      /* (group, panel, tap, part) tuples; jobs along them */
    int64_t size;             /* floats in `updates` */
    float *updates, *partial;
};

/* Rows of dy of tap offset `at` that read rows inside 0 .. size-1. */
static void valid_range(int64_t at, int64_t stride, int64_t size, int64_t count, int64_t *begin,
                        int64_t *end) {
    *begin = DK_MAX(0, dk_ceil_div(-at, stride));
    *end = DK_MAX(*begin, DK_MIN(count, dk_floor_div(size - 1 - at, stride) + 1));
}

/* The channels of one (group, panel, tap, part) over rows r0 .. r1-1. */
static void tile_rows(const struct gradient *a, float *updates, int64_t index, int64_t r0,
                      int64_t r1) {
    const struct dk_conv_shape *s = &a->s;
    const struct dk_panels *p = &a->panels;
    const int64_t panels = a->depthwise ? 1 : dk_panel_count(p);
    const int64_t part = index % a->parts, tile = index / a->parts;
    const int64_t taps = p->taps / a->merged, across = s->size_w / a->merged,
                  inputs = p->inputs * a->merged;
    const int64_t tap = tile % taps, q = tile / taps % panels, g = tile / taps / panels;
    const int64_t at_y = tap / across * s->dilation_h - s->pad_h,
                  at_x = tap % across * s->dilation_w - s->pad_w;
    int64_t y0, y1, x0, x1;
    valid_range(at_y, s->stride_h, a->x.height, a->dy.height, &y0, &y1);
    valid_range(at_x, s->stride_w, a->x.width - (a->merged - 1), a->dy.width, &x0, &x1);
    if (x0 == x1)
        return;
    const int64_t blocks = dk_ceil_div(inputs, a->kernels->tile_pixels);
    const int64_t width = a->depthwise ? p->padded : dk_panel_width(p, q);
    float *base = updates + (a->depthwise ? tap * p->padded
                                          : dk_panel_offset(p, g, q) + tap * inputs * width);
    struct dk_gradient_tile t = {
        .x_step = s->stride_w * a->x.stride,
        .x_row = s->stride_h * a->x.width * a->x.stride,
        .dy_step = a->dy.stride,
        .dy_row = a->dy.width * a->dy.stride,
        .filters = a->depthwise ? p->outputs : DK_MIN(p->width, p->outputs - q * p->width),
    };
    for (int64_t b = part * blocks / a->parts; b < (part + 1) * blocks / a->parts; b++) {
        int64_t c0 = b * inputs / blocks, c1 = (b + 1) * inputs / blocks;
        t.channels = c1 - c0;
        t.updates = base + c0 * width;
        /* its own channels of the next block, and one of the lines of dy, which all tiles read */
        t.x_prefetch = (r1 - r0) * t.x_row;
        t.dy_prefetch = (r1 - r0) * t.dy_row + (tap + b) % DY_LINES * DK_LINE;
        for (int64_t r = r0; r < r1;) {
            int64_t n = r / a->dy.height, top = DK_MAX(y0, r - n * a->dy.height);
            int64_t bottom = DK_MIN(y1, r1 - n * a->dy.height);
            r = (n + 1) * a->dy.height;
            if (top >= bottom)
                continue;
            t.rows = bottom - top;
            t.cols = x1 - x0;
            t.x = a->x.data +
                  ((n * a->x.height + top * s->stride_h + at_y) * a->x.width + x0 * s->stride_w +
                   at_x) *
                      a->x.stride +
                  g * p->inputs + c0;
            t.dy = a->dy.data + ((n * a->dy.height + top) * a->dy.width + x0) * a->dy.stride +
                   g * p->outputs + q * p->width;
            if (t.cols * t.x_step == t.x_row && t.cols * t.dy_step == t.dy_row) {
                t.cols *= t.rows;
                t.rows = 1;
            }
            if (a->depthwise)
                a->kernels->depthwise_gradient(&t);
            else
                a->kernels->gradient(&t);
        }
    }
}

/* Patch of one pixel: x under every tap, [tap][channel]. */
static void copy_patch(const struct gradient *a, int64_t pixel, float *patch) {
    const struct dk_conv_shape *s = &a->s;
    const int64_t channels = a->x.channels, stride = a->x.stride;
    const int64_t n = pixel / (a->dy.height * a->dy.width);
    const int64_t sy = pixel / a->dy.width % a->dy.height * s->stride_h - s->pad_h;
    const int64_t sx = pixel % a->dy.width * s->stride_w - s->pad_w;
    const int is_whole =
        stride == channels && s->dilation_w == 1 && sx >= 0 && sx + s->size_w <= a->x.width;
    for (int64_t i = 0; i < s->size_h; i++, patch += s->size_w * channels) {
        int64_t y = sy + i * s->dilation_h;
        if (y < 0 || y >= a->x.height) {
            memset(patch, 0, sizeof(float) * (size_t)(s->size_w * channels));
            continue;
        }
        const float *row = a->x.data + (n * a->x.height + y) * a->x.width * stride;
        if (is_whole) {
            memcpy(patch, row + sx * stride, sizeof(float) * (size_t)(s->size_w * channels));
            continue;
        }
        for (int64_t j = 0; j < s->size_w; j++) {
            int64_t x = sx + j * s->dilation_w;
            if (x < 0 || x >= a->x.width)
                memset(patch + j * channels, 0, sizeof(float) * (size_t)channels);
            else
                memcpy(patch + j * channels, row + x * stride, sizeof(float) * (size_t)channels);
        }
    }
}

/* Every tap and filter in a column of rows r0 .. r1-1, through patches. */
static void patch_column(const struct gradient *a, float *updates, int64_t column, int64_t r0,
                         int64_t r1) {
    float patch[PATCH];
    const struct dk_panels *p = &a->panels;
    const int64_t depth = p->taps * p->inputs, blocks = dk_ceil_div(depth, a->kernels->tile_pixels);
    for (int64_t r = r0, count; r < r1; r += count) {
        const int64_t first = r * a->dy.width + column;
        count = DK_MIN(PATCH / depth, r1 - r);
        for (int64_t k = 0; k < count; k++)
            copy_patch(a, first + k * a->dy.width, patch + k * depth);
        for (int64_t q = 0; q < dk_panel_count(p); q++)
            for (int64_t b = 0; b < blocks; b++) {
                int64_t c0 = b * depth / blocks, c1 = (b + 1) * depth / blocks;
                struct dk_gradient_tile t = {
                    .rows = 1,
                    .cols = count,
                    .x = patch + c0,
                    .x_step = depth,
                    .dy = a->dy.data + first * a->dy.stride + q * p->width,
                    .dy_step = a->dy.width * a->dy.stride,
                    .channels = c1 - c0,
                    .filters = DK_MIN(p->width, p->outputs - q * p->width),
                    .updates = updates + dk_panel_offset(p, 0, q) + c0 * dk_panel_width(p, q),
                };
                a->kernels->gradient(&t);
            }
    }
}

static void run_jobs(const void *args, int64_t begin, int64_t end, int worker) {
    const struct gradient *a = args;
    (void)worker;
    for (int64_t k = begin; k < end; k++) {
        int64_t slice = k / a->jobs, job = k % a->jobs;
        int64_t r0 = slice * a->rows / a->slices, r1 = (slice + 1) * a->rows / a->slices;
        float *updates = a->updates;
        if (a->slices > 1) {
            updates = a->partial + slice * a->size;
            memset(updates, 0, sizeof(float) * (size_t)a->size);
        }
        if (a->is_thin)
            for (int64_t column = 0; column < a->dy.width; column++)
                if (column < a->x0 || column >= a->x1)
                    patch_column(a, updates, column, r0, r1);
        for (int64_t r = a->x0 < a->x1 ? r0 : r1; r < r1; r += a->block_rows)
            for (int64_t t = job * a->tiles / a->jobs; t < (job + 1) * a->tiles / a->jobs; t++)
                tile_rows(a, updates, t, r, DK_MIN(r1, r + a->block_rows));
    }
}

static void add_slices(const void *args, int64_t begin, int64_t end, int worker) {
    const struct gradient *a = args;
    (void)worker;
    for (int64_t slice = 0; slice < a->slices; slice++) {
        const float *from = a->partial + slice * a->size;
        float *restrict to = a->updates;
        for (int64_t i = begin; i < end; i++)
            to[i] += from[i];
    }
}

static struct gradient plan(const struct dk_convolution_backward_weights *c) {
    struct gradient a = {.s = c->shape,
                         .x = c->x,
                         .dy = c->dy,
                         .kernels = &dk_kernels()->convolution,
                         .depthwise = dk_is_depthwise(&c->shape),
                         .updates = c->updates,
                         .partial = c->workspace};
    dk_flatten_whole_plane(&a.s, &a.x, &a.dy);
    if (a.s.size_h == 1 && a.s.size_w == 1 && a.s.stride_h == 1 && a.s.stride_w == 1 &&
        !a.s.pad_h && !a.s.pad_w && a.x.height == a.dy.height && a.x.width == a.dy.width) {
        /* Pixels of a pointwise convolution have no neighbours: one column of all of them. */
        a.x.height = a.dy.height = a.x.batch * a.x.height * a.x.width;
        a.x.batch = a.dy.batch = a.x.width = a.dy.width = 1;
    }
    a.panels = dk_weights_panels(&a.s);
    a.size = dk_panels_size(&a.panels);
    a.rows = a.dy.batch * a.dy.height;

    int64_t pixels = a.rows * a.dy.width, depth = a.panels.taps * a.panels.inputs;
    int64_t values = a.x.batch * a.x.height * a.x.width * a.x.channels + pixels * a.dy.channels;
    a.is_thin = !a.depthwise && a.panels.groups == 1 && a.panels.inputs <= THIN &&
                a.panels.taps > 1 && depth <= PATCH / 16;
    a.merged = a.is_thin && a.x.stride == a.x.channels && a.s.dilation_w == 1 ? a.s.size_w : 1;
    a.x1 = a.is_thin && a.merged == 1 ? 0 : a.dy.width;
    if (a.merged > 1)
        valid_range(-a.s.pad_w, a.s.stride_w, a.x.width - (a.merged - 1), a.dy.width, &a.x0, &a.x1);
    a.parts = a.depthwise || a.is_thin ? 1 : dk_ceil_div(a.panels.inputs, PART);
    a.tiles = a.panels.groups * (a.depthwise ? 1 : dk_panel_count(&a.panels)) * a.panels.taps /
              a.merged * a.parts;

    int64_t slices = DK_MIN(SLICES, DK_MIN(a.rows, values / a.size));
    a.slices = a.is_thin || a.depthwise || MANY_VALUES * a.size <= values ? DK_MAX(1, slices) : 1;
    if (pixels * a.size < SMALL)
        a.slices = 1;

    int64_t row_floats = a.s.stride_h * a.x.width * a.x.channels + a.dy.width * a.dy.channels;
    a.block_rows = DK_MIN(dk_ceil_div(BLOCK_PIXELS, a.dy.width),
                          DK_MAX(dk_ceil_div(BLOCK_LEAST, a.dy.width), BLOCK_FLOATS / row_floats));
    a.jobs = a.slices > 1 || a.is_thin
                 ? 1
                 : DK_MIN(a.tiles, (int64_t)dk_get_num_threads() * JOBS_PER_THREAD);
    return a;
}

int64_t dk_indirect_weights_workspace(const struct dk_convolution_backward_weights *c) {
    struct gradient a = plan(c);
    return a.slices > 1 ? a.slices * a.size * (int64_t)sizeof(float) : 0;
}

enum dk_status dk_indirect_weights(const struct dk_convolution_backward_weights *c) {
    struct gradient a = plan(c);
    int64_t work = a.rows * a.dy.width * a.size, jobs = a.slices * a.jobs;
    dk_parallel_for(jobs, work < SMALL ? jobs : 1, run_jobs, &a);
    if (a.slices > 1)
        dk_parallel_for(a.size, 4096, add_slices, &a);
    return DK_OK;
}

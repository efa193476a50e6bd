/* LRN and l2norm on Darknet's layout, a block of neighbouring positions at a time. */
#include "kernels/normalization.h"

#include "dispatch.h"
#include "streaming.h"
#include "threads.h"

/* Neighbouring positions of a plane that are taken through all channels together: a quarter of the
 * plane, so that even one image has work for some threads, but 1 KiB at least, for memory to be
 * read in long runs, and 16 KiB at most, for a window's planes to be still in the second cache when
 * the next channel asks for them. */
enum { COLUMNS_MIN = 256, COLUMNS_MAX = 4096 };

static int64_t columns_of(int64_t spatial) {
    return DK_MIN(COLUMNS_MAX, DK_MAX(COLUMNS_MIN, (spatial / 4 + 63) / 64 * 64));
}

static int64_t blocks_of(int64_t spatial) {
    return (spatial + columns_of(spatial) - 1) / columns_of(spatial);
}

static int64_t positions_of(const struct dk_tensor *t) {
    return t->height * t->width;
}

/* Where block `item` of an image begins, and how many columns it has. */
static int64_t locate(int64_t item, int64_t channels, int64_t spatial, int64_t *columns) {
    int64_t first = item % blocks_of(spatial) * columns_of(spatial);
    *columns = DK_MIN(columns_of(spatial), spatial - first);
    return item / blocks_of(spatial) * channels * spatial + first;
}

/* Positions by which the blocks of an output begin before those of locate(), to
 * begin with a cache line. */
static int64_t before_line(const struct dk_lrn_forward *a) {
    return positions_of(&a->x) % 16 == 0 ? (int64_t)((uintptr_t)a->y.data / sizeof(float) % 16) : 0;
}

static void forward_blocks(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_lrn_forward *a = args;
    const int64_t channels = a->x.channels, spatial = positions_of(&a->x),
                  width = columns_of(spatial);
    const int64_t before = before_line(a), blocks = (spatial + before + width - 1) / width;
    const int is_streamed = a->x.batch * channels * spatial >= DK_STREAM_FROM;
    (void)worker;
    for (int64_t item = begin; item < end; item++) {
        const int64_t first = DK_MAX(0, item % blocks * width - before);
        const int64_t columns = DK_MIN(spatial, (item % blocks + 1) * width - before) - first;
        const int64_t at = item / blocks * channels * spatial + first;
        dk_kernels()->nchw_norm.lrn_forward(
            is_streamed, columns, channels, spatial, (a->size - 1) / 2, a->size / 2, a->alpha,
            a->beta, a->kappa, a->x.data + at, a->y.data + at, a->norms ? a->norms + at : NULL);
    }
}

enum dk_status dk_lrn_forward_nchw(const struct dk_lrn_forward *args) {
    int64_t spatial = positions_of(&args->x);
    if (args->size < 1 || args->x.batch < 0 || args->x.channels < 1 || spatial < 1)
        return DK_BAD_SHAPE;
    if (spatial == 1) {
        struct dk_lrn_forward rows = *args;
        rows.x.stride = rows.y.stride = rows.x.channels;
        return dk_lrn_forward(&rows);
    }
    const int64_t width = columns_of(spatial),
                  blocks = (spatial + before_line(args) + width - 1) / width;
    dk_parallel_for(args->x.batch * blocks, 1, forward_blocks, args);
    return DK_OK;
}

static void backward_blocks(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_lrn_backward *a = args;
    int64_t channels = a->x.channels, spatial = positions_of(&a->x), columns;
    (void)worker;
    for (int64_t item = begin; item < end; item++) {
        int64_t at = locate(item, channels, spatial, &columns);
        dk_kernels()->nchw_norm.lrn_backward(a->accumulate, columns, channels, spatial,
                                             (a->size - 1) / 2, a->size / 2, a->alpha, a->beta,
                                             a->kappa, a->x.data + at, a->delta.data + at,
                                             a->dx.data + at, (float *)a->workspace + at);
    }
}

int64_t dk_lrn_backward_nchw_workspace(const struct dk_lrn_backward *args) {
    int64_t values =
        args->x.batch * args->x.channels * positions_of(&args->x) * (int64_t)sizeof(float);
    return positions_of(&args->x) == 1 ? dk_lrn_backward_workspace(args) : values;
}

enum dk_status dk_lrn_backward_nchw(const struct dk_lrn_backward *args) {
    int64_t spatial = positions_of(&args->x);
    if (!args->workspace)
        return DK_BAD_ARGUMENT;
    if (args->size < 1 || args->x.batch < 0 || args->x.channels < 1 || spatial < 1)
        return DK_BAD_SHAPE;
    if (spatial == 1) {
        struct dk_lrn_backward rows = *args;
        rows.x.stride = rows.delta.stride = rows.dx.stride = rows.x.channels;
        return dk_lrn_backward(&rows);
    }
    dk_parallel_for(args->x.batch * blocks_of(spatial), 1, backward_blocks, args);
    return DK_OK;
}

/* ---- l2normalize ---- */

struct l2normalize {
    const float *x;
    float *out, *dx;
    int64_t filters, spatial;
};

static void l2normalize_blocks(const void *args, int64_t begin, int64_t end, int worker) {
    const struct l2normalize *a = args;
    int64_t columns;
    (void)worker;
    for (int64_t item = begin; item < end; item++) {
        int64_t at = locate(item, a->filters, a->spatial, &columns);
        dk_kernels()->nchw_norm.l2normalize(columns, a->filters, a->spatial, a->x + at, a->out + at,
                                            a->dx ? a->dx + at : NULL);
    }
}

static void l2normalize_rows(const void *args, int64_t begin, int64_t end, int worker) {
    const struct l2normalize *a = args;
    (void)worker;
    for (int64_t row = begin; row < end; row++)
        dk_kernels()->l2norm.normalize(a->filters, a->x + row * a->filters,
                                       a->out + row * a->filters,
                                       a->dx ? a->dx + row * a->filters : NULL);
}

enum dk_status dk_l2normalize(const float *x, float *out, float *dx, int64_t batch, int64_t filters,
                              int64_t spatial) {
    struct l2normalize args = {x, out, dx, filters, spatial};
    if (batch < 0 || filters < 1 || spatial < 1)
        return DK_BAD_SHAPE;
    if (spatial == 1)
        dk_parallel_for(batch, DK_MAX(1, (1 << 14) / filters), l2normalize_rows, &args);
    else
        dk_parallel_for(batch * blocks_of(spatial), 1, l2normalize_blocks, &args);
    return DK_OK;
}

enum dk_status dk_l2normalize_cpu(float *x, float *dx, int64_t batch, int64_t filters,
                                  int64_t spatial) {
    return dk_l2normalize(x, x, dx, batch, filters, spatial);
}

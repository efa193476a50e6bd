/* Sums and maps per filter on Darknet's layout, shared out by planes, filters or rows. */
#include "kernels/channels.h"

#include "dispatch.h"
#include "streaming.h"
#include "threads.h"

enum {
    BLOCK = 256, /* most channels of a block of rows: its sums and coefficients are on the stack */
    BLOCK_MIN = 16,        /* fewest channels of a block */
    SUM_ROWS = 256,        /* rows whose sum is float32 */
    MAP_ROWS = 64,         /* rows for which it pays to compute coefficients */
    GRAIN_VALUES = 1 << 14 /* values of a chunk of planes or rows */
};

/* Joins a set of n values (mean, squares about it) to one of `count`: Chan's rule. */
static void join_moments(double n, double new_mean, double new_squares, double *count, double *mean,
                         double *squares) {
    double distance = new_mean - *mean, share = n / (*count + n);
    *squares += new_squares + distance * distance * *count * share;
    *mean += distance * share;
    *count += n;
}

/* ---- sums over planes ---- */

/* A shift for the moments of a plane: made of its data, so that (shift - mean)^2 is at most
 * n/16 of their variance. */
static float mean_of_first(const float *x, int64_t n) {
    int64_t count = DK_MIN(n, 16);
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += x[i];
    return (float)(sum / (double)count);
}

/* Filters that are summed together at most, for memory to be read in long runs. */
enum { TOGETHER = 256 };

struct plane_sum {
    double sum, product, count;
};

static void add_plane(const struct dk_channel_sums *a, int64_t f, int64_t at,
                      struct plane_sum *to) {
    const struct dk_nchw_norm_kernels *k = &dk_kernels()->nchw_norm;
    int64_t spatial = a->layout.spatial;
    float mean = a->mean ? a->mean[f] : 0;
    double s = 0, p = 0;
    if (a->kind == DK_SUM) {
        k->sums(spatial, a->d + at, NULL, 0, &s, NULL);
    } else if (a->kind == DK_PRODUCT) {
        k->sums(spatial, a->d + at, a->x + at, mean, &s, &p);
    } else {
        const float *x = a->x + at;
        float shift = a->kind == DK_SQUARES ? mean : mean_of_first(x, spatial);
        k->moments(spatial, x, shift, a->kind == DK_SQUARES ? NULL : &s, &p);
        if (a->kind == DK_MOMENTS) {
            double n = (double)spatial;
            join_moments(n, shift + s / n, p - s * s / n, &to->count, &to->sum, &to->product);
            return;
        }
    }
    to->sum += s;
    to->product += p;
}

static void sum_filters(const void *context, int64_t begin, int64_t end, int worker) {
    const struct dk_channel_sums *a = context;
    (void)worker;
    for (int64_t first = begin; first < end; first += TOGETHER) {
        int64_t last = DK_MIN(end, first + TOGETHER);
        struct plane_sum sums[TOGETHER] = {{0}};
        for (int64_t b = 0; b < a->layout.batch; b++)
            for (int64_t f = first; f < last; f++)
                add_plane(a, f, (b * a->layout.filters + f) * a->layout.spatial, sums + f - first);
        for (int64_t f = first; f < last; f++)
            a->finish(a->context, f, sums[f - first].sum, sums[f - first].product);
    }
}

/* ---- sums over rows ---- */

static void sum_block(const void *context, int64_t begin, int64_t end, int worker) {
    const struct dk_channel_sums *a = context;
    const struct dk_batchnorm_kernels *k = &dk_kernels()->batchnorm;
    int64_t stride = a->layout.filters, channels = end - begin;
    double sum[BLOCK] = {0}, product[BLOCK] = {0};
    float first[BLOCK], second[BLOCK], third[BLOCK], zeros[BLOCK] = {0};
    const float *mean = a->mean ? a->mean + begin : zeros;
    double count = 0;
    (void)worker;
    for (int64_t row = 0; row < a->layout.batch; row += SUM_ROWS) {
        int64_t rows = DK_MIN(SUM_ROWS, a->layout.batch - row), at = row * stride + begin;
        if (a->kind == DK_SUM) {
            k->bias_sums(DK_LINEAR, rows, channels, a->d + at, stride, (float *)a->d + at, stride,
                         first);
        } else if (a->kind == DK_PRODUCT) {
            struct dk_batchnorm_rows in = {.channels = channels,
                                           .x = a->x + at,
                                           .y = a->x + at,
                                           .delta = a->d + at,
                                           .x_stride = stride,
                                           .y_stride = stride,
                                           .delta_stride = stride,
                                           .mean = mean,
                                           .factor = zeros,
                                           .bias = zeros};
            k->backward_sums(DK_LINEAR, rows, &in, first, second);
        } else if (a->kind == DK_SQUARES) {
            dk_kernels()->nchw_norm.row_squares(rows, channels, a->x + at, stride, mean, second);
        } else {
            double n = (double)rows, joined = count;
            k->moments(rows, channels, a->x + at, stride, first, second, third);
            for (int64_t c = 0; c < channels; c++) {
                joined = count;
                join_moments(n, first[c] + second[c] / n,
                             third[c] - (double)second[c] * second[c] / n, &joined, sum + c,
                             product + c);
            }
            count = joined;
            continue;
        }
        for (int64_t c = 0; c < channels; c++) {
            sum[c] += a->kind == DK_SQUARES ? 0 : first[c];
            product[c] += a->kind == DK_SUM ? 0 : second[c];
        }
    }
    for (int64_t c = 0; c < channels; c++)
        a->finish(a->context, begin + c, sum[c], product[c]);
}

void dk_sum_channels(const struct dk_channel_sums *sums) {
    struct dk_layout l = sums->layout;
    if (l.spatial > 1) {
        /* Each filter has sums of its own, so shares may depend on the threads:
         * few, and long runs. */
        const int64_t shares = dk_get_num_threads() == 1 ? 1 : 2 * dk_get_num_threads();
        const int64_t together = (l.filters + shares - 1) / shares;
        dk_parallel_for(l.filters, DK_MAX(together, GRAIN_VALUES / (l.batch * l.spatial)),
                        sum_filters, sums);
        return;
    }
    /* At least four blocks where the channels allow, in whole cache lines. */
    int64_t block = DK_MIN(BLOCK, DK_MAX(BLOCK_MIN, l.filters / 4 / BLOCK_MIN * BLOCK_MIN));
    dk_parallel_for(l.filters, block, sum_block, sums);
}

/* ---- maps ---- */

static void get_coefficients(const struct dk_channel_map *a, int64_t begin, int64_t end,
                             float values[4][BLOCK], struct dk_coefficients *out) {
    for (int64_t i = 0; i < end - begin; i++) {
        values[0][i] = values[2][i] = values[3][i] = 0;
        values[1][i] = 1;
    }
    *out = (struct dk_coefficients){values[0], values[1], values[2], values[3]};
    a->fill(a->context, begin, end, *out);
}

/* Values first .. first + n - 1, of one filter, to `to`. */
static void map_values(const struct dk_channel_map *a, const struct dk_coefficients *c,
                       int is_streamed, int64_t first, int64_t n, float *to) {
    const struct dk_nchw_norm_kernels *k = &dk_kernels()->nchw_norm;
    if (a->d)
        k->combine(is_streamed, n, a->d + first, *c->by_d, a->x + first, *c->mean, *c->by_x,
                   *c->constant, to);
    else
        k->affine(is_streamed, n, a->x + first, *c->mean, *c->by_x, *c->constant, to);
}

/* Planes that go through the sink as a whole: fewer values than a call is worth. */
enum { SMALL_PLANE = 64 };

/* A plane around the caches: whole lines straight there; a line that two planes
 * share, through the sink. */
static void stream_plane(const struct dk_channel_map *a, const struct dk_coefficients *c,
                         int64_t first, int64_t n, struct dk_sink *sink) {
    const int64_t head = n < SMALL_PLANE ? n : dk_to_line(a->out + first),
                  tail = (n - head) % DK_LINE;
    if (head > 0) {
        map_values(a, c, 0, first, head, dk_sink_room(sink, a->out + first));
        dk_sink_add(sink, head);
    }
    if (n > head + tail)
        map_values(a, c, 1, first + head, n - head - tail, a->out + first + head);
    if (tail > 0) {
        map_values(a, c, 0, first + n - tail, tail, dk_sink_room(sink, a->out + first + n - tail));
        dk_sink_add(sink, tail);
    }
}

static void map_planes(const void *context, int64_t begin, int64_t end, int worker) {
    const struct dk_channel_map *a = context;
    const struct dk_streams arrays = {{a->x, a->d}, {a->out}};
    const int64_t n = a->layout.spatial;
    const int is_streamed = dk_is_streamed(a->layout.batch * a->layout.filters * n, &arrays);
    float values[4][BLOCK];
    struct dk_coefficients c;
    struct dk_sink sink;
    (void)worker;
    dk_sink_begin(&sink);
    for (int64_t plane = begin, last; plane < end; plane = last) {
        const int64_t f = plane % a->layout.filters, filters = DK_MIN(BLOCK, a->layout.filters - f);
        last = DK_MIN(end, plane + filters);
        get_coefficients(a, f, f + last - plane, values, &c);
        for (int64_t p = plane; p < last; p++) {
            if (is_streamed)
                stream_plane(a, &c, p * n, n, &sink);
            else
                map_values(a, &c, 0, p * n, n, a->out + p * n);
            c = (struct dk_coefficients){c.by_d + 1, c.by_x + 1, c.mean + 1, c.constant + 1};
        }
    }
    if (is_streamed)
        dk_sink_end(&sink);
}

static void map_rows(const void *context, int64_t begin, int64_t end, int worker) {
    const struct dk_channel_map *a = context;
    const struct dk_batchnorm_kernels *k = &dk_kernels()->batchnorm;
    int64_t stride = a->layout.filters;
    float values[4][BLOCK];
    struct dk_coefficients c;
    (void)worker;
    for (int64_t first = 0; first < stride; first += BLOCK) {
        int64_t last = DK_MIN(stride, first + BLOCK), at = begin * stride + first;
        get_coefficients(a, first, last, values, &c);
        if (a->d) {
            struct dk_batchnorm_rows in = {.channels = last - first,
                                           .x = a->x + at,
                                           .y = a->x + at,
                                           .delta = a->d + at,
                                           .x_stride = stride,
                                           .y_stride = stride,
                                           .delta_stride = stride,
                                           .mean = c.mean,
                                           .factor = c.by_x,
                                           .bias = c.constant};
            k->backward(DK_LINEAR, 0, end - begin, &in, a->out + at, stride, c.by_d, c.by_x,
                        c.constant);
        } else {
            k->normalise(DK_LINEAR, 0, end - begin, last - first, a->x + at, stride, NULL, 0,
                         a->out + at, stride, c.mean, c.by_x, c.constant);
        }
    }
}

void dk_map_channels(const struct dk_channel_map *map) {
    struct dk_layout l = map->layout;
    if (l.spatial > 1)
        dk_parallel_for(l.batch * l.filters, DK_MAX(1, GRAIN_VALUES / l.spatial), map_planes, map);
    else
        dk_parallel_for(l.batch, DK_MAX(MAP_ROWS, GRAIN_VALUES / l.filters), map_rows, map);
}

/* Maximum and mean of windows and of whole images, forward and backward. */
#include "engine/pooling.h"

#include "dispatch.h"
#include "threads.h"

/* Values read or written by one chunk, about: enough work to hand to a thread, few enough
 * to share out evenly. */
enum { CHUNK = 1 << 14, CHANNEL_BLOCK = 64 };

int dk_maxpool_place_bytes(int64_t size_h, int64_t size_w) {
    return dk_place_bytes(size_h, size_w);
}

/* Looking at every window costs size_h*size_w vector steps per vector of y, spreading each delta
 * to its maximum one scalar step per value: so spread when a window has more pixels than a vector
 * has values (measured). */
static int is_large_window(const struct dk_pool *p) {
    return p->size_h * p->size_w >= dk_simd_lanes() ||
           dk_maxpool_place_bytes(p->size_h, p->size_w) > 1;
}

static int fits(const struct dk_tensor *x, const struct dk_tensor *y) {
    return x->batch == y->batch && x->channels == y->channels && x->batch >= 0 && x->height >= 1 &&
           x->width >= 1 && y->height >= 1 && y->width >= 1 && x->channels >= 1 &&
           x->stride >= x->channels && y->stride >= y->channels;
}

static int window_fits(const struct dk_pool *p) {
    return fits(&p->x, &p->y) && p->size_h >= 1 && p->size_w >= 1 && p->stride_h >= 1 &&
           p->stride_w >= 1 && p->pad_h >= 0 && p->pad_w >= 0 &&
           p->x.height * p->x.width <= INT32_MAX;
}

/* The input pixel of value i of pixel o of its plane; -1 for none. */
static int64_t maximum_at(const struct dk_pool *p, int bytes, int64_t o, int64_t i) {
    if (bytes == 4)
        return ((const int32_t *)p->places)[i];
    int64_t place = ((const uint8_t *)p->places)[i];
    int64_t top = o / p->y.width * p->stride_h - p->pad_h,
            left = o % p->y.width * p->stride_w - p->pad_w;
    return place == UINT8_MAX ? -1
                              : (top + place / p->size_w) * p->x.width + left + place % p->size_w;
}

static int64_t rows_per_chunk(int64_t values_per_row) {
    return DK_MAX(1, CHUNK / values_per_row);
}

#define ROWS_BODY(name, kernel)                                                                    \
    static void name(const void *args, int64_t begin, int64_t end, int worker) {                   \
        (void)worker;                                                                              \
        for (int64_t row = begin; row < end; row++)                                                \
            dk_kernels()->pooling.kernel(args, row);                                               \
    }
ROWS_BODY(max_forward_rows, max_forward)
ROWS_BODY(max_backward_rows, max_backward)
ROWS_BODY(local_mean_forward_rows, local_mean_forward)
ROWS_BODY(local_mean_backward_rows, local_mean_backward)
ROWS_BODY(mean_backward_rows, mean_backward)

/* Each output row reads about size_h*stride_w rows' worth of its own width. */
static void over_output_rows(const struct dk_pool *p, dk_range_fn body) {
    int64_t values = p->y.width * p->y.channels * DK_MIN(p->size_h * p->size_w, CHUNK);
    dk_parallel_for(p->y.batch * p->y.height, rows_per_chunk(values), body, p);
}

static void over_input_rows(const struct dk_pool *p, dk_range_fn body) {
    dk_parallel_for(p->x.batch * p->x.height, rows_per_chunk(p->x.width * p->x.channels), body, p);
}

static int64_t channel_blocks(const struct dk_pool *p) {
    return (p->x.channels + CHANNEL_BLOCK - 1) / CHANNEL_BLOCK;
}

/* Items are (image, block of channels): no two threads write the same value. */
static void max_scatter(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_pool *p = args;
    int64_t channels = p->x.channels, blocks = channel_blocks(p), step = p->x.stride;
    int64_t in = p->x.height * p->x.width, out = p->y.height * p->y.width;
    int bytes = dk_maxpool_place_bytes(p->size_h, p->size_w);
    (void)worker;
    for (int64_t item = begin; item < end; item++) {
        int64_t n = item / blocks, first = item % blocks * CHANNEL_BLOCK;
        int64_t count = DK_MIN(CHANNEL_BLOCK, channels - first);
        float *x = p->x.data + n * in * step + first;
        if (!p->accumulate)
            for (int64_t i = 0; i < in; i++)
                for (int64_t c = 0; c < count; c++)
                    x[i * step + c] = 0;
        for (int64_t o = 0; o < out; o++) {
            int64_t pixel = n * out + o;
            for (int64_t c = 0; c < count; c++) {
                int64_t at = maximum_at(p, bytes, o, pixel * channels + first + c);
                if (at >= 0)
                    x[at * step + c] += p->y.data[pixel * p->y.stride + first + c];
            }
        }
    }
}

enum dk_status dk_maxpool_forward(const struct dk_pool *pool) {
    if (!window_fits(pool))
        return DK_BAD_SHAPE;
    over_output_rows(pool, max_forward_rows);
    return DK_OK;
}

enum dk_status dk_maxpool_backward(const struct dk_pool *pool) {
    if (!window_fits(pool))
        return DK_BAD_SHAPE;
    if (!pool->places)
        return DK_BAD_ARGUMENT;
    if (is_large_window(pool))
        dk_parallel_for(pool->x.batch * channel_blocks(pool), 1, max_scatter, pool);
    else
        over_input_rows(pool, max_backward_rows);
    return DK_OK;
}

enum dk_status dk_local_avgpool_forward(const struct dk_pool *pool) {
    if (!window_fits(pool))
        return DK_BAD_SHAPE;
    over_output_rows(pool, local_mean_forward_rows);
    return DK_OK;
}

enum dk_status dk_local_avgpool_backward(const struct dk_pool *pool) {
    if (!window_fits(pool))
        return DK_BAD_SHAPE;
    over_input_rows(pool, local_mean_backward_rows);
    return DK_OK;
}

static void mean_forward_blocks(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_pool *p = args;
    int64_t blocks = channel_blocks(p);
    (void)worker;
    for (int64_t item = begin; item < end; item++) {
        int64_t first = item % blocks * CHANNEL_BLOCK;
        dk_kernels()->pooling.mean_forward(p, item / blocks, first,
                                           DK_MIN(first + CHANNEL_BLOCK, p->x.channels));
    }
}

enum dk_status dk_avgpool_forward(const struct dk_pool *pool) {
    if (!fits(&pool->x, &pool->y) || pool->y.height != 1 || pool->y.width != 1)
        return DK_BAD_SHAPE;
    int64_t grain = rows_per_chunk(pool->x.height * pool->x.width * CHANNEL_BLOCK);
    dk_parallel_for(pool->x.batch * channel_blocks(pool), grain, mean_forward_blocks, pool);
    return DK_OK;
}

enum dk_status dk_avgpool_backward(const struct dk_pool *pool) {
    if (!fits(&pool->x, &pool->y) || pool->y.height != 1 || pool->y.width != 1)
        return DK_BAD_SHAPE;
    over_input_rows(pool, mean_backward_rows);
    return DK_OK;
}

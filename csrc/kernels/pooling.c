/* Pooling on Darknet's layout, plane by plane. */
#include "kernels/pooling.h"

#include "dispatch.h"
#include "streaming.h"
#include "threads.h"

/* Values per chunk, about. */
enum { GRAIN = 1 << 15 };

static int fits(const struct dk_nchw_pool *p) {
    return p->planes >= 0 && p->height >= 1 && p->width >= 1 && p->out_h >= 1 && p->out_w >= 1 &&
           p->size_h >= 1 && p->size_w >= 1 && p->stride_h >= 1 && p->stride_w >= 1 &&
           p->pad_h >= 0 && p->pad_w >= 0 && p->height * p->width <= INT32_MAX;
}

static enum dk_status over_planes(const struct dk_nchw_pool *p, dk_range_fn body) {
    if (!fits(p))
        return DK_BAD_SHAPE;
    dk_parallel_for(p->planes, DK_MAX(1, GRAIN / (p->height * p->width)), body, p);
    return DK_OK;
}

static void max_forward_planes(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_nchw_pool *p = args;
    const int64_t outputs = p->out_h * p->out_w;
    const int is_streamed = p->planes * outputs >= DK_STREAM_FROM / 4 && p->out_w <= DK_SINK;
    const int64_t together = is_streamed ? DK_MAX(1, DK_SINK_PIECE / p->out_w) : p->out_h;
    struct dk_sink y, argmax; /* argmax: the bits of int32 */
    (void)worker;
    dk_sink_begin(&y);
    dk_sink_begin(&argmax);
    for (int64_t plane = begin; plane < end; plane++) {
        for (int64_t row = 0, last; row < p->out_h; row = last) {
            last = DK_MIN(p->out_h, row + together);
            const int64_t first = plane * outputs + row * p->out_w, n = (last - row) * p->out_w;
            float *to = p->y + first, *place = p->argmax ? (float *)p->argmax + first : NULL;
            if (is_streamed) {
                to = dk_sink_room(&y, to);
                place = place ? dk_sink_room(&argmax, place) : NULL;
            }
            dk_kernels()->nchw_pooling.max_forward(p, plane, row, last, to, (int32_t *)place);
            if (is_streamed)
                dk_sink_add(&y, n);
            if (is_streamed && place)
                dk_sink_add(&argmax, n);
        }
    }
    dk_sink_end(&y);
    dk_sink_end(&argmax);
}

enum dk_status dk_maxpool_forward_nchw(const struct dk_nchw_pool *pool) {
    return over_planes(pool, max_forward_planes);
}

static void max_backward_planes(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_nchw_pool *p = args;
    int64_t outputs = p->out_h * p->out_w;
    (void)worker;
    for (int64_t plane = begin; plane < end; plane++) {
        float *x = p->x + plane * p->height * p->width;
        for (int64_t o = plane * outputs; o < (plane + 1) * outputs; o++)
            if (p->argmax[o] >= 0)
                x[p->argmax[o]] += p->y[o];
    }
}

enum dk_status dk_maxpool_backward_nchw(const struct dk_nchw_pool *pool) {
    return pool->argmax ? over_planes(pool, max_backward_planes) : DK_BAD_ARGUMENT;
}

static void mean_forward_planes(const void *args, int64_t begin, int64_t end, int worker) {
    (void)worker;
    for (int64_t plane = begin; plane < end; plane++)
        dk_kernels()->nchw_pooling.mean_forward(args, plane);
}

enum dk_status dk_local_avgpool_forward_nchw(const struct dk_nchw_pool *pool) {
    return over_planes(pool, mean_forward_planes);
}

static void mean_backward_planes(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_nchw_pool *p = args;
    (void)worker;
    for (int64_t plane = begin; plane < end; plane++) {
        float *x = p->x + plane * p->height * p->width;
        const float *y = p->y + plane * p->out_h * p->out_w;
        for (int64_t i = 0; i < p->out_h; i++) {
            int64_t top = DK_MAX(0, i * p->stride_h - p->pad_h);
            int64_t bottom = DK_MIN(p->height, i * p->stride_h - p->pad_h + p->size_h);
            for (int64_t j = 0; j < p->out_w; j++) {
                int64_t left = DK_MAX(0, j * p->stride_w - p->pad_w);
                int64_t right = DK_MIN(p->width, j * p->stride_w - p->pad_w + p->size_w);
                float share = y[i * p->out_w + j] / (float)((bottom - top) * (right - left));
                for (int64_t r = top; r < bottom; r++)
                    for (int64_t q = left; q < right; q++)
                        x[r * p->width + q] += share;
            }
        }
    }
}

enum dk_status dk_local_avgpool_backward_nchw(const struct dk_nchw_pool *pool) {
    return over_planes(pool, mean_backward_planes);
}

struct mean {
    float *x, *y;
    int64_t size;
};

static void average_planes(const void *args, int64_t begin, int64_t end, int worker) {
    const struct mean *a = args;
    (void)worker;
    for (int64_t plane = begin; plane < end; plane++) {
        double sum;
        dk_kernels()->nchw_norm.sums(a->size, a->x + plane * a->size, NULL, 0, &sum, NULL);
        a->y[plane] = (float)(sum / (double)a->size);
    }
}

static void spread_planes(const void *args, int64_t begin, int64_t end, int worker) {
    const struct mean *a = args;
    (void)worker;
    for (int64_t plane = begin; plane < end; plane++)
        dk_kernels()->nchw_pooling.add(a->size, a->y[plane] / (float)a->size,
                                       a->x + plane * a->size);
}

enum dk_status dk_avgpool_forward_nchw(const float *x, int64_t planes, int64_t size, float *y) {
    if (planes < 0 || size < 1)
        return DK_BAD_SHAPE;
    struct mean args = {(float *)x, y, size};
    dk_parallel_for(planes, DK_MAX(1, GRAIN / size), average_planes, &args);
    return DK_OK;
}

enum dk_status dk_avgpool_backward_nchw(float *x, int64_t planes, int64_t size, const float *y) {
    if (planes < 0 || size < 1)
        return DK_BAD_SHAPE;
    struct mean args = {x, (float *)y, size};
    dk_parallel_for(planes, DK_MAX(1, GRAIN / size), spread_planes, &args);
    return DK_OK;
}

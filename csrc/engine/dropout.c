/* Dropout: the mask is a function of (seed, step, position) and is drawn again in the backward. */
#include "engine/dropout.h"

#include "dispatch.h"
#include "engine/tensor.h"
#include "streaming.h"
#include "threads.h"

enum { CHUNK = 1 << 14 };

struct plan {
    const struct dk_dropout *args;
    uint64_t first; /* generator position of the first value */
    int32_t threshold;
    float factor;
    int is_streamed; /* one pixel, aligned to pairs of values */
};

/* Values of one pixel, from an even channel on: two share a position of the generator. */
static void drop_block(const void *args, int is_streamed, int64_t first, int64_t n) {
    const struct plan *plan = args;
    const struct dk_dropout *a = plan->args;
    dk_kernels()->dropout.apply(is_streamed, n, a->x.data + first, a->y.data + first,
                                plan->first + (uint64_t)(first / 2), plan->threshold, plan->factor,
                                a->accumulate);
}

/* Items are (pixel, block of channels): a long vector is shared out, too. */
static void drop_blocks(const void *args, int64_t begin, int64_t end, int worker) {
    const struct plan *plan = args;
    const struct dk_dropout *a = plan->args;
    int64_t channels = a->x.channels, pairs = (channels + 1) / 2,
            blocks = (channels + CHUNK - 1) / CHUNK;
    (void)worker;
    if (plan->is_streamed) {
        dk_compute(a->y.data, 1, begin * CHUNK, DK_MIN(channels, end * CHUNK), drop_block, plan);
        dk_stream_end(1);
        return;
    }
    for (int64_t item = begin; item < end; item++) {
        int64_t p = item / blocks, c = item % blocks * CHUNK;
        dk_kernels()->dropout.apply(0, DK_MIN(CHUNK, channels - c), a->x.data + p * a->x.stride + c,
                                    a->y.data + p * a->y.stride + c,
                                    plan->first + (uint64_t)(p * pairs + c / 2), plan->threshold,
                                    plan->factor, a->accumulate);
    }
}

/* SplitMix64's own step: neighbouring seeds begin at unrelated positions of the sequence. */
static uint64_t key(uint64_t seed) {
    uint64_t z = seed + UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

enum dk_status dk_dropout(const struct dk_dropout *args) {
    const struct dk_tensor *x = &args->x, *y = &args->y;
    if (!dk_same_sizes(x, y) || x->batch < 0 || x->height < 1 || x->width < 1 || x->channels < 1 ||
        x->stride < x->channels || y->stride < y->channels)
        return DK_BAD_SHAPE;
    float p = args->probability;
    if (!(p >= 0 && p <= 1))
        return DK_BAD_ARGUMENT;
    struct plan plan = {
        .args = args,
        .first = key(args->seed) + args->counter,
        .threshold = (int32_t)(p * (1 << 24)),
        .factor = p < 1 ? 1 / (1 - p) : 0,
    };
    const struct dk_streams arrays = {{x->data}, {y->data}};
    plan.is_streamed = !args->accumulate && dk_pixels(x) == 1 &&
                       (uintptr_t)y->data % (2 * sizeof(float)) == 0 &&
                       dk_is_streamed(x->channels, &arrays);
    int64_t blocks = (x->channels + CHUNK - 1) / CHUNK;
    dk_parallel_for(dk_pixels(x) * blocks, dk_pixel_grain(x, CHUNK), drop_blocks, &plan);
    return DK_OK;
}

/* Darknet's losses, value by value. */
#include "kernels/losses.h"

#include "dispatch.h"
#include "streaming.h"
#include "threads.h"

enum { GRAIN_VALUES = 1 << 14 };

struct loss {
    struct dk_streams arrays; /* pred, truth; delta, error */
    int kind, is_streamed;
};

static void loss_block(const void *args, int is_streamed, int64_t first, int64_t n) {
    const struct loss *a = args;
    float *delta = a->arrays.out[0], *error = a->arrays.out[1];
    dk_kernels()->cost.sum(a->kind, is_streamed, n, a->arrays.in[0] + first,
                           a->arrays.in[1] + first, 1, 0, delta ? delta + first : NULL,
                           error ? error + first : NULL);
}

static void loss_range(const void *args, int64_t begin, int64_t end, int worker) {
    const struct loss *a = args;
    (void)worker;
    dk_compute(a->arrays.out[0], a->is_streamed, begin, end, loss_block, a);
    dk_stream_end(a->is_streamed);
}

static enum dk_status run(int kind, int64_t n, const float *pred, const float *truth, float *delta,
                          float *error) {
    struct loss args = {.arrays = {{pred, truth}, {delta, error}}, .kind = kind};
    if (n < 0)
        return DK_BAD_SHAPE;
    args.is_streamed = delta && dk_is_streamed(n, &args.arrays);
    dk_parallel_for(n, args.is_streamed ? DK_STREAM_GRAIN : GRAIN_VALUES, loss_range, &args);
    return DK_OK;
}

enum dk_status dk_l2_cpu(int64_t n, const float *pred, const float *truth, float *delta,
                         float *error) {
    return run(DK_COST_SSE, n, pred, truth, delta, error);
}

enum dk_status dk_l1_cpu(int64_t n, const float *pred, const float *truth, float *delta,
                         float *error) {
    return run(DK_COST_L1, n, pred, truth, delta, error);
}

enum dk_status dk_smooth_l1_cpu(int64_t n, const float *pred, const float *truth, float *delta,
                                float *error) {
    return run(DK_COST_SMOOTH, n, pred, truth, delta, error);
}

enum dk_status dk_softmax_x_ent_cpu(int64_t n, const float *pred, const float *truth, float *delta,
                                    float *error) {
    return run(DK_COST_SOFTMAX_CROSS_ENTROPY, n, pred, truth, delta, error);
}

enum dk_status dk_logistic_x_ent_cpu(int64_t n, const float *pred, const float *truth, float *delta,
                                     float *error) {
    return run(DK_COST_LOGISTIC_CROSS_ENTROPY, n, pred, truth, delta, error);
}

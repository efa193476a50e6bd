#include "kernels/losses.h"

#include "dispatch.h"
#include "threads.h"

enum { GRAIN_VALUES = 1 << 14 };

struct loss {
    int kind;
    const float *pred, *truth;
    float *delta, *error;
};

static void loss_range(const void *args, int64_t begin, int64_t end, int worker) {
    const struct loss *a = args;
    (void)worker;
    dk_kernels()->cost.sum(a->kind, end - begin, a->pred + begin, a->truth + begin, 1, 0,
                           a->delta ? a->delta + begin : NULL, a->error ? a->error + begin : NULL);
}

static enum dk_status run(int kind, int64_t n, const float *pred, const float *truth, float *delta, float *error) {
    struct loss args = {kind, pred, truth, delta, error};
    if (n < 0)
        return DK_BAD_SHAPE;
    dk_parallel_for(n, GRAIN_VALUES, loss_range, &args);
    return DK_OK;
}

enum dk_status dk_l2_cpu(int64_t n, const float *pred, const float *truth, float *delta, float *error) {
    return run(DK_COST_SSE, n, pred, truth, delta, error);
}

enum dk_status dk_l1_cpu(int64_t n, const float *pred, const float *truth, float *delta, float *error) {
    return run(DK_COST_L1, n, pred, truth, delta, error);
}

enum dk_status dk_smooth_l1_cpu(int64_t n, const float *pred, const float *truth, float *delta, float *error) {
    return run(DK_COST_SMOOTH, n, pred, truth, delta, error);
}

enum dk_status dk_softmax_x_ent_cpu(int64_t n, const float *pred, const float *truth, float *delta, float *error) {
    return run(DK_COST_SOFTMAX_CROSS_ENTROPY, n, pred, truth, delta, error);
}

enum dk_status dk_logistic_x_ent_cpu(int64_t n, const float *pred, const float *truth, float *delta, float *error) {
    return run(DK_COST_LOGISTIC_CROSS_ENTROPY, n, pred, truth, delta, error);
}

/* Weight updates: SGD with momentum, and Adam. */
#include "engine/optimiser.h"

#include "dispatch.h"
#include "threads.h"

#include <math.h>

/* 64 KiB of each array at a time: enough work for a thread, small enough to share out evenly. */
enum { GRAIN = 1 << 14 };

struct update {
    float *w, *u, *m, *v;
    float rate, momentum, b1, b2, c1, c2, eps, decay;
    int *is_broken; /* set by any thread */
};

static void note(const struct update *a, int is_broken) {
    if (is_broken)
        __atomic_store_n(a->is_broken, 1, __ATOMIC_RELAXED);
}

static void sgd_range(const void *args, int64_t begin, int64_t end, int worker) {
    const struct update *a = args;
    (void)worker;
    note(a, dk_kernels()->optimiser.sgd(end - begin, a->w + begin, a->u + begin, a->rate,
                                        a->momentum, a->decay));
}

enum dk_status dk_sgd_update(int64_t n, float *w, float *u, float rate, float momentum,
                             float decay) {
    if (n < 0)
        return DK_BAD_SHAPE;
    int is_broken = 0;
    struct update args = {.w = w,
                          .u = u,
                          .rate = rate,
                          .momentum = momentum,
                          .decay = decay,
                          .is_broken = &is_broken};
    dk_parallel_for(n, GRAIN, sgd_range, &args);
    return is_broken ? DK_NOT_FINITE : DK_OK;
}

static void adam_range(const void *args, int64_t begin, int64_t end, int worker) {
    const struct update *a = args;
    (void)worker;
    note(a, dk_kernels()->optimiser.adam(end - begin, a->w + begin, a->u + begin, a->m + begin,
                                         a->v + begin, a->rate, a->b1, a->b2, a->c1, a->c2, a->eps,
                                         a->decay));
}

enum dk_status dk_adam_update(int64_t n, float *w, float *u, float *m, float *v, float rate,
                              float b1, float b2, float eps, float decay, int64_t step) {
    if (n < 0 || step < 1)
        return DK_BAD_SHAPE;
    int is_broken = 0;
    struct update args = {.w = w,
                          .u = u,
                          .m = m,
                          .v = v,
                          .is_broken = &is_broken,
                          .rate = rate,
                          .b1 = b1,
                          .b2 = b2,
                          .eps = eps,
                          .decay = decay,
                          .c1 = (float)(1 / (1 - pow(b1, (double)step))),
                          .c2 = (float)(1 / (1 - pow(b2, (double)step)))};
    dk_parallel_for(n, GRAIN, adam_range, &args);
    return is_broken ? DK_NOT_FINITE : DK_OK;
}

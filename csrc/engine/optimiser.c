/* Weight updates: stretches of the weights are shared out among threads. */
#include "engine/optimiser.h"

#include "dispatch.h"
#include "threads.h"

/* 64 KiB of each array at a time: enough work for a thread, small enough to share out evenly. */
enum { GRAIN = 1 << 14 };

struct job {
    const struct dk_update *update;
    int *is_broken; /* set by any thread */
};

static void update_range(const void *args, int64_t begin, int64_t end, int worker) {
    const struct job *job = args;
    (void)worker;
    if (dk_kernels()->optimiser.of[job->update->optimiser].update(job->update, begin, end))
        __atomic_store_n(job->is_broken, 1, __ATOMIC_RELAXED);
}

enum dk_status dk_update(const struct dk_update *args) {
    if (args->n < 0)
        return DK_BAD_SHAPE;
    if (args->optimiser < 0 || args->optimiser >= DK_OPTIMISER_COUNT)
        return DK_BAD_ARGUMENT;
    if (!args->weights || !args->updates)
        return DK_BAD_ARGUMENT;
    for (int k = 0; k < dk_kernels()->optimiser.of[args->optimiser].states; k++)
        if (!args->state[k])
            return DK_BAD_ARGUMENT;
    int is_broken = 0;
    struct job job = {args, &is_broken};
    dk_parallel_for(args->n, GRAIN, update_range, &job);
    return is_broken ? DK_NOT_FINITE : DK_OK;
}

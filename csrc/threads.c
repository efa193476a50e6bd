#include "threads.h"

#ifdef _OPENMP
#include <omp.h>
#include <pthread.h>

enum { MAX_THREADS = 256 };

/* 0 until set: then OpenMP's own default (OMP_NUM_THREADS or the machine's cores). */
static int chosen_threads;
/* OpenMP's pool does not survive fork(): a child runs everything on its one thread. */
static int is_forked_child;

static void mark_forked_child(void) {
    is_forked_child = 1;
}

__attribute__((constructor)) static void watch_forks(void) {
    pthread_atfork(NULL, NULL, mark_forked_child);
}

void dk_set_num_threads(int count) {
    chosen_threads = count < 1 ? 1 : DK_MIN(count, MAX_THREADS);
}

int dk_get_num_threads(void) {
    if (is_forked_child)
        return 1;
    return chosen_threads ? chosen_threads : DK_MIN(omp_get_max_threads(), MAX_THREADS);
}

int dk_max_threads(void) {
    return MAX_THREADS;
}

int dk_has_openmp(void) {
    return 1;
}
#else
void dk_set_num_threads(int count) {
    (void)count;
}

int dk_get_num_threads(void) {
    return 1;
}

int dk_max_threads(void) {
    return 1;
}

int dk_has_openmp(void) {
    return 0;
}
#endif

void dk_parallel_for(int64_t count, int64_t grain, dk_range_fn body, const void *args) {
    int64_t chunks = (count + grain - 1) / grain;
#ifdef _OPENMP
    int threads = (int)DK_MIN((int64_t)dk_get_num_threads(), chunks);
    if (threads > 1 && !omp_in_parallel()) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
        for (int64_t k = 0; k < chunks; k++)
            body(args, k * grain, DK_MIN(count, (k + 1) * grain), omp_get_thread_num());
        return;
    }
#endif
    for (int64_t k = 0; k < chunks; k++)
        body(args, k * grain, DK_MIN(count, (k + 1) * grain), 0);
}

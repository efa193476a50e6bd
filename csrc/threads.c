/* The pool of threads, on OpenMP: chunks of a range, each thread its own share first. */
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

#ifdef _OPENMP
/* A thread's own chunks, next .. end - 1, in a cache line of its own. */
struct share {
    int64_t next, end;
} __attribute__((aligned(DK_LINE * sizeof(float))));

/* Each thread takes the chunks of its own share in order, then helps the others with theirs.  Equal
 * calls thus give a thread the same part of their arrays, which its caches may still hold, and
 * memory is read in long runs. */
static void run_shares(int threads, int64_t chunks, int64_t count, int64_t grain, dk_range_fn body,
                       const void *args) {
    struct share shares[MAX_THREADS];
    for (int t = 0; t < threads; t++) {
        shares[t].next = chunks * t / threads;
        shares[t].end = chunks * (t + 1) / threads;
    }
#pragma omp parallel num_threads(threads)
    {
        const int self = omp_get_thread_num();
        for (int t = 0; t < threads; t++) {
            struct share *share = &shares[(self + t) % threads];
            for (int64_t k;
                 (k = __atomic_fetch_add(&share->next, 1, __ATOMIC_RELAXED)) < share->end;)
                body(args, k * grain, DK_MIN(count, (k + 1) * grain), self);
        }
    }
}
#endif

void dk_parallel_for(int64_t count, int64_t grain, dk_range_fn body, const void *args) {
    int64_t chunks = (count + grain - 1) / grain;
#ifdef _OPENMP
    int threads = (int)DK_MIN((int64_t)dk_get_num_threads(), chunks);
    if (threads > 1 && !omp_in_parallel()) {
        run_shares(threads, chunks, count, grain, body, args);
        return;
    }
#endif
    for (int64_t k = 0; k < chunks; k++)
        body(args, k * grain, DK_MIN(count, (k + 1) * grain), 0);
}

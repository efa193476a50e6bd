/* The only place that starts threads.
 *
 * Work is a range of independent items, cut into chunks whose borders depend on the range and the
 * grain alone, never on the number of threads: a body that reduces inside a chunk gives the same
 * bits for 1, 2 or N threads.  Without OpenMP, in a forked child and inside a running parallel_for
 * everything runs on the calling thread. */
#ifndef DK_THREADS_H
#define DK_THREADS_H

#include "dk_types.h"

/* [cffi begin] */
/* Threads used by the following calls: count, but at least 1 and at most dk_max_threads(). */
void dk_set_num_threads(int count);
int dk_get_num_threads(void);
/* The upper limit of dk_set_num_threads and of worker indices (256); 1 without OpenMP. */
int dk_max_threads(void);
/* 1 when built with OpenMP, else 0. */
int dk_has_openmp(void);
/* [cffi end] */

/* Items begin .. end-1; `worker` (0 .. dk_get_num_threads()-1) chooses scratch memory. */
typedef void (*dk_range_fn)(const void *args, int64_t begin, int64_t end, int worker);

/* Calls body on [0,grain), [grain,2*grain), ... up to count, in any order, on any thread; returns
 * when all are done.  grain >= 1. */
void dk_parallel_for(int64_t count, int64_t grain, dk_range_fn body, const void *args);

#endif

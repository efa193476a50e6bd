/* Contract of the losses on one stretch; formulas in engine/cost.h. */
#ifndef DK_COST_KERNELS_H
#define DK_COST_KERNELS_H

#include <stdint.h>

/* [cffi begin] */
enum dk_cost_kind {
    DK_COST_SSE,
    DK_COST_MASKED,
    DK_COST_SMOOTH,
    DK_COST_L1,
    DK_COST_SOFTMAX_CROSS_ENTROPY,
    DK_COST_LOGISTIC_CROSS_ENTROPY,
    DK_COST_COUNT
};
/* [cffi end] */

struct dk_cost_kernels {
    /* Returns the sum of the n losses of kind (enum dk_cost_kind).  Unless delta is NULL: delta =
     * factor * (its delta), added where accumulate.  Unless losses is NULL: losses = each one.
     * is_streamed: simd/vector.h, vput_n, for both of them. */
    double (*sum)(int kind, int is_streamed, int64_t n, const float *prediction, const float *truth,
                  float factor, int accumulate, float *delta, float *losses);
};

#endif

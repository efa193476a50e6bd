/* Contract of softmax on one stretch; formula in engine/softmax.h. */
#ifndef DK_SOFTMAX_KERNELS_H
#define DK_SOFTMAX_KERNELS_H

#include <stdint.h>

struct dk_softmax_kernels {
    /* y_i = e^((x_i - max x) / temperature) / sum of those, i < n.  The powers go to e: y itself,
     * which may be x; or n values of scratch memory, from which y is written around the caches
     * (then blas.stream_end). */
    void (*forward)(int64_t n, const float *x, float *e, float *y, float temperature);
};

#endif

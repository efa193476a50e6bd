/* Contract of the dropout kernel; formula in engine/dropout.h. */
#ifndef DK_DROPOUT_KERNELS_H
#define DK_DROPOUT_KERNELS_H

#include <stdint.h>

struct dk_dropout_kernels {
    /* n values beginning at the even half of generator position `state`; a value is dropped when
     * the upper 24 bits of its number are below `threshold`, else multiplied by `factor`.
     * is_streamed: simd/vector.h, vput_n. */
    void (*apply)(int is_streamed, int64_t n, const float *x, float *y, uint64_t state,
                  int32_t threshold, float factor, int accumulate);
};

#endif

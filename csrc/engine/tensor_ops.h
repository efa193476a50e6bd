/* Copies between strided tensors, and constants. */
#ifndef DK_ENGINE_TENSOR_OPS_H
#define DK_ENGINE_TENSOR_OPS_H

#include "dk_types.h"

/* [cffi begin] */
/* y = factor*x, or y += factor*x when accumulate; the same batch, height, width and channels.
 * factor 1 copies bits.
 * Threads: over pixels.  Source: Darknet blas.c copy_cpu, axpy_cpu. */
struct dk_copy {
    struct dk_tensor x, y;
    float factor;
    int accumulate;
};
enum dk_status dk_copy(const struct dk_copy *args);

/* y = value everywhere.  Threads: over pixels.  Source: Darknet blas.c fill_cpu. */
struct dk_fill {
    struct dk_tensor y;
    float value;
};
enum dk_status dk_fill(const struct dk_fill *args);
/* [cffi end] */

#endif

/* Parallel loops over the image rows or the pixels of the tensor that is written, and what most of
 * their bodies do with a stretch of values. */
#ifndef DK_ENGINE_LOOPS_H
#define DK_ENGINE_LOOPS_H

#include "dispatch.h"
#include "engine/tensor.h"
#include "threads.h"

enum { DK_CHUNK = 1 << 14 }; /* values per chunk, about */

static inline void dk_over_rows(const struct dk_tensor *written, dk_range_fn body,
                                const void *args) {
    int64_t grain = DK_MAX(1, DK_CHUNK / (written->width * written->channels));
    dk_parallel_for(written->batch * written->height, grain, body, args);
}

static inline void dk_over_pixels(const struct dk_tensor *written, dk_range_fn body,
                                  const void *args) {
    dk_parallel_for(dk_pixels(written), dk_pixel_grain(written, DK_CHUNK), body, args);
}

static inline void dk_scale_or_add(int64_t n, float factor, const float *x, float *y,
                                   int accumulate) {
    if (accumulate)
        dk_kernels()->blas.axpy(n, factor, x, y);
    else
        dk_kernels()->blas.scale(0, n, factor, x, y);
}

#endif

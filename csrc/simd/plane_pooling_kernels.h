/* Contracts of pooling on one plane of kernels/pooling.h. */
#ifndef DK_PLANE_POOLING_KERNELS_H
#define DK_PLANE_POOLING_KERNELS_H

#include "kernels/pooling.h"

struct dk_plane_pooling_kernels {
    /* Rows begin .. end - 1 of the outputs of a plane, to y and (unless NULL) argmax instead of the pool's. */
    void (*max_forward)(const struct dk_plane_pool *pool, int64_t plane, int64_t begin, int64_t end, float *y,
                        int32_t *argmax);
    void (*mean_forward)(const struct dk_plane_pool *pool, int64_t plane);
    /* y += value */
    void (*add)(int64_t n, float value, float *y);
};

#endif

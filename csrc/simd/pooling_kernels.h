/* Contracts of the pooling kernels: each does one row, or one block of channels, of engine/pooling.h. */
#ifndef DK_POOLING_KERNELS_H
#define DK_POOLING_KERNELS_H

#include "engine/pooling.h"

struct dk_pooling_kernels {
    /* Row n*y.height + i of y (and places unless NULL). */
    void (*max_forward)(const struct dk_pool *pool, int64_t row);
    /* Row n*x.height + i of x: every pixel gathers from the windows that cover it; places of one byte. */
    void (*max_backward)(const struct dk_pool *pool, int64_t row);
    void (*local_mean_forward)(const struct dk_pool *pool, int64_t row);
    void (*local_mean_backward)(const struct dk_pool *pool, int64_t row);
    /* Channels begin .. end-1 of image n. */
    void (*mean_forward)(const struct dk_pool *pool, int64_t n, int64_t begin, int64_t end);
    /* Row n*x.height + i of x. */
    void (*mean_backward)(const struct dk_pool *pool, int64_t row);
};

#endif

/* Contracts of the pooling kernels, channels last: each does one row, or one block of channels,
 * of engine/pooling.h. */
#ifndef DK_POOLING_KERNELS_H
#define DK_POOLING_KERNELS_H

#include "dk_types.h"

/* [cffi begin] */
/* One struct for both directions.  Forward reads x and writes y.  Backward reads the delta of the
 * output in y and writes the previous layer's delta in x: accumulate 0 overwrites all of it, 1
 * adds.  x and y have the same batch and channels; the window fields (sizes and strides >= 1, pads
 * >= 0) are not looked at by dk_avgpool_*.  places (max pooling only): where the maxima were,
 * dk_maxpool_place_bytes() for each value of y, dense (pixels of y) x channels.  One byte:
 * row*size_w + column in the window, 255 for none; four, for windows of more than 255 pixels: an
 * int32_t, y*width + x in the input plane, -1 for none. */
struct dk_pool {
    struct dk_tensor x, y;
    int64_t size_h, size_w, stride_h, stride_w, pad_h, pad_w;
    void *places;
    int accumulate;
};
/* [cffi end] */

/* Bytes of a place: see struct dk_pool. */
static inline int dk_place_bytes(int64_t size_h, int64_t size_w) {
    return size_h < 256 && size_w < 256 && size_h * size_w < 256 ? 1 : 4;
}

struct dk_pooling_kernels {
    /* Row n*y.height + i of y (and places unless NULL). */
    void (*max_forward)(const struct dk_pool *pool, int64_t row);
    /* Row n*x.height + i of x: every pixel gathers from the windows that cover it;
     * places of one byte. */
    void (*max_backward)(const struct dk_pool *pool, int64_t row);
    void (*local_mean_forward)(const struct dk_pool *pool, int64_t row);
    void (*local_mean_backward)(const struct dk_pool *pool, int64_t row);
    /* Channels begin .. end-1 of image n. */
    void (*mean_forward)(const struct dk_pool *pool, int64_t n, int64_t begin, int64_t end);
    /* Row n*x.height + i of x. */
    void (*mean_backward)(const struct dk_pool *pool, int64_t row);
};

#endif

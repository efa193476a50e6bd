/* Contracts of pooling on Darknet's layout [batch][channels][height][width], plane by plane. */
#ifndef DK_NCHW_POOLING_KERNELS_H
#define DK_NCHW_POOLING_KERNELS_H

#include "dk_types.h"

/* [cffi begin] */
/* `planes` = batch*channels.  x float32 [planes][height][width], y float32 [planes][out_h][out_w].
 * Output (i, j) sees the pixels i*stride_h - pad_h .. + size_h - 1 and j*stride_w - pad_w .. +
 * size_w - 1 inside the image.  argmax: int32, shape of y: row*width + column of the maximum, -1
 * for none (averages do not look at it). */
struct dk_nchw_pool {
    float *x, *y;
    int32_t *argmax;
    int64_t planes, height, width, out_h, out_w, size_h, size_w, stride_h, stride_w, pad_h, pad_w;
};
/* [cffi end] */

struct dk_nchw_pooling_kernels {
    /* Rows begin .. end - 1 of the outputs of a plane, to y and argmax (unless NULL), not
     * to the pool's. */
    void (*max_forward)(const struct dk_nchw_pool *pool, int64_t plane, int64_t begin, int64_t end,
                        float *y, int32_t *argmax);
    void (*mean_forward)(const struct dk_nchw_pool *pool, int64_t plane);
    /* y += value */
    void (*add)(int64_t n, float value, float *y);
};

#endif

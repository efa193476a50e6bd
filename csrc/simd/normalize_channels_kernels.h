/* Contracts of dividing pixels by a sum over their channels; formulas in
 * engine/normalize_channels.h. */
#ifndef DK_NORMALIZE_CHANNELS_KERNELS_H
#define DK_NORMALIZE_CHANNELS_KERNELS_H

#include <stdint.h>

/* [cffi begin] */
enum dk_channels_kind {
    DK_CHANNELS_RELU,
    DK_CHANNELS_SOFTMAX,
    DK_CHANNELS_SOFTMAX_MAXVAL,
    DK_CHANNELS_COUNT
};
/* [cffi end] */

struct dk_normalize_channels_kernels {
    /* y of each of `pixels` rows of `channels` values; kind: enum dk_channels_kind.  y may be x. */
    void (*forward)(int kind, int64_t pixels, int64_t channels, const float *x, int64_t x_stride,
                    float *y, int64_t y_stride);
    /* dx from delta and from what the kind saves; added where accumulate.  dx may be delta
     * (then not accumulate). */
    void (*backward)(int kind, int accumulate, int64_t pixels, int64_t channels, const float *saved,
                     int64_t saved_stride, const float *delta, int64_t delta_stride, float *dx,
                     int64_t dx_stride);
};

#endif

/* AlexeyAB's activations that divide each pixel by a sum over its channels.
 *
 *   RELU             p = max(x, 0)
 *   SOFTMAX          p = e^x
 *   SOFTMAX_MAXVAL   p = e^(x - largest x of the pixel)
 *   all of them      y = p / (sum over channels of p + 1e-4)
 *
 * The backward is the true derivative, the largest x held constant (AlexeyAB's passes on
 * delta times the sum of delta * y):
 *   RELU             dx = x > 0 ? (delta - s) / (sum of p + 1e-4) : 0
 *   else             dx = y * (delta - s),   s = sum over channels of delta * y
 * SOFTMAX is computed with numerator and denominator times e^-max(0, largest x): no x overflows.
 *
 * Threads: split over pixels.  Error: forward (8 + |x - largest x| + log2(channels)) ulp; backward
 * that of (|delta| + |s|) dx / (delta - s).
 * Source: AlexeyAB's activations.c, activate_array_normalize_channels and
 * activate_array_normalize_channels_softmax. */
#ifndef DK_ENGINE_NORMALIZE_CHANNELS_H
#define DK_ENGINE_NORMALIZE_CHANNELS_H

#include "dk_types.h"
#include "simd/normalize_channels_kernels.h"

/* [cffi begin] */
struct dk_normalize_channels {
    struct dk_tensor x, y; /* y is written and may be x */
    int kind;              /* enum dk_channels_kind */
};
enum dk_status dk_normalize_channels_forward(const struct dk_normalize_channels *args);

struct dk_normalize_channels_backward {
    struct dk_tensor saved; /* DK_CHANNELS_RELU: the forward's x; the others: its y */
    struct dk_tensor delta; /* y's; read */
    struct dk_tensor dx;    /* delta of x; written; may be delta itself unless accumulate */
    int kind;
    int accumulate; /* 1: dx += instead of dx = */
};
enum dk_status dk_normalize_channels_backward(const struct dk_normalize_channels_backward *args);
/* [cffi end] */

#endif

/* Every pixel divided by the length of its channel vector.
 *
 *   y = x / |x|, |x| = sqrt(sum over channels of x^2)
 *   dx = (delta - y (sum over channels of y delta)) / |x|
 *
 * A pixel of zeros has y = 0 and dx = 0 (Darknet: NaN).  The backward is the true derivative
 * (Darknet passes delta through unchanged).  Threads: split over pixels.  Error: (4 +
 * log2(channels)) ulp; backward: of |delta|/|x|.
 * Source: Darknet l2norm_layer.c. */
#ifndef DK_ENGINE_L2NORM_H
#define DK_ENGINE_L2NORM_H

#include "dk_types.h"

/* [cffi begin] */
struct dk_l2norm_forward {
    struct dk_tensor x, y; /* y may be x */
};
enum dk_status dk_l2norm_forward(const struct dk_l2norm_forward *args);

struct dk_l2norm_backward {
    struct dk_tensor x, y, delta;
    struct dk_tensor dx; /* written; may be delta itself unless accumulate */
    int accumulate;      /* 1: dx += instead of dx = */
};
enum dk_status dk_l2norm_backward(const struct dk_l2norm_backward *args);
/* [cffi end] */

#endif

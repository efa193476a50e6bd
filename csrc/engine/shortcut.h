/* Shortcuts: y = f(alpha*x + beta*source), the sum of two layers. */
#ifndef DK_ENGINE_SHORTCUT_H
#define DK_ENGINE_SHORTCUT_H

#include "dk_types.h"

/* [cffi begin] */
/* Darknet's shortcut of layers of unequal sizes.  x is the previous layer, which y has the shape
 * of; `source` the other one.  stride = max(1, source.width / x.width), sample = max(1, x.width /
 * source.width) (heights give the same).  The overlap is, for i, j, c below the smaller height,
 * width, channels:  y(i*sample, j*sample, c) meets source(i*stride, j*stride, c).
 *   forward          y = f(x), and f(alpha*x + beta*source) on the overlap, f the activation.
 *                    y may be x itself.
 *   backward_x       x (+)= y, and alpha*y on the overlap.  Here y and x are deltas; source is not
 *                    touched.
 *   backward_source  source (+)= beta*y on the overlap; positions outside it get 0 (accumulate 0)
 *                    or stay (1).
 * Threads: over image rows.  Error: 2 roundings.  Source: Darknet blas.c shortcut_cpu; alpha acts
 * on the overlap alone in both directions (Darknet's backward applies it everywhere). */
struct dk_shortcut {
    struct dk_tensor x, source, y;
    float alpha, beta;
    int accumulate;
    int activation; /* enum dk_activation; forward only */
};
enum dk_status dk_shortcut_forward(const struct dk_shortcut *args);
enum dk_status dk_shortcut_backward_x(const struct dk_shortcut *args);
enum dk_status dk_shortcut_backward_source(const struct dk_shortcut *args);

/* Backward of y = f(x + source) of equal sizes, in one pass over memory: d = delta*g(saved); x
 * (+)= d, then source (+)= d, which may be the same tensor.  delta is only read, unless it is x,
 * which is then overwritten.
 * Threads: over pixels.  Error: 2 roundings.  Source: Darknet shortcut_layer.c
 * backward_shortcut_layer. */
struct dk_sum_backward {
    struct dk_tensor saved; /* as in engine/activation.h; data may be NULL for linear */
    struct dk_tensor delta;
    struct dk_tensor x, source;          /* deltas; data NULL: nothing needs it */
    int accumulate_x, accumulate_source; /* 0: overwritten, 1: added to */
    int activation;
};
enum dk_status dk_sum_backward(const struct dk_sum_backward *args);
/* [cffi end] */

#endif

/* Darknet's activation kernels: n contiguous values, kinds and formulas in engine/activation.h.
 * Threads: split over the values.  DK_BAD_ARGUMENT for an unknown kind, DK_BAD_SHAPE for n < 0.
 * Source: Darknet activations.c; AlexeyAB's activate_array_swish and others are kinds here. */
#ifndef DK_KERNELS_ACTIVATIONS_H
#define DK_KERNELS_ACTIVATIONS_H

#include "dk_types.h"
#include "engine/activation.h"

/* [cffi begin] */
/* x = f(x), in place. */
enum dk_status dk_activate_array(float *x, int64_t n, int kind);
/* out = f(x); out may be x. */
enum dk_status dk_activation_forward(const float *x, int64_t n, int kind, float *out);
/* delta *= g, in place; `saved` is the output, or the input for the kinds of
 * dk_activation_needs_input. */
enum dk_status dk_gradient_array(const float *saved, int64_t n, int kind, float *delta);
/* out = delta*g; out may be delta. */
enum dk_status dk_activation_backward(const float *saved, int64_t n, int kind, const float *delta,
                                      float *out);
/* [cffi end] */

#endif

/* Parts of AlexeyAB's weighted shortcut: one source into one output, and the weights' gradient. */
#ifndef DK_KERNELS_SHORTCUT_MULTILAYER_H
#define DK_KERNELS_SHORTCUT_MULTILAYER_H

#include "dk_types.h"

/* [cffi begin] */
/* y[b][i] (+)= w[i/step] * x[b][i] for i < min(x_outputs, y_outputs); the rest of y stays.  x
 * [batch][x_outputs], y [batch][y_outputs]; w NULL: 1.  Each weight is of `step` >= 1 neighbours.
 * y is added to where accumulate, else overwritten.  Threads: over images and weights.  Error:
 * one rounding per term.
 * Source: AlexeyAB's blas.c shortcut_multilayer_cpu, by flat index as there. */
enum dk_status dk_weighted_source(int64_t batch, int64_t x_outputs, const float *x,
                                  int64_t y_outputs, float *y, const float *w, int64_t step,
                                  int accumulate);
/* updates[k] += sum over b and k*step <= i < (k+1)*step, i < min(x_outputs, d_outputs), of x[b][i]
 * * d[b][i], for k < count.  x and d are read.  Threads: over weights; the bits do not depend on
 * it.  Error: 4 eps sqrt(step) per image.  Source: AlexeyAB's blas.c
 * backward_shortcut_multilayer_cpu. */
enum dk_status dk_weighted_source_updates(int64_t batch, int64_t x_outputs, const float *x,
                                          int64_t d_outputs, const float *d, int64_t step,
                                          int64_t count, float *updates);
/* [cffi end] */

#endif

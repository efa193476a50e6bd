/* Weights as Winograd's forms multiply with them, of one direction:
 * [panel][product][channel][lanes], in bf16 with pairs of channels. */
#ifndef DK_ENGINE_CONVOLUTION_WINOGRAD_WEIGHTS_H
#define DK_ENGINE_CONVOLUTION_WINOGRAD_WEIGHTS_H

#include "engine/convolution/panels.h"

int64_t dk_winograd_weights_floats(const struct dk_winograd_form *form, const struct dk_panels *p);
void dk_winograd_weights(const struct dk_winograd_form *form, const struct dk_panels *p,
                         const float *packed, float *u);
/* updates[f][c][i][j] += (G' u G), back from the products' form. */
void dk_winograd_add_updates(const struct dk_winograd_form *form, const struct dk_panels *p,
                             const float *u, float *updates);

#endif

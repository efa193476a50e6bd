/* Winograd's form F(m x m, r x r) of a convolution, and the sizes that follow from it. */
#ifndef DK_ENGINE_CONVOLUTION_WINOGRAD_FORM_H
#define DK_ENGINE_CONVOLUTION_WINOGRAD_FORM_H

#include "engine/bf16.h"
#include "engine/convolution.h"
#include "engine/convolution/panels.h"

/* The form that an algorithm means for a shape and a pass; NULL where there is none. */
const struct dk_winograd_form *dk_winograd_form(const struct dk_conv_shape *s, int algorithm,
                                                int pass);

/* Products of a tile for each pair of channel and filter. */
static inline int64_t dk_winograd_products(const struct dk_winograd_form *form) {
    return form->inputs * form->inputs;
}

/* Values of 4 bytes that a product sums over: channels, or pairs of them. */
static inline int64_t dk_winograd_depth(const struct dk_winograd_form *form,
                                        const struct dk_panels *p) {
    return form->in_pairs ? dk_pairs(p->inputs) : p->inputs;
}

#endif

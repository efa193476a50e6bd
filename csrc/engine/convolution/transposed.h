/* The form of the weights that the data gradient multiplies with: filters and channels
 * exchanged, taps in the order in which the phases of the stride need them.  Made of the packed
 * weights in each call: they change with every update, and a form kept for each layer would be
 * as large as all weights. */
#ifndef DK_ENGINE_CONVOLUTION_TRANSPOSED_H
#define DK_ENGINE_CONVOLUTION_TRANSPOSED_H

#include "engine/convolution.h"
#include "engine/convolution/panels.h"

struct dk_panels dk_transposed_panels(const struct dk_conv_shape *s);
/* Threads: split over taps. */
void dk_transpose_weights(const struct dk_conv_shape *s, const float *packed, float *transposed);

/* The taps along one axis of which dx positions p with p % stride == phase read dy, in the order of
 * the transposed form (source positions ascending): source = first + k*step + p/stride for k = 0 ..
 * count-1; `before` counts the taps of that axis in classes that come earlier. */
struct dk_phase {
    int64_t count, first, step, before;
};
struct dk_phase dk_transposed_phase(int64_t size, int64_t stride, int64_t pad, int64_t dilation,
                                    int64_t phase);
/* Place of tap (i,j) in the transposed form. */
int64_t dk_transposed_tap(const struct dk_conv_shape *s, int64_t i, int64_t j);

#endif

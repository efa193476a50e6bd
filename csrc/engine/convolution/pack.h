/* The panels of a convolution's packed weights; packing itself is public: engine/convolution.h. */
#ifndef DK_ENGINE_CONVOLUTION_PACK_H
#define DK_ENGINE_CONVOLUTION_PACK_H

#include "engine/convolution.h"
#include "engine/convolution/panels.h"

struct dk_panels dk_weights_panels(const struct dk_conv_shape *s);

#endif

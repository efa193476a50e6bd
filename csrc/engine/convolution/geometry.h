/* The geometry of convolutions: checks, and the shapes that are special cases. */
#ifndef DK_ENGINE_CONVOLUTION_GEOMETRY_H
#define DK_ENGINE_CONVOLUTION_GEOMETRY_H

#include "engine/convolution.h"

enum dk_status dk_check_conv_shape(const struct dk_conv_shape *s);
/* x and y fit the shape and each other, and have data. */
enum dk_status dk_check_convolution(const struct dk_conv_shape *s, const struct dk_tensor *x,
                                    const struct dk_tensor *y);

/* Every channel is a group of its own. */
static inline int dk_is_depthwise(const struct dk_conv_shape *s) {
    return s->groups > 1 && s->groups == s->channels && s->groups == s->filters;
}

/* A fully connected layer in disguise: the kernel covers all of a contiguous x once.  Rewrites
 * shape, x and y as a 1x1 convolution of vectors; the packed weights are the same. */
void dk_flatten_whole_plane(struct dk_conv_shape *s, struct dk_tensor *x, struct dk_tensor *y);

#endif

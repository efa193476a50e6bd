/* Darknet's softmax kernels; formula and error in engine/softmax.h.  Source: Darknet blas.c. */
#ifndef DK_KERNELS_SOFTMAX_H
#define DK_KERNELS_SOFTMAX_H

#include "dk_types.h"
#include "engine/softmax.h"

/* [cffi begin] */
/* Softmax of the n values input[0], input[stride], ..., to the same places of output (pjreddie's
 * order of arguments).  One thread.  output may be input. */
enum dk_status dk_softmax_single(const float *input, int64_t n, float temperature, int64_t stride,
                                 float *output);
/* That at b*batch_offset + g*group_offset for all b < batch, g < groups: with stride 1 groups of
 * contiguous values, with stride = width*height and group_offset 1 every pixel over its channels.
 * Threads: split over groups.  DK_BAD_SHAPE when a size is < 1. */
enum dk_status dk_softmax_cpu(const float *input, int64_t n, int64_t batch, int64_t batch_offset,
                              int64_t groups, int64_t group_offset, int64_t stride,
                              float temperature, float *output);
/* [cffi end] */

#endif

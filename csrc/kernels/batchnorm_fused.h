/* Batch normalisation in two passes on Darknet's layout. */
#ifndef DK_KERNELS_BATCHNORM_FUSED_H
#define DK_KERNELS_BATCHNORM_FUSED_H

#include "engine/batchnorm.h"

/* [cffi begin] */
/* engine/batchnorm.h on dense arrays [batch][channels][height][width]: the strides of the tensors
 * are not read, the activation must be linear.  One pass for mean and variance, one for the rest;
 * backward: one for the sums, one for dx.  Planes of one value go to the engine. */
int64_t dk_batchnorm_forward_nchw_workspace(const struct dk_batchnorm *args);
enum dk_status dk_batchnorm_forward_nchw(const struct dk_batchnorm *args);
int64_t dk_batchnorm_apply_nchw_workspace(const struct dk_batchnorm *args);
enum dk_status dk_batchnorm_apply_nchw(const struct dk_batchnorm *args);
int64_t dk_batchnorm_backward_nchw_workspace(const struct dk_batchnorm_backward *args);
enum dk_status dk_batchnorm_backward_nchw(const struct dk_batchnorm_backward *args);
/* [cffi end] */

#endif

/* The algorithms that run.c chooses from, besides walk.h; workspaces in bytes, aligned to 64. */
#ifndef DK_ENGINE_CONVOLUTION_ALGORITHMS_H
#define DK_ENGINE_CONVOLUTION_ALGORITHMS_H

#include "engine/convolution.h"
#include "engine/convolution/walk.h"

/* Darknet's way, image by image. */
int64_t dk_im2col_forward_workspace(const struct dk_convolution *a);
enum dk_status dk_im2col_forward(const struct dk_convolution *a);
int64_t dk_im2col_data_workspace(const struct dk_convolution_backward_data *a);
enum dk_status dk_im2col_data(const struct dk_convolution_backward_data *a);
int64_t dk_im2col_weights_workspace(const struct dk_convolution_backward_weights *a);
enum dk_status dk_im2col_weights(const struct dk_convolution_backward_weights *a);

/* The weight gradient of "indirect" and "depthwise". */
int64_t dk_indirect_weights_workspace(const struct dk_convolution_backward_weights *a);
enum dk_status dk_indirect_weights(const struct dk_convolution_backward_weights *a);

/* The data gradient of a fully connected layer for few images; 0 bytes where not to be taken. */
int64_t dk_connected_gradient_workspace(const struct dk_convolution_backward_data *a);
enum dk_status dk_connected_gradient(const struct dk_convolution_backward_data *a);

/* Winograd: a walk whose dst and src steps are 1, with transformed weights u. */
int64_t dk_winograd_workspace(const struct dk_walk *walk, const struct dk_winograd_form *form);
enum dk_status dk_winograd_convolve(const struct dk_walk *walk, const struct dk_winograd_form *form,
                                    const float *u, void *workspace, int64_t bytes);
/* Its weight gradient: a workspace for fewer threads will do, one for 1 thread is needed. */
int64_t dk_winograd_gradient_workspace(const struct dk_convolution_backward_weights *a,
                                       const struct dk_winograd_form *form, int64_t threads);
void dk_winograd_gradient(const struct dk_convolution_backward_weights *a,
                          const struct dk_winograd_form *form);

#endif

/* The entry points of convolution, forward and both gradients: checks, the algorithm, and what it
 * needs in the workspace. */
#include "engine/bf16.h"
#include "engine/convolution/algorithms.h"
#include "engine/convolution/geometry.h"
#include "engine/convolution/pack.h"
#include "engine/convolution/transposed.h"
#include "engine/convolution/walk.h"
#include "engine/convolution/winograd_form.h"
#include "engine/convolution/winograd_weights.h"
#include "threads.h"

/* The algorithm to run, or a status. */
static enum dk_status resolve(int *algorithm, const struct dk_conv_shape *s,
                              const struct dk_tensor *y, int pass) {
    if (*algorithm == DK_CONV_AUTO)
        *algorithm = dk_convolution_choose(s, y->batch, y->height, y->width, pass);
    switch (*algorithm) {
    case DK_CONV_IM2COL:
        return DK_OK;
    case DK_CONV_INDIRECT:
        return dk_is_depthwise(s) ? DK_UNSUPPORTED : DK_OK;
    case DK_CONV_INDIRECT_BF16:
        return s->groups == 1 && pass == DK_CONV_FORWARD && dk_bf16() ? DK_OK : DK_UNSUPPORTED;
    case DK_CONV_DEPTHWISE:
        return dk_is_depthwise(s) ? DK_OK : DK_UNSUPPORTED;
    case DK_CONV_WINOGRAD:
    case DK_CONV_WINOGRAD_2X2:
        if (!dk_winograd_form(s, *algorithm, DK_CONV_FORWARD))
            return DK_UNSUPPORTED;
        if (!dk_winograd_form(s, *algorithm, pass))
            *algorithm = DK_CONV_INDIRECT;
        return DK_OK;
    case DK_CONV_WINOGRAD_2X2_BF16:
        return dk_winograd_form(s, *algorithm, pass) ? DK_OK : DK_UNSUPPORTED;
    default:
        return DK_BAD_ARGUMENT;
    }
}

static struct dk_walk forward_walk(const struct dk_convolution *a) {
    const struct dk_conv_shape *s = &a->shape;
    return (struct dk_walk){
        .src = a->x,
        .dst = a->y,
        .residual = a->residual,
        .panels = dk_weights_panels(s),
        .rows = a->y.height,
        .cols = a->y.width,
        .dst_step_y = 1,
        .dst_step_x = 1,
        .off_y = -s->pad_h,
        .off_x = -s->pad_w,
        .src_step_y = s->stride_h,
        .src_step_x = s->stride_w,
        .taps_y = s->size_h,
        .taps_x = s->size_w,
        .tap_step_y = s->dilation_h,
        .tap_step_x = s->dilation_w,
        .weights = a->weights,
        .scale = a->scale,
        .shift = a->shift,
        .activation = a->activation,
        .depthwise = a->algorithm == DK_CONV_DEPTHWISE,
        .prefetch = a->prefetch,
        .prefetch_count = a->prefetch_count,
        .tile = a->algorithm == DK_CONV_INDIRECT_BF16 ? dk_bf16()->forward
                                                      : dk_kernels()->convolution.forward,
    };
}

/* The pixels of dx with remainders (y,x) by the stride read the same taps, at
 * a stride of 1 in dy. */
static struct dk_walk data_walk(const struct dk_convolution_backward_data *a,
                                const float *transposed, int64_t y, int64_t x) {
    const struct dk_conv_shape *s = &a->shape;
    struct dk_phase v = dk_transposed_phase(s->size_h, s->stride_h, s->pad_h, s->dilation_h, y);
    struct dk_phase h = dk_transposed_phase(s->size_w, s->stride_w, s->pad_w, s->dilation_w, x);
    return (struct dk_walk){
        .src = a->dy,
        .dst = a->dx,
        .panels = dk_transposed_panels(s),
        .rows = dk_ceil_div(a->dx.height - y, s->stride_h),
        .cols = dk_ceil_div(a->dx.width - x, s->stride_w),
        .dst_y = y,
        .dst_x = x,
        .dst_step_y = s->stride_h,
        .dst_step_x = s->stride_w,
        .off_y = v.first,
        .off_x = h.first,
        .src_step_y = 1,
        .src_step_x = 1,
        .taps_y = h.count ? v.count : 0,
        .taps_x = v.count ? h.count : 0,
        .tap_step_y = v.step,
        .tap_step_x = h.step,
        .first_tap = v.before * s->size_w + v.count * h.before,
        .weights = transposed,
        .accumulate = a->accumulate,
        .depthwise = a->algorithm == DK_CONV_DEPTHWISE,
        .tile = dk_kernels()->convolution.forward,
    };
}

/* Bytes for a walk and, unless they are at hand, the weights it multiplies with. */
static int64_t winograd_bytes(const struct dk_walk *walk, const struct dk_winograd_form *form,
                              const float *winograd) {
    int64_t weights =
        winograd ? 0 : dk_round_up(dk_winograd_weights_floats(form, &walk->panels), 16);
    return dk_winograd_workspace(walk, form) + (int64_t)sizeof(float) * weights;
}

static enum dk_status transform_and_convolve(const struct dk_walk *walk,
                                             const struct dk_winograd_form *form,
                                             const float *winograd, float *workspace,
                                             int64_t bytes) {
    if (!winograd) {
        const int64_t floats = dk_round_up(dk_winograd_weights_floats(form, &walk->panels), 16);
        bytes -= floats * (int64_t)sizeof(float);
        if (bytes < 0)
            return DK_BAD_ARGUMENT;
        dk_winograd_weights(form, &walk->panels, walk->weights, workspace);
        winograd = workspace;
        workspace += floats;
    }
    return dk_winograd_convolve(walk, form, winograd, workspace, bytes);
}

int64_t dk_convolution_forward_workspace(const struct dk_convolution *convolution) {
    struct dk_convolution a = *convolution;
    if (dk_check_conv_shape(&a.shape) != DK_OK ||
        resolve(&a.algorithm, &a.shape, &a.y, DK_CONV_FORWARD) != DK_OK)
        return 0;
    struct dk_walk walk = forward_walk(&a);
    const struct dk_winograd_form *form = dk_winograd_form(&a.shape, a.algorithm, DK_CONV_FORWARD);
    if (form)
        return winograd_bytes(&walk, form, a.winograd);
    return a.algorithm == DK_CONV_IM2COL ? dk_im2col_forward_workspace(&a) : 0;
}

enum dk_status dk_convolution_forward(const struct dk_convolution *convolution) {
    struct dk_convolution a = *convolution;
    if (a.algorithm == DK_CONV_INDIRECT_BF16) /* the same as in floats, with half the channels */
        a.shape.channels = dk_pairs(a.shape.channels);
    enum dk_status status = dk_check_convolution(&a.shape, &a.x, &a.y);
    if (status == DK_OK && !dk_is_activation(a.activation))
        status = DK_BAD_ARGUMENT;
    if (status == DK_OK)
        status = resolve(&a.algorithm, &a.shape, &a.y, DK_CONV_FORWARD);
    if (status != DK_OK)
        return status;
    if (!a.weights ||
        (a.algorithm == DK_CONV_IM2COL && a.workspace_bytes < dk_im2col_forward_workspace(&a)))
        return DK_BAD_ARGUMENT;
    if (a.residual.data && (a.residual.batch != a.y.batch || a.residual.height != a.y.height ||
                            a.residual.width != a.y.width || a.residual.channels != a.y.channels))
        return DK_BAD_SHAPE;
    if (a.algorithm == DK_CONV_IM2COL)
        return dk_im2col_forward(&a);
    const struct dk_winograd_form *form = dk_winograd_form(&a.shape, a.algorithm, DK_CONV_FORWARD);
    if (!form)
        dk_flatten_whole_plane(&a.shape, &a.x, &a.y);
    struct dk_walk walk = forward_walk(&a);
    if (form)
        return transform_and_convolve(&walk, form, a.winograd, a.workspace, a.workspace_bytes);
    dk_walk_convolve(&walk);
    return DK_OK;
}

/* The transposed weights come first in the workspace. */
static int64_t transposed_floats(const struct dk_conv_shape *s) {
    struct dk_panels p = dk_transposed_panels(s);
    return dk_round_up(dk_panels_size(&p), 16);
}

int64_t dk_convolution_backward_data_workspace(
    const struct dk_convolution_backward_data *convolution) {
    struct dk_convolution_backward_data a = *convolution;
    if (dk_check_conv_shape(&a.shape) != DK_OK ||
        resolve(&a.algorithm, &a.shape, &a.dy, DK_CONV_BACKWARD_DATA) != DK_OK)
        return 0;
    if (a.algorithm == DK_CONV_IM2COL)
        return dk_im2col_data_workspace(&a);
    const int64_t connected = dk_connected_gradient_workspace(&a);
    if (connected)
        return connected;
    struct dk_walk walk = data_walk(&a, NULL, 0, 0);
    const struct dk_winograd_form *form =
        dk_winograd_form(&a.shape, a.algorithm, DK_CONV_BACKWARD_DATA);
    return (int64_t)sizeof(float) * transposed_floats(&a.shape) +
           (form ? winograd_bytes(&walk, form, NULL) : 0);
}

enum dk_status dk_convolution_backward_data(
    const struct dk_convolution_backward_data *convolution) {
    struct dk_convolution_backward_data a = *convolution;
    enum dk_status status = dk_check_convolution(&a.shape, &a.dx, &a.dy);
    if (status == DK_OK)
        status = resolve(&a.algorithm, &a.shape, &a.dy, DK_CONV_BACKWARD_DATA);
    if (status != DK_OK)
        return status;
    if (!a.weights)
        return DK_BAD_ARGUMENT;
    if (a.algorithm == DK_CONV_IM2COL)
        return a.workspace_bytes < dk_im2col_data_workspace(&a) ? DK_BAD_ARGUMENT
                                                                : dk_im2col_data(&a);
    const int64_t connected = dk_connected_gradient_workspace(&a);
    if (connected)
        return a.workspace_bytes < connected ? DK_BAD_ARGUMENT : dk_connected_gradient(&a);
    const int64_t floats = transposed_floats(&a.shape), bytes = floats * (int64_t)sizeof(float);
    if (a.workspace_bytes < bytes)
        return DK_BAD_ARGUMENT;
    float *transposed = a.workspace;
    dk_transpose_weights(&a.shape, a.weights, transposed);
    const struct dk_winograd_form *form =
        dk_winograd_form(&a.shape, a.algorithm, DK_CONV_BACKWARD_DATA);
    for (int64_t y = 0; y < DK_MIN(a.shape.stride_h, a.dx.height); y++)
        for (int64_t x = 0; x < DK_MIN(a.shape.stride_w, a.dx.width); x++) {
            struct dk_walk walk = data_walk(&a, transposed, y, x);
            if (form) /* its stride is 1: this is all */
                return transform_and_convolve(&walk, form, NULL, transposed + floats,
                                              a.workspace_bytes - bytes);
            dk_walk_convolve(&walk);
        }
    return DK_OK;
}

/* The algorithm is resolved. */
static int64_t weights_workspace(const struct dk_convolution_backward_weights *a, int64_t threads) {
    const struct dk_winograd_form *form =
        dk_winograd_form(&a->shape, a->algorithm, DK_CONV_BACKWARD_WEIGHTS);
    if (form)
        return dk_winograd_gradient_workspace(a, form, threads);
    return a->algorithm == DK_CONV_IM2COL ? dk_im2col_weights_workspace(a)
                                          : dk_indirect_weights_workspace(a);
}

int64_t dk_convolution_backward_weights_workspace(
    const struct dk_convolution_backward_weights *convolution) {
    struct dk_convolution_backward_weights a = *convolution;
    if (dk_check_conv_shape(&a.shape) != DK_OK ||
        resolve(&a.algorithm, &a.shape, &a.dy, DK_CONV_BACKWARD_WEIGHTS) != DK_OK)
        return 0;
    const int64_t least = weights_workspace(&a, 1),
                  wanted = weights_workspace(&a, dk_get_num_threads());
    return DK_MAX(least, wanted);
}

enum dk_status dk_convolution_backward_weights(
    const struct dk_convolution_backward_weights *convolution) {
    struct dk_convolution_backward_weights a = *convolution;
    enum dk_status status = dk_check_convolution(&a.shape, &a.x, &a.dy);
    if (status == DK_OK)
        status = resolve(&a.algorithm, &a.shape, &a.dy, DK_CONV_BACKWARD_WEIGHTS);
    if (status != DK_OK)
        return status;
    if (!a.updates || a.workspace_bytes < weights_workspace(&a, 1))
        return DK_BAD_ARGUMENT;
    if (a.algorithm == DK_CONV_IM2COL)
        return dk_im2col_weights(&a);
    const struct dk_winograd_form *form =
        dk_winograd_form(&a.shape, a.algorithm, DK_CONV_BACKWARD_WEIGHTS);
    if (!form)
        return dk_indirect_weights(&a);
    dk_winograd_gradient(&a, form);
    return DK_OK;
}

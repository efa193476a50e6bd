#include "engine/convolution_private.h"
#include "threads.h"

enum dk_status dk_check_conv_shape(const struct dk_conv_shape *s) {
    if (!s)
        return DK_BAD_ARGUMENT;
    if (s->channels < 1 || s->filters < 1 || s->groups < 1 || s->channels % s->groups || s->filters % s->groups ||
        s->size_h < 1 || s->size_w < 1 || s->stride_h < 1 || s->stride_w < 1 || s->pad_h < 0 || s->pad_w < 0 ||
        s->dilation_h < 1 || s->dilation_w < 1)
        return DK_BAD_SHAPE;
    return DK_OK;
}

static int is_tensor(const struct dk_tensor *t) {
    return t->batch >= 1 && t->height >= 1 && t->width >= 1 && t->channels >= 1 && t->stride >= t->channels;
}

enum dk_status dk_check_convolution(const struct dk_conv_shape *s, const struct dk_tensor *x,
                                    const struct dk_tensor *y) {
    enum dk_status status = dk_check_conv_shape(s);
    if (status != DK_OK)
        return status;
    if (!is_tensor(x) || !is_tensor(y) || x->batch != y->batch || x->channels != s->channels ||
        y->channels != s->filters)
        return DK_BAD_SHAPE;
    return x->data && y->data ? DK_OK : DK_BAD_ARGUMENT;
}

enum dk_status dk_check_activation(int activation) {
    return activation < 0 || activation >= DK_ACTIVATION_COUNT ? DK_BAD_ARGUMENT : DK_OK;
}

/* Time of an algorithm for one pair of channel and filter, in multiply-adds: its products for all tiles, and its
 * weights, each of which is waited for during some more. */
static int64_t cost_of(int64_t products, int64_t wait, int64_t side, int64_t batch, int64_t out_h, int64_t out_w) {
    return products * (batch * dk_ceil_div(out_h, side) * dk_ceil_div(out_w, side) + wait);
}

static int64_t cost_of_form(const struct dk_winograd_form *f, int64_t wait, int64_t batch, int64_t out_h,
                            int64_t out_w) {
    return cost_of((int64_t)f->inputs * f->inputs, wait, f->outputs, batch, out_h, out_w);
}

/* Fitted to the layers of GoogLeNet, Darknet-19, ResNet-50 and YOLOv3 on AVX-512, AVX2 and SSE2: Winograd wins from 16
 * channels and filters on, from 64 and 128 at a stride of 2, by the number of tiles; with short vectors its transforms
 * weigh more. */
int dk_convolution_choose(const struct dk_conv_shape *shape, int64_t batch, int64_t out_h, int64_t out_w, int pass) {
    if (dk_is_depthwise(shape))
        return DK_CONV_DEPTHWISE;
    const struct dk_winograd_form *large = dk_winograd_form(shape, DK_CONV_WINOGRAD, pass);
    const struct dk_winograd_form *small = dk_winograd_form(shape, DK_CONV_WINOGRAD_2X2, pass);
    if (!large && (shape->channels < 64 || shape->filters < 128))
        small = NULL;
    if ((!large && !small) || shape->channels < 16 || shape->filters < 16)
        return DK_CONV_INDIRECT;
    if (pass == DK_CONV_BACKWARD_WEIGHTS) {
        const int64_t side = large->outputs, tiles = dk_ceil_div(out_h, side) * dk_ceil_div(out_w, side);
        return batch * tiles >= 32 && 2 * out_h * out_w >= side * side * tiles ? DK_CONV_WINOGRAD : DK_CONV_INDIRECT;
    }
    enum { WAIT = 8, WAIT_LONG = 12, LONG = 1 << 15 }; /* 36 values of so many weights do not stay in a cache */
    const int64_t wait = shape->channels * shape->filters > LONG ? WAIT_LONG : WAIT;
    const int64_t taps = shape->size_h * shape->size_w, share = dk_kernels()->lanes >= 16 ? 10 : 6;
    const int64_t plain = cost_of(taps, WAIT, 1, batch, out_h, out_w) * share / 10;
    const int64_t cost_large = large ? cost_of_form(large, wait, batch, out_h, out_w) : plain;
    if (small) {
        const int64_t cost_small = cost_of_form(small, WAIT, batch, out_h, out_w);
        if (cost_small <= cost_large && cost_small < plain)
            return DK_CONV_WINOGRAD_2X2;
    }
    return cost_large < plain ? DK_CONV_WINOGRAD : DK_CONV_INDIRECT;
}

/* Whether the sums take less time with pairs, rounding included; in multiply-adds for each output of an image.  A value
 * to be rounded takes the time of 5, from main memory 30, and 80 where a pixel has but a few; an output to be written
 * takes that of 12. */
static int is_faster_in_pairs(const struct dk_conv_shape *s, int64_t out_h, int64_t out_w) {
    enum { ROUND = 5, ROUND_LARGE = 30, ROUND_THIN = 80, WRITE = 12, THIN = 8, LARGE = 1 << 19 };
    const int64_t in_h = (out_h - 1) * s->stride_h + (s->size_h - 1) * s->dilation_h + 1 - 2 * s->pad_h;
    const int64_t in_w = (out_w - 1) * s->stride_w + (s->size_w - 1) * s->dilation_w + 1 - 2 * s->pad_w;
    const double values = (double)DK_MAX(1, in_h) * (double)DK_MAX(1, in_w) * (double)s->channels;
    const double round = s->channels < THIN ? ROUND_THIN : values > LARGE ? ROUND_LARGE : ROUND;
    const double outputs = (double)s->filters * (double)out_h * (double)out_w, taps = (double)(s->size_h * s->size_w);
    const double floats = outputs * (taps * (double)s->channels + WRITE);
    return outputs * (taps * 1.1 * (double)dk_pairs(s->channels) + WRITE) + round * values < floats;
}

/* Fitted to the same networks and VGG's shapes at batches of 1 and 8.  Pairs are multiplied at 1.8 times the rate of
 * floats.  Against F(4x4,3x3), F(2x2,3x3) in bf16 has as many products at that rate, transforms that weigh like 4 more
 * channels, and where weights come from main memory a tenth and more on its side; against F(2x2,5x5), whose transforms
 * take the time of 8 more channels and 12 more filters, the plain sums win where these are few. */
int dk_convolution_choose_bf16(const struct dk_conv_shape *shape, int64_t out_h, int64_t out_w) {
    enum { MANY = 64, LONG = 1 << 15 };
    if (shape->groups != 1 || !dk_bf16())
        return DK_CONV_AUTO;
    const int algorithm = dk_convolution_choose(shape, MANY, out_h, out_w, DK_CONV_FORWARD);
    const struct dk_winograd_form *form = dk_winograd_form(shape, algorithm, DK_CONV_FORWARD);
    if (!form)
        return is_faster_in_pairs(shape, out_h, out_w) ? DK_CONV_INDIRECT_BF16 : DK_CONV_AUTO;
    const double channels = (double)shape->channels, filters = (double)shape->filters;
    const double floats = (double)cost_of_form(form, 0, 1, out_h, out_w);
    if (form->kernel == 3 && form->stride == 1) {
        const double pairs = (double)cost_of(16, 0, 2, 1, out_h, out_w) / 1.8 * (1 + 4 / DK_MIN(channels, filters));
        return pairs * (channels * filters > LONG ? 0.9 : 1) < floats ? DK_CONV_WINOGRAD_2X2_BF16 : DK_CONV_AUTO;
    }
    const double pairs = (double)cost_of(shape->size_h * shape->size_w, 0, 1, 1, out_h, out_w) / 1.8;
    return pairs * 1.15 < floats * (1 + 8 / channels + 12 / filters) ? DK_CONV_INDIRECT_BF16 : DK_CONV_AUTO;
}

/* The algorithm to run, or a status. */
static enum dk_status resolve(int *algorithm, const struct dk_conv_shape *s, const struct dk_tensor *y, int pass) {
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

void dk_flatten_whole_plane(struct dk_conv_shape *s, struct dk_tensor *x, struct dk_tensor *y) {
    if (s->groups != 1 || s->size_h != x->height || s->size_w != x->width || s->pad_h || s->pad_w ||
        (s->dilation_h != 1 && s->size_h > 1) || (s->dilation_w != 1 && s->size_w > 1) || y->height != 1 ||
        y->width != 1 || x->stride != x->channels)
        return;
    int64_t inputs = x->height * x->width * x->channels;
    *s = (struct dk_conv_shape){inputs, s->filters, 1, 1, 1, 1, 1, 0, 0, 1, 1};
    x->channels = x->stride = inputs;
    x->height = x->width = 1;
}

static struct dk_walk forward_walk(const struct dk_convolution *a) {
    const struct dk_conv_shape *s = &a->shape;
    return (struct dk_walk){
        .src = a->x, .dst = a->y, .residual = a->residual, .panels = dk_weights_panels(s),
        .rows = a->y.height, .cols = a->y.width, .dst_step_y = 1, .dst_step_x = 1,
        .off_y = -s->pad_h, .off_x = -s->pad_w, .src_step_y = s->stride_h, .src_step_x = s->stride_w,
        .taps_y = s->size_h, .taps_x = s->size_w, .tap_step_y = s->dilation_h, .tap_step_x = s->dilation_w,
        .weights = a->weights, .scale = a->scale, .shift = a->shift, .activation = a->activation,
        .depthwise = a->algorithm == DK_CONV_DEPTHWISE,
        .prefetch = a->prefetch, .prefetch_count = a->prefetch_count,
        .tile = a->algorithm == DK_CONV_INDIRECT_BF16 ? dk_bf16()->forward : dk_kernels()->convolution.forward,
    };
}

/* The pixels of dx with remainders (y,x) by the stride read the same taps, at a stride of 1 in dy. */
static struct dk_walk data_walk(const struct dk_convolution_backward_data *a, const float *transposed, int64_t y,
                                int64_t x) {
    const struct dk_conv_shape *s = &a->shape;
    struct dk_phase v = dk_transposed_phase(s->size_h, s->stride_h, s->pad_h, s->dilation_h, y);
    struct dk_phase h = dk_transposed_phase(s->size_w, s->stride_w, s->pad_w, s->dilation_w, x);
    return (struct dk_walk){
        .src = a->dy, .dst = a->dx, .panels = dk_transposed_panels(s),
        .rows = dk_ceil_div(a->dx.height - y, s->stride_h), .cols = dk_ceil_div(a->dx.width - x, s->stride_w),
        .dst_y = y, .dst_x = x, .dst_step_y = s->stride_h, .dst_step_x = s->stride_w,
        .off_y = v.first, .off_x = h.first, .src_step_y = 1, .src_step_x = 1,
        .taps_y = h.count ? v.count : 0, .taps_x = v.count ? h.count : 0, .tap_step_y = v.step,
        .tap_step_x = h.step, .first_tap = v.before * s->size_w + v.count * h.before,
        .weights = transposed, .accumulate = a->accumulate, .depthwise = a->algorithm == DK_CONV_DEPTHWISE,
        .tile = dk_kernels()->convolution.forward,
    };
}

/* Bytes for a walk and, unless they are at hand, the weights it multiplies with. */
static int64_t winograd_bytes(const struct dk_walk *g, const struct dk_winograd_form *form, const float *winograd) {
    int64_t weights = winograd ? 0 : dk_round_up(dk_winograd_weights_floats(form, &g->panels), 16);
    return dk_winograd_workspace(g, form) + (int64_t)sizeof(float) * weights;
}

static enum dk_status run_winograd(const struct dk_walk *g, const struct dk_winograd_form *form,
                                   const float *winograd, float *workspace, int64_t bytes) {
    if (!winograd) {
        const int64_t floats = dk_round_up(dk_winograd_weights_floats(form, &g->panels), 16);
        bytes -= floats * (int64_t)sizeof(float);
        if (bytes < 0)
            return DK_BAD_ARGUMENT;
        dk_winograd_weights(form, &g->panels, g->weights, workspace);
        winograd = workspace;
        workspace += floats;
    }
    return dk_winograd_run(g, form, winograd, workspace, bytes);
}

int64_t dk_convolution_winograd_size(const struct dk_conv_shape *shape, int algorithm) {
    if (dk_check_conv_shape(shape) != DK_OK || !dk_winograd_form(shape, algorithm, DK_CONV_FORWARD))
        return 0;
    struct dk_panels p = dk_weights_panels(shape);
    return dk_winograd_weights_floats(dk_winograd_form(shape, algorithm, DK_CONV_FORWARD), &p);
}

enum dk_status dk_convolution_pack_winograd(const struct dk_conv_shape *shape, int algorithm, const float *weights,
                                            float *winograd) {
    enum dk_status status = dk_check_conv_shape(shape);
    if (status != DK_OK)
        return status;
    const struct dk_winograd_form *form = dk_winograd_form(shape, algorithm, DK_CONV_FORWARD);
    if (!form)
        return DK_UNSUPPORTED;
    if (!weights || !winograd)
        return DK_BAD_ARGUMENT;
    struct dk_panels p = dk_weights_panels(shape);
    dk_winograd_weights(form, &p, weights, winograd);
    return DK_OK;
}

int64_t dk_convolution_forward_workspace(const struct dk_convolution *convolution) {
    struct dk_convolution a = *convolution;
    if (dk_check_conv_shape(&a.shape) != DK_OK || resolve(&a.algorithm, &a.shape, &a.y, DK_CONV_FORWARD) != DK_OK)
        return 0;
    struct dk_walk g = forward_walk(&a);
    const struct dk_winograd_form *form = dk_winograd_form(&a.shape, a.algorithm, DK_CONV_FORWARD);
    if (form)
        return winograd_bytes(&g, form, a.winograd);
    return a.algorithm == DK_CONV_IM2COL ? dk_im2col_forward_workspace(&a) : 0;
}

enum dk_status dk_convolution_forward(const struct dk_convolution *convolution) {
    struct dk_convolution a = *convolution;
    if (a.algorithm == DK_CONV_INDIRECT_BF16) /* of pairs: the same with half the channels */
        a.shape.channels = dk_pairs(a.shape.channels);
    enum dk_status status = dk_check_convolution(&a.shape, &a.x, &a.y);
    if (status == DK_OK)
        status = dk_check_activation(a.activation);
    if (status == DK_OK)
        status = resolve(&a.algorithm, &a.shape, &a.y, DK_CONV_FORWARD);
    if (status != DK_OK)
        return status;
    if (!a.weights || (a.algorithm == DK_CONV_IM2COL && a.workspace_bytes < dk_im2col_forward_workspace(&a)))
        return DK_BAD_ARGUMENT;
    if (a.residual.data && (a.residual.batch != a.y.batch || a.residual.height != a.y.height ||
                            a.residual.width != a.y.width || a.residual.channels != a.y.channels))
        return DK_BAD_SHAPE;
    if (a.algorithm == DK_CONV_IM2COL)
        return dk_im2col_forward(&a);
    const struct dk_winograd_form *form = dk_winograd_form(&a.shape, a.algorithm, DK_CONV_FORWARD);
    if (!form)
        dk_flatten_whole_plane(&a.shape, &a.x, &a.y);
    struct dk_walk g = forward_walk(&a);
    if (form)
        return run_winograd(&g, form, a.winograd, a.workspace, a.workspace_bytes);
    dk_walk_run(&g);
    return DK_OK;
}

/* The transposed weights come first in the workspace. */
static int64_t transposed_floats(const struct dk_conv_shape *s) {
    struct dk_panels p = dk_transposed_panels(s);
    return dk_round_up(dk_panels_size(&p), 16);
}

int64_t dk_convolution_backward_data_workspace(const struct dk_convolution_backward_data *convolution) {
    struct dk_convolution_backward_data a = *convolution;
    if (dk_check_conv_shape(&a.shape) != DK_OK ||
        resolve(&a.algorithm, &a.shape, &a.dy, DK_CONV_BACKWARD_DATA) != DK_OK)
        return 0;
    if (a.algorithm == DK_CONV_IM2COL)
        return dk_im2col_data_workspace(&a);
    const int64_t connected = dk_connected_gradient_workspace(&a);
    if (connected)
        return connected;
    struct dk_walk g = data_walk(&a, NULL, 0, 0);
    const struct dk_winograd_form *form = dk_winograd_form(&a.shape, a.algorithm, DK_CONV_BACKWARD_DATA);
    return (int64_t)sizeof(float) * transposed_floats(&a.shape) + (form ? winograd_bytes(&g, form, NULL) : 0);
}

enum dk_status dk_convolution_backward_data(const struct dk_convolution_backward_data *convolution) {
    struct dk_convolution_backward_data a = *convolution;
    enum dk_status status = dk_check_convolution(&a.shape, &a.dx, &a.dy);
    if (status == DK_OK)
        status = resolve(&a.algorithm, &a.shape, &a.dy, DK_CONV_BACKWARD_DATA);
    if (status != DK_OK)
        return status;
    if (!a.weights)
        return DK_BAD_ARGUMENT;
    if (a.algorithm == DK_CONV_IM2COL)
        return a.workspace_bytes < dk_im2col_data_workspace(&a) ? DK_BAD_ARGUMENT : dk_im2col_data(&a);
    const int64_t connected = dk_connected_gradient_workspace(&a);
    if (connected)
        return a.workspace_bytes < connected ? DK_BAD_ARGUMENT : dk_connected_gradient(&a);
    const int64_t floats = transposed_floats(&a.shape), bytes = floats * (int64_t)sizeof(float);
    if (a.workspace_bytes < bytes)
        return DK_BAD_ARGUMENT;
    float *transposed = a.workspace;
    dk_transpose_weights(&a.shape, a.weights, transposed);
    const struct dk_winograd_form *form = dk_winograd_form(&a.shape, a.algorithm, DK_CONV_BACKWARD_DATA);
    for (int64_t y = 0; y < DK_MIN(a.shape.stride_h, a.dx.height); y++)
        for (int64_t x = 0; x < DK_MIN(a.shape.stride_w, a.dx.width); x++) {
            struct dk_walk g = data_walk(&a, transposed, y, x);
            if (form) /* its stride is 1: this is all */
                return run_winograd(&g, form, NULL, transposed + floats, a.workspace_bytes - bytes);
            dk_walk_run(&g);
        }
    return DK_OK;
}

/* The algorithm is resolved. */
static int64_t weights_workspace(const struct dk_convolution_backward_weights *a, int64_t threads) {
    const struct dk_winograd_form *form = dk_winograd_form(&a->shape, a->algorithm, DK_CONV_BACKWARD_WEIGHTS);
    if (form)
        return dk_winograd_gradient_workspace(a, form, threads);
    return a->algorithm == DK_CONV_IM2COL ? dk_im2col_weights_workspace(a) : dk_direct_weights_workspace(a);
}

int64_t dk_convolution_backward_weights_workspace(const struct dk_convolution_backward_weights *convolution) {
    struct dk_convolution_backward_weights a = *convolution;
    if (dk_check_conv_shape(&a.shape) != DK_OK ||
        resolve(&a.algorithm, &a.shape, &a.dy, DK_CONV_BACKWARD_WEIGHTS) != DK_OK)
        return 0;
    const int64_t least = weights_workspace(&a, 1), wanted = weights_workspace(&a, dk_get_num_threads());
    return DK_MAX(least, wanted);
}

enum dk_status dk_convolution_backward_weights(const struct dk_convolution_backward_weights *convolution) {
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
    const struct dk_winograd_form *form = dk_winograd_form(&a.shape, a.algorithm, DK_CONV_BACKWARD_WEIGHTS);
    if (!form)
        return dk_direct_weights(&a);
    dk_winograd_gradient(&a, form);
    return DK_OK;
}

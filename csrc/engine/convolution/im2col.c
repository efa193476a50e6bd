/* Convolution as Darknet does it, image by image: im2col and gemm on channels-first copies. */
#include "engine/convolution/algorithms.h"

#include "engine/layout.h"
#include "matrix/col2im.h"
#include "matrix/gemm.h"

#include <string.h>

/* The workspace: one image of x and of y channels first, the columns of a group, plain weights. */
struct plain {
    struct dk_im2col geometry; /* one group's */
    int64_t groups, inputs, filters, depth, pixels;
    float *x, *y, *columns, *weights;
};

static struct plain lay_out(const struct dk_conv_shape *s, const struct dk_tensor *x,
                            const struct dk_tensor *y, void *workspace) {
    struct plain p = {
        .geometry = {s->channels / s->groups, x->height, x->width, s->size_h, s->size_w, s->pad_h,
                     s->pad_w, s->stride_h, s->stride_w, s->dilation_h, s->dilation_w, y->height,
                     y->width},
        .groups = s->groups,
        .inputs = s->channels / s->groups * x->height * x->width,
        .filters = s->filters / s->groups,
        .depth = s->channels / s->groups * s->size_h * s->size_w,
        .pixels = y->height * y->width,
    };
    p.x = workspace;
    if (p.x) {
        p.y = p.x + p.groups * p.inputs;
        p.columns = p.y + p.groups * p.filters * p.pixels;
        p.weights = p.columns + p.depth * p.pixels;
    }
    return p;
}

static int64_t workspace_bytes(const struct plain *p) {
    return (int64_t)sizeof(float) * (p->groups * (p->inputs + p->filters * p->pixels) +
                                     p->depth * p->pixels + p->groups * p->filters * p->depth);
}

/* Image n alone. */
static struct dk_tensor image(const struct dk_tensor *t, int64_t n) {
    struct dk_tensor one = *t;
    one.data += n * t->height * t->width * t->stride;
    one.batch = 1;
    return one;
}

int64_t dk_im2col_forward_workspace(const struct dk_convolution *a) {
    struct plain p = lay_out(&a->shape, &a->x, &a->y, NULL);
    return workspace_bytes(&p);
}

/* y of image n from channels-first sums. */
static void finish(const struct dk_convolution *a, const struct plain *p, int64_t n) {
    for (int64_t k = 0; k < p->pixels; k++) {
        float *y = a->y.data + (n * p->pixels + k) * a->y.stride;
        const float *residual =
            a->residual.data ? a->residual.data + (n * p->pixels + k) * a->residual.stride : NULL;
        for (int64_t f = 0; f < a->y.channels; f++)
            y[f] = p->y[f * p->pixels + k] * (a->scale ? a->scale[f] : 1) +
                   (a->shift ? a->shift[f] : 0) + (residual ? residual[f] : 0);
        dk_kernels()->activation.forward(a->activation, 0, a->y.channels, y, y);
    }
}

enum dk_status dk_im2col_forward(const struct dk_convolution *a) {
    struct plain p = lay_out(&a->shape, &a->x, &a->y, a->workspace);
    enum dk_status status = dk_convolution_unpack(&a->shape, a->weights, p.weights);
    for (int64_t n = 0; n < a->x.batch && status == DK_OK; n++) {
        struct dk_tensor x = image(&a->x, n);
        status = dk_to_nchw(&x, p.x);
        for (int64_t g = 0; g < p.groups && status == DK_OK; g++) {
            dk_im2col(&p.geometry, p.x + g * p.inputs, p.columns);
            status = dk_gemm_cpu(0, 0, p.filters, p.pixels, p.depth, 1,
                                 p.weights + g * p.filters * p.depth, p.depth, p.columns, p.pixels,
                                 0, p.y + g * p.filters * p.pixels, p.pixels);
        }
        finish(a, &p, n);
    }
    return status;
}

int64_t dk_im2col_data_workspace(const struct dk_convolution_backward_data *a) {
    struct plain p = lay_out(&a->shape, &a->dx, &a->dy, NULL);
    return workspace_bytes(&p);
}

enum dk_status dk_im2col_data(const struct dk_convolution_backward_data *a) {
    struct plain p = lay_out(&a->shape, &a->dx, &a->dy, a->workspace);
    enum dk_status status = dk_convolution_unpack(&a->shape, a->weights, p.weights);
    for (int64_t n = 0; n < a->dx.batch && status == DK_OK; n++) {
        struct dk_tensor dx = image(&a->dx, n), dy = image(&a->dy, n);
        status = dk_to_nchw(&dy, p.y);
        if (a->accumulate)
            dk_to_nchw(&dx, p.x);
        else
            memset(p.x, 0, sizeof(float) * (size_t)(p.groups * p.inputs));
        for (int64_t g = 0; g < p.groups && status == DK_OK; g++) {
            status = dk_gemm_cpu(1, 0, p.depth, p.pixels, p.filters, 1,
                                 p.weights + g * p.filters * p.depth, p.depth,
                                 p.y + g * p.filters * p.pixels, p.pixels, 0, p.columns, p.pixels);
            dk_col2im(&p.geometry, p.columns, p.x + g * p.inputs);
        }
        dk_from_nchw(p.x, &dx);
    }
    return status;
}

int64_t dk_im2col_weights_workspace(const struct dk_convolution_backward_weights *a) {
    struct plain p = lay_out(&a->shape, &a->x, &a->dy, NULL);
    return workspace_bytes(&p);
}

enum dk_status dk_im2col_weights(const struct dk_convolution_backward_weights *a) {
    struct plain p = lay_out(&a->shape, &a->x, &a->dy, a->workspace);
    enum dk_status status = dk_convolution_unpack(&a->shape, a->updates, p.weights);
    for (int64_t n = 0; n < a->x.batch && status == DK_OK; n++) {
        struct dk_tensor x = image(&a->x, n), dy = image(&a->dy, n);
        dk_to_nchw(&x, p.x);
        dk_to_nchw(&dy, p.y);
        for (int64_t g = 0; g < p.groups && status == DK_OK; g++) {
            dk_im2col(&p.geometry, p.x + g * p.inputs, p.columns);
            status = dk_gemm_cpu(0, 1, p.filters, p.depth, p.pixels, 1,
                                 p.y + g * p.filters * p.pixels, p.pixels, p.columns, p.pixels, 1,
                                 p.weights + g * p.filters * p.depth, p.depth);
        }
    }
    return status == DK_OK ? dk_convolution_pack(&a->shape, p.weights, a->updates) : status;
}

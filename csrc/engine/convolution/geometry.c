/* The geometry of convolutions: what is refused, and fully connected layers as 1x1 convolutions. */
#include "engine/convolution/geometry.h"

enum dk_status dk_check_conv_shape(const struct dk_conv_shape *s) {
    if (!s)
        return DK_BAD_ARGUMENT;
    if (s->channels < 1 || s->filters < 1 || s->groups < 1 || s->channels % s->groups ||
        s->filters % s->groups || s->size_h < 1 || s->size_w < 1 || s->stride_h < 1 ||
        s->stride_w < 1 || s->pad_h < 0 || s->pad_w < 0 || s->dilation_h < 1 || s->dilation_w < 1)
        return DK_BAD_SHAPE;
    return DK_OK;
}

static int is_tensor(const struct dk_tensor *t) {
    return t->batch >= 1 && t->height >= 1 && t->width >= 1 && t->channels >= 1 &&
           t->stride >= t->channels;
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

void dk_flatten_whole_plane(struct dk_conv_shape *s, struct dk_tensor *x, struct dk_tensor *y) {
    if (s->groups != 1 || s->size_h != x->height || s->size_w != x->width || s->pad_h || s->pad_w ||
        (s->dilation_h != 1 && s->size_h > 1) || (s->dilation_w != 1 && s->size_w > 1) ||
        y->height != 1 || y->width != 1 || x->stride != x->channels)
        return;
    int64_t inputs = x->height * x->width * x->channels;
    *s = (struct dk_conv_shape){inputs, s->filters, 1, 1, 1, 1, 1, 0, 0, 1, 1};
    x->channels = x->stride = inputs;
    x->height = x->width = 1;
}

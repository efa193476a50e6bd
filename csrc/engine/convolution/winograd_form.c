/* Which of Winograd's forms a shape has. */
#include "engine/convolution/winograd_form.h"

#include "dispatch.h"

const struct dk_winograd_form *dk_winograd_form(const struct dk_conv_shape *s, int algorithm,
                                                int pass) {
    const struct dk_winograd_form *forms = dk_kernels()->winograd.forms;
    const int64_t size = s->size_h, stride = s->stride_h;
    if (s->groups != 1 || s->size_w != size || s->stride_w != stride || s->dilation_h != 1 ||
        s->dilation_w != 1)
        return NULL;
    if (algorithm == DK_CONV_WINOGRAD_2X2_BF16)
        return size == 3 && stride == 1 && pass == DK_CONV_FORWARD && dk_bf16()
                   ? &dk_bf16()->winograd
                   : NULL;
    if (algorithm == DK_CONV_WINOGRAD && stride == 1)
        return size == 3 ? &forms[0] : size == 5 ? &forms[1] : NULL;
    if (algorithm == DK_CONV_WINOGRAD_2X2 && size == 3)
        return stride == 1 ? &forms[2] : stride == 2 && pass == DK_CONV_FORWARD ? &forms[3] : NULL;
    return NULL;
}

/* Winograd's forms, and the weights as they multiply with them: panel by panel, in a panel product by product. */
#include "engine/convolution_private.h"

#include "threads.h"

#include <string.h>

struct weights_job {
    const struct dk_winograd_form *form;
    const struct dk_panels *p;
    const float *from;
    float *to;
};

/* Items: vectors of a panel row.  Both forms are stretches panel by panel: taps in one, products in the other. */
static void transform_weights(const void *args, int64_t begin, int64_t end, int worker) {
    const struct weights_job *a = args;
    const struct dk_panels *p = a->p;
    (void)worker;
    for (int64_t at = begin * p->lanes; at < end * p->lanes;) {
        int64_t q = at / (p->inputs * p->width), start = q * p->inputs * p->width;
        int64_t tap = p->inputs * dk_panel_width(p, q);
        int64_t n = DK_MIN(end * p->lanes, start + tap) - at, i = at - start;
        a->form->weights(n, a->from + start * p->taps + i, tap, a->to + start * dk_winograd_products(a->form) + i, tap);
        at += n;
    }
}

/* Items: pairs of channels of a panel. */
static void transform_pairs(const void *args, int64_t begin, int64_t end, int worker) {
    enum { PRODUCTS = 16, WIDTH = 64 };
    const struct weights_job *a = args;
    const struct dk_panels *p = a->p;
    const int64_t pairs = dk_pairs(p->inputs);
    float u[2][PRODUCTS * WIDTH] = {0};
    (void)worker;
    for (int64_t item = begin; item < end; item++) {
        const int64_t q = item / pairs, c = item % pairs * 2, width = dk_panel_width(p, q);
        const float *from = a->from + dk_panel_offset(p, 0, q) + c * width;
        uint32_t *to = (uint32_t *)a->to + dk_winograd_products(a->form) * pairs * p->width * q + c / 2 * width;
        a->form->weights(width, from, p->inputs * width, u[0], WIDTH);
        if (c + 1 < p->inputs)
            a->form->weights(width, from + width, p->inputs * width, u[1], WIDTH);
        else
            memset(u[1], 0, sizeof u[1]);
        for (int64_t e = 0; e < dk_winograd_products(a->form); e++)
            for (int64_t f = 0; f < width; f++)
                to[e * pairs * width + f] = dk_to_pair(u[0][e * WIDTH + f], u[1][e * WIDTH + f]);
    }
}

static void add_updates(const void *args, int64_t begin, int64_t end, int worker) {
    const struct weights_job *a = args;
    const struct dk_panels *p = a->p;
    (void)worker;
    for (int64_t at = begin * p->lanes; at < end * p->lanes;) {
        int64_t q = at / (p->inputs * p->width), start = q * p->inputs * p->width;
        int64_t tap = p->inputs * dk_panel_width(p, q);
        int64_t n = DK_MIN(end * p->lanes, start + tap) - at, i = at - start;
        a->form->updates(n, a->from + start * dk_winograd_products(a->form) + i, tap, a->to + start * p->taps + i, tap);
        at += n;
    }
}

const struct dk_winograd_form *dk_winograd_form(const struct dk_conv_shape *s, int algorithm, int pass) {
    const struct dk_winograd_form *forms = dk_kernels()->winograd.forms;
    const int64_t size = s->size_h, stride = s->stride_h;
    if (s->groups != 1 || s->size_w != size || s->stride_w != stride || s->dilation_h != 1 || s->dilation_w != 1)
        return NULL;
    if (algorithm == DK_CONV_WINOGRAD_2X2_BF16)
        return size == 3 && stride == 1 && pass == DK_CONV_FORWARD && dk_bf16() ? &dk_bf16()->winograd : NULL;
    if (algorithm == DK_CONV_WINOGRAD && stride == 1)
        return size == 3 ? &forms[0] : size == 5 ? &forms[1] : NULL;
    if (algorithm == DK_CONV_WINOGRAD_2X2 && size == 3)
        return stride == 1 ? &forms[2] : stride == 2 && pass == DK_CONV_FORWARD ? &forms[3] : NULL;
    return NULL;
}

int64_t dk_winograd_weights_floats(const struct dk_winograd_form *form, const struct dk_panels *p) {
    return dk_winograd_products(form) * dk_winograd_run_of(form, p) * p->padded;
}

void dk_winograd_weights(const struct dk_winograd_form *form, const struct dk_panels *p, const float *packed,
                         float *u) {
    struct weights_job args = {form, p, packed, u};
    if (form->in_pairs)
        dk_parallel_for(dk_panel_count(p) * dk_pairs(p->inputs), 32, transform_pairs, &args);
    else
        dk_parallel_for(p->inputs * p->padded / p->lanes, 256, transform_weights, &args);
}

void dk_winograd_add_updates(const struct dk_winograd_form *form, const struct dk_panels *p, const float *u,
                             float *updates) {
    struct weights_job args = {form, p, u, updates};
    dk_parallel_for(p->inputs * p->padded / p->lanes, 256, add_updates, &args);
}

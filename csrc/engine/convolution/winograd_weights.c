/* Winograd's transformed weights: the packed layout with products in place of taps. */
#include "engine/convolution/winograd_weights.h"

#include "engine/convolution/geometry.h"
#include "engine/convolution/pack.h"
#include "engine/convolution/winograd_form.h"
#include "threads.h"

#include <string.h>

struct weights_job {
    const struct dk_winograd_form *form;
    const struct dk_panels *p;
    const float *from;
    float *to;
    /* not of pairs: one of the form's two, and the rows (taps or products) of a
     * panel in both layouts */
    void (*transform)(int64_t count, const float *from, int64_t from_row, float *to,
                      int64_t to_row);
    int64_t from_rows, to_rows;
};

/* Items: vectors of a panel row.  Both layouts are stretches panel by panel: taps in one,
 * products in the other. */
static void transform_weights(const void *args, int64_t begin, int64_t end, int worker) {
    const struct weights_job *a = args;
    const struct dk_panels *p = a->p;
    (void)worker;
    for (int64_t at = begin * p->lanes; at < end * p->lanes;) {
        int64_t q = at / (p->inputs * p->width), start = q * p->inputs * p->width;
        int64_t row = p->inputs * dk_panel_width(p, q);
        int64_t n = DK_MIN(end * p->lanes, start + row) - at, i = at - start;
        a->transform(n, a->from + start * a->from_rows + i, row, a->to + start * a->to_rows + i,
                     row);
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
        uint32_t *to = (uint32_t *)a->to + dk_winograd_products(a->form) * pairs * p->width * q +
                       c / 2 * width;
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

int64_t dk_winograd_weights_floats(const struct dk_winograd_form *form, const struct dk_panels *p) {
    return dk_winograd_products(form) * dk_winograd_depth(form, p) * p->padded;
}

void dk_winograd_weights(const struct dk_winograd_form *form, const struct dk_panels *p,
                         const float *packed, float *u) {
    struct weights_job args = {
        form, p, packed, u, form->weights, p->taps, dk_winograd_products(form)};
    if (form->in_pairs)
        dk_parallel_for(dk_panel_count(p) * dk_pairs(p->inputs), 32, transform_pairs, &args);
    else
        dk_parallel_for(p->inputs * p->padded / p->lanes, 256, transform_weights, &args);
}

void dk_winograd_add_updates(const struct dk_winograd_form *form, const struct dk_panels *p,
                             const float *u, float *updates) {
    struct weights_job args = {form,   p, u, updates, form->updates, dk_winograd_products(form),
                               p->taps};
    dk_parallel_for(p->inputs * p->padded / p->lanes, 256, transform_weights, &args);
}

int64_t dk_convolution_winograd_size(const struct dk_conv_shape *shape, int algorithm) {
    if (dk_check_conv_shape(shape) != DK_OK || !dk_winograd_form(shape, algorithm, DK_CONV_FORWARD))
        return 0;
    struct dk_panels p = dk_weights_panels(shape);
    return dk_winograd_weights_floats(dk_winograd_form(shape, algorithm, DK_CONV_FORWARD), &p);
}

enum dk_status dk_convolution_pack_winograd(const struct dk_conv_shape *shape, int algorithm,
                                            const float *weights, float *winograd) {
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

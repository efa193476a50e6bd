/* The packed layout of weights: [group][panel][tap][input][lane].
 *
 * A panel is as many outputs (filters) as a register tile sums at a time: `width` of them, in whole
 * vectors.  The last panel of a group has only the vectors that it needs, and lanes beyond the last
 * filter are 0.  For example a group of 10 filters, wk being a weight of filter k, with vectors of
 * 4 lanes and panels of 2 vectors, as on the instruction set "baseline":
 *
 *                          panel 0, 8 lanes wide                 panel 1, 4 lanes
 *     tap     input     +---------------------------------+     +-----------------+
 *      0        0       | w0  w1  w2  w3  w4  w5  w6  w7  |     | w8  w9   0   0  |
 *      0        1       | w0  w1  w2  w3  w4  w5  w6  w7  |     | w8  w9   0   0  |
 *      :        :       |  :   :   :   :   :   :   :   :  |     |  :   :   :   :  |
 *      0     inputs-1   | w0  w1  w2  w3  w4  w5  w6  w7  |     | w8  w9   0   0  |
 *      1        0       | w0  w1  w2  w3  w4  w5  w6  w7  |     | w8  w9   0   0  |
 *      :        :       |  :   :   :   :   :   :   :   :  |     |  :   :   :   :  |
 *   taps-1   inputs-1   | w0  w1  w2  w3  w4  w5  w6  w7  |     | w8  w9   0   0  |
 *                       +---------------------------------+     +-----------------+
 *
 * Memory runs along a row, down the rows of panel 0, down those of panel 1, and on in the next
 * group:
 *
 *   q = filter / width
 *   address = dk_panel_offset(group, q) + (tap*inputs + input)*dk_panel_width(q) + filter % width
 *
 * Where every channel is a group of its own (depthwise) it is [tap][channels padded].  The
 * transposed form has filters for inputs and channels for outputs, Winograd's has products for
 * taps, and the one in bf16 has pairs of channels for inputs. */
#ifndef DK_ENGINE_CONVOLUTION_PANELS_H
#define DK_ENGINE_CONVOLUTION_PANELS_H

#include "dispatch.h"

static inline int64_t dk_round_up(int64_t n, int64_t step) {
    return (n + step - 1) / step * step;
}

static inline int64_t dk_ceil_div(int64_t a, int64_t b) {
    return a >= 0 ? (a + b - 1) / b : -(-a / b);
}

static inline int64_t dk_floor_div(int64_t a, int64_t b) {
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

/* One direction of a packed form: `outputs` per group in panels of lanes, sums over taps and
 * `inputs` per group. */
struct dk_panels {
    int64_t groups, taps, inputs, outputs;
    int64_t lanes, width; /* floats of a vector; outputs of a full panel */
    int64_t padded;       /* outputs rounded up to whole vectors */
};

static inline struct dk_panels dk_make_panels(int64_t groups, int64_t taps, int64_t inputs,
                                              int64_t outputs) {
    const struct dk_kernel_table *k = dk_kernels();
    return (struct dk_panels){groups,
                              taps,
                              inputs,
                              outputs,
                              k->lanes,
                              (int64_t)k->lanes * k->convolution.panel_vectors,
                              dk_round_up(outputs, k->lanes)};
}

static inline int64_t dk_panel_count(const struct dk_panels *p) {
    return (p->outputs + p->width - 1) / p->width;
}

/* Lanes in a row of panel q, padding included. */
static inline int64_t dk_panel_width(const struct dk_panels *p, int64_t q) {
    return DK_MIN(p->width, p->padded - q * p->width);
}

/* Floats before panel q of group g; dk_panels_size floats in all. */
static inline int64_t dk_panel_offset(const struct dk_panels *p, int64_t g, int64_t q) {
    return p->taps * p->inputs * (g * p->padded + q * p->width);
}

static inline int64_t dk_panels_size(const struct dk_panels *p) {
    return p->groups * p->taps * p->inputs * p->padded;
}

#endif

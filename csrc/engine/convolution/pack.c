/* Weights to and from the packed layout, in floats and in pairs of bf16. */
#include "engine/convolution/pack.h"

#include "engine/bf16.h"
#include "engine/convolution/geometry.h"
#include "threads.h"

#include <string.h>

struct dk_panels dk_weights_panels(const struct dk_conv_shape *s) {
    if (dk_is_depthwise(s))
        return dk_make_panels(1, s->size_h * s->size_w, 1, s->channels);
    return dk_make_panels(s->groups, s->size_h * s->size_w, s->channels / s->groups,
                          s->filters / s->groups);
}

int64_t dk_convolution_weights_size(const struct dk_conv_shape *shape) {
    struct dk_panels p = dk_weights_panels(shape);
    return dk_panels_size(&p);
}

struct pack {
    struct dk_conv_shape shape;
    struct dk_panels panels, other;
    const float *from;
    float *to;
};

/* Address in the packed form of output m of a group, input c, tap: see struct dk_panels; depthwise
 * rows hold all taps of all channels instead. */
static int64_t place(const struct dk_panels *p, int is_depthwise, int64_t g, int64_t tap, int64_t c,
                     int64_t m) {
    if (is_depthwise)
        return tap * p->padded + m;
    int64_t q = m / p->width;
    return dk_panel_offset(p, g, q) + (tap * p->inputs + c) * dk_panel_width(p, q) + m % p->width;
}

/* Filters begin .. end-1 between both forms, value by value, some inputs at a time: a line of the
 * packed form holds several filters. */
static inline void copy_filters(const struct pack *a, int64_t begin, int64_t end,
                                const int is_packing) {
    enum { INPUTS = 64 };
    const struct dk_panels *p = &a->panels;
    const int depthwise = dk_is_depthwise(&a->shape);
    for (int64_t c0 = 0; c0 < p->inputs; c0 += INPUTS)
        for (int64_t f = begin; f < end; f++) {
            const int64_t m = f % p->outputs, first = place(p, depthwise, f / p->outputs, 0, 0, m);
            const int64_t step = depthwise ? 0 : dk_panel_width(p, m / p->width);
            const int64_t tap = depthwise ? p->padded : p->inputs * step;
            for (int64_t c = c0; c < DK_MIN(p->inputs, c0 + INPUTS); c++)
                for (int64_t t = 0; t < p->taps; t++) {
                    const int64_t plain = (f * p->inputs + c) * p->taps + t,
                                  packed = first + t * tap + c * step;
                    if (is_packing)
                        a->to[packed] = a->from[plain];
                    else
                        a->to[plain] = a->from[packed];
                }
        }
}

static void pack_depthwise(const void *args, int64_t begin, int64_t end, int worker) {
    (void)worker;
    copy_filters(args, begin, end, 1);
}

static void unpack_filters(const void *args, int64_t begin, int64_t end, int worker) {
    (void)worker;
    copy_filters(args, begin, end, 0);
}

/* Inputs whose taps, for a vector of filters, lie in the first-level cache while
 * they find their places. */
enum { PACKED_AT_ONCE = 256, MOST_LANES = 16 };

static int64_t inputs_at_once(const struct dk_panels *p) {
    return DK_MAX(1, DK_MIN(p->inputs, PACKED_AT_ONCE / p->taps));
}

/* Filters m .. m+lanes-1 of a group, as far as there are, for inputs c0 .. c0+inputs-1: from rows
 * of (input, tap) to rows of filters, which lie tap by tap. */
static void pack_vector(const struct pack *a, int64_t g, int64_t m, int64_t c0, int64_t inputs) {
    const struct dk_panels *p = &a->panels;
    const int64_t row = p->inputs * p->taps, q = m / p->width, width = dk_panel_width(p, q);
    const int64_t filters = DK_MIN(p->lanes, p->outputs - m);
    const float *from = a->from + (g * p->outputs + m) * row + c0 * p->taps;
    float *to = a->to + dk_panel_offset(p, g, q) + c0 * width + m % p->width;
    const struct dk_transpose_kernels *kernels = &dk_kernels()->transpose;
    if (p->taps == 1 && filters == p->lanes) {
        kernels->transpose(filters, inputs, from, row, 1, to, width);
        return;
    }
    float vectors[PACKED_AT_ONCE * MOST_LANES]; /* [input][tap][lanes] */
    const size_t bytes = sizeof(float) * (size_t)p->lanes;
    /* all taps at once, but for very large filters */
    for (int64_t t0 = 0; t0 < p->taps; t0 += PACKED_AT_ONCE) {
        const int64_t taps = DK_MIN(PACKED_AT_ONCE, p->taps - t0);
        if (filters < p->lanes)
            memset(vectors, 0, bytes * (size_t)(inputs * taps));
        kernels->transpose(filters, inputs * taps, from + t0, row, 1, vectors, p->lanes);
        for (int64_t t = 0; t < taps; t++)
            for (int64_t c = 0; c < inputs; c++)
                memcpy(to + ((t0 + t) * p->inputs + c) * width, vectors + (c * taps + t) * p->lanes,
                       bytes);
    }
}

/* Items: (group, panel, inputs at once). */
static void pack_panels(const void *args, int64_t begin, int64_t end, int worker) {
    const struct pack *a = args;
    const struct dk_panels *p = &a->panels;
    const int64_t step = inputs_at_once(p), parts = dk_ceil_div(p->inputs, step),
                  panels = dk_panel_count(p);
    (void)worker;
    for (int64_t item = begin; item < end; item++) {
        const int64_t g = item / parts / panels, q = item / parts % panels,
                      c0 = item % parts * step;
        for (int64_t m = q * p->width; m < DK_MIN(p->padded, (q + 1) * p->width); m += p->lanes)
            pack_vector(a, g, m, c0, DK_MIN(step, p->inputs - c0));
    }
}

enum dk_status dk_convolution_pack(const struct dk_conv_shape *shape, const float *weights,
                                   float *packed) {
    enum dk_status status = dk_check_conv_shape(shape);
    if (status != DK_OK)
        return status;
    if (!weights || !packed)
        return DK_BAD_ARGUMENT;
    struct pack args = {
        .shape = *shape, .panels = dk_weights_panels(shape), .from = weights, .to = packed};
    const struct dk_panels *p = &args.panels;
    if (dk_is_depthwise(shape)) {
        memset(packed, 0, sizeof(float) * (size_t)dk_panels_size(p));
        dk_parallel_for(shape->filters, p->lanes, pack_depthwise, &args);
        return DK_OK;
    }
    const int64_t parts = dk_ceil_div(p->inputs, inputs_at_once(p));
    dk_parallel_for(p->groups * dk_panel_count(p) * parts, 2, pack_panels, &args);
    return DK_OK;
}

static void pack_each(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_packing *packings = args;
    (void)worker;
    for (int64_t k = begin; k < end; k++)
        dk_convolution_pack(&packings[k].shape, packings[k].weights, packings[k].packed);
}

enum dk_status dk_convolution_pack_all(const struct dk_packing *packings, int64_t count) {
    for (int64_t k = 0; k < count; k++) {
        enum dk_status status = dk_check_conv_shape(&packings[k].shape);
        if (status != DK_OK)
            return status;
        if (!packings[k].weights || !packings[k].packed)
            return DK_BAD_ARGUMENT;
    }
    dk_parallel_for(count, 1, pack_each, packings);
    return DK_OK;
}

enum dk_status dk_convolution_unpack(const struct dk_conv_shape *shape, const float *packed,
                                     float *weights) {
    enum dk_status status = dk_check_conv_shape(shape);
    if (status != DK_OK)
        return status;
    if (!weights || !packed)
        return DK_BAD_ARGUMENT;
    struct pack args = {
        .shape = *shape, .panels = dk_weights_panels(shape), .from = packed, .to = weights};
    dk_parallel_for(shape->filters, args.panels.lanes, unpack_filters, &args);
    return DK_OK;
}

static float from_bf16(uint16_t half) {
    uint32_t bits = (uint32_t)half << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

struct pack_bf16 {
    struct dk_panels panels; /* its inputs are pairs */
    int64_t channels;
    const float *from;
    uint32_t *to;
};

static struct dk_panels pair_panels(const struct dk_conv_shape *s) {
    return dk_make_panels(1, s->size_h * s->size_w, dk_pairs(s->channels), s->filters);
}

/* As copy_filters, one filter after the other. */
static void pack_pairs(const void *args, int64_t begin, int64_t end, int worker) {
    const struct pack_bf16 *a = args;
    const struct dk_panels *p = &a->panels;
    (void)worker;
    for (int64_t c = 0; c < a->channels; c += 2)
        for (int64_t f = begin; f < end; f++) {
            const int64_t step = dk_panel_width(p, f / p->width),
                          first = place(p, 0, 0, 0, c / 2, f);
            const float *w = a->from + (f * a->channels + c) * p->taps;
            for (int64_t t = 0; t < p->taps; t++)
                a->to[first + t * p->inputs * step] =
                    dk_to_pair(w[t], c + 1 < a->channels ? w[p->taps + t] : 0);
        }
}

int64_t dk_convolution_bf16_size(const struct dk_conv_shape *shape) {
    struct dk_panels p = pair_panels(shape);
    return dk_panels_size(&p);
}

static enum dk_status check_bf16(const struct dk_conv_shape *shape, const void *weights,
                                 const void *packed) {
    enum dk_status status = dk_check_conv_shape(shape);
    if (status != DK_OK)
        return status;
    if (shape->groups != 1)
        return DK_UNSUPPORTED;
    return weights && packed ? DK_OK : DK_BAD_ARGUMENT;
}

enum dk_status dk_convolution_pack_bf16(const struct dk_conv_shape *shape, const float *weights,
                                        uint32_t *packed) {
    enum dk_status status = check_bf16(shape, weights, packed);
    if (status != DK_OK)
        return status;
    struct pack_bf16 args = {pair_panels(shape), shape->channels, weights, packed};
    memset(packed, 0, sizeof *packed * (size_t)dk_panels_size(&args.panels));
    dk_parallel_for(shape->filters, args.panels.lanes, pack_pairs, &args);
    return DK_OK;
}

enum dk_status dk_convolution_unpack_bf16(const struct dk_conv_shape *shape, const uint32_t *packed,
                                          float *weights) {
    enum dk_status status = check_bf16(shape, weights, packed);
    if (status != DK_OK)
        return status;
    const struct dk_panels p = pair_panels(shape);
    for (int64_t f = 0; f < shape->filters; f++)
        for (int64_t c = 0; c < shape->channels; c++)
            for (int64_t t = 0; t < p.taps; t++) {
                const uint32_t pair = packed[place(&p, 0, 0, t, c / 2, f)];
                *weights++ = from_bf16((uint16_t)(pair >> c % 2 * 16));
            }
    return DK_OK;
}

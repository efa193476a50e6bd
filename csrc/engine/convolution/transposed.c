/* The transposed form of the packed weights, which the data gradient multiplies with. */
#include "engine/convolution/transposed.h"

#include "engine/convolution/geometry.h"
#include "engine/convolution/pack.h"
#include "threads.h"

#include <string.h>

struct dk_panels dk_transposed_panels(const struct dk_conv_shape *s) {
    if (dk_is_depthwise(s))
        return dk_weights_panels(s);
    return dk_make_panels(s->groups, s->size_h * s->size_w, s->filters / s->groups,
                          s->channels / s->groups);
}

struct transposition {
    struct dk_conv_shape shape;
    struct dk_panels panels, other; /* layouts of `to` and of `from` */
    const float *from;
    float *to;
};

static int64_t greatest_divisor(int64_t a, int64_t b) {
    while (b) {
        int64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

/* Position p reads dy at q through tap i when q*stride = p + pad - i*dilation: the taps with
 * i*dilation = p + pad (mod stride).  They are `period` apart; descending i means ascending q. */
struct dk_phase dk_transposed_phase(int64_t size, int64_t stride, int64_t pad, int64_t dilation,
                                    int64_t phase) {
    struct dk_phase r = {0, 0, dilation / greatest_divisor(stride, dilation), 0};
    int64_t class = (phase + pad) % stride;
    for (int64_t i = 0; i < size; i++) {
        int64_t of_tap = i * dilation % stride;
        r.before += of_tap < class;
        if (of_tap == class) {
            r.count++;
            r.first = (phase + pad - i * dilation) / stride;
        }
    }
    return r;
}

int64_t dk_transposed_tap(const struct dk_conv_shape *s, int64_t i, int64_t j) {
    int64_t class_i = i * s->dilation_h % s->stride_h, class_j = j * s->dilation_w % s->stride_w;
    int64_t before_i = 0, count_i = 0, rank_i = 0, before_j = 0, count_j = 0, rank_j = 0;
    for (int64_t k = 0; k < s->size_h; k++) {
        int64_t class = k * s->dilation_h % s->stride_h;
        before_i += class < class_i;
        count_i += class == class_i;
        rank_i += class == class_i && k > i;
    }
    for (int64_t k = 0; k < s->size_w; k++) {
        int64_t class = k * s->dilation_w % s->stride_w;
        before_j += class < class_j;
        count_j += class == class_j;
        rank_j += class == class_j && k > j;
    }
    return before_i * s->size_w + count_i * before_j + rank_i * count_j + rank_j;
}

/* Side of the squares that are transposed at a time: 16 cache lines on either side,
 * and within one panel. */
static int64_t square_side(const struct dk_panels *p) {
    return DK_MIN(16, p->width);
}

/* Items: (group, tap, square column); [filter panels][channel][lanes] becomes [channel
 * panels][filter][lanes]. */
static void transpose_taps(const void *args, int64_t begin, int64_t end, int worker) {
    const struct transposition *a = args;
    const struct dk_panels *from = &a->other, *to = &a->panels;
    const struct dk_transpose_kernels *kernels = &dk_kernels()->transpose;
    const int64_t side = square_side(to), columns = dk_ceil_div(to->padded, side);
    (void)worker;
    for (int64_t item = begin; item < end; item++) {
        int64_t g = item / columns / from->taps, tap = item / columns % from->taps,
                c0 = item % columns * side;
        int64_t new_tap =
            dk_transposed_tap(&a->shape, tap / a->shape.size_w, tap % a->shape.size_w);
        int64_t q = c0 / to->width, to_width = dk_panel_width(to, q);
        int64_t c1 = DK_MIN(c0 + side, to->padded), valid = DK_MIN(c1, to->outputs);
        float *dst =
            a->to + dk_panel_offset(to, g, q) + new_tap * to->inputs * to_width - q * to->width;
        for (int64_t m0 = 0; m0 < from->outputs; m0 += side) {
            int64_t r = m0 / from->width, from_width = dk_panel_width(from, r);
            int64_t m1 = DK_MIN(m0 + side, from->outputs);
            const float *src = a->from + dk_panel_offset(from, g, r) +
                               tap * from->inputs * from_width - r * from->width;
            kernels->transpose(valid - c0, m1 - m0, src + c0 * from_width + m0, from_width, 1,
                               dst + m0 * to_width + c0, to_width);
            for (int64_t m = m0; m < m1 && valid < c1; m++)
                memset(dst + m * to_width + valid, 0, sizeof(float) * (size_t)(c1 - valid));
        }
    }
}

static void reorder_depthwise(const void *args, int64_t begin, int64_t end, int worker) {
    const struct transposition *a = args;
    int64_t n = a->panels.padded;
    (void)worker;
    for (int64_t t = begin; t < end; t++)
        memcpy(a->to + dk_transposed_tap(&a->shape, t / a->shape.size_w, t % a->shape.size_w) * n,
               a->from + t * n, sizeof(float) * (size_t)n);
}

void dk_transpose_weights(const struct dk_conv_shape *shape, const float *packed,
                          float *transposed) {
    struct transposition args = {.shape = *shape,
                                 .panels = dk_transposed_panels(shape),
                                 .other = dk_weights_panels(shape),
                                 .from = packed,
                                 .to = transposed};
    const struct dk_panels *to = &args.panels;
    if (dk_is_depthwise(shape))
        dk_parallel_for(to->taps, 1, reorder_depthwise, &args);
    else
        dk_parallel_for(to->groups * to->taps * dk_ceil_div(to->padded, square_side(to)),
                        DK_MAX(1, 512 / to->inputs), transpose_taps, &args);
}

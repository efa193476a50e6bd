/* Which algorithm DK_CONV_AUTO stands for: a rule of shape, batch, pass and instruction set. */
#include "engine/bf16.h"
#include "engine/convolution/geometry.h"
#include "engine/convolution/panels.h"
#include "engine/convolution/winograd_form.h"

/* Time of an algorithm for one pair of channel and filter, in multiply-adds: its products for all
 * tiles, and its weights, each of which is waited for during some more. */
static int64_t cost_of(int64_t products, int64_t wait, int64_t side, int64_t batch, int64_t out_h,
                       int64_t out_w) {
    return products * (batch * dk_ceil_div(out_h, side) * dk_ceil_div(out_w, side) + wait);
}

static int64_t cost_of_form(const struct dk_winograd_form *f, int64_t wait, int64_t batch,
                            int64_t out_h, int64_t out_w) {
    return cost_of((int64_t)f->inputs * f->inputs, wait, f->outputs, batch, out_h, out_w);
}

/* Fitted to the layers of GoogLeNet, Darknet-19, ResNet-50 and YOLOv3 on AVX-512, AVX2 and SSE2:
 * Winograd wins from 16 channels and filters on, from 64 and 128 at a stride of 2, by the number of
 * tiles; with short vectors its transforms weigh more. */
int dk_convolution_choose(const struct dk_conv_shape *shape, int64_t batch, int64_t out_h,
                          int64_t out_w, int pass) {
    if (dk_is_depthwise(shape))
        return DK_CONV_DEPTHWISE;
    const struct dk_winograd_form *large = dk_winograd_form(shape, DK_CONV_WINOGRAD, pass);
    const struct dk_winograd_form *small = dk_winograd_form(shape, DK_CONV_WINOGRAD_2X2, pass);
    if (!large && (shape->channels < 64 || shape->filters < 128))
        small = NULL;
    if ((!large && !small) || shape->channels < 16 || shape->filters < 16)
        return DK_CONV_INDIRECT;
    if (pass == DK_CONV_BACKWARD_WEIGHTS) {
        const int64_t side = large->outputs,
                      tiles = dk_ceil_div(out_h, side) * dk_ceil_div(out_w, side);
        return batch * tiles >= 32 && 2 * out_h * out_w >= side * side * tiles ? DK_CONV_WINOGRAD
                                                                               : DK_CONV_INDIRECT;
    }
    /* 36 values of LONG weights do not stay in a cache. */
    enum { WAIT = 8, WAIT_LONG = 12, LONG = 1 << 15 };
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

/* Whether the sums take less time with pairs, rounding included; in multiply-adds for each output
 * of an image.  A value to be rounded takes the time of 5, from main memory 30, and 80 where a
 * pixel has but a few; an output to be written takes that of 12. */
static int is_faster_in_pairs(const struct dk_conv_shape *s, int64_t out_h, int64_t out_w) {
    enum { ROUND = 5, ROUND_LARGE = 30, ROUND_THIN = 80, WRITE = 12, THIN = 8, LARGE = 1 << 19 };
    const int64_t in_h =
        (out_h - 1) * s->stride_h + (s->size_h - 1) * s->dilation_h + 1 - 2 * s->pad_h;
    const int64_t in_w =
        (out_w - 1) * s->stride_w + (s->size_w - 1) * s->dilation_w + 1 - 2 * s->pad_w;
    const double values = (double)DK_MAX(1, in_h) * (double)DK_MAX(1, in_w) * (double)s->channels;
    const double round = s->channels < THIN ? ROUND_THIN : values > LARGE ? ROUND_LARGE : ROUND;
    const double outputs = (double)s->filters * (double)out_h * (double)out_w,
                 taps = (double)(s->size_h * s->size_w);
    const double floats = outputs * (taps * (double)s->channels + WRITE);
    return outputs * (taps * 1.1 * (double)dk_pairs(s->channels) + WRITE) + round * values < floats;
}

/* Fitted to the same networks and VGG's shapes at batches of 1 and 8.  Pairs are multiplied at 1.8
 * times the rate of floats.  Against F(4x4,3x3), F(2x2,3x3) in bf16 has as many products at that
 * rate, transforms that weigh like 4 more channels, and where weights come from main memory a tenth
 * and more on its side; against F(2x2,5x5), whose transforms take the time of 8 more channels and
 * 12 more filters, the plain sums win where these are few. */
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
        const double pairs =
            (double)cost_of(16, 0, 2, 1, out_h, out_w) / 1.8 * (1 + 4 / DK_MIN(channels, filters));
        return pairs * (channels * filters > LONG ? 0.9 : 1) < floats ? DK_CONV_WINOGRAD_2X2_BF16
                                                                      : DK_CONV_AUTO;
    }
    const double pairs =
        (double)cost_of(shape->size_h * shape->size_w, 0, 1, 1, out_h, out_w) / 1.8;
    return pairs * 1.15 < floats * (1 + 8 / channels + 12 / filters) ? DK_CONV_INDIRECT_BF16
                                                                     : DK_CONV_AUTO;
}

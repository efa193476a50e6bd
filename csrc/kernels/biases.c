/* Darknet's biases and scales: sums and maps per filter (channels.h). */
#include "kernels/biases.h"

#include "kernels/channels.h"

/* What the callbacks below need; each uses some of it. */
struct arrays {
    struct dk_layout layout;
    const float *scales, *biases;
    float *out; /* per filter */
};

static void add_sum(const void *context, int64_t f, double sum, double product) {
    (void)product;
    ((const struct arrays *)context)->out[f] += (float)sum;
}

enum dk_status dk_backward_bias(float *bias_updates, const float *delta, int64_t batch, int64_t n,
                                int64_t size) {
    struct arrays a = {.layout = {batch, n, size}, .out = bias_updates};
    if (dk_layout_is_bad(a.layout))
        return DK_BAD_SHAPE;
    dk_sum_channels(&(struct dk_channel_sums){a.layout, DK_SUM, delta, NULL, NULL, add_sum, &a});
    return DK_OK;
}

static void fill_scale_shift(const void *context, int64_t begin, int64_t end,
                             struct dk_coefficients c) {
    const struct arrays *a = context;
    for (int64_t f = begin; f < end; f++) {
        if (a->scales)
            c.by_x[f - begin] = a->scales[f];
        if (a->biases)
            c.constant[f - begin] = a->biases[f];
    }
}

enum dk_status dk_scale_shift(const float *x, const float *scales, const float *biases,
                              int64_t batch, int64_t filters, int64_t spatial, float *out) {
    struct arrays a = {.layout = {batch, filters, spatial}, .scales = scales, .biases = biases};
    if (dk_layout_is_bad(a.layout))
        return DK_BAD_SHAPE;
    dk_map_channels(&(struct dk_channel_map){a.layout, NULL, x, out, fill_scale_shift, &a});
    return DK_OK;
}

enum dk_status dk_add_bias(float *output, const float *biases, int64_t batch, int64_t n,
                           int64_t size) {
    return dk_scale_shift(output, NULL, biases, batch, n, size, output);
}

enum dk_status dk_scale_bias(float *output, const float *scales, int64_t batch, int64_t n,
                             int64_t size) {
    return dk_scale_shift(output, scales, NULL, batch, n, size, output);
}

/* Darknet's batch-normalisation kernels, one by one: sums and maps per filter (channels.h). */
#include "kernels/batchnorm.h"

#include "kernels/channels.h"

#include <math.h>

/* What the callbacks below need; each uses some of it. */
struct arrays {
    struct dk_layout layout;
    const float *mean, *variance, *mean_delta, *variance_delta;
    float *out; /* per filter */
    float epsilon;
    int epsilon_inside;
};

static double count_of(const struct arrays *a) {
    return (double)a->layout.batch * (double)a->layout.spatial;
}

static double backward_root(const struct arrays *a, int64_t f) {
    return sqrt(a->variance[f] + 1e-5);
}

/* ---- sums ---- */

static void finish_mean(const void *context, int64_t f, double sum, double product) {
    const struct arrays *a = context;
    (void)product;
    a->out[f] = (float)(sum / count_of(a));
}

enum dk_status dk_mean_cpu(const float *x, int64_t batch, int64_t filters, int64_t spatial,
                           float *mean) {
    struct arrays a = {.layout = {batch, filters, spatial}, .out = mean};
    if (dk_layout_is_bad(a.layout))
        return DK_BAD_SHAPE;
    dk_sum_channels(&(struct dk_channel_sums){a.layout, DK_SUM, x, NULL, NULL, finish_mean, &a});
    return DK_OK;
}

static void finish_variance(const void *context, int64_t f, double sum, double squares) {
    const struct arrays *a = context;
    (void)sum;
    a->out[f] = (float)(squares / DK_MAX(count_of(a) - 1, 1));
}

enum dk_status dk_variance_cpu(const float *x, const float *mean, int64_t batch, int64_t filters,
                               int64_t spatial, float *variance) {
    struct arrays a = {.layout = {batch, filters, spatial}, .out = variance};
    if (dk_layout_is_bad(a.layout))
        return DK_BAD_SHAPE;
    dk_sum_channels(
        &(struct dk_channel_sums){a.layout, DK_SQUARES, NULL, x, mean, finish_variance, &a});
    return DK_OK;
}

static void add_product(const void *context, int64_t f, double sum, double product) {
    (void)sum;
    ((const struct arrays *)context)->out[f] += (float)product;
}

enum dk_status dk_backward_scale_cpu(const float *x_norm, const float *delta, int64_t batch,
                                     int64_t n, int64_t size, float *scale_updates) {
    struct arrays a = {.layout = {batch, n, size}, .out = scale_updates};
    if (dk_layout_is_bad(a.layout))
        return DK_BAD_SHAPE;
    dk_sum_channels(
        &(struct dk_channel_sums){a.layout, DK_PRODUCT, delta, x_norm, NULL, add_product, &a});
    return DK_OK;
}

static void finish_mean_delta(const void *context, int64_t f, double sum, double product) {
    const struct arrays *a = context;
    (void)product;
    a->out[f] = (float)(-sum / backward_root(a, f));
}

enum dk_status dk_mean_delta_cpu(const float *delta, const float *variance, int64_t batch,
                                 int64_t filters, int64_t spatial, float *mean_delta) {
    struct arrays a = {
        .layout = {batch, filters, spatial}, .variance = variance, .out = mean_delta};
    if (dk_layout_is_bad(a.layout))
        return DK_BAD_SHAPE;
    dk_sum_channels(
        &(struct dk_channel_sums){a.layout, DK_SUM, delta, NULL, NULL, finish_mean_delta, &a});
    return DK_OK;
}

static void finish_variance_delta(const void *context, int64_t f, double sum, double product) {
    const struct arrays *a = context;
    (void)sum;
    a->out[f] = (float)(-.5 * pow(backward_root(a, f), -3) * product);
}

enum dk_status dk_variance_delta_cpu(const float *x, const float *delta, const float *mean,
                                     const float *variance, int64_t batch, int64_t filters,
                                     int64_t spatial, float *variance_delta) {
    struct arrays a = {
        .layout = {batch, filters, spatial}, .variance = variance, .out = variance_delta};
    if (dk_layout_is_bad(a.layout))
        return DK_BAD_SHAPE;
    dk_sum_channels(
        &(struct dk_channel_sums){a.layout, DK_PRODUCT, delta, x, mean, finish_variance_delta, &a});
    return DK_OK;
}

/* ---- maps ---- */

static void fill_normalize(const void *context, int64_t begin, int64_t end,
                           struct dk_coefficients c) {
    const struct arrays *a = context;
    for (int64_t f = begin; f < end; f++) {
        double v = a->variance[f];
        c.mean[f - begin] = a->mean[f];
        c.by_x[f - begin] =
            (float)(1 / (a->epsilon_inside ? sqrt(v + a->epsilon) : sqrt(v) + a->epsilon));
    }
}

enum dk_status dk_normalize(const float *x, const float *mean, const float *variance, int64_t batch,
                            int64_t filters, int64_t spatial, float epsilon, int epsilon_inside,
                            float *out) {
    struct arrays a = {.layout = {batch, filters, spatial},
                       .mean = mean,
                       .variance = variance,
                       .epsilon = epsilon,
                       .epsilon_inside = epsilon_inside};
    if (dk_layout_is_bad(a.layout))
        return DK_BAD_SHAPE;
    dk_map_channels(&(struct dk_channel_map){a.layout, NULL, x, out, fill_normalize, &a});
    return DK_OK;
}

enum dk_status dk_normalize_cpu(float *x, const float *mean, const float *variance, int64_t batch,
                                int64_t filters, int64_t spatial) {
    return dk_normalize(x, mean, variance, batch, filters, spatial, 1e-6f, 0, x);
}

static void fill_normalize_delta(const void *context, int64_t begin, int64_t end,
                                 struct dk_coefficients c) {
    const struct arrays *a = context;
    for (int64_t f = begin; f < end; f++) {
        c.by_d[f - begin] = (float)(1 / backward_root(a, f));
        c.by_x[f - begin] = (float)(2.0 * a->variance_delta[f] / count_of(a));
        c.mean[f - begin] = a->mean[f];
        c.constant[f - begin] = (float)(a->mean_delta[f] / count_of(a));
    }
}

enum dk_status dk_normalize_delta(const float *x, const float *mean, const float *variance,
                                  const float *mean_delta, const float *variance_delta,
                                  int64_t batch, int64_t filters, int64_t spatial,
                                  const float *delta, float *out) {
    struct arrays a = {.layout = {batch, filters, spatial},
                       .mean = mean,
                       .variance = variance,
                       .mean_delta = mean_delta,
                       .variance_delta = variance_delta};
    if (dk_layout_is_bad(a.layout))
        return DK_BAD_SHAPE;
    dk_map_channels(&(struct dk_channel_map){a.layout, delta, x, out, fill_normalize_delta, &a});
    return DK_OK;
}

enum dk_status dk_normalize_delta_cpu(const float *x, const float *mean, const float *variance,
                                      const float *mean_delta, const float *variance_delta,
                                      int64_t batch, int64_t filters, int64_t spatial,
                                      float *delta) {
    return dk_normalize_delta(x, mean, variance, mean_delta, variance_delta, batch, filters,
                              spatial, delta, delta);
}

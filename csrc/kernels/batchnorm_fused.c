/* Batch normalisation in two passes on Darknet's layout: sums and maps per filter (channels.h). */
#include "kernels/batchnorm_fused.h"

#include "kernels/channels.h"

static struct dk_layout layout_of(const struct dk_tensor *t) {
    return (struct dk_layout){t->batch, t->channels, t->height * t->width};
}

static struct dk_tensor dense(struct dk_tensor t) {
    t.stride = t.channels;
    return t;
}

static double count_of(const struct dk_tensor *t) {
    return (double)t->batch * (double)t->height * (double)t->width;
}

/* ---- forward ---- */

static void finish_moments(const void *context, int64_t f, double mean, double squares) {
    const struct dk_batchnorm *a = context;
    dk_batchnorm_statistics(a, f, count_of(&a->x), mean, squares);
}

struct statistics {
    const struct dk_batchnorm *args;
    const float *mean, *variance;
};

static void fill_forward(const void *context, int64_t begin, int64_t end,
                         struct dk_coefficients c) {
    const struct statistics *s = context;
    const struct dk_batchnorm *a = s->args;
    for (int64_t f = begin; f < end; f++) {
        c.mean[f - begin] = s->mean[f];
        c.by_x[f - begin] =
            (float)(a->scales[f] /
                    dk_batchnorm_denominator(s->variance[f], a->epsilon, a->epsilon_inside));
        c.constant[f - begin] = a->biases[f];
    }
}

static enum dk_status check(const struct dk_tensor *t, int activation) {
    if (activation != DK_LINEAR)
        return DK_UNSUPPORTED;
    return dk_layout_is_bad(layout_of(t)) ? DK_BAD_SHAPE : DK_OK;
}

static void normalise_planes(const struct dk_batchnorm *a, const float *mean,
                             const float *variance) {
    struct statistics statistics = {a, mean, variance};
    dk_map_channels(&(struct dk_channel_map){layout_of(&a->x), NULL, a->x.data, a->y.data,
                                             fill_forward, &statistics});
}

static struct dk_batchnorm as_rows(const struct dk_batchnorm *args) {
    struct dk_batchnorm rows = *args;
    rows.x = dense(rows.x);
    rows.y = dense(rows.y);
    return rows;
}

int64_t dk_batchnorm_forward_nchw_workspace(const struct dk_batchnorm *args) {
    return dk_batchnorm_forward_workspace(args);
}

enum dk_status dk_batchnorm_forward_nchw(const struct dk_batchnorm *args) {
    enum dk_status status = check(&args->x, args->activation);
    if (status != DK_OK)
        return status;
    if (layout_of(&args->x).spatial == 1) {
        struct dk_batchnorm rows = as_rows(args);
        return dk_batchnorm_forward(&rows);
    }
    dk_sum_channels(&(struct dk_channel_sums){layout_of(&args->x), DK_MOMENTS, NULL, args->x.data,
                                              NULL, finish_moments, args});
    normalise_planes(args, args->mean, args->variance);
    return DK_OK;
}

int64_t dk_batchnorm_apply_nchw_workspace(const struct dk_batchnorm *args) {
    return dk_batchnorm_apply_workspace(args);
}

enum dk_status dk_batchnorm_apply_nchw(const struct dk_batchnorm *args) {
    enum dk_status status = check(&args->x, args->activation);
    if (status != DK_OK)
        return status;
    if (layout_of(&args->x).spatial == 1) {
        struct dk_batchnorm rows = as_rows(args);
        return dk_batchnorm_apply(&rows);
    }
    normalise_planes(args, args->rolling_mean, args->rolling_variance);
    return DK_OK;
}

/* ---- backward ---- */

struct coefficients {
    const struct dk_batchnorm_backward *args;
    float *by_delta, *by_x, *constant;
};

static void finish_backward(const void *context, int64_t f, double sum, double product) {
    const struct coefficients *b = context;
    dk_batchnorm_coefficients(b->args, f, count_of(&b->args->x), sum, product, b->by_delta + f,
                              b->by_x + f, b->constant + f);
}

static void fill_backward(const void *context, int64_t begin, int64_t end,
                          struct dk_coefficients c) {
    const struct coefficients *b = context;
    for (int64_t f = begin; f < end; f++) {
        c.by_d[f - begin] = b->by_delta[f];
        c.by_x[f - begin] = b->by_x[f];
        c.mean[f - begin] = b->args->mean[f];
        c.constant[f - begin] = b->constant[f];
    }
}

int64_t dk_batchnorm_backward_nchw_workspace(const struct dk_batchnorm_backward *args) {
    return dk_batchnorm_backward_workspace(args);
}

enum dk_status dk_batchnorm_backward_nchw(const struct dk_batchnorm_backward *args) {
    const struct dk_tensor *x = &args->x;
    enum dk_status status = check(x, args->activation);
    if (status != DK_OK)
        return status;
    if (args->accumulate)
        return DK_UNSUPPORTED;
    if (layout_of(x).spatial == 1) {
        struct dk_batchnorm_backward rows = *args;
        rows.x = dense(rows.x);
        rows.y = dense(rows.y);
        rows.delta = dense(rows.delta);
        rows.dx = dense(rows.dx);
        return dk_batchnorm_backward(&rows);
    }
    float *work = args->workspace;
    struct coefficients b = {args, work, work + x->channels, work + 2 * x->channels};
    dk_sum_channels(&(struct dk_channel_sums){layout_of(x), DK_PRODUCT, args->delta.data, x->data,
                                              args->mean, finish_backward, &b});
    dk_map_channels(&(struct dk_channel_map){layout_of(x), args->delta.data, x->data, args->dx.data,
                                             fill_backward, &b});
    return DK_OK;
}

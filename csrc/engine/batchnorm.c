/* Batch normalisation with the activation behind it, forward and backward, and the
 * gradient of biases. */
#include "engine/batchnorm.h"

#include "dispatch.h"
#include "engine/activation.h"
#include "engine/tensor.h"
#include "threads.h"

#include <math.h>

/* 256 KiB of x in a chunk, so that its sums (a row of channels each) are small beside it, but not
 * so many pixels that float32 sums lose digits, ... */
enum { CHUNK_VALUES = 1 << 16, CHUNK_MIN = 64, CHUNK_MAX = 256 };
/* ... and 64 KiB where nothing is summed. */
enum { GRAIN_VALUES = 1 << 14 };
/* Channels of a thread when the chunks' sums are added. */
enum { GRAIN_CHANNELS = 64 };

static int64_t chunk_pixels(const struct dk_tensor *t) {
    return DK_MIN(CHUNK_MAX, DK_MAX(CHUNK_MIN, dk_pixel_grain(t, CHUNK_VALUES)));
}

static int64_t chunk_count(const struct dk_tensor *t) {
    int64_t size = chunk_pixels(t);
    return (dk_pixels(t) + size - 1) / size;
}

double dk_batchnorm_denominator(double variance, double epsilon, int epsilon_inside) {
    variance = variance < 0 ? 0 : variance; /* and NaN stays NaN */
    return epsilon_inside ? sqrt(variance + epsilon) : sqrt(variance) + epsilon;
}

/* ---- forward ---- */

/* Workspace: factor [channels], then shift, sum and square of each chunk. */
struct forward {
    const struct dk_batchnorm *args;
    const float *mean, *variance; /* those to normalise with */
    float *factor, *sums;
    int streams;
};

int64_t dk_batchnorm_forward_workspace(const struct dk_batchnorm *args) {
    return (1 + 3 * chunk_count(&args->x)) * args->x.channels * (int64_t)sizeof(float);
}

static void sum_moments(const void *context, int64_t begin, int64_t end, int worker) {
    const struct forward *f = context;
    const struct dk_tensor *x = &f->args->x;
    float *sums = f->sums + begin / chunk_pixels(x) * 3 * x->channels;
    (void)worker;
    dk_kernels()->batchnorm.moments(end - begin, x->channels, x->data + begin * x->stride,
                                    x->stride, sums, sums + x->channels, sums + 2 * x->channels);
}

void dk_batchnorm_statistics(const struct dk_batchnorm *a, int64_t c, double count, double mean,
                             double squares) {
    double divisor = a->biased ? count : DK_MAX(count - 1, 1);
    double variance = (squares > 0 || squares != squares ? squares : 0) / divisor;
    a->mean[c] = (float)mean;
    a->variance[c] = (float)variance;
    if (a->rolling_mean)
        a->rolling_mean[c] = (float)((1.0 - a->rolling) * a->rolling_mean[c] + a->rolling * mean);
    if (a->rolling_variance)
        a->rolling_variance[c] =
            (float)((1.0 - a->rolling) * a->rolling_variance[c] + a->rolling * variance);
}

/* Chan's rule for joining the means and squares of two sets, chunk after chunk. */
static void join_moments(const void *context, int64_t begin, int64_t end, int worker) {
    const struct forward *f = context;
    const struct dk_batchnorm *a = f->args;
    int64_t channels = a->x.channels, pixels = dk_pixels(&a->x), size = chunk_pixels(&a->x);
    (void)worker;
    for (int64_t c = begin; c < end; c++) {
        double count = 0, mean = 0, squares = 0;
        const float *shift = f->sums + c, *sum = shift + channels, *square = sum + channels;
        for (int64_t first = 0, at = 0; first < pixels; first += size, at += 3 * channels) {
            double n = (double)DK_MIN(size, pixels - first), mean_off = sum[at] / n;
            double distance = shift[at] + mean_off - mean, share = n / (count + n);
            squares += square[at] - sum[at] * mean_off + distance * distance * count * share;
            mean += distance * share;
            count += n;
        }
        dk_batchnorm_statistics(a, c, count, mean, squares);
    }
}

/* Items: pixels, the last ones first: those the sums have just read are still in the caches. */
static void normalise_pixels(const void *context, int64_t begin, int64_t end, int worker) {
    const struct forward *f = context;
    const struct dk_batchnorm *a = f->args;
    const struct dk_tensor *r = &a->residual;
    const int64_t first = dk_pixels(&a->x) - end;
    (void)worker;
    dk_kernels()->batchnorm.normalise(
        a->activation, f->streams, end - begin, a->x.channels, a->x.data + first * a->x.stride,
        a->x.stride, r->data ? r->data + first * r->stride : NULL, r->stride,
        a->y.data + first * a->y.stride, a->y.stride, f->mean, f->factor, a->biases);
}

static enum dk_status check_forward(const struct dk_batchnorm *a) {
    if (!dk_is_activation(a->activation))
        return DK_BAD_ARGUMENT;
    if (a->residual.data && !dk_same_sizes(&a->x, &a->residual))
        return DK_BAD_SHAPE;
    return dk_same_sizes(&a->x, &a->y) && a->x.channels > 0 && dk_pixels(&a->x) > 0 ? DK_OK
                                                                                    : DK_BAD_SHAPE;
}

static void normalise_all(struct forward *f) {
    const struct dk_batchnorm *a = f->args;
    for (int64_t c = 0; c < a->x.channels; c++)
        f->factor[c] = (float)(a->scales[c] / dk_batchnorm_denominator(f->variance[c], a->epsilon,
                                                                       a->epsilon_inside));
    f->streams = dk_is_streamable(&a->y) && dk_to_line(a->y.data) == 0 && a->y.data != a->x.data &&
                 a->y.data != a->residual.data;
    dk_parallel_for(dk_pixels(&a->x), dk_pixel_grain(&a->x, GRAIN_VALUES), normalise_pixels, f);
}

enum dk_status dk_batchnorm_forward(const struct dk_batchnorm *args) {
    enum dk_status status = check_forward(args);
    if (status != DK_OK)
        return status;
    struct forward f = {.args = args,
                        .mean = args->mean,
                        .variance = args->variance,
                        .factor = args->workspace,
                        .sums = (float *)args->workspace + args->x.channels};
    dk_parallel_for(dk_pixels(&args->x), chunk_pixels(&args->x), sum_moments, &f);
    dk_parallel_for(args->x.channels, GRAIN_CHANNELS, join_moments, &f);
    normalise_all(&f);
    return DK_OK;
}

int64_t dk_batchnorm_apply_workspace(const struct dk_batchnorm *args) {
    return args->x.channels * (int64_t)sizeof(float);
}

enum dk_status dk_batchnorm_apply(const struct dk_batchnorm *args) {
    enum dk_status status = check_forward(args);
    if (status != DK_OK)
        return status;
    struct forward f = {.args = args,
                        .mean = args->rolling_mean,
                        .variance = args->rolling_variance,
                        .factor = args->workspace};
    normalise_all(&f);
    return DK_OK;
}

/* ---- backward ---- */

/* Workspace: factor, by_delta, by_x, constant [channels] each, then sum and
 * product of each chunk. */
struct backward {
    const struct dk_batchnorm_backward *args;
    struct dk_batchnorm_rows rows;
    float *factor, *by_delta, *by_x, *constant, *sums;
};

int64_t dk_batchnorm_backward_workspace(const struct dk_batchnorm_backward *args) {
    return (4 + 2 * chunk_count(&args->x)) * args->x.channels * (int64_t)sizeof(float);
}

static struct dk_batchnorm_rows rows_from(const struct backward *b, int64_t pixel) {
    struct dk_batchnorm_rows rows = b->rows;
    rows.x += pixel * rows.x_stride;
    rows.y += pixel * rows.y_stride;
    rows.delta += pixel * rows.delta_stride;
    return rows;
}

static void sum_deltas(const void *context, int64_t begin, int64_t end, int worker) {
    const struct backward *b = context;
    const struct dk_tensor *x = &b->args->x;
    struct dk_batchnorm_rows rows = rows_from(b, begin);
    float *sums = b->sums + begin / chunk_pixels(x) * 2 * x->channels;
    (void)worker;
    dk_kernels()->batchnorm.backward_sums(b->args->activation, end - begin, &rows, sums,
                                          sums + x->channels);
}

void dk_batchnorm_coefficients(const struct dk_batchnorm_backward *a, int64_t c, double count,
                               double sum, double product, float *by_delta, float *by_x,
                               float *constant) {
    double variance = a->variance[c], scale = a->scales[c];
    double r = 1 / dk_batchnorm_denominator(variance, a->epsilon, a->epsilon_inside);
    if (a->scale_updates)
        a->scale_updates[c] += (float)(product * r);
    if (a->bias_updates)
        a->bias_updates[c] += (float)sum;
    double slope, divisor = count; /* slope: derivative of 1/denominator by the variance */
    if (a->exact) {
        double root = sqrt(variance);
        /* A channel that is constant has x = mean throughout: whatever its slope,
         * nothing comes of it. */
        slope = a->epsilon_inside ? -r * r * r / 2 : root > 0 ? -r * r / (2 * root) : 0;
        divisor = a->biased ? count : DK_MAX(count - 1, 1);
    } else {
        r = 1 / sqrt(variance + 1e-5);
        slope = -r * r * r / 2;
    }
    *by_delta = (float)(scale * r);
    *by_x = (float)(scale * product * slope * 2 / divisor);
    *constant = (float)(-scale * sum * r / count);
}

static void join_deltas(const void *context, int64_t begin, int64_t end, int worker) {
    const struct backward *b = context;
    const struct dk_batchnorm_backward *a = b->args;
    int64_t channels = a->x.channels, chunks = chunk_count(&a->x);
    double count = (double)dk_pixels(&a->x);
    (void)worker;
    for (int64_t c = begin; c < end; c++) {
        double sum = 0, product = 0; /* sums of d and of d*(x - mean) */
        for (int64_t chunk = 0; chunk < chunks; chunk++) {
            sum += b->sums[2 * chunk * channels + c];
            product += b->sums[(2 * chunk + 1) * channels + c];
        }
        dk_batchnorm_coefficients(a, c, count, sum, product, b->by_delta + c, b->by_x + c,
                                  b->constant + c);
    }
}

/* Items: pixels, the last ones first, as in the forward. */
static void backward_pixels(const void *context, int64_t begin, int64_t end, int worker) {
    const struct backward *b = context;
    const struct dk_batchnorm_backward *a = b->args;
    const int64_t first = dk_pixels(&a->x) - end;
    struct dk_batchnorm_rows rows = rows_from(b, first);
    (void)worker;
    dk_kernels()->batchnorm.backward(a->activation, a->accumulate, end - begin, &rows,
                                     a->dx.data + first * a->dx.stride, a->dx.stride, b->by_delta,
                                     b->by_x, b->constant);
}

enum dk_status dk_batchnorm_backward(const struct dk_batchnorm_backward *args) {
    const struct dk_tensor *x = &args->x;
    int64_t channels = x->channels, pixels = dk_pixels(x);
    int reads_y = !dk_activation_needs_input(args->activation) && args->activation != DK_LINEAR &&
                  args->activation != DK_RELU && args->activation != DK_LEAKY &&
                  args->activation != DK_REVLEAKY;
    if (!dk_is_activation(args->activation) || (reads_y && !args->y.data))
        return DK_BAD_ARGUMENT;
    if (!dk_same_sizes(x, &args->delta) || !dk_same_sizes(x, &args->dx) ||
        (reads_y && !dk_same_sizes(x, &args->y)) || channels < 1 || pixels < 1)
        return DK_BAD_SHAPE;
    float *work = args->workspace;
    const struct dk_tensor *y = reads_y ? &args->y : x;
    struct backward b = {.args = args,
                         .rows = {.channels = channels,
                                  .x = x->data,
                                  .y = y->data,
                                  .delta = args->delta.data,
                                  .x_stride = x->stride,
                                  .y_stride = y->stride,
                                  .delta_stride = args->delta.stride,
                                  .mean = args->mean,
                                  .factor = work,
                                  .bias = args->biases},
                         .factor = work,
                         .by_delta = work + channels,
                         .by_x = work + 2 * channels,
                         .constant = work + 3 * channels,
                         .sums = work + 4 * channels};
    for (int64_t c = 0; c < channels; c++)
        b.factor[c] =
            (float)(args->scales[c] / dk_batchnorm_denominator(args->variance[c], args->epsilon,
                                                               args->epsilon_inside));
    dk_parallel_for(pixels, chunk_pixels(x), sum_deltas, &b);
    dk_parallel_for(channels, GRAIN_CHANNELS, join_deltas, &b);
    dk_parallel_for(pixels, dk_pixel_grain(x, GRAIN_VALUES), backward_pixels, &b);
    return DK_OK;
}

/* ---- biases ---- */

int64_t dk_bias_backward_workspace(const struct dk_bias_backward *args) {
    return chunk_count(&args->delta) * args->delta.channels * (int64_t)sizeof(float);
}

static void sum_biases(const void *context, int64_t begin, int64_t end, int worker) {
    const struct dk_bias_backward *a = context;
    const struct dk_tensor *delta = &a->delta,
                           *saved = a->activation == DK_LINEAR ? delta : &a->saved;
    float *sums = (float *)a->workspace + begin / chunk_pixels(delta) * delta->channels;
    (void)worker;
    dk_kernels()->batchnorm.bias_sums(a->activation, end - begin, delta->channels,
                                      saved->data + begin * saved->stride, saved->stride,
                                      delta->data + begin * delta->stride, delta->stride, sums);
}

static void join_biases(const void *context, int64_t begin, int64_t end, int worker) {
    const struct dk_bias_backward *a = context;
    const float *sums = a->workspace;
    int64_t chunks = chunk_count(&a->delta);
    (void)worker;
    for (int64_t c = begin; c < end; c++) {
        double sum = 0;
        for (int64_t chunk = 0; chunk < chunks; chunk++)
            sum += sums[chunk * a->delta.channels + c];
        a->bias_updates[c] += (float)sum;
    }
}

enum dk_status dk_bias_backward(const struct dk_bias_backward *args) {
    if (!args->bias_updates) {
        struct dk_activation_gradient gradient = {args->saved, args->delta, args->activation};
        return args->activation == DK_LINEAR ? DK_OK : dk_activation_gradient(&gradient);
    }
    if (!dk_is_activation(args->activation))
        return DK_BAD_ARGUMENT;
    if (args->activation != DK_LINEAR && !dk_same_sizes(&args->saved, &args->delta))
        return DK_BAD_SHAPE;
    dk_parallel_for(dk_pixels(&args->delta), chunk_pixels(&args->delta), sum_biases, args);
    dk_parallel_for(args->delta.channels, GRAIN_CHANNELS, join_biases, args);
    return DK_OK;
}

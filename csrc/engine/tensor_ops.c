#include "engine/tensor_ops.h"

#include "dispatch.h"
#include "engine/tensor.h"
#include "threads.h"

/* Values per chunk, about. */
enum { CHUNK = 1 << 14 };

static int is_valid(const struct dk_tensor *t) {
    return t->batch >= 0 && t->height >= 1 && t->width >= 1 && t->channels >= 1 && t->stride >= t->channels;
}

static int same_shape(const struct dk_tensor *a, const struct dk_tensor *b) {
    return is_valid(a) && is_valid(b) && dk_same_sizes(a, b);
}

static void over_rows(const struct dk_tensor *written, dk_range_fn body, const void *args) {
    int64_t grain = DK_MAX(1, CHUNK / (written->width * written->channels));
    dk_parallel_for(written->batch * written->height, grain, body, args);
}

static void over_pixels(const struct dk_tensor *written, dk_range_fn body, const void *args) {
    dk_parallel_for(dk_pixels(written), dk_pixel_grain(written, CHUNK), body, args);
}

static void scale_or_add(int64_t n, float factor, const float *x, float *y, int accumulate) {
    if (accumulate)
        dk_kernels()->blas.axpy(n, factor, x, y);
    else
        dk_kernels()->blas.scale(0, n, factor, x, y);
}

/* ---- copy and fill: dense tensors go as one long stretch, others pixel by pixel ---- */

static void copy_pixels(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_copy *a = args;
    (void)worker;
    if (dk_is_dense(&a->x) && dk_is_dense(&a->y)) {
        int64_t first = begin * a->x.channels;
        scale_or_add((end - begin) * a->x.channels, a->factor, a->x.data + first, a->y.data + first, a->accumulate);
        return;
    }
    for (int64_t p = begin; p < end; p++)
        scale_or_add(a->x.channels, a->factor, a->x.data + p * a->x.stride, a->y.data + p * a->y.stride,
                     a->accumulate);
}

enum dk_status dk_copy(const struct dk_copy *args) {
    if (!same_shape(&args->x, &args->y))
        return DK_BAD_SHAPE;
    over_pixels(&args->y, copy_pixels, args);
    return DK_OK;
}

static void fill_pixels(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_fill *a = args;
    (void)worker;
    if (dk_is_dense(&a->y))
        dk_kernels()->blas.fill((end - begin) * a->y.channels, a->value, a->y.data + begin * a->y.channels);
    else
        for (int64_t p = begin; p < end; p++)
            dk_kernels()->blas.fill(a->y.channels, a->value, a->y.data + p * a->y.stride);
}

enum dk_status dk_fill(const struct dk_fill *args) {
    if (!is_valid(&args->y))
        return DK_BAD_SHAPE;
    over_pixels(&args->y, fill_pixels, args);
    return DK_OK;
}

/* ---- shortcut ---- */

struct overlap {
    int64_t stride, sample, height, width, channels;
};

static struct overlap overlap(const struct dk_shortcut *a) {
    return (struct overlap){
        .stride = DK_MAX(1, a->source.width / a->x.width),
        .sample = DK_MAX(1, a->x.width / a->source.width),
        .height = DK_MIN(a->source.height, a->x.height),
        .width = DK_MIN(a->source.width, a->x.width),
        .channels = DK_MIN(a->source.channels, a->x.channels),
    };
}

static int shortcut_fits(const struct dk_shortcut *a) {
    if (!same_shape(&a->x, &a->y) || !is_valid(&a->source) || a->source.batch != a->x.batch)
        return 0;
    struct overlap o = overlap(a);
    return o.stride == DK_MAX(1, a->source.height / a->x.height) &&
           o.sample == DK_MAX(1, a->x.height / a->source.height);
}

/* The step of position i when it lies in the overlap of `count` positions `step` apart, else -1. */
static int64_t overlap_step(int64_t i, int64_t step, int64_t count) {
    return i % step == 0 && i / step < count ? i / step : -1;
}

static void shortcut_rows(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_shortcut *a = args;
    const struct overlap o = overlap(a);
    const struct dk_blas_kernels *k = &dk_kernels()->blas;
    int64_t channels = a->y.channels, width = a->y.width;
    (void)worker;
    for (int64_t row = begin; row < end; row++) {
        int64_t i = overlap_step(row % a->y.height, o.sample, o.height);
        const float *source_row =
            a->source.data + (row / a->y.height * a->source.height + i * o.stride) * a->source.width * a->source.stride;
        for (int64_t col = 0; col < width; col++) {
            const float *x = a->x.data + (row * width + col) * a->x.stride;
            float *y = a->y.data + (row * width + col) * a->y.stride;
            int64_t j = i < 0 ? -1 : overlap_step(col, o.sample, o.width);
            int64_t both = j < 0 ? 0 : o.channels;
            if (both)
                k->weighted(0, both, a->alpha, x, a->beta, source_row + j * o.stride * a->source.stride, y);
            if (y != x)
                k->scale(0, channels - both, 1, x + both, y + both);
            if (a->activation != DK_LINEAR)
                dk_kernels()->activation.forward(a->activation, 0, channels, y, y);
        }
    }
}

enum dk_status dk_shortcut_forward(const struct dk_shortcut *args) {
    if (!dk_is_activation(args->activation))
        return DK_BAD_ARGUMENT;
    if (!shortcut_fits(args))
        return DK_BAD_SHAPE;
    over_rows(&args->y, shortcut_rows, args);
    return DK_OK;
}

static void shortcut_x_rows(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_shortcut *a = args;
    const struct overlap o = overlap(a);
    int64_t channels = a->x.channels, width = a->x.width;
    (void)worker;
    for (int64_t row = begin; row < end; row++) {
        int64_t i = overlap_step(row % a->x.height, o.sample, o.height);
        for (int64_t col = 0; col < width; col++) {
            float *x = a->x.data + (row * width + col) * a->x.stride;
            const float *y = a->y.data + (row * width + col) * a->y.stride;
            int64_t both = i < 0 || overlap_step(col, o.sample, o.width) < 0 ? 0 : o.channels;
            scale_or_add(both, a->alpha, y, x, a->accumulate);
            scale_or_add(channels - both, 1, y + both, x + both, a->accumulate);
        }
    }
}

enum dk_status dk_shortcut_backward_x(const struct dk_shortcut *args) {
    if (!shortcut_fits(args))
        return DK_BAD_SHAPE;
    over_rows(&args->x, shortcut_x_rows, args);
    return DK_OK;
}

static void shortcut_source_rows(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_shortcut *a = args;
    const struct overlap o = overlap(a);
    int64_t channels = a->source.channels, width = a->source.width;
    (void)worker;
    for (int64_t row = begin; row < end; row++) {
        int64_t i = overlap_step(row % a->source.height, o.stride, o.height);
        const float *y_row =
            a->y.data + (row / a->source.height * a->y.height + i * o.sample) * a->y.width * a->y.stride;
        for (int64_t col = 0; col < width; col++) {
            float *source = a->source.data + (row * width + col) * a->source.stride;
            int64_t j = i < 0 ? -1 : overlap_step(col, o.stride, o.width);
            int64_t both = j < 0 ? 0 : o.channels;
            if (both)
                scale_or_add(both, a->beta, y_row + j * o.sample * a->y.stride, source, a->accumulate);
            if (!a->accumulate)
                dk_kernels()->blas.fill(channels - both, 0, source + both);
        }
    }
}

enum dk_status dk_shortcut_backward_source(const struct dk_shortcut *args) {
    if (!shortcut_fits(args))
        return DK_BAD_SHAPE;
    over_rows(&args->source, shortcut_source_rows, args);
    return DK_OK;
}

static void sum_pixels(const void *args, int64_t begin, int64_t end, int worker) {
    enum { VALUES = 2048 };
    const struct dk_sum_backward *a = args;
    const struct dk_tensor *t[] = {&a->delta, &a->saved, &a->x, &a->source};
    float product[VALUES];
    int64_t stretch = a->delta.channels, count = end - begin; /* as one where all are dense, else pixel by pixel */
    int dense = 1;
    for (int k = 0; k < 4; k++)
        dense &= !t[k]->data || dk_is_dense(t[k]);
    if (dense) {
        stretch *= count;
        count = 1;
    }
    (void)worker;
    for (int64_t p = begin; p < begin + count; p++)
        for (int64_t i = 0; i < stretch; i += VALUES) {
            const int64_t n = DK_MIN(VALUES, stretch - i);
            const float *d = a->delta.data + p * a->delta.stride + i;
            if (a->activation != DK_LINEAR) {
                const float *saved = a->saved.data + p * a->saved.stride + i;
                dk_kernels()->activation.gradient(a->activation, 0, n, saved, d, product);
                d = product;
            }
            if (a->x.data)
                scale_or_add(n, 1, d, a->x.data + p * a->x.stride + i, a->accumulate_x);
            if (a->source.data)
                scale_or_add(n, 1, d, a->source.data + p * a->source.stride + i, a->accumulate_source);
        }
}

enum dk_status dk_sum_backward(const struct dk_sum_backward *args) {
    const struct dk_tensor *others[] = {&args->saved, &args->x, &args->source};
    if (!dk_is_activation(args->activation) || (args->activation != DK_LINEAR && !args->saved.data))
        return DK_BAD_ARGUMENT;
    for (int k = 0; k < 3; k++)
        if (others[k]->data && !same_shape(&args->delta, others[k]))
            return DK_BAD_SHAPE;
    over_pixels(&args->delta, sum_pixels, args);
    return DK_OK;
}

/* ---- upsample ---- */

static int upsample_fits(const struct dk_upsample *a) {
    return is_valid(&a->x) && is_valid(&a->y) && a->stride >= 1 && a->x.batch == a->y.batch &&
           a->x.channels == a->y.channels && a->y.height == a->stride * a->x.height &&
           a->y.width == a->stride * a->x.width;
}

static void expand_rows(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_upsample *a = args;
    (void)worker;
    for (int64_t row = begin; row < end; row++) {
        int64_t source = row / a->y.height * a->x.height + row % a->y.height / a->stride;
        for (int64_t j = 0; j < a->y.width; j++)
            scale_or_add(a->y.channels, a->scale, a->x.data + (source * a->x.width + j / a->stride) * a->x.stride,
                         a->y.data + (row * a->y.width + j) * a->y.stride, a->accumulate);
    }
}

enum dk_status dk_upsample_expand(const struct dk_upsample *args) {
    if (!upsample_fits(args))
        return DK_BAD_SHAPE;
    over_rows(&args->y, expand_rows, args);
    return DK_OK;
}

static void reduce_rows(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_upsample *a = args;
    (void)worker;
    for (int64_t row = begin; row < end; row++) {
        int64_t top = row / a->x.height * a->y.height + row % a->x.height * a->stride;
        for (int64_t j = 0; j < a->x.width; j++) {
            float *x = a->x.data + (row * a->x.width + j) * a->x.stride;
            for (int64_t u = 0; u < a->stride; u++)
                for (int64_t v = 0; v < a->stride; v++)
                    scale_or_add(a->x.channels, a->scale,
                                 a->y.data + ((top + u) * a->y.width + j * a->stride + v) * a->y.stride, x,
                                 a->accumulate || u + v > 0);
        }
    }
}

enum dk_status dk_upsample_reduce(const struct dk_upsample *args) {
    if (!upsample_fits(args))
        return DK_BAD_SHAPE;
    over_rows(&args->x, reduce_rows, args);
    return DK_OK;
}

/* ---- any order of values ---- */

static int64_t index_blocks(const struct dk_reindex *a) {
    return (a->y_count + CHUNK - 1) / CHUNK;
}

static void gather_blocks(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_reindex *a = args;
    int64_t blocks = index_blocks(a);
    (void)worker;
    for (int64_t item = begin; item < end; item++) {
        int64_t b = item / blocks, first = item % blocks * CHUNK, last = DK_MIN(first + CHUNK, a->y_count);
        const float *x = a->x + b * a->x_count;
        float *y = a->y + b * a->y_count;
        for (int64_t i = first; i < last; i++) {
            float v = a->index[i] < 0 ? 0 : x[a->index[i]];
            y[i] = a->accumulate ? y[i] + v : v;
        }
    }
}

enum dk_status dk_gather(const struct dk_reindex *args) {
    if (args->batch < 0 || args->x_count < 1 || args->y_count < 1)
        return DK_BAD_SHAPE;
    dk_parallel_for(args->batch * index_blocks(args), 1, gather_blocks, args);
    return DK_OK;
}

static void scatter_blocks(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_reindex *a = args;
    int64_t blocks = index_blocks(a);
    (void)worker;
    for (int64_t item = begin; item < end; item++) {
        int64_t b = item / blocks, first = item % blocks * CHUNK, last = DK_MIN(first + CHUNK, a->y_count);
        float *x = a->x + b * a->x_count;
        const float *y = a->y + b * a->y_count;
        for (int64_t i = first; i < last; i++)
            if (a->index[i] >= 0)
                x[a->index[i]] = a->accumulate ? x[a->index[i]] + y[i] : y[i];
    }
}

enum dk_status dk_scatter(const struct dk_reindex *args) {
    if (args->batch < 0 || args->x_count < 1 || args->y_count < 1)
        return DK_BAD_SHAPE;
    if (!args->accumulate) {
        struct dk_fill zero = {{args->x, args->batch, 1, 1, args->x_count, args->x_count}, 0};
        dk_fill(&zero);
    }
    dk_parallel_for(args->batch * index_blocks(args), 1, scatter_blocks, args);
    return DK_OK;
}

/* ---- crop ---- */

static void crop_rows(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_crop *a = args;
    const struct dk_blas_kernels *k = &dk_kernels()->blas;
    int64_t width = a->y.width, channels = a->y.channels;
    (void)worker;
    for (int64_t row = begin; row < end; row++) {
        int64_t source = row / a->y.height * a->x.height + a->top + row % a->y.height;
        const float *x = a->x.data + (source * a->x.width + a->left) * a->x.stride;
        float *y = a->y.data + row * width * a->y.stride;
        if (dk_is_dense(&a->x) && dk_is_dense(&a->y) && !a->flip)
            k->affine(0, width * channels, a->factor, a->offset, x, y);
        else
            for (int64_t j = 0; j < width; j++)
                k->affine(0, channels, a->factor, a->offset, x + (a->flip ? width - 1 - j : j) * a->x.stride,
                          y + j * a->y.stride);
    }
}

static void crop_backward_rows(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_crop *a = args;
    int64_t width = a->y.width, channels = a->y.channels;
    (void)worker;
    for (int64_t row = begin; row < end; row++) {
        int64_t target = row / a->y.height * a->x.height + a->top + row % a->y.height;
        float *x = a->x.data + (target * a->x.width + a->left) * a->x.stride;
        const float *y = a->y.data + row * width * a->y.stride;
        for (int64_t j = 0; j < width; j++)
            dk_kernels()->blas.axpy(channels, a->factor, y + j * a->y.stride,
                                    x + (a->flip ? width - 1 - j : j) * a->x.stride);
    }
}

/* y's rows lie in different rows of x, whichever of the two is written */
static enum dk_status crop_with(dk_range_fn body, const struct dk_crop *args) {
    const struct dk_tensor *x = &args->x, *y = &args->y;
    if (!is_valid(x) || !is_valid(y) || x->batch != y->batch || x->channels != y->channels || args->top < 0 ||
        args->left < 0 || args->top + y->height > x->height || args->left + y->width > x->width)
        return DK_BAD_SHAPE;
    over_rows(y, body, args);
    return DK_OK;
}

enum dk_status dk_crop(const struct dk_crop *args) { return crop_with(crop_rows, args); }

enum dk_status dk_crop_backward(const struct dk_crop *args) { return crop_with(crop_backward_rows, args); }

/* ---- one activation per channel ---- */

static void activate_pixels(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_channel_activate *a = args;
    int64_t channels = a->x.channels;
    (void)worker;
    for (int64_t p = begin; p < end; p++)
        for (int64_t c = 0, next; c < channels; c = next) {
            for (next = c + 1; next < channels && a->kinds[next] == a->kinds[c]; next++)
                ;
            dk_kernels()->activation.forward(a->kinds[c], 0, next - c, a->x.data + p * a->x.stride + c,
                                             a->y.data + p * a->y.stride + c);
        }
}

enum dk_status dk_channel_activate(const struct dk_channel_activate *args) {
    if (!same_shape(&args->x, &args->y))
        return DK_BAD_SHAPE;
    for (int64_t c = 0; c < args->x.channels; c++)
        if (args->kinds[c] >= DK_ACTIVATION_COUNT)
            return DK_BAD_ARGUMENT;
    over_pixels(&args->y, activate_pixels, args);
    return DK_OK;
}

/* Shortcuts: sums of two layers, of unequal sizes as well, and their gradients. */
#include "engine/shortcut.h"

#include "engine/loops.h"

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
    if (!dk_same_shape(&a->x, &a->y) || !dk_is_valid(&a->source) || a->source.batch != a->x.batch)
        return 0;
    struct overlap o = overlap(a);
    return o.stride == DK_MAX(1, a->source.height / a->x.height) &&
           o.sample == DK_MAX(1, a->x.height / a->source.height);
}

/* Index of position i in the overlap of `count` positions `step` apart; -1 outside. */
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
            a->source.data + (row / a->y.height * a->source.height + i * o.stride) *
                                 a->source.width * a->source.stride;
        for (int64_t col = 0; col < width; col++) {
            const float *x = a->x.data + (row * width + col) * a->x.stride;
            float *y = a->y.data + (row * width + col) * a->y.stride;
            int64_t j = i < 0 ? -1 : overlap_step(col, o.sample, o.width);
            int64_t both = j < 0 ? 0 : o.channels;
            if (both)
                k->weighted(0, both, a->alpha, x, a->beta,
                            source_row + j * o.stride * a->source.stride, y);
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
    dk_over_rows(&args->y, shortcut_rows, args);
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
            dk_scale_or_add(both, a->alpha, y, x, a->accumulate);
            dk_scale_or_add(channels - both, 1, y + both, x + both, a->accumulate);
        }
    }
}

enum dk_status dk_shortcut_backward_x(const struct dk_shortcut *args) {
    if (!shortcut_fits(args))
        return DK_BAD_SHAPE;
    dk_over_rows(&args->x, shortcut_x_rows, args);
    return DK_OK;
}

static void shortcut_source_rows(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_shortcut *a = args;
    const struct overlap o = overlap(a);
    int64_t channels = a->source.channels, width = a->source.width;
    (void)worker;
    for (int64_t row = begin; row < end; row++) {
        int64_t i = overlap_step(row % a->source.height, o.stride, o.height);
        const float *y_row = a->y.data + (row / a->source.height * a->y.height + i * o.sample) *
                                             a->y.width * a->y.stride;
        for (int64_t col = 0; col < width; col++) {
            float *source = a->source.data + (row * width + col) * a->source.stride;
            int64_t j = i < 0 ? -1 : overlap_step(col, o.stride, o.width);
            int64_t both = j < 0 ? 0 : o.channels;
            if (both)
                dk_scale_or_add(both, a->beta, y_row + j * o.sample * a->y.stride, source,
                                a->accumulate);
            if (!a->accumulate)
                dk_kernels()->blas.fill(channels - both, 0, source + both);
        }
    }
}

enum dk_status dk_shortcut_backward_source(const struct dk_shortcut *args) {
    if (!shortcut_fits(args))
        return DK_BAD_SHAPE;
    dk_over_rows(&args->source, shortcut_source_rows, args);
    return DK_OK;
}

static void sum_pixels(const void *args, int64_t begin, int64_t end, int worker) {
    enum { VALUES = 2048 };
    const struct dk_sum_backward *a = args;
    const struct dk_tensor *t[] = {&a->delta, &a->saved, &a->x, &a->source};
    float product[VALUES];
    /* dense tensors as one stretch, others pixel by pixel */
    int64_t stretch = a->delta.channels, count = end - begin;
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
                dk_scale_or_add(n, 1, d, a->x.data + p * a->x.stride + i, a->accumulate_x);
            if (a->source.data)
                dk_scale_or_add(n, 1, d, a->source.data + p * a->source.stride + i,
                                a->accumulate_source);
        }
}

enum dk_status dk_sum_backward(const struct dk_sum_backward *args) {
    const struct dk_tensor *others[] = {&args->saved, &args->x, &args->source};
    if (!dk_is_activation(args->activation) || (args->activation != DK_LINEAR && !args->saved.data))
        return DK_BAD_ARGUMENT;
    for (int k = 0; k < 3; k++)
        if (others[k]->data && !dk_same_shape(&args->delta, others[k]))
            return DK_BAD_SHAPE;
    dk_over_pixels(&args->delta, sum_pixels, args);
    return DK_OK;
}

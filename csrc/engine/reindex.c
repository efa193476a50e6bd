/* Values in other places: upsample, crop, and any order given by an index. */
#include "engine/reindex.h"

#include "engine/loops.h"
#include "engine/tensor_ops.h"

/* ---- upsample ---- */

static int upsample_fits(const struct dk_upsample *a) {
    return dk_is_valid(&a->x) && dk_is_valid(&a->y) && a->stride >= 1 && a->x.batch == a->y.batch &&
           a->x.channels == a->y.channels && a->y.height == a->stride * a->x.height &&
           a->y.width == a->stride * a->x.width;
}

static void expand_rows(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_upsample *a = args;
    (void)worker;
    for (int64_t row = begin; row < end; row++) {
        int64_t source = row / a->y.height * a->x.height + row % a->y.height / a->stride;
        for (int64_t j = 0; j < a->y.width; j++)
            dk_scale_or_add(a->y.channels, a->scale,
                            a->x.data + (source * a->x.width + j / a->stride) * a->x.stride,
                            a->y.data + (row * a->y.width + j) * a->y.stride, a->accumulate);
    }
}

enum dk_status dk_upsample_expand(const struct dk_upsample *args) {
    if (!upsample_fits(args))
        return DK_BAD_SHAPE;
    dk_over_rows(&args->y, expand_rows, args);
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
                    dk_scale_or_add(a->x.channels, a->scale,
                                    a->y.data +
                                        ((top + u) * a->y.width + j * a->stride + v) * a->y.stride,
                                    x, a->accumulate || u + v > 0);
        }
    }
}

enum dk_status dk_upsample_reduce(const struct dk_upsample *args) {
    if (!upsample_fits(args))
        return DK_BAD_SHAPE;
    dk_over_rows(&args->x, reduce_rows, args);
    return DK_OK;
}

/* ---- any order of values ---- */

static int64_t index_blocks(const struct dk_reindex *a) {
    return (a->y_count + DK_CHUNK - 1) / DK_CHUNK;
}

static void gather_blocks(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_reindex *a = args;
    int64_t blocks = index_blocks(a);
    (void)worker;
    for (int64_t item = begin; item < end; item++) {
        int64_t b = item / blocks, first = item % blocks * DK_CHUNK,
                last = DK_MIN(first + DK_CHUNK, a->y_count);
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
        int64_t b = item / blocks, first = item % blocks * DK_CHUNK,
                last = DK_MIN(first + DK_CHUNK, a->y_count);
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
                k->affine(0, channels, a->factor, a->offset,
                          x + (a->flip ? width - 1 - j : j) * a->x.stride, y + j * a->y.stride);
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
    if (!dk_is_valid(x) || !dk_is_valid(y) || x->batch != y->batch || x->channels != y->channels ||
        args->top < 0 || args->left < 0 || args->top + y->height > x->height ||
        args->left + y->width > x->width)
        return DK_BAD_SHAPE;
    dk_over_rows(y, body, args);
    return DK_OK;
}

enum dk_status dk_crop(const struct dk_crop *args) {
    return crop_with(crop_rows, args);
}

enum dk_status dk_crop_backward(const struct dk_crop *args) {
    return crop_with(crop_backward_rows, args);
}

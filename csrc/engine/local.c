/* Locally connected layers: each output position has weights of its own. */
#include "engine/local.h"

#include "dispatch.h"
#include "engine/tensor.h"
#include "threads.h"

/* Columns of GROUP images, PART values at a time, stay in the first-level cache (16 KiB) while a
 * part of a location's weights passes by once. */
enum { GROUP = 8, PART = 512 };

static int fits(const struct dk_local *a) {
    const struct dk_tensor *x = &a->x, *y = &a->y;
    return x->batch >= 0 && x->batch == y->batch && x->height >= 1 && x->width >= 1 &&
           x->channels >= 1 && y->height >= 1 && y->width >= 1 && y->channels >= 1 &&
           x->stride >= x->channels && y->stride >= y->channels && a->size >= 1 && a->stride >= 1 &&
           a->pad >= 0;
}

static int64_t column_length(const struct dk_local *a) {
    return a->x.channels * a->size * a->size;
}

/* The value of x that entry k of image n's column at location l stands for;
 * NULL outside the image. */
static float *column_entry(const struct dk_local *a, int64_t n, int64_t l, int64_t k) {
    int64_t v = k % a->size, u = k / a->size % a->size, c = k / (a->size * a->size);
    int64_t i = l / a->y.width * a->stride - a->pad + u,
            j = l % a->y.width * a->stride - a->pad + v;
    if (i < 0 || i >= a->x.height || j < 0 || j >= a->x.width)
        return NULL;
    return a->x.data + ((n * a->x.height + i) * a->x.width + j) * a->x.stride + c;
}

/* Entries first .. first+count-1 of the columns of images begin .. end-1. */
static void read_columns(const struct dk_local *a, int64_t begin, int64_t end, int64_t l,
                         int64_t first, int64_t count, float columns[GROUP][PART]) {
    for (int64_t n = begin; n < end; n++)
        for (int64_t k = 0; k < count; k++) {
            const float *x = column_entry(a, n, l, first + k);
            columns[n - begin][k] = x ? *x : 0;
        }
}

static float *output(const struct dk_local *a, int64_t n, int64_t l) {
    return a->y.data + (n * a->y.height * a->y.width + l) * a->y.stride;
}

static void forward_locations(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_local *a = args;
    const struct dk_blas_kernels *blas = &dk_kernels()->blas;
    int64_t length = column_length(a), filters = a->y.channels,
            locations = a->y.height * a->y.width;
    float columns[GROUP][PART];
    (void)worker;
    for (int64_t l = begin; l < end; l++) {
        for (int64_t n = 0; n < a->y.batch; n++)
            for (int64_t f = 0; f < filters; f++)
                output(a, n, l)[f] = a->biases ? a->biases[f * locations + l] : 0;
        for (int64_t group = 0; group < a->y.batch; group += GROUP) {
            int64_t last = DK_MIN(group + GROUP, a->y.batch);
            for (int64_t first = 0; first < length; first += PART) {
                int64_t count = DK_MIN(PART, length - first);
                read_columns(a, group, last, l, first, count, columns);
                for (int64_t f = 0; f < filters; f++)
                    for (int64_t n = group; n < last; n++)
                        output(a, n, l)[f] +=
                            blas->dot(count, a->weights + (l * filters + f) * length + first,
                                      columns[n - group]);
            }
        }
    }
}

enum dk_status dk_local_forward(const struct dk_local *args) {
    if (!fits(args))
        return DK_BAD_SHAPE;
    dk_parallel_for(args->y.height * args->y.width, 1, forward_locations, args);
    return DK_OK;
}

static void data_images(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_local *a = args;
    const struct dk_blas_kernels *blas = &dk_kernels()->blas;
    int64_t length = column_length(a), filters = a->y.channels, pixels = a->x.height * a->x.width;
    float columns[GROUP][PART];
    (void)worker;
    if (!a->accumulate)
        for (int64_t p = begin * pixels; p < end * pixels; p++)
            blas->fill(a->x.channels, 0, a->x.data + p * a->x.stride);
    for (int64_t l = 0; l < a->y.height * a->y.width; l++)
        for (int64_t first = 0; first < length; first += PART) {
            int64_t count = DK_MIN(PART, length - first);
            for (int64_t n = begin; n < end; n++)
                blas->fill(count, 0, columns[n - begin]);
            for (int64_t f = 0; f < filters; f++)
                for (int64_t n = begin; n < end; n++)
                    blas->axpy(count, output(a, n, l)[f],
                               a->weights + (l * filters + f) * length + first, columns[n - begin]);
            for (int64_t n = begin; n < end; n++)
                for (int64_t k = 0; k < count; k++) {
                    float *x = column_entry(a, n, l, first + k);
                    if (x)
                        *x += columns[n - begin][k];
                }
        }
}

enum dk_status dk_local_backward_data(const struct dk_local *args) {
    if (!fits(args))
        return DK_BAD_SHAPE;
    /* Images are independent, so the size of a group changes no bit. */
    int64_t share = (args->x.batch + dk_get_num_threads() - 1) / dk_get_num_threads();
    dk_parallel_for(args->x.batch, DK_MAX(1, DK_MIN(GROUP, share)), data_images, args);
    return DK_OK;
}

static void weights_locations(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_local *a = args;
    const struct dk_blas_kernels *blas = &dk_kernels()->blas;
    int64_t length = column_length(a), filters = a->y.channels,
            locations = a->y.height * a->y.width;
    float columns[GROUP][PART];
    (void)worker;
    for (int64_t l = begin; l < end; l++)
        for (int64_t group = 0; group < a->y.batch; group += GROUP) {
            int64_t last = DK_MIN(group + GROUP, a->y.batch);
            for (int64_t n = group; a->biases && n < last; n++)
                for (int64_t f = 0; f < filters; f++)
                    a->biases[f * locations + l] += output(a, n, l)[f];
            for (int64_t first = 0; first < length; first += PART) {
                int64_t count = DK_MIN(PART, length - first);
                read_columns(a, group, last, l, first, count, columns);
                for (int64_t f = 0; f < filters; f++)
                    for (int64_t n = group; n < last; n++)
                        blas->axpy(count, output(a, n, l)[f], columns[n - group],
                                   a->weights + (l * filters + f) * length + first);
            }
        }
}

enum dk_status dk_local_backward_weights(const struct dk_local *args) {
    if (!fits(args))
        return DK_BAD_SHAPE;
    dk_parallel_for(args->y.height * args->y.width, 1, weights_locations, args);
    return DK_OK;
}

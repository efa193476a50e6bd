/* Copies between tensors, and constants: dense tensors as one long stretch,
 * others pixel by pixel. */
#include "engine/tensor_ops.h"

#include "engine/loops.h"

static void copy_pixels(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_copy *a = args;
    (void)worker;
    if (dk_is_dense(&a->x) && dk_is_dense(&a->y)) {
        int64_t first = begin * a->x.channels;
        dk_scale_or_add((end - begin) * a->x.channels, a->factor, a->x.data + first,
                        a->y.data + first, a->accumulate);
        return;
    }
    for (int64_t p = begin; p < end; p++)
        dk_scale_or_add(a->x.channels, a->factor, a->x.data + p * a->x.stride,
                        a->y.data + p * a->y.stride, a->accumulate);
}

enum dk_status dk_copy(const struct dk_copy *args) {
    if (!dk_same_shape(&args->x, &args->y))
        return DK_BAD_SHAPE;
    dk_over_pixels(&args->y, copy_pixels, args);
    return DK_OK;
}

static void fill_pixels(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_fill *a = args;
    (void)worker;
    if (dk_is_dense(&a->y))
        dk_kernels()->blas.fill((end - begin) * a->y.channels, a->value,
                                a->y.data + begin * a->y.channels);
    else
        for (int64_t p = begin; p < end; p++)
            dk_kernels()->blas.fill(a->y.channels, a->value, a->y.data + p * a->y.stride);
}

enum dk_status dk_fill(const struct dk_fill *args) {
    if (!dk_is_valid(&args->y))
        return DK_BAD_SHAPE;
    dk_over_pixels(&args->y, fill_pixels, args);
    return DK_OK;
}

/* Pixels divided by the length of their channel vector, and the gradient of that. */
#include "engine/l2norm.h"

#include "dispatch.h"
#include "engine/tensor.h"
#include "threads.h"

enum { GRAIN_VALUES = 1 << 14 };

static void forward_pixels(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_l2norm_forward *a = args;
    (void)worker;
    dk_kernels()->l2norm.forward(end - begin, a->x.channels, a->x.data + begin * a->x.stride,
                                 a->x.stride, a->y.data + begin * a->y.stride, a->y.stride);
}

enum dk_status dk_l2norm_forward(const struct dk_l2norm_forward *args) {
    if (!dk_same_sizes(&args->x, &args->y))
        return DK_BAD_SHAPE;
    dk_parallel_for(dk_pixels(&args->x), dk_pixel_grain(&args->x, GRAIN_VALUES), forward_pixels,
                    args);
    return DK_OK;
}

static void backward_pixels(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_l2norm_backward *a = args;
    (void)worker;
    dk_kernels()->l2norm.backward(
        a->accumulate, end - begin, a->x.channels, a->x.data + begin * a->x.stride, a->x.stride,
        a->y.data + begin * a->y.stride, a->y.stride, a->delta.data + begin * a->delta.stride,
        a->delta.stride, a->dx.data + begin * a->dx.stride, a->dx.stride);
}

enum dk_status dk_l2norm_backward(const struct dk_l2norm_backward *args) {
    const struct dk_tensor *x = &args->x;
    if (!dk_same_sizes(x, &args->y) || !dk_same_sizes(x, &args->delta) ||
        !dk_same_sizes(x, &args->dx))
        return DK_BAD_SHAPE;
    dk_parallel_for(dk_pixels(x), dk_pixel_grain(x, GRAIN_VALUES), backward_pixels, args);
    return DK_OK;
}

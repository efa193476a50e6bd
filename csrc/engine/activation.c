#include "engine/activation.h"

#include "dispatch.h"
#include "engine/tensor.h"
#include "threads.h"

/* 64 KiB of each array at a time. */
enum { GRAIN_VALUES = 1 << 14 };

int dk_activation_needs_input(int kind) {
    return kind == DK_SWISH || kind == DK_MISH || kind == DK_HARD_MISH || kind == DK_GELU;
}

static void activate_pixels(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_activate *a = args;
    const struct dk_kernel_table *k = dk_kernels();
    int64_t channels = a->x.channels, xs = a->x.stride, ys = a->y.stride;
    (void)worker;
    if (dk_is_dense(&a->x) && dk_is_dense(&a->y))
        k->activation.forward(a->kind, 0, (end - begin) * channels, a->x.data + begin * xs, a->y.data + begin * ys);
    else
        for (int64_t p = begin; p < end; p++)
            k->activation.forward(a->kind, 0, channels, a->x.data + p * xs, a->y.data + p * ys);
}

enum dk_status dk_activate(const struct dk_activate *args) {
    if (!dk_is_activation(args->kind))
        return DK_BAD_ARGUMENT;
    if (!dk_same_sizes(&args->x, &args->y))
        return DK_BAD_SHAPE;
    dk_parallel_for(dk_pixels(&args->x), dk_pixel_grain(&args->x, GRAIN_VALUES), activate_pixels, args);
    return DK_OK;
}

static void gradient_pixels(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_activation_gradient *a = args;
    const struct dk_kernel_table *k = dk_kernels();
    int64_t channels = a->delta.channels, ss = a->saved.stride, ds = a->delta.stride;
    (void)worker;
    if (dk_is_dense(&a->saved) && dk_is_dense(&a->delta))
        k->activation.gradient(a->kind, 0, (end - begin) * channels, a->saved.data + begin * ss,
                               a->delta.data + begin * ds, a->delta.data + begin * ds);
    else
        for (int64_t p = begin; p < end; p++)
            k->activation.gradient(a->kind, 0, channels, a->saved.data + p * ss, a->delta.data + p * ds,
                                   a->delta.data + p * ds);
}

enum dk_status dk_activation_gradient(const struct dk_activation_gradient *args) {
    if (!dk_is_activation(args->kind))
        return DK_BAD_ARGUMENT;
    if (!dk_same_sizes(&args->saved, &args->delta))
        return DK_BAD_SHAPE;
    if (args->kind != DK_LINEAR)
        dk_parallel_for(dk_pixels(&args->delta), dk_pixel_grain(&args->delta, GRAIN_VALUES), gradient_pixels, args);
    return DK_OK;
}

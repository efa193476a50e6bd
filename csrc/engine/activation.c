/* Activations and their gradients, pixel by pixel; one kind for all channels or one for each. */
#include "engine/activation.h"

#include "engine/loops.h"

int dk_activation_needs_input(int kind) {
    return kind == DK_SWISH || kind == DK_MISH || kind == DK_HARD_MISH || kind == DK_GELU;
}

static void activate_pixels(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_activate *a = args;
    const struct dk_kernel_table *k = dk_kernels();
    int64_t channels = a->x.channels, xs = a->x.stride, ys = a->y.stride;
    (void)worker;
    if (dk_is_dense(&a->x) && dk_is_dense(&a->y))
        k->activation.forward(a->kind, 0, (end - begin) * channels, a->x.data + begin * xs,
                              a->y.data + begin * ys);
    else
        for (int64_t p = begin; p < end; p++)
            k->activation.forward(a->kind, 0, channels, a->x.data + p * xs, a->y.data + p * ys);
}

enum dk_status dk_activate(const struct dk_activate *args) {
    if (!dk_is_activation(args->kind))
        return DK_BAD_ARGUMENT;
    if (!dk_same_sizes(&args->x, &args->y))
        return DK_BAD_SHAPE;
    dk_over_pixels(&args->x, activate_pixels, args);
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
            k->activation.gradient(a->kind, 0, channels, a->saved.data + p * ss,
                                   a->delta.data + p * ds, a->delta.data + p * ds);
}

enum dk_status dk_activation_gradient(const struct dk_activation_gradient *args) {
    if (!dk_is_activation(args->kind))
        return DK_BAD_ARGUMENT;
    if (!dk_same_sizes(&args->saved, &args->delta))
        return DK_BAD_SHAPE;
    if (args->kind != DK_LINEAR)
        dk_over_pixels(&args->delta, gradient_pixels, args);
    return DK_OK;
}

static void activate_channels(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_channel_activate *a = args;
    int64_t channels = a->x.channels;
    (void)worker;
    for (int64_t p = begin; p < end; p++)
        for (int64_t c = 0, next; c < channels; c = next) {
            for (next = c + 1; next < channels && a->kinds[next] == a->kinds[c]; next++)
                ;
            dk_kernels()->activation.forward(a->kinds[c], 0, next - c,
                                             a->x.data + p * a->x.stride + c,
                                             a->y.data + p * a->y.stride + c);
        }
}

enum dk_status dk_channel_activate(const struct dk_channel_activate *args) {
    if (!dk_same_shape(&args->x, &args->y))
        return DK_BAD_SHAPE;
    for (int64_t c = 0; c < args->x.channels; c++)
        if (args->kinds[c] >= DK_ACTIVATION_COUNT)
            return DK_BAD_ARGUMENT;
    dk_over_pixels(&args->y, activate_channels, args);
    return DK_OK;
}

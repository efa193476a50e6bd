/* AlexeyAB's activations that divide by a sum over the channels. */
#include "engine/normalize_channels.h"

#include "dispatch.h"
#include "engine/tensor.h"
#include "threads.h"

enum { GRAIN_VALUES = 1 << 12 };

static void forward_pixels(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_normalize_channels *a = args;
    (void)worker;
    dk_kernels()->normalize_channels.forward(a->kind, end - begin, a->x.channels,
                                             a->x.data + begin * a->x.stride, a->x.stride,
                                             a->y.data + begin * a->y.stride, a->y.stride);
}

enum dk_status dk_normalize_channels_forward(const struct dk_normalize_channels *args) {
    if (args->kind < 0 || args->kind >= DK_CHANNELS_COUNT)
        return DK_BAD_ARGUMENT;
    if (!dk_same_sizes(&args->x, &args->y))
        return DK_BAD_SHAPE;
    dk_parallel_for(dk_pixels(&args->x), dk_pixel_grain(&args->x, GRAIN_VALUES), forward_pixels,
                    args);
    return DK_OK;
}

static void backward_pixels(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_normalize_channels_backward *a = args;
    (void)worker;
    dk_kernels()->normalize_channels.backward(
        a->kind, a->accumulate, end - begin, a->saved.channels,
        a->saved.data + begin * a->saved.stride, a->saved.stride,
        a->delta.data + begin * a->delta.stride, a->delta.stride, a->dx.data + begin * a->dx.stride,
        a->dx.stride);
}

enum dk_status dk_normalize_channels_backward(const struct dk_normalize_channels_backward *args) {
    const struct dk_tensor *saved = &args->saved;
    if (args->kind < 0 || args->kind >= DK_CHANNELS_COUNT)
        return DK_BAD_ARGUMENT;
    if (!dk_same_sizes(saved, &args->delta) || !dk_same_sizes(saved, &args->dx))
        return DK_BAD_SHAPE;
    dk_parallel_for(dk_pixels(saved), dk_pixel_grain(saved, GRAIN_VALUES), backward_pixels, args);
    return DK_OK;
}

/* Local response normalisation over channels, forward and backward. */
#include "engine/lrn.h"

#include "dispatch.h"
#include "engine/tensor.h"
#include "threads.h"

/* Two square roots and a division a value: less memory than in other loops is
 * enough work for a thread. */
enum { GRAIN_VALUES = 1 << 12 };

static void forward_pixels(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_lrn_forward *a = args;
    (void)worker;
    dk_kernels()->lrn.forward(end - begin, a->x.channels, (a->size - 1) / 2, a->size / 2, a->alpha,
                              a->beta, a->kappa, a->x.data + begin * a->x.stride, a->x.stride,
                              a->y.data + begin * a->y.stride, a->y.stride,
                              a->norms ? a->norms + begin * a->x.channels : NULL);
}

enum dk_status dk_lrn_forward(const struct dk_lrn_forward *args) {
    if (args->size < 1 || !dk_same_sizes(&args->x, &args->y))
        return DK_BAD_SHAPE;
    dk_parallel_for(dk_pixels(&args->x), dk_pixel_grain(&args->x, GRAIN_VALUES), forward_pixels,
                    args);
    return DK_OK;
}

static void backward_pixels(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_lrn_backward *a = args;
    dk_kernels()->lrn.backward(
        a->accumulate, end - begin, a->x.channels, (a->size - 1) / 2, a->size / 2, a->alpha,
        a->beta, a->kappa, a->x.data + begin * a->x.stride, a->x.stride,
        a->delta.data + begin * a->delta.stride, a->delta.stride, a->dx.data + begin * a->dx.stride,
        a->dx.stride, (float *)a->workspace + worker * a->x.channels);
}

int64_t dk_lrn_backward_workspace(const struct dk_lrn_backward *args) {
    return dk_max_threads() * args->x.channels * (int64_t)sizeof(float);
}

enum dk_status dk_lrn_backward(const struct dk_lrn_backward *args) {
    const struct dk_tensor *x = &args->x;
    if (!args->workspace)
        return DK_BAD_ARGUMENT;
    if (args->size < 1 || !dk_same_sizes(x, &args->delta) || !dk_same_sizes(x, &args->dx))
        return DK_BAD_SHAPE;
    dk_parallel_for(dk_pixels(x), dk_pixel_grain(x, GRAIN_VALUES), backward_pixels, args);
    return DK_OK;
}

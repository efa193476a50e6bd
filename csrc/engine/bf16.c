/* Rounding of tensors to pairs of bf16. */
#include "engine/bf16.h"

#include "dispatch.h"
#include "engine/tensor.h"
#include "threads.h"

int dk_has_bf16(void) {
    return dk_bf16() != NULL;
}

static void round_pixels(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_round_bf16 *a = args;
    const struct dk_tensor *x = &a->x, *y = &a->y;
    (void)worker;
    dk_bf16()->round(end - begin, x->channels, x->data + begin * x->stride, x->stride,
                     (uint32_t *)(y->data + begin * y->stride), y->stride);
}

enum dk_status dk_round_bf16(const struct dk_round_bf16 *args) {
    const struct dk_tensor *x = &args->x, *y = &args->y;
    if (!dk_bf16())
        return DK_UNSUPPORTED;
    if (x->batch != y->batch || x->height != y->height || x->width != y->width ||
        y->channels != dk_pairs(x->channels))
        return DK_BAD_SHAPE;
    if (!x->data || !y->data)
        return DK_BAD_ARGUMENT;
    dk_parallel_for(dk_pixels(x), dk_pixel_grain(x, 8192), round_pixels, args);
    return DK_OK;
}

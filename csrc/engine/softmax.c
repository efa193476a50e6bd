/* Softmax over groups of channels. */
#include "engine/softmax.h"

#include "dispatch.h"
#include "threads.h"

enum { GRAIN_VALUES = 1 << 12 };

static void forward_groups(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_softmax *a = args;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        int64_t row = i / a->groups, offset = i % a->groups * a->group_stride;
        float *y = a->y + row * a->y_stride + offset;
        dk_kernels()->softmax.forward(a->group_size, a->x + row * a->x_stride + offset, y, y,
                                      a->temperature);
    }
}

enum dk_status dk_softmax_forward(const struct dk_softmax *args) {
    if (args->rows < 0 || args->groups < 1 || args->group_size < 1)
        return DK_BAD_SHAPE;
    dk_parallel_for(args->rows * args->groups, DK_MAX(1, GRAIN_VALUES / args->group_size),
                    forward_groups, args);
    return DK_OK;
}

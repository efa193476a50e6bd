/* Losses: each image's sum, and the delta. */
#include "engine/cost.h"

#include "dispatch.h"
#include "engine/tensor.h"
#include "threads.h"

static void cost_images(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dk_cost *a = args;
    const struct dk_tensor *p = &a->prediction, *d = &a->delta, *l = &a->losses;
    int64_t pixels = p->height * p->width, run = p->channels;
    (void)worker;
    if (dk_is_dense(p) && (!d->data || dk_is_dense(d)) && (!l->data || dk_is_dense(l))) {
        run *= pixels;
        pixels = 1;
    }
    for (int64_t image = begin; image < end; image++) {
        double cost = 0;
        for (int64_t pixel = 0; pixel < pixels; pixel++) {
            int64_t at = image * p->height * p->width + pixel;
            cost += dk_kernels()->cost.sum(a->kind, 0, run, p->data + at * p->stride,
                                           a->truth + at * p->channels, a->delta_factor,
                                           a->accumulate, d->data ? d->data + at * d->stride : NULL,
                                           l->data ? l->data + at * l->stride : NULL);
        }
        a->costs[image] = cost;
    }
}

enum dk_status dk_cost(const struct dk_cost *args) {
    if (args->kind < 0 || args->kind >= DK_COST_COUNT)
        return DK_BAD_ARGUMENT;
    if (args->delta.data && !dk_same_sizes(&args->prediction, &args->delta))
        return DK_BAD_SHAPE;
    if (args->losses.data && !dk_same_sizes(&args->prediction, &args->losses))
        return DK_BAD_SHAPE;
    dk_parallel_for(args->prediction.batch, 1, cost_images, args);
    return DK_OK;
}

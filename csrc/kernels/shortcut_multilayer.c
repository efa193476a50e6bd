/* AlexeyAB's shortcut of several layers with weights: one source at a time, and
 * the weights' gradient. */
#include "kernels/shortcut_multilayer.h"

#include "dispatch.h"
#include "threads.h"

/* Values per chunk, about. */
enum { GRAIN = 1 << 15 };

struct source {
    int64_t batch, x_outputs, y_outputs, step, common, parts;
    const float *x, *d, *w;
    float *y;
    int accumulate;
};

/* Values of one weight that both arrays have. */
static int64_t length(const struct source *a, int64_t part) {
    return DK_MIN(a->common - part * a->step, a->step);
}

/* Items are (image, weight). */
static void add_parts(const void *args, int64_t begin, int64_t end, int worker) {
    const struct source *a = args;
    const struct dk_blas_kernels *blas = &dk_kernels()->blas;
    (void)worker;
    for (int64_t item = begin; item < end; item++) {
        int64_t b = item / a->parts, part = item % a->parts, first = part * a->step;
        const float factor = a->w ? a->w[part] : 1, *x = a->x + b * a->x_outputs + first;
        float *y = a->y + b * a->y_outputs + first;
        if (a->accumulate)
            blas->axpy(length(a, part), factor, x, y);
        else
            blas->scale(0, length(a, part), factor, x, y);
    }
}

static int is_bad(const struct source *a) {
    return a->batch < 0 || a->x_outputs < 1 || a->y_outputs < 1 || a->step < 1;
}

enum dk_status dk_weighted_source(int64_t batch, int64_t x_outputs, const float *x,
                                  int64_t y_outputs, float *y, const float *w, int64_t step,
                                  int accumulate) {
    struct source args = {.batch = batch,
                          .x_outputs = x_outputs,
                          .y_outputs = y_outputs,
                          .step = step,
                          .x = x,
                          .w = w,
                          .y = y,
                          .accumulate = accumulate,
                          .common = DK_MIN(x_outputs, y_outputs)};
    if (is_bad(&args))
        return DK_BAD_SHAPE;
    args.parts = (args.common + step - 1) / step;
    dk_parallel_for(batch * args.parts, DK_MAX(1, GRAIN / step), add_parts, &args);
    return DK_OK;
}

static void sum_parts(const void *args, int64_t begin, int64_t end, int worker) {
    const struct source *a = args;
    (void)worker;
    for (int64_t part = begin; part < end; part++) {
        double sum = 0;
        for (int64_t b = 0; b < a->batch; b++)
            sum += dk_kernels()->blas.dot(length(a, part), a->x + b * a->x_outputs + part * a->step,
                                          a->d + b * a->y_outputs + part * a->step);
        a->y[part] += (float)sum;
    }
}

enum dk_status dk_weighted_source_updates(int64_t batch, int64_t x_outputs, const float *x,
                                          int64_t d_outputs, const float *d, int64_t step,
                                          int64_t count, float *updates) {
    struct source args = {.batch = batch,
                          .x_outputs = x_outputs,
                          .y_outputs = d_outputs,
                          .step = step,
                          .x = x,
                          .d = d,
                          .y = updates,
                          .common = DK_MIN(x_outputs, d_outputs)};
    if (is_bad(&args) || count < 0)
        return DK_BAD_SHAPE;
    args.parts = DK_MIN(count, (args.common + step - 1) / step);
    dk_parallel_for(args.parts, DK_MAX(1, GRAIN / step), sum_parts, &args);
    return DK_OK;
}

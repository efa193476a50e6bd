/* Darknet's softmax kernels. */
#include "kernels/softmax.h"

#include "dispatch.h"
#include "streaming.h"
#include "threads.h"

struct strided {
    const float *input;
    float *output;
    int64_t n, batch_offset, groups, group_offset, stride;
    float temperature;
};

/* Groups that lie side by side are taken in one go. */
enum { COLUMNS = 256 };

static void strided_groups(const void *args, int64_t begin, int64_t end, int worker) {
    const struct strided *a = args;
    int is_side_by_side = a->group_offset == 1;
    int64_t width = is_side_by_side ? COLUMNS : 1, blocks = (a->groups + width - 1) / width;
    (void)worker;
    for (int64_t item = begin; item < end; item++) {
        int64_t group = item % blocks * width;
        int64_t at = item / blocks * a->batch_offset + group * a->group_offset;
        dk_kernels()->nchw_norm.softmax(DK_MIN(width, a->groups - group), a->n, a->stride,
                                        a->input + at, a->output + at, a->temperature);
    }
}

/* Rows that are written around the caches. */
enum { ROW_MIN = 768, ROW_MAX = 4096 };

static void streamed_rows(const void *args, int64_t begin, int64_t end, int worker) {
    const struct strided *a = args;
    float powers[ROW_MAX];
    (void)worker;
    for (int64_t item = begin; item < end; item++) {
        int64_t at = item / a->groups * a->batch_offset + item % a->groups * a->group_offset;
        /* The line that two rows share is written by normal stores, for which
         * the next ones wait. */
        __builtin_prefetch(a->output + at + a->n, 1);
        dk_kernels()->softmax.forward(a->n, a->input + at, powers, a->output + at, a->temperature);
    }
    dk_stream_end(1);
}

enum dk_status dk_softmax_cpu(const float *input, int64_t n, int64_t batch, int64_t batch_offset,
                              int64_t groups, int64_t group_offset, int64_t stride,
                              float temperature, float *output) {
    if (n < 1 || batch < 1 || groups < 1 || stride < 1)
        return DK_BAD_SHAPE;
    struct strided args = {input,  output,       n,      batch_offset,
                           groups, group_offset, stride, temperature};
    if (stride == 1 && n >= ROW_MIN && n <= ROW_MAX && input != output &&
        batch * groups * n >= DK_STREAM_FROM) {
        dk_parallel_for(batch * groups, DK_MAX(1, DK_STREAM_GRAIN / n), streamed_rows, &args);
        return DK_OK;
    }
    if (stride == 1) {
        struct dk_softmax rows = {.x = input,
                                  .y = output,
                                  .rows = batch,
                                  .x_stride = batch_offset,
                                  .y_stride = batch_offset,
                                  .groups = groups,
                                  .group_stride = group_offset,
                                  .group_size = n,
                                  .temperature = temperature};
        return dk_softmax_forward(&rows);
    }
    int64_t width = group_offset == 1 ? COLUMNS : 1;
    dk_parallel_for(batch * ((groups + width - 1) / width), 1, strided_groups, &args);
    return DK_OK;
}

enum dk_status dk_softmax_single(const float *input, int64_t n, float temperature, int64_t stride,
                                 float *output) {
    return dk_softmax_cpu(input, n, 1, 0, 1, 0, stride, temperature, output);
}

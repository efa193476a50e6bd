/* Darknet's activation kernels on n contiguous values. */
#include "kernels/activations.h"

#include "dispatch.h"
#include "streaming.h"
#include "threads.h"

/* 64 KiB of each array at a time. */
enum { GRAIN = 1 << 14 };

struct stretch {
    struct dk_streams arrays; /* x or saved, delta; out */
    int kind, is_streamed;
};

static enum dk_status run(int64_t n, struct stretch args, dk_range_fn body) {
    if (!dk_is_activation(args.kind))
        return DK_BAD_ARGUMENT;
    if (n < 0)
        return DK_BAD_SHAPE;
    args.is_streamed = dk_is_streamed(n, &args.arrays);
    dk_parallel_for(n, args.is_streamed ? DK_STREAM_GRAIN : GRAIN, body, &args);
    return DK_OK;
}

static void forward_block(const void *args, int is_streamed, int64_t first, int64_t n) {
    const struct stretch *a = args;
    dk_kernels()->activation.forward(a->kind, is_streamed, n, a->arrays.in[0] + first,
                                     a->arrays.out[0] + first);
}

static void forward_range(const void *args, int64_t begin, int64_t end, int worker) {
    const struct stretch *a = args;
    (void)worker;
    dk_compute(a->arrays.out[0], a->is_streamed, begin, end, forward_block, a);
    dk_stream_end(a->is_streamed);
}

enum dk_status dk_activation_forward(const float *x, int64_t n, int kind, float *out) {
    return run(n, (struct stretch){{{x}, {out}}, kind, 0}, forward_range);
}

enum dk_status dk_activate_array(float *x, int64_t n, int kind) {
    return dk_activation_forward(x, n, kind, x);
}

static void backward_block(const void *args, int is_streamed, int64_t first, int64_t n) {
    const struct stretch *a = args;
    dk_kernels()->activation.gradient(a->kind, is_streamed, n, a->arrays.in[0] + first,
                                      a->arrays.in[1] + first, a->arrays.out[0] + first);
}

static void backward_range(const void *args, int64_t begin, int64_t end, int worker) {
    const struct stretch *a = args;
    (void)worker;
    dk_compute(a->arrays.out[0], a->is_streamed, begin, end, backward_block, a);
    dk_stream_end(a->is_streamed);
}

enum dk_status dk_activation_backward(const float *saved, int64_t n, int kind, const float *delta,
                                      float *out) {
    return run(n, (struct stretch){{{saved, delta}, {out}}, kind, 0}, backward_range);
}

enum dk_status dk_gradient_array(const float *saved, int64_t n, int kind, float *delta) {
    return dk_activation_backward(saved, n, kind, delta, delta);
}

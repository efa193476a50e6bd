#include "kernels/activations.h"

#include "dispatch.h"
#include "threads.h"

/* 64 KiB of each array at a time. */
enum { GRAIN = 1 << 14 };

struct stretch {
    const float *x, *delta;
    float *out;
    int kind;
};

static enum dk_status check(int64_t n, int kind) {
    if (kind < 0 || kind >= DK_ACTIVATION_COUNT)
        return DK_BAD_ARGUMENT;
    return n < 0 ? DK_BAD_SHAPE : DK_OK;
}

static void forward_range(const void *args, int64_t begin, int64_t end, int worker) {
    const struct stretch *a = args;
    (void)worker;
    dk_kernels()->activation.forward(a->kind, end - begin, a->x + begin, a->out + begin);
}

enum dk_status dk_activation_forward(const float *x, int64_t n, int kind, float *out) {
    struct stretch args = {x, NULL, out, kind};
    enum dk_status status = check(n, kind);
    if (status == DK_OK)
        dk_parallel_for(n, GRAIN, forward_range, &args);
    return status;
}

enum dk_status dk_activate_array(float *x, int64_t n, int kind) {
    return dk_activation_forward(x, n, kind, x);
}

static void backward_range(const void *args, int64_t begin, int64_t end, int worker) {
    const struct stretch *a = args;
    (void)worker;
    dk_kernels()->activation.gradient(a->kind, end - begin, a->x + begin, a->delta + begin, a->out + begin);
}

enum dk_status dk_activation_backward(const float *saved, int64_t n, int kind, const float *delta, float *out) {
    struct stretch args = {saved, delta, out, kind};
    enum dk_status status = check(n, kind);
    if (status == DK_OK)
        dk_parallel_for(n, GRAIN, backward_range, &args);
    return status;
}

enum dk_status dk_gradient_array(const float *saved, int64_t n, int kind, float *delta) {
    return dk_activation_backward(saved, n, kind, delta, delta);
}

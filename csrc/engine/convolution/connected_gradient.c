/* The data gradient of a fully connected layer at a small batch, without transposed weights: as
 * many values would be written and read again as there are weights, and these are most of what the
 * call waits for.  Jobs own channels of dx; each reads its weights once, a run of every panel. */
#include "engine/convolution/algorithms.h"
#include "engine/convolution/geometry.h"
#include "engine/convolution/pack.h"
#include "threads.h"

#include <string.h>

/* Images up to which this is faster than the transposed form (measured: 1 to 32 images, 9216 ->
 * 4096 -> 4096 -> 1000). */
enum { FEW = 32 };

struct gradient {
    const struct dk_convolution_backward_data *a;
    struct dk_panels panels;
    const float *dy; /* [batch][padded] */
};

/* Shape and tensors as a 1x1 convolution of vectors, if they are few. */
static int flatten(struct dk_convolution_backward_data *a) {
    dk_flatten_whole_plane(&a->shape, &a->dx, &a->dy);
    const struct dk_conv_shape *s = &a->shape;
    return a->algorithm == DK_CONV_INDIRECT && s->groups == 1 && s->size_h == 1 && s->size_w == 1 &&
           s->pad_h == 0 && s->pad_w == 0 && a->dx.height == 1 && a->dx.width == 1 &&
           a->dy.height == 1 && a->dy.width == 1 && a->dx.batch <= FEW;
}

int64_t dk_connected_gradient_workspace(const struct dk_convolution_backward_data *convolution) {
    struct dk_convolution_backward_data a = *convolution;
    return flatten(&a) ? a.dy.batch * dk_weights_panels(&a.shape).padded * (int64_t)sizeof(float)
                       : 0;
}

static void run_jobs(const void *args, int64_t begin, int64_t end, int worker) {
    const struct gradient *g = args;
    const struct dk_panels *p = &g->panels;
    const struct dk_tensor *dx = &g->a->dx;
    (void)worker;
    for (int64_t job = begin; job < end; job++)
        for (int64_t n = 0; n < dx->batch; n += DK_CONNECTED_IMAGES) {
            const int64_t c = job * DK_CONNECTED_CHANNELS;
            struct dk_connected_gradient_tile tile = {
                .channels = DK_MIN(DK_CONNECTED_CHANNELS, p->inputs - c),
                .images = DK_MIN(DK_CONNECTED_IMAGES, dx->batch - n),
                .inputs = p->inputs,
                .outputs = p->padded,
                .channel = c,
                .weights = g->a->weights,
                .dy = g->dy + n * p->padded,
                .dx = dx->data + n * dx->stride + c,
                .dx_stride = dx->stride,
                .accumulate = g->a->accumulate,
            };
            dk_kernels()->convolution.connected_gradient(&tile);
        }
}

enum dk_status dk_connected_gradient(const struct dk_convolution_backward_data *convolution) {
    struct dk_convolution_backward_data a = *convolution;
    flatten(&a);
    struct gradient g = {&a, dk_weights_panels(&a.shape), a.workspace};
    float *dy = a.workspace;
    for (int64_t n = 0; n < a.dy.batch; n++, dy += g.panels.padded) {
        memcpy(dy, a.dy.data + n * a.dy.stride, sizeof(float) * (size_t)a.dy.channels);
        memset(dy + a.dy.channels, 0, sizeof(float) * (size_t)(g.panels.padded - a.dy.channels));
    }
    dk_parallel_for(dk_ceil_div(g.panels.inputs, DK_CONNECTED_CHANNELS), 1, run_jobs, &g);
    return DK_OK;
}

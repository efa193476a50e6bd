/* Weight updates: the formula of each optimiser, and what it is given. */
#ifndef DK_OPTIMISER_KERNELS_H
#define DK_OPTIMISER_KERNELS_H

#include <stdint.h>

/* [cffi begin] */
/* Weights w, update buffers u, the optimiser's own arrays: state 0, state 1.  Darknet's u collect
 * minus the gradient, so updates are added.
 *
 * sgd:  u <- u - decay*w ;  w <- w + rate*u ;  u <- momentum*u
 *       rate = learning rate / images of an update; decay = weight decay * images of an update
 *       (0 for biases, scales).  Error: 3 roundings.
 *       Source: Darknet convolutional_layer.c, update.
 *
 * adam: g = u - decay*w ;  m <- b1*m + (1-b1)*g ;  v <- b2*v + (1-b2)*g^2
 *       w <- w + rate * (m*c1) / (sqrt(v*c2) + eps) ;  u <- 0
 *       m, v = state 0, 1; rate = learning rate; c1 = 1/(1-b1^step), c2 = 1/(1-b2^step), where
 *       step = 1 for the first update.
 *       Source: Kingma and Ba 2015; Darknet blas_kernels.cu, adam_update_gpu. */
enum dk_optimiser { DK_OPTIMISER_SGD, DK_OPTIMISER_ADAM, DK_OPTIMISER_COUNT };

struct dk_update {
    int optimiser;            /* enum dk_optimiser */
    int64_t n;                /* values of each array */
    float *weights, *updates; /* read and written */
    float *state[2];          /* likewise; NULL where the optimiser has fewer */
    float rate, decay, momentum, b1, b2, c1, c2, eps; /* those that the formula names */
};
/* [cffi end] */

struct dk_optimiser_kernels {
    struct {
        int states; /* arrays of its own */
        /* Values begin .. end-1; returns 1 where a new weight is NaN or infinite, else 0. */
        int (*update)(const struct dk_update *args, int64_t begin, int64_t end);
    } of[DK_OPTIMISER_COUNT];
};

#endif

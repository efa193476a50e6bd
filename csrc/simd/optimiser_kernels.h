/* Weight updates: what an optimiser is given, and its formula, on one stretch of contiguous memory.
 */
#ifndef DK_OPTIMISER_KERNELS_H
#define DK_OPTIMISER_KERNELS_H

#include <stdint.h>

/* [cffi begin] */
/* Darknet's update buffers u collect minus the gradient, so updates are added to the weights w.
 *   sgd   u <- u - decay*w ;  w <- w + rate*u ;  u <- momentum*u
 *         rate = learning rate / images of an update; decay = weight decay * images of an update (0
 * for biases, scales).  Error: 3 roundings.  Source: Darknet convolutional_layer.c, update. adam  g
 * = u - decay*w ;  m <- b1*m + (1-b1)*g ;  v <- b2*v + (1-b2)*g^2 ; w <- w + rate * (m*c1) /
 * (sqrt(v*c2) + eps) ;  u <- 0 m, v: state 0 and 1; c1 = 1/(1-b1^step), c2 = 1/(1-b2^step), step =
 * 1 for the first update; rate is the bare learning rate.  Source: Kingma and Ba 2015; Darknet
 * blas_kernels.cu adam_update_gpu. */
enum dk_optimiser { DK_SGD, DK_ADAM, DK_OPTIMISER_COUNT };

struct dk_update {
    int optimiser;            /* enum dk_optimiser */
    int64_t n;                /* values of each array */
    float *weights, *updates; /* read and written */
    float *state[2];          /* what the optimiser keeps besides, read and written */
    float rate, decay, momentum, b1, b2, c1, c2, eps; /* those that the formula names */
};
/* [cffi end] */

struct dk_optimiser_kernels {
    /* Values begin .. end-1; returns 1 where a new weight is NaN or infinite, else 0. */
    int (*update[DK_OPTIMISER_COUNT])(const struct dk_update *args, int64_t begin, int64_t end);
};

#endif

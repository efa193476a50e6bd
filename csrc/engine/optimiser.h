/* Weight updates.  Darknet's buffers collect minus the gradient, so updates are added. */
#ifndef DK_ENGINE_OPTIMISER_H
#define DK_ENGINE_OPTIMISER_H

#include "dk_types.h"

/* [cffi begin] */
/* Darknet's SGD for n weights w with update buffer u (both read and written):
 *   u <- u - decay*w ;  w <- w + rate*u ;  u <- momentum*u
 * rate = learning rate / images of an update; decay = weight decay * images of an update (0 for
 * biases, scales).  DK_NOT_FINITE where a new w is NaN or infinite; all are written nevertheless.
 * (A u that is not finite shows in w.)
 * Threads: split over the weights.  Error: 3 roundings.  Source: Darknet
 * convolutional_layer.c, update. */
enum dk_status dk_sgd_update(int64_t n, float *w, float *u, float rate, float momentum,
                             float decay);

/* Adam (Kingma and Ba 2015) as Darknet's GPU code has it; step = 1 for the first update:
 *   g = u - decay*w ;  m <- b1*m + (1-b1)*g ;  v <- b2*v + (1-b2)*g^2
 *   w <- w + rate * (m/(1-b1^step)) / (sqrt(v/(1-b2^step)) + eps) ;  u <- 0
 * w, u, m, v: n values each, read and written.  rate is the bare learning rate.
 * DK_NOT_FINITE as above.
 * Threads: split over the weights.
 * Source: Darknet blas_kernels.cu adam_update_gpu. */
enum dk_status dk_adam_update(int64_t n, float *w, float *u, float *m, float *v, float rate,
                              float b1, float b2, float eps, float decay, int64_t step);
/* [cffi end] */

#endif

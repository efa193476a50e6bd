/* Contracts of the weight updates on one stretch of contiguous memory; formulas in
 * engine/optimiser.h. */
#ifndef DK_OPTIMISER_KERNELS_H
#define DK_OPTIMISER_KERNELS_H

#include <stdint.h>

struct dk_optimiser_kernels {
    /* Both return 1 where a new w is NaN or infinite, else 0.
     * u -= decay*w ; w += rate*u ; u *= momentum */
    int (*sgd)(int64_t n, float *w, float *u, float rate, float momentum, float decay);
    /* g = u - decay*w ; m = b1*m + (1-b1)*g ; v = b2*v + (1-b2)*g*g ; w +=
     * rate*(m*c1)/(sqrt(v*c2)+eps) ; u = 0 */
    int (*adam)(int64_t n, float *w, float *u, float *m, float *v, float rate, float b1, float b2,
                float c1, float c2, float eps, float decay);
};

#endif

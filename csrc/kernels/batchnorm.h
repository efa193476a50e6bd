/* Darknet's batch-normalisation kernels, one by one, under its names and argument lists.
 *
 * Arrays are [batch][filters][spatial] (`n` filters of `size` values in dk_backward_scale_cpu);
 * M = batch*spatial.  With spatial = 1 they serve [batch][filters] vectors and, with batch =
 * N*H*W, channels-last images.
 * Threads: split over filters (sums) or planes and rows (maps); bits do not depend on them.
 * Error: sums: 2 eps sqrt(4096) of the root sum square of their terms (float32 blocks joined in
 * double); maps: 4 ulp of the largest term.  DK_BAD_SHAPE when a size is < 1.
 * Source: Darknet blas.c, batchnorm_layer.c. */
#ifndef DK_KERNELS_BATCHNORM_H
#define DK_KERNELS_BATCHNORM_H

#include "dk_types.h"

/* [cffi begin] */
/* mean[f] = sum of x / M.  Overwrites. */
enum dk_status dk_mean_cpu(const float *x, int64_t batch, int64_t filters, int64_t spatial,
                           float *mean);
/* variance[f] = sum of (x - mean)^2 / max(M-1, 1): 0 for a single value and its mean
 * (Darknet: NaN).  Overwrites. */
enum dk_status dk_variance_cpu(const float *x, const float *mean, int64_t batch, int64_t filters,
                               int64_t spatial, float *variance);
/* x = (x - mean[f]) / (sqrt(variance[f]) + 1e-6), in place. */
enum dk_status dk_normalize_cpu(float *x, const float *mean, const float *variance, int64_t batch,
                                int64_t filters, int64_t spatial);
/* scale_updates[f] += sum of delta * x_norm.  Adds. */
enum dk_status dk_backward_scale_cpu(const float *x_norm, const float *delta, int64_t batch,
                                     int64_t n, int64_t size, float *scale_updates);
/* mean_delta[f] = -(sum of delta) / sqrt(variance + 1e-5).  Overwrites. */
enum dk_status dk_mean_delta_cpu(const float *delta, const float *variance, int64_t batch,
                                 int64_t filters, int64_t spatial, float *mean_delta);
/* variance_delta[f] = -(sum of delta*(x - mean)) / (2 (variance + 1e-5)^1.5).  Overwrites. */
enum dk_status dk_variance_delta_cpu(const float *x, const float *delta, const float *mean,
                                     const float *variance, int64_t batch, int64_t filters,
                                     int64_t spatial, float *variance_delta);
/* delta = delta/sqrt(variance + 1e-5) + variance_delta*2(x - mean)/M + mean_delta/M, in place. */
enum dk_status dk_normalize_delta_cpu(const float *x, const float *mean, const float *variance,
                                      const float *mean_delta, const float *variance_delta,
                                      int64_t batch, int64_t filters, int64_t spatial,
                                      float *delta);

/* The same with an output of their own (which may be the input). */
enum dk_status dk_normalize(const float *x, const float *mean, const float *variance, int64_t batch,
                            int64_t filters, int64_t spatial, float epsilon, int epsilon_inside,
                            float *out);
enum dk_status dk_normalize_delta(const float *x, const float *mean, const float *variance,
                                  const float *mean_delta, const float *variance_delta,
                                  int64_t batch, int64_t filters, int64_t spatial,
                                  const float *delta, float *out);
/* [cffi end] */

#endif

/* Batch normalisation and biases with the activation behind them; M = pixels of the whole batch.
 *
 * Forward:   mean, variance of each channel over all M pixels (variance: sum of squares / (M-1),
 *            or / M where `biased`; 0 for M = 1);  x^ = (x - mean) / (sqrt(variance) + epsilon), or
 *            (x - mean) / sqrt(variance + epsilon) where `epsilon_inside`;  z = scale*x^ + bias;
 *            y = f(z), or f(z + residual).
 * Backward:  d = delta*g;  bias update += sum d;  scale update += sum d*x^;
 *            then, with d' = scale*d,
 *   exact:   the derivative of the forward above;
 *   Darknet: dm = -sum d' / s,  dv = -(sum d'(x - mean)) / (2 s^3),  s = sqrt(variance + 1e-5),
 *            dx = d'/s + 2 dv (x - mean)/M + dm/M,  whatever epsilon and divisor the forward has.
 * Signs are Darknet's: delta is minus the gradient.
 *
 * Threads: sums are cut into chunks of pixels that depend on the sizes alone, then added in order
 * in double precision; everything else is split over pixels.  Error: a sum of n terms of size t is
 * within 2 ulp of sqrt(n)*t*sqrt(chunk) of the exact one, chunk = 64 .. 256 pixels; means far from
 * 0 cost the variance no digits.
 * Source: Ioffe and Szegedy 2015; Darknet batchnorm_layer.c, blas.c. */
#ifndef DK_ENGINE_BATCHNORM_H
#define DK_ENGINE_BATCHNORM_H

#include "dk_types.h"

/* [cffi begin] */
struct dk_batchnorm {
    struct dk_tensor x, y;        /* y is written and may be x */
    const float *scales, *biases; /* [channels] */
    float *mean, *variance; /* [channels], written by the forward (not by apply): of this batch */
    float *rolling_mean, *rolling_variance; /* [channels]; forward: see rolling; apply: read */
    float rolling;                          /* r <- (1-rolling)*r + rolling*new; Darknet: .01 */
    float epsilon;                          /* 1e-6 (pjreddie) or 1e-5 */
    int epsilon_inside; /* 0: sqrt(v) + epsilon (pjreddie), 1: sqrt(v + epsilon) */
    int biased;     /* 0: divide by M-1 (Darknet), 1: by M (cuDNN); rolling gets the same value */
    int activation; /* enum dk_activation */
    struct dk_tensor residual; /* sizes of x; data NULL: none; not read by the _nchw functions */
    void *workspace; /* as many bytes as ..._workspace() of the function says, aligned to 8 */
};
/* Training: statistics of this batch, rolling ones updated, y written.  x is read twice. */
int64_t dk_batchnorm_forward_workspace(const struct dk_batchnorm *args);
enum dk_status dk_batchnorm_forward(const struct dk_batchnorm *args);
/* Inference without fusing: the rolling statistics are used, nothing but y is written. */
int64_t dk_batchnorm_apply_workspace(const struct dk_batchnorm *args);
enum dk_status dk_batchnorm_apply(const struct dk_batchnorm *args);

struct dk_batchnorm_backward {
    struct dk_tensor x; /* the forward's input */
    struct dk_tensor y; /* its output; data may be NULL for linear, relu, leaky, revleaky and the
                         * kinds that need the input: g is then computed from x */
    struct dk_tensor delta; /* the output's; read */
    struct dk_tensor dx;    /* the input's delta; written; may be delta itself */
    const float *mean, *variance, *scales, *biases; /* as the forward used them */
    float *scale_updates;                           /* [channels], added to; may be NULL */
    float *bias_updates;                            /* [channels], added to; may be NULL */
    float epsilon;                                  /* as in the forward */
    int epsilon_inside;
    int exact; /* 0: Darknet's chain, 1: the exact derivative */
    int biased;
    int activation;
    int accumulate;  /* 1: dx += instead of dx = */
    void *workspace; /* dk_batchnorm_backward_workspace() bytes, aligned to 8 */
};
int64_t dk_batchnorm_backward_workspace(const struct dk_batchnorm_backward *args);
enum dk_status dk_batchnorm_backward(const struct dk_batchnorm_backward *args);

/* Layers without batch normalisation: delta *= g(saved), bias update += sum of the new delta. */
struct dk_bias_backward {
    struct dk_tensor saved; /* see engine/activation.h; data may be NULL for linear */
    struct dk_tensor delta; /* read and written */
    float *bias_updates;    /* [channels], added to; NULL: the activation's gradient only */
    int activation;
    /* dk_bias_backward_workspace() bytes, aligned to 8; may be NULL without bias_updates */
    void *workspace;
};
int64_t dk_bias_backward_workspace(const struct dk_bias_backward *args);
enum dk_status dk_bias_backward(const struct dk_bias_backward *args);
/* [cffi end] */

/* The two rules that kernels/batchnorm_fused.c shares; channel c of `count` values.
 * Statistics from the mean and the sum of squares about it: c's mean, variance and rolling ones are
 * written. */
void dk_batchnorm_statistics(const struct dk_batchnorm *args, int64_t c, double count, double mean,
                             double squares);
/* From sum d and sum d*(x - mean): updates of c are added, and
 * dx = by_delta*d + by_x*(x - mean) + constant. */
void dk_batchnorm_coefficients(const struct dk_batchnorm_backward *args, int64_t c, double count,
                               double sum, double product, float *by_delta, float *by_x,
                               float *constant);
/* What x - mean is divided by; a variance below 0 (a rolling one read from a file) counts as 0. */
double dk_batchnorm_denominator(double variance, double epsilon, int epsilon_inside);

#endif

/* Activations f and what their gradients need.  Every function that multiplies a delta by g takes
 * `saved`: the output y = f(x), or the input x for the kinds of dk_activation_needs_input.
 *
 *   kind       f(x)                                              g
 *   linear     x                                                 1
 *   logistic   1/(1+e^-x)                                        y(1-y)
 *   loggy      2/(1+e^-x) - 1                                    (1-y^2)/2
 *   relu       max(x,0)                                          y>0
 *   relu6      min(max(x,0),6)                                   0<y<6
 *   relie      x>0: x, else .01x                                 y>0: 1, else .01
 *   ramp       max(x,0) + .1x                                    [y>0] + .1
 *   leaky      x>0: x, else .1x         (revleaky: the same)     y>0: 1, else .1
 *   tanh       tanh(x)                                           1-y^2
 *   elu        x>=0: x, else e^x - 1                             y>=0: 1, else y+1
 *   selu       1.0507 (x>=0: x, else 1.6732(e^x - 1))            y>=0: 1.0507; y + 1.0507*1.6732
 *   plse       x<-4: .01(x+4); x>4: .01(x-4)+1; else x/8 + .5    y<0 or y>1: .01, else .125
 *   stair      n=floor(x) even: floor(x/2), odd: x-n+floor(x/2)  floor(y)=y: 0, else 1
 *   hardtan    min(max(x,-1),1)                                  -1<y<1
 *   lhtan      x<0: .001x; x>1: .001(x-1)+1; else x              0<y<1: 1, else .001
 *   swish      x s, s = 1/(1+e^-x)                               from x: s + x s(1-s)
 *   mish       x tanh(ln(1+e^x))                                 from x: the derivative
 *   hard_mish  x>0: x; x>-2: x^2/2 + x; else 0                   from x: 1; x+1; 0
 *   gelu       .5x(1 + tanh(.797885x + .035677x^3))              from x: the derivative
 *
 * NaN stays NaN; no kind makes NaN of an infinity.  Error: 6 ulp of |f| + 1e-35; stair: 1 ulp of
 * max(|x|,1); gelu: 4 ulp of |x| (elementary functions: simd/math.h).
 * Source: Darknet activations.h; relu6, swish, mish, hard_mish, gelu, revleaky: AlexeyAB's. */
#ifndef DK_ENGINE_ACTIVATION_H
#define DK_ENGINE_ACTIVATION_H

#include "dk_types.h"

/* [cffi begin] */
struct dk_activate {
    struct dk_tensor x, y; /* same sizes; y is written and may be x */
    int kind;              /* enum dk_activation */
};
/* y = f(x).  Threads: split over pixels.  DK_BAD_ARGUMENT for an unknown kind. */
enum dk_status dk_activate(const struct dk_activate *args);

struct dk_activation_gradient {
    struct dk_tensor saved; /* read: output or input, see above */
    struct dk_tensor delta; /* read and written: delta *= g(saved) */
    int kind;
};
/* delta *= g(saved), in place.  Threads: over pixels.  DK_BAD_ARGUMENT for an unknown kind. */
enum dk_status dk_activation_gradient(const struct dk_activation_gradient *args);

/* y(p, c) = f_c(x(p, c)) with kinds uint8 [channels] of enum dk_activation (DK_BAD_ARGUMENT for
 * an unknown one): the outputs of the region and yolo heads.  y may be x itself.
 * Threads: over pixels.  Source: Darknet yolo_layer.c, region_layer.c. */
struct dk_channel_activate {
    struct dk_tensor x, y;
    const uint8_t *kinds;
};
enum dk_status dk_channel_activate(const struct dk_channel_activate *args);

/* 1 where g is computed from the input (swish, mish, hard_mish, gelu), else 0. */
int dk_activation_needs_input(int kind);
/* [cffi end] */

#endif

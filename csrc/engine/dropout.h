/* Dropout without a stored mask. */
#ifndef DK_ENGINE_DROPOUT_H
#define DK_ENGINE_DROPOUT_H

#include "dk_types.h"

/* [cffi begin] */
/* y (+)= x/(1-p) where kept, 0 where dropped; each value is dropped with probability p, 0 <= p <= 1
 * (in steps of 2^-24; p = 1 drops all).  The mask is a function of (seed, counter, pixel, channel)
 * alone, so the backward is the same call on deltas with the same seed and counter, and threads or
 * vector length change nothing.  One call uses the counters  counter .. counter +
 * pixels*ceil(channels/2) - 1  (pixels of the whole batch): give the next call of the same seed a
 * counter past them.  y may be x itself (accumulate 0).  Threads: over pixels.  Generator:
 * SplitMix64 (Steele, Lea, Flood 2014) at position key(seed) + counter + pixel*ceil(channels/2) +
 * channel/2; even channels take the low, odd ones the high half.  Source: Darknet dropout_layer.c
 * (there out of rand()). */
struct dk_dropout {
    struct dk_tensor x, y;
    float probability;
    uint64_t seed, counter;
    int accumulate;
};
enum dk_status dk_dropout(const struct dk_dropout *args);
/* [cffi end] */

#endif

/* Types shared by every header of the C core.
 *
 * Rules of the core: a function returns an enum dk_status, checks only what is cheap, touches no
 * output when it refuses, and neither prints, exits, nor allocates unless its header says so.
 * Sizes and offsets are 64 bit.  Array arguments never overlap unless the header says so. */
#ifndef DK_TYPES_H
#define DK_TYPES_H

#include <stddef.h>
#include <stdint.h>

/* [cffi begin] */
enum dk_status {
    DK_OK = 0,
    DK_BAD_SHAPE = 1,     /* a size is < 1, or sizes do not fit each other */
    DK_BAD_ARGUMENT = 2,  /* NULL where data is needed, or a value outside its enumeration */
    DK_OUT_OF_MEMORY = 3, /* a documented allocation failed */
    DK_UNSUPPORTED = 4,   /* the chosen algorithm cannot do this shape */
    DK_NOT_FINITE = 5     /* all was computed, and NaN or infinity came out */
};

/* A batch of images in the engine's order: channels last.  Pixel p = (n*height + y)*width + x
 * begins at data + p*stride; its `channels` values are contiguous; stride >= channels, and the
 * values between belong to others (a tensor may be a slice of a wider, joined one).  A vector has
 * height = width = 1. */
struct dk_tensor {
    float *data;
    int64_t batch, height, width, channels, stride;
};

/* Darknet's activations (activations.h); formulas in spec order in engine/activation.h. */
enum dk_activation {
    DK_LINEAR,
    DK_LOGISTIC,
    DK_LOGGY,
    DK_RELU,
    DK_RELU6,
    DK_RELIE,
    DK_RAMP,
    DK_LEAKY,
    DK_TANH,
    DK_ELU,
    DK_SELU,
    DK_PLSE,
    DK_STAIR,
    DK_HARDTAN,
    DK_LHTAN,
    DK_SWISH,
    DK_MISH,
    DK_HARD_MISH,
    DK_GELU,
    DK_REVLEAKY,
    DK_ACTIVATION_COUNT
};
/* [cffi end] */

static inline int dk_is_activation(int kind) {
    return kind >= 0 && kind < DK_ACTIVATION_COUNT;
}

#define DK_MIN(a, b) ((a) < (b) ? (a) : (b))
#define DK_MAX(a, b) ((a) > (b) ? (a) : (b))

enum { DK_LINE = 16 }; /* floats of a cache line */

/* Floats from p up to the next border of cache lines, 0 .. DK_LINE - 1. */
static inline int64_t dk_to_line(const float *p) {
    return (int64_t)(-(uintptr_t)p / sizeof *p % DK_LINE);
}

#endif

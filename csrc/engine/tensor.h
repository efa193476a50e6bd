/* Small questions about struct dk_tensor, for the files of this folder. */
#ifndef DK_ENGINE_TENSOR_H
#define DK_ENGINE_TENSOR_H

#include "dk_types.h"

static inline int64_t dk_pixels(const struct dk_tensor *t) {
    return t->batch * t->height * t->width;
}

/* Nothing lies between the pixels: the whole tensor is one stretch of memory. */
static inline int dk_is_dense(const struct dk_tensor *t) {
    return t->stride == t->channels;
}

static inline int dk_same_sizes(const struct dk_tensor *a, const struct dk_tensor *b) {
    return a->batch == b->batch && a->height == b->height && a->width == b->width &&
           a->channels == b->channels;
}

/* Sizes that an operation may take; none of batch is no work. */
static inline int dk_is_valid(const struct dk_tensor *t) {
    return t->batch >= 0 && t->height >= 1 && t->width >= 1 && t->channels >= 1 &&
           t->stride >= t->channels;
}

/* Two valid ones of the same sizes. */
static inline int dk_same_shape(const struct dk_tensor *a, const struct dk_tensor *b) {
    return dk_is_valid(a) && dk_is_valid(b) && dk_same_sizes(a, b);
}

/* Pixels for about `values` values, at least 1: the grain of loops over pixels. */
static inline int64_t dk_pixel_grain(const struct dk_tensor *t, int64_t values) {
    return DK_MAX(1, values / DK_MAX(1, t->channels));
}

/* Whether it exceeds the caches (16 MiB) and its pixels are a multiple of a cache line apart.  Such
 * tensors are written with non-temporal stores, which must start on a cache line. */
static inline int dk_is_streamable(const struct dk_tensor *t) {
    return dk_pixels(t) * t->stride >= 1 << 22 && t->stride % DK_LINE == 0;
}

#endif

/* Ranges of pixels and windows, for pooling in either layout. */
#ifndef DK_SPAN_H
#define DK_SPAN_H

#include "simd/vector.h"

/* A half-open range. */
struct span {
    int64_t begin, end;
};

/* The part of a window starting at `start` that lies in 0 .. limit-1; empty as begin >= end. */
DK_INLINE struct span clip(int64_t start, int64_t size, int64_t limit) {
    return (struct span){start < 0 ? 0 : start, start + size < limit ? start + size : limit};
}

#endif

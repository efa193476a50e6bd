/* Contracts of copying a matrix, transposed or as it is, times a factor. */
#ifndef DK_TRANSPOSE_KERNELS_H
#define DK_TRANSPOSE_KERNELS_H

#include <stdint.h>

struct dk_transpose_kernels {
    /* to[c*to_stride + r] = scale * from[r*from_stride + c], r < rows, c < cols. */
    void (*transpose)(int64_t rows, int64_t cols, const float *from, int64_t from_stride,
                      float scale, float *to, int64_t to_stride);
    /* to[r*to_stride + c] = scale * from[r*from_stride + c]. */
    void (*copy)(int64_t rows, int64_t cols, const float *from, int64_t from_stride, float scale,
                 float *to, int64_t to_stride);
};

#endif

/* Darknet's im2col: an image as a matrix of which a convolution is a product.
 * Source: Darknet im2col.c. */
#ifndef DK_MATRIX_IM2COL_H
#define DK_MATRIX_IM2COL_H

#include "dk_types.h"

/* [cffi begin] */
/* columns[(c*ksize_h + i)*ksize_w + j][y][x] = image[c][y*stride_h - pad_h +
 * i*dilation_h][x*stride_w - pad_w + j*dilation_w], 0 outside the image; y < out_h = (height + 2
 * pad_h - dilation_h (ksize_h-1) - 1)/stride_h + 1, x and out_w alike.  image
 * [channels][height][width] read, columns written.  Threads: split over the rows.  Exact.
 * DK_BAD_SHAPE when a size is < 1 or no output fits. */
enum dk_status dk_im2col_cpu_ext(const float *image, int64_t channels, int64_t height,
                                 int64_t width, int64_t ksize_h, int64_t ksize_w, int64_t pad_h,
                                 int64_t pad_w, int64_t stride_h, int64_t stride_w,
                                 int64_t dilation_h, int64_t dilation_w, float *columns);
/* The same for a square kernel without dilation, as Darknet's im2col_cpu. */
enum dk_status dk_im2col_cpu(const float *image, int64_t channels, int64_t height, int64_t width,
                             int64_t ksize, int64_t stride, int64_t pad, float *columns);
/* [cffi end] */

/* The geometry of both directions; out_h and out_w may be anything: outside the image is 0. */
struct dk_im2col {
    int64_t channels, height, width;
    int64_t ksize_h, ksize_w, pad_h, pad_w, stride_h, stride_w, dilation_h, dilation_w;
    int64_t out_h, out_w;
};
/* Fills out_h and out_w as Darknet does; DK_BAD_SHAPE: a size out of range, or no output fits. */
enum dk_status dk_im2col_size(struct dk_im2col *shape);
void dk_im2col(const struct dk_im2col *shape, const float *image, float *columns);

#endif

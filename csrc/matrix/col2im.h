/* Darknet's col2im: the transposed map of im2col, which carries gradients back.
 * Source: Darknet col2im.c. */
#ifndef DK_MATRIX_COL2IM_H
#define DK_MATRIX_COL2IM_H

#include "matrix/im2col.h"

/* [cffi begin] */
/* image[c][y*stride_h - pad_h + i*dilation_h][...] += columns[(c*ksize_h + i)*ksize_w + j][y][x],
 * what falls outside is dropped; sizes as for dk_im2col_cpu_ext.  columns read, image added to
 * (AlexeyAB's col2im_cpu_ext clears it first; this one never does).  Threads: split over channels.
 * Error: one rounding per addition. */
enum dk_status dk_col2im_cpu_ext(const float *columns, int64_t channels, int64_t height,
                                 int64_t width, int64_t ksize_h, int64_t ksize_w, int64_t pad_h,
                                 int64_t pad_w, int64_t stride_h, int64_t stride_w,
                                 int64_t dilation_h, int64_t dilation_w, float *image);
/* The same for a square kernel without dilation, as Darknet's col2im_cpu. */
enum dk_status dk_col2im_cpu(const float *columns, int64_t channels, int64_t height, int64_t width,
                             int64_t ksize, int64_t stride, int64_t pad, float *image);
/* [cffi end] */

void dk_col2im(const struct dk_im2col *shape, const float *columns, float *image);

#endif

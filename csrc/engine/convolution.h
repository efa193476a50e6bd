/* Convolution on channels-last images, forward and both gradients.  A fully connected layer is one
 * whose kernel is as large as the plane.
 *
 *   y(n,oy,ox,f) = sum over i,j and the channels c of f's group of weights[f][c][i][j]
 *       * x(n, oy*stride_h - pad_h + i*dilation_h, ox*stride_w - pad_w + j*dilation_w, c)
 *
 * Pixels outside x count as 0.  `pad` is what lies above and to the left; what lies below and to
 * the right follows from the size of y.
 * Error of a sum of K products: about 4 eps sqrt(K) sum|x*w|.
 *
 * Weights live in one packed form, for training too: gradients have the same layout, so updates run
 * over it element by element.  It is [group][panel of filters][tap][channel][lanes], the filters of
 * a group padded with zeros to whole vectors; [tap][channels padded] when every channel is its own
 * group (depthwise).  It depends on the instruction set in use.  All results are the same bits for
 * any number of threads. */
#ifndef DK_ENGINE_CONVOLUTION_H
#define DK_ENGINE_CONVOLUTION_H

#include "dk_types.h"

/* [cffi begin] */
/* channels and filters are those of all groups together and multiples of groups;
 * pads >= 0, the rest >= 1. */
struct dk_conv_shape {
    int64_t channels, filters, groups;
    int64_t size_h, size_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
};

enum dk_convolution_algorithm {
    DK_CONV_AUTO,     /* dk_convolution_choose decides */
    DK_CONV_IM2COL,   /* Darknet's im2col + gemm, the plain way that the others are compared with */
    DK_CONV_INDIRECT, /* register tiles that read the image through tables of pixel pointers */
    DK_CONV_WINOGRAD, /* F(4x4,3x3) and F(2x2,5x5), for 3x3 and 5x5 with stride and dilation 1 */
    DK_CONV_DEPTHWISE,    /* channels = filters = groups, vectorised over channels */
    DK_CONV_WINOGRAD_2X2, /* F(2x2,3x3): more products, half the weights to read; forward also with
                           * a stride of 2, whose gradients are then those of DK_CONV_INDIRECT */
    /* Where dk_has_bf16(), forward only: */
    DK_CONV_INDIRECT_BF16,    /* DK_CONV_INDIRECT on pairs of bf16 (engine/bf16.h) */
    DK_CONV_WINOGRAD_2X2_BF16 /* F(2x2,3x3), stride 1; transformed values rounded to bf16 */
};

enum dk_convolution_pass { DK_CONV_FORWARD, DK_CONV_BACKWARD_DATA, DK_CONV_BACKWARD_WEIGHTS };

/* The algorithm that DK_CONV_AUTO stands for: a rule of shape, pass and instruction set only. */
int dk_convolution_choose(const struct dk_conv_shape *shape, int64_t batch, int64_t out_h,
                          int64_t out_w, int pass);

/* Floats of the packed weights. */
int64_t dk_convolution_weights_size(const struct dk_conv_shape *shape);
/* Between Darknet's [filters][channels/groups][size_h][size_w] and the packed form.
 * Threads: split over panels. */
enum dk_status dk_convolution_pack(const struct dk_conv_shape *shape, const float *weights,
                                   float *packed);
enum dk_status dk_convolution_unpack(const struct dk_conv_shape *shape, const float *packed,
                                     float *weights);
struct dk_packing {
    struct dk_conv_shape shape;
    const float *weights; /* read */
    float *packed;        /* written */
};
/* dk_convolution_pack for many convolutions.  Threads: one each, best shared largest first. */
enum dk_status dk_convolution_pack_all(const struct dk_packing *packings, int64_t count);

/* The algorithm in bf16 that takes less time than any for floats, or DK_CONV_AUTO where there is
 * none: a rule of the shape and not of the batch, as an image's result must not depend on those
 * beside it. */
int dk_convolution_choose_bf16(const struct dk_conv_shape *shape, int64_t out_h, int64_t out_w);
/* The packed form for DK_CONV_INDIRECT_BF16: that of pairs of channels, rounded to the nearest
 * bf16, ties to even.  Unpacking gives the rounded weights.  Sizes in pairs, of 4 bytes; groups
 * must be 1. */
int64_t dk_convolution_bf16_size(const struct dk_conv_shape *shape);
enum dk_status dk_convolution_pack_bf16(const struct dk_conv_shape *shape, const float *weights,
                                        uint32_t *packed);
enum dk_status dk_convolution_unpack_bf16(const struct dk_conv_shape *shape, const uint32_t *packed,
                                          float *weights);

/* Floats of the weights as one of Winograd's algorithms multiplies with them forward, made of the
 * packed weights: 36 values for the 9 or 25 plain ones, or 16 or 25 for 9, in bf16 in pairs of
 * channels.  0 for shapes that it cannot do. */
int64_t dk_convolution_winograd_size(const struct dk_conv_shape *shape, int algorithm);
enum dk_status dk_convolution_pack_winograd(const struct dk_conv_shape *shape, int algorithm,
                                            const float *weights, float *winograd);

/* A stretch of memory that calls to come will read. */
struct dk_stretch {
    const void *data;
    int64_t bytes;
};

/* y = activation(convolution * scale[f] + shift[f] + residual): batch norm, bias, activation and
 * shortcut in one.  For DK_CONV_INDIRECT_BF16 x holds pairs (dk_round_bf16), and weights
 * dk_convolution_pack_bf16's. */
struct dk_convolution {
    struct dk_conv_shape shape;
    struct dk_tensor x, y;      /* x read, y written */
    struct dk_tensor residual;  /* as y, or data NULL for none; must not overlap y */
    const float *weights;       /* packed */
    const float *scale, *shift; /* [filters]; NULL for 1 and 0 */
    const float *winograd; /* dk_convolution_pack_winograd's; NULL: made anew in the workspace */
    int activation;        /* enum dk_activation */
    int algorithm;         /* enum dk_convolution_algorithm */
    /* [prefetch_count] ranges to prefetch while DK_CONV_INDIRECT multiplies: filters of later
     * calls, which the cores would otherwise wait for. */
    const struct dk_stretch *prefetch;
    int64_t prefetch_count;
    /* dk_convolution_forward_workspace bytes, aligned to 64; NULL when that is 0 */
    void *workspace;
    int64_t workspace_bytes; /* size of `workspace`; if it was computed for fewer threads than now
                              * run, only that many work */
};
int64_t dk_convolution_forward_workspace(const struct dk_convolution *convolution);
/* Threads: split over pixels and panels.  Darknet: forward_convolutional_layer. */
enum dk_status dk_convolution_forward(const struct dk_convolution *convolution);

/* dx(n,iy,ix,c) = sum of dy(n,oy,ox,f) * weights[f][c][i][j] over all that read this pixel; pixels
 * read by none get 0.  Darknet: gemm(1,0,...) and col2im_cpu in backward_convolutional_layer. */
struct dk_convolution_backward_data {
    struct dk_conv_shape shape;
    struct dk_tensor dy, dx; /* dy read, dx written */
    const float *weights; /* packed; what a call reads in another form, it makes in the workspace */
    int accumulate;       /* 0: dx is overwritten; 1: added to */
    int algorithm;
    void *workspace;
    int64_t workspace_bytes;
};
int64_t dk_convolution_backward_data_workspace(
    const struct dk_convolution_backward_data *convolution);
enum dk_status dk_convolution_backward_data(const struct dk_convolution_backward_data *convolution);

/* updates[f][c][i][j] += sum over n,oy,ox of x(...) * dy(n,oy,ox,f), in the packed layout; padding
 * lanes stay 0.  Darknet: gemm(0,1,...) in backward_convolutional_layer. */
struct dk_convolution_backward_weights {
    struct dk_conv_shape shape;
    struct dk_tensor x, dy; /* read */
    float *updates;         /* dk_convolution_weights_size floats, added to */
    int algorithm;
    void *workspace;
    int64_t workspace_bytes;
};
int64_t dk_convolution_backward_weights_workspace(
    const struct dk_convolution_backward_weights *convolution);
enum dk_status dk_convolution_backward_weights(
    const struct dk_convolution_backward_weights *convolution);
/* [cffi end] */

#endif

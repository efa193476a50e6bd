/* The vector kernels of one instruction set.
 *
 * Each family has a header simd/FAMILY_kernels.h with a struct of function pointers (the contract
 * of every kernel) and a body simd/FAMILY.inc, written once against vector.h.  table.inc includes
 * all bodies and fills the table; baseline.c, avx2.c and avx512.c each compile table.inc once with
 * their own flags.  Bodies are serial and static: threads live in the callers, and no symbol of a
 * variant but its table leaves its object file. */
#ifndef DK_KERNEL_TABLE_H
#define DK_KERNEL_TABLE_H

#include "simd/activation_kernels.h"
#include "simd/batchnorm_kernels.h"
#include "simd/blas_kernels.h"
#include "simd/convolution_kernels.h"
#include "simd/cost_kernels.h"
#include "simd/dropout_kernels.h"
#include "simd/gemm_kernels.h"
#include "simd/l2norm_kernels.h"
#include "simd/lrn_kernels.h"
#include "simd/nchw_norm_kernels.h"
#include "simd/nchw_pooling_kernels.h"
#include "simd/normalize_channels_kernels.h"
#include "simd/optimiser_kernels.h"
#include "simd/pooling_kernels.h"
#include "simd/softmax_kernels.h"
#include "simd/transpose_kernels.h"
#include "simd/winograd_kernels.h"

struct dk_kernel_table {
    const char *name;
    int lanes; /* floats in a vector */
    struct dk_activation_kernels activation;
    struct dk_batchnorm_kernels batchnorm;
    struct dk_blas_kernels blas;
    struct dk_convolution_kernels convolution;
    struct dk_cost_kernels cost;
    struct dk_dropout_kernels dropout;
    struct dk_gemm_kernels gemm;
    struct dk_l2norm_kernels l2norm;
    struct dk_lrn_kernels lrn;
    struct dk_nchw_norm_kernels nchw_norm;
    struct dk_nchw_pooling_kernels nchw_pooling;
    struct dk_normalize_channels_kernels normalize_channels;
    struct dk_optimiser_kernels optimiser;
    struct dk_pooling_kernels pooling;
    struct dk_softmax_kernels softmax;
    struct dk_transpose_kernels transpose;
    struct dk_winograd_kernels winograd;
};

extern const struct dk_kernel_table dk_table_baseline;
#if defined(__x86_64__)
extern const struct dk_kernel_table dk_table_avx2;
extern const struct dk_kernel_table dk_table_avx512;
#endif

#endif

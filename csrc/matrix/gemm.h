/* Matrix product. */
#ifndef DK_MATRIX_GEMM_H
#define DK_MATRIX_GEMM_H

#include "dk_types.h"

/* [cffi begin] */
/* C = ALPHA op(A) op(B) + BETA C, row-major; op(A) is M x K, op(B) is K x N.
 *   A  [M][lda], or [K][lda] when TA != 0      read
 *   B  [K][ldb], or [N][ldb] when TB != 0      read
 *   C  [M][ldc]                                read unless BETA is 0, written
 * K = 0 leaves BETA C.  Threads: split over columns and rows; the bits do not depend on it.  Error
 * of a sum: about 4 eps sqrt(K) sum|a*b|.  Packs a part of A into at most 4.5 MiB (nothing when N
 * is small and TA is 0), which the calling thread keeps until it ends: DK_OUT_OF_MEMORY.
 * DK_BAD_SHAPE when a size is negative or a leading dimension too small.
 * Source: Darknet gemm.c gemm_cpu; blocking after Goto and van de Geijn (2008). */
enum dk_status dk_gemm_cpu(int TA, int TB, int64_t M, int64_t N, int64_t K, float ALPHA,
                           const float *A, int64_t lda, const float *B, int64_t ldb, float BETA,
                           float *C, int64_t ldc);
/* [cffi end] */

#endif

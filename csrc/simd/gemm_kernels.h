/* Contracts of the kernels of the matrix product. */
#ifndef DK_GEMM_KERNELS_H
#define DK_GEMM_KERNELS_H

#include <stdint.h>

/* c[i*c_stride + j] (+)= sum over k of a[k*rows + i] * b[k*lanes + j], i < rows, j < columns, where
 * lanes is columns rounded up to whole vectors; nothing else of c is touched. */
struct dk_gemm_tile {
    /* 1 <= rows <= tile_rows, 1 <= columns <= tile_vectors * lanes of a vector */
    int64_t depth, rows, columns;
    const float *a;
    float *b; /* only read unless `from` is given */
    float *c;
    int64_t c_stride;
    int from_c; /* add to c instead of overwriting it */
    /* NULL, or b has still to be packed: row k of it lies at from + k*from_stride.  Values go
     * through the registers that multiply with them, which takes no time of its own. */
    const float *from;
    int64_t from_stride;
    /* Two cache lines from prefetch + k*prefetch_stride are fetched into the second-level cache at
     * step k: what is read next.  Any address will do. */
    const float *prefetch;
    int64_t prefetch_stride;
};

/* c[i*c_stride + j] (+)= sum over k of a[i*a_stride + k] * b(k,j), i < rows, j < columns + extra:
 * the rows of a are read in place.  Of b, the columns (a whole number of vectors unless extra is 0)
 * are packed as above, the extra ones one after the other as extras[e*depth + k]; those are summed
 * lane by lane over k, in an order that depends on depth alone. */
struct dk_gemm_strip {
    /* 1 <= rows <= strip_rows, columns <= strip_vectors vectors, extra <= 4 */
    int64_t depth, rows, columns, extra;
    const float *a;
    int64_t a_stride;
    const float *b, *extras;
    float *c;
    int64_t c_stride;
    int from_c;
};

struct dk_gemm_kernels {
    int tile_rows, tile_vectors; /* largest register tile */
    void (*tile)(const struct dk_gemm_tile *t);
    int strip_rows, strip_vectors;
    void (*strip)(const struct dk_gemm_strip *s);
    /* Panels of `width` columns (a multiple of a vector's) one after the other, the last one as
     * many vectors wide as it needs: panel p is to[depth*p*width + k*lanes + j] = scale *
     * from[k*from_stride + p*width + j], k < depth, 0 in the lanes beyond the last column. */
    void (*pack)(int64_t depth, int64_t columns, const float *from, int64_t from_stride,
                 float scale, int64_t width, float *to);
};

#endif

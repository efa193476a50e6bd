/* The register tile is that of convolution: rows of A are its pixels, a panel of columns of B its filters.  A job
 * packs a few panels of B for a chunk of K (they fit the second-level cache) and runs all its rows of A over them,
 * read in place and once for all panels; a transposed A is copied to rows first. */
#include "kernels/gemm.h"

#include "dispatch.h"
#include "threads.h"

#include <stdlib.h>
#include <string.h>

enum {
    CHUNK = 256,             /* of K */
    PANEL = 64,              /* widest panel of any variant */
    GROUP = 4,               /* panels of a job */
    COPY = 1 << 19,          /* floats of a transposed A at a time: 2 MiB */
    JOBS_PER_THREAD = 3,
    SMALL = 1 << 16          /* multiply-adds in all below which one thread does them */
};

struct product {
    int64_t rows, columns, depth, width, group, row_step, row_jobs;  /* group: columns of a job */
    float alpha;
    const float *a, *b;
    int64_t a_stride, b_row, b_column;  /* floats between rows of A; between rows and columns of op(B) */
    float *c;
    int64_t c_stride;
    int from_c;                         /* add to C instead of overwriting it */
};

/* packed[k][lanes] = alpha * op(B)[k0+k][n0+..], the lanes from `columns` on 0. */
static void pack_panel(const struct product *p, int64_t k0, int64_t depth, int64_t n0, int64_t columns, int64_t lanes,
                       float *packed) {
    const struct dk_matrix_kernels *matrix = &dk_kernels()->matrix;
    const float *b = p->b + k0 * p->b_row + n0 * p->b_column;
    if (p->b_column == 1)
        matrix->copy(depth, columns, b, p->b_row, p->alpha, packed, lanes);
    else
        matrix->transpose(columns, depth, b, p->b_column, p->alpha, packed, lanes);
    for (int64_t k = 0; k < depth && columns < lanes; k++)
        memset(packed + k * lanes + columns, 0, sizeof(float) * (size_t)(lanes - columns));
}

static void run_jobs(const void *args, int64_t begin, int64_t end, int worker) {
    const struct product *p = args;
    const struct dk_kernel_table *table = dk_kernels();
    const int64_t tile = table->convolution.tile_pixels, first = 0;
    float packed[CHUNK * PANEL * GROUP] __attribute__((aligned(64)));
    (void)worker;
    for (int64_t job = begin; job < end; job++) {
        const int64_t n0 = job / p->row_jobs * p->group, n1 = DK_MIN(p->columns, n0 + p->group);
        const int64_t m0 = job % p->row_jobs * p->row_step, m1 = DK_MIN(p->rows, m0 + p->row_step);
        const int64_t blocks = (m1 - m0 + tile - 1) / tile, chunks = (p->depth + CHUNK - 1) / CHUNK;
        for (int64_t chunk = 0; chunk < chunks; chunk++) {
            int64_t k0 = chunk * p->depth / chunks, k1 = (chunk + 1) * p->depth / chunks;
            for (int64_t n = n0; n < n1; n += p->width) {
                int64_t columns = DK_MIN(p->width, n1 - n);
                int64_t lanes = (columns + table->lanes - 1) / table->lanes * table->lanes;
                pack_panel(p, k0, k1 - k0, n, columns, lanes, packed + (n - n0) * (k1 - k0));
            }
            for (int64_t block = 0; block < blocks; block++) {
                const float *rows[DK_TILE_PIXELS_MAX];
                int64_t pixel[DK_TILE_PIXELS_MAX];
                int64_t from = m0 + block * (m1 - m0) / blocks, to = m0 + (block + 1) * (m1 - m0) / blocks;
                for (int64_t m = from; m < to; m++) {
                    rows[m - from] = p->a + m * p->a_stride + k0;
                    pixel[m - from] = m;
                }
                for (int64_t n = n0; n < n1; n += p->width) {
                    struct dk_convolution_tile t = {
                        .taps = 1, .run = k1 - k0, .rows = rows, .first = &first,
                        .weights = packed + (n - n0) * (k1 - k0), .pixels = to - from,
                        .filters = DK_MIN(p->width, n1 - n), .pixel = pixel,
                        .out = {.y = p->c + n, .y_stride = p->c_stride, .from_y = p->from_c || chunk > 0},
                    };
                    table->convolution.forward(&t);
                }
            }
        }
    }
}

static int64_t ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

/* Jobs: groups of panels as long as that is enough work for all threads; then single panels, then parts of the rows
 * (few, as each packs its panels again). */
static void multiply(struct product *p) {
    const struct dk_kernel_table *table = dk_kernels();
    const int64_t tile = table->convolution.tile_pixels, threads = dk_get_num_threads();
    const int64_t wanted = threads == 1 ? 1 : threads * JOBS_PER_THREAD;
    p->width = (int64_t)table->lanes * table->convolution.panel_vectors;
    const int64_t panels = ceil_div(p->columns, p->width);
    p->group = p->width * DK_MAX(1, DK_MIN(GROUP, panels / wanted));
    const int64_t groups = ceil_div(p->columns, p->group);
    const int64_t parts = DK_MIN(ceil_div(wanted, groups), ceil_div(p->rows, 4 * tile));
    p->row_step = ceil_div(ceil_div(p->rows, parts), tile) * tile;
    p->row_jobs = ceil_div(p->rows, p->row_step);
    int64_t jobs = groups * p->row_jobs;
    dk_parallel_for(jobs, p->rows * p->columns * p->depth < SMALL ? jobs : 1, run_jobs, p);
}

struct transposition {
    const float *from;
    int64_t stride, depth;
    float *to;
};

static void copy_rows(const void *args, int64_t begin, int64_t end, int worker) {
    const struct transposition *t = args;
    (void)worker;
    dk_kernels()->matrix.transpose(t->depth, end - begin, t->from + begin, t->stride, 1, t->to + begin * t->depth,
                                   t->depth);
}

static void scale_rows(const struct product *p, float beta) {
    for (int64_t m = 0; m < p->rows; m++)
        for (int64_t n = 0; n < p->columns; n++)
            p->c[m * p->c_stride + n] = beta == 0 ? 0 : beta * p->c[m * p->c_stride + n];
}

enum dk_status dk_gemm_cpu(int TA, int TB, int64_t M, int64_t N, int64_t K, float ALPHA, const float *A, int64_t lda,
                           const float *B, int64_t ldb, float BETA, float *C, int64_t ldc) {
    if (M < 0 || N < 0 || K < 0 || lda < DK_MAX(1, TA ? M : K) || ldb < DK_MAX(1, TB ? K : N) || ldc < DK_MAX(1, N))
        return DK_BAD_SHAPE;
    if (M == 0 || N == 0)
        return DK_OK;
    if (!C || (K > 0 && (!A || !B)))
        return DK_BAD_ARGUMENT;
    struct product p = {.rows = M, .columns = N, .depth = K, .alpha = ALPHA, .a = A, .b = B, .a_stride = lda,
                        .b_row = TB ? 1 : ldb, .b_column = TB ? ldb : 1, .c = C, .c_stride = ldc,
                        .from_c = BETA != 0};
    /* K in steps, so that the copy of a transposed A stays small. */
    const int64_t step = TA ? DK_MAX(1, DK_MIN(CHUNK, COPY / M)) : DK_MAX(1, K);
    float *copy = TA && K > 0 ? malloc(sizeof(float) * (size_t)(M * DK_MIN(step, K))) : NULL;
    if (TA && K > 0 && !copy)
        return DK_OUT_OF_MEMORY;
    if (K == 0 || (BETA != 0 && BETA != 1))
        scale_rows(&p, BETA);
    for (int64_t k0 = 0; k0 < K; k0 += step) {
        p.depth = DK_MIN(step, K - k0);
        p.b = B + k0 * p.b_row;
        if (TA) {
            struct transposition t = {A + k0 * lda, lda, p.depth, copy};
            dk_parallel_for(M, 64, copy_rows, &t);
            p.a = copy;
            p.a_stride = p.depth;
        } else {
            p.a = A + k0;
        }
        multiply(&p);
        p.from_c = 1;
    }
    free(copy);
    return DK_OK;
}

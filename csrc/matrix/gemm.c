/* The matrix product, in blocks after Goto and van de Geijn.
 *
 * For a chunk of K and as many rows of A as stay in the third-level cache, A is packed once for all
 * threads, in blocks of a register tile's rows.  A job runs its blocks of A, one after the other in
 * the first-level cache, over a few panels of columns of B, which the first block packs, for the
 * others to find them in the second-level cache. */
#include "matrix/gemm.h"

#include "dispatch.h"
#include "threads.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK = 704,       /* products of a sum per pass; with longer ones C is read less often */
    WHOLE = 1024,      /* longest K that is one chunk */
    PANEL = 32,        /* widest panel of any variant */
    GROUP = 4,         /* panels of a job */
    STRIP_PANELS = 4,  /* with columns at most, A is read in place */
    STRIP = 48,        /* widest panel of those */
    STRIP_CHUNK = 576, /* CHUNK of strips */
    FEW = 4,           /* most columns beyond whole vectors that are dot products */
    ROWS = 2048,       /* rows of A packed at a time */
    JOBS_PER_THREAD = 3,
    ROWS_PER_JOB = 48, /* fewest rows of a job: each job packs its panels */
    PAGE = 1024,    /* floats; rows of B a multiple of it apart evict each other from the caches */
    SMALL = 1 << 16 /* multiply-adds in all below which one thread does them */
};

struct product {
    int64_t rows, columns, depth;  /* this step's part of M, N and K */
    int64_t blocks, width, group;  /* row blocks; columns of a panel and of a job */
    int64_t row_jobs, next_groups; /* next_groups: from a job to its thread's next one */
    float alpha;
    const float *a, *b;
    /* floats between rows and columns of op(A) and op(B): one of each is 1 */
    int64_t a_row, a_column, b_row, b_column;
    float *packed; /* op(A): block by block, [depth][rows of the block] */
    float *c;
    int64_t c_stride;
    int from_c; /* add to C instead of overwriting it */
};

/* Memory for packing stays with the thread that asked for it, until that ends: fresh
 * pages, which the C library may fetch and give back with every call, cost up to a tenth
 * of a product of 1024^3. */
struct memory {
    size_t size;
    float values[] __attribute__((aligned(64)));
};

static pthread_key_t memory_key;
static int is_memory_kept;

__attribute__((constructor)) static void make_memory_key(void) {
    is_memory_kept = pthread_key_create(&memory_key, free) == 0;
}

/* `count` floats, or NULL; then give_memory. */
static struct memory *take_memory(int64_t count) {
    const size_t size = sizeof(float) * (size_t)count;
    struct memory *kept = is_memory_kept ? pthread_getspecific(memory_key) : NULL;
    if (kept && kept->size >= size)
        return kept;
    struct memory *fresh;
    if (posix_memalign((void **)&fresh, 64, sizeof *fresh + size))
        return NULL;
    fresh->size = size;
    if (is_memory_kept && pthread_setspecific(memory_key, fresh) == 0)
        free(kept);
    return fresh;
}

static void give_memory(struct memory *memory) {
    if (!is_memory_kept || pthread_getspecific(memory_key) != memory)
        free(memory);
}

static int64_t ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

static int64_t first_row(const struct product *p, int64_t block) {
    return block * p->rows / p->blocks;
}

/* Columns beyond whole vectors, when they are so few that dot products are faster
 * than one more vector. */
static int64_t few_columns(const struct product *p) {
    const int64_t lanes = dk_kernels()->lanes, rest = p->columns % lanes;
    return rest <= DK_MIN(FEW, lanes / 4) ? rest : 0;
}

static void pack_blocks(const void *args, int64_t begin, int64_t end, int worker) {
    const struct product *p = args;
    const struct dk_transpose_kernels *kernels = &dk_kernels()->transpose;
    (void)worker;
    for (int64_t block = begin; block < end; block++) {
        const int64_t m = first_row(p, block), rows = first_row(p, block + 1) - m;
        float *to = p->packed + m * p->depth;
        if (p->a_column == 1)
            kernels->transpose(rows, p->depth, p->a + m * p->a_row, p->a_row, p->alpha, to, rows);
        else
            kernels->copy(p->depth, rows, p->a + m, p->a_column, p->alpha, to, rows);
    }
}

/* Panels of op(B)'s columns n .. n + columns - 1, times `scale`, as gemm.pack lays them. */
static void pack_panels(const struct product *p, int64_t n, int64_t columns, float scale,
                        float *packed) {
    const struct dk_kernel_table *table = dk_kernels();
    const float *b = p->b + n * p->b_column;
    if (p->b_column == 1) {
        table->gemm.pack(p->depth, columns, b, p->b_row, scale, p->width, packed);
        return;
    }
    for (int64_t i = 0; i < columns; i += p->width) {
        const int64_t count = DK_MIN(p->width, columns - i),
                      lanes = ceil_div(count, table->lanes) * table->lanes;
        float *panel = packed + i * p->depth;
        table->transpose.transpose(count, p->depth, b + i * p->b_column, p->b_column, scale, panel,
                                   lanes);
        for (int64_t k = 0; k < p->depth && count < lanes; k++)
            memset(panel + k * lanes + count, 0, sizeof(float) * (size_t)(lanes - count));
    }
}

static void run_jobs(const void *args, int64_t begin, int64_t end, int worker) {
    const struct product *p = args;
    const struct dk_kernel_table *table = dk_kernels();
    float packed[WHOLE * PANEL * GROUP] __attribute__((aligned(64)));
    /* Whether op(B) is packed by the tiles that use it first, from lines that earlier
     * tiles have fetched. */
    const int is_spread = p->b_column == 1 && p->b_row % PAGE != 0;
    (void)worker;
    for (int64_t job = begin; job < end; job++) {
        const int64_t n0 = job / p->row_jobs * p->group, n1 = DK_MIN(p->columns, n0 + p->group);
        const int64_t part = job % p->row_jobs;
        const int64_t block0 = part * p->blocks / p->row_jobs,
                      block1 = (part + 1) * p->blocks / p->row_jobs;
        if (!is_spread)
            pack_panels(p, n0, n1 - n0, 1, packed);
        for (int64_t block = block0; block < block1; block++) {
            const int64_t m = first_row(p, block);
            struct dk_gemm_tile t = {
                .depth = p->depth,
                .rows = first_row(p, block + 1) - m,
                .a = p->packed + m * p->depth,
                .c_stride = p->c_stride,
                .from_c = p->from_c,
            };
            for (int64_t n = n0; n < n1; n += p->width) {
                t.columns = DK_MIN(p->width, n1 - n);
                t.b = packed + (n - n0) * p->depth;
                t.c = p->c + m * p->c_stride + n;
                t.prefetch = t.b;
                t.prefetch_stride = 0;
                t.from = is_spread && block == block0 ? p->b + n : NULL;
                t.from_stride = p->b_row;
                const int64_t next = n + p->next_groups * p->group;
                if (n == n0 &&
                    block + 1 < block1) { /* the first panel's tile fetches the next block */
                    t.prefetch = t.a + t.rows * p->depth;
                    t.prefetch_stride = t.rows;
                } else if (is_spread && block == block1 - 1 && next + t.columns <= p->columns) {
                    /* the last block's tiles fetch what is probably this thread's next job */
                    t.prefetch = p->b + next;
                    t.prefetch_stride = p->b_row;
                }
                table->gemm.tile(&t);
            }
        }
    }
}

/* Jobs: groups of panels as long as that is enough work for all threads; then single panels, then
 * parts of the rows (few, as each packs its panels again). */
static void multiply(struct product *p) {
    const struct dk_kernel_table *table = dk_kernels();
    const int64_t threads = dk_get_num_threads(),
                  wanted = threads == 1 ? 1 : threads * JOBS_PER_THREAD;
    const int serial = p->rows * p->columns * p->depth < SMALL;
    p->width = (int64_t)table->lanes * table->gemm.tile_vectors;
    p->group = p->width * DK_MAX(1, DK_MIN(GROUP, ceil_div(p->columns, p->width) / wanted));
    p->blocks = ceil_div(p->rows, table->gemm.tile_rows);
    const int64_t groups = ceil_div(p->columns, p->group);
    p->row_jobs = DK_MIN(ceil_div(wanted, groups), ceil_div(p->rows, ROWS_PER_JOB));
    p->row_jobs = DK_MIN(p->row_jobs, p->blocks);
    const int64_t jobs = groups * p->row_jobs;
    p->next_groups = ceil_div(threads, p->row_jobs);
    dk_parallel_for(p->blocks, serial ? p->blocks : ceil_div(p->blocks, threads), pack_blocks, p);
    dk_parallel_for(jobs, serial ? jobs : 1, run_jobs, p);
}

/* The product for at most STRIP_PANELS panels of columns, whose few multiply-adds per value of A do
 * not repay packing it: a job runs its rows of A, in place, over all panels of a chunk of K. */
static void run_strips(const void *args, int64_t begin, int64_t end, int worker) {
    const struct product *p = args;
    const struct dk_kernel_table *table = dk_kernels();
    const int64_t extra = few_columns(p), columns = p->columns - extra,
                  panels = ceil_div(columns, p->width);
    const int64_t chunks = ceil_div(p->depth, STRIP_CHUNK);
    float packed[STRIP_CHUNK * (STRIP_PANELS * STRIP + FEW)] __attribute__((aligned(64)));
    (void)worker;
    for (int64_t chunk = 0; chunk < chunks; chunk++) {
        const int64_t k = chunk * p->depth / chunks;
        struct product part = *p;
        part.depth = (chunk + 1) * p->depth / chunks - k;
        part.b += k * p->b_row;
        float *extras = packed + panels * p->width * part.depth;
        pack_panels(&part, 0, columns, p->alpha, packed);
        for (int64_t e = 0; e < extra; e++)
            for (int64_t i = 0; i < part.depth; i++)
                extras[e * part.depth + i] =
                    p->alpha * part.b[i * p->b_row + (columns + e) * p->b_column];
        for (int64_t m = begin; m < end; m += table->gemm.strip_rows)
            for (int64_t n = 0; n == 0 || n < columns; n += p->width) {
                const int is_last = n + p->width >= columns;
                struct dk_gemm_strip s = {
                    .depth = part.depth,
                    .rows = DK_MIN(table->gemm.strip_rows, end - m),
                    .columns = DK_MIN(p->width, columns - n),
                    .extra = is_last ? extra : 0,
                    .a = p->a + m * p->a_row + k,
                    .a_stride = p->a_row,
                    .b = packed + n * part.depth,
                    .extras = extras,
                    .c = p->c + m * p->c_stride + n,
                    .c_stride = p->c_stride,
                    .from_c = p->from_c || chunk > 0,
                };
                table->gemm.strip(&s);
            }
    }
}

/* Whether A is better left where it is. */
static int is_narrow(const struct product *p) {
    const struct dk_kernel_table *table = dk_kernels();
    return p->a_column == 1 &&
           p->columns - few_columns(p) <= STRIP_PANELS * table->lanes * table->gemm.strip_vectors;
}

static void multiply_strips(struct product *p) {
    const struct dk_kernel_table *table = dk_kernels();
    const int64_t threads = dk_get_num_threads(), rows = table->gemm.strip_rows;
    p->width = (int64_t)table->lanes * table->gemm.strip_vectors;
    const int64_t jobs = p->rows * p->columns * p->depth < SMALL ? 1 : threads;
    dk_parallel_for(p->rows, ceil_div(ceil_div(p->rows, jobs), rows) * rows, run_strips, p);
}

static void scale_rows(const struct product *p, float beta) {
    for (int64_t m = 0; m < p->rows; m++)
        for (int64_t n = 0; n < p->columns; n++)
            p->c[m * p->c_stride + n] = beta == 0 ? 0 : beta * p->c[m * p->c_stride + n];
}

enum dk_status dk_gemm_cpu(int TA, int TB, int64_t M, int64_t N, int64_t K, float ALPHA,
                           const float *A, int64_t lda, const float *B, int64_t ldb, float BETA,
                           float *C, int64_t ldc) {
    if (M < 0 || N < 0 || K < 0 || lda < DK_MAX(1, TA ? M : K) || ldb < DK_MAX(1, TB ? K : N) ||
        ldc < DK_MAX(1, N))
        return DK_BAD_SHAPE;
    if (M == 0 || N == 0)
        return DK_OK;
    if (!C || (K > 0 && (!A || !B)))
        return DK_BAD_ARGUMENT;
    struct product p = {.rows = M,
                        .columns = N,
                        .alpha = ALPHA,
                        .a_row = TA ? 1 : lda,
                        .a_column = TA ? lda : 1,
                        .b_row = TB ? 1 : ldb,
                        .b_column = TB ? ldb : 1,
                        .c = C,
                        .c_stride = ldc};
    if (K == 0 || (BETA != 0 && BETA != 1))
        scale_rows(&p, BETA);
    if (K == 0)
        return DK_OK;
    if (is_narrow(&p)) {
        p.depth = K;
        p.a = A;
        p.b = B;
        p.from_c = BETA != 0;
        multiply_strips(&p);
        return DK_OK;
    }
    const int64_t chunks = K <= WHOLE ? 1 : ceil_div(K, CHUNK), parts = ceil_div(M, ROWS);
    struct memory *memory = take_memory(ceil_div(M, parts) * ceil_div(K, chunks));
    if (!memory)
        return DK_OUT_OF_MEMORY;
    p.packed = memory->values;
    for (int64_t part = 0; part < parts; part++) {
        const int64_t m = part * M / parts;
        p.rows = (part + 1) * M / parts - m;
        p.c = C + m * ldc;
        for (int64_t chunk = 0; chunk < chunks; chunk++) {
            const int64_t k = chunk * K / chunks;
            p.depth = (chunk + 1) * K / chunks - k;
            p.a = A + m * p.a_row + k * p.a_column;
            p.b = B + k * p.b_row;
            p.from_c = BETA != 0 || chunk > 0;
            multiply(&p);
        }
    }
    give_memory(memory);
    return DK_OK;
}

/* Darknet's element-wise kernels on vectors, with any increments. */
#include "kernels/blas.h"

#include "dispatch.h"
#include "streaming.h"
#include "threads.h"

#include <math.h>

/* Values per chunk, 128 KiB of each array. */
enum { GRAIN = 1 << 15 };

/* Up to two arrays read (x, then w) and one written (y), in Darknet's argument
 * order of each function. */
struct elements {
    const float *x, *w;
    float *y;
    int64_t incx, incy;
    float alpha, beta;
    int is_streamed;
};

/* A body for increments of 1, `vectors`, on n values at x, w and y, and one for a
 * single value, `element`. */
#define ELEMENTS_BODY(name, vectors, element)                                                      \
    static void name##_vectors(const void *args, int is_streamed, int64_t first, int64_t n) {      \
        const struct elements *a = args;                                                           \
        const struct dk_blas_kernels *blas = &dk_kernels()->blas;                                  \
        const float *x = a->x + first, *w = a->w + first;                                          \
        float *y = a->y + first;                                                                   \
        (void)is_streamed, (void)x, (void)w;                                                       \
        vectors;                                                                                   \
    }                                                                                              \
    static void name(const void *args, int64_t begin, int64_t end, int worker) {                   \
        const struct elements *a = args;                                                           \
        const struct dk_blas_kernels *blas = &dk_kernels()->blas;                                  \
        (void)worker, (void)blas;                                                                  \
        if (a->incx == 1 && a->incy == 1) {                                                        \
            dk_compute(a->y, a->is_streamed, begin, end, name##_vectors, a);                       \
            dk_stream_end(a->is_streamed);                                                         \
            return;                                                                                \
        }                                                                                          \
        for (int64_t i = begin; i < end; i++) {                                                    \
            const float *x = a->x + i * a->incx;                                                   \
            float *y = a->y + i * a->incy;                                                         \
            (void)x;                                                                               \
            element;                                                                               \
        }                                                                                          \
    }

ELEMENTS_BODY(fill_body, blas->fill(n, a->alpha, y), *y = a->alpha)
ELEMENTS_BODY(copy_body, blas->scale(is_streamed, n, 1, x, y), *y = *x)
ELEMENTS_BODY(mul_body, blas->mul(is_streamed, n, x, w, y), *y *= *x)
ELEMENTS_BODY(pow_body, blas->power(is_streamed, n, a->alpha, x, y),
              blas->power(0, 1, a->alpha, x, y))
ELEMENTS_BODY(axpy_body, blas->weighted(is_streamed, n, a->beta, w, a->alpha, x, y),
              *y += a->alpha * *x)
ELEMENTS_BODY(affine_body, blas->affine(is_streamed, n, a->alpha, a->beta, x, y),
              *y = a->alpha * *x + a->beta)
ELEMENTS_BODY(constrain_body, blas->clamp(is_streamed, n, a->alpha, x, y),
              blas->clamp(0, 1, a->alpha, x, y))
ELEMENTS_BODY(finite_body, blas->make_finite(is_streamed, n, x, y), blas->make_finite(0, 1, x, y))
ELEMENTS_BODY(sign_body, blas->sign(is_streamed, n, a->alpha, x, y),
              blas->sign(0, 1, a->alpha, x, y))

static enum dk_status run(int64_t n, struct elements args, dk_range_fn body) {
    if (n < 0)
        return DK_BAD_SHAPE;
    if (args.incx < 0 || args.incy < 1)
        return DK_BAD_ARGUMENT;
    const struct dk_streams arrays = {{args.x, args.w}, {args.y}};
    args.is_streamed = dk_is_streamed(n, &arrays);
    dk_parallel_for(n, args.is_streamed ? DK_STREAM_GRAIN : GRAIN, body, &args);
    return DK_OK;
}

static struct elements from(const float *x, int64_t incx, float *y, int64_t incy, float alpha,
                            float beta) {
    return (struct elements){
        .x = x, .w = y, .y = y, .incx = incx, .incy = incy, .alpha = alpha, .beta = beta};
}

/* As `from`, with y no input. */
static struct elements onto(const float *x, int64_t incx, float *y, int64_t incy, float alpha,
                            float beta) {
    struct elements args = from(x, incx, y, incy, alpha, beta);
    args.w = x;
    return args;
}

enum dk_status dk_fill_cpu(int64_t n, float alpha, float *x, int64_t incx) {
    return run(n, from(x, incx, x, incx, alpha, 0), fill_body);
}

enum dk_status dk_const_cpu(int64_t n, float alpha, float *x, int64_t incx) {
    return dk_fill_cpu(n, alpha, x, incx);
}

enum dk_status dk_copy_cpu(int64_t n, const float *x, int64_t incx, float *y, int64_t incy) {
    return run(n, onto(x, incx, y, incy, 0, 0), copy_body);
}

enum dk_status dk_mul_cpu(int64_t n, const float *x, int64_t incx, float *y, int64_t incy) {
    return run(n, from(x, incx, y, incy, 0, 0), mul_body);
}

enum dk_status dk_pow_cpu(int64_t n, float alpha, const float *x, int64_t incx, float *y,
                          int64_t incy) {
    return run(n, onto(x, incx, y, incy, alpha, 0), pow_body);
}

enum dk_status dk_axpy_cpu(int64_t n, float alpha, const float *x, int64_t incx, float *y,
                           int64_t incy) {
    return run(n, from(x, incx, y, incy, alpha, 1), axpy_body);
}

enum dk_status dk_scal_cpu(int64_t n, float alpha, float *x, int64_t incx) {
    return dk_scal_add_cpu(n, alpha, 0, x, incx);
}

enum dk_status dk_scal_add_cpu(int64_t n, float alpha, float beta, float *x, int64_t incx) {
    return run(n, from(x, incx, x, incx, alpha, beta), affine_body);
}

enum dk_status dk_constrain_cpu(int64_t size, float alpha, float *x) {
    return run(size, from(x, 1, x, 1, alpha, 0), constrain_body);
}

enum dk_status dk_fix_nan_and_inf_cpu(float *x, int64_t size) {
    return run(size, from(x, 1, x, 1, 0, 0), finite_body);
}

enum dk_status dk_binarize_cpu(const float *x, int64_t n, float *binary) {
    return run(n, onto(x, 1, binary, 1, 1, 0), sign_body);
}

/* ---- the same with an output of its own ---- */

enum dk_status dk_product(int64_t n, const float *x, const float *y, float *out) {
    struct elements args = onto(x, 1, out, 1, 0, 0);
    args.w = y;
    return run(n, args, mul_body);
}

enum dk_status dk_combine(int64_t n, float s, const float *a, float t, const float *b, float *out) {
    struct elements args = onto(b, 1, out, 1, t, s);
    args.w = a;
    return run(n, args, axpy_body);
}

enum dk_status dk_affine(int64_t n, float alpha, float beta, const float *x, float *out) {
    return run(n, onto(x, 1, out, 1, alpha, beta), affine_body);
}

enum dk_status dk_constrain(int64_t n, float alpha, const float *x, float *out) {
    return run(n, onto(x, 1, out, 1, alpha, 0), constrain_body);
}

enum dk_status dk_make_finite(int64_t n, const float *x, float *out) {
    return run(n, onto(x, 1, out, 1, 0, 0), finite_body);
}

/* ---- dot: at most PARTS partial sums, whose borders depend on n alone ---- */

enum { PARTS = 256 };

struct dot {
    const float *x, *y;
    int64_t n, incx, incy, part;
    double *sums;
};

static void dot_parts(const void *args, int64_t begin, int64_t end, int worker) {
    const struct dot *a = args;
    (void)worker;
    for (int64_t p = begin; p < end; p++) {
        int64_t first = p * a->part, count = DK_MIN(a->part, a->n - first);
        const float *x = a->x + first * a->incx, *y = a->y + first * a->incy;
        if (a->incx != 1 || a->incy != 1) {
            a->sums[p] = 0;
            for (int64_t i = 0; i < count; i++)
                a->sums[p] += (double)x[i * a->incx] * y[i * a->incy];
        } else if (x == y) {
            dk_kernels()->nchw_norm.moments(count, x, 0, NULL, a->sums + p);
        } else {
            dk_kernels()->nchw_norm.sums(count, x, y, 0, NULL, a->sums + p);
        }
    }
}

enum dk_status dk_dot_cpu(int64_t n, const float *x, int64_t incx, const float *y, int64_t incy,
                          float *sum) {
    if (n < 0)
        return DK_BAD_SHAPE;
    if (incx < 0 || incy < 0)
        return DK_BAD_ARGUMENT;
    double sums[PARTS];
    struct dot args = {x, y, n, incx, incy, DK_MAX(GRAIN, (n + PARTS - 1) / PARTS), sums};
    int64_t parts = (n + args.part - 1) / args.part;
    dk_parallel_for(parts, 1, dot_parts, &args);
    double total = 0;
    for (int64_t p = 0; p < parts; p++)
        total += sums[p];
    *sum = (float)total;
    return DK_OK;
}

/* ---- three and more arrays ---- */

struct blend {
    const float *a, *b, *s, *dc;
    float *da, *db, *out;
    int is_streamed;
};

static void mult_add_body(const void *args, int64_t begin, int64_t end, int worker) {
    const struct blend *k = args;
    (void)worker;
    dk_kernels()->blas.mult_add(end - begin, k->a + begin, k->b + begin, k->out + begin);
}

enum dk_status dk_mult_add_into_cpu(int64_t n, const float *x, const float *y, float *z) {
    if (n < 0)
        return DK_BAD_SHAPE;
    struct blend args = {.a = x, .b = y, .out = z};
    dk_parallel_for(n, GRAIN, mult_add_body, &args);
    return DK_OK;
}

static void weighted_sum_vectors(const void *args, int is_streamed, int64_t first, int64_t n) {
    const struct blend *k = args;
    dk_kernels()->blas.weighted_sum(is_streamed, n, k->a + first, k->b ? k->b + first : NULL,
                                    k->s + first, k->out + first);
}

static void weighted_sum_body(const void *args, int64_t begin, int64_t end, int worker) {
    const struct blend *k = args;
    (void)worker;
    dk_compute(k->out, k->is_streamed, begin, end, weighted_sum_vectors, k);
    dk_stream_end(k->is_streamed);
}

enum dk_status dk_weighted_sum_cpu(const float *a, const float *b, const float *s, int64_t n,
                                   float *c) {
    if (n < 0)
        return DK_BAD_SHAPE;
    struct blend args = {.a = a,
                         .b = b,
                         .s = s,
                         .out = c,
                         .is_streamed = n >= DK_STREAM_FROM && c != a && c != b && c != s};
    dk_parallel_for(n, args.is_streamed ? DK_STREAM_GRAIN : GRAIN, weighted_sum_body, &args);
    return DK_OK;
}

static void weighted_delta_body(const void *args, int64_t begin, int64_t end, int worker) {
    const struct blend *k = args;
    (void)worker;
    dk_kernels()->blas.weighted_delta(end - begin, k->a + begin, k->b + begin, k->s + begin,
                                      k->da ? k->da + begin : NULL, k->db ? k->db + begin : NULL,
                                      k->out + begin, k->dc + begin);
}

enum dk_status dk_weighted_delta_cpu(const float *a, const float *b, const float *s, float *da,
                                     float *db, float *ds, int64_t n, const float *dc) {
    if (n < 0)
        return DK_BAD_SHAPE;
    struct blend args = {.a = a, .b = b, .s = s, .dc = dc, .da = da, .db = db, .out = ds};
    dk_parallel_for(n, GRAIN, weighted_delta_body, &args);
    return DK_OK;
}

struct interleave {
    int64_t nx, ny;
    float *x, *y, *out;
    int is_adding_to_parts;
};

/* Items are blocks of GRAIN values of one image's x or y. */
static int64_t blocks_of(int64_t n) {
    return (n + GRAIN - 1) / GRAIN;
}

static void interleave_blocks(const void *args, int64_t begin, int64_t end, int worker) {
    const struct interleave *a = args;
    const struct dk_blas_kernels *blas = &dk_kernels()->blas;
    int64_t blocks_x = blocks_of(a->nx), blocks = blocks_x + blocks_of(a->ny);
    (void)worker;
    for (int64_t item = begin; item < end; item++) {
        int64_t b = item / blocks, block = item % blocks;
        int is_x = block < blocks_x;
        int64_t first = (is_x ? block : block - blocks_x) * GRAIN, n = is_x ? a->nx : a->ny;
        float *part = is_x ? a->x : a->y,
              *joined = a->out + b * (a->nx + a->ny) + (is_x ? 0 : a->nx) + first;
        if (!part)
            continue;
        part += b * n + first;
        if (a->is_adding_to_parts)
            blas->axpy(DK_MIN(GRAIN, n - first), 1, joined, part);
        else
            blas->scale(0, DK_MIN(GRAIN, n - first), 1, part, joined);
    }
}

static enum dk_status interleave(int64_t batch, struct interleave args) {
    if (args.nx < 0 || args.ny < 0 || batch < 0)
        return DK_BAD_SHAPE;
    int64_t grain = DK_MAX(1, GRAIN / DK_MAX(1, args.nx + args.ny));
    dk_parallel_for(batch * (blocks_of(args.nx) + blocks_of(args.ny)), grain, interleave_blocks,
                    &args);
    return DK_OK;
}

enum dk_status dk_inter_cpu(int64_t nx, const float *x, int64_t ny, const float *y, int64_t batch,
                            float *out) {
    return interleave(batch, (struct interleave){nx, ny, (float *)x, (float *)y, out, 0});
}

enum dk_status dk_deinter_cpu(int64_t nx, float *x, int64_t ny, float *y, int64_t batch,
                              const float *out) {
    return interleave(batch, (struct interleave){nx, ny, x, y, (float *)out, 1});
}

/* ---- binary weights and inputs ---- */

struct binarize {
    const float *x;
    int64_t n, size;
    float *binary;
};

static void binarize_filters(const void *args, int64_t begin, int64_t end, int worker) {
    const struct binarize *a = args;
    const struct dk_blas_kernels *blas = &dk_kernels()->blas;
    (void)worker;
    for (int64_t f = begin; f < end; f++) {
        const float *x = a->x + f * a->size;
        blas->sign(0, a->size, blas->sum_abs(a->size, x) / (float)a->size, x,
                   a->binary + f * a->size);
    }
}

enum dk_status dk_binarize_weights(const float *weights, int64_t n, int64_t size, float *binary) {
    if (n < 0 || size < 1)
        return DK_BAD_SHAPE;
    struct binarize args = {weights, n, size, binary};
    dk_parallel_for(n, DK_MAX(1, GRAIN / size), binarize_filters, &args);
    return DK_OK;
}

/* A stretch of positions at a time, whose means stay in the first-level cache. */
enum { POSITIONS = 256 };

static void binarize_positions(const void *args, int64_t begin, int64_t end, int worker) {
    const struct binarize *a = args;
    float mean[POSITIONS] = {0};
    (void)worker;
    for (int64_t f = 0; f < a->n; f++)
        for (int64_t i = begin; i < end; i++)
            mean[i - begin] += fabsf(a->x[f * a->size + i]);
    for (int64_t i = begin; i < end; i++)
        mean[i - begin] /= (float)a->n;
    for (int64_t f = 0; f < a->n; f++)
        for (int64_t i = begin; i < end; i++)
            a->binary[f * a->size + i] =
                a->x[f * a->size + i] > 0 ? mean[i - begin] : -mean[i - begin];
}

enum dk_status dk_binarize_input(const float *x, int64_t n, int64_t size, float *binary) {
    if (n < 1 || size < 0)
        return DK_BAD_SHAPE;
    struct binarize args = {x, n, size, binary};
    dk_parallel_for(size, POSITIONS, binarize_positions, &args);
    return DK_OK;
}

/* What the machine can do at most: multiply-adds per second, and bytes per second of streams that
 * read r arrays and write w.  Built by contenders/machine_limit.py with cc -O3 -march=native
 * -fopenmp; darkpy does not need it. */
#include <stdint.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
enum { LANES = 16 };
#elif defined(__AVX__)
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif
typedef float vector __attribute__((vector_size(LANES * 4)));
enum { BLOCK = 4 * LANES };

/* Independent chains hide the latency of the multiply-add: 24 where there are 32
 * registers, else 12. */
#define TWELVE(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#if defined(__SSE2__) && !defined(__AVX512F__)
enum { CHAINS = 12 };
#define EACH(X) TWELVE(X)
#else
enum { CHAINS = 24 };
#define EACH(X) TWELVE(X) X(12) X(13) X(14) X(15) X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23)
#endif
#define DECLARE(i) vector v##i = factor + (float)i;
#if defined(__AVX512F__)
#define IN_REGISTER "+v"
#elif defined(__SSE2__)
#define IN_REGISTER "+x"
#else
#define IN_REGISTER "+w"
#endif
#define STEP(i)                                                                                    \
    v##i = v##i * factor + addend;                                                                 \
    __asm__ volatile("" : IN_REGISTER(v##i));
#define SUM(i) total += v##i;

/* Multiply-adds count as two operations; returns how many were done by all threads. */
double limits_fma(int64_t iterations, int threads, float *sink) {
    (void)threads; /* without OpenMP there is one */
    double operations = 0;
#pragma omp parallel num_threads(threads) reduction(+ : operations)
    {
        vector factor = (vector){0} + 0.999999f, addend = (vector){0} + 1e-7f, total = {0};
        EACH(DECLARE)
        for (int64_t k = 0; k < iterations; k++) {
            EACH(STEP)
        }
        EACH(SUM)
#pragma omp critical
        *sink += total[0];
        operations += 2.0 * LANES * CHAINS * (double)iterations;
    }
    return operations;
}

static inline vector load(const float *p) {
    vector v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

static inline void store(float *p, vector v, int streaming) {
#if defined(__AVX512F__)
    if (streaming) {
        _mm512_stream_ps(p, (__m512)v);
        return;
    }
#elif defined(__AVX__)
    if (streaming) {
        _mm256_stream_ps(p, (__m256)v);
        return;
    }
#elif defined(__SSE2__)
    if (streaming) {
        _mm_stream_ps(p, (__m128)v);
        return;
    }
#endif
    (void)streaming;
    __builtin_memcpy(p, &v, sizeof v);
}

/* Read `reads` (0..3) and write `writes` (0..2) arrays of `count` floats, all aligned to 64 bytes
 * and of different memory; count is a multiple of 64. */
static void stream(int reads, int writes, int streaming, float **in, float **out, int64_t first,
                   int64_t end, float *sink) {
    vector t0 = {0}, t1 = {0}, t2 = {0}, t3 = {0};
    for (int64_t i = first; i < end; i += BLOCK) {
        vector a = t0, b = t1, c = t2, d = t3;
        if (writes)
            a = b = c = d = (vector){0} + 0.5f;
        for (int r = 0; r < reads; r++) {
            const float *p = in[r] + i;
            a += load(p), b += load(p + LANES), c += load(p + 2 * LANES), d += load(p + 3 * LANES);
        }
        for (int w = 0; w < writes; w++) {
            float *p = out[w] + i;
            store(p, a, streaming), store(p + LANES, b, streaming);
            store(p + 2 * LANES, c, streaming), store(p + 3 * LANES, d, streaming);
        }
        if (!writes)
            t0 = a, t1 = b, t2 = c, t3 = d;
    }
    *sink = (t0 + t1 + t2 + t3)[0];
}

#define CASE(r, w)                                                                                 \
    if (reads == r && writes == w)                                                                 \
    streaming ? stream(r, w, 1, in, out, first, end, &mine)                                        \
              : stream(r, w, 0, in, out, first, end, &mine)

void limits_stream(int reads, int writes, int streaming, float **in, float **out, int64_t count,
                   int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int part = 0; part < threads; part++) {
        int64_t blocks = count / 64, first = blocks * part / threads * 64,
                end = blocks * (part + 1) / threads * 64;
        float mine = 0;
        CASE(1, 0);
        CASE(2, 0);
        CASE(3, 0);
        CASE(0, 1);
        CASE(1, 1);
        CASE(2, 1);
        CASE(3, 1);
        CASE(1, 2);
        CASE(2, 2);
        if (mine == 12345.678f) /* keeps the sum alive */
            out[0][first] = mine;
    }
}

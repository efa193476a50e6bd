#include "kernels/streaming.h"

#include "dispatch.h"

#include <string.h>

enum { LINE = 64, AHEAD = 8192 };

static int64_t beyond_line(const float *p) {
    return (int64_t)((uintptr_t)p % LINE / sizeof *p);
}

/* Passes on all values, or those of whole lines. */
static void pass_on(struct dk_sink *s, int is_all) {
    const int64_t rest = is_all ? 0 : DK_MIN(s->count, beyond_line(s->out + s->count));
    const int64_t n = s->count - rest;
    if (n <= 0)
        return;
    dk_kernels()->blas.stream_copy(n, s->values, s->out);
    for (int64_t i = 0; i < rest; i++)
        s->values[i] = s->values[n + i];
    s->out += n;
    s->count = rest;
}

float *dk_sink_room(struct dk_sink *sink, float *out) {
    if (sink->out + sink->count != out) {
        pass_on(sink, 1);
        sink->out = out;
        sink->count = 0;
    }
    return sink->values + sink->count;
}

void dk_sink_add(struct dk_sink *sink, int64_t n) {
    sink->count += n;
    if (sink->count >= DK_STREAM_BLOCK)
        pass_on(sink, 0);
}

void dk_sink_end(struct dk_sink *sink) {
    pass_on(sink, 1);
    dk_kernels()->blas.stream_end();
}

static void fetch_ahead(const float *x, int64_t n) {
    for (int64_t i = 0; i < 4 * n; i += LINE)
        __builtin_prefetch((const void *)((uintptr_t)x + AHEAD + (uintptr_t)i));
}

void dk_compute(const struct dk_streams *s, struct dk_sink *sinks, int64_t begin, int64_t end, dk_block_fn block,
                const void *args) {
    float *to[DK_STREAM_OUTPUTS];
    if (!sinks) {
        for (int k = 0; k < DK_STREAM_OUTPUTS; k++)
            to[k] = s->out[k] ? s->out[k] + begin : NULL;
        block(args, begin, end - begin, to);
        return;
    }
    for (int64_t i = begin, n; i < end; i += n) {
        n = DK_MIN(end - i, DK_STREAM_BLOCK - beyond_line(s->out[0] + i)); /* up to a border of lines */
        for (int k = 0; k < DK_STREAM_INPUTS; k++)
            if (s->in[k])
                fetch_ahead(s->in[k] + i, n);
        for (int k = 0; k < DK_STREAM_OUTPUTS; k++)
            to[k] = s->out[k] ? dk_sink_room(sinks + k, s->out[k] + i) : NULL;
        block(args, i, n, to);
        for (int k = 0; k < DK_STREAM_OUTPUTS; k++)
            if (s->out[k])
                dk_sink_add(sinks + k, n);
    }
}

void dk_compute_all(const struct dk_streams *s, int is_streamed, int64_t begin, int64_t end, dk_block_fn block,
                    const void *args) {
    if (!is_streamed) {
        dk_compute(s, NULL, begin, end, block, args);
        return;
    }
    struct dk_sink sinks[DK_STREAM_OUTPUTS];
    for (int k = 0; k < DK_STREAM_OUTPUTS; k++)
        dk_sink_begin(sinks + k);
    dk_compute(s, sinks, begin, end, block, args);
    for (int k = 0; k < DK_STREAM_OUTPUTS; k++)
        dk_sink_end(sinks + k);
}

/* Stores around the caches: sinks that pass whole cache lines on, and element-wise outputs. */
#include "streaming.h"

#include "dispatch.h"

#include <string.h>

/* Passes on all values, or those of whole lines. */
static void pass_on(struct dk_sink *s, int is_all) {
    const int64_t rest =
        is_all ? 0 : DK_MIN(s->count, -dk_to_line(s->out + s->count) & (DK_LINE - 1));
    const int64_t n = s->count - rest;
    if (n <= 0)
        return;
    const int64_t head = DK_MIN(n, dk_to_line(s->out));
    memcpy(s->out, s->values, sizeof(float) * (size_t)head);
    dk_kernels()->blas.stream_copy(n - head, s->values + head, s->out + head);
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
    if (sink->count >= DK_SINK_FROM)
        pass_on(sink, 0);
}

void dk_sink_end(struct dk_sink *sink) {
    pass_on(sink, 1);
    dk_kernels()->blas.stream_end();
}

int dk_is_streamed(int64_t n, const struct dk_streams *s) {
    for (int o = 0; o < DK_STREAM_OUTPUTS; o++) {
        if (!s->out[o])
            continue;
        if (dk_to_line(s->out[o]) != dk_to_line(s->out[0]))
            return 0;
        for (int i = 0; i < DK_STREAM_INPUTS; i++)
            if (s->out[o] == s->in[i])
                return 0;
    }
    return n >= DK_STREAM_FROM;
}

void dk_compute(const float *out, int is_streamed, int64_t begin, int64_t end, dk_block_fn block,
                const void *args) {
    const int64_t head = is_streamed ? DK_MIN(end - begin, dk_to_line(out + begin)) : 0;
    if (head > 0)
        block(args, 0, begin, head);
    if (begin + head < end)
        block(args, is_streamed, begin + head, end - begin - head);
}

void dk_stream_end(int is_streamed) {
    if (is_streamed)
        dk_kernels()->blas.stream_end();
}

/* Outputs larger than the caches go around them: without streaming stores each line that is written would be read
 * first.  Kernels need no second body for that: they compute into a sink, in the first-level cache, which passes whole
 * lines on.  Meanwhile inputs are asked for ahead, which the processor by itself does only up to the next page. */
#ifndef DK_KERNELS_STREAMING_H
#define DK_KERNELS_STREAMING_H

#include "dk_types.h"

/* Values of all of an output from which on it is streamed (32 MiB); values that are computed at a time, 1 KiB; values
 * of a thread's share then: at its end it waits for its stores; the most values that a sink takes at a time. */
enum { DK_STREAM_FROM = 1 << 23, DK_STREAM_BLOCK = 256, DK_STREAM_GRAIN = 1 << 17, DK_SINK = 4096 };

/* On the stack of a thread; out NULL and count 0 at first. */
struct dk_sink {
    float *out;    /* where values[0] belongs */
    int64_t count; /* values that wait */
    float values[DK_SINK + DK_STREAM_BLOCK] __attribute__((aligned(64)));
};

static inline void dk_sink_begin(struct dk_sink *sink) {
    sink->out = NULL;
    sink->count = 0;
}

/* Room for DK_SINK values that belong to `out`; then dk_sink_add with how many there are.  Fastest where calls go on
 * where the last one ended. */
float *dk_sink_room(struct dk_sink *sink, float *out);
void dk_sink_add(struct dk_sink *sink, int64_t n);
/* Writes what still waits and makes all of it visible to other threads. */
void dk_sink_end(struct dk_sink *sink);

enum { DK_STREAM_INPUTS = 2, DK_STREAM_OUTPUTS = 2 };

/* What an element-wise kernel reads and writes; NULL for none, but the first output is there. */
struct dk_streams {
    const float *in[DK_STREAM_INPUTS];
    float *out[DK_STREAM_OUTPUTS];
};

/* Computes the values first .. first + n - 1 of output k into to[k] (NULL where out[k] is). */
typedef void (*dk_block_fn)(const void *args, int64_t first, int64_t n, float *const *to);

/* Computes values begin .. end - 1 of the outputs: by one call straight into them where sinks is NULL, else block by
 * block through sinks[DK_STREAM_OUTPUTS], which the caller ends.  Then outputs must not overlap inputs. */
void dk_compute(const struct dk_streams *s, struct dk_sink *sinks, int64_t begin, int64_t end, dk_block_fn block,
                const void *args);

/* All of it: values begin .. end - 1 through sinks of its own where is_streamed. */
void dk_compute_all(const struct dk_streams *s, int is_streamed, int64_t begin, int64_t end, dk_block_fn block,
                    const void *args);

/* Whether n values of out, computed from in, are to be streamed: they are many and there is other memory. */
static inline int dk_is_streamed(int64_t n, const struct dk_streams *s) {
    for (int o = 0; o < DK_STREAM_OUTPUTS; o++)
        for (int i = 0; i < DK_STREAM_INPUTS; i++)
            if (s->out[o] && s->out[o] == s->in[i])
                return 0;
    return n >= DK_STREAM_FROM;
}

#endif

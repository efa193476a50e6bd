/* Outputs larger than the caches go around them: without streaming stores each line that is written would be read
 * first.  Element-wise kernels write straight there, once the output has reached a cache line: dk_compute.  Those
 * whose outputs come in rows of any length compute into a sink, in the first-level cache, which passes whole lines on.
 * What is written alone (fill) is faster by normal stores. */
#ifndef DK_STREAMING_H
#define DK_STREAMING_H

#include "dk_types.h"

/* Values of all of an output from which on it is streamed (32 MiB); values of a thread's share of it: at its end it
 * waits for its stores.  Values that a sink waits for, that are best handed to it at a time (longer bursts of streaming
 * stores stall), and that it takes at most. */
enum { DK_STREAM_FROM = 1 << 23, DK_STREAM_GRAIN = 1 << 17, DK_SINK_FROM = 64, DK_SINK_PIECE = 128, DK_SINK = 4096 };

/* On the stack of a thread; out NULL and count 0 at first. */
struct dk_sink {
    float *out;    /* where values[0] belongs */
    int64_t count; /* values that wait */
    float values[DK_SINK + DK_SINK_FROM] __attribute__((aligned(64)));
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

/* Computes the values first .. first + n - 1 of all outputs; where is_streamed they begin with a cache line, and whole
 * vectors go around the caches. */
typedef void (*dk_block_fn)(const void *args, int is_streamed, int64_t first, int64_t n);

/* Values begin .. end - 1 by one call of block; where is_streamed, those up to the first cache line of `out` by one of
 * their own.  Then dk_stream_end, once behind the last of them. */
void dk_compute(const float *out, int is_streamed, int64_t begin, int64_t end, dk_block_fn block,
                const void *args);
/* Makes what was streamed visible to other threads. */
void dk_stream_end(int is_streamed);

/* Whether n values of each output, computed from in, are to be streamed: they are many, there is other memory, and
 * cache lines begin at the same values of all outputs. */
int dk_is_streamed(int64_t n, const struct dk_streams *s);

#endif

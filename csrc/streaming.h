/* Streaming: outputs larger than the caches go around them; a normal store reads the line first.
 *
 * Element-wise kernels write directly, from the first border of a cache line on: dk_compute.
 * Kernels whose outputs come in rows of any length compute into a sink in the first-level cache,
 * which passes on whole lines.  A kernel that only writes (fill) is faster with normal stores. */
#ifndef DK_STREAMING_H
#define DK_STREAMING_H

#include "dk_types.h"

enum {
    DK_STREAM_FROM = 1 << 23, /* an output of so many values (32 MiB) or more is streamed */
    /* values per chunk; large: a thread waits for its stores at the end */
    DK_STREAM_GRAIN = 1 << 17,
    DK_SINK_FROM = 64,   /* a sink writes once it holds so many values */
    DK_SINK_PIECE = 128, /* best number to add at once: longer bursts of streaming stores stall */
    DK_SINK = 4096       /* most that may be added at once */
};

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

/* Room for DK_SINK values that belong to `out`; dk_sink_add then says how many were written there.
 * Fastest if each call continues where the last one ended. */
float *dk_sink_room(struct dk_sink *sink, float *out);
void dk_sink_add(struct dk_sink *sink, int64_t n);
/* Writes what still waits and makes all of it visible to other threads. */
void dk_sink_end(struct dk_sink *sink);

enum { DK_STREAM_INPUTS = 2, DK_STREAM_OUTPUTS = 2 };

/* What an element-wise kernel reads and writes; NULL for none; out[0] is always given. */
struct dk_streams {
    const float *in[DK_STREAM_INPUTS];
    float *out[DK_STREAM_OUTPUTS];
};

/* Computes the values first .. first + n - 1 of all outputs; where is_streamed they begin with a
 * cache line, and whole vectors go around the caches. */
typedef void (*dk_block_fn)(const void *args, int is_streamed, int64_t first, int64_t n);

/* Calls block once for the values begin .. end - 1; where is_streamed, once more for those before
 * the first border of a cache line in `out`.  After the last of them dk_stream_end is due. */
void dk_compute(const float *out, int is_streamed, int64_t begin, int64_t end, dk_block_fn block,
                const void *args);
/* Makes what was streamed visible to other threads. */
void dk_stream_end(int is_streamed);

/* Whether n values of each output, computed from in, are to be streamed: they are many, there is
 * other memory, and cache lines begin at the same values of all outputs. */
int dk_is_streamed(int64_t n, const struct dk_streams *s);

#endif

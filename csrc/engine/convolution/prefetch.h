/* Prefetching for later calls: stretches of memory, shared out over a walk's jobs and tiles. */
#ifndef DK_ENGINE_CONVOLUTION_PREFETCH_H
#define DK_ENGINE_CONVOLUTION_PREFETCH_H

#include "engine/convolution.h"
#include "engine/convolution/panels.h"

/* What one job prefetches for later calls: its share, a slice with each register tile. */
struct dk_prefetch {
    const struct dk_stretch *at;
    int64_t offset;         /* bytes of `at` that are done */
    int64_t left, per_tile; /* bytes still to do, and bytes of a slice */
};
/* Share `job` of `jobs`, in slices for `tiles` register tiles. */
static inline struct dk_prefetch dk_prefetch_share(const struct dk_stretch *stretches,
                                                   int64_t count, int64_t job, int64_t jobs,
                                                   int64_t tiles) {
    int64_t total = 0, offset;
    for (int64_t k = 0; k < count; k++)
        total += stretches[k].bytes;
    offset = total * job / jobs;
    struct dk_prefetch a = {stretches, offset, total * (job + 1) / jobs - offset, 0};
    while (a.left > 0 && a.offset >= a.at->bytes)
        a.offset -= a.at++->bytes;
    a.per_tile = dk_ceil_div(a.left, tiles);
    return a;
}
/* Gives the tile, of `steps` steps, the next slice, and nothing of its own to fetch for the next
 * tile; a tile that sees only padding has no slice. */
static inline void dk_prefetch_next(struct dk_prefetch *a, struct dk_convolution_tile *tile,
                                    int64_t steps) {
    tile->next = tile->prefetch = (const char *)tile->weights;
    tile->next_step = tile->prefetch_step = 0;
    if (a->left <= 0)
        return;
    int64_t bytes = DK_MIN(a->per_tile, a->at->bytes - a->offset);
    tile->prefetch = (const char *)a->at->data + a->offset;
    tile->prefetch_step = DK_MIN(64, dk_ceil_div(bytes, DK_MAX(1, steps)));
    a->left -= bytes;
    a->offset += bytes;
    if (a->offset == a->at->bytes) {
        a->at++;
        a->offset = 0;
    }
}

#endif

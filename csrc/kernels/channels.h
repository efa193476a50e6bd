/* Shared code of this folder without a NumPy function: sums and maps per filter, over Darknet's
 * layout [batch][filters][spatial].
 *
 * spatial > 1: a filter's values are planes, and filters (sums) or planes (maps) are shared out.
 * spatial = 1 is the engine's channels-last order, [batch] rows of [filters]: blocks of channels
 * (sums) or rows (maps) are shared out, and the engine's kernels run.  Nothing depends on the
 * number of threads; no memory is allocated. */
#ifndef DK_KERNELS_CHANNELS_H
#define DK_KERNELS_CHANNELS_H

#include "dk_types.h"

struct dk_layout {
    int64_t batch, filters, spatial;
};

static inline int dk_layout_is_bad(struct dk_layout layout) {
    return layout.batch < 1 || layout.filters < 1 || layout.spatial < 1;
}

/* What is summed for each filter, over the batch and its plane. */
enum dk_sum_kind {
    DK_SUM,     /* sum = sum of d */
    DK_PRODUCT, /* sum = sum of d, product = sum of d*(x - mean); mean NULL: 0 */
    DK_SQUARES, /* product = sum of (x - mean)^2 */
    DK_MOMENTS  /* sum = mean of x, product = sum of squares about it */
};

struct dk_channel_sums {
    struct dk_layout layout;
    enum dk_sum_kind kind;
    const float *d, *x, *mean;
    /* Called once for each filter. */
    void (*finish)(const void *context, int64_t filter, double sum, double product);
    const void *context;
};
void dk_sum_channels(const struct dk_channel_sums *sums);

/* out = by_d*d + by_x*(x - mean) + constant for every value of a filter, or with d NULL
 * out = (x - mean)*by_x + constant. */
struct dk_coefficients {
    float *by_d, *by_x, *mean, *constant; /* 0, 1, 0 and 0 unless `fill` writes them */
};
struct dk_channel_map {
    struct dk_layout layout;
    const float *d, *x;
    float *out; /* may be d or x */
    /* Coefficients of filters begin..end-1, to index 0 and on. */
    void (*fill)(const void *context, int64_t begin, int64_t end,
                 struct dk_coefficients coefficients);
    const void *context;
};
void dk_map_channels(const struct dk_channel_map *map);

#endif

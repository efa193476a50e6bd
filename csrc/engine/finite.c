/* The search for NaN and infinity in arrays. */
#include "engine/finite.h"

#include "threads.h"

#include <stdatomic.h>
#include <string.h>

/* Values that are looked at together: 64 KiB. */
enum { STRETCH = 1 << 14 };

struct search {
    int64_t count;
    const float *x;
    _Atomic int64_t *first;
};

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Only an exponent of nothing but ones carries into the sign's place when one is added to it. */
static uint32_t mark(float value) {
    return (bits_of(value) & 0x7f800000u) + 0x00800000u;
}

static void look(const void *args, int64_t begin, int64_t end, int worker) {
    const struct search *a = args;
    (void)worker;
    for (int64_t k = begin; k < end; k++) {
        const float *x = a->x + k * STRETCH;
        const int64_t n = DK_MIN(STRETCH, a->count - k * STRETCH);
        uint32_t marks = 0;
        for (int64_t i = 0; i < n; i++)
            marks |= mark(x[i]);
        if (!(marks >> 31))
            continue;
        int64_t i = 0;
        while (!(mark(x[i]) >> 31))
            i++;
        int64_t found = k * STRETCH + i, least = atomic_load(a->first);
        while (found < least && !atomic_compare_exchange_weak(a->first, &least, found))
            ;
        return;
    }
}

int64_t dk_first_not_finite(int64_t count, const float *x) {
    _Atomic int64_t first = count;
    struct search args = {count, x, &first};
    dk_parallel_for((count + STRETCH - 1) / STRETCH, 4, look, &args);
    return atomic_load(&first);
}

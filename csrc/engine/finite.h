/* The search for what no array of a network may hold. */
#ifndef DK_ENGINE_FINITE_H
#define DK_ENGINE_FINITE_H

#include "dk_types.h"

/* [cffi begin] */
/* The smallest i < count for which x[i] is NaN or infinite; else count.  Reads x once.
 * Threads: split over stretches. */
int64_t dk_first_not_finite(int64_t count, const float *x);
/* [cffi end] */

#endif

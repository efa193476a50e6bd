/* Weight updates, whatever the optimiser. */
#ifndef DK_ENGINE_OPTIMISER_H
#define DK_ENGINE_OPTIMISER_H

#include "dk_types.h"
#include "simd/optimiser_kernels.h"

/* [cffi begin] */
/* One update of n weights; formulas and sources: struct dk_update.  DK_NOT_FINITE where a new
 * weight is NaN or infinite; all are written nevertheless.  (An update that is not finite shows in
 * its weight.)  DK_BAD_SHAPE where n < 0, DK_BAD_ARGUMENT for an unknown optimiser or NULL in the
 * place of an array that it needs.
 * Threads: split over the weights. */
enum dk_status dk_update(const struct dk_update *args);
/* [cffi end] */

#endif

/* Between the order of users (NCHW) and the engine's (channels last). */
#ifndef DK_ENGINE_LAYOUT_H
#define DK_ENGINE_LAYOUT_H

#include "dk_types.h"

/* [cffi begin] */
/* y(n,h,w,c) = nchw[n][c][h][w].  Threads: split over image rows.  Exact. */
enum dk_status dk_from_nchw(const float *nchw, const struct dk_tensor *y);
/* nchw[n][c][h][w] = x(n,h,w,c).  Threads: split over image rows.  Exact. */
enum dk_status dk_to_nchw(const struct dk_tensor *x, float *nchw);
/* [cffi end] */

#endif

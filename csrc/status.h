/* Status codes as text. */
#ifndef DK_STATUS_H
#define DK_STATUS_H

#include "dk_types.h"

/* [cffi begin] */
/* A short English text for `status`; never NULL, static storage. */
const char *dk_status_message(enum dk_status status);
/* [cffi end] */

#endif

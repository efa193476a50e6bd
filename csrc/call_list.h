/* Many calls in one: a recorded network is a flat list of these. */
#ifndef DK_CALL_LIST_H
#define DK_CALL_LIST_H

#include "dk_types.h"

/* [cffi begin] */
/* function is one of those that take a pointer to their struct and return a status. */
struct dk_call {
    enum dk_status (*function)(const void *args);
    const void *args;
};
/* Makes the calls in order until one fails; returns how many succeeded.  Threads: theirs. */
int64_t dk_make_calls(const struct dk_call *calls, int64_t count);
/* [cffi end] */

#endif

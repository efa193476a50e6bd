/* A recorded network's calls, one after the other. */
#include "call_list.h"

int64_t dk_make_calls(const struct dk_call *calls, int64_t count) {
    for (int64_t k = 0; k < count; k++)
        if (calls[k].function(calls[k].args) != DK_OK)
            return k;
    return count;
}

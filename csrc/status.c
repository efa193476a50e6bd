/* Status codes as text. */
#include "status.h"

const char *dk_status_message(enum dk_status status) {
    switch (status) {
    case DK_OK:
        return "no error";
    case DK_BAD_SHAPE:
        return "sizes below 1 or not fitting each other";
    case DK_BAD_ARGUMENT:
        return "a missing array or a value outside its range";
    case DK_OUT_OF_MEMORY:
        return "out of memory";
    case DK_UNSUPPORTED:
        return "the chosen algorithm cannot do this shape";
    case DK_NOT_FINITE:
        return "a result is NaN or infinite";
    }
    return "unknown status";
}

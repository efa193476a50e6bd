#define DK_VARIANT_NAME "baseline"
#define DK_VARIANT_TABLE dk_table_baseline
#include "simd/table.inc"

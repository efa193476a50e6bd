#define DK_VARIANT_NAME "avx2"
#define DK_VARIANT_TABLE dk_table_avx2
#include "simd/table.inc"

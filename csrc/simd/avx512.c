#define DK_VARIANT_NAME "avx512"
#define DK_VARIANT_TABLE dk_table_avx512
#include "simd/table.inc"

/* The instruction set of the vector kernels: all are compiled in, one is selected at import. */
#ifndef DK_DISPATCH_H
#define DK_DISPATCH_H

#include "dk_types.h"
#include "simd/bf16_kernels.h"
#include "simd/kernel_table.h"

/* [cffi begin] */
/* Number of compiled variants that processor and operating system support, best first. */
int dk_simd_count(void);
/* Name of supported variant `index`, 0 being the best ("avx512", "avx2", "baseline");
 * NULL when out of range. */
const char *dk_simd_name(int index);
/* Use the variant of that name from now on.  DK_BAD_ARGUMENT when it is unknown or unsupported.
 * Memory that was packed for another variant must not be used afterwards. */
enum dk_status dk_simd_select(const char *name);
/* Name and version of the compiler that built this, for bug reports. */
const char *dk_compiler(void);
/* Name and vector length (floats) of the variant in use. */
const char *dk_simd_active(void);
int dk_simd_lanes(void);
/* [cffi end] */

/* The kernels of the variant in use; never NULL. */
const struct dk_kernel_table *dk_kernels(void);
/* What multiplies in bf16 beside them; NULL where the variant in use or the processor has none. */
const struct dk_bf16_kernels *dk_bf16(void);

#endif

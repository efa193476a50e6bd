/* The choice of an instruction set: once at load, or by name. */
#include "dispatch.h"

#include <string.h>

static int always(void) {
    return 1;
}

#if defined(__x86_64__)
/* __builtin_cpu_supports asks the processor and, for wide registers, the operating system. */
static int has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static int has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

/* In order of preference. */
static const struct {
    const struct dk_kernel_table *table;
    int (*is_supported)(void);
} variants[] = {
#if defined(__x86_64__)
    {&dk_table_avx512, has_avx512},
    {&dk_table_avx2, has_avx2},
#endif
    {&dk_table_baseline, always},
};

enum { VARIANTS = sizeof variants / sizeof *variants };

static const struct dk_kernel_table *active = &dk_table_baseline;

__attribute__((constructor)) static void select_best(void) {
    dk_simd_select(dk_simd_name(0));
}

int dk_simd_count(void) {
    int count = 0;
    for (int i = 0; i < VARIANTS; i++)
        count += variants[i].is_supported();
    return count;
}

const char *dk_simd_name(int index) {
    for (int i = 0; i < VARIANTS && index >= 0; i++)
        if (variants[i].is_supported() && index-- == 0)
            return variants[i].table->name;
    return NULL;
}

enum dk_status dk_simd_select(const char *name) {
    for (int i = 0; name && i < VARIANTS; i++)
        if (variants[i].is_supported() && strcmp(variants[i].table->name, name) == 0) {
            active = variants[i].table;
            return DK_OK;
        }
    return DK_BAD_ARGUMENT;
}

const char *dk_simd_active(void) {
    return active->name;
}

int dk_simd_lanes(void) {
    return active->lanes;
}

const struct dk_kernel_table *dk_kernels(void) {
    return active;
}

const struct dk_bf16_kernels *dk_bf16(void) {
#if defined(__x86_64__)
    if (active == &dk_table_avx512 && __builtin_cpu_supports("avx512bf16"))
        return &dk_bf16_avx512;
#endif
    return NULL;
}

const char *dk_compiler(void) {
#if defined(__clang__)
    return __VERSION__; /* begins with "Clang" already */
#else
    return "GCC " __VERSION__;
#endif
}

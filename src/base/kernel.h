/* Vectors of 16 floats through the compiler's own vector types, and clones of a hot function for the CPUs we meet:
 * the loader picks the widest the machine has. Lanes are summed in one fixed order, so a machine gives the same bits
 * every time. Compile with -DMID_NO_CLONES where a sanitizer cannot live with clones. */
#ifndef MID_BASE_KERNEL_H
#define MID_BASE_KERNEL_H

#include <string.h>

#if defined(__x86_64__) && !defined(MID_NO_CLONES) && !defined(__clang__)
#define MID__CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define MID__CLONES
#endif

/* Before an inner loop over a few registers: they are registers only once it is unrolled. */
#define MID__UNROLL _Pragma("GCC unroll 16")

#define MID__N_LANE 16
typedef float mid__lanes __attribute__((vector_size(64), aligned(4)));
typedef int mid__int_lanes __attribute__((vector_size(64), aligned(4)));

/* Always inlined: vectors never cross a call, whose convention would depend on the CPU. */
#define mid__lanes_at(at) (*(const mid__lanes *)(const void *)(at))
#define mid__lanes_of(x) ((mid__lanes){ 0 } + (x))

#endif

/* Block sizes of the matrix multiplication, one row an ISA: the only place they stand.  The ISAs above
 * AVX-512 compute in f32 as it does.
 *
 * MR x NR is the register tile of gemm_tile_f32.  KC is part of the specification of the bits (see
 * gemm_kernels.h) and of the layout of packed weights; MC and NC are for the caches only.  What a
 * panel is made of: elements of so many bytes, and zeros up to a whole number of groups of K. */
#ifndef SWELL_GEMM_TABLE_H
#define SWELL_GEMM_TABLE_H

#include "base/cpu.h"

struct sw_gemm_blocks {
    int mr, nr; /* the tile of gemm_tile_f32 */
    int mc;     /* rows of A a task holds in L2 */
    int kc;     /* length of a K block; one B panel of it stays in L1 */
    int nc;     /* columns of B a task walks; nc / 4 of them fit L2 together with A's block */
    int a_bytes, b_bytes; /* of an element of a panel */
    int group;            /* K within a panel is a multiple of it; divides kc */
};

/* clang-format off */
static const struct sw_gemm_blocks sw__gemm_table[SW_ISA_AVX512 + 1] = {
    /*                   MR  NR   MC   KC    NC  bytes group */
    [SW_ISA_REF]    = {   4,  8,  64, 256, 1024, 4, 4, 1},
    [SW_ISA_AVX2]   = {   6, 16,  96, 256, 2048, 4, 4, 1},
    [SW_ISA_AVX512] = {  14, 32, 168, 256, 2048, 4, 4, 1},
};
/* clang-format on */

static inline const struct sw_gemm_blocks *sw__gemm_blocks(enum sw_isa isa)
{
    return &sw__gemm_table[sw__isa_f32(isa)];
}

#endif

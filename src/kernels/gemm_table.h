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
    [SW_ISA_AVX2]   = {   6, 16, 192, 256, 1024, 4, 4, 1},
    [SW_ISA_AVX512] = {  14, 32, 168, 256, 2048, 4, 4, 1},
};

/* bf16: KC is for the caches only, an A panel of it stays in L1. */
static const struct sw_gemm_blocks sw__gemm_table_bf16[SW_ISA_COUNT] = {
    /*                        MR  NR   MC   KC    NC  bytes group */
    [SW_ISA_REF]         = {   4,  8,  64, 256, 1024, 2, 2,  2},
    [SW_ISA_AVX2]        = {   6, 16,  96, 256, 2048, 4, 2,  2},
    [SW_ISA_AVX512]      = {  14, 32, 168, 384, 2048, 4, 2,  2},
    [SW_ISA_AVX512_VNNI] = {  14, 32, 168, 384, 2048, 4, 2,  2},
    [SW_ISA_AVX512_BF16] = {  14, 32, 168, 512, 2048, 2, 2,  2},
    [SW_ISA_AMX]         = {  32, 32, 256, 256, 1024, 2, 2, 32},
};

/* u8 x s8: the same. */
static const struct sw_gemm_blocks sw__gemm_table_int8[SW_ISA_COUNT] = {
    /*                        MR  NR   MC   KC    NC  bytes group */
    [SW_ISA_REF]         = {   4,  8,  64, 256, 1024, 1, 1,  4},
    [SW_ISA_AVX2]        = {   6, 16,  96, 512, 2048, 1, 1,  4},
    [SW_ISA_AVX512]      = {  14, 32, 168, 1024, 2048, 1, 1, 4},
    [SW_ISA_AVX512_VNNI] = {  14, 32, 168, 1024, 2048, 1, 1, 4},
    [SW_ISA_AVX512_BF16] = {  14, 32, 168, 1024, 2048, 1, 1, 4},
    [SW_ISA_AMX]         = {  32, 32, 256, 512, 1024, 1, 1, 64},
};
/* clang-format on */

/* What is added to s8 of A when they are packed, to be u8; AMX, alone with such groups, takes both. */
static inline int sw__gemm_flip(const struct sw_gemm_blocks *int8)
{
    return int8->group > 4 ? 0 : 128;
}

static inline const struct sw_gemm_blocks *sw__gemm_blocks(enum sw_isa isa)
{
    return &sw__gemm_table[sw__isa_f32(isa)];
}

/* What is multiplied. */
enum sw_gemm_kind { SW_GEMM_KIND_F32, SW_GEMM_KIND_BF16, SW_GEMM_KIND_INT8 };

static inline const struct sw_gemm_blocks *sw__gemm_blocks_of(enum sw_isa isa,
                                                              enum sw_gemm_kind kind)
{
    if (kind == SW_GEMM_KIND_BF16) return &sw__gemm_table_bf16[isa];
    if (kind == SW_GEMM_KIND_INT8) return &sw__gemm_table_int8[isa];
    return sw__gemm_blocks(isa);
}

#endif

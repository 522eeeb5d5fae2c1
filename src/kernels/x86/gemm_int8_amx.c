/* The u8 x s8 and s8 x s8 products of AMX: tile 32 x 32 by TDPBUSD and TDPBSSD.  See gemm_int8_kernels.h. */
#include "kernels/x86/vec_avx512.h"

#define STRIP_INT8
#define AMX_PRODUCT(c, a, b, is_signed)                                                            \
    do {                                                                                           \
        if (is_signed)                                                                             \
            _tile_dpbssd(c, a, b);                                                                 \
        else                                                                                       \
            _tile_dpbusd(c, a, b);                                                                 \
    } while (0)

#include "kernels/x86/gemm_amx_template.h"

/* The four s8 of each lane. */
VEC_INLINE vi vi_sum_bytes(vi x)
{
    return _mm512_dpbusd_epi32(vi_set(0), vi_set(0x01010101), x);
}

#include "kernels/x86/gemm_int8_template.h"

enum { DEPTH = 64 };

static void sw__gemm_strip_int8_32x32_amx(float *c, int64_t ldc, const void *a, int64_t lda,
                                          sw_dtype a_type, const void *b, int64_t kc, int64_t m,
                                          int64_t n, int accumulate,
                                          const struct sw_epilogue *epilogue)
{
    if (a_type == SW_I8)
        strip_amx(c, ldc, a, lda, b, kc, m, n, accumulate, epilogue, DEPTH, 1);
    else
        strip_amx(c, ldc, a, lda, b, kc, m, n, accumulate, epilogue, DEPTH, 0);
}

static void sw__gemm_pack_a_int8_32_amx(void *panel, const void *src, sw_dtype dtype, int64_t row,
                                        int64_t col, int64_t m, int64_t kc)
{
    int8_pack_a(panel, src, SW_U8, row, col, m, kc, DEPTH, MR, true); /* s8 stay as they are */
}

static void sw__gemm_pack_b_int8_32_amx(void *panels, int32_t *col_sums, const void *src,
                                        int64_t row, int64_t col, int64_t kc, int64_t n)
{
    int8_pack_b(panels, col_sums, src, row, col, kc, n, DEPTH);
}

void sw__gemm_int8_init_amx(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, gemm_strip_int8, sw__gemm_strip_int8_32x32_amx);
    SW_KERNEL_SET(k, gemm_pack_a_int8, sw__gemm_pack_a_int8_32_amx);
    SW_KERNEL_SET(k, gemm_pack_b_int8, sw__gemm_pack_b_int8_32_amx);
}

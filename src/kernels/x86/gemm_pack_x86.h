/* The packing kernels of the matrix multiplication, for the tables of gemm_avx2.c and
 * gemm_avx512.c.  Their arguments are those of the slots in gemm_kernels.h. */
#ifndef SWELL_GEMM_PACK_X86_H
#define SWELL_GEMM_PACK_X86_H

#include <stdint.h>
#include <swell/tensor.h>

void sw__gemm_pack_a_6_avx2(float *panels, const void *src, sw_dtype dtype, int64_t row,
                            int64_t col, int64_t m, int64_t kc);
void sw__gemm_pack_b_16_avx2(float *panels, const void *src, sw_dtype dtype, int64_t row,
                             int64_t col, int64_t kc, int64_t n);
void sw__gemm_pack_a_14_avx512(float *panels, const void *src, sw_dtype dtype, int64_t row,
                               int64_t col, int64_t m, int64_t kc);
void sw__gemm_pack_b_32_avx512(float *panels, const void *src, sw_dtype dtype, int64_t row,
                               int64_t col, int64_t kc, int64_t n);

#endif

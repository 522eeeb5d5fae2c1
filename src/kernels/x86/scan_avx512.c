/* Scans of avx512: the template over its vectors. */
#include "kernels/x86/vec_avx512.h"
#include "kernels/x86/scan_template.h"

void sw__scan_init_avx512(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, argmax_f32, sw__argmax_f32_avx512);
    SW_KERNEL_SET(k, argmax_rows_f32, sw__argmax_rows_f32_avx512);
    SW_KERNEL_SET(k, topk_f32, sw__topk_f32_avx512);
    SW_KERNEL_SET(k, cumsum_f32, sw__cumsum_f32_avx512);
}

/* Scans of avx2: the template over its vectors. */
#include "kernels/x86/vec_avx2.h"
#include "kernels/x86/scan_template.h"

void sw__scan_init_avx2(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, argmax_f32, sw__argmax_f32_avx2);
    SW_KERNEL_SET(k, argmax_rows_f32, sw__argmax_rows_f32_avx2);
    SW_KERNEL_SET(k, topk_f32, sw__topk_f32_avx2);
    SW_KERNEL_SET(k, cumsum_f32, sw__cumsum_f32_avx2);
}

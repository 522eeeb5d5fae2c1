/* Kernels of the norm family on AVX-512: the templates with its vectors. */
#include "kernels/x86/vec_avx512.h"

#include "kernels/x86/loss_template.h"
#include "kernels/x86/norm_plane_template.h"
#include "kernels/x86/norm_row_template.h"
#include "kernels/x86/softmax_template.h"

#define SET(slot) SW_KERNEL_SET(k, slot, sw__##slot##_avx512);

void sw__norm_init_avx512(struct sw_kernels *k)
{
#define SET_SLOT(slot, ret, args) SET(slot)
    SW_NORM_KERNELS(SET_SLOT)
}

/* The elementwise kernels of avx2: the templates over its vectors. */
#include "kernels/x86/vec_avx2.h"

#define gelu_of vf_gelu

#include "kernels/x86/unary_template.h"
#include "kernels/x86/unary_grad_template.h"
#include "kernels/x86/pow_template.h"
#include "kernels/x86/dropout_template.h"

#define SET(slot, ret, args) SW_KERNEL_SET(k, slot, sw__##slot##_avx2);

void sw__elementwise_init_avx2(struct sw_kernels *k)
{
    SW_ELEMENTWISE_KERNELS(SET)
}

#include "kernels/kernels.h"

void sw__quant_init_ref(struct sw_kernels *k)
{
    (void)k;
}

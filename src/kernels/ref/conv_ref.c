#include "kernels/kernels.h"

void sw__conv_init_ref(struct sw_kernels *k)
{
    (void)k;
}

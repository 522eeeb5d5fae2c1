#include "kernels/kernels.h"

void sw__norm_init_ref(struct sw_kernels *k)
{
    (void)k;
}

#include "kernels/kernels.h"

void sw__elementwise_init_avx2(struct sw_kernels *k)
{
    (void)k;
}

#include "kernels/kernels.h"

void sw__gemm_init_ref(struct sw_kernels *k)
{
    (void)k;
}

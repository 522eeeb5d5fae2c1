/* Reductions, compiled for avx512. */
#define SW_NAME(base) base##_avx512
#define SW_INIT       sw__reduce_init_avx512
#include "kernels/reduce_body.h"

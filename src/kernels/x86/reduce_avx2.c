/* Reductions, compiled for avx2. */
#define SW_NAME(base) base##_avx2
#define SW_INIT       sw__reduce_init_avx2
#include "kernels/reduce_body.h"

/* Elementwise work on two operands, compiled for avx2. */
#define SW_NAME(base) base##_avx2
#define SW_INIT       sw__binary_init_avx2
#include "kernels/x86/vec_avx2.h"
#include "kernels/x86/binary_template.h"
#include "kernels/binary_body.h"

/* Elementwise work on two operands, compiled for avx512. */
#define SW_NAME(base) base##_avx512
#define SW_INIT       sw__binary_init_avx512
#include "kernels/x86/vec_avx512.h"
#include "kernels/x86/binary_template.h"
#include "kernels/binary_body.h"

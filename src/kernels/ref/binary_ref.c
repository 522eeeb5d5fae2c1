/* Elementwise work on two operands, compiled for ref. */
#define SW_NAME(base) base##_ref
#define SW_INIT       sw__binary_init_ref
#include "kernels/binary_body.h"

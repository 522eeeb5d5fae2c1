/* Reductions, compiled for ref. */
#define SW_NAME(base) base##_ref
#define SW_INIT       sw__reduce_init_ref
#include "kernels/reduce_body.h"

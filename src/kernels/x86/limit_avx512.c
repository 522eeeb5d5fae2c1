/* The limits of AVX-512. */
#include "kernels/x86/vec_avx512.h"

enum { LIMIT_CHAINS = 24 };

#include "kernels/x86/limit_template.h"

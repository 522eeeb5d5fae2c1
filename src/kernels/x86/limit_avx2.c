/* The limits of AVX2. */
#include "kernels/x86/vec_avx2.h"

enum { LIMIT_CHAINS = 12 };

#include "kernels/x86/limit_template.h"

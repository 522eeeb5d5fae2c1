/* The Winograd transforms of AVX2: winograd_template.h on eight channels. */
#include "kernels/kernels.h"
#include "kernels/x86/grid_avx2.h"

#define SW_WINOGRAD_MR 6 /* as in gemm_table.h */

#include "kernels/x86/winograd_template.h"

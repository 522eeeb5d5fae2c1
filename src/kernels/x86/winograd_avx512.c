/* The Winograd transforms of AVX-512: winograd_template.h on sixteen channels. */
#include "kernels/kernels.h"
#include "kernels/x86/grid_avx512.h"

#define SW_WINOGRAD_MR 14 /* as in gemm_table.h */

#include "kernels/x86/winograd_template.h"

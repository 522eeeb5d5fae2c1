/* Kernels of the gemm family: X(slot, return type, (arguments)). */
#ifndef SWELL_GEMM_KERNELS_H
#define SWELL_GEMM_KERNELS_H

#include <stdint.h>

#define SW_GEMM_KERNELS(X)

#endif

/* Kernels of the quant family: X(slot, return type, (arguments)). */
#ifndef SWELL_QUANT_KERNELS_H
#define SWELL_QUANT_KERNELS_H

#include <stdint.h>

#define SW_QUANT_KERNELS(X)

#endif

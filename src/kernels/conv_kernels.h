/* Kernels of the conv family: X(slot, return type, (arguments)). */
#ifndef SWELL_CONV_KERNELS_H
#define SWELL_CONV_KERNELS_H

#include <stdint.h>

#define SW_CONV_KERNELS(X)

#endif

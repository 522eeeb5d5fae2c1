/* Kernels of the norm family: X(slot, return type, (arguments)). */
#ifndef SWELL_NORM_KERNELS_H
#define SWELL_NORM_KERNELS_H

#include <stdint.h>

#define SW_NORM_KERNELS(X)

#endif

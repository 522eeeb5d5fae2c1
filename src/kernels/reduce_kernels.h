/* Kernels of the reduce family: X(slot, return type, (arguments)). */
#ifndef SWELL_REDUCE_KERNELS_H
#define SWELL_REDUCE_KERNELS_H

#include <stdint.h>

#define SW_REDUCE_KERNELS(X)

#endif

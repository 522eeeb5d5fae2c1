/* Kernels of the elementwise family: X(slot, return type, (arguments)). */
#ifndef SWELL_ELEMENTWISE_KERNELS_H
#define SWELL_ELEMENTWISE_KERNELS_H

#include <stdint.h>

#define SW_ELEMENTWISE_KERNELS(X)

#endif

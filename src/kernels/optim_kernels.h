/* Kernels of the optim family: X(slot, return type, (arguments)). */
#ifndef SWELL_OPTIM_KERNELS_H
#define SWELL_OPTIM_KERNELS_H

#include <stdint.h>

#define SW_OPTIM_KERNELS(X)

#endif

/* Kernels of the move family: X(slot, return type, (arguments)). */
#ifndef SWELL_MOVE_KERNELS_H
#define SWELL_MOVE_KERNELS_H

#include <stdint.h>

#define SW_MOVE_KERNELS(X)

#endif

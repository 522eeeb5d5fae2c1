/* Kernels of the attention family: X(slot, return type, (arguments)). */
#ifndef SWELL_ATTENTION_KERNELS_H
#define SWELL_ATTENTION_KERNELS_H

#include <stdint.h>

#define SW_ATTENTION_KERNELS(X)

#endif

/* What the checks of the norm family share. */
#ifndef SWELL_CHECK_NORM_H
#define SWELL_CHECK_NORM_H

#include "checkkern.h"

/* Units of CK_EPS that a sum over n contiguous numbers and a few operations after it are off by:
 * AVX2 has the fewest lanes, 32; the reference sums in float64. */
static inline double norm_terms(int64_t n)
{
    return (double)n / 32 + 12;
}

#endif

/* Grids for the checks of convolution and pooling. */
#ifndef SWELL_CHECK_GRID_H
#define SWELL_CHECK_GRID_H

#include "checkkern.h"

/* Floats between a buffer and the inaccessible page when speed is measured: a masked load that
 * touches the page in a lane it does not want is right, but slow. */
#define APART 64

/* A random grid at most max_ow wide, with one image; some taps lie outside of the plane. */
struct sw_grid ck_grid(struct checkkern *c, int64_t max_ow);

/* What tap (i, j) of pixel (r, q) reads. */
double ck_tap(const float *plane, const struct sw_grid *g, int64_t r, int64_t q, int64_t i,
              int64_t j);

#endif

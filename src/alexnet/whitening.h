/* Whitening filters: Page 2018; Jordan 2024, section 3.2. */
#ifndef SWELL_ALEXNET_WHITENING_H
#define SWELL_ALEXNET_WHITENING_H

#include <swell/context.h>

/* Of all side x side patches of images (n,channels,height,width): the eigenvectors of their second
 * moments, the greatest eigenvalue first, each over sqrt(its eigenvalue + eps), as filters
 * out (D,channels,side,side), D = channels side^2, at most SW_WHITENING_MOST.  SW_ERR_ARGUMENT. */
#define SW_WHITENING_MOST 64
sw_status sw__whitening_filters(sw_context *ctx, const float *images, int64_t n, int channels,
                                int height, int width, int side, float eps, float *out);

#endif

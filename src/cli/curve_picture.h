/* The curve of a training run as a picture. */
#ifndef SWELL_CLI_CURVE_PICTURE_H
#define SWELL_CLI_CURVE_PICTURE_H

#include <stdbool.h>
#include <stdint.h>

struct curve_point {
    double seconds;
    int64_t step;
    float loss, accuracy; /* of the batch, smoothed */
};

/* Loss (left axis) and accuracy (right axis) over steps, as SVG.  False: errno says why. */
bool curve_write_svg(const char *path, const char *title, const struct curve_point *p, int64_t n);

#endif

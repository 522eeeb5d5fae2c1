/* The curve of a training run as a picture. */
#ifndef SWELL_CLI_CURVE_PICTURE_H
#define SWELL_CLI_CURVE_PICTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <swell/train.h>

struct curve_line {
    const char *name, *colour;
    const sw_curve_point *points;
    int64_t n;  /* 0: the line is left out */
    double top; /* of its axis, which begins at 0; 0: its largest value */
};

/* Lines over steps, as SVG: the axis of the first on the left, in per cent on the right; the largest value
 * of others beside their names.  False: errno says why. */
bool curve_write_svg(const char *path, const char *title, const struct curve_line *lines, int n);

#endif

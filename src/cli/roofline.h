/* The roofline of this machine with every kernel on it, as an SVG picture. */
#ifndef SWELL_CLI_ROOFLINE_H
#define SWELL_CLI_ROOFLINE_H

#include "cli/bench_report.h"

/* False: the file could not be written, errno says why. */
bool roofline_write_svg(const char *path, const sw_context *ctx, const struct sw_limits *limits,
                        const struct bench_figure *figures, int64_t n);

#endif

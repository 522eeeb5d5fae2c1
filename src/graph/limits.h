/* The physical limits of this machine, measured in a few milliseconds: what profiles and benches
 * hold their figures against. */
#ifndef SWELL_GRAPH_LIMITS_H
#define SWELL_GRAPH_LIMITS_H

#include <swell/context.h>

struct sw_limits {
    double f32_flops;  /* fused multiply-adds, two a piece, all threads of the context, a second */
    double read_bytes; /* read from memory by all threads, a second */
};

/* Takes about 0.2 s and 256 MB for a moment.  SW_ERR_MEMORY. */
sw_status sw__limits_measure(sw_context *ctx, struct sw_limits *out);

#endif

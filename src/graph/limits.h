/* The physical limits of this machine, measured in a few milliseconds: what profiles and benches
 * hold their figures against. */
#ifndef SWELL_GRAPH_LIMITS_H
#define SWELL_GRAPH_LIMITS_H

#include <swell/context.h>

struct sw_limits {
    /* Multiply-adds, two operations a piece, by all threads of the context, a second. */
    double f32_flops, bf16_flops, int8_ops; /* bf16: by the faster of bf16 and f32 instructions */
    /* Bytes by all threads, a second: a plain sum; y = x and y = a + 3 b, read and written. */
    double read_bytes, copy_bytes, triad_bytes;
    double cache_bytes; /* read from the second-level caches */
};

/* Takes about 0.8 s and 192 MB for a moment.  SW_ERR_MEMORY. */
sw_status sw__limits_measure(sw_context *ctx, struct sw_limits *out);
/* f32_flops at the clock that the cores have now: of two milliseconds, for the clock follows the work. */
double sw__limits_f32_now(sw_context *ctx);
/* Only what memory does, anew: other programs may use it too. */
sw_status sw__limits_memory(sw_context *ctx, struct sw_limits *out);

#endif

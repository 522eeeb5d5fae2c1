/* What it costs to walk through a plan: steps without any work. */
#ifndef SWELL_GRAPH_DISPATCH_H
#define SWELL_GRAPH_DISPATCH_H

#include <swell/context.h>

enum { SW_DISPATCH_STEPS = 200 };

/* Median seconds of a run of a plan of SW_DISPATCH_STEPS empty steps, each of which waits for all
 * threads' tasks of the one before.  Takes about 20 ms.  SW_ERR_MEMORY. */
sw_status sw__dispatch_measure(sw_context *ctx, double *seconds);

#endif

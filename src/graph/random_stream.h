/* Which random numbers a step draws: a function of the run's step and of the op's own stream, to be
 * used with the run's seed (base/rng.h).  No two (op, step) share one, for up to 2^24 ops. */
#ifndef SWELL_GRAPH_RANDOM_STREAM_H
#define SWELL_GRAPH_RANDOM_STREAM_H

#include "graph/op.h"

static inline uint64_t sw__run_stream(uint64_t stream, const struct sw_run_seed *seed)
{
    return stream << 40 ^ seed->step;
}

/* The numbers of this step's own op.  A backward op that must draw those of its forward op takes the
 * forward op's stream as an attribute, and sw__run_stream. */
static inline uint64_t sw__step_stream(const struct sw_step *s)
{
    return sw__run_stream(s->stream, s->seed);
}

#endif

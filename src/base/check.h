/* The three kinds of errors (docs/CONTRIBUTING): SW_ASSERT for a mistake inside the library, a
 * negative sw_status for anything from outside, SW_NEVER for what cannot happen. */
#ifndef SWELL_BASE_CHECK_H
#define SWELL_BASE_CHECK_H

#include <assert.h>

/* A programmer's mistake inside the library; gone in release builds. */
#define SW_ASSERT(x) assert(x)

/* True if the impossible happened: stops a debug build, takes the branch in a release build. */
#ifdef NDEBUG
#define SW_NEVER(x) (x)
#else
#define SW_NEVER(x) ((x) ? (assert(!#x), 1) : 0)
#endif

#endif

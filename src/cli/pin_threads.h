/* Threads of a benchmark on cores of their own. */
#ifndef SWELL_CLI_PIN_THREADS_H
#define SWELL_CLI_PIN_THREADS_H

#include <sched.h>

enum { PIN_MOST = 1024 };

struct pinned {
    cpu_set_t cores; /* that the program had when it began */
    int threads;     /* of a pool, its caller included; 0: pin nothing */
    int count;       /* threads seen so far, */
    int seen[PIN_MOST];
};

/* For pools of so many threads, before any thread is pinned. */
void pin_begin(struct pinned *p, int threads);
/* The threads that are new since the last call, of whole pools, to the second core and on; the caller to
 * the first.  Nothing where there are fewer cores than `threads`. */
void pin_new(struct pinned *p);

#endif

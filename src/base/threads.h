/* Threads: one pthreadpool, one parallel region a run, and a tally of the work done inside it.
 *
 * pthreadpool starts `n` threads for one region; inside, the threads walk the plan's steps and wait
 * for each other's work by a tally, spinning for a short while before they yield, so that two
 * hundred steps cost two hundred cheap meetings, not two hundred wake-ups. */
#ifndef SWELL_BASE_THREADS_H
#define SWELL_BASE_THREADS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <swell/status.h>

enum { SW_TALLY_LINES = 4 };

struct sw_threads; /* opaque: the pool */

/* n >= 1 threads, the caller included.  SW_ERR_MEMORY when so many cannot be started. */
sw_status sw__threads_create(int n, struct sw_threads **out);
void sw__threads_destroy(struct sw_threads *threads);
int sw__threads_count(const struct sw_threads *threads);

/* Run body(user, t) once for each t in 0..n-1 and wait.  The bodies may meet by a tally, each of them
 * equally often; without that, one thread may run two of them in turn.  Not to be called from inside
 * a body, nor by two threads at the same time. */
void sw__threads_run(struct sw_threads *threads, void (*body)(void *user, int thread), void *user);

/* Run body(user, i, thread) once for each i in 0..n-1, on whichever thread is free, and wait.  Not to be
 * called from inside a body. */
void sw__threads_each(struct sw_threads *threads, int64_t n,
                      void (*body)(void *user, int64_t i, int thread), void *user);

/* How many pieces of work are done.  Writes before an addition are visible to who sees it.  Threads
 * add in cache lines of their own, and who waits reads all of them. */
struct sw_tally {
    struct {
        _Alignas(64) atomic_ullong done;
    } line[SW_TALLY_LINES];
    int lines, looks; /* lines in use; looks before a waiting thread gives its core away */
};

void sw__tally_init(struct sw_tally *t, int threads);
/* Back to 0, while nobody waits or adds. */
void sw__tally_reset(struct sw_tally *t);
/* `thread` has done n more pieces. */
void sw__tally_add(struct sw_tally *t, int thread, unsigned long long n);
/* Whether the target is reached now or within some 100 ns. */
bool sw__tally_glance(const struct sw_tally *t, unsigned long long target);
void sw__tally_wait(const struct sw_tally *t, unsigned long long target);

#endif

/* Threads: one pthreadpool, one parallel region a run, and a barrier inside it.
 *
 * pthreadpool starts `n` threads for one region; inside, the threads walk the plan's steps and meet
 * at a barrier that spins for a short while and then yields, so that two hundred steps cost two
 * hundred cheap meetings, not two hundred wake-ups. */
#ifndef SWELL_BASE_THREADS_H
#define SWELL_BASE_THREADS_H

#include <stdatomic.h>
#include <stdint.h>
#include <swell/status.h>

struct sw_threads; /* opaque: the pool */

/* n >= 1 threads, the caller included.  SW_ERR_MEMORY when so many cannot be started. */
sw_status sw__threads_create(int n, struct sw_threads **out);
void sw__threads_destroy(struct sw_threads *threads);
int sw__threads_count(const struct sw_threads *threads);

/* Run body(user, t) once for each t in 0..n-1 and wait.  The bodies may meet at barriers, each of
 * them equally often; without any, one thread may run two of them in turn.  Not to be called from
 * inside a body, nor by two threads at the same time. */
void sw__threads_run(struct sw_threads *threads, void (*body)(void *user, int thread), void *user);

struct sw_barrier {
    _Alignas(64) atomic_ullong arrived; /* ever; the phase is arrived / count */
    _Alignas(64) int count;
    int spins; /* rounds before a waiting thread gives its core away */
};

void sw__barrier_init(struct sw_barrier *b, int count);
/* Wait until all `count` threads are here.  All writes before it are visible after it. */
void sw__barrier_wait(struct sw_barrier *b);

#endif

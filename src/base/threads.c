/* The thread pool and the barrier.
 *
 * pthreadpool hands each of its n threads one item of a range of n, and a thread may take another
 * thread's item only after it has finished its own.  Bodies that meet at barriers therefore never
 * wait for one that has not started: nobody is past the last barrier before all have begun.
 *
 * The barrier counts arrivals; the last one resets the count and opens the next phase.  Waiting
 * threads spin on the phase, each with a pause, and after a while give their core away, because the
 * one they wait for may need it. */
#include "base/threads.h"

#include <pthreadpool.h>
#include <sched.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/cpu.h"

#define SPIN_ROUNDS 2000 /* about 20 us: longer than a step's imbalance, shorter than a wake-up */

struct sw_threads {
    pthreadpool_t pool; /* NULL for one thread */
    int count;
    uint32_t flags;
    void (*body)(void *user, int thread);
    void *user;
    /* pthreadpool orders memory itself, but unseen by a thread sanitizer, as the library is not
     * built with it.  These two say the same again: one release and one acquire a region. */
    atomic_uint started, finished;
};

sw_status sw__threads_create(int n, struct sw_threads **out)
{
    SW_ASSERT(n >= 1);
    *out = NULL;
    struct sw_threads *t = calloc(1, sizeof(*t));
    if (!t) return SW_ERR_MEMORY;
    t->count = n;
    atomic_init(&t->started, 0);
    atomic_init(&t->finished, 0);
    if (n > 1) {
        /* More threads than cores: idle workers sleep at once, spinning would hold up the others. */
        if (n > sw__cpu()->cores) t->flags = PTHREADPOOL_FLAG_YIELD_WORKERS;
        t->pool = pthreadpool_create((size_t)n);
        if (!t->pool) {
            free(t);
            return SW_ERR_MEMORY;
        }
        /* It may give fewer than asked for; one step's work is cut for exactly these. */
        t->count = (int)pthreadpool_get_threads_count(t->pool);
    }
    *out = t;
    return SW_OK;
}

void sw__threads_destroy(struct sw_threads *threads)
{
    if (!threads) return;
    if (threads->pool) pthreadpool_destroy(threads->pool);
    free(threads);
}

int sw__threads_count(const struct sw_threads *threads)
{
    return threads->count;
}

static void run_item(void *context, size_t item)
{
    struct sw_threads *t = context;

    (void)atomic_load_explicit(&t->started, memory_order_acquire);
    t->body(t->user, (int)item);
    atomic_fetch_add_explicit(&t->finished, 1, memory_order_release);
}

void sw__threads_run(struct sw_threads *threads, void (*body)(void *user, int thread), void *user)
{
    if (threads->count == 1) {
        body(user, 0);
        return;
    }
    threads->body = body;
    threads->user = user;
    atomic_fetch_add_explicit(&threads->started, 1, memory_order_release);
    pthreadpool_parallelize_1d(threads->pool, run_item, threads, (size_t)threads->count,
                               threads->flags);
    (void)atomic_load_explicit(&threads->finished, memory_order_acquire);
}

void sw__barrier_init(struct sw_barrier *b, int count)
{
    atomic_init(&b->arrived, 0);
    atomic_init(&b->phase, 0);
    b->count = count;
}

static inline void pause_core(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

void sw__barrier_wait(struct sw_barrier *b)
{
    if (b->count == 1) return;
    /* The phase cannot move on between these two lines: it waits for us. */
    unsigned phase = atomic_load_explicit(&b->phase, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&b->arrived, 1, memory_order_acq_rel) == b->count - 1) {
        atomic_store_explicit(&b->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&b->phase, phase + 1, memory_order_release);
        return;
    }
    for (int round = 0; atomic_load_explicit(&b->phase, memory_order_acquire) == phase; round++) {
        if (round < SPIN_ROUNDS) {
            pause_core();
        } else {
            sched_yield();
            round = SPIN_ROUNDS; /* never overflows */
        }
    }
}

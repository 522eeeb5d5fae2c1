/* The thread pool and the barrier.
 *
 * pthreadpool hands each of its n threads one item of a range of n, and a thread may take another
 * thread's item only after it has finished its own.  Bodies that meet at barriers therefore never
 * wait for one that has not started: nobody is past the last barrier before all have begun.
 *
 * The barrier is one number, the arrivals ever; it opens when the number reaches the next multiple
 * of the count.  With one cache line to pass round instead of two (a count that is reset, and a
 * phase), two threads meet in about 0.6 of the time.  Waiting threads spin on it, each with a pause,
 * and after a while give their core away, because the one they wait for may need it. */
#include "base/threads.h"

#include <pthread.h>
#include <pthreadpool.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/cpu.h"
#include "base/memory.h"

/* Rounds of pause (10 to 40 ns each) before yielding: longer than the usual imbalance of a step.
 * Where threads outnumber cores, the awaited one is likely to need this very core. */
#define SPIN_ROUNDS      2000
#define SPIN_ROUNDS_MANY 16

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

static void *wait_at_gate(void *gate)
{
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

/* Whether n more threads can live at the same time.  pthreadpool does not look whether its threads
 * could be started, and then waits for them for ever; so where memory or a limit on processes
 * forbids them, find out before.  The probe also leaves warm stacks for the pool to take. */
static bool can_start(int n)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t *probes = sw__calloc2((size_t)n, sizeof(*probes));
    int started = 0;

    if (!probes) return false;
    pthread_mutex_lock(&gate);
    while (started < n && pthread_create(&probes[started], NULL, wait_at_gate, &gate) == 0)
        started++;
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < started; i++) pthread_join(probes[i], NULL);
    pthread_mutex_destroy(&gate);
    free(probes);
    return started == n;
}

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
        /* More threads than cores: workers that spin for the next region keep this one's from
         * running.  An empty region of 7 threads on 2 cores takes 14 ms so, 0.03 ms with yields. */
        if (n > sw__cpu()->cores) t->flags = PTHREADPOOL_FLAG_YIELD_WORKERS;
        t->pool = can_start(n - 1) ? pthreadpool_create((size_t)n) : NULL;
        if (!t->pool) {
            free(t);
            return SW_ERR_MEMORY;
        }
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
    b->count = count;
    b->spins = count <= sw__cpu()->cores ? SPIN_ROUNDS : SPIN_ROUNDS_MANY;
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
    const unsigned long long count = (unsigned long long)b->count;
    unsigned long long ticket = atomic_fetch_add_explicit(&b->arrived, 1, memory_order_acq_rel);
    const unsigned long long open = ticket - ticket % count + count;
    int left = b->spins;
    while (atomic_load_explicit(&b->arrived, memory_order_acquire) < open) {
        if (left > 0) {
            left--;
            pause_core();
        } else {
            sched_yield();
        }
    }
}

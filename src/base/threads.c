/* The thread pool and the tally.
 *
 * pthreadpool hands each of its n threads one item of a range of n, and a thread may take another
 * thread's item only after it has finished its own.  So bodies may wait for each other: all begin.
 *
 * A tally counts work, not threads: whoever waits for it waits only for work that another thread is in
 * the middle of, never for a thread that has not come yet.  So a thread that lost its core to another
 * program does not stop the others; they do its share.  Waiting threads spin for a
 * while and then yield, because the one they wait for may need their core. */
#include "base/threads.h"

#include <pthread.h>
#include <pthreadpool.h>
#include <sched.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/cpu.h"
#include "base/memory.h"

/* How a thread waits: looks without a pause, looks with one (10 to 40 ns each), then gives its core
 * away before each look.  Where threads outnumber cores, the awaited one is likely to need this very
 * core.  A training step of the convnet beside two busy loops on two cores, images/s: 1400 to 2500 so, 1500
 * to 1800 when sleeping in a futex (at once or after 200 yields), less when looking for 200 us first. */
#define LOOKS_AT_ONCE 64
#define LOOKS         500
#define LOOKS_MANY    16

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

struct each {
    int64_t n;
    void (*body)(void *user, int64_t i, int thread);
    void *user;
    atomic_llong next;
};

static void take_items(void *user, int thread)
{
    struct each *e = user;
    for (int64_t i; (i = atomic_fetch_add_explicit(&e->next, 1, memory_order_relaxed)) < e->n;)
        e->body(e->user, i, thread);
}

void sw__threads_each(struct sw_threads *threads, int64_t n,
                      void (*body)(void *user, int64_t i, int thread), void *user)
{
    struct each e = {n, body, user, 0};
    sw__threads_run(threads, take_items, &e);
}

/* ---- tally --------------------------------------------------------------------------------------- */

static inline void pause_core(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

void sw__tally_init(struct sw_tally *t, int threads)
{
    for (int i = 0; i < SW_TALLY_LINES; i++) atomic_init(&t->line[i].done, 0);
    t->lines = threads < SW_TALLY_LINES ? threads : SW_TALLY_LINES;
    t->looks = threads <= sw__cpu()->cores ? LOOKS : LOOKS_MANY;
}

void sw__tally_reset(struct sw_tally *t)
{
    for (int i = 0; i < t->lines; i++)
        atomic_store_explicit(&t->line[i].done, 0, memory_order_relaxed);
}

void sw__tally_add(struct sw_tally *t, int thread, unsigned long long n)
{
    atomic_fetch_add_explicit(&t->line[thread % SW_TALLY_LINES].done, n, memory_order_release);
}

/* The numbers only grow, so a sum of them, read one after the other, was reached. */
static inline bool reached(const struct sw_tally *t, unsigned long long target)
{
    unsigned long long sum = 0;
    for (int i = 0; i < t->lines; i++)
        sum += atomic_load_explicit(&t->line[i].done, memory_order_acquire);
    return sum >= target;
}

bool sw__tally_glance(const struct sw_tally *t, unsigned long long target)
{
    for (int i = 0; i < LOOKS_AT_ONCE; i++)
        if (reached(t, target)) return true;
    return false;
}

void sw__tally_wait(const struct sw_tally *t, unsigned long long target)
{
    if (sw__tally_glance(t, target)) return;
    for (int left = t->looks; !reached(t, target); left -= left > 0) {
        if (left > 0)
            pause_core();
        else
            sched_yield();
    }
}

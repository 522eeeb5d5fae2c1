/* Threads and the tally, with fewer, as many, and more threads than cores.  Plain (not atomic) memory
 * is written before an addition and read after waiting for it: under the thread sanitizer this shows
 * that the tally and the pool order memory. */
#include "unit.h"

#include "base/threads.h"
#include "base/cpu.h"
#include <pthread.h>
#include <time.h>

enum { MOST = 7, STEPS = 400 };
static const int counts[] = {1, 2, 3, 7};

struct walk {
    struct sw_tally tally;
    int threads;
    int runs[MOST];     /* how often each index was run */
    int value[2][MOST]; /* step s writes row s % 2 from row (s + 1) % 2 */
    int wrong[MOST];
};

/* Now and then one thread is late, so that the others yield. */
static void meet(struct walk *w, int step, int thread)
{
    const struct timespec late = {.tv_nsec = 2000000};
    if (step % 100 == 50 && thread == step / 100 % w->threads) nanosleep(&late, NULL);
    const unsigned long long target = (unsigned long long)(step + 1) * (unsigned)w->threads;
    sw__tally_add(&w->tally, thread, 1);
    sw__tally_wait(&w->tally, target);
}

/* Each thread adds up what all wrote in the step before: wrong unless all were done. */
static void walk_steps(void *user, int thread)
{
    struct walk *w = user;

    w->runs[thread]++;
    for (int step = 0; step < STEPS; step++) {
        for (int t = 0; t < w->threads; t++)
            if (w->value[(step + 1) % 2][t] != step) w->wrong[thread]++;
        w->value[step % 2][thread] = step + 1;
        meet(w, step, thread);
    }
}

static void steps_in_order(void **state)
{
    for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
        struct sw_threads *threads;
        assert_int_equal(sw__threads_create(counts[c], &threads), SW_OK);
        assert_int_equal(sw__threads_count(threads), counts[c]);
        for (int round = 0; round < 5; round++) {
            struct walk w = {.threads = counts[c]};
            sw__tally_init(&w.tally, counts[c]);
            sw__threads_run(threads, walk_steps, &w);
            for (int t = 0; t < counts[c]; t++) {
                assert_int_equal(w.runs[t], 1);
                assert_int_equal(w.wrong[t], 0);
                assert_int_equal(w.value[(STEPS - 1) % 2][t], STEPS);
            }
        }
        sw__threads_destroy(threads);
    }
    sw__threads_destroy(NULL);
}

struct sum {
    long part[MOST];
    long add;
};

static void add_part(void *user, int thread)
{
    struct sum *s = user;

    s->part[thread] += s->add;
}

/* Many short regions: what the caller writes is seen by all, and their work is seen by it. */
static void many_regions(void **state)
{
    for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
        struct sw_threads *threads;
        struct sum s = {.add = 0};
        long expected = 0;
        assert_int_equal(sw__threads_create(counts[c], &threads), SW_OK);
        for (int i = 0; i < 300; i++) {
            s.add = i;
            expected += i;
            sw__threads_run(threads, add_part, &s);
            for (int t = 0; t < counts[c]; t++) assert_int_equal(s.part[t], expected);
        }
        sw__threads_destroy(threads);
    }
}

/* Two pools at work at the same time, as two contexts in two threads have. */
static void *own_pool(void *failed)
{
    struct sw_threads *threads;

    if (sw__threads_create(3, &threads)) return failed;
    for (int round = 0; round < 5; round++) {
        struct walk w = {.threads = 3};
        sw__tally_init(&w.tally, 3);
        sw__threads_run(threads, walk_steps, &w);
        for (int t = 0; t < 3; t++)
            if (w.wrong[t] || w.runs[t] != 1) *(bool *)failed = true;
    }
    sw__threads_destroy(threads);
    return NULL;
}

static void pools_side_by_side(void **state)
{
    bool failed[2] = {false, false};
    pthread_t other;

    assert_int_equal(pthread_create(&other, NULL, own_pool, &failed[0]), 0);
    assert_null(own_pool(&failed[1]));
    void *result;
    assert_int_equal(pthread_join(other, &result), 0);
    assert_null(result);
    assert_false(failed[0] || failed[1]);
}

static void *ask_cpu(void *unused)
{
    return (void *)(uintptr_t)sw__cpu();
}

static void first_question_by_many(void **state)
{
    pthread_t threads[4];
    void *answer;

    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_cpu, NULL), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], &answer), 0);
        assert_ptr_equal(answer, sw__cpu());
    }
}

struct marks {
    int done[1000];
    int by[MOST];
};

static void mark(void *user, int64_t i, int thread)
{
    struct marks *m = user;
    m->done[i]++;
    m->by[thread]++;
}

/* Each item once, whoever takes it. */
static void each_item_once(void **state)
{
    for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
        struct sw_threads *threads;
        assert_int_equal(sw__threads_create(counts[c], &threads), SW_OK);
        for (int64_t n = 0; n <= 1000; n = n < 3 ? n + 1 : 10 * n) {
            struct marks m = {0};
            int sum = 0;
            sw__threads_each(threads, n, mark, &m);
            for (int i = 0; i < 1000; i++) assert_int_equal(m.done[i], i < n);
            for (int t = 0; t < MOST; t++) sum += m.by[t];
            assert_int_equal(sum, n);
        }
        sw__threads_destroy(threads);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_question_by_many), /* before anything else has asked */
        cmocka_unit_test(steps_in_order),         cmocka_unit_test(many_regions),
        cmocka_unit_test(pools_side_by_side),     cmocka_unit_test(each_item_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

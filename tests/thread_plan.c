/* The walk through a plan: every task is done once a run, by any number of threads, after all tasks of
 * the rounds before it.  The op of these tests does nothing but look at that, in plain memory, so
 * the thread sanitizer sees the order too. */
#include "unit.h"

#include <swell/swell.h>
#include <stdlib.h>
#include <time.h>
#include "base/clock.h"
#include "graph/graph_int.h"
#include "graph/op.h"
#include "graph/op_list.h"

enum { STEPS = 200, MOST_TASKS = 64, LATE = 1000000 };

struct step_attr {
    int number, tasks;
    bool late; /* the first task of a run takes a while */
};

static int done[STEPS][MOST_TASKS]; /* runs in which the task was done */
static int previous[STEPS];         /* tasks of the step before */

static sw_status look_infer(struct sw_infer *q)
{
    *q->out[0] = (sw_tensor){.dtype = q->in[0]->dtype, .shape = q->in[0]->shape};
    return SW_OK;
}

static sw_status look_prepare(struct sw_step *s)
{
    const struct step_attr *attr = s->attr;
    s->n_phases = 1;
    s->tasks[0] = attr->tasks;
    return SW_OK;
}

static void look_run(const struct sw_step *s, int phase, int64_t begin, int64_t end, void *scratch)
{
    const struct step_attr *attr = s->attr;
    const struct timespec while_ = {.tv_nsec = LATE};
    const int n = attr->number;
    if (attr->late && begin == 0) nanosleep(&while_, NULL);
    for (int64_t i = begin; i < end; i++) {
        for (int j = 0; j < previous[n]; j++)
            if (done[n - 1][j] != done[n][i] + 1) done[n][i] = -LATE;
        done[n][i]++;
    }
}

static const struct sw_op_class look = {
    .name = "look", .infer = look_infer, .prepare = look_prepare, .run = look_run};

/* STEPS steps, each of which reads the one before; tasks(i) tasks in step i. */
static void walk(int threads, int (*tasks)(int step), int late_every, int runs, bool profile)
{
    sw_context *ctx;
    sw_graph *g;
    sw_plan *p;
    float one = 1;
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = threads}, &ctx), SW_OK);
    assert_int_equal(sw_graph_create(ctx, &g), SW_OK);
    sw_node *x = sw_input(g, "x", SW_F32, SW_SHAPE(1)), *y = x;
    for (int i = 0; i < STEPS; i++) {
        const struct step_attr attr = {i, tasks(i), late_every && i % late_every == 1};
        previous[i] = i > 0 ? tasks(i - 1) : 0;
        y = sw__op_add(g, &look, &attr, sizeof attr, &y, 1, 1);
    }
    assert_int_equal(sw_compile(g, (sw_plan_options){.outputs = &y, .n_outputs = 1}, &p), SW_OK);
    assert_int_equal(sw_run(p), SW_ERR_STATE); /* x has no memory yet */
    assert_int_equal(sw_bind(p, x, &one, SW_SHAPE(1)), SW_OK);
    assert_int_equal(sw_bind(p, x, &one, SW_SHAPE(1)), SW_OK);
    assert_int_equal(sw_plan_profile(p, profile), SW_OK);
    memset(done, 0, sizeof done);
    for (int i = 0; i < runs; i++) assert_int_equal(sw_run(p), SW_OK);
    for (int i = 0; i < STEPS; i++)
        for (int j = 0; j < tasks(i); j++) assert_int_equal(done[i][j], runs);
    sw_plan_destroy(p);
    sw_graph_destroy(g);
    sw_context_destroy(ctx);
}

static int single(int step)
{
    (void)step;
    return 1;
}

static int mixed(int step)
{
    static const int tasks[] = {1, 1, 2, 7, 1, MOST_TASKS, 3, 1, 1, 5};
    return tasks[step % 10];
}

static int only_first(int step)
{
    return step < 3 ? 2 : 0;
}

static void each_task_once(void **state)
{
    for (int threads = 1; threads <= 7; threads += threads < 3 ? 1 : 4)
        for (int profile = 0; profile < 2; profile++) {
            walk(threads, single, 0, 20, profile);
            walk(threads, mixed, 0, 50, profile);
        }
}

static void late_tasks(void **state)
{
    walk(2, mixed, 20, 5, false);
    walk(3, mixed, 20, 5, true);
}

/* The number of a run has 16 bits. */
static void run_numbers_wrap(void **state)
{
    walk(2, only_first, 0, (1 << 16) + 3, false);
}

/* ---- the cost of the walk: steps without any work, each waits for all tasks of the one before ------- */

enum { RUNS = 301 };

static sw_status nothing_infer(struct sw_infer *q)
{
    q->out[0]->dtype = q->in[0]->dtype;
    q->out[0]->shape = q->in[0]->shape;
    return SW_OK;
}

static sw_status nothing_prepare(struct sw_step *s)
{
    s->n_phases = 1;
    s->tasks[0] = *(const int *)s->attr;
    return SW_OK;
}

static void nothing_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                        void *scratch)
{
}

static const struct sw_op_class nothing = {
    .name = "nothing", .infer = nothing_infer, .prepare = nothing_prepare, .run = nothing_run};

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Median seconds of a run. */
static double measure(sw_plan *p)
{
    double took[RUNS];
    for (int i = 0; i < RUNS; i++) {
        const double start = sw__clock_seconds();
        assert_int_equal(sw_run(p), SW_OK);
        took[i] = sw__clock_seconds() - start;
    }
    qsort(took, RUNS, sizeof *took, compare);
    return took[RUNS / 2];
}

/* Prints what docs/PERFORMANCE.md says; no time is asserted. */
static void empty_steps(void **state)
{
    for (int tasks = 1; tasks <= 64; tasks *= tasks < 8 ? 2 : 8) {
        float one = 1;
        sw_context *ctx;
        sw_graph *g;
        sw_plan *p;
        assert_int_equal(sw_context_create(&(sw_context_options){.threads = 2}, &ctx), SW_OK);
        assert_int_equal(sw_graph_create(ctx, &g), SW_OK);
        sw_node *x = sw_input(g, "x", SW_F32, SW_SHAPE(1)), *y = x;
        for (int i = 0; i < STEPS; i++) y = sw__op_add(g, &nothing, &tasks, sizeof tasks, &y, 1, 1);
        assert_int_equal(sw_compile(g, (sw_plan_options){.outputs = &y, .n_outputs = 1}, &p),
                         SW_OK);
        assert_int_equal(sw_bind(p, x, &one, SW_SHAPE(1)), SW_OK);
        print_message("%d empty steps of %d tasks, two threads: %.1f us a run\n", STEPS, tasks,
                      measure(p) * 1e6);
        sw_plan_destroy(p);
        sw_graph_destroy(g);
        sw_context_destroy(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_task_once),
        cmocka_unit_test(late_tasks),
        cmocka_unit_test(run_numbers_wrap),
        cmocka_unit_test(empty_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

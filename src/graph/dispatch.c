/* Measures the dispatch of steps: a chain of ops with one task a thread that do nothing. */
#include "graph/dispatch.h"

#include <stdlib.h>
#include <swell/plan.h>
#include "base/clock.h"
#include "graph/op.h"

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

static sw_status measure(sw_plan *p, double *seconds)
{
    double took[RUNS];
    sw_status status = SW_OK;
    for (int i = 0; i < RUNS && status == SW_OK; i++) {
        const double start = sw__clock_seconds();
        status = sw_run(p);
        took[i] = sw__clock_seconds() - start;
    }
    if (status != SW_OK) return status;
    qsort(took, RUNS, sizeof *took, compare);
    *seconds = took[RUNS / 2];
    return SW_OK;
}

sw_status sw__dispatch_measure(sw_context *ctx, double *seconds)
{
    const int tasks = sw_context_threads(ctx);
    float one = 1;
    sw_graph *g;
    sw_plan *p = NULL;
    sw_status status = sw_graph_create(ctx, &g);
    if (status != SW_OK) return status;
    sw_node *x = sw_input(g, "x", SW_F32, SW_SHAPE(1)), *y = x;
    for (int i = 0; i < SW_DISPATCH_STEPS; i++)
        y = sw__op_add(g, &nothing, &tasks, sizeof tasks, &y, 1, 1);
    status = sw_compile(g, (sw_plan_options){.outputs = &y, .n_outputs = 1, .name = "dispatch"},
                        &p);
    if (status == SW_OK) status = sw_bind(p, x, &one, SW_SHAPE(1));
    if (status == SW_OK) status = measure(p, seconds);
    sw_plan_destroy(p);
    sw_graph_destroy(g);
    return status;
}

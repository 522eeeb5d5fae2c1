/* sw_run: one parallel region; inside it the threads walk the phases of all steps.
 *
 *   thread 0   [pack] | step 0 tasks 0..4 |=| step 1 tasks 0..9  |=| ...
 *   thread 1          | step 0 tasks 5..9 |=| step 1 tasks 10..19|=| ...      |=| barrier
 *
 * Each thread owns an equal, contiguous share of a phase's tasks, which keeps rows in the cache of
 * the core that made them, and claims them piece by piece from a counter; a thread that is done helps
 * the others.  Which thread does a task changes nothing in its result. */
#include <math.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/size.h"
#include "graph/plan_int.h"

/* First task of thread t's share of n tasks; the first thread gets the odd one. */
static int64_t share(int64_t n, int t, int threads)
{
    return sw__ceil_div(n * t, threads);
}

static void phase_run(sw_plan *p, int index, int thread, int threads)
{
    const struct sw_phase *f = &p->phases[index];
    const struct sw_step *s = &p->steps[f->step];
    char *scratch = p->scratch + thread * p->scratch_bytes;
    if (f->tasks == 1 || threads == 1) {
        if (thread == 0) s->cls->run(s, f->phase, 0, f->tasks, scratch);
        return;
    }
    for (int k = 0; k < threads; k++) {
        int owner = (thread + k) % threads;
        int64_t from = share(f->tasks, owner, threads), to = share(f->tasks, owner + 1, threads);
        int64_t piece = sw__max64((to - from) / 8, 1);
        atomic_llong *claim = &p->claims[(int64_t)index * threads + owner];
        for (;;) {
            int64_t begin = from + atomic_fetch_add_explicit(claim, piece, memory_order_relaxed);
            if (begin >= to) break;
            s->cls->run(s, f->phase, begin, sw__min64(begin + piece, to), scratch);
        }
    }
}

/* Remember the first step whose results hold a NaN. */
static void look_for_nan(sw_plan *p, int step)
{
    const struct sw_step *s = &p->steps[step];
    if (atomic_load(&p->nan_step) >= 0 || (s->cls->flags & SW_OP_EFFECT)) return;
    for (int i = 0; i < s->n_out; i++) {
        if (!s->out[i] || s->out[i]->dtype != SW_F32) continue;
        const float *y = s->out[i]->data;
        int64_t n = sw_shape_elements(&s->out[i]->shape);
        for (int64_t j = 0; j < n; j++)
            if (isnan(y[j])) {
                atomic_store(&p->nan_step, step);
                return;
            }
    }
}

static void profile_phase(sw_plan *p, int index, double *since)
{
    struct sw_phase *f = &p->phases[index];
    struct sw_step_profile *r = &p->profile[f->step];
    double now = sw__clock_seconds();
    if (index == 0 || f[-1].step != f->step) { /* the first phase that has work */
        r->calls++;
        r->last_start = *since;
    }
    r->seconds += now - *since;
    r->last_end = now;
    *since = now;
}

static void walk(void *user, int thread)
{
    sw_plan *p = user;
    int threads = sw__threads_count(p->ctx->threads);
    double since = p->profiling && thread == 0 ? sw__clock_seconds() : 0;
    for (int i = 0; i < p->n_phases; i++) {
        phase_run(p, i, thread, threads);
        if (p->phases[i].barrier && threads > 1) sw__barrier_wait(&p->barrier);
        if (thread == 0 && p->profiling) profile_phase(p, i, &since);
        /* Results are complete after a step's last phase. */
        bool done = i + 1 == p->n_phases || p->phases[i + 1].step != p->phases[i].step;
        if (!p->check_nan || !done) continue;
        if (thread == 0) look_for_nan(p, p->phases[i].step);
        if (threads > 1) sw__barrier_wait(&p->barrier);
    }
}

/* ---- packed weights ---------------------------------------------------------------------------- */

struct refresh {
    const sw_plan *p;
    struct sw_packed *packed;
};

static void refresh_thread(void *user, int thread)
{
    const struct refresh *r = user;
    const struct sw_packed *k = r->packed;
    int threads = sw__threads_count(r->p->ctx->threads);
    int64_t begin = share(k->pack.tasks, thread, threads);
    int64_t end = share(k->pack.tasks, thread + 1, threads);
    if (begin < end)
        k->pack.run(&k->pack, &r->p->kernels, k->weight->tensor.data, k->data, begin, end);
}

static bool stale(const struct sw_packed *k)
{
    return atomic_load(&((struct sw_packed *)k)->version) != sw_weight_version(k->weight);
}

/* Make packed copies anew whose weight has changed.  The lock keeps two plans from doing it at the
 * same time; it is taken only when something changed. */
static void refresh_packed(sw_plan *p)
{
    for (int64_t i = 0; i < p->n_packed; i++) {
        struct sw_packed *k = p->packed[i];
        if (!stale(k)) continue;
        sw__weights_lock(k->weight->set);
        if (stale(k)) {
            struct refresh r = {p, k};
            uint64_t version = sw_weight_version(k->weight);
            sw__threads_run(p->ctx->threads, refresh_thread, &r);
            atomic_store(&k->version, version);
            sw__weight_release_pages(k->weight);
        }
        sw__weights_unlock(k->weight->set);
    }
}

/* ---- run --------------------------------------------------------------------------------------- */

static sw_status check_bound(sw_plan *p)
{
    for (int64_t i = 0; i < p->n_values; i++) {
        const struct sw_value *v = &p->values[i];
        if (v->place == SW_PLACE_INPUT && v->root == i && !v->t.data)
            return sw__fail(p->ctx, SW_ERR_STATE, "run: input '%s' of plan '%s' was never bound",
                            v->node->name, p->name);
    }
    return SW_OK;
}

static void raise_versions(sw_plan *p)
{
    for (int i = 0; i < p->n_steps; i++) {
        const struct sw_plan_op *op = &p->ops[p->step_op[i]];
        if (!op->cls->mutates) continue;
        for (int j = 0; j < op->n_in; j++)
            if (op->in[j] >= 0 && (op->cls->mutates >> j & 1))
                sw_weight_touch(p->values[op->in[j]].node->weight);
    }
}

sw_status sw_run(sw_plan *p)
{
    int threads = sw__threads_count(p->ctx->threads);
    sw_status status = check_bound(p);
    if (status == SW_OK && p->shapes_changed) status = sw__plan_reshape(p);
    if (status != SW_OK) return status;
    refresh_packed(p);
    for (int64_t i = 0; i < (int64_t)p->n_phases * threads; i++)
        atomic_store_explicit(&p->claims[i], 0, memory_order_relaxed);
    atomic_store(&p->nan_step, -1);
    if (p->profiling) p->profile_start = sw__clock_seconds();
    sw__threads_run(p->ctx->threads, walk, p);
    if (p->profiling) p->profile_runs++;
    raise_versions(p);
    int bad = atomic_load(&p->nan_step);
    if (bad >= 0)
        return sw__fail(p->ctx, SW_ERR_NAN, "run: %s made a NaN",
                        sw__plan_op_name(p, &p->ops[p->step_op[bad]]));
    return SW_OK;
}

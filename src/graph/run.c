/* sw_run: one parallel region; inside it the threads walk the rounds, which are phases of steps.
 *
 *   thread 0   [pack] | round 0 tasks 0..4 | round 1 tasks 0..9  | ...
 *   thread 1          | round 0 tasks 5..9 | round 1 tasks 10..19| ...
 *
 * Each thread owns an equal, contiguous share of a round's tasks, which keeps rows in the cache of
 * the core that made them, and claims them piece by piece; a thread that is done helps the others.
 * Which thread does a task changes nothing in its result.  A round begins when the tally says that
 * all tasks before it are done, whoever did them: a thread that comes late finds nothing left to
 * claim, and nobody has waited for it.
 *
 * A claim is a word for each thread's share of each round: the number of the run in the upper 16
 * bits, the tasks already taken in the lower 48.  A word of another run means that none are, so
 * nothing has to be reset and the words stay in the cache of the core that owns them.  Each run uses
 * each word of a share that is not empty, so an old number is always that of the run before. */
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

/* Thread 0 notes the time after each phase. */
static void profile_phase(sw_plan *p, int index)
{
    struct sw_phase *f = &p->phases[index];
    struct sw_step_profile *r = &p->profile[f->step];
    double now = sw__clock_seconds();
    if (index == 0 || f[-1].step != f->step) { /* the first phase that has work */
        r->calls++;
        r->last_start = p->profile_since;
    }
    r->seconds += now - p->profile_since;
    r->last_end = now;
    p->profile_since = now;
}

/* Tasks begin..end-1 of a step with a large result: each into memory of this thread first, and from
 * there past the caches. */
static void stream_tasks(const struct sw_step *s, int64_t begin, int64_t end, char *scratch)
{
    const int64_t bytes = sw__tensor_bytes(s->out[0]), task = (int64_t)s->task_bytes;
    char *result = s->out[0]->data;
    sw_tensor y = *s->out[0], *out[SW_MAX_OUTPUTS];
    struct sw_step local = *s;
    memcpy(out, s->out, (size_t)s->n_out * sizeof *out);
    out[0] = &y;
    local.out = out;
    for (int64_t i = begin; i < end; i++) {
        const int64_t at = i * task;
        /* Where out[0] would begin, if this task's part of it were the scratch: no object is there, so
         * the address is made as a number. */
        y.data = (void *)((uintptr_t)scratch - (uintptr_t)at);
        s->cls->run(&local, 0, i, i + 1, scratch + task);
        s->k->stream_rows(result + at, 0, scratch, 0, 1, sw__min64(task, bytes - at));
    }
}

static void phase_run(sw_plan *p, const struct sw_phase *f, int64_t begin, int64_t end, int thread)
{
    const struct sw_step *s = &p->steps[f->step];
    char *scratch = p->scratch + thread * p->scratch_bytes;
    if (f->phase == SW_LOOK_FOR_NAN)
        look_for_nan(p, f->step);
    else if (sw__step_streams(s))
        stream_tasks(s, begin, end, scratch);
    else
        s->cls->run(s, f->phase, begin, end, scratch);
}

/* All tasks of a round's phases, on one thread. */
static void round_alone(sw_plan *p, const struct sw_round *r, int thread)
{
    for (int i = r->first; i < r->first + r->count; i++) {
        phase_run(p, &p->phases[i], 0, p->phases[i].tasks, thread);
        if (p->profiling) profile_phase(p, i);
    }
}

#define TAKEN_BITS 48

/* Take up to `piece` tasks more of a share of `size`: from *begin on to before *end. */
static bool claim(atomic_ullong *word, uint64_t run, int64_t size, int64_t piece, int64_t *begin,
                  int64_t *end)
{
    unsigned long long seen = atomic_load_explicit(word, memory_order_relaxed);
    do {
        bool fresh = seen >> TAKEN_BITS == run;
        *begin = fresh ? (int64_t)(seen & ((1ull << TAKEN_BITS) - 1)) : 0;
        *end = sw__min64(*begin + piece, size);
        if (*begin >= size) return false;
    } while (!atomic_compare_exchange_weak_explicit(word, &seen, run << TAKEN_BITS | (uint64_t)*end,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

/* Do what is left of a thread's share. */
static void share_run(sw_plan *p, int index, int owner, int thread, int threads)
{
    const struct sw_round *r = &p->rounds[index];
    const int64_t from = share(r->tasks, owner, threads);
    const int64_t size = share(r->tasks, owner + 1, threads) - from;
    const int64_t piece = sw__max64(size / 8, 1);
    atomic_ullong *word = &p->claims[owner * p->claims_stride + index];
    int64_t begin, end, done = 0;
    for (; claim(word, p->run_number, size, piece, &begin, &end); done += end - begin) {
        if (r->tasks == 1)
            round_alone(p, r, thread);
        else
            phase_run(p, &p->phases[r->first], from + begin, from + end, thread);
    }
    if (done > 0) sw__tally_add(&p->tally, thread, (uint64_t)done);
}

static void round_run(sw_plan *p, int index, int thread, int threads)
{
    const struct sw_round *r = &p->rounds[index];
    const bool lonely = p->profiling && r->tasks == 1; /* times are thread 0's */
    share_run(p, index, thread, thread, threads);
    if (!sw__tally_glance(&p->tally, (uint64_t)r->until)) {
        for (int k = 1; k < threads && !lonely; k++)
            share_run(p, index, (thread + k) % threads, thread, threads);
        sw__tally_wait(&p->tally, (uint64_t)r->until);
    }
    if (p->profiling && thread == 0 && r->tasks > 1) profile_phase(p, r->first);
}

static void walk(void *user, int thread)
{
    sw_plan *p = user;
    int threads = sw__threads_count(p->ctx->threads);
    for (int i = 0; i < p->n_rounds; i++)
        if (threads == 1)
            round_alone(p, &p->rounds[i], thread);
        else
            round_run(p, i, thread, threads);
}

/* ---- packed weights ---------------------------------------------------------------------------- */

struct packing {
    const sw_plan *p;
    struct sw_packed *packed;
};

/* Bytes of packed blocks after which a thread gives back the pages that it has read. */
#define RELEASE_EVERY ((int64_t)2 << 20)

/* Tasks after which it is worth while; all of them where tasks may read all over the weight. */
static int64_t tasks_between(const struct sw_packed *k, int64_t all)
{
    const bool in_order = sw_dtype_get(k->weight->tensor.dtype)->block_elements > 1;
    const int64_t each = (int64_t)k->pack.bytes / k->pack.tasks + 1;
    return in_order ? sw__max64(RELEASE_EVERY / each, 1) : all;
}

static void refresh_thread(void *user, int thread)
{
    const struct packing *r = user;
    const struct sw_packed *k = r->packed;
    int threads = sw__threads_count(r->p->ctx->threads);
    const int64_t n = k->pack.tasks, most = tasks_between(k, n);
    const int64_t end = share(n, thread + 1, threads);
    for (int64_t from = share(n, thread, threads), to; from < end; from = to) {
        to = sw__min64(from + most, end);
        k->pack.run(&k->pack, &r->p->kernels, k->weight->tensor.data, k->data, from, to);
        if (most < n) sw__weight_release_pages(k->weight, from, to, n);
    }
}

static bool stale(const struct sw_packed *k)
{
    return atomic_load(&((struct sw_packed *)k)->version) != sw_weight_version(k->weight);
}

/* Make a packed copy anew if its weight has changed.  The lock keeps two plans from doing it at the same
 * time; it is taken only when something changed. */
static void refresh(sw_plan *p, struct sw_packed *k)
{
    if (!stale(k)) return;
    sw__weights_lock(k->weight->set);
    if (stale(k)) {
        struct packing r = {p, k};
        uint64_t version = sw_weight_version(k->weight);
        sw__threads_run(p->ctx->threads, refresh_thread, &r);
        atomic_store(&k->version, version);
        sw__weight_release_pages(k->weight, 0, 1, 1);
    }
    sw__weights_unlock(k->weight->set);
}

/* Runs that share the copies which were put off. */
#define LATE_RUNS 8

static bool is_late(const sw_plan *p, const struct sw_packed *k)
{
    for (int64_t i = 0; i < p->n_late; i++)
        if (p->late[i].packed == k) return true;
    return false;
}

static void refresh_packed(sw_plan *p)
{
    for (int64_t i = 0; i < p->n_packed; i++)
        if (stale(p->packed[i]) && !is_late(p, p->packed[i])) refresh(p, p->packed[i]);
}

/* Make `bytes` of the copies that were put off, and let their steps read them. */
static void pack_late(sw_plan *p, int64_t bytes)
{
    while (p->n_late > 0 && bytes > 0) {
        const struct sw_late_pack *l = &p->late[--p->n_late];
        refresh(p, l->packed);
        p->steps[l->step].packed[l->input] = l->packed->data;
        p->shapes_changed = true; /* steps are prepared again */
        bytes -= (int64_t)l->packed->pack.bytes;
    }
}

void sw_plan_pack(sw_plan *p)
{
    pack_late(p, INT64_MAX);
}

/* ---- run --------------------------------------------------------------------------------------- */

static sw_status fail_unbound(sw_plan *p)
{
    for (int64_t i = 0; i < p->n_values; i++)
        if (sw__plan_awaits(p, i))
            return sw__fail(p->ctx, SW_ERR_STATE, "run: input '%s' of plan '%s' was never bound",
                            p->values[i].node->name, p->name);
    return SW_NEVER(true) ? SW_ERR_STATE : SW_OK;
}

sw_status sw_run(sw_plan *p)
{
    sw_status status = p->unbound > 0 ? fail_unbound(p) : SW_OK;
    if (status == SW_OK && p->has_run) pack_late(p, p->late_bytes / LATE_RUNS + 1);
    if (status == SW_OK && p->shapes_changed) status = sw__plan_reshape(p);
    if (status != SW_OK) return status;
    refresh_packed(p);
    p->has_run = true;
    p->run_number++;
    sw__tally_reset(&p->tally);
    atomic_store_explicit(&p->nan_step, -1, memory_order_relaxed);
    if (p->profiling) p->profile_start = p->profile_since = sw__clock_seconds();
    sw__threads_run(p->ctx->threads, walk, p);
    if (p->profiling) p->profile_runs++;
    for (int64_t i = 0; i < p->n_written; i++) sw_weight_touch(p->written[i]);
    int bad = atomic_load(&p->nan_step);
    if (bad >= 0)
        return sw__fail(p->ctx, SW_ERR_NAN, "run: %s made a NaN",
                        sw__plan_op_name(p, &p->ops[p->step_op[bad]]));
    return SW_OK;
}

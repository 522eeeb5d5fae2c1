/* Where the time of a run goes: a table for people, a trace for chrome://tracing. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "graph/limits.h"
#include "graph/plan_int.h"

sw_status sw_plan_profile(sw_plan *p, bool on)
{
    if (on && !p->profile) {
        p->profile = sw__calloc2((size_t)p->n_steps + 1, sizeof *p->profile);
        if (!p->profile) return sw__plan_memory(p);
    }
    if (on && !p->profiling) {
        memset(p->profile, 0, ((size_t)p->n_steps + 1) * sizeof *p->profile);
        p->profile_runs = 0;
    }
    p->profiling = on;
    return SW_OK;
}

/* Bytes that a step must move: what it says, else operands and results once. */
static double step_bytes(const struct sw_step *s)
{
    double sum = s->bytes;
    for (int i = 0; s->bytes <= 0 && i < s->n_in; i++)
        if (s->in[i] && !(s->cls->shape_only >> i & 1))
            sum += (double)sw_shape_bytes(&s->in[i]->shape, s->in[i]->dtype);
    for (int i = 0; s->bytes <= 0 && i < s->n_out; i++)
        if (s->out[i]) sum += (double)sw_shape_bytes(&s->out[i]->shape, s->out[i]->dtype);
    return sum;
}

/* Longest first. */
static int by_time(const void *a, const void *b)
{
    const struct sw_step_profile *const *x = a, *const *y = b;
    return (*x)->seconds > (*y)->seconds ? -1 : (*x)->seconds < (*y)->seconds;
}

static sw_status check_profiled(const sw_plan *p)
{
    if (p->profile && p->profile_runs > 0) return SW_OK;
    return sw__fail(p->ctx, SW_ERR_STATE, "plan '%s' has no profiled run", p->name);
}

static void row(const sw_plan *p, const struct sw_step_profile *r, double total,
                const struct sw_limits *limits, sw_text_fn write, void *user)
{
    char shape[SW_SHAPE_TEXT], what[96];
    int i = (int)(r - p->profile);
    const struct sw_step *s = &p->steps[i];
    const struct sw_plan_op *op = &p->ops[p->step_op[i]];
    double per_run = r->seconds / (double)p->profile_runs;
    double flops_time = s->flops / limits->f32_flops,
           bytes_time = step_bytes(s) / limits->read_bytes;
    size_t n = strlen(op->cls->name);
    memcpy(what, op->cls->name, n < 90 ? n : 90);
    what[n < 90 ? n : 90] = 0;
    if (op->fused_text && n + strlen(op->fused_text) < sizeof what) strcat(what, op->fused_text);
    sw__text(write, user, "%-28s %-20s %6lld %10.1f %5.1f%% ", what,
             sw_shape_text(&s->out[0]->shape, shape), (long long)r->calls, per_run * 1e6,
             total > 0 ? 100 * r->seconds / total : 0);
    /* The limit that is the tighter one is the one to hold the step against. */
    if (flops_time > bytes_time)
        sw__text(write, user, "%9.1f GFLOP/s %5.1f%%", s->flops / per_run * 1e-9,
                 100 * flops_time / per_run);
    else
        sw__text(write, user, "%9.1f GB/s    %5.1f%%", step_bytes(s) / per_run * 1e-9,
                 100 * bytes_time / per_run);
    sw__text(write, user, "  %s\n",
             *p->values[op->out[0]].node->name ? p->values[op->out[0]].node->name
                                               : (s->kernel ? s->kernel : ""));
}

sw_status sw_plan_profile_table(const sw_plan *p, sw_text_fn write, void *user)
{
    struct sw_limits limits;
    double total = 0;
    sw_status status = check_profiled(p);
    if (status == SW_OK) status = sw__limits_measure(p->ctx, &limits);
    if (status != SW_OK) return status;
    struct sw_step_profile **rows = sw__calloc2((size_t)p->n_steps + 1, sizeof *rows);
    if (!rows) return sw__fail(p->ctx, SW_ERR_MEMORY, "profile: out of memory");
    for (int i = 0; i < p->n_steps; i++) {
        rows[i] = &p->profile[i];
        total += rows[i]->seconds;
    }
    qsort(rows, (size_t)p->n_steps, sizeof *rows, by_time);
    sw__text(write, user,
             "plan '%s': %lld runs, %.3f ms each; limits of this machine with %d threads: %.0f "
             "GFLOP/s f32, %.1f GB/s\n%-28s %-20s %6s %10s %6s %17s %6s\n",
             p->name, (long long)p->profile_runs, total / (double)p->profile_runs * 1e3,
             sw_context_threads(p->ctx), limits.f32_flops * 1e-9, limits.read_bytes * 1e-9, "op",
             "result", "calls", "us a run", "time", "speed", "limit");
    for (int i = 0; i < p->n_steps; i++)
        if (rows[i]->calls) row(p, rows[i], total, &limits, write, user);
    free(rows);
    return SW_OK;
}

/* Text inside a JSON string: names come from models, so quote what must be quoted. */
static void json_text(const char *s, sw_text_fn write, void *user)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            sw__text(write, user, "\\%c", c);
        else if (c < 0x20)
            sw__text(write, user, "\\u%04x", c);
        else
            write(user, s, 1);
    }
}

sw_status sw_plan_profile_trace(const sw_plan *p, sw_text_fn write, void *user)
{
    sw_status status = check_profiled(p);
    bool first = true;
    if (status != SW_OK) return status;
    sw__text(write, user, "{\"traceEvents\":[");
    for (int i = 0; i < p->n_steps; i++) {
        char shape[SW_SHAPE_TEXT];
        const struct sw_step_profile *r = &p->profile[i];
        const struct sw_plan_op *op = &p->ops[p->step_op[i]];
        if (!r->calls) continue;
        sw__text(write, user, "%s\n{\"name\":\"", first ? "" : ",");
        json_text(sw__plan_op_name(p, op), write, user);
        sw__text(write, user,
                 "\",\"cat\":\"%s\",\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":%.3f,\"dur\":%.3f,"
                 "\"args\":{\"shape\":\"%s\",\"kernel\":\"%s\"}}",
                 op->cls->name, (r->last_start - p->profile_start) * 1e6,
                 (r->last_end - r->last_start) * 1e6,
                 sw_shape_text(&p->steps[i].out[0]->shape, shape),
                 p->steps[i].kernel ? p->steps[i].kernel : "");
        first = false;
    }
    sw__text(write, user, "\n],\"displayTimeUnit\":\"ms\"}\n");
    return SW_OK;
}

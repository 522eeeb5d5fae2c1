/* What a plan looks like, as text: steps with shapes, fusions and kernels, the map of the buffer, and
 * the bytes (swell info MODEL --plan). */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "graph/plan_int.h"

const char *sw__plan_op_name(const sw_plan *p, const struct sw_plan_op *op)
{
    const char *name = p->values[op->out[0]].node->name;
    return *name ? name : op->cls->name;
}

static void one_step(const sw_plan *p, int i, sw_text_fn write, void *user)
{
    char shape[SW_SHAPE_TEXT], what[96], bytes[24];
    const struct sw_step *s = &p->steps[i];
    const struct sw_plan_op *op = &p->ops[p->step_op[i]];
    const struct sw_value *v = &p->values[op->out[0]];
    snprintf(what, sizeof what, "%s%s%s", op->cls->name, op->fused_text ? op->fused_text : "",
             op->copy ? " (again)" : "");
    sw__text(write, user, "%4d  %-28s %-20s ", i, what, sw_shape_text(&v->max, shape));
    if (op->cls->flags & SW_OP_EFFECT)
        sw__text(write, user, "%-24s", "updates a weight");
    else if (op->in_place >= 0)
        sw__text(write, user, "in place of %-12s", "operand");
    else
        sw__text(write, user, "@%-11lld %-11s", (long long)p->values[v->root].offset,
                 sw__bytes_text((double)v->bytes, bytes));
    sw__text(write, user, " %s%s%s\n", s->kernel ? s->kernel : "-", *v->node->name ? "  # " : "",
             v->node->name);
}

/* One row a root: its place in the buffer and its life as a bar over the steps. */
static void buffer_map(const sw_plan *p, sw_text_fn write, void *user)
{
    enum { COLUMNS = 48 };
    int n = p->n_steps > 0 ? p->n_steps : 1;
    sw__text(write, user, "\nbuffer (each row a tensor, each column %.3g steps)\n",
             n > COLUMNS ? (double)n / COLUMNS : 1.0);
    for (int64_t i = 0; i < p->n_values; i++) {
        const struct sw_value *v = &p->values[i];
        char bar[COLUMNS + 1], bytes[24];
        if (v->place != SW_PLACE_BUFFER || v->root != i || v->first < 0) continue;
        int columns = n < COLUMNS ? n : COLUMNS;
        for (int c = 0; c < columns; c++) {
            int from = (int)((int64_t)c * n / columns), to = (int)((int64_t)(c + 1) * n / columns);
            bar[c] = v->first < to && from <= v->last ? '#' : '.';
        }
        bar[columns] = 0;
        sw__text(write, user, "%12lld %9s |%s| %s\n", (long long)v->offset,
                 sw__bytes_text((double)v->bytes, bytes), bar, v->node->name);
    }
}

void sw_plan_describe(const sw_plan *p, sw_text_fn write, void *user)
{
    char a[24], b[24], c[24], d[24], e[24];
    sw_plan_stats t = sw_plan_get_stats(p);
    sw__text(write, user, "plan '%s': %d steps, %d ops fused, kernels for %s, %d threads\n\n",
             p->name, t.steps, t.fused, sw__isa_name(p->kernels.isa), sw_context_threads(p->ctx));
    sw__text(write, user, "%4s  %-28s %-20s %-24s %s\n", "step", "op", "result", "memory",
             "kernel");
    for (int i = 0; i < p->n_steps; i++) one_step(p, i, write, user);
    buffer_map(p, write, user);
    sw__text(write, user,
             "\nactivations  %s in one buffer (largest sum of live tensors %s, %.2fx)\n"
             "weights      %s, packed copies %s\nscratch      %s for all threads\n"
             "work         %.4g GFLOP a run\n",
             sw__bytes_text((double)t.buffer_bytes, a), sw__bytes_text((double)t.live_bytes, b),
             t.live_bytes ? (double)t.buffer_bytes / (double)t.live_bytes : 1.0,
             sw__bytes_text((double)t.weight_bytes, c), sw__bytes_text((double)t.packed_bytes, d),
             sw__bytes_text((double)t.scratch_bytes, e), t.flops * 1e-9);
}

/* sw_compile: the passes in order, then memory, packed weights and prepared steps.  After it nothing
 * is allocated any more. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/size.h"
#include "graph/plan_int.h"

/* ---- steps ------------------------------------------------------------------------------------- */

static sw_status step_build(sw_plan *p, struct sw_step *s, const struct sw_plan_op *op)
{
    *s = (struct sw_step){.cls = op->cls,
                          .attr = op->attr,
                          .n_in = op->n_in,
                          .n_out = op->n_out,
                          .k = &p->kernels,
                          .act = op->act,
                          .stream = op->origin->stream,
                          .seed = &p->seed};
    s->in = sw__arena_alloc(&p->arena, (size_t)(op->n_in + op->n_out) * sizeof *s->in + 1);
    s->note = sw__arena_alloc(&p->arena, op->cls->note_size + 1);
    if (!s->in || !s->note) return sw__plan_memory(p);
    s->out = s->in + op->n_in;
    for (int i = 0; i < op->n_in; i++) s->in[i] = op->in[i] < 0 ? NULL : &p->values[op->in[i]].t;
    for (int i = 0; i < op->n_out; i++) {
        struct sw_value *v = &p->values[op->out[i]];
        s->out[i] = v->data || i == 0 ? &v->t : NULL;
    }
    return SW_OK;
}

/* The first step that writes this weight, INT_MAX if none. */
static int first_write(const sw_plan *p, int value)
{
    for (int s = 0; s < p->n_steps; s++) {
        const struct sw_plan_op *op = &p->ops[p->step_op[s]];
        for (int j = 0; j < op->n_in; j++)
            if (op->in[j] == value && (op->cls->mutates >> j & 1)) return s;
    }
    return INT_MAX;
}

/* Remember that a step's operand does without its packed copy at first. */
static sw_status put_off(sw_plan *p, int step, int input, struct sw_packed *packed)
{
    const bool blocks = sw_dtype_get(packed->weight->tensor.dtype)->block_elements > 1;
    const bool may = p->pack_late && (p->steps[step].cls->flags & SW_OP_PACK_LATE) && blocks;
    if (!may || atomic_load(&packed->version) != 0) return SW_OK;
    if (!sw__grow(&p->late, &p->late_capacity, p->n_late + 1, sizeof *p->late))
        return sw__plan_memory(p);
    p->late[p->n_late++] = (struct sw_late_pack){step, input, packed};
    p->late_bytes += (int64_t)packed->pack.bytes;
    return SW_OK;
}

/* What was put off is not there when the step is prepared. */
static void hide_late(sw_plan *p, int step)
{
    for (int64_t i = p->n_late - 1; i >= 0 && p->late[i].step == step; i--)
        p->steps[step].packed[p->late[i].input] = NULL;
}

/* Ask for packed copies of the weights that the step reads.  A weight that an earlier step of this
 * plan writes is read as it is: its packed copy is from before the run. */
static sw_status step_pack(sw_plan *p, struct sw_step *s, const struct sw_plan_op *op)
{
    for (int i = 0; op->cls->pack && i < op->n_in && i < SW_MAX_PACKS; i++) {
        struct sw_pack pack = {0};
        if (op->in[i] < 0 || p->values[op->in[i]].node->leaf != SW_LEAF_WEIGHT) continue;
        if (first_write(p, op->in[i]) < op->step || !op->cls->pack(s, i, &pack)) continue;
        struct sw_packed *packed = NULL;
        sw_status status = sw__packed_acquire(p->values[op->in[i]].node->weight, &pack, &packed);
        if (status != SW_OK) return status;
        s->packed[i] = packed->data;
        status = put_off(p, op->step, i, packed);
        for (int64_t j = 0; packed && j < p->n_packed; j++)
            if (p->packed[j] == packed) {
                sw__packed_release(packed);
                packed = NULL;
            }
        if (packed &&
            !sw__grow(&p->packed, &p->packed_capacity, p->n_packed + 1, sizeof *p->packed)) {
            sw__packed_release(packed);
            return sw__plan_memory(p);
        }
        if (packed) p->packed[p->n_packed++] = packed;
        if (status != SW_OK) return status;
    }
    return SW_OK;
}

/* Tell the weights that the step reads as they are. */
static void step_readers(sw_plan *p, const struct sw_step *s, const struct sw_plan_op *op)
{
    for (int i = 0; i < op->n_in; i++) {
        if (op->in[i] < 0 || (i < SW_MAX_PACKS && s->packed[i])) continue;
        struct sw_value *root = &p->values[p->values[op->in[i]].root];
        if (root->place != SW_PLACE_WEIGHT || root->counted ||
            ((op->cls->shape_only | op->cls->few_rows) >> i & 1))
            continue;
        root->counted = true;
        sw__weight_reader(root->node->weight, 1);
    }
}

static sw_status steps_build(sw_plan *p)
{
    size_t n = (size_t)p->n_steps;
    sw_status status = SW_OK;
    p->steps = sw__arena_alloc(&p->arena, n * sizeof *p->steps + 1);
    p->step_op = sw__arena_alloc(&p->arena, n * sizeof *p->step_op + 1);
    p->ws_offset = sw__arena_alloc(&p->arena, n * sizeof *p->ws_offset + 1);
    p->ws_bytes = sw__arena_alloc(&p->arena, n * sizeof *p->ws_bytes + 1);
    if (!p->steps || !p->step_op || !p->ws_offset || !p->ws_bytes) return sw__plan_memory(p);
    for (int64_t i = 0; i < p->n_ops; i++)
        if (p->ops[i].runs) p->step_op[p->ops[i].step] = (int)i;
    for (int i = 0; i < p->n_steps && status == SW_OK; i++) {
        struct sw_step *s = &p->steps[i];
        const struct sw_plan_op *op = &p->ops[p->step_op[i]];
        status = step_build(p, s, op);
        if (status == SW_OK) status = step_pack(p, s, op);
        if (status == SW_OK) step_readers(p, s, op);
        hide_late(p, i);
        if (status == SW_OK) status = op->cls->prepare(s);
        if (status != SW_OK && status != SW_ERR_MEMORY)
            return sw__fail(p->ctx, status, "plan '%s': cannot prepare %s", p->name,
                            sw__plan_op_name(p, op));
        if (s->workspace > INT64_MAX / 4 || s->scratch > INT64_MAX / 4)
            return sw__fail(p->ctx, SW_ERR_SIZE, "plan '%s': workspace of %s", p->name,
                            op->cls->name);
        if (s->task_bytes && sw__tensor_streams(s->out[0])) /* see run.c */
            s->scratch += SW_GRAIN * (size_t)sw_dtype_get(s->out[0]->dtype)->block_bytes;
        p->ws_bytes[i] = (int64_t)s->workspace;
        p->scratch_bytes = sw__max64(p->scratch_bytes, (int64_t)s->scratch);
    }
    return status;
}

/* ---- memory ------------------------------------------------------------------------------------ */

static sw_status memory_allocate(sw_plan *p)
{
    int threads = sw__threads_count(p->ctx->threads);
    size_t scratch, claims;
    p->scratch_bytes = sw__round_up(p->scratch_bytes, SW_ALIGN);
    p->max_phases = p->n_steps * (SW_MAX_PHASES + 1);
    p->claims_stride = sw__round_up(p->max_phases + 1, SW_ALIGN / (int64_t)sizeof *p->claims);
    if (!sw__size_mul((size_t)p->scratch_bytes, (size_t)threads, &scratch) ||
        !sw__size_mul((size_t)p->claims_stride * sizeof *p->claims, (size_t)threads, &claims))
        return sw__fail(p->ctx, SW_ERR_SIZE, "plan '%s': scratch memory overflows", p->name);
    p->buffer = sw__aligned_alloc((size_t)p->buffer_bytes);
    p->scratch = sw__aligned_alloc(scratch);
    p->phases = sw__calloc2((size_t)p->max_phases + 1, sizeof *p->phases);
    p->rounds = sw__calloc2((size_t)p->max_phases + 1, sizeof *p->rounds);
    p->claims = sw__aligned_alloc(claims);
    if (!p->buffer || !p->scratch || !p->phases || !p->rounds || !p->claims)
        return sw__plan_memory(p);
    for (int i = 0; i < p->n_steps; i++)
        if (p->ws_bytes[i]) p->steps[i].ws = p->buffer + p->ws_offset[i];
    for (int64_t i = 0; i < p->n_values; i++) {
        struct sw_value *v = &p->values[i];
        if (v->place == SW_PLACE_BUFFER) v->t.data = p->buffer + p->values[v->root].offset;
    }
    return SW_OK;
}

static void phase_add(sw_plan *p, int step, int phase, int64_t tasks)
{
    struct sw_round *last = p->n_rounds ? &p->rounds[p->n_rounds - 1] : NULL;
    const int64_t done = last ? last->until : 0;
    if (tasks <= 0) return;
    p->phases[p->n_phases] = (struct sw_phase){step, phase, tasks};
    if (last && last->tasks == 1 && tasks == 1)
        last->count++; /* the same thread does both: nobody has to wait in between */
    else
        p->rounds[p->n_rounds++] = (struct sw_round){p->n_phases, 1, tasks, done + tasks};
    p->n_phases++;
}

void sw__plan_phases(sw_plan *p)
{
    const int64_t words = p->claims_stride * sw__threads_count(p->ctx->threads);
    p->n_phases = p->n_rounds = 0;
    for (int i = 0; i < p->n_steps; i++) {
        for (int j = 0; j < p->steps[i].n_phases; j++) phase_add(p, i, j, p->steps[i].tasks[j]);
        if (p->check_nan) phase_add(p, i, SW_LOOK_FOR_NAN, 1);
    }
    for (int64_t i = 0; i < words; i++) atomic_init(&p->claims[i], 0);
    p->run_number = 0;
}

/* What sw_run looks at each time, found once: the weights that steps write, and how many inputs wait
 * for memory. */
static sw_status list_bindings(sw_plan *p)
{
    for (int pass = 0; pass < 2; pass++) {
        p->n_written = 0;
        for (int i = 0; i < p->n_steps; i++) {
            const struct sw_plan_op *op = &p->ops[p->step_op[i]];
            for (int j = 0; j < op->n_in; j++) {
                if (op->in[j] < 0 || !(op->cls->mutates >> j & 1)) continue;
                if (pass) p->written[p->n_written] = p->values[op->in[j]].node->weight;
                p->n_written++;
            }
        }
        if (pass) break;
        p->written = sw__arena_alloc(&p->arena, (size_t)p->n_written * sizeof *p->written + 1);
        if (!p->written) return sw__plan_memory(p);
    }
    for (int64_t i = 0; i < p->n_values; i++) p->unbound += sw__plan_awaits(p, i);
    return SW_OK;
}

/* Hold the sets of weights whose memory the steps point into. */
static sw_status hold_sets(sw_plan *p)
{
    const sw_graph *g = p->graph;
    for (int64_t i = 0; i < g->n_sets; i++) {
        if (!sw__grow(&p->sets, &p->sets_capacity, p->n_sets + 1, sizeof *p->sets))
            return sw__plan_memory(p);
        sw__weights_retain(g->sets[i]);
        p->sets[p->n_sets++] = g->sets[i];
    }
    return SW_OK;
}

static sw_status check_options(sw_graph *g, const sw_plan_options *o)
{
    if (g->status != SW_OK) return g->status; /* the text is in the context already */
    if (o->n_outputs < 1 || !o->outputs)
        return sw__fail(g->ctx, SW_ERR_ARGUMENT, "compile: a plan needs at least one output");
    if (o->recompute < SW_RECOMPUTE_NONE || o->recompute > SW_RECOMPUTE_KEPT)
        return sw__fail(g->ctx, SW_ERR_ARGUMENT, "compile: unknown recompute option");
    for (int i = 0; i < o->n_outputs; i++)
        if (!o->outputs[i] || o->outputs[i]->graph != g)
            return sw__fail(g->ctx, SW_ERR_ARGUMENT, "compile: output %d is not of this graph", i);
    return SW_OK;
}

sw_status sw_compile(sw_graph *g, sw_plan_options o, sw_plan **out)
{
    *out = NULL;
    sw_status status = check_options(g, &o);
    if (status != SW_OK) return status;
    sw_plan *p = sw__aligned_alloc(sizeof *p);
    if (!p) return sw__fail(g->ctx, SW_ERR_MEMORY, "compile: out of memory");
    *p = (sw_plan){.ctx = g->ctx};
    p->graph = g;
    p->check_nan = o.check_nan;
    p->no_fusion = o.no_fusion;
    p->pack_late = o.pack_late;
    p->recompute = o.recompute;
    sw__kernels_init(&p->kernels, g->ctx->isa);
    sw__tally_init(&p->tally, sw__threads_count(g->ctx->threads));
    p->name = sw__arena_strdup(&p->arena, o.name ? o.name : "");
    if (!p->name) status = sw__plan_memory(p);
    if (status == SW_OK) status = hold_sets(p);
    if (status == SW_OK) status = sw__plan_lower(p, &o);
    if (status == SW_OK) status = sw__plan_fuse(p);
    if (status == SW_OK) status = sw__plan_recompute(p);
    if (status == SW_OK) status = sw__plan_lifetimes(p);
    if (status == SW_OK) status = steps_build(p);
    if (status == SW_OK) status = sw__plan_place(p);
    if (status == SW_OK) status = memory_allocate(p);
    if (status == SW_OK) status = list_bindings(p);
    if (status != SW_OK) {
        sw_plan_destroy(p);
        return status;
    }
    sw__plan_phases(p);
    *out = p;
    return SW_OK;
}

void sw_plan_destroy(sw_plan *p)
{
    if (!p) return;
    for (int64_t i = 0; i < p->n_packed; i++) sw__packed_release(p->packed[i]);
    for (int64_t i = 0; i < p->n_values; i++)
        if (p->values[i].counted) sw__weight_reader(p->values[i].node->weight, -1);
    for (int64_t i = 0; i < p->n_sets; i++) sw_weights_destroy(p->sets[i]);
    free(p->packed);
    free(p->late);
    free(p->sets);
    free(p->values);
    free(p->value_of);
    free(p->ops);
    sw__aligned_free(p->buffer);
    sw__aligned_free(p->scratch);
    free(p->phases);
    free(p->rounds);
    sw__aligned_free((void *)p->claims);
    free(p->profile);
    sw__arena_free(&p->arena);
    sw__aligned_free(p);
}

sw_plan_stats sw_plan_get_stats(const sw_plan *p)
{
    sw_plan_stats r = {.steps = p->n_steps,
                       .buffer_bytes = p->buffer_bytes,
                       .live_bytes = p->live_bytes,
                       .scratch_bytes = p->scratch_bytes * sw__threads_count(p->ctx->threads)};
    for (int64_t i = 0; i < p->n_ops; i++) r.fused += p->ops[i].fused;
    for (int64_t i = 0; i < p->n_packed; i++) r.packed_bytes += (int64_t)p->packed[i]->pack.bytes;
    for (int64_t i = 0; i < p->n_values; i++)
        if (p->values[i].place == SW_PLACE_WEIGHT && p->values[i].root == i)
            r.weight_bytes += p->values[i].bytes;
    for (int i = 0; i < p->n_steps; i++) {
        r.flops += p->steps[i].flops;
        r.bytes += p->steps[i].bytes;
    }
    return r;
}

int64_t sw_plan_rows_at_once(const sw_plan *p, int64_t rows)
{
    enum { CACHE = 32 << 20 }; /* what is left of a last-level cache that others use too */
    const int64_t weights = sw_plan_get_stats(p).weight_bytes;
    const int64_t each = sw__max64(p->buffer_bytes / sw__max64(rows, 1), 1);
    const int64_t most = sw__max64(sw__max64(weights, CACHE) / each, 1);
    int64_t at_once = 1;
    if (rows <= most) return sw__max64(rows, 1);
    while (2 * at_once <= most) at_once *= 2;
    return at_once;
}

/* The trainer: one or two plans, run step by step (include/swell/train.h).
 *
 *   accumulate = 1    [forward  backward  norm  scale  update  average]
 *   accumulate = n    [forward  backward  norm  scale  add to sums]  n times, then
 *                     [norm of the sums  scale  update  average]
 *
 * `scale` is not a number when the loss or the norm of the gradients is not finite, and the updates
 * then write nothing (src/graph/ops/update_ops.h).  So a bad batch costs one run and changes no
 * weight, without a second plan for each step.  States that the forward pass itself writes, running
 * statistics, are copied before the run and put back; they are small. */
#include "train/trainer_int.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/context_int.h"

/* ---- options ----------------------------------------------------------------------------------- */

const char *sw__schedule_wrong(const sw_schedule *s)
{
    if (s->kind < SW_SCHEDULE_CONSTANT || s->kind > SW_SCHEDULE_COSINE) return "unknown kind";
    if (!(s->rate > 0) || !isfinite(s->rate)) return "the rate must be above 0";
    if (!(s->floor >= 0) || !isfinite(s->floor)) return "the floor must not be below 0";
    if (!(s->factor >= 0) || !isfinite(s->factor)) return "the factor must not be below 0";
    if (s->warmup < 0 || s->patience < 0 || s->bad < 0 || s->drops < 0) return "a number below 0";
    if ((s->kind == SW_SCHEDULE_LINEAR || s->kind == SW_SCHEDULE_COSINE) && s->total <= s->warmup)
        return "the total must be above the warm-up";
    if (s->n_milestones < 0 || s->n_milestones > SW_MAX_MILESTONES) return "too many milestones";
    for (int i = 1; i < s->n_milestones; i++)
        if (s->milestones[i] <= s->milestones[i - 1]) return "milestones must rise";
    return NULL;
}

static sw_status check_options(sw_graph *g, const sw_node *loss, const sw_trainer_options *o)
{
    if (g->status != SW_OK) return g->status; /* the text is in the context already */
    if (loss->graph != g || loss->dtype != SW_F32 || sw_shape_elements(&loss->shape) != 1)
        return sw__fail(g->ctx, SW_ERR_SHAPE, "trainer: the loss must be one f32 value");
    if (o->accumulate < 0 || o->accumulate > 1 << 20)
        return sw__fail(g->ctx, SW_ERR_ARGUMENT, "trainer: %d micro-batches an update",
                        o->accumulate);
    if (o->n_outputs < 0 || (o->n_outputs && !o->outputs))
        return sw__fail(g->ctx, SW_ERR_ARGUMENT, "trainer: no outputs");
    if (!(o->optimizer.clip_norm >= 0))
        return sw__fail(g->ctx, SW_ERR_ARGUMENT, "trainer: a clip norm of %g",
                        (double)o->optimizer.clip_norm);
    const char *why = sw__schedule_wrong(&o->schedule);
    return why ? sw__fail(g->ctx, SW_ERR_ARGUMENT, "trainer: schedule: %s", why) : SW_OK;
}

static sw_status out_of_memory(const sw_trainer *t)
{
    return sw__fail(t->ctx, SW_ERR_MEMORY, "trainer: out of memory");
}

/* ---- what is trained --------------------------------------------------------------------------- */

/* Which values the loss is made of: reached[id]. */
static void mark_reached(const sw_graph *g, const sw_node *loss, bool *reached)
{
    reached[loss->id] = true;
    for (int64_t i = g->n_ops - 1; i >= 0; i--) {
        const struct sw_op *op = g->ops[i];
        bool any = false;
        for (int j = 0; j < op->n_out; j++) any |= reached[op->out[j]->id];
        for (int j = 0; any && j < op->n_in; j++)
            if (op->in[j] && !(op->cls->shape_only >> j & 1)) reached[op->in[j]->id] = true;
    }
}

/* The trainable params that the loss depends on; others stay as they are, without decay. */
static sw_status find_params(sw_trainer *t)
{
    int all = sw_graph_params(t->graph, NULL, 0);
    bool *reached = sw__calloc2((size_t)t->graph->n_nodes + 1, sizeof *reached);
    t->params = sw__calloc2((size_t)all + 1, sizeof(sw_node *));
    t->grads = sw__calloc2((size_t)all + 1, sizeof(sw_node *));
    t->averages = sw__calloc2((size_t)all + 1, sizeof(sw_node *));
    t->sums = sw__calloc2((size_t)all + 1, sizeof(sw_node *));
    if (!reached || !t->params || !t->grads || !t->averages || !t->sums) {
        free(reached);
        return out_of_memory(t);
    }
    mark_reached(t->graph, t->loss, reached);
    sw_graph_params(t->graph, t->params, all);
    for (int i = 0; i < all; i++)
        if (reached[t->params[i]->id]) t->params[t->n_params++] = t->params[i];
    free(reached);
    if (t->n_params == 0)
        return sw__fail(t->ctx, SW_ERR_ARGUMENT,
                        "trainer: the loss depends on no trainable weight");
    for (int i = 0; i < t->n_params; i++) {
        const sw_node *w = t->params[i];
        if (w->weight->set != t->ws)
            return sw__fail(t->ctx, SW_ERR_ARGUMENT, "trainer: weight '%s' is of another set",
                            w->name);
        if (w->dtype != SW_F32)
            return sw__fail(t->ctx, SW_ERR_DTYPE,
                            "trainer: weight '%s' is %s; masters are f32, and sw_graph_compute "
                            "chooses the type of products",
                            w->name, sw_dtype_get(w->dtype)->name);
    }
    return SW_OK;
}

/* ---- plans ------------------------------------------------------------------------------------- */

/* Nodes to compile; at most 3 a param and a few more. */
struct wanted {
    sw_node **nodes;
    int n;
};

static void want(struct wanted *w, sw_node *x)
{
    w->nodes[w->n++] = x;
}

/* Add each gradient to its state; `keep` is 0 in the first micro-batch of an update. */
static void build_sums(sw_trainer *t, struct wanted *w)
{
    sw_graph *g = t->graph;
    t->keep = sw_input(g, "keep", SW_F32, (sw_shape){0});
    for (int i = 0; i < t->n_params && g->status == SW_OK; i++) {
        const sw_node *x = t->params[i];
        size_t size = strlen(x->name) + sizeof "opt//sum";
        char *name = malloc(size);
        if (!name) {
            sw__graph_poison(g, SW_ERR_MEMORY, "trainer: out of memory");
            return;
        }
        snprintf(name, size, "opt/%s/sum", x->name);
        t->sums[i] = sw_state(g, t->states, name, SW_F32, x->shape, sw_init_zeros());
        free(name);
        want(w, sw_accumulate(g, t->sums[i], t->grads[i], t->keep, t->scale));
    }
}

/* The states "ema/<name>" that sw_optimizer_updates has made. */
static void find_averages(sw_trainer *t, const sw_trainer_options *o)
{
    sw_graph *g = t->graph;
    for (int64_t i = 0; o->optimizer.ema_decay > 0 && i < g->n_nodes; i++) {
        sw_node *x = g->nodes[i];
        if (!x->weight || x->weight->set != t->states || strncmp(x->name, "ema/", 4) != 0) continue;
        for (int j = 0; j < t->n_params; j++)
            if (strcmp(t->params[j]->name, x->name + 4) == 0) t->averages[j] = x;
    }
}

static void build_update(sw_trainer *t, const sw_trainer_options *o, struct wanted *w)
{
    int n = 0;
    sw_status status = sw_optimizer_updates(
        t->graph, t->states, t->params, t->sums[0] ? t->sums : t->grads, t->n_params, t->lr,
        t->step, t->update_scale, o->optimizer, w->nodes + w->n, &n);
    w->n += n;
    /* Options out of range do not poison the graph by themselves. */
    if (status != SW_OK) sw__graph_poison(t->graph, status, "%s", sw_error(t->ctx));
    if (status == SW_OK) find_averages(t, o);
}

static sw_status compile(sw_trainer *t, const struct wanted *w, sw_recompute recompute,
                         const char *name, sw_plan **out)
{
    if (t->graph->status != SW_OK) return t->graph->status;
    return sw_compile(
        t->graph,
        (sw_plan_options){
            .outputs = w->nodes, .n_outputs = w->n, .recompute = recompute, .name = name},
        out);
}

/* The nodes of a step, in the order of the plans; then the plans. */
static sw_status build(sw_trainer *t, const sw_trainer_options *o, struct wanted *w)
{
    sw_graph *g = t->graph;
    float clip = o->optimizer.clip_norm;
    for (int i = 0; i < o->n_outputs; i++) want(w, o->outputs[i]);
    if (sw_grad(g, t->loss, t->params, t->n_params, t->grads) != SW_OK) return g->status;
    t->lr = sw_input(g, "lr", SW_F32, (sw_shape){0});
    t->step = sw_input(g, "step", SW_F32, (sw_shape){0});
    t->norm = sw_global_norm(g, t->grads, t->n_params);
    bool one = t->accumulate == 1;
    t->scale = sw_update_scale(g, t->loss, t->norm, one ? clip : 0, 1 / (float)t->accumulate);
    want(w, t->loss);
    want(w, t->norm);
    want(w, t->scale);
    if (one) {
        t->update_norm = t->norm;
        t->update_scale = t->scale;
        build_update(t, o, w);
        return compile(t, w, t->recompute, "train", &t->micro);
    }
    build_sums(t, w);
    sw_status status = compile(t, w, t->recompute, "train", &t->micro);
    if (status != SW_OK) return status;
    w->n = 0;
    t->update_norm = sw_global_norm(g, t->sums, t->n_params);
    t->update_scale = sw_update_scale(g, NULL, t->update_norm, clip, 1);
    want(w, t->update_norm);
    want(w, t->update_scale);
    build_update(t, o, w);
    return compile(t, w, SW_RECOMPUTE_NONE, "update", &t->update);
}

static sw_status bind_scalar(sw_plan *p, sw_node *x, float *value)
{
    if (!p || !x || sw__plan_find(p, x) < 0) return SW_OK; /* this optimiser does not read it */
    return sw_bind(p, x, value, (sw_shape){0});
}

static sw_status bind_scalars(sw_trainer *t)
{
    sw_plan *plans[] = {t->micro, t->update};
    sw_status status = SW_OK;
    for (int i = 0; i < 2 && status == SW_OK; i++) {
        status = bind_scalar(plans[i], t->lr, &t->lr_value);
        if (status == SW_OK) status = bind_scalar(plans[i], t->step, &t->step_value);
        if (status == SW_OK) status = bind_scalar(plans[i], t->keep, &t->keep_value);
    }
    return status;
}

/* ---- states that the forward pass writes ------------------------------------------------------- */

static bool is_kept(const sw_trainer *t, const sw_weight *w)
{
    for (int i = 0; i < t->n_kept; i++)
        if (t->kept[i].weight == w) return true;
    return false;
}

static bool is_param(const sw_trainer *t, const sw_weight *w)
{
    for (int i = 0; i < t->n_params; i++)
        if (t->params[i]->weight == w) return true;
    return false;
}

/* Room for a copy of each weight that the plan writes other than by an update. */
static sw_status find_kept(sw_trainer *t)
{
    const sw_plan *p = t->micro;
    t->kept = sw__calloc2((size_t)p->n_values + 1, sizeof *t->kept);
    if (!t->kept) return out_of_memory(t);
    for (int64_t i = 0; i < p->n_ops; i++)
        for (int j = 0; j < p->ops[i].n_in; j++) {
            if (p->ops[i].in[j] < 0 || !(p->ops[i].cls->mutates >> j & 1)) continue;
            sw_weight *w = p->values[p->ops[i].in[j]].node->weight;
            if (w->set == t->states || is_param(t, w) || is_kept(t, w)) continue;
            size_t bytes = (size_t)sw_shape_bytes(&w->tensor.shape, w->tensor.dtype);
            void *copy = sw__aligned_alloc(bytes);
            if (!copy) return out_of_memory(t);
            t->kept[t->n_kept++] = (struct sw_kept_state){w, copy, bytes};
        }
    return SW_OK;
}

static void keep_states(sw_trainer *t)
{
    for (int i = 0; i < t->n_kept; i++)
        memcpy(t->kept[i].copy, t->kept[i].weight->tensor.data, t->kept[i].bytes);
}

void sw__trainer_restore_kept(sw_trainer *t)
{
    for (int i = 0; i < t->n_kept; i++) {
        memcpy(t->kept[i].weight->tensor.data, t->kept[i].copy, t->kept[i].bytes);
        sw_weight_touch(t->kept[i].weight);
    }
}

/* ---- create, destroy --------------------------------------------------------------------------- */

static sw_status create(sw_trainer *t, const sw_trainer_options *o)
{
    struct wanted w = {0};
    sw_status status = sw_weights_create(t->ctx, &t->states);
    if (status == SW_OK) status = find_params(t);
    if (status != SW_OK) return status;
    w.nodes = sw__calloc2((size_t)t->n_params * 3 + (size_t)o->n_outputs + 8, sizeof(sw_node *));
    if (!w.nodes) return out_of_memory(t);
    status = build(t, o, &w);
    free(w.nodes);
    if (status == SW_OK) status = bind_scalars(t);
    if (status == SW_OK) status = find_kept(t);
    return status;
}

sw_status sw_trainer_create(sw_graph *g, sw_weights *ws, sw_node *loss, sw_trainer_options options,
                            sw_trainer **out)
{
    *out = NULL;
    sw_status status = check_options(g, loss, &options);
    if (status != SW_OK) return status;
    sw_trainer *t = sw__calloc2(1, sizeof *t);
    if (!t) return sw__fail(g->ctx, SW_ERR_MEMORY, "trainer: out of memory");
    t->ctx = g->ctx;
    t->graph = g;
    t->ws = ws;
    t->loss = loss;
    t->accumulate = options.accumulate > 0 ? options.accumulate : 1;
    t->recompute = options.recompute;
    t->state.seed = options.seed;
    t->state.schedule = options.schedule;
    status = create(t, &options);
    if (status == SW_OK)
        *out = t;
    else
        sw_trainer_destroy(t);
    return status;
}

void sw_trainer_destroy(sw_trainer *t)
{
    if (!t) return;
    sw_plan_destroy(t->micro);
    sw_plan_destroy(t->update);
    for (int i = 0; i < t->n_kept; i++) sw__aligned_free(t->kept[i].copy);
    free(t->kept);
    free(t->params);
    free(t->grads);
    free(t->sums);
    free(t->averages);
    sw__train_state_free(&t->state);
    sw_weights_destroy(t->states);
    free(t);
}

/* ---- step -------------------------------------------------------------------------------------- */

static float value_of(const sw_plan *p, const sw_node *x)
{
    return *(const float *)sw_plan_tensor(p, x).data;
}

/* An update has been made. */
static void count_update(sw_trainer *t, float norm)
{
    t->last_norm = norm;
    t->state.micro = 0;
    t->state.steps++;
}

/* The second plan.  Each micro-batch was finite; only their sum can overflow, and then it is thrown
 * away. */
static sw_status run_update(sw_trainer *t)
{
    sw_status status = sw_run(t->update);
    if (status != SW_OK) return status;
    float norm = value_of(t->update, t->update_norm);
    if (isfinite(value_of(t->update, t->update_scale))) {
        count_update(t, norm);
        return SW_OK;
    }
    t->state.micro = 0;
    return sw__fail(t->ctx, SW_ERR_NAN, "step %lld: the norm of the summed gradients is %g",
                    (long long)t->state.steps, (double)norm);
}

sw_status sw_trainer_step(sw_trainer *t, float *loss)
{
    if (t->swapped)
        return sw__fail(t->ctx, SW_ERR_STATE,
                        "step: the weights are exchanged with their averages");
    keep_states(t);
    t->lr_value = sw_trainer_rate(t);
    t->step_value = (float)(t->state.steps + 1);
    t->keep_value = t->state.micro > 0;
    sw_plan_seed(t->micro, t->state.seed, (uint64_t)t->state.runs);
    sw_status status = sw_run(t->micro);
    if (status != SW_OK) return status;
    float value = value_of(t->micro, t->loss), norm = value_of(t->micro, t->norm);
    if (loss) *loss = value;
    if (!isfinite(value_of(t->micro, t->scale))) {
        sw__trainer_restore_kept(t);
        return sw__trainer_explain(t, value, norm);
    }
    t->state.runs++;
    t->state.micro++;
    if (!t->update) {
        count_update(t, norm);
        return SW_OK;
    }
    return t->state.micro == t->accumulate ? run_update(t) : SW_OK;
}

/* ---- looking at it ----------------------------------------------------------------------------- */

sw_plan *sw_trainer_plan(sw_trainer *t)
{
    return t->micro;
}

int64_t sw_trainer_steps(const sw_trainer *t)
{
    return t->state.steps;
}

float sw_trainer_rate(const sw_trainer *t)
{
    return sw_schedule_rate(&t->state.schedule, t->state.steps);
}

float sw_trainer_norm(const sw_trainer *t)
{
    return t->last_norm;
}

sw_schedule *sw_trainer_schedule(sw_trainer *t)
{
    return &t->state.schedule;
}

uint64_t sw_trainer_seed(const sw_trainer *t)
{
    return t->state.seed;
}

sw_weights *sw_trainer_states(sw_trainer *t)
{
    return t->states;
}

sw_data_position *sw_trainer_position(sw_trainer *t)
{
    return &t->state.position;
}

static void exchange(sw_weight *a, sw_weight *b)
{
    char piece[4096], *x = a->tensor.data, *y = b->tensor.data;
    size_t bytes = (size_t)sw_shape_bytes(&a->tensor.shape, a->tensor.dtype);
    for (size_t at = 0; at < bytes; at += sizeof piece) {
        size_t n = bytes - at < sizeof piece ? bytes - at : sizeof piece;
        memcpy(piece, x + at, n);
        memcpy(x + at, y + at, n);
        memcpy(y + at, piece, n);
    }
    sw_weight_touch(a);
    sw_weight_touch(b);
}

sw_status sw_trainer_swap_averages(sw_trainer *t)
{
    if (!t->averages[0])
        return sw__fail(t->ctx, SW_ERR_STATE, "trainer: there are no moving averages (ema_decay)");
    for (int i = 0; i < t->n_params; i++) exchange(t->params[i]->weight, t->averages[i]->weight);
    t->swapped = !t->swapped;
    return SW_OK;
}

/* One buffer for all activations, laid out by lifetime.
 *
 * A root is a value with memory of its own; views and in-place results are aliases that share a
 * root's life.  Offsets: largest root first, each into the smallest gap between the roots that live
 * at the same time (the greedy-by-size order of Pisarchyk and Lee 2020, "Efficient memory management
 * for deep neural net inference").  Workspaces of steps are placed with them. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/size.h"
#include "graph/plan_int.h"

static void join(sw_plan *p, int value, int root)
{
    struct sw_value *v = &p->values[value], *r = &p->values[root];
    v->root = root;
    v->place = r->place;
    v->t.data = r->t.data;
    v->next_alias = r->next_alias;
    r->next_alias = value;
}

/* Views take the root of what they look at. */
static void join_views(sw_plan *p)
{
    for (int64_t i = 0; i < p->n_ops; i++) {
        const struct sw_plan_op *op = &p->ops[i];
        struct sw_value *v = &p->values[op->out[0]];
        if ((op->cls->flags & SW_OP_VIEW) && v->data)
            join(p, op->out[0], p->values[op->in[0]].root);
    }
}

static void live_at(sw_plan *p, int value, int step)
{
    struct sw_value *r = &p->values[p->values[value].root];
    if (r->first < 0) r->first = step;
    if (r->last < step) r->last = step;
}

static bool steps_reads(const struct sw_plan_op *op, int j)
{
    return op->in[j] >= 0 && !(op->cls->shape_only >> j & 1);
}

/* Let op's result take the memory of an operand that dies here. */
static void take_in_place(sw_plan *p, struct sw_plan_op *op, int step)
{
    struct sw_value *out = &p->values[op->out[0]];
    if (out->output || out->place != SW_PLACE_BUFFER) return;
    for (int j = 0; j < op->n_in; j++) {
        if (!(op->cls->inplace >> j & 1) || !steps_reads(op, j)) continue;
        int root = p->values[op->in[j]].root;
        struct sw_value *r = &p->values[root];
        if (r->place != SW_PLACE_BUFFER || r->last != step || r->bytes != out->bytes) continue;
        if (!sw_shape_equal(&p->values[op->in[j]].max, &out->max)) continue;
        /* Another operand in the same memory but of another shape would be overwritten early. */
        bool clash = false;
        for (int i = 0; i < op->n_in; i++)
            clash |= i != j && steps_reads(op, i) && p->values[op->in[i]].root == root &&
                     !(op->cls->inplace >> i & 1 &&
                       sw_shape_equal(&p->values[op->in[i]].max, &out->max));
        if (clash) continue;
        int last = out->last;
        /* Everything that is a view of the result already moves along. */
        int moved = op->out[0];
        while (moved >= 0) {
            int next = p->values[moved].next_alias;
            join(p, moved, root);
            moved = next;
        }
        if (r->last < last) r->last = last;
        op->in_place = j;
        return;
    }
}

sw_status sw__plan_lifetimes(sw_plan *p)
{
    int step = 0;
    join_views(p);
    for (int64_t i = 0; i < p->n_ops; i++) {
        struct sw_plan_op *op = &p->ops[i];
        if (!op->runs) continue;
        op->step = step;
        for (int j = 0; j < op->n_in; j++)
            if (steps_reads(op, j)) live_at(p, op->in[j], step);
        for (int j = 0; j < op->n_out; j++)
            if (p->values[op->out[j]].data) live_at(p, op->out[j], step);
        step++;
    }
    p->n_steps = step;
    for (int64_t i = 0; i < p->n_values; i++)
        if (p->values[i].output) {
            p->values[p->values[i].root].last = SW_FOREVER;
            p->values[p->values[i].root].output = true;
        }
    for (int64_t i = 0; i < p->n_ops; i++)
        if (p->ops[i].runs) take_in_place(p, &p->ops[i], p->ops[i].step);
    return SW_OK;
}

/* ---- offsets ----------------------------------------------------------------------------------- */

struct block {
    int64_t bytes, offset;
    int first, last;
    int value, step; /* one of them is -1: a value or a step's workspace */
};

static int by_size(const void *a, const void *b)
{
    const struct block *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    if (x->first != y->first) return x->first < y->first ? -1 : 1;
    return x->value != y->value ? (x->value < y->value ? -1 : 1) : x->step - y->step;
}

static int by_offset(const void *a, const void *b)
{
    const struct block *const *x = a, *const *y = b;
    return (*x)->offset < (*y)->offset ? -1 : (*x)->offset > (*y)->offset;
}

/* The smallest gap between the blocks that live at the same time; else the end. */
static void place_block(struct block *blocks, int64_t n, struct block **busy)
{
    struct block *b = &blocks[n];
    int64_t n_busy = 0, end = 0, best = -1, best_gap = INT64_MAX;
    for (int64_t i = 0; i < n; i++)
        if (blocks[i].first <= b->last && b->first <= blocks[i].last) busy[n_busy++] = &blocks[i];
    qsort(busy, (size_t)n_busy, sizeof *busy, by_offset);
    for (int64_t i = 0; i < n_busy; i++) {
        int64_t gap = busy[i]->offset - end;
        if (gap >= b->bytes && gap < best_gap) {
            best = end;
            best_gap = gap;
        }
        end = sw__max64(end, busy[i]->offset + busy[i]->bytes);
    }
    b->offset = best >= 0 ? best : end;
}

static int64_t collect(sw_plan *p, struct block *blocks)
{
    int64_t n = 0;
    for (int64_t i = 0; i < p->n_values; i++) {
        const struct sw_value *v = &p->values[i];
        if (v->place != SW_PLACE_BUFFER || v->root != i || v->first < 0) continue;
        blocks[n++] = (struct block){.bytes = sw__round_up(v->bytes ? v->bytes : 1, SW_ALIGN),
                                     .first = v->first,
                                     .last = v->last,
                                     .value = (int)i,
                                     .step = -1};
    }
    for (int i = 0; i < p->n_steps; i++)
        if (p->ws_bytes[i])
            blocks[n++] = (struct block){.bytes = sw__round_up(p->ws_bytes[i], SW_ALIGN),
                                         .first = i,
                                         .last = i,
                                         .value = -1,
                                         .step = i};
    return n;
}

/* The largest sum of live tensors over the steps: no layout can need less. */
static int64_t live_maximum(const sw_plan *p, const struct block *blocks, int64_t n)
{
    int64_t best = 0;
    for (int s = 0; s < p->n_steps; s++) {
        int64_t sum = 0;
        for (int64_t i = 0; i < n; i++)
            if (blocks[i].value >= 0 && blocks[i].first <= s && s <= blocks[i].last)
                sum += p->values[blocks[i].value].bytes;
        best = sw__max64(best, sum);
    }
    return best;
}

sw_status sw__plan_place(sw_plan *p)
{
    size_t most = (size_t)p->n_values + (size_t)p->n_steps + 1;
    struct block *blocks = sw__calloc2(most, sizeof *blocks);
    struct block **busy = sw__calloc2(most, sizeof *busy);
    sw_status status = SW_OK;
    if (!blocks || !busy) {
        status = sw__plan_memory(p);
        goto done;
    }
    int64_t n = collect(p, blocks);
    qsort(blocks, (size_t)n, sizeof *blocks, by_size);
    for (int64_t i = 0; i < n; i++) {
        struct block *b = &blocks[i];
        place_block(blocks, i, busy);
        if (b->value >= 0)
            p->values[b->value].offset = b->offset;
        else
            p->ws_offset[b->step] = b->offset;
        if (!sw__i64_add(b->offset, b->bytes, &b->bytes)) {
            status = sw__fail(p->ctx, SW_ERR_SIZE, "plan '%s': activations overflow", p->name);
            goto done;
        }
        p->buffer_bytes = sw__max64(p->buffer_bytes, b->bytes);
        b->bytes -= b->offset;
    }
    p->live_bytes = live_maximum(p, blocks, n);
done:
    free(blocks);
    free(busy);
    return status;
}

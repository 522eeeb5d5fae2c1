/* What the ops of normalisation and the losses share: rows, and sums over rows.
 *
 * A gradient of gamma or beta is a sum over all rows.  The rows are cut into chunks at places that
 * depend on their number only; each chunk is summed, row after row, into its own partial vectors in
 * the workspace; a further phase adds the partials in the order of the chunks.  The error of such a
 * sum is at most (rows of a chunk + chunks) * eps / 2 * sum of magnitudes. */
#ifndef SWELL_NORM_INT_H
#define SWELL_NORM_INT_H

#include "base/size.h"
#include "graph/op.h"
#include "graph/op_list.h"

#define SW_CHUNK_ROWS   16   /* at least, so that partials cost little memory and time */
#define SW_MAX_CHUNKS   64   /* at most, enough for that many threads */
#define SW_FOLD_COLUMNS 1024 /* columns a task, when partials are added */

/* Everything in front of the last axis, and the last axis. */
static inline int64_t sw__rows_of(const sw_shape *s)
{
    int64_t rows = 1;
    for (int i = 0; i + 1 < s->rank; i++) rows *= s->dim[i];
    return rows;
}

static inline int64_t sw__last_of(const sw_shape *s)
{
    return s->rank ? s->dim[s->rank - 1] : 1;
}

/* Pixels of a plane: everything behind axis 1 of (N,C,...). */
static inline int64_t sw__plane_of(const sw_shape *s)
{
    int64_t n = 1;
    for (int i = 2; i < s->rank; i++) n *= s->dim[i];
    return n;
}

/* How many pieces of n elements make a task. */
static inline int64_t sw__task_grain(int64_t n)
{
    return n > 0 && n < SW_GRAIN ? SW_GRAIN / n : 1;
}

/* Bytes of so many rows of n floats (sw_step's task_bytes); 0 when a row is longer than a task. */
static inline size_t sw__task_bytes(int64_t n)
{
    return n > 0 && n <= SW_GRAIN ? (size_t)(sw__task_grain(n) * n) * sizeof(float) : 0;
}

/* Rows of whole vectors go past the caches by their kernel.  Others by way of scratch memory: these
 * bytes a task. */
static inline size_t sw__odd_row_bytes(int64_t n)
{
    return n % 16 ? sw__task_bytes(n) : 0;
}

static inline bool sw__rows_stream(const struct sw_step *s)
{
    return s->task_bytes == 0 && sw__result_streams(s);
}

static inline int64_t sw__chunk_rows(int64_t rows)
{
    return sw__max64(SW_CHUNK_ROWS, sw__ceil_div(rows, SW_MAX_CHUNKS));
}

static inline int64_t sw__chunk_count(int64_t rows)
{
    return sw__ceil_div(rows, sw__chunk_rows(rows));
}

/* Partial vectors to make room for: never fewer for more rows. */
static inline int64_t sw__chunk_space(int64_t rows)
{
    return sw__min64(SW_MAX_CHUNKS, sw__ceil_div(rows, SW_CHUNK_ROWS));
}

static inline void sw__infer_f32(sw_tensor *t, sw_shape shape)
{
    t->dtype = SW_F32;
    t->shape = shape;
}

/* in[i] is absent, or f32 of shape (n), n being a dimension of in[x]. */
static inline sw_status sw__infer_affine(struct sw_infer *q, int x, int i, int64_t n)
{
    if (!q->in[i]) return SW_OK;
    sw_status status = sw__infer_dtype(q, i, SW_F32);
    if (status != SW_OK) return status;
    if (q->in[i]->shape.rank == 1 && q->in[i]->shape.dim[0] == n) return SW_OK;
    return sw__infer_mismatch(q, x, i, "the second must be a vector, one number a channel");
}

/* Saved statistics carry no gradient: false, and a poisoned graph, when one arrives there. */
static inline bool sw__only_first_output(sw_graph *g, const char *name, sw_node *const *dy,
                                         int n_out)
{
    for (int i = 1; i < n_out; i++)
        if (dy[i]) {
            sw__graph_poison(g, SW_ERR_UNSUPPORTED, "%s: output %d has no gradient", name, i);
            return false;
        }
    return dy[0] != NULL;
}

#endif

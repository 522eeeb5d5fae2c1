/* What the attention op and its backward op share: attributes, sizes, and which keys a row sees. */
#ifndef SWELL_GRAPH_OPS_ATTENTION_INT_H
#define SWELL_GRAPH_OPS_ATTENTION_INT_H

#include "graph/op.h"
#include "graph/ops/attention_rows.h"

struct attention_attr {
    bool causal;
    int64_t window;       /* 0: all keys */
    float scale, softcap; /* scale 0: 1 / sqrt(HS) */
};

/* The sizes of a call.  A key-value head serves `group` query heads; its query rows are numbered
 * t * group + head, so that rows that see the same keys are neighbours. */
struct attention_sizes {
    int64_t b, tq, tk, nh, nkv, hs, group;
    int64_t rows;  /* tq * group: of one key-value head */
    int64_t grain; /* rows a task */
    float scale;
    int64_t mask_stride[4]; /* of B, NH, TQ, TK; 0 where the mask is broadcast */
};

/* The shape rule for q, k, v and the mask (or NULL) at in[0..3], and documents (or NULL) at their place. */
sw_status sw__attention_check(struct sw_infer *q, int documents);
sw_status sw__attention_check_sinks(struct sw_infer *q, int sinks, int64_t heads);
/* From the same four operands. */
void sw__attention_sizes(const struct sw_step *s, struct attention_sizes *z);
/* The options as attributes; false: poisoned. */
bool sw__attention_options(sw_graph *g, const char *op, const sw_attention_options *o,
                           struct attention_attr *attr);
/* Query-key pairs that are seen, over all batches and heads: for the count of flops. */
double sw__attention_pairs(const struct attention_attr *attr, const struct attention_sizes *z);

/* The rows of query t see keys lo <= j < hi. */
static inline void sw__attention_seen(const struct attention_attr *attr,
                                      const struct attention_sizes *z, int64_t t, int64_t *lo,
                                      int64_t *hi)
{
    const int64_t end = t + 1 + (z->tk - z->tq); /* behind the row's own key */
    *hi = attr->causal ? sw__max64(0, sw__min64(z->tk, end)) : z->tk;
    *lo = attr->window > 0 ? sw__max64(0, end - attr->window) : 0;
}

/* Where the row's first number stands in a tensor (B,TQ,NH,HS) ... */
static inline int64_t sw__attention_row_at(const struct attention_sizes *z, int64_t b, int64_t kv,
                                           int64_t row)
{
    const int64_t t = row / z->group, h = kv * z->group + row % z->group;
    return ((b * z->tq + t) * z->nh + h) * z->hs;
}

/* ... and its number in one (B,NH,TQ). */
static inline int64_t sw__attention_lse_at(const struct attention_sizes *z, int64_t b, int64_t kv,
                                           int64_t row)
{
    const int64_t t = row / z->group, h = kv * z->group + row % z->group;
    return (b * z->nh + h) * z->tq + t;
}

/* Fill in everything of `r` but its sinks and outputs for n rows from `first` on: the backward pass uses
 * the same rows.  mask and documents may be NULL. */
void sw__attention_rows_fill(struct sw_attention_rows *r, const struct attention_attr *attr,
                             const struct attention_sizes *z, const float *q, const float *mask,
                             const int32_t *documents, int64_t b, int64_t kv, int64_t first,
                             int64_t n);

sw_node *sw__attention_backward(sw_graph *g, const struct attention_attr *attr,
                                sw_node *const in[9]);

#endif

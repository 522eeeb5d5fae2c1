/* What an op is: the contract between an op's file (src/graph/ops) and the graph, the plan and the
 * run.
 *
 * An op's file holds, in this order: the attributes, the shape rule (infer), the gradient rule, the
 * preparation (choose kernels, count tasks, ask for memory), the run, the class, the builder.
 *
 *   build    sw_softmax(g, x, axis) -> sw__op_add -> infer                    (graph lives)
 *   grad     class->grad appends ops that compute dx from dy                  (graph lives)
 *   compile  class->infer, class->pack, class->prepare at the declared sizes  (allocates)
 *   run      when sizes changed: infer, prepare again; then for each phase    (allocates nothing)
 *            class->run(step, phase, begin, end, scratch) on all threads
 *
 * Nothing in an op's file knows how many threads there are: prepare cuts the work of each phase into
 * tasks, numbered from 0, whose bounds depend on shapes only; a thread gets ranges of tasks in any
 * order.  A phase begins when all tasks before it are done.  So the bits cannot depend on the number
 * of threads as long as a task writes only what is its own. */
#ifndef SWELL_GRAPH_OP_H
#define SWELL_GRAPH_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swell/graph.h>
#include <swell/ops.h>
#include "kernels/kernels.h"

#define SW_MAX_INPUTS  20 /* of one op */
#define SW_MAX_OUTPUTS 16
#define SW_MAX_PHASES  6
#define SW_MAX_PACKS   3 /* inputs number 0..2 may be packed weights */

struct sw_op;
struct sw_step;

/* ---- shape rule -------------------------------------------------------------------------------- */

/* The question "which shapes come out?".  Asked at build time and again at run time when the sizes
 * of inputs change, so the answer must depend on nothing but this. */
struct sw_infer {
    const char *op; /* name, for errors */
    const void *attr;
    int n_in, n_out;
    sw_tensor *const *in;  /* dtype and shape; data is not to be touched. NULL: absent operand */
    sw_tensor *const *out; /* to fill: dtype and shape */
    char *error;           /* sw__infer_fail writes here */
    size_t error_size;
};

/* return sw__infer_fail(q, SW_ERR_SHAPE, "%s x %s: inner sizes differ", ...); the op's name is put
 * in front. */
sw_status sw__infer_fail(struct sw_infer *q, sw_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for two shapes: "matmul: (3,4) x (5,6): <why>". */
sw_status sw__infer_mismatch(struct sw_infer *q, int a, int b, const char *why);
/* SW_OK when in[i] is present and has this dtype, else SW_ERR_DTYPE with a text. */
sw_status sw__infer_dtype(struct sw_infer *q, int i, sw_dtype dtype);
/* SW_OK when in[i]'s rank is within lo..hi. */
sw_status sw__infer_rank(struct sw_infer *q, int i, int lo, int hi);
/* 0 <= *axis < rank afterwards (negative counts from the end), else SW_ERR_SHAPE. */
sw_status sw__infer_axis(struct sw_infer *q, int i, int axis, int *out);
/* For accepts_bias and accepts_scale: a vector (C) for a result (...,C). */
bool sw__accepts_last_axis(const sw_shape *out, const sw_shape *vector);
/* NumPy broadcasting of in[a] and in[b] into *out. */
sw_status sw__infer_broadcast(struct sw_infer *q, int a, int b, sw_shape *out);

/* ---- packed weights ---------------------------------------------------------------------------- */

/* A layout of a weight.  Two packs are the same when layout, param and bytes are the same: then all
 * plans share one copy. */
struct sw_pack {
    const char *layout; /* static text, for example "gemm_b_f32_k256_n32" */
    int64_t param[7];   /* sizes that the layout depends on */
    size_t bytes;
    int64_t tasks; /* pieces of work; like those of a step */
    void (*run)(const struct sw_pack *p, const struct sw_kernels *k, const void *src, void *dst,
                int64_t begin, int64_t end);
};

/* ---- a step of a plan -------------------------------------------------------------------------- */

/* An activation fused into a step's output. */
enum sw_act {
    SW_ACT_NONE,
    SW_ACT_RELU,
    SW_ACT_LEAKY_RELU, /* a: slope */
    SW_ACT_CLIP,       /* a, b: bounds */
    SW_ACT_GELU,
    SW_ACT_GELU_TANH,
    SW_ACT_SILU,
    SW_ACT_SIGMOID,
    SW_ACT_TANH
};
struct sw_fused_act {
    enum sw_act act;
    float a, b;
};

struct sw_step {
    const struct sw_op_class *cls;
    const void *attr;
    int n_in, n_out;
    sw_tensor **in;  /* in[i] NULL: absent operand; data NULL for shape-only operands */
    sw_tensor **out; /* out[i] NULL: nobody reads it, need not be computed; i > 0 only */
    const struct sw_kernels *k;
    struct sw_fused_act act;          /* to be applied to out[0] */
    const void *packed[SW_MAX_PACKS]; /* packed copy of weight in[i], or NULL: pack it yourself */
    uint64_t stream;                  /* the op's own stream of random numbers */
    const struct sw_run_seed *seed;   /* of the run */

    /* Written by prepare.  It must not allocate; at sizes below the declared ones it must not ask
     * for more memory than it did at the declared ones. */
    int n_phases; /* 0: nothing to do at these sizes */
    int64_t tasks[SW_MAX_PHASES];
    size_t workspace;   /* bytes that all threads share during this step, 64-byte aligned */
    size_t scratch;     /* bytes that each thread has for itself during this step */
    size_t task_bytes;  /* bytes of out[0] that each task fills, one task behind the other, without
                         * reading any of it; 0: not so.  Lets a large result go past the caches. */
    double flops;       /* for profiles: arithmetic of the whole step ... */
    double bytes;       /* ... and bytes that must be moved; 0: inputs plus outputs */
    const char *kernel; /* the kernel chosen, for reports */

    void *ws;   /* the workspace, given before run */
    void *note; /* cls->note_size bytes, what prepare found out, for run */
};

struct sw_run_seed {
    uint64_t seed, step;
};

/* ---- the class --------------------------------------------------------------------------------- */

enum sw_op_flag {
    SW_OP_VIEW = 1,      /* out[0] is in[0]'s memory with another shape: no step at all */
    SW_OP_CHEAP = 2,     /* may be computed again in the backward pass instead of being stored */
    SW_OP_FUSE_ACT = 4,  /* honours step->act */
    SW_OP_EFFECT = 8,    /* its first output is only a handle (updates): no memory */
    SW_OP_PACK_LATE = 16 /* a weight in blocks may go without its packed copy for some runs */
};

struct sw_op_class {
    const char *name;
    unsigned flags;
    unsigned inplace; /* bit i: out[0] may take in[i]'s memory, if it dies here and has the size */
    unsigned shape_only; /* bit i: only the shape of in[i] is read */
    unsigned few_rows;   /* bit i: only some rows of in[i] are read: its pages may leave memory */
    unsigned mutates;    /* bit i: in[i] is a weight and is written */
    enum sw_act act;     /* this op as a fused activation, or SW_ACT_NONE */
    size_t note_size;    /* bytes that prepare keeps for run */

    sw_status (*infer)(struct sw_infer *q);

    /* Append the gradients: dx[i] for each i with need[i]; leave dx[i] NULL where the derivative is
     * zero everywhere.  dy[o] is NULL where no gradient reaches output o (one is there).
     * NULL: the op has no gradient. */
    void (*grad)(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                 sw_node **dx);

    /* For in[input], a weight: describe the layout that this step wants at the declared sizes;
     * false: the weight as it is.  NULL: never.  Must depend on the weight's shape, the attributes
     * and the ISA only, so that plans can share. */
    bool (*pack)(const struct sw_step *s, int input, struct sw_pack *out);

    sw_status (*prepare)(struct sw_step *s);

    /* Tasks begin..end-1 of a phase.  scratch: this thread's memory. */
    void (*run)(const struct sw_step *s, int phase, int64_t begin, int64_t end, void *scratch);

    /* Fusion of `op + vector` into operand number `bias`: true if a vector of this shape, added to
     * out[0], is what operand `bias` (now absent) does.  NULL: no such fusion.  `scale` likewise for
     * a product (norms). */
    int bias, scale;
    /* Fusion of `op + x`, x of out[0]'s shape, into operand number `sum`; 0: no such fusion. */
    int sum;
    bool (*accepts_bias)(const sw_shape *out, const sw_shape *vector);
    bool (*accepts_scale)(const sw_shape *out, const sw_shape *vector);

    /* If this op is a fusable activation with parameters: read them.  NULL: none. */
    void (*act_params)(const void *attr, float *a, float *b);
};

/* ---- building ---------------------------------------------------------------------------------- */

/* Append an op: check the inputs (any poisoned: poisoned result), copy attr, infer, return output 0.
 * in[i] may be NULL for an absent operand. */
sw_node *sw__op_add(sw_graph *g, const struct sw_op_class *cls, const void *attr, size_t attr_size,
                    sw_node *const *in, int n_in, int n_out);
/* Poison the graph from a builder: bad options.  Returns the poisoned node. */
sw_node *sw__graph_poison(sw_graph *g, sw_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Bytes of all values that ops make; INT64_MAX: too many to count. */
int64_t sw__graph_bytes(const sw_graph *g);
/* In a gradient rule: the operands, results and attributes of the op. */
sw_node *sw__op_in(const struct sw_op *op, int i);
sw_node *sw__op_out(const struct sw_op *op, int i);
const void *sw__op_attr(const struct sw_op *op);
/* The type that products use now (sw_graph_compute). */
sw_dtype sw__graph_compute_type(const sw_graph *g);

/* dy summed to the shape of `like` (whose values are not read): the gradient of broadcasting. */
sw_node *sw__sum_to(sw_graph *g, sw_node *dy, sw_node *like);
/* x seen with the shape of `like`; a view. */
sw_node *sw__reshape_like(sw_graph *g, sw_node *x, sw_node *like);
/* x broadcast to the shape of `like`. */
sw_node *sw__expand_like(sw_graph *g, sw_node *x, sw_node *like);

/* ---- for prepare and run ----------------------------------------------------------------------- */

/* The elements of tasks begin..end-1, when n elements are cut into tasks of `grain`. */
static inline void sw__step_range(int64_t n, int64_t grain, int64_t begin, int64_t end,
                                  int64_t *from, int64_t *to)
{
    *from = begin * grain;
    *to = end * grain < n ? end * grain : n;
}

/* Elements a task: enough to pay for its dispatch, few enough to balance. */
#define SW_GRAIN 4096

/* A result that leaves no room for anything else in the caches goes past them: the largest third cache
 * of the machines measured that belongs to few cores has 32 MiB.  Reading each line before it is
 * written is saved. */
#define SW_STREAM_BYTES ((int64_t)32 << 20)

static inline int64_t sw__tensor_bytes(const sw_tensor *t)
{
    return sw_shape_elements(&t->shape) * sw_dtype_get(t->dtype)->block_bytes;
}

static inline bool sw__tensor_streams(const sw_tensor *t)
{
    return sw__tensor_bytes(t) >= SW_STREAM_BYTES;
}

/* Whether a step's result goes past the caches; in place it is in a cache already. */
static inline bool sw__result_streams(const struct sw_step *s)
{
    if (!sw__tensor_streams(s->out[0])) return false;
    for (int i = 0; i < s->n_in; i++)
        if (s->in[i] && s->in[i]->data == s->out[0]->data) return false;
    return true;
}

#endif

/* The plan's own structures.  The way from graph to run, a file each:
 *
 *   lower.c      live ops and values of the graph become the plan's ops and values
 *   fuse.c       bias, scale and activation go into the op before them
 *   recompute.c  values of the forward pass are computed again where the backward pass reads them
 *   layout.c     lifetimes, in-place, one buffer
 *   compile.c    calls the above, packs, prepares the steps            (sw_compile)
 *   bind.c       shapes and memory given at run time                   (sw_bind, sw_plan_tensor)
 *   run.c        the threads walk the steps                            (sw_run)
 *   describe.c, profile.c   what it looks like, where the time goes
 */
#ifndef SWELL_PLAN_INT_H
#define SWELL_PLAN_INT_H

#include <stdatomic.h>
#include <swell/plan.h>
#include "graph/graph_int.h"
#include "graph/weights_int.h"

/* Where a value's memory is. */
enum sw_place {
    SW_PLACE_NONE,   /* only its shape is wanted */
    SW_PLACE_BUFFER, /* in the plan's buffer */
    SW_PLACE_INPUT,  /* the caller's */
    SW_PLACE_WEIGHT,
    SW_PLACE_CONST
};

#define SW_FOREVER INT32_MAX

struct sw_value {
    sw_tensor t;         /* as of this run: memory and actual shape; steps point here */
    sw_shape max;        /* the declared shape */
    int64_t bytes;       /* of the declared shape */
    const sw_node *node; /* in the graph */
    enum sw_place place;
    int root;       /* whose memory it is: itself, or what it is a view or in-place result of */
    int next_alias; /* next value of the same root, -1 ends */
    bool data;      /* somebody reads the values, not only the shape */
    bool output;
    int first, last;  /* of a root: steps of its life, SW_FOREVER for outputs */
    int64_t offset;   /* of a root in the buffer */
    int reader_count; /* ops that read the values (fusion) */
    bool counted;     /* a weight that a step reads unpacked: sw__weight_reader */
};

struct sw_plan_op {
    const struct sw_op_class *cls;
    const void *attr;
    const struct sw_op *origin;
    int n_in, n_out;
    int in[SW_MAX_INPUTS]; /* value numbers, -1 absent */
    int out[SW_MAX_OUTPUTS];
    struct sw_fused_act act;
    bool runs;        /* false: only its shape rule is evaluated */
    bool gone;        /* fused into another */
    bool copy;        /* made by recompute */
    int fused;        /* how many ops went into this one */
    int step;         /* number of its step, -1 none */
    int in_place;     /* input whose memory out[0] took, -1 none */
    char *fused_text; /* "+bias+relu", for reports; in the arena */
};

/* An operand of a step whose packed copy is not made yet: the step reads the weight as it lies. */
struct sw_late_pack {
    int step, input;
    struct sw_packed *packed;
};

/* One phase of a step, or SW_LOOK_FOR_NAN after its last one. */
struct sw_phase {
    int step, phase;
    int64_t tasks;
};
#define SW_LOOK_FOR_NAN (-1)

/* What is done before any of the next round begins: a phase, or neighbouring phases of one task each,
 * which one thread does in turn. */
struct sw_round {
    int first, count; /* phases */
    int64_t tasks;
    int64_t until; /* tasks of the plan that are done when this round is */
};

struct sw_step_profile {
    double seconds, last_start, last_end;
    int64_t calls;
};

struct sw_plan {
    sw_context *ctx;
    sw_graph *graph;
    struct sw_arena arena;
    char *name;
    bool check_nan, no_fusion;
    sw_recompute recompute;

    struct sw_value *values;
    int64_t n_values, values_capacity;
    int *value_of;   /* node id -> value number, -1 none */
    int64_t n_nodes; /* of the graph when it was compiled */

    struct sw_plan_op *ops; /* in the order of execution */
    int64_t n_ops, ops_capacity;

    struct sw_step *steps;
    int *step_op; /* the op of each step */
    int n_steps;

    struct sw_packed **packed; /* references, each once */
    int64_t n_packed, packed_capacity;
    bool pack_late, has_run;
    struct sw_late_pack *late; /* of packed copies in the list above; the last is made first */
    int64_t n_late, late_capacity;
    int64_t late_bytes; /* of all of them at the start */
    sw_weights **sets;
    int64_t n_sets, sets_capacity;
    sw_weight **written; /* by the steps, once for each writing operand */
    int64_t n_written;
    int64_t unbound; /* inputs that have no memory yet */

    char *buffer;
    int64_t buffer_bytes, live_bytes;
    int64_t *ws_offset, *ws_bytes; /* of each step's workspace */
    char *scratch;                 /* threads x scratch_bytes */
    int64_t scratch_bytes;         /* of one thread */

    struct sw_kernels kernels;
    struct sw_run_seed seed;
    bool shapes_changed;

    struct sw_phase *phases; /* of the current shapes */
    int n_phases, max_phases;
    struct sw_round *rounds;
    int n_rounds;
    atomic_ullong *claims; /* [threads][claims_stride], a word a round: see run.c */
    int64_t claims_stride;
    uint16_t run_number;
    struct sw_tally tally;
    atomic_int nan_step; /* first step that made a NaN, -1 none */

    bool profiling;
    struct sw_step_profile *profile; /* per step */
    double profile_start, profile_since;
    int64_t profile_runs;
};

/* ---- lower.c */
sw_status sw__plan_lower(sw_plan *p, const sw_plan_options *o);
/* Append a value / an op slot; -1 when out of memory. */
int sw__plan_value_new(sw_plan *p, const sw_node *node);
/* ---- fuse.c */
sw_status sw__plan_fuse(sw_plan *p);
/* ---- recompute.c */
sw_status sw__plan_recompute(sw_plan *p);
/* ---- layout.c: lifetimes and in-place before the steps are prepared, offsets after. */
sw_status sw__plan_lifetimes(sw_plan *p);
sw_status sw__plan_place(sw_plan *p);
/* ---- compile.c */
/* Phases and rounds from the prepared steps. */
void sw__plan_phases(sw_plan *p);
/* ---- bind.c */
/* The plan's number of a node, -1 when the plan does not have it: not live, of another graph, or
 * built after the plan. */
int sw__plan_find(const sw_plan *p, const sw_node *x);
void sw__plan_set_data(sw_plan *p, int value, void *data);
/* Infer and prepare again after shapes changed. */
sw_status sw__plan_reshape(sw_plan *p);
/* Whether this value is an input without memory. */
static inline bool sw__plan_awaits(const sw_plan *p, int64_t value)
{
    const struct sw_value *v = &p->values[value];
    return v->place == SW_PLACE_INPUT && v->root == value && !v->t.data;
}
/* Whether the plan takes the results past the caches, for kernels that do not do so themselves. */
static inline bool sw__step_streams(const struct sw_step *s)
{
    return s->task_bytes > 0 && sw__result_streams(s);
}
/* ---- describe.c */
const char *sw__plan_op_name(const sw_plan *p, const struct sw_plan_op *op);

static inline sw_status sw__plan_memory(sw_plan *p)
{
    return sw__fail(p->ctx, SW_ERR_MEMORY, "plan '%s': out of memory", p->name ? p->name : "");
}

#endif

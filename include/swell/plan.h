/* The plan: a graph made ready to run on this CPU.  Fused, memory laid out, kernels chosen, weights
 * packed.  sw_run allocates nothing, takes no lock in the common case, and gives the same bits for
 * any number of threads.
 *
 *     sw_plan *p;
 *     sw_compile(g, (sw_plan_options){.outputs = &y, .n_outputs = 1}, &p);
 *     sw_bind(p, x, images, SW_SHAPE(7, 784));
 *     sw_run(p);
 *     float *probabilities = sw_plan_tensor(p, y).data;
 */
#ifndef SWELL_PLAN_H
#define SWELL_PLAN_H

#include <swell/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sw_plan sw_plan;

typedef enum sw_recompute {
    SW_RECOMPUTE_NONE,  /* store every value that the backward pass reads */
    SW_RECOMPUTE_CHEAP, /* compute elementwise values, norms, pooling and views again */
    SW_RECOMPUTE_KEPT   /* store only values marked by sw_keep, compute all others again */
} sw_recompute;

typedef struct sw_plan_options {
    sw_node *const *outputs; /* values wanted, and nodes of updates (sw_assign, optimisers) */
    int n_outputs;
    sw_recompute recompute; /* memory against time, the same bits */
    bool no_fusion;         /* for tests: every op a step of its own */
    bool check_nan;         /* sw_run fails with SW_ERR_NAN and names the first op that made one */
    const char *name;       /* for reports; copied */
    bool
        pack_late; /* weights stored in blocks: the first run reads them as they lie, those after it pack
                     * an eighth each, so that nothing waits for a copy of them all; the same bits */
} sw_plan_options;

/* SW_ERR_ARGUMENT, SW_ERR_MEMORY, SW_ERR_SIZE; a poisoned graph gives its own status. */
SW_API sw_status sw_compile(sw_graph *g, sw_plan_options options, sw_plan **out);
SW_API void sw_plan_destroy(sw_plan *p);

/* Let an input read from `data`, dense and of this shape (each dimension at most the declared one).
 * The memory stays the caller's and must live through the runs.  A shape other than the last run's
 * makes the plan infer all shapes anew at the next run, without allocating.  Errors of shapes name
 * the op.  An output may be bound too, with the shape that it will have at most: it is then written
 * straight to `data`.  sw_run refuses to run while an input that it reads was never bound. */
SW_API sw_status sw_bind(sw_plan *p, sw_node *x, void *data, sw_shape shape);

/* Random numbers of the next run (dropout, Gumbel): a pure function of (seed, step, op, element). */
SW_API void sw_plan_seed(sw_plan *p, uint64_t seed, uint64_t step);

/* Run all steps.  One run at a time on one context.  SW_ERR_SHAPE when bound shapes do not fit;
 * SW_ERR_NAN with check_nan. */
SW_API sw_status sw_run(sw_plan *p);

/* Pack now whatever pack_late has left for later runs. */
SW_API void sw_plan_pack(sw_plan *p);

/* An output (or input) with its actual shape; data is valid until the next run.  A node that is
 * neither gives data NULL. */
SW_API sw_tensor sw_plan_tensor(const sw_plan *p, const sw_node *x);

typedef struct sw_plan_stats {
    int steps, fused;      /* steps that run; ops that were fused into others */
    int64_t buffer_bytes;  /* the one buffer of activations and workspaces */
    int64_t live_bytes;    /* largest sum of live tensors over the steps: the lower bound */
    int64_t scratch_bytes; /* of all threads */
    int64_t packed_bytes;  /* packed weights that this plan reads (shared with other plans) */
    int64_t weight_bytes;  /* weights that this plan reads */
    double flops, bytes;   /* of one run at the declared sizes */
} sw_plan_stats;
SW_API sw_plan_stats sw_plan_get_stats(const sw_plan *p);
/* Of a plan for `rows` pictures (or whatever dimension 0 counts) whose results depend on their own row
 * alone: how many to bind and run at once, 1 to rows.  As many as keep their values in a CPU's caches,
 * where not the weights, which every run reads, are the larger part.  All of them, or a power of two. */
SW_API int64_t sw_plan_rows_at_once(const sw_plan *p, int64_t rows);

/* Steps, fusions, kernels, buffer map and bytes, as text. */
SW_API void sw_plan_describe(const sw_plan *p, sw_text_fn write, void *user);

/* Measure each step of the runs from here on (no allocation in runs; about 50 ns a step). */
SW_API sw_status sw_plan_profile(sw_plan *p, bool on);
/* A table: op, shape, calls, time, GFLOP/s or GB/s, share of this machine's limit. */
SW_API sw_status sw_plan_profile_table(const sw_plan *p, sw_text_fn write, void *user);
/* The last profiled run in Chrome's trace format (JSON), to be opened in chrome://tracing. */
SW_API sw_status sw_plan_profile_trace(const sw_plan *p, sw_text_fn write, void *user);

#ifdef __cplusplus
}
#endif
#endif

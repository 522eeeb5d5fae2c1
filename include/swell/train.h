/* Training: optimisers as ops, schedules, and a trainer that steps, saves and resumes.
 *
 * Everything an optimiser does is in the graph: its moments are states, its step is an op that writes
 * a weight.  A training step is one plan: forward, backward, clipping, update, moving averages.
 * With gradient accumulation it is two: one adds gradients to states, one updates from them.  Whoever
 * wants to see gradients before the update (many machines) builds the same two plans himself.
 *
 *     sw_trainer *t;
 *     sw_trainer_create(g, ws, loss, (sw_trainer_options){.optimizer = {.kind = SW_ADAMW},
 *                                                         .schedule = {.rate = 1e-3f}}, &t);
 *     sw_bind(sw_trainer_plan(t), x, images, shape);
 *     sw_trainer_step(t, &loss_value);
 */
#ifndef SWELL_TRAIN_H
#define SWELL_TRAIN_H

#include <swell/ops.h>
#include <swell/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- optimiser ops: they write weight and moments; pass the result to sw_compile --------------- */

typedef enum sw_optimizer_kind { SW_SGD, SW_ADAM, SW_ADAMW, SW_MUON } sw_optimizer_kind;

typedef struct sw_optimizer_options {
    sw_optimizer_kind kind;
    float momentum;     /* SGD, Muon; 0 means 0.9 for SGD and 0.95 for Muon; negative: none */
    float beta1, beta2; /* Adam; 0 means 0.9 and 0.999 */
    float eps;          /* Adam; 0 means 1e-8 */
    float weight_decay; /* SGD, Adam: added to the gradient; AdamW, Muon: decoupled */
    float clip_norm;    /* > 0: scale all gradients so that their global norm is at most this */
    float ema_decay;    /* > 0: keep moving averages, states "ema/<name>" */
    bool decay_all;     /* false: no decay for weights of rank < 2 (biases, norms) */
    float adamw_rate;   /* Muon: the rate of the weights that AdamW takes is lr times this; 0 means
                           0.05 */
    bool nesterov;      /* SGD: Sutskever et al. 2013, as sw_nesterov_update */
    float bias_rate; /* SGD: the rate of weights of rank < 2 is lr times this, their decay a step as
                           without it; 0 means 1 */
} sw_optimizer_options;

/* In all of these: weights, gradients and moments are f32 of one shape; lr, step, keep and scale are
 * f32 of one element.  `scale` multiplies the gradient, or is NULL: 1.  When its value is not finite
 * the op writes nothing: so a bad step leaves no trace (sw_update_scale). */

/* The 2012 form (Krizhevsky et al., section 5), with dw times scale:
 *   v <- momentum v - decay lr w - lr dw;  w <- w + v.
 * velocity NULL: momentum must be 0; w <- w - decay lr w - lr dw. */
SW_API sw_node *sw_sgd_update(sw_graph *g, sw_node *weight, sw_node *grad, sw_node *velocity,
                              sw_node *lr, sw_node *scale, float momentum, float weight_decay);
/* Nesterov's momentum as PyTorch has it, with dw times scale and decay w added:
 *   v <- momentum v + dw;  w <- w - lr (dw + momentum v). */
SW_API sw_node *sw_nesterov_update(sw_graph *g, sw_node *weight, sw_node *grad, sw_node *velocity,
                                   sw_node *lr, sw_node *scale, float momentum, float weight_decay);
/* Kingma and Ba 2015, algorithm 1, the decay added to the gradient; decoupled: Loshchilov and Hutter
 * 2019, algorithm 2, w <- w - lr (m' / (sqrt(v') + eps) + decay w).  step: 1 in the first update. */
SW_API sw_node *sw_adam_update(sw_graph *g, sw_node *weight, sw_node *grad, sw_node *m, sw_node *v,
                               sw_node *lr, sw_node *step, sw_node *scale, float beta1, float beta2,
                               float eps, float weight_decay, bool decoupled);
/* Jordan 2024: momentum, Nesterov, then five Newton-Schulz iterations towards the nearest orthogonal
 * matrix, times sqrt(max(1, rows / columns)); decoupled decay.  The weight, of rank >= 2, is seen as
 * (dim 0, rest); made of matmuls of the same graph. */
SW_API sw_node *sw_muon_update(sw_graph *g, sw_node *weight, sw_node *grad, sw_node *velocity,
                               sw_node *lr, sw_node *scale, float momentum, float weight_decay);
/* average <- decay average + (1 - decay) weight.  scale only says whether. */
SW_API sw_node *sw_ema_update(sw_graph *g, sw_node *average, sw_node *weight, sw_node *scale,
                              float decay);
/* sum <- keep sum + scale x; keep NULL: 1.  Where keep is 0 the old sum is not read. */
SW_API sw_node *sw_accumulate(sw_graph *g, sw_node *sum, sw_node *x, sw_node *keep, sw_node *scale);
/* sqrt of the sum of all squares, one element; summed in f64. */
SW_API sw_node *sw_global_norm(sw_graph *g, sw_node *const *x, int n);
/* The scale of an update: factor, times clip / norm where clip > 0 and the norm is larger; NaN when
 * loss or norm is not finite, so that nothing is written.  loss, norm: one element each, or NULL. */
SW_API sw_node *sw_update_scale(sw_graph *g, sw_node *loss, sw_node *norm, float clip,
                                float factor);

/* One node that stands for up to 20 updates: compiled, it runs them all. */
SW_API sw_node *sw_group(sw_graph *g, sw_node *const *updates, int n);

/* All updates of n params: makes the states it needs in `ws` ("opt/<name>/m", ...), updates,
 * averages.  lr, step and scale as above.  Muon takes weights of rank >= 2 and AdamW the rest.
 * Writes the nodes to compile to out[0..*n_out-1]; out has room for 2 n.  A new average starts as a
 * copy of the weight.  clip_norm is not looked at: it is the business of whoever makes `scale`. */
SW_API sw_status sw_optimizer_updates(sw_graph *g, sw_weights *ws, sw_node *const *params,
                                      sw_node *const *grads, int n, sw_node *lr, sw_node *step,
                                      sw_node *scale, sw_optimizer_options o, sw_node **out,
                                      int *n_out);

/* ---- schedules --------------------------------------------------------------------------------- */

typedef enum sw_schedule_kind {
    SW_SCHEDULE_CONSTANT,
    SW_SCHEDULE_STEP,    /* rate * factor^(how many of milestones[] are past) */
    SW_SCHEDULE_PLATEAU, /* rate * factor^(drops so far): sw_schedule_report decides */
    SW_SCHEDULE_LINEAR,  /* down to `floor` at `total` */
    SW_SCHEDULE_COSINE   /* half a cosine down to `floor` at `total` */
} sw_schedule_kind;

#define SW_MAX_MILESTONES 16
typedef struct sw_schedule {
    sw_schedule_kind kind;
    float rate;     /* the learning rate after warm-up; above 0 */
    int64_t warmup; /* steps of linear rise: step s < warmup has rate * (s + 1) / warmup */
    int64_t total;  /* linear, cosine: steps, warm-up included; `floor` from there on */
    float floor;    /* the last rate */
    float factor;   /* step, plateau; 0 means 0.1 */
    int64_t milestones[SW_MAX_MILESTONES]; /* steps, rising; the factor acts from that step on */
    int n_milestones;
    int patience; /* plateau: reports without improvement before a drop; 0 means 1 */
    /* plateau's memory; saved in checkpoints */
    bool reported; /* before the first report `best` means nothing */
    double best;
    int bad, drops; /* reports without improvement since the last drop; drops */
} sw_schedule;

/* The rate of step 0, 1, 2, ...  A pure function of the struct. */
SW_API float sw_schedule_rate(const sw_schedule *s, int64_t step);
/* Tell a plateau schedule a validation loss (smaller is better; NaN is no improvement); true when the
 * rate dropped. */
SW_API bool sw_schedule_report(sw_schedule *s, double loss);

/* ---- trainer ----------------------------------------------------------------------------------- */

typedef struct sw_trainer sw_trainer;

typedef struct sw_trainer_options {
    sw_optimizer_options optimizer;
    sw_schedule schedule;
    int accumulate; /* micro-batches an update; 0 means 1 */
    sw_recompute recompute;
    sw_node *const *outputs; /* more values to look at after a step, for example logits */
    int n_outputs;
    uint64_t seed; /* of dropout; the data order may use it too (sw_trainer_seed) */
} sw_trainer_options;

/* Appends gradients and updates of all trainable params that the loss depends on to g, and compiles.
 * The loss is one f32 value, the mean over the batch if gradients are accumulated.  g and ws must
 * outlive the trainer.  SW_ERR_ARGUMENT: nothing to train, or an option out of range;  SW_ERR_DTYPE: a
 * param that is not f32 (masters are f32; products in bf16 are sw_graph_compute's business). */
SW_API sw_status sw_trainer_create(sw_graph *g, sw_weights *ws, sw_node *loss,
                                   sw_trainer_options options, sw_trainer **out);
SW_API void sw_trainer_destroy(sw_trainer *t);
/* The plan of a micro-batch: bind inputs here, read outputs here. */
SW_API sw_plan *sw_trainer_plan(sw_trainer *t);
/* One micro-batch; every `accumulate` of them an update.  Allocates nothing.  *loss gets the loss (may
 * be NULL).  SW_ERR_NAN when the loss or the norm of the gradients is not finite: weights, states and
 * counters are as before this step, and sw_error names the input or the first op that made it so. */
SW_API sw_status sw_trainer_step(sw_trainer *t, float *loss);
/* Updates done so far, the rate of the next, the gradients' norm in the last (before clipping). */
SW_API int64_t sw_trainer_steps(const sw_trainer *t);
SW_API float sw_trainer_rate(const sw_trainer *t);
SW_API float sw_trainer_norm(const sw_trainer *t);
/* To change what comes, or to report to a plateau. */
SW_API sw_schedule *sw_trainer_schedule(sw_trainer *t);
/* options.seed, or the checkpoint's. */
SW_API uint64_t sw_trainer_seed(const sw_trainer *t);

/* The optimiser's own set: moments "opt/<name>/...", moving averages "ema/<name>".  So `ws` holds the
 * model and nothing else. */
SW_API sw_weights *sw_trainer_states(sw_trainer *t);
/* Exchange every weight with its moving average, to evaluate or save the averaged model; the same
 * call again changes back.  Until then step, save and load give SW_ERR_STATE, as this does without
 * averages. */
SW_API sw_status sw_trainer_swap_averages(sw_trainer *t);

/* Where in the data the run stands: the caller's own numbers, saved and restored with the rest. */
typedef struct sw_data_position {
    uint64_t epoch, index;
} sw_data_position;
SW_API sw_data_position *sw_trainer_position(sw_trainer *t);

/* A point of the curve, kept in the checkpoint: any few named numbers at the current step.  A name
 * keeps at most SW_CURVE_POINTS points: when it has them, every second one goes.  At most
 * SW_CURVE_NAMES names (SW_ERR_ARGUMENT), of at most 63 bytes of UTF-8. */
#define SW_CURVE_POINTS 16384
#define SW_CURVE_NAMES  32
SW_API sw_status sw_trainer_log(sw_trainer *t, const char *name, double value);
typedef struct sw_curve_point {
    int64_t step;
    double value;
} sw_curve_point;
/* The points of a name, oldest first, and how many; valid until the next log or load.  NULL and 0 for
 * a name that has none. */
SW_API const sw_curve_point *sw_trainer_curve(const sw_trainer *t, const char *name, int64_t *n);
/* The names in the order of their first point; NULL outside 0..count-1. */
SW_API const char *sw_trainer_curve_name(const sw_trainer *t, int index);

/* A few words of the caller's own that go into the checkpoint's metadata, for example which model it
 * is of.  value NULL takes a note back.  SW_ERR_ARGUMENT for more than 16 notes, or a key that begins
 * with "swell.". */
SW_API sw_status sw_trainer_set_note(sw_trainer *t, const char *key, const char *value);
/* NULL if there is none; valid until the note changes. */
SW_API const char *sw_trainer_note(const sw_trainer *t, const char *key);

/* Weights, optimiser states, random state, data position, schedule, curve and notes into one file
 * `path` (safetensors; what is no tensor as JSON in its metadata, so that a checkpoint is one atomic
 * rename).  Read-only weights are left out.  SW_ERR_IO names the file and the reason; an older
 * checkpoint stays whole. */
SW_API sw_status sw_trainer_save(sw_trainer *t, const char *path);
/* Continue from it to the same bits; seed and schedule are the file's.  The model must be the same:
 * SW_ERR_SHAPE names the weight that differs; SW_ERR_FORMAT the file and what is wrong with it.
 * Nothing is changed on failure. */
SW_API sw_status sw_trainer_load(sw_trainer *t, const char *path);

/* ---- weights alone ----------------------------------------------------------------------------- */

/* All weights of the set as a safetensors file, whole or not at all: names, dtypes, shapes as in the
 * set.  `metadata`: pairs of key and value ended by NULL, or NULL.  SW_ERR_IO names the file and the
 * reason; SW_ERR_UNSUPPORTED names a block-quantised weight, which the format does not have. */
SW_API sw_status sw_weights_save(sw_context *ctx, const sw_weights *ws, const char *path,
                                 const char *const *metadata);
/* Add all tensors of a safetensors file, or of a file of torch.save (.pth, .pt; a state_dict), to the
 * set: as mapped weights that cannot change (the set keeps the file mapped), or as copies that can.
 * `prefix`: only names that begin with it; may be NULL.  PyTorch's counters "num_batches_tracked" are
 * left out.  Nothing in a file is executed.  All or nothing.  SW_ERR_FORMAT names the file, the offset and the reason; SW_ERR_UNSUPPORTED
 * a tensor of F64 or another dtype that Swell has not; SW_ERR_ARGUMENT a name that the set has. */
SW_API sw_status sw_weights_load(sw_context *ctx, sw_weights *ws, const char *path, bool mapped,
                                 const char *prefix);
/* Call for each pair of a file's metadata, in the order of the file; the strings live during the
 * call.  Errors as sw_weights_load. */
typedef void (*sw_metadata_fn)(void *user, const char *key, const char *value);
SW_API sw_status sw_weights_metadata(sw_context *ctx, const char *path, sw_metadata_fn call,
                                     void *user);

#ifdef __cplusplus
}
#endif
#endif

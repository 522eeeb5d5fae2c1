/* The trainer's own structures, for src/train only:
 *
 *   trainer.c           the plans, a step, the getters
 *   nan_report.c        which op made the NaN
 *   curve.c             named numbers by step, and notes
 *   checkpoint.c        tensors to a file and back
 *   checkpoint_state.c  everything else as JSON */
#ifndef SWELL_TRAINER_INT_H
#define SWELL_TRAINER_INT_H

#include <swell/train.h>
#include "graph/plan_int.h"

#define SW_CURVE_NAME_BYTES 64
#define SW_NOTES            16

struct sw_curve {
    char name[SW_CURVE_NAME_BYTES];
    sw_curve_point *points;
    int64_t n, capacity;
};

struct sw_note {
    char *key, *value;
};

/* What a checkpoint holds beside tensors. */
struct sw_train_state {
    int64_t steps; /* updates done */
    int64_t runs;  /* micro-batches done: the number of the run, for random streams */
    int micro;     /* micro-batches since the last update */
    uint64_t seed;
    sw_data_position position;
    sw_schedule schedule;
    struct sw_curve curves[SW_CURVE_NAMES];
    int n_curves;
    struct sw_note notes[SW_NOTES];
    int n_notes;
};

/* A state that the forward pass writes (running statistics), as it was before the step. */
struct sw_kept_state {
    sw_weight *weight;
    void *copy;
    size_t bytes;
};

struct sw_trainer {
    sw_context *ctx;
    sw_graph *graph;
    sw_weights *ws, *states;
    int accumulate;
    sw_recompute recompute;

    sw_node *loss;
    sw_node **params, **grads; /* grads: of one micro-batch */
    sw_node **sums;            /* accumulate > 1: states, else NULL */
    int n_params;
    sw_node **averages; /* NULL: none */

    sw_plan *micro;  /* forward, backward; and the update when accumulate is 1 */
    sw_plan *update; /* else NULL */
    sw_node *lr, *step, *keep;
    sw_node *norm, *scale;               /* of the micro plan */
    sw_node *update_norm, *update_scale; /* of the plan that updates */
    float lr_value, step_value, keep_value;

    struct sw_kept_state *kept;
    int n_kept;
    float last_norm;
    bool swapped;
    struct sw_train_state state;
};

/* ---- nan_report.c */
/* The loss or the norm of the last run was not finite: find out why, fill the context's error. */
sw_status sw__trainer_explain(sw_trainer *t, float loss, float norm);
/* ---- trainer.c */
/* What is out of range in a schedule, or NULL. */
const char *sw__schedule_wrong(const sw_schedule *s);
void sw__trainer_restore_kept(sw_trainer *t);
/* ---- curve.c */
/* Append without a check of the name; false: out of memory. */
bool sw__curve_append(struct sw_curve *c, int64_t step, double value);
void sw__train_state_free(struct sw_train_state *s);
/* ---- checkpoint_state.c */
/* As JSON text; NULL: out of memory.  The caller frees it. */
char *sw__train_state_encode(const struct sw_train_state *s);
/* The other way, without the notes; SW_ERR_FORMAT or SW_ERR_MEMORY with why[128].  On failure *s is
 * empty. */
sw_status sw__train_state_decode(const char *text, struct sw_train_state *s, char why[128]);

#endif

/* Training a network of pictures: what `swell train alexnet` and `swell train convnet` share.
 *
 *   image_flags.c    options from the command line
 *   image_recipe.c   what is not said: the recipes; what a checkpoint remembers of them
 *   image_data.c     pictures: which are trained on, which measured on, what is seen of them
 *   image_build.c    the graphs, the trainer, weights of others
 *   image_loop.c     batches and epochs, for training_loop.c
 *   image_report.c   what is said about them
 *   image_measure.c  accuracy on pictures that were not trained on */
#ifndef SWELL_CLI_IMAGE_JOB_H
#define SWELL_CLI_IMAGE_JOB_H

#include <swell/see.h>

#include "cli/training_loop.h"

enum image_recipe { RECIPE_PAPER, RECIPE_TODAY, RECIPE_CONVNET };

/* Numbers that nobody gave are below 0 until image_recipe_complete. */
struct image_flags {
    const char *data, *val, *network, *from, *out, *confusion;
    struct training_options run;
    int64_t recipe;
    int64_t epochs, batch, seed, limit, threads, val_every;
    double rate, momentum, decay, bias_rate, warmup, floor, factor, smoothing, ema, mixup, jitter,
        val_fraction;
    double steps_at[SW_MAX_MILESTONES]; /* epochs */
    int64_t n_steps_at, patience;
    int64_t optimizer, schedule, mirror; /* values of their enums */
    int64_t short_side, crop, pad, cutout, crops;
    bool pad_zero, nesterov, decay_all, bf16, freeze, half, measured;
};

extern const struct image_flags image_flags_none;

/* Pictures to be measured on. */
struct image_part {
    sw_image_set *set;
    int64_t *index;
    int64_t count;
};

struct image_job {
    const struct verb *verb;
    struct image_flags f;
    const sw_image_network *network;
    sw_context *ctx;

    sw_image_set *set, *second;         /* of --data, of its second split or --val */
    struct image_part train, val, test; /* val: between epochs; test: at the end */
    const char *const *names;           /* of the classes */
    int classes;
    sw_augmentation seen;
    sw_image_notes notes; /* what --from says */

    sw_weights *ws;
    sw_graph *graph, *test_graph;
    sw_trainer *trainer;
    sw_plan *test_plan;
    sw_node *images, *labels, *logits, *test_images, *test_logits;
    int64_t test_batch; /* views in a run of test_plan */
    float *pixels;      /* of a batch */
    int32_t *label;
    float *probabilities; /* of labels, with mixup */

    struct training run;
    double shown_accuracy, val_accuracy;
    double read_work; /* seconds of all threads, before the last record */
};

/* ---- image_flags.c: each gives the exit status, or -1 to go on */
int image_flags_read(struct image_job *j, int argc, char **argv);

/* ---- image_recipe.c: 0, or 1 after a line */
int image_recipe_complete(struct image_job *j);
int image_recipe_batch(struct image_job *j); /* when the pictures are known */
/* Everything that the weights depend on, as text; malloc'ed. */
char *image_recipe_text(const struct image_job *j);
sw_schedule image_schedule(const struct image_job *j);

/* ---- image_data.c */
int image_data_open(struct image_job *j);
void image_data_close(struct image_job *j);

/* ---- image_build.c */
int image_build(struct image_job *j);
int image_save(struct image_job *j);
void image_release(struct image_job *j);

/* ---- image_loop.c: exit status; 130: interrupted */
int image_train(struct image_job *j);

/* ---- image_report.c */
void image_report_begin(struct image_job *j);
void image_show(struct training *t, bool point, char *text, size_t size);
void image_record(struct training *t, char *text, size_t size);
void image_report_epoch(struct image_job *j, const sw_image_score *s);
int image_curve(struct image_job *j);

/* ---- image_measure.c */
/* Score the part by so many views; s->confusion may be set.  Stops early, with count 0, when interrupted. */
int image_measure(struct image_job *j, const struct image_part *part, int kind, sw_image_score *s);
/* Probabilities (n,classes) for the first n pictures of a part, by one view; n at most test_batch. */
int image_answers(struct image_job *j, const struct image_part *part, int64_t n, float *out);
/* Measure on the test pictures, say so, write the confusion matrix. */
int image_finish(struct image_job *j);

#endif

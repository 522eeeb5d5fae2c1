/* A training run of any system: steps, the clock, checkpoints, a progress line, records, the curve.  What a batch
 * is and what is measured are the job's own: a few functions. */
#ifndef SWELL_CLI_TRAINING_LOOP_H
#define SWELL_CLI_TRAINING_LOOP_H

#include <swell/train.h>

#include "base/progress.h"
#include "cli/curve_picture.h"
#include "cli/verbs.h"

/* What every job has options for. */
struct training_options {
    const char *checkpoint, *resume, *curve, *log;
    int64_t every;  /* steps between two checkpoints; below 1: at the end */
    double seconds; /* above 0: the end, and the schedule follows the clock */
    bool json;
};

struct training;

struct training_job {
    /* Between two steps: measure, begin an epoch; sets *done when the run is over (by the clock the loop does).
     * Exit status. */
    int (*between)(struct training *t, bool *done);
    /* Fill the next micro-batch. */
    int (*read)(struct training *t);
    /* After a step: what stands behind the loss in the progress line; more points of the curve if `point`. */
    void (*show)(struct training *t, bool point, char *text, size_t size);
    /* More members of a record of steps, each behind a comma. */
    void (*record)(struct training *t, char *text, size_t size);
    /* The last thing before weights are measured and kept, after the checkpoint; may be NULL. */
    int (*finish)(struct training *t);
};

struct training {
    /* to be set before training_run */
    const struct verb *verb;
    sw_context *ctx;
    sw_trainer *trainer;
    const struct training_job *job;
    void *user;
    struct training_options o;
    sw_schedule schedule; /* of the whole run */
    int64_t total;        /* steps; 0: by the clock */
    int64_t units;        /* pictures or tokens of a step */
    const char *unit;     /* "images" */
    int accumulate;       /* micro-batches a step */

    double started, loss;              /* the loss as shown: smooth */
    double read_seconds, step_seconds; /* since the last record */
    int64_t seen;                      /* units in this process */
    int64_t recorded;                  /* steps at the last record */
    struct sw_progress progress;
    FILE *log;
};

/* By the clock a schedule has as many steps as this, and its step is what part of the time is over. */
enum { TRAINING_CLOCK_STEPS = 1 << 20 };

/* What excludes or needs each other, and what cannot be written; -1 to go on, else the exit status. */
int training_check(const struct verb *verb, const struct training_options *o);

/* Exit status; 130: interrupted.  Writes the checkpoint. */
int training_run(struct training *t);

/* Everything that decides over the weights, as text, is kept with the run ("recipe"); --resume must find it as it
 * was.  `who` wrote it: "swell train alexnet". */
int training_resume(struct training *t, const char *recipe, const char *who);

/* A line of JSON to the log, and with --json to standard output. */
void training_record(struct training *t, const char *line);
/* The record of the steps since the last one. */
void training_record_rest(struct training *t);
double training_speed(const struct training *t); /* units a second */
bool training_by_clock(const struct training *t);
/* Close the log. */
int training_end(struct training *t);

/* Draw --curve: n lines (at most 8) with the trainer's points. */
int training_curve(struct training *t, const char *title, const struct curve_line *looks, int n);

#endif

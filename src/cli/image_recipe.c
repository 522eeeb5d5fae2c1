/* What is not said on the command line: the recipes.
 *
 *   paper    Krizhevsky et al. 2012, section 5: batch 128, momentum 0.9, decay 0.0005, rate 0.01, divided by
 *            10 when the error on the validation pictures stops improving; section 4.1: crops, mirror,
 *            colour
 *   today    AdamW, a warm-up and half a cosine, label smoothing: what is used for fine-tuning
 *   convnet  of `swell train convnet`, that learns in a minute */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/image_job.h"

static const struct recipe {
    int optimizer, schedule, mirror;
    double rate, momentum, decay, warmup_part, smoothing, jitter;
    int64_t batch;
} recipes[] = {[RECIPE_PAPER] = {SW_SGD, SW_SCHEDULE_PLATEAU, SW_MIRROR_RANDOM, 0.01, 0.9, 0.0005,
                                 0, 0, 0.1, 128},
               [RECIPE_TODAY] = {SW_ADAMW, SW_SCHEDULE_COSINE, SW_MIRROR_RANDOM, 0.001, 0.9, 0.05,
                                 0.05, 0.1, 0, 128},
               [RECIPE_CONVNET] = {SW_ADAMW, SW_SCHEDULE_COSINE, SW_MIRROR_NONE, 0.003, 0.9, 0.01,
                                   0.1, 0, 0, 64}};

static void real_or(double *x, double usual)
{
    if (*x < 0) *x = usual;
}

static void whole_or(int64_t *x, int64_t usual)
{
    if (*x < 0) *x = usual;
}

/* The recipe, and what depends on nothing else. */
static void fill(struct image_flags *f)
{
    whole_or(&f->recipe, f->from ? RECIPE_TODAY : RECIPE_PAPER);
    const struct recipe *r = &recipes[f->recipe];
    whole_or(&f->optimizer, r->optimizer);
    whole_or(&f->schedule, r->schedule);
    whole_or(&f->mirror, r->mirror);
    /* Weights that are good already move little; a new head alone may move more. */
    real_or(&f->rate, f->from && f->recipe == RECIPE_TODAY && !f->freeze ? r->rate / 10 : r->rate);
    real_or(&f->momentum, f->optimizer == SW_MUON ? 0.95 : r->momentum);
    real_or(&f->decay, r->decay);
    real_or(&f->smoothing, r->smoothing);
    whole_or(&f->seed, 1);
    whole_or(&f->val_every, 1);
    whole_or(&f->patience, 3);
    real_or(&f->factor, 0.1);
    real_or(&f->bias_rate, 1);
    real_or(&f->floor, 0);
    real_or(&f->ema, 0);
    real_or(&f->mixup, 0);
    whole_or(&f->cutout, 0);
    whole_or(&f->pad, 0);
    whole_or(&f->crops, 1);
}

/* What depends on the pictures and the network. */
int image_recipe_complete(struct image_job *j)
{
    struct image_flags *f = &j->f;
    const double warmup_given = f->warmup;
    fill(f);
    if (f->run.seconds > 0 && f->schedule != SW_SCHEDULE_CONSTANT &&
        f->schedule != SW_SCHEDULE_LINEAR && f->schedule != SW_SCHEDULE_COSINE)
        return cli_fail(j->verb, "--seconds: the schedule must be constant, linear or cosine");
    if (f->run.seconds > 0 && warmup_given >= 0)
        return cli_fail(j->verb, "--seconds and --warmup exclude each other");
    if (f->schedule == SW_SCHEDULE_STEP && !f->n_steps_at)
        return cli_fail(j->verb, "--schedule step needs --steps-at EPOCHS");
    if (f->schedule != SW_SCHEDULE_STEP && f->n_steps_at)
        return cli_fail(j->verb, "--steps-at needs --schedule step");
    if (f->jitter > 0 && j->network->channels != 3)
        return cli_fail(j->verb, "--jitter: '%s' takes grey pictures", j->network->name);
    if (f->jitter < 0) f->jitter = j->network->channels == 3 ? recipes[f->recipe].jitter : 0;
    if (f->nesterov && f->optimizer != SW_SGD)
        return cli_fail(j->verb, "--nesterov is for --optimizer sgd");
    /* In parts of the run until steps are counted. */
    if (f->warmup < 0) f->warmup = recipes[f->recipe].warmup_part * (double)f->epochs;
    if (f->run.seconds > 0) f->warmup = recipes[f->recipe].warmup_part;
    return 0;
}

/* The usual batch, or all pictures where they are fewer. */
int image_recipe_batch(struct image_job *j)
{
    struct image_flags *f = &j->f;
    const int64_t usual = recipes[f->recipe].batch;
    if (f->batch < 0) f->batch = usual < j->train.count ? usual : j->train.count;
    if (f->batch <= j->train.count) return 0;
    return cli_fail(j->verb, "--batch %lld: there are only %lld pictures", (long long)f->batch,
                    (long long)j->train.count);
}

sw_schedule image_schedule(const struct image_job *j)
{
    const struct image_flags *f = &j->f;
    const double epoch = j->run.total && f->epochs ? (double)j->run.total / (double)f->epochs
                                                   : TRAINING_CLOCK_STEPS;
    sw_schedule s = {.kind = (sw_schedule_kind)f->schedule,
                     .rate = (float)f->rate,
                     .warmup = llround(f->warmup * epoch),
                     .total = j->run.total ? j->run.total : TRAINING_CLOCK_STEPS,
                     .floor = (float)(f->floor * f->rate),
                     .factor = (float)f->factor,
                     .patience = (int)f->patience,
                     .n_milestones = (int)f->n_steps_at};
    for (int i = 0; i < s.n_milestones; i++) s.milestones[i] = llround(f->steps_at[i] * epoch);
    return s;
}

/* ---- what a checkpoint remembers -------------------------------------------------------------------------- */

enum { TEXT = 2048 };

char *image_recipe_text(const struct image_job *j)
{
    const struct image_flags *f = &j->f;
    const sw_augmentation *a = &j->seen;
    char *text = malloc(TEXT);
    if (!text) return NULL;
    int n = snprintf(text, TEXT,
                     "network %s, %d classes, %lld pictures, epochs %lld, batch %lld, seed %lld, "
                     "optimizer %lld, rate "
                     "%.9g, momentum %.9g, nesterov %d, decay %.9g, decay-all %d, bias-rate %.9g, "
                     "schedule %lld, warmup %.9g, floor "
                     "%.9g, factor %.9g, patience %lld, label-smoothing %.9g, ema %.9g, short-side "
                     "%d, crop %d, pad %d, "
                     "pad-mode %d, mirror %d, cutout %d, mixup %.9g, jitter %.9g, normalise %d, "
                     "bf16 %d, freeze %d",
                     j->network->name, j->classes, (long long)j->train.count, (long long)f->epochs,
                     (long long)f->batch, (long long)f->seed, (long long)f->optimizer, f->rate,
                     f->momentum, f->nesterov, f->decay, f->decay_all, f->bias_rate,
                     (long long)f->schedule, f->warmup, f->floor, f->factor, (long long)f->patience,
                     f->smoothing, f->ema, a->frame, a->side, a->pad, a->pad_zero, (int)a->mirror,
                     a->cutout, f->mixup, (double)a->jitter, f->measured, f->bf16, f->freeze);
    n += snprintf(text + n, (size_t)(TEXT - n), ", mean %.9g %.9g %.9g, deviation %.9g %.9g %.9g",
                  (double)a->mean[0], (double)a->mean[1], (double)a->mean[2],
                  (double)a->deviation[0], (double)a->deviation[1], (double)a->deviation[2]);
    for (int i = 0; i < f->n_steps_at; i++)
        n += snprintf(text + n, (size_t)(TEXT - n), "%s%.9g", i ? "," : ", steps-at ",
                      f->steps_at[i]);
    return text;
}

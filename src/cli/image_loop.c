/* Batches and epochs of an image job.
 *
 * An epoch ends when what is left of it is less than a batch: then the pictures for measuring are looked
 * at, a plateau schedule hears of it, the next begins.  Its end is no part of a step: whoever is interrupted between
 * the two resumes with the measuring. */
#include "base/terminal.h"
#include "cli/image_job.h"

static int fail(const struct image_job *j)
{
    return cli_fail(j->verb, "%s", sw_error(j->ctx));
}

static bool epoch_is_over(const struct image_job *j)
{
    return (int64_t)sw_trainer_position(j->trainer)->index + j->f.batch > j->train.count;
}

static bool is_done(const struct image_job *j)
{
    return !training_by_clock(&j->run) &&
           (int64_t)sw_trainer_position(j->trainer)->epoch >= j->f.epochs;
}

static int read_batch(struct training *t)
{
    struct image_job *j = t->user;
    const uint64_t seed = (uint64_t)j->f.seed;
    sw_data_position *at = sw_trainer_position(j->trainer);
    const sw_image_order order = {j->set, j->train.index, j->train.count, seed};
    const int64_t n = j->f.batch, size = (int64_t)j->seen.channels * j->seen.side * j->seen.side;
    if (sw_image_order_read(&order, &j->seen, at->epoch, at->index, n, j->pixels, j->label) !=
        SW_OK)
        return fail(j);
    if (j->f.mixup > 0)
        sw_image_mixup((float)j->f.mixup, seed, at->epoch, at->index, j->pixels, n, size, j->label,
                       j->classes, j->probabilities);
    at->index += (uint64_t)n;
    return 0;
}

/* The weights that are measured and kept: the moving averages, where there are some. */
static int swap_averages(struct image_job *j)
{
    if (j->f.ema == 0 || sw_trainer_swap_averages(j->trainer) == SW_OK) return 0;
    return fail(j);
}

static int end_epoch(struct image_job *j)
{
    sw_data_position *at = sw_trainer_position(j->trainer);
    const bool last = (int64_t)at->epoch + 1 == j->f.epochs;
    const bool plateau = j->f.schedule == SW_SCHEDULE_PLATEAU;
    /* The last epoch is measured by image_finish. */
    if (j->val.count && !training_by_clock(&j->run) && !last &&
        ((int64_t)(at->epoch + 1) % j->f.val_every == 0 || plateau)) {
        sw_image_score s = {0};
        if (swap_averages(j) || image_measure(j, &j->val, 1, &s) || swap_averages(j)) return 1;
        if (s.count == 0) return 0; /* interrupted */
        image_report_epoch(j, &s);
        sw_schedule_report(sw_trainer_schedule(j->trainer), 1 - (double)s.top1 / (double)s.count);
    }
    at->epoch++;
    at->index = 0;
    return 0;
}

static int between(struct training *t, bool *done)
{
    struct image_job *j = t->user;
    int status = 0;
    while (!status && !sw__interrupted() && epoch_is_over(j)) status = end_epoch(j);
    *done = !status && is_done(j);
    return status;
}

static int finish(struct training *t)
{
    return swap_averages(t->user);
}

int image_train(struct image_job *j)
{
    static const struct training_job job = {between, read_batch, image_show, image_record, finish};
    j->run.job = &job;
    j->run.user = j;
    j->run.unit = "images";
    j->run.units = j->f.batch;
    j->run.accumulate = 1;
    image_report_begin(j);
    return training_run(&j->run);
}

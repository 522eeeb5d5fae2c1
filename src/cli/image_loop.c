/* Steps, epochs, checkpoints of an image job.
 *
 * An epoch ends when what is left of it is less than a batch: then the pictures for measuring are looked
 * at, a plateau schedule hears of it, the next begins.  Its end is no part of a step: whoever is interrupted between
 * the two resumes with the measuring. */
#include <math.h>

#include "base/clock.h"
#include "base/terminal.h"
#include "cli/image_job.h"

static int fail(const struct image_job *j)
{
    return cli_fail(j->verb, "%s", sw_error(j->ctx));
}

static bool by_clock(const struct image_job *j)
{
    return j->f.seconds > 0;
}

static bool epoch_is_over(const struct image_job *j)
{
    return (int64_t)sw_trainer_position(j->trainer)->index + j->f.batch > j->train.count;
}

static bool is_done(const struct image_job *j)
{
    if (by_clock(j)) return sw__clock_seconds() - j->started >= j->f.seconds;
    return (int64_t)sw_trainer_position(j->trainer)->epoch >= j->f.epochs;
}

static int read_batch(struct image_job *j)
{
    const double start = sw__clock_seconds();
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
    j->read_seconds += sw__clock_seconds() - start;
    return 0;
}

/* By the clock, the schedule stands where the time does. */
static void set_rate(struct image_job *j)
{
    if (!by_clock(j)) return;
    const sw_schedule s = image_schedule(j);
    const double part = fmin((sw__clock_seconds() - j->started) / j->f.seconds, 1);
    sw_trainer_schedule(j->trainer)->kind = SW_SCHEDULE_CONSTANT;
    sw_trainer_schedule(j->trainer)->warmup = 0;
    sw_trainer_schedule(j->trainer)->rate = fmaxf(
        sw_schedule_rate(&s, (int64_t)(part * (double)s.total)), 1e-12f);
}

static int save_checkpoint(struct image_job *j)
{
    if (!j->f.checkpoint || sw_trainer_save(j->trainer, j->f.checkpoint) == SW_OK) return 0;
    return fail(j);
}

static int one_step(struct image_job *j)
{
    float loss;
    set_rate(j);
    if (read_batch(j)) return 1;
    const double start = sw__clock_seconds();
    if (sw_trainer_step(j->trainer, &loss) != SW_OK)
        return cli_fail(j->verb, "step %lld: %s; a smaller --rate may help",
                        (long long)sw_trainer_steps(j->trainer), sw_error(j->ctx));
    j->step_seconds += sw__clock_seconds() - start;
    j->pictures += j->f.batch;
    image_report_step(j, loss);
    if (j->f.every > 0 && sw_trainer_steps(j->trainer) % j->f.every == 0) return save_checkpoint(j);
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
    if (j->val.count && !by_clock(j) && !last &&
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

int image_train(struct image_job *j)
{
    int status = image_report_begin(j);
    sw__interrupt_catch();
    while (!status && !sw__interrupted())
        if (epoch_is_over(j))
            status = end_epoch(j);
        else if (is_done(j))
            break;
        else
            status = one_step(j);
    sw__progress_end(&j->progress);
    image_record_rest(j);
    if (!status) status = save_checkpoint(j);
    if (!status && !sw__interrupted()) return swap_averages(j);
    if (status) return status;
    fprintf(stderr, "interrupted after %lld steps%s%s\n", (long long)sw_trainer_steps(j->trainer),
            j->f.checkpoint ? "; go on with --resume " : "",
            j->f.checkpoint ? j->f.checkpoint : "");
    return 130;
}

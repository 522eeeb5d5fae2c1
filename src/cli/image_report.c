/* What is said while an image job runs: a progress line, records as JSON lines, the curve. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/terminal.h"
#include "cli/curve_picture.h"
#include "cli/image_job.h"

enum { RECORD_EVERY = 50, POINT_EVERY = 20 };

int image_report_begin(struct image_job *j)
{
    if (j->f.log && !(j->log = fopen(j->f.log, j->f.resume ? "a" : "w")))
        return cli_fail(j->verb, "%s: %s", j->f.log, strerror(errno));
    sw__progress_begin(&j->progress, j->f.json ? NULL : cli_write, stderr, sw__is_terminal(2),
                       cli_columns(stderr));
    j->started = sw__clock_seconds();
    j->recorded = sw_trainer_steps(j->trainer);
    j->read_work = j->set->seconds;
    j->val_accuracy = NAN;
    return 0;
}

int image_report_end(struct image_job *j)
{
    if (!j->log) return 0;
    const bool written = !ferror(j->log);
    const bool closed = fclose(j->log) == 0;
    j->log = NULL;
    return written && closed ? 0 : cli_fail(j->verb, "%s: cannot write", j->f.log);
}

void image_record(struct image_job *j, const char *line)
{
    if (j->f.json) {
        puts(line);
        fflush(stdout);
    }
    if (j->log) {
        fprintf(j->log, "%s\n", line);
        fflush(j->log);
    }
}

static double batch_accuracy(const struct image_job *j)
{
    const sw_tensor t = sw_plan_tensor(sw_trainer_plan(j->trainer), j->logits);
    const float *x = t.data;
    const int64_t classes = t.shape.dim[1];
    int64_t right = 0;
    for (int64_t i = 0; i < j->f.batch; i++) {
        int best = 0;
        for (int c = 1; c < classes; c++)
            if (x[i * classes + c] > x[i * classes + best]) best = c;
        right += best == j->label[i];
    }
    return (double)right / (double)j->f.batch;
}

static double done(const struct image_job *j)
{
    if (j->f.seconds > 0) return (sw__clock_seconds() - j->started) / j->f.seconds;
    return (double)sw_trainer_steps(j->trainer) / (double)(j->total > 0 ? j->total : 1);
}

static double speed(const struct image_job *j)
{
    return (double)j->pictures / (sw__clock_seconds() - j->started);
}

/* Seconds are means of a step since the last record: `read` on the clock, `read_work` of all threads. */
static void record_step(struct image_job *j)
{
    char line[512];
    const int64_t step = sw_trainer_steps(j->trainer);
    const double n = (double)(step - j->recorded);
    snprintf(line, sizeof line,
             "{\"step\":%lld,\"epoch\":%llu,\"loss\":%.6g,\"accuracy\":%.6g,\"rate\":%.6g,"
             "\"images_per_second\":%.1f,\"step_seconds\":%.6f,\"read_seconds\":%.6f,"
             "\"read_work_seconds\":%.6f}",
             (long long)step, (unsigned long long)sw_trainer_position(j->trainer)->epoch,
             j->shown_loss, j->shown_accuracy, (double)sw_trainer_rate(j->trainer), speed(j),
             j->step_seconds / n, j->read_seconds / n, (j->set->seconds - j->read_work) / n);
    image_record(j, line);
    j->recorded = step;
    j->step_seconds = j->read_seconds = 0;
    j->read_work = j->set->seconds;
}

void image_record_rest(struct image_job *j)
{
    if (sw_trainer_steps(j->trainer) > j->recorded) record_step(j);
}

void image_report_step(struct image_job *j, float loss)
{
    char text[192];
    const int64_t step = sw_trainer_steps(j->trainer);
    const double accuracy = batch_accuracy(j), mix = step < 50 ? 0.2 : 0.02;
    const bool first = j->pictures == j->f.batch;
    j->shown_loss = first ? (double)loss : j->shown_loss + mix * ((double)loss - j->shown_loss);
    j->shown_accuracy = first ? accuracy : j->shown_accuracy + mix * (accuracy - j->shown_accuracy);
    int n = snprintf(text, sizeof text, "epoch %llu  loss %.3f  accuracy %.1f %%  %.0f images/s",
                     (unsigned long long)sw_trainer_position(j->trainer)->epoch + 1, j->shown_loss,
                     100 * j->shown_accuracy, speed(j));
    if (!isnan(j->val_accuracy))
        snprintf(text + n, sizeof text - (size_t)n, "  validation %.1f %%", 100 * j->val_accuracy);
    sw__progress_show(&j->progress, fmin(done(j), 1), text);
    if (step % POINT_EVERY == 0) {
        sw_trainer_log(j->trainer, "loss", j->shown_loss);
        sw_trainer_log(j->trainer, "accuracy", j->shown_accuracy);
        sw_trainer_log(j->trainer, "rate", (double)sw_trainer_rate(j->trainer));
    }
    if (step % RECORD_EVERY == 0) record_step(j);
}

void image_report_epoch(struct image_job *j, const sw_image_score *s)
{
    char line[256];
    const double n = (double)s->count;
    image_record_rest(j);
    j->val_accuracy = (double)s->top1 / n;
    sw_trainer_log(j->trainer, "validation accuracy", j->val_accuracy);
    snprintf(line, sizeof line,
             "{\"epoch\":%llu,\"step\":%lld,\"validation_loss\":%.6g,\"validation_accuracy\":%.6g,"
             "\"validation_top5\":%.6g}",
             (unsigned long long)sw_trainer_position(j->trainer)->epoch + 1,
             (long long)sw_trainer_steps(j->trainer), s->loss / n, j->val_accuracy,
             (double)s->top5 / n);
    image_record(j, line);
}

int image_curve(struct image_job *j)
{
    static const struct curve_line looks[] = {{"loss", "#c0392b", NULL, 0, 0},
                                              {"accuracy", "#2060a0", NULL, 0, 1},
                                              {"validation accuracy", "#20804a", NULL, 0, 1},
                                              {"rate", "#999999", NULL, 0, 0}};
    enum { LINES = sizeof looks / sizeof *looks };
    struct curve_line lines[LINES];
    if (!j->f.curve) return 0;
    memcpy(lines, looks, sizeof lines);
    for (int i = 0; i < LINES; i++)
        lines[i].points = sw_trainer_curve(j->trainer, lines[i].name, &lines[i].n);
    if (curve_write_svg(j->f.curve, j->network->name, lines, LINES)) return 0;
    return cli_fail(j->verb, "%s: %s", j->f.curve, strerror(errno));
}

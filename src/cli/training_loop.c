/* Steps, checkpoints, records, curve of a training run.
 *
 * A record is a JSON object every 50 steps; a point of the curve is made every 20.  Whoever is interrupted
 * between two steps resumes with what stands between them. */
#include "cli/training_loop.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/terminal.h"
#include "cli/flag_table.h"

enum { RECORD_EVERY = 50, POINT_EVERY = 20, LINES = 8 };

static int fail(const struct training *t)
{
    return cli_fail(t->verb, "%s", sw_error(t->ctx));
}

int training_check(const struct verb *verb, const struct training_options *o)
{
    if (o->every > 0 && !o->checkpoint) return cli_fail(verb, "--every needs --checkpoint FILE");
    if (o->resume && o->seconds > 0)
        return cli_fail(verb, "--resume and --seconds exclude each other: a schedule by the clock "
                              "cannot go on");
    return flags_writable(verb, "checkpoint", o->checkpoint) &&
                   flags_writable(verb, "curve", o->curve) && flags_writable(verb, "log", o->log)
               ? -1
               : 1;
}

bool training_by_clock(const struct training *t)
{
    return t->o.seconds > 0;
}

double training_speed(const struct training *t)
{
    return (double)t->seen / (sw__clock_seconds() - t->started);
}

/* ---- records ------------------------------------------------------------------------------------- */

void training_record(struct training *t, const char *line)
{
    if (t->o.json) {
        puts(line);
        fflush(stdout);
    }
    if (t->log) {
        fprintf(t->log, "%s\n", line);
        fflush(t->log);
    }
}

/* Seconds are means of a step since the last record, on the clock. */
static void record_step(struct training *t)
{
    char line[768], more[384] = "";
    const int64_t step = sw_trainer_steps(t->trainer);
    const double n = (double)(step - t->recorded);
    t->job->record(t, more, sizeof more);
    snprintf(line, sizeof line,
             "{\"step\":%lld,\"loss\":%.6g,\"rate\":%.6g,\"%s_per_second\":%.1f,"
             "\"step_seconds\":%.6f,\"read_seconds\":%.6f%s}",
             (long long)step, t->loss, (double)sw_trainer_rate(t->trainer), t->unit,
             training_speed(t), t->step_seconds / n, t->read_seconds / n, more);
    training_record(t, line);
    t->recorded = step;
    t->step_seconds = t->read_seconds = 0;
}

void training_record_rest(struct training *t)
{
    if (sw_trainer_steps(t->trainer) > t->recorded) record_step(t);
}

static double part_done(const struct training *t)
{
    if (training_by_clock(t)) return (sw__clock_seconds() - t->started) / t->o.seconds;
    return (double)sw_trainer_steps(t->trainer) / (double)(t->total > 0 ? t->total : 1);
}

static void report(struct training *t, double loss)
{
    char text[256], more[192] = "";
    const int64_t step = sw_trainer_steps(t->trainer);
    const bool point = step % POINT_EVERY == 0, first = t->seen == t->units;
    t->loss = first ? loss : t->loss + (step < 50 ? 0.2 : 0.02) * (loss - t->loss);
    t->job->show(t, point, more, sizeof more);
    snprintf(text, sizeof text, "loss %.3f  %.0f %s/s%s", t->loss, training_speed(t), t->unit,
             more);
    sw__progress_show(&t->progress, fmin(part_done(t), 1), text);
    if (point) {
        sw_trainer_log(t->trainer, "loss", t->loss);
        sw_trainer_log(t->trainer, "rate", (double)sw_trainer_rate(t->trainer));
    }
    if (step % RECORD_EVERY == 0) record_step(t);
}

/* ---- steps ---------------------------------------------------------------------------------------- */

static int begin(struct training *t)
{
    if (t->o.log && !(t->log = fopen(t->o.log, t->o.resume ? "a" : "w")))
        return cli_fail(t->verb, "%s: %s", t->o.log, strerror(errno));
    sw__progress_begin(&t->progress, t->o.json ? NULL : cli_write, stderr, sw__is_terminal(2),
                       cli_columns(stderr));
    t->started = sw__clock_seconds();
    t->recorded = sw_trainer_steps(t->trainer);
    return 0;
}

int training_end(struct training *t)
{
    if (!t->log) return 0;
    const bool written = !ferror(t->log);
    const bool closed = fclose(t->log) == 0;
    t->log = NULL;
    return written && closed ? 0 : cli_fail(t->verb, "%s: cannot write", t->o.log);
}

/* By the clock, the schedule stands where the time does. */
static void set_rate(struct training *t)
{
    sw_schedule *now = sw_trainer_schedule(t->trainer);
    if (!training_by_clock(t)) return;
    const double step = fmin(part_done(t), 1) * (double)t->schedule.total;
    now->kind = SW_SCHEDULE_CONSTANT;
    now->warmup = 0;
    now->rate = fmaxf(sw_schedule_rate(&t->schedule, (int64_t)step), 1e-12f);
}

static int save_checkpoint(struct training *t)
{
    if (!t->o.checkpoint || sw_trainer_save(t->trainer, t->o.checkpoint) == SW_OK) return 0;
    return fail(t);
}

static int one_step(struct training *t)
{
    double sum = 0;
    set_rate(t);
    for (int i = 0; i < t->accumulate; i++) {
        float loss;
        const double begun = sw__clock_seconds();
        if (t->job->read(t)) return 1;
        const double start = sw__clock_seconds();
        if (sw_trainer_step(t->trainer, &loss) != SW_OK)
            return cli_fail(t->verb, "step %lld: %s; a smaller --rate may help",
                            (long long)sw_trainer_steps(t->trainer), sw_error(t->ctx));
        t->read_seconds += start - begun;
        t->step_seconds += sw__clock_seconds() - start;
        sum += (double)loss;
    }
    t->seen += t->units;
    report(t, sum / t->accumulate);
    if (t->o.every > 0 && sw_trainer_steps(t->trainer) % t->o.every == 0) return save_checkpoint(t);
    return 0;
}

int training_run(struct training *t)
{
    int status = begin(t);
    sw__interrupt_catch();
    while (!status && !sw__interrupted()) {
        bool done = training_by_clock(t) && part_done(t) >= 1;
        if (!done) status = t->job->between(t, &done);
        if (done) break;
        if (!status && !sw__interrupted()) status = one_step(t);
    }
    sw__progress_end(&t->progress);
    training_record_rest(t);
    if (!status) status = save_checkpoint(t);
    if (!status && !sw__interrupted()) return t->job->finish ? t->job->finish(t) : 0;
    if (status) return status;
    fprintf(stderr, "interrupted after %lld steps%s%s\n", (long long)sw_trainer_steps(t->trainer),
            t->o.checkpoint ? "; go on with --resume " : "",
            t->o.checkpoint ? t->o.checkpoint : "");
    return 130;
}

/* ---- what a checkpoint remembers ------------------------------------------------------------------ */

/* The first item, up to a comma, in which two texts differ: where it begins in both. */
static void find_difference(const char **a, const char **b)
{
    const char *x = *a, *y = *b;
    for (; *x && *x == *y; x++, y++)
        if (*x == ',') {
            *a = x + 2;
            *b = y + 2;
        }
}

int training_resume(struct training *t, const char *recipe, const char *who)
{
    if (t->o.resume) {
        if (sw_trainer_load(t->trainer, t->o.resume) != SW_OK) return fail(t);
        const char *note = sw_trainer_note(t->trainer, "recipe");
        if (!note) return cli_fail(t->verb, "%s: not from '%s'", t->o.resume, who);
        if (strcmp(note, recipe) != 0) {
            find_difference(&note, &recipe);
            return cli_fail(t->verb, "%s: begun with %.*s, not %.*s", t->o.resume,
                            (int)strcspn(note, ","), note, (int)strcspn(recipe, ","), recipe);
        }
    }
    return sw_trainer_set_note(t->trainer, "recipe", recipe) == SW_OK ? 0 : fail(t);
}

int training_curve(struct training *t, const char *title, const struct curve_line *looks, int n)
{
    struct curve_line lines[LINES];
    if (!t->o.curve) return 0;
    for (int i = 0; i < n; i++) {
        lines[i] = looks[i];
        lines[i].points = sw_trainer_curve(t->trainer, lines[i].name, &lines[i].n);
    }
    if (curve_write_svg(t->o.curve, title, lines, n)) return 0;
    return cli_fail(t->verb, "%s: %s", t->o.curve, strerror(errno));
}

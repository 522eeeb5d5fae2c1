/* How well the network does on pictures that it was not trained on: by one view or by the average of
 * several (Krizhevsky et al. 2012, section 4.1), top-1, top-5 and which class is taken for which. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/terminal.h"
#include "cli/image_job.h"

static int fail(const struct image_job *j)
{
    return cli_fail(j->verb, "%s", sw_error(j->ctx));
}

/* x (n) to probabilities. */
static void softmax(float *x, int n)
{
    float most = x[0];
    double sum = 0;
    for (int c = 1; c < n; c++) most = fmaxf(most, x[c]);
    for (int c = 0; c < n; c++) sum += exp((double)x[c] - (double)most);
    for (int c = 0; c < n; c++) x[c] = (float)(exp((double)x[c] - (double)most) / sum);
}

/* The answers to the views of a picture, logits (each,classes), as one: into the first row.  Six views: logits are
 * averaged (Jordan 2024), else probabilities. */
static void average(float *logits, int classes, const float *weights, int each)
{
    for (int v = 0; v < each; v++) {
        float *x = logits + v * classes;
        if (each != 6) softmax(x, classes);
        for (int c = 0; c < classes; c++)
            logits[c] = v == 0 ? weights[0] * x[c] : logits[c] + weights[v] * x[c];
    }
    if (each == 6) softmax(logits, classes);
}

struct measuring {
    const struct image_part *part;
    int each, classes;
    int64_t at_once; /* pictures */
    float weights[SW_MAX_VIEWS];
    sw_view *views; /* (at_once,each) */
    bool *good;     /* (at_once) */
    float *answers; /* (at_once,each,classes) */
};

static int begin(struct image_job *j, const struct image_part *part, int kind, struct measuring *m)
{
    sw_view one[SW_MAX_VIEWS];
    *m = (struct measuring){.part = part, .classes = j->classes};
    m->each = sw_views_test(&j->seen, kind, one, m->weights);
    m->at_once = j->test_batch / m->each;
    const size_t views = (size_t)(m->at_once * m->each);
    m->views = calloc(views, sizeof *m->views);
    m->good = calloc((size_t)m->at_once, sizeof *m->good);
    m->answers = calloc(views * (size_t)j->classes, sizeof *m->answers);
    if (!m->views || !m->good || !m->answers) return cli_fail(j->verb, "out of memory");
    for (size_t i = 0; i < views; i++) m->views[i] = one[i % (size_t)m->each];
    return 0;
}

static void end(struct measuring *m)
{
    free(m->views);
    free(m->good);
    free(m->answers);
}

/* Pictures first..first+n-1 of the part, n at most at_once: good[] and, of those, probabilities in the
 * first row of answers[]. */
static int answer(struct image_job *j, struct measuring *m, int64_t first, int64_t n)
{
    const sw_shape shape = SW_SHAPE(n * m->each, j->seen.channels, j->seen.side, j->seen.side);
    const int64_t row = (int64_t)m->each * m->classes;
    if (sw_image_set_read(m->part->set, &j->seen, m->part->index + first, n, m->views, m->each,
                          j->pixels, m->good) != SW_OK ||
        sw_bind(j->test_plan, j->test_images, j->pixels, shape) != SW_OK ||
        sw_run(j->test_plan) != SW_OK)
        return fail(j);
    memcpy(m->answers, sw_plan_tensor(j->test_plan, j->test_logits).data,
           (size_t)(n * row) * sizeof(float));
    for (int64_t i = 0; i < n; i++)
        if (m->good[i]) average(m->answers + i * row, m->classes, m->weights, m->each);
    return 0;
}

int image_answers(struct image_job *j, const struct image_part *part, int64_t n, float *out)
{
    struct measuring m;
    int status = begin(j, part, 1, &m);
    if (!status) status = answer(j, &m, 0, n);
    if (!status) memcpy(out, m.answers, (size_t)(n * m.classes) * sizeof *out);
    end(&m);
    return status;
}

int image_measure(struct image_job *j, const struct image_part *part, int kind, sw_image_score *s)
{
    struct measuring m;
    int status = begin(j, part, kind, &m);
    s->classes = j->classes;
    for (int64_t at = 0; !status && at < part->count && !sw__interrupted(); at += m.at_once) {
        const int64_t left = part->count - at, n = left < m.at_once ? left : m.at_once;
        status = answer(j, &m, at, n);
        for (int64_t i = 0; !status && i < n; i++)
            if (m.good[i])
                sw_image_score_add(s, m.answers + i * m.each * m.classes,
                                   part->set->labels[part->index[at + i]]);
    }
    if (sw__interrupted()) s->count = 0;
    end(&m);
    return status;
}

/* ---- at the end ----------------------------------------------------------------------------------------------- */

static double share(int64_t part, int64_t all)
{
    return all > 0 ? (double)part / (double)all : 0;
}

static int64_t bad_pictures(const struct image_job *j)
{
    return j->set->bad + (j->second ? j->second->bad : 0);
}

/* {"labels":[...],"confusion":[[...]],"accuracy":[...]}: row: truth, column: answer. */
static int write_confusion(const struct image_job *j, const sw_image_score *s)
{
    FILE *f = fopen(j->f.confusion, "w");
    if (!f) return cli_fail(j->verb, "%s: %s", j->f.confusion, strerror(errno));
    fprintf(f, "{\"labels\":[");
    for (int c = 0; c < j->classes; c++) {
        fprintf(f, c ? ",\"" : "\"");
        for (const char *p = j->names[c]; *p; p++) {
            if (*p == '"' || *p == '\\') fputc('\\', f);
            fputc(*p, f);
        }
        fprintf(f, "\"");
    }
    fprintf(f, "],\n\"accuracy\":[");
    for (int c = 0; c < j->classes; c++) {
        const int64_t *row = s->confusion + (int64_t)c * j->classes;
        int64_t all = 0;
        for (int k = 0; k < j->classes; k++) all += row[k];
        fprintf(f, "%s%.4f", c ? "," : "", share(row[c], all));
    }
    fprintf(f, "],\n\"confusion\":[\n");
    for (int c = 0; c < j->classes; c++)
        for (int k = 0; k < j->classes; k++)
            fprintf(f, "%s%lld%s", k ? "," : "[",
                    (long long)s->confusion[(int64_t)c * j->classes + k],
                    k < j->classes - 1   ? ""
                    : c < j->classes - 1 ? "],\n"
                                         : "]\n");
    fprintf(f, "]}\n");
    const bool written = !ferror(f);
    if ((fclose(f) == 0) & written) return 0;
    return cli_fail(j->verb, "%s: cannot write", j->f.confusion);
}

/* As a line of JSON, to the log and with --json to standard output. */
static void record_result(struct image_job *j, const sw_image_score *one,
                          const sw_image_score *many, double seconds)
{
    char line[512];
    int n = snprintf(line, sizeof line,
                     "{\"steps\":%lld,\"seconds\":%.1f,\"images_per_second\":%.1f,"
                     "\"test_pictures\":%lld,\"test_loss\":%.6g,\"test_accuracy\":%.4f,"
                     "\"test_top5\":%.4f",
                     (long long)sw_trainer_steps(j->trainer), seconds,
                     (double)j->run.seen / seconds, (long long)one->count,
                     one->loss / (double)(one->count ? one->count : 1),
                     share(one->top1, one->count), share(one->top5, one->count));
    if (many != one)
        n += snprintf(line + n, sizeof line - (size_t)n,
                      ",\"crops\":%lld,\"crops_accuracy\":%.4f,\"crops_top5\":%.4f",
                      (long long)j->f.crops, share(many->top1, many->count),
                      share(many->top5, many->count));
    snprintf(line + n, sizeof line - (size_t)n, ",\"bad_pictures\":%lld}",
             (long long)bad_pictures(j));
    training_record(&j->run, line);
}

static void say_result(const struct image_job *j, const sw_image_score *one,
                       const sw_image_score *many, double seconds)
{
    const int64_t steps = sw_trainer_steps(j->trainer);
    printf("%lld steps, %.1f epochs in %.0f s, %.0f images/s", (long long)steps,
           (double)steps * (double)j->f.batch / (double)j->train.count, seconds,
           (double)j->run.seen / seconds);
    if (one->count)
        printf("; accuracy on %lld test pictures: %.2f %%", (long long)one->count,
               100 * share(one->top1, one->count));
    if (one->count && j->classes > 20)
        printf(", among the best five: %.2f %%", 100 * share(one->top5, one->count));
    if (many != one)
        printf("; by %lld views: %.2f %%", (long long)j->f.crops,
               100 * share(many->top1, many->count));
    if (bad_pictures(j)) printf("; %lld pictures could not be read", (long long)bad_pictures(j));
    printf("\n");
}

/* Measured on the test pictures: by one view, and by more where they are asked for. */
int image_finish(struct image_job *j)
{
    const double seconds = sw__clock_seconds() - j->run.started;
    sw_image_score one = {0}, more = {0}, *many = j->f.crops > 1 ? &more : &one;
    int status = 0;
    if (j->f.confusion) {
        many->confusion = calloc((size_t)j->classes * (size_t)j->classes, sizeof *many->confusion);
        if (!many->confusion) return cli_fail(j->verb, "out of memory");
    }
    status = image_measure(j, &j->test, 1, &one);
    if (!status && many != &one) status = image_measure(j, &j->test, (int)j->f.crops, many);
    if (!status && sw__interrupted()) status = 130;
    if (!status && one.count)
        sw_trainer_log(j->trainer, "validation accuracy", share(one.top1, one.count));
    if (!status) record_result(j, &one, many, seconds);
    if (!status && !j->f.run.json) say_result(j, &one, many, seconds);
    if (!status && j->f.confusion) status = write_confusion(j, many);
    free(many->confusion);
    if (!status) status = image_save(j);
    if (!status) status = image_curve(j);
    return status;
}

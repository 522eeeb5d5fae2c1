/* What is said while an image job runs, beside the loss. */
#include <math.h>

#include "cli/image_job.h"

void image_report_begin(struct image_job *j)
{
    j->read_work = j->set->seconds;
    j->val_accuracy = NAN;
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

/* `read_work`: seconds a step of all threads, since the last record. */
void image_record(struct training *t, char *text, size_t size)
{
    struct image_job *j = t->user;
    const double n = (double)(sw_trainer_steps(t->trainer) - t->recorded);
    snprintf(text, size, ",\"epoch\":%llu,\"accuracy\":%.6g,\"read_work_seconds\":%.6f",
             (unsigned long long)sw_trainer_position(t->trainer)->epoch, j->shown_accuracy,
             (j->set->seconds - j->read_work) / n);
    j->read_work = j->set->seconds;
}

void image_show(struct training *t, bool point, char *text, size_t size)
{
    struct image_job *j = t->user;
    const double accuracy = batch_accuracy(j), mix = sw_trainer_steps(t->trainer) < 50 ? 0.2 : 0.02;
    const bool first = t->seen == t->units;
    j->shown_accuracy = first ? accuracy : j->shown_accuracy + mix * (accuracy - j->shown_accuracy);
    const int n = snprintf(text, size, "  epoch %llu  accuracy %.1f %%",
                           (unsigned long long)sw_trainer_position(t->trainer)->epoch + 1,
                           100 * j->shown_accuracy);
    if (!isnan(j->val_accuracy))
        snprintf(text + n, size - (size_t)n, "  validation %.1f %%", 100 * j->val_accuracy);
    if (point) sw_trainer_log(t->trainer, "accuracy", j->shown_accuracy);
}

void image_report_epoch(struct image_job *j, const sw_image_score *s)
{
    char line[256];
    const double n = (double)s->count;
    training_record_rest(&j->run);
    j->val_accuracy = (double)s->top1 / n;
    sw_trainer_log(j->trainer, "validation accuracy", j->val_accuracy);
    snprintf(line, sizeof line,
             "{\"epoch\":%llu,\"step\":%lld,\"validation_loss\":%.6g,\"validation_accuracy\":%.6g,"
             "\"validation_top5\":%.6g}",
             (unsigned long long)sw_trainer_position(j->trainer)->epoch + 1,
             (long long)sw_trainer_steps(j->trainer), s->loss / n, j->val_accuracy,
             (double)s->top5 / n);
    training_record(&j->run, line);
}

int image_curve(struct image_job *j)
{
    static const struct curve_line looks[] = {{"loss", "#c0392b", NULL, 0, 0},
                                              {"accuracy", "#2060a0", NULL, 0, 1},
                                              {"validation accuracy", "#20804a", NULL, 0, 1},
                                              {"rate", "#999999", NULL, 0, 0}};
    return training_curve(&j->run, j->network->name, looks, sizeof looks / sizeof *looks);
}

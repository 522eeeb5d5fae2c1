/* Windows and steps of a language model, for training_loop.c, and what is said about them. */
#include <math.h>

#include "base/terminal.h"
#include "cli/gpt_job.h"

enum { MEASURED = 1 << 18 /* tokens that are held out, between steps */ };

/* Windows are numbered through the whole run; window n is a function of the seed and n. */
static int read_windows(struct training *t)
{
    struct gpt_job *j = t->user;
    const int64_t n = j->f.batch, size = j->window;
    sw_data_position *at = sw_trainer_position(t->trainer);
    for (int64_t i = 0; i < n; i++) {
        const int64_t start = sw__token_draw(&j->train, size, (uint64_t)j->f.seed, at->index++);
        sw__token_window(&j->train, start, size, j->id + i * size, j->label + i * size);
        if (j->f.document_mask)
            sw__token_documents(j->id + i * size, size, j->vocabulary.end, j->position + i * size,
                                j->document + i * size);
    }
    return 0;
}

static int measure(struct gpt_job *j)
{
    char line[256];
    struct gpt_score s = {0};
    if (gpt_measure(j, MEASURED, &s)) return 1;
    if (s.tokens == 0) return 0; /* interrupted */
    training_record_rest(&j->run);
    j->val_loss = s.loss / (double)s.tokens;
    sw_trainer_log(j->trainer, "held-out loss", j->val_loss);
    snprintf(line, sizeof line, "{\"step\":%lld,\"held_out_loss\":%.6g,\"held_out_tokens\":%lld}",
             (long long)sw_trainer_steps(j->trainer), j->val_loss, (long long)s.tokens);
    training_record(&j->run, line);
    return 0;
}

static bool is_due(const struct gpt_job *j, int64_t every)
{
    const int64_t step = sw_trainer_steps(j->trainer);
    return every > 0 && step > 0 && step % every == 0;
}

/* The last measuring is gpt_finish's. */
static int between(struct training *t, bool *done)
{
    struct gpt_job *j = t->user;
    const int64_t step = sw_trainer_steps(t->trainer);
    *done = !training_by_clock(t) && step >= j->f.steps;
    if (*done || step == j->begun) return 0;
    /* The first step meets its memory for the first time. */
    if (j->f.profile && step == j->begun + 1 &&
        sw_plan_profile(sw_trainer_plan(t->trainer), true) != SW_OK)
        return cli_fail(j->verb, "%s", sw_error(j->ctx));
    if (is_due(j, j->f.val_every) && measure(j)) return 1;
    return is_due(j, j->f.sample_every) ? gpt_sample(j) : 0;
}

static void show(struct training *t, bool point, char *text, size_t size)
{
    const struct gpt_job *j = t->user;
    (void)point;
    text[0] = 0;
    if (!isnan(j->val_loss)) snprintf(text, size, "  held out %.3f", j->val_loss);
}

static void record(struct training *t, char *text, size_t size)
{
    snprintf(text, size, ",\"gradient_norm\":%.6g", (double)sw_trainer_norm(t->trainer));
}

int gpt_train(struct gpt_job *j)
{
    static const struct training_job job = {between, read_windows, show, record, NULL};
    j->run.job = &job;
    j->run.user = j;
    j->val_loss = NAN;
    j->begun = sw_trainer_steps(j->trainer);
    return training_run(&j->run);
}

int gpt_curve(struct gpt_job *j)
{
    static const struct curve_line looks[] = {{"loss", "#c0392b", NULL, 0, 0},
                                              {"held-out loss", "#20804a", NULL, 0, 0},
                                              {"rate", "#999999", NULL, 0, 0}};
    char title[96];
    snprintf(title, sizeof title, "%s, %.3g million parameters",
             j->net.kind == SW_GPT_KIND_GPT2 ? "gpt2" : "llama",
             (double)sw__gpt_net_parameters(&j->net) / 1e6);
    return training_curve(&j->run, title, looks, sizeof looks / sizeof *looks);
}

/* How well a language model does on text that it was not trained on, and some text of its own. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "base/terminal.h"
#include "cli/gpt_job.h"

static int fail(const struct gpt_job *j)
{
    return cli_fail(j->verb, "%s", sw_error(j->ctx));
}

/* ---- held out --------------------------------------------------------------------------------------- */

/* Windows of the held-out part: side by side, or the beginning of each document where prompts are not to be learnt. */
static int64_t count_windows(const struct gpt_job *j, int64_t *first)
{
    const int64_t size = j->window, tokens = j->val.end - j->val.begin - 1;
    *first = 0;
    return j->val.set->silent ? sw__token_documents_of(&j->val, first) : (tokens + size - 1) / size;
}

/* Window number `at`, and what it may look at. */
static int64_t window_start(const struct gpt_job *j, int64_t at, struct sw_token_part *part)
{
    const struct sw_token_set *set = j->val.set;
    *part = j->val;
    if (!set->silent) return j->val.begin + at * j->window;
    if (at + 1 < set->documents && set->starts[at + 1] < part->end) part->end = set->starts[at + 1];
    return set->starts[at];
}

/* Read n windows into the batch, the first number `first`, every `step`-th; counts labels.  The rest of the batch asks
 * for nothing. */
static void read_windows(struct gpt_job *j, int64_t first, int64_t step, int64_t n,
                         struct gpt_score *s)
{
    const int64_t size = j->window;
    for (int64_t i = 0; i < n; i++) {
        struct sw_token_part part;
        const int64_t start = window_start(j, first + i * step, &part);
        int32_t *label = j->label + i * size;
        s->tokens += sw__token_window(&part, start, size, j->id + i * size, label);
        for (int64_t k = 0; k < size && j->text_bytes; k++)
            if (label[k] >= 0) s->bytes += j->text_bytes[label[k]];
        if (j->f.document_mask)
            sw__token_documents(j->id + i * size, size, j->vocabulary.end, j->position + i * size,
                                j->document + i * size);
    }
    for (int64_t i = n * size; i < j->test_batch * size; i++) j->label[i] = -1;
}

static int run_windows(struct gpt_job *j, struct gpt_score *s)
{
    const int64_t t = j->window, n = j->test_batch;
    const bool masked = j->f.document_mask;
    sw_plan *p = j->test_plan;
    sw_status status = sw_bind(p, j->test_ids, j->id, SW_SHAPE(n, t));
    if (status == SW_OK) status = sw_bind(p, j->test_labels, j->label, SW_SHAPE(n, t));
    if (status == SW_OK)
        status = sw_bind(p, j->test_positions, j->position, masked ? SW_SHAPE(n, t) : SW_SHAPE(t));
    if (status == SW_OK && masked)
        status = sw_bind(p, j->test_documents, j->document, SW_SHAPE(n, t));
    if (status == SW_OK) status = sw_run(p);
    if (status != SW_OK) return fail(j);
    s->loss += (double)*(const float *)sw_plan_tensor(p, j->test_loss).data;
    return 0;
}

int gpt_measure(struct gpt_job *j, int64_t most, struct gpt_score *s)
{
    int64_t first;
    const int64_t windows = count_windows(j, &first), taken = sw__max64(1, most / j->window);
    const int64_t step = windows > taken ? windows / taken : 1, all = (windows + step - 1) / step;
    int status = 0;
    *s = (struct gpt_score){0};
    for (int64_t at = 0; !status && at < all && !sw__interrupted(); at += j->test_batch) {
        const int64_t n = all - at < j->test_batch ? all - at : j->test_batch;
        read_windows(j, first + at * step, step, n, s);
        status = run_windows(j, s);
    }
    if (sw__interrupted()) s->tokens = 0;
    return status;
}

/* ---- samples ------------------------------------------------------------------------------------------ */

int gpt_prompt_read(struct gpt_job *j)
{
    const size_t bytes = strlen(j->f.prompt);
    const struct sw_vocabulary_source *v = &j->vocabulary;
    const int64_t max = (int64_t)bytes + 16;
    size_t at;
    j->prompt = malloc((size_t)max * sizeof *j->prompt);
    if (!j->prompt) return cli_fail(j->verb, "out of memory");
    if (v->alphabet)
        j->prompt_tokens = sw__alphabet_encode(v->alphabet, j->f.prompt, bytes, j->prompt, &at);
    else if (v->encode(v->user, j->f.prompt, bytes, j->prompt, max, &j->prompt_tokens) != SW_OK)
        return fail(j);
    if (j->prompt_tokens < 0 && j->f.prompt_given)
        return cli_fail(j->verb, "--prompt: characters that the training text has not");
    if (j->prompt_tokens >= 1 && j->prompt_tokens <= max) return 0;
    j->prompt[0] = v->end >= 0 ? v->end : 0; /* the usual line end is not among the characters */
    j->prompt_tokens = 1;
    return 0;
}

/* The token behind ids (n), at most the last `context` of them. */
static int next_token(struct gpt_job *j, int32_t *ids, int64_t n, int32_t *token)
{
    const int64_t t = j->window, seen = n < t ? n : t, v = j->net.vocabulary;
    if (sw_bind(j->sample_plan, j->sample_ids, ids + n - seen, SW_SHAPE(1, seen)) != SW_OK ||
        sw_bind(j->sample_plan, j->sample_positions, j->place, SW_SHAPE(seen)) != SW_OK ||
        sw_run(j->sample_plan) != SW_OK)
        return fail(j);
    float *logits = (float *)sw_plan_tensor(j->sample_plan, j->sample_logits).data + (seen - 1) * v;
    return sw_sampler_draw(j->sampler, logits, v, NULL, token) == SW_OK ? 0 : fail(j);
}

int gpt_sample(struct gpt_job *j)
{
    FILE *to = j->f.run.json ? stderr : stdout;
    int64_t n = j->prompt_tokens;
    int32_t *ids = calloc((size_t)(n + j->f.sample_tokens), sizeof *ids);
    int status = 0;
    if (!ids) return cli_fail(j->verb, "out of memory");
    memcpy(ids, j->prompt, (size_t)n * sizeof *ids);
    sw__progress_end(&j->run.progress);
    fprintf(to, "--- step %lld: %s", (long long)sw_trainer_steps(j->trainer),
            j->f.prompt_given ? j->f.prompt : "\n");
    sw_sampler_reset(j->sampler);
    for (int64_t i = 0; i < j->f.sample_tokens && !status && !sw__interrupted(); i++) {
        char small[4];
        size_t bytes = 0;
        status = next_token(j, ids, n, &ids[n]);
        if (status || ids[n] == j->vocabulary.end) break;
        const char *text = gpt_token_text(j, ids[n++], small, &bytes);
        if (text) fwrite(text, 1, bytes, to);
    }
    fprintf(to, "\n---\n");
    fflush(to);
    free(ids);
    return status;
}

/* ---- at the end ----------------------------------------------------------------------------------------- */

static int64_t seen_tokens(const struct gpt_job *j)
{
    return sw_trainer_steps(j->trainer) * j->run.units;
}

int gpt_finish(struct gpt_job *j)
{
    const double seconds = sw__clock_seconds() - j->run.started;
    char line[512];
    struct gpt_score s = {0};
    const bool held = j->val.end > j->val.begin;
    if (j->f.profile && sw_plan_profile_table(sw_trainer_plan(j->trainer), cli_write,
                                              j->f.run.json ? stderr : stdout) != SW_OK)
        return fail(j);
    if (held && gpt_measure(j, INT64_MAX, &s)) return 1;
    if (sw__interrupted()) return 130;
    const double loss = s.tokens ? s.loss / (double)s.tokens : NAN;
    const double bits = s.bytes ? s.loss / log(2) / (double)s.bytes : NAN;
    if (s.tokens) sw_trainer_log(j->trainer, "held-out loss", loss);
    int n = snprintf(line, sizeof line,
                     "{\"steps\":%lld,\"tokens\":%lld,\"seconds\":%.1f,\"tokens_per_second\":%.1f,"
                     "\"parameters\":%lld",
                     (long long)sw_trainer_steps(j->trainer), (long long)seen_tokens(j), seconds,
                     (double)j->run.seen / seconds, (long long)sw__gpt_net_parameters(&j->net));
    if (s.tokens)
        n += snprintf(line + n, sizeof line - (size_t)n,
                      ",\"held_out_tokens\":%lld,\"held_out_loss\":%.6f", (long long)s.tokens,
                      loss);
    if (s.bytes) n += snprintf(line + n, sizeof line - (size_t)n, ",\"bits_per_byte\":%.6f", bits);
    snprintf(line + n, sizeof line - (size_t)n, "}");
    training_record(&j->run, line);
    if (j->f.run.json) return 0;
    printf("%lld steps, %.3g million tokens in %.0f s, %.0f tokens/s",
           (long long)sw_trainer_steps(j->trainer), (double)seen_tokens(j) / 1e6, seconds,
           (double)j->run.seen / seconds);
    if (s.tokens) printf("; loss on %lld held-out tokens: %.4f", (long long)s.tokens, loss);
    if (s.bytes) printf(", %.4f bits per byte", bits);
    printf("\n");
    return 0;
}

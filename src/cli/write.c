/* swell write: a language model goes on with a text. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/size.h"
#include "base/terminal.h"
#include "base/text.h"
#include "cli/model_path.h"
#include "cli/write_flags.h"

#define DEFAULT_MODEL "tales.gguf"

/* Bytes of a text on standard input; what a tokenizer may put before a text, tokens that a context is
 * rounded up by. */
enum { TEXT_LIMIT = 64 << 20, TOKENS_BEFORE = 16 };

struct write {
    const struct verb *verb;
    struct write_flags f;
    const char *prompt;
    sw_sampler_options sample;
    struct write_named named;
    sw_generate_options generate;
    /* as opened */
    sw_context *ctx;
    sw_model *m, *draft;
    sw_session *s;
    sw_token_trie *trie;
    sw_grammar *grammar;
    char *model_file;
    char *text; /* of standard input */
    size_t bytes;
    int32_t *ids;
    int64_t n_ids, kept; /* of the text; that a session had read already */
    char *written;       /* for --json */
    int64_t written_bytes, written_capacity;
    sw_generated out;
    double at_start, at_open, at_prompt, at_end;
};

static int failed(const struct write *w)
{
    return cli_fail(w->verb, "%s", sw_error(w->ctx));
}

/* ---- the text ---------------------------------------------------------------------------------- */

static int read_prompt(struct write *w)
{
    int64_t capacity = 0;
    w->prompt = w->f.prompt ? w->f.prompt : "";
    w->bytes = strlen(w->prompt);
    if (strcmp(w->prompt, "-") != 0) return 0;
    for (w->bytes = 0; !feof(stdin) && !ferror(stdin) && w->bytes < TEXT_LIMIT;) {
        if (!sw__grow(&w->text, &capacity, (int64_t)w->bytes + 4096, 1))
            return cli_fail(w->verb, "out of memory");
        w->bytes += fread(w->text + w->bytes, 1, (size_t)capacity - w->bytes, stdin);
    }
    if (ferror(stdin)) return cli_fail(w->verb, "standard input: %s", strerror(errno));
    if (w->bytes >= TEXT_LIMIT)
        return cli_fail(w->verb, "standard input: more than %d MB of text", TEXT_LIMIT >> 20);
    w->prompt = w->text ? w->text : "";
    return 0;
}

static int tokenize(struct write *w)
{
    const sw_tokenizer *t = sw_model_tokenizer(w->m);
    const sw_tokenize_options o = {.begin = true};
    const int64_t context = sw_model_get_info(w->m).context;
    if (!t)
        return cli_fail(w->verb, "%s comes without a tokenizer: name one with --tokenizer",
                        w->model_file);
    if (w->f.session && !w->bytes) return 0; /* it goes on where it ended */
    sw_status status = sw_tokenize(t, w->prompt, w->bytes, o, NULL, 0, &w->n_ids);
    if (status == SW_OK && w->n_ids == 0)
        return cli_fail(w->verb, "this model cannot begin by itself: give it a text");
    w->ids = sw__calloc2((size_t)w->n_ids + 1, sizeof *w->ids);
    if (!w->ids) return cli_fail(w->verb, "out of memory");
    if (status == SW_OK)
        status = sw_tokenize(t, w->prompt, w->bytes, o, w->ids, w->n_ids, &w->n_ids);
    if (status != SW_OK) return failed(w);
    if (w->n_ids <= context) return 0;
    if (!w->f.shift)
        return cli_fail(w->verb,
                        "the text has %lld tokens, the context %lld: shorten it, or --shift to "
                        "forget its older part",
                        (long long)w->n_ids, (long long)context);
    const int64_t keep = sw__min64(w->f.keep, context / 2);
    const int64_t newer = (context - keep + 1) / 2;
    memmove(w->ids + keep, w->ids + w->n_ids - newer, (size_t)newer * sizeof *w->ids);
    w->n_ids = keep + newer;
    return 0;
}

/* ---- output ------------------------------------------------------------------------------------ */

static bool piece(void *user, int32_t token, const char *text, size_t bytes)
{
    struct write *w = user;
    (void)token;
    if (w->f.json) {
        if (!sw__grow(&w->written, &w->written_capacity, w->written_bytes + (int64_t)bytes + 1, 1))
            return false;
        memcpy(w->written + w->written_bytes, text, bytes);
        w->written_bytes += (int64_t)bytes;
    } else {
        fwrite(text, 1, bytes, stdout);
        fflush(stdout);
    }
    return !sw__interrupted() && !ferror(stdout);
}

static const char *finish_text(sw_finish f)
{
    return f == SW_FINISH_END       ? "end"
           : f == SW_FINISH_CONTEXT ? "context"
           : f == SW_FINISH_STOPPED ? "stopped"
                                    : "tokens";
}

static double rate(double n, double seconds)
{
    return seconds > 0 ? n / seconds : 0;
}

static void print_stats(const struct write *w)
{
    char weights[24], kv[24], buffer[24];
    const sw_model_info i = sw_model_get_info(w->m);
    const double open = w->at_open - w->at_start, prompt = w->at_prompt - w->at_open,
                 write = w->at_end - w->at_prompt;
    fprintf(stderr, "\nopened      %9.1f ms   %s, %.3g parameters\n", open * 1e3, i.architecture,
            (double)i.parameters);
    fprintf(stderr, "prompt      %9.1f ms   %lld tokens, %.1f a second\n", prompt * 1e3,
            (long long)w->n_ids, rate((double)(w->n_ids - w->kept), prompt));
    if (w->f.session)
        fprintf(stderr, "session     %9lld of these tokens read before\n", (long long)w->kept);
    fprintf(stderr, "written     %9.1f ms   %lld tokens, %.1f a second; ended by: %s\n",
            write * 1e3, (long long)w->out.tokens, rate((double)w->out.tokens, write),
            finish_text(w->out.finish));
    if (w->f.lookup || w->f.draft)
        fprintf(stderr, "guessed     %9lld tokens, %lld right\n", (long long)w->out.guessed,
                (long long)w->out.right);
    fprintf(stderr, "memory      weights %s, keys and values %s, activations %s\n",
            sw__bytes_text((double)i.weight_bytes, weights), sw__bytes_text((double)i.kv_bytes, kv),
            sw__bytes_text((double)i.buffer_bytes, buffer));
}

static int print_json(const struct write *w)
{
    json_t *text = json_stringn(w->written ? w->written : "", (size_t)w->written_bytes);
    if (!text) return cli_fail(w->verb, "the text is no UTF-8, or out of memory");
    json_t *root = json_pack(
        "{sosssIsIsIsIsIsfsfsf}", "text", text, "finish", finish_text(w->out.finish),
        "prompt_tokens", (json_int_t)w->n_ids, "kept", (json_int_t)w->kept, "tokens",
        (json_int_t)w->out.tokens, "guessed", (json_int_t)w->out.guessed, "right",
        (json_int_t)w->out.right, "open_seconds", w->at_open - w->at_start, "prompt_seconds",
        w->at_prompt - w->at_open, "write_seconds", w->at_end - w->at_prompt);
    if (!root) return cli_fail(w->verb, "out of memory");
    json_dumpf(root, stdout, JSON_INDENT(1));
    printf("\n");
    json_decref(root);
    return 0;
}

/* ---- all of it --------------------------------------------------------------------------------- */

static int find_model(struct write *w)
{
    w->model_file = model_path(w->verb, w->f.model, DEFAULT_MODEL);
    if (!w->model_file) return 1;
    if (!w->f.model && !w->f.json)
        fprintf(stderr,
                "swell write: the model that comes along is small and has read tales and novels "
                "only; another: --model FILE.gguf\n");
    return 0;
}

/* A token has a byte at least: so much context is enough, unless more was asked for. */
static int open_model(struct write *w)
{
    const struct write_flags *f = &w->f;
    const sw_model_options o = {.tokenizer = f->tokenizer,
                                .context = f->context,
                                .most_context = f->tokens > 0 && !f->session
                                                    ? (int64_t)w->bytes + f->tokens + TOKENS_BEFORE
                                                    : 0,
                                .chunk = (int)f->chunk,
                                .kv = (sw_model_kv)f->kv,
                                .adapters = f->adapters,
                                .n_adapters = f->n_adapters,
                                .bf16 = f->bf16};
    w->ctx = cli_context(w->verb, (int)f->threads, NULL);
    if (!w->ctx) return 1;
    w->at_start = sw__clock_seconds();
    if (sw_model_open(w->ctx, w->model_file, &o, &w->m) != SW_OK) return failed(w);
    return tokenize(w);
}

static int open_constraint(struct write *w)
{
    char *read = NULL;
    const char *source = w->f.fit;
    const bool inline_source = w->f.fit_kind == SW_GRAMMAR_REGEX;
    size_t bytes = source ? strlen(source) : 0;
    sw_status status = SW_OK;
    if (!source) return 0;
    if (!inline_source) {
        status = sw__file_read(w->f.fit, TEXT_LIMIT, &read, &bytes);
        if (status != SW_OK)
            return cli_fail(w->verb, "%s: cannot read: %s", w->f.fit, strerror(errno));
        source = read;
    }
    status = sw_grammar_create(w->ctx, w->trie, (sw_grammar_kind)w->f.fit_kind, source, bytes,
                               &w->grammar);
    free(read);
    if (status == SW_OK) status = sw_constraint_create(w->ctx, w->grammar, &w->generate.constraint);
    if (status == SW_OK && w->f.tokens > 0)
        status = sw_constraint_check_budget(w->generate.constraint, w->f.tokens);
    if (status == SW_OK) return 0;
    return cli_fail(w->verb, "%s: %s", inline_source ? "--regex" : w->f.fit, sw_error(w->ctx));
}

/* A model that guesses; it looks back as far as it can. */
static int open_draft(struct write *w)
{
    const sw_model_options o = {.most_context = sw_model_get_info(w->m).context,
                                .chunk = (int)w->f.chunk,
                                .kv = (sw_model_kv)w->f.kv,
                                .bf16 = w->f.bf16};
    if (!w->f.draft) return 0;
    if (sw_model_open(w->ctx, w->f.draft, &o, &w->draft) != SW_OK ||
        sw_session_open(w->draft, &w->generate.draft) != SW_OK)
        return failed(w);
    w->generate.draft_tokens = (int)w->f.draft_tokens;
    return 0;
}

/* What chooses tokens: a sampler, and a constraint. */
static int open_chooser(struct write *w)
{
    const sw_model_info info = sw_model_get_info(w->m);
    if (write_sampler(w->verb, &w->f, info.context, &w->sample)) return 1;
    if ((w->f.fit || write_needs_trie(&w->sample)) &&
        sw_token_trie_of(w->ctx, sw_model_tokenizer(w->m), &w->trie) != SW_OK)
        return failed(w);
    if (write_named_tokens(w->verb, &w->f, w->m, w->trie, &w->sample, &w->named)) return 1;
    if (open_constraint(w)) return 1;
    if (sw_sampler_create(w->ctx, &w->sample, info.vocabulary, &w->generate.sampler) != SW_OK)
        return failed(w);
    return 0;
}

/* The text, read by the model, and seen by the sampler. */
static int read_text(struct write *w)
{
    int64_t n;
    if (w->f.session && sw_session_load(w->s, w->f.session) != SW_OK) return failed(w);
    w->at_open = sw__clock_seconds();
    if (w->n_ids) w->kept = sw_session_reuse(w->s, w->ids, w->n_ids);
    if (w->n_ids && sw_session_feed(w->s, w->ids + w->kept, w->n_ids - w->kept) != SW_OK)
        return failed(w);
    const int32_t *tokens = sw_session_tokens(w->s, &n);
    for (int64_t i = 0; i < n; i++) sw_sampler_accept(w->generate.sampler, tokens[i]);
    w->at_prompt = sw__clock_seconds();
    return 0;
}

/* With the last token, which nobody has read, if there is room. */
static int save(struct write *w)
{
    int64_t n;
    sw_session_tokens(w->s, &n);
    if (w->out.unfed >= 0 && n < sw_model_get_info(w->m).context &&
        sw_session_feed(w->s, &w->out.unfed, 1) != SW_OK)
        return failed(w);
    return sw_session_save(w->s, w->f.save) == SW_OK ? 0 : failed(w);
}

static int write_text(struct write *w)
{
    if (open_chooser(w) || open_draft(w)) return 1;
    if (sw_session_open(w->m, &w->s) != SW_OK) return failed(w);
    if (read_text(w)) return 1;
    w->generate.tokens = w->f.tokens;
    w->generate.ignore_end = w->f.ignore_end;
    w->generate.shift = w->f.shift;
    w->generate.keep = w->f.keep;
    w->generate.lookup = (int)w->f.lookup;
    w->generate.piece = piece;
    w->generate.user = w;
    if (!w->f.only_new) piece(w, -1, w->prompt, w->bytes);
    sw__interrupt_catch();
    const sw_status status = sw_generate(w->s, &w->generate, &w->out);
    w->at_end = sw__clock_seconds();
    if (!w->f.json) printf("\n");
    if (status != SW_OK) return failed(w);
    fflush(stdout);
    if (w->f.save && save(w)) return 1;
    if (w->f.stats) print_stats(w);
    return w->f.json ? print_json(w) : 0;
}

static int run(const struct verb *verb, int argc, char **argv)
{
    struct write w = {.verb = verb};
    int status = write_flags_read(verb, &w.f, argc, argv);
    if (status >= 0) return status;
    if (write_sampler(verb, &w.f, 1, &w.sample)) return 1; /* before anything is opened */
    status = read_prompt(&w);
    if (!status) status = find_model(&w);
    if (!status) status = open_model(&w);
    if (!status) status = write_text(&w);
    sw_sampler_destroy(w.generate.sampler);
    sw_constraint_destroy(w.generate.constraint);
    sw_grammar_destroy(w.grammar);
    sw_token_trie_destroy(w.trie);
    sw_session_close(w.generate.draft);
    sw_model_destroy(w.draft);
    sw_session_close(w.s);
    sw_model_destroy(w.m);
    sw_context_destroy(w.ctx);
    free(w.model_file);
    free(w.text);
    free(w.ids);
    free(w.written);
    free(w.named.breakers);
    free(w.named.bias_ids);
    free(w.named.bias);
    return status;
}

const struct verb verb_write = {"write", "go on with a text: a language model", write_help, run};

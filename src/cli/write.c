/* swell write: a language model goes on with a text. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/terminal.h"
#include "base/text.h"
#include "cli/model_path.h"
#include "cli/verbs.h"

static const char help[] =
    "usage: swell write [TEXT] [options]\n"
    "\n"
    "Goes on with TEXT, to standard output, as it comes.  TEXT - is standard input; without it, "
    "the\n"
    "model begins by itself.\n"
    "\n"
    "  --model M         a GGUF file, a folder of Hugging Face, or llama2.c's .bin with its "
    "--tokenizer\n"
    "                    (default: tales.gguf, a small one that comes along)\n"
    "  --tokenizer T     a tokenizer of its own: GGUF, tokenizer.json, .tiktoken, llama2.c's .bin\n"
    "  -n, --tokens N    write at most N tokens (default 256); 0: until the text or the context "
    "ends\n"
    "  --temperature T   0: always the most likely token; 1: as the model says (default 0.8)\n"
    "  --top-k K         draw from the K most likely tokens (default 40; 0: all)\n"
    "  --top-p P         from the fewest most likely ones whose probabilities reach P (default "
    "0.95)\n"
    "  --min-p P         from those with at least P times the largest probability (default 0.05)\n"
    "  --repeat-penalty R  above 1: against tokens of the last 64 (default 1)\n"
    "  --lora FILE[:S]   an adapter in GGUF, S times as strong (default 1); up to 8, all at once\n"
    "  --seed S          the same seed writes the same text (default 0)\n"
    "\n"
    "  --schema FILE     what is written is JSON that a JSON schema describes\n"
    "  --grammar FILE    ... fits a grammar in GBNF\n"
    "  --regex R         ... matches a regular expression as a whole\n"
    "                    in each case complete within N tokens\n"
    "\n"
    "  --only-new        leave TEXT out of the output\n"
    "  --ignore-end      go on where the model ends its text\n"
    "  --context N       tokens that it can look back on (default: as many as this call can need)\n"
    "  --shift           in a full context, and for a longer TEXT: forget the older half, go on\n"
    "  --keep N          with --shift: the first N tokens are never forgotten\n"
    "  --kv TYPE         keys and values as f16 (default), bf16 or f32\n"
    "  --lookup N        guess N tokens ahead from what stands in the text: the same words, "
    "sooner\n"
    "                    where it repeats itself\n"
    "  --chunk N         read TEXT by N tokens (default 512)\n"
    "  --bf16            multiply weights of 16 and 32 bits in bf16: faster, less exact\n"
    "  --threads N       default: all cores\n"
    "  --stats           times and memory on standard error\n"
    "  --json            one object at the end in place of the text\n"
    "\n"
    "examples:\n"
    "  swell write \"Once upon a time\" --model tinyllama-1.1b.Q4_0.gguf\n"
    "  swell write \"The capital of France is\" --model qwen2.5.gguf -n 8 --temperature 0 --stats\n"
    "  swell write - --model smollm.gguf --only-new < chapter.txt\n"
    "  swell write \"Lily, a dog: \" --model m.gguf --only-new --schema animal.json\n"
    "  swell write --model stories260K.bin --tokenizer tok512.bin --temperature 0\n";

#define DEFAULT_MODEL "tales.gguf"

enum {
    MODEL = 1000,
    TOKENIZER,
    TEMPERATURE,
    TOP_K,
    TOP_P,
    MIN_P,
    REPEAT_PENALTY,
    SEED,
    LORA,
    SCHEMA,
    GRAMMAR,
    REGEX,
    ONLY_NEW,
    IGNORE_END,
    CONTEXT,
    SHIFT,
    KEEP,
    KV,
    LOOKUP,
    CHUNK,
    BF16,
    THREADS,
    STATS,
    JSON
};

static const struct option options[] = {{"model", required_argument, NULL, MODEL},
                                        {"tokenizer", required_argument, NULL, TOKENIZER},
                                        {"tokens", required_argument, NULL, 'n'},
                                        {"temperature", required_argument, NULL, TEMPERATURE},
                                        {"top-k", required_argument, NULL, TOP_K},
                                        {"top-p", required_argument, NULL, TOP_P},
                                        {"min-p", required_argument, NULL, MIN_P},
                                        {"repeat-penalty", required_argument, NULL, REPEAT_PENALTY},
                                        {"seed", required_argument, NULL, SEED},
                                        {"lora", required_argument, NULL, LORA},
                                        {"schema", required_argument, NULL, SCHEMA},
                                        {"grammar", required_argument, NULL, GRAMMAR},
                                        {"regex", required_argument, NULL, REGEX},
                                        {"only-new", no_argument, NULL, ONLY_NEW},
                                        {"ignore-end", no_argument, NULL, IGNORE_END},
                                        {"context", required_argument, NULL, CONTEXT},
                                        {"shift", no_argument, NULL, SHIFT},
                                        {"keep", required_argument, NULL, KEEP},
                                        {"kv", required_argument, NULL, KV},
                                        {"lookup", required_argument, NULL, LOOKUP},
                                        {"chunk", required_argument, NULL, CHUNK},
                                        {"bf16", no_argument, NULL, BF16},
                                        {"threads", required_argument, NULL, THREADS},
                                        {"stats", no_argument, NULL, STATS},
                                        {"json", no_argument, NULL, JSON},
                                        {"help", no_argument, NULL, 'h'},
                                        {0}};

/* Bytes of a text on standard input; what a tokenizer may put before a text, tokens that a context is
 * rounded up by. */
enum { TEXT_LIMIT = 64 << 20, TOKENS_BEFORE = 16 };

struct write {
    const struct verb *verb;
    const char *model, *prompt;
    sw_model_options open;
    sw_model_adapter adapters[SW_MODEL_MOST_ADAPTERS];
    sw_sampler_options sample;
    sw_generate_options generate;
    const char *fit; /* a file, or the expression itself */
    sw_grammar_kind fit_kind;
    int64_t threads;
    bool only_new, stats, json;
    /* as opened */
    sw_context *ctx;
    sw_model *m;
    sw_session *s;
    sw_token_trie *trie;
    sw_grammar *grammar;
    char *model_file;
    char *text; /* of standard input */
    size_t bytes;
    int32_t *ids;
    int64_t n_ids;
    char *written; /* for --json */
    int64_t written_bytes, written_capacity;
    sw_generated out;
    double at_start, at_open, at_prompt, at_end;
};

static int failed(const struct write *w)
{
    return cli_fail(w->verb, "%s", sw_error(w->ctx));
}

/* ---- options ----------------------------------------------------------------------------------- */

static bool integer(const struct write *w, const char *option, int64_t lo, int64_t hi, int *out)
{
    int64_t v;
    if (!cli_integer(w->verb, option, lo, hi, &v)) return false;
    *out = (int)v;
    return true;
}

static bool real(const struct write *w, const char *option, double lo, double hi, float *out)
{
    double v;
    if (!cli_real(w->verb, option, lo, hi, &v)) return false;
    *out = (float)v;
    return true;
}

static bool kv_type(struct write *w)
{
    static const char *const names[] = {
        [SW_MODEL_KV_F16] = "f16", [SW_MODEL_KV_BF16] = "bf16", [SW_MODEL_KV_F32] = "f32"};
    for (int i = 0; i < 3; i++)
        if (strcmp(optarg, names[i]) == 0) {
            w->open.kv = (sw_model_kv)i;
            return true;
        }
    cli_fail(w->verb, "--kv %s: f16, bf16 or f32", optarg);
    return false;
}

static bool seed(struct write *w)
{
    int64_t v;
    if (!cli_integer(w->verb, "seed", 0, INT64_MAX, &v)) return false;
    w->sample.seed = (uint64_t)v;
    return true;
}

/* FILE or FILE:S. */
static bool lora(struct write *w)
{
    sw_model_adapter *a = &w->adapters[w->open.n_adapters];
    char *colon = strrchr(optarg, ':'), *end;
    if (w->open.n_adapters == SW_MODEL_MOST_ADAPTERS) {
        cli_fail(w->verb, "--lora: at most %d at once", SW_MODEL_MOST_ADAPTERS);
        return false;
    }
    *a = (sw_model_adapter){.path = optarg, .scale = 1};
    if (colon && colon[1]) {
        const float scale = strtof(colon + 1, &end);
        if (!*end) {
            a->scale = scale;
            *colon = 0;
        }
    }
    w->open.adapters = w->adapters;
    w->open.n_adapters++;
    return true;
}

static bool fit(struct write *w, sw_grammar_kind kind)
{
    if (w->fit) cli_fail(w->verb, "one of --schema, --grammar and --regex");
    if (w->fit) return false;
    w->fit = optarg;
    w->fit_kind = kind;
    return true;
}

static bool take(struct write *w, int c)
{
    const struct verb *v = w->verb;
    switch (c) {
    case MODEL: w->model = optarg; return true;
    case TOKENIZER: w->open.tokenizer = optarg; return true;
    case 'n': return cli_integer(v, "tokens", 0, 1 << 30, &w->generate.tokens);
    case TEMPERATURE: return real(w, "temperature", 0, 100, &w->sample.temperature);
    case TOP_K: return integer(w, "top-k", 0, INT32_MAX, &w->sample.top_k);
    case TOP_P: return real(w, "top-p", 0, 1, &w->sample.top_p);
    case MIN_P: return real(w, "min-p", 0, 1, &w->sample.min_p);
    case REPEAT_PENALTY: return real(w, "repeat-penalty", 0.01, 100, &w->sample.repeat_penalty);
    case SEED: return seed(w);
    case LORA: return lora(w);
    case SCHEMA: return fit(w, SW_GRAMMAR_JSON_SCHEMA);
    case GRAMMAR: return fit(w, SW_GRAMMAR_GBNF);
    case REGEX: return fit(w, SW_GRAMMAR_REGEX);
    case ONLY_NEW: w->only_new = true; return true;
    case IGNORE_END: w->generate.ignore_end = true; return true;
    case CONTEXT: return cli_integer(v, "context", 1, 1 << 30, &w->open.context);
    case SHIFT: w->generate.shift = true; return true;
    case KEEP: return cli_integer(v, "keep", 0, 1 << 30, &w->generate.keep);
    case KV: return kv_type(w);
    case LOOKUP: return integer(w, "lookup", 0, 64, &w->generate.lookup);
    case CHUNK: return integer(w, "chunk", 1, 65536, &w->open.chunk);
    case BF16: w->open.bf16 = true; return true;
    case STATS: w->stats = true; return true;
    case JSON: w->json = true; return true;
    default: return cli_integer(v, "threads", 1, 256, &w->threads);
    }
}

/* ---- the text ---------------------------------------------------------------------------------- */

static int read_prompt(struct write *w)
{
    int64_t capacity = 0;
    if (!w->prompt) w->prompt = "";
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
    sw_status status = sw_tokenize(t, w->prompt, w->bytes, o, NULL, 0, &w->n_ids);
    if (status == SW_OK && w->n_ids == 0)
        return cli_fail(w->verb, "this model cannot begin by itself: give it a text");
    w->ids = sw__calloc2((size_t)w->n_ids + 1, sizeof *w->ids);
    if (!w->ids) return cli_fail(w->verb, "out of memory");
    if (status == SW_OK)
        status = sw_tokenize(t, w->prompt, w->bytes, o, w->ids, w->n_ids, &w->n_ids);
    if (status != SW_OK) return failed(w);
    if (w->n_ids <= context) return 0;
    if (!w->generate.shift)
        return cli_fail(w->verb,
                        "the text has %lld tokens, the context %lld: shorten it, or --shift to "
                        "forget its older part",
                        (long long)w->n_ids, (long long)context);
    int64_t keep = w->generate.keep < context / 2 ? w->generate.keep : context / 2;
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
    if (w->json) {
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
            (long long)w->n_ids, rate((double)w->n_ids, prompt));
    fprintf(stderr, "written     %9.1f ms   %lld tokens, %.1f a second; ended by: %s\n",
            write * 1e3, (long long)w->out.tokens, rate((double)w->out.tokens, write),
            finish_text(w->out.finish));
    if (w->generate.lookup)
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
    json_t *root = json_pack("{sosssIsIsfsfsf}", "text", text, "finish", finish_text(w->out.finish),
                             "prompt_tokens", (json_int_t)w->n_ids, "tokens",
                             (json_int_t)w->out.tokens, "open_seconds", w->at_open - w->at_start,
                             "prompt_seconds", w->at_prompt - w->at_open, "write_seconds",
                             w->at_end - w->at_prompt);
    if (!root) return cli_fail(w->verb, "out of memory");
    json_dumpf(root, stdout, JSON_INDENT(1));
    printf("\n");
    json_decref(root);
    return 0;
}

/* ---- all of it --------------------------------------------------------------------------------- */

static int find_model(struct write *w)
{
    w->model_file = model_path(w->verb, w->model, DEFAULT_MODEL);
    if (!w->model_file) return 1;
    if (!w->model && !w->json)
        fprintf(stderr,
                "swell write: the model that comes along is small and has read tales and novels "
                "only; another: --model FILE.gguf\n");
    return 0;
}

/* A token has a byte at least: so much context is enough, unless more was asked for. */
static int open_model(struct write *w)
{
    const int64_t n = w->generate.tokens;
    sw_context *ctx = w->ctx = cli_context(w->verb, (int)w->threads, NULL);
    if (!ctx) return 1;
    w->at_start = sw__clock_seconds();
    w->open.most_context = n > 0 ? (int64_t)w->bytes + n + TOKENS_BEFORE : 0;
    if (sw_model_open(ctx, w->model_file, &w->open, &w->m) != SW_OK) return failed(w);
    return tokenize(w);
}

static int open_constraint(struct write *w)
{
    char *read = NULL;
    const char *source = w->fit;
    size_t bytes = w->fit ? strlen(w->fit) : 0;
    if (!w->fit) return 0;
    if (w->fit_kind != SW_GRAMMAR_REGEX) {
        sw_status status = sw__file_read(w->fit, TEXT_LIMIT, &read, &bytes);
        if (status != SW_OK)
            return cli_fail(w->verb, "%s: cannot read: %s", w->fit, strerror(errno));
        source = read;
    }
    sw_status status = sw_token_trie_of(w->ctx, sw_model_tokenizer(w->m), &w->trie);
    if (status == SW_OK)
        status = sw_grammar_create(w->ctx, w->trie, w->fit_kind, source, bytes, &w->grammar);
    free(read);
    if (status == SW_OK) status = sw_constraint_create(w->ctx, w->grammar, &w->generate.constraint);
    if (status == SW_OK && w->generate.tokens > 0)
        status = sw_constraint_check_budget(w->generate.constraint, w->generate.tokens);
    if (status != SW_OK)
        return cli_fail(w->verb, "%s: %s", w->fit_kind == SW_GRAMMAR_REGEX ? "--regex" : w->fit,
                        sw_error(w->ctx));
    return 0;
}

static int write_text(struct write *w)
{
    if (open_constraint(w)) return 1;
    sw_status status = sw_session_open(w->m, &w->s);
    if (status == SW_OK)
        status = sw_sampler_create(w->ctx, &w->sample, sw_model_get_info(w->m).vocabulary,
                                   &w->generate.sampler);
    if (status != SW_OK) return failed(w);
    w->at_open = sw__clock_seconds();
    if (sw_session_feed(w->s, w->ids, w->n_ids) != SW_OK) return failed(w);
    for (int64_t i = 0; i < w->n_ids; i++) sw_sampler_accept(w->generate.sampler, w->ids[i]);
    w->at_prompt = sw__clock_seconds();
    w->generate.piece = piece;
    w->generate.user = w;
    if (!w->only_new) piece(w, -1, w->prompt, w->bytes);
    sw__interrupt_catch();
    status = sw_generate(w->s, &w->generate, &w->out);
    w->at_end = sw__clock_seconds();
    if (!w->json) printf("\n");
    if (status != SW_OK) return failed(w);
    fflush(stdout);
    if (w->stats) print_stats(w);
    return w->json ? print_json(w) : 0;
}

static int run(const struct verb *verb, int argc, char **argv)
{
    struct write w = {.verb = verb,
                      .sample = {.temperature = 0.8f, .top_k = 40, .top_p = 0.95f, .min_p = 0.05f},
                      .generate = {.tokens = 256}};
    int status = 0;
    for (int c; (c = cli_option(verb, argc, argv, options, &status)) != -1;) {
        if (c == '?') return status;
        if (!take(&w, c)) return 1;
    }
    if (optind + 1 < argc)
        return cli_fail(verb, "one text, in quotes: '%s' is another", argv[optind + 1]);
    if (w.generate.keep && !w.generate.shift) return cli_fail(verb, "--keep needs --shift");
    w.prompt = argv[optind];
    status = read_prompt(&w);
    if (!status) status = find_model(&w);
    if (!status) status = open_model(&w);
    if (!status) status = write_text(&w);
    sw_sampler_destroy(w.generate.sampler);
    sw_constraint_destroy(w.generate.constraint);
    sw_grammar_destroy(w.grammar);
    sw_token_trie_destroy(w.trie);
    sw_session_close(w.s);
    sw_model_destroy(w.m);
    sw_context_destroy(w.ctx);
    free(w.model_file);
    free(w.text);
    free(w.ids);
    free(w.written);
    return status;
}

const struct verb verb_write = {"write", "go on with a text: a language model", help, run};

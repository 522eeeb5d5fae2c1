/* swell bench perplexity: how well a language model foresees a text.
 *
 * The text is cut into windows of as many tokens, each begun anew; the first half of a window is only read,
 * the tokens of the second half are foreseen (llama.cpp's measure, so that figures compare). */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/size.h"
#include "base/terminal.h"
#include "cli/verbs.h"

static const char help[] =
    "usage: swell bench perplexity TEXT.txt --model MODEL [options]\n"
    "\n"
    "How well a language model foresees a text: exp of the mean of -ln p(token), and bits per "
    "byte.\n"
    "\n"
    "  --model M         a GGUF file, or llama2.c's .bin with its --tokenizer\n"
    "  --tokenizer T     a tokenizer of its own\n"
    "  --window N        tokens of a window, of which the second half counts (default 512)\n"
    "  --windows N       at most so many (default: all)\n"
    "  --bf16            multiply weights of 16 and 32 bits in bf16\n"
    "  --threads N       default: all cores\n"
    "  --json            one JSON object\n"
    "\n"
    "example:\n"
    "  swell bench perplexity wiki.test.raw --model tinyllama-1.1b.Q4_0.gguf --windows 20\n";

enum { MODEL = 1000, TOKENIZER, WINDOW, WINDOWS, BF16, THREADS, JSON };
enum { TEXT_LIMIT = 1 << 30 };

static const struct option options[] = {{"model", required_argument, NULL, MODEL},
                                        {"tokenizer", required_argument, NULL, TOKENIZER},
                                        {"window", required_argument, NULL, WINDOW},
                                        {"windows", required_argument, NULL, WINDOWS},
                                        {"bf16", no_argument, NULL, BF16},
                                        {"threads", required_argument, NULL, THREADS},
                                        {"json", no_argument, NULL, JSON},
                                        {"help", no_argument, NULL, 'h'},
                                        {0}};

struct measure {
    const struct verb *verb;
    const char *model, *path;
    sw_model_options open;
    int64_t window, windows, threads;
    bool json;
    sw_context *ctx;
    sw_model *m;
    sw_session *s;
    int32_t *ids;
    int64_t n;
    double nats, squares; /* of -ln p, and of its squares */
    int64_t tokens, bytes;
};

static int failed(const struct measure *e)
{
    return cli_fail(e->verb, "%s", sw_error(e->ctx));
}

/* -1: go on; else the exit status. */
static int read_options(struct measure *e, int argc, char **argv)
{
    const struct verb *v = e->verb;
    int status = 0;
    for (int c; (c = cli_option(v, argc, argv, options, &status)) != -1;) {
        bool good = true;
        switch (c) {
        case MODEL: e->model = optarg; break;
        case TOKENIZER: e->open.tokenizer = optarg; break;
        case WINDOW: good = cli_integer(v, "window", 4, 1 << 20, &e->window); break;
        case WINDOWS: good = cli_integer(v, "windows", 1, INT32_MAX, &e->windows); break;
        case BF16: e->open.bf16 = true; break;
        case THREADS: good = cli_integer(v, "threads", 1, 256, &e->threads); break;
        case JSON: e->json = true; break;
        default: return status;
        }
        if (!good) return 1;
    }
    if (optind + 1 != argc || !e->model)
        return cli_fail(v, "name one text, and --model; see 'swell help bench perplexity'");
    e->path = argv[optind];
    return -1;
}

static int tokenize(struct measure *e)
{
    char *text = NULL;
    size_t bytes = 0;
    const sw_tokenizer *t = sw_model_tokenizer(e->m);
    const sw_tokenize_options o = {.begin = true};
    if (!t) return cli_fail(e->verb, "%s comes without a tokenizer: --tokenizer", e->model);
    sw_status status = sw__file_read(e->path, TEXT_LIMIT, &text, &bytes);
    if (status != SW_OK)
        return cli_fail(e->verb, "%s: %s", e->path,
                        status == SW_ERR_SIZE ? "more than 1 GB of text" : strerror(errno));
    status = sw_tokenize(t, text, bytes, o, NULL, 0, &e->n);
    if (status == SW_OK) e->ids = sw__calloc2((size_t)e->n + 1, sizeof *e->ids);
    if (status == SW_OK && e->ids) status = sw_tokenize(t, text, bytes, o, e->ids, e->n, &e->n);
    free(text);
    if (status != SW_OK) return failed(e);
    if (!e->ids) return cli_fail(e->verb, "out of memory");
    if (e->n < e->window)
        return cli_fail(e->verb, "%s: %lld tokens, less than a window of %lld", e->path,
                        (long long)e->n, (long long)e->window);
    return 0;
}

static int open_model(struct measure *e)
{
    e->ctx = cli_context(e->verb, (int)e->threads, NULL);
    if (!e->ctx) return 1;
    /* Logits of all tokens of a step: 64 MB of them at most for large vocabularies. */
    e->open.context = e->window;
    e->open.chunk = e->open.rows = 64;
    if (sw_model_open(e->ctx, e->model, &e->open, &e->m) != SW_OK) return failed(e);
    if (sw_session_open(e->m, &e->s) != SW_OK) return failed(e);
    return tokenize(e);
}

/* -ln of the probability of a token. */
static double surprise(const float *logits, int64_t v, int32_t token)
{
    float most = logits[0];
    double sum = 0;
    for (int64_t i = 1; i < v; i++) most = logits[i] > most ? logits[i] : most;
    for (int64_t i = 0; i < v; i++) sum += (double)expf(logits[i] - most);
    return log(sum) - (double)(logits[token] - most);
}

/* One window: its first token begins a text where the model has such a token. */
static sw_status run_window(struct measure *e, const int32_t *ids)
{
    const int64_t v = sw_model_get_info(e->m).vocabulary, chunk = sw_model_get_info(e->m).chunk;
    const sw_tokenizer *t = sw_model_tokenizer(e->m);
    const bool begins = e->ids[0] == sw_tokenizer_bos(t);
    sw_status status = sw_session_truncate(e->s, 0);
    for (int64_t at = 0; status == SW_OK && at < e->window - 1; at += chunk) {
        int32_t tokens[64];
        const int64_t n = sw__min64(chunk, e->window - 1 - at);
        memcpy(tokens, ids + at, (size_t)n * sizeof *tokens);
        if (at == 0 && begins) tokens[0] = e->ids[0];
        sw_model_part part = {.session = e->s, .tokens = tokens, .n = n, .rows = n};
        status = sw_model_step(e->m, &part, 1);
        for (int64_t i = 0; status == SW_OK && i < n; i++) {
            if (at + i < e->window / 2) continue;
            size_t bytes = 0;
            const int32_t next = ids[at + i + 1];
            const double nats = surprise(part.logits + i * v, v, next);
            sw_token_text(t, next, &bytes);
            e->nats += nats;
            e->squares += nats * nats;
            e->tokens++;
            e->bytes += (int64_t)bytes;
        }
    }
    return status;
}

static int run_all(struct measure *e)
{
    struct sw_progress bar;
    char text[64];
    int64_t windows = e->n / e->window, w = 0;
    sw_status status = SW_OK;
    if (e->windows && windows > e->windows) windows = e->windows;
    sw__progress_begin(&bar, cli_write, stderr, sw__is_terminal(2), cli_columns(stderr));
    sw__interrupt_catch();
    for (; status == SW_OK && w < windows && !sw__interrupted(); w++) {
        status = run_window(e, e->ids + w * e->window);
        snprintf(text, sizeof text, "perplexity %.4f", exp(e->nats / (double)e->tokens));
        sw__progress_show(&bar, (double)(w + 1) / (double)windows, text);
    }
    sw__progress_end(&bar);
    if (status != SW_OK) return failed(e);
    const double n = (double)e->tokens, mean = e->nats / n;
    const double error = sqrt(fmax(0, e->squares / n - mean * mean) / fmax(1, n - 1)) * exp(mean);
    const double bits = e->bytes ? e->nats / log(2) / (double)e->bytes : 0;
    if (!e->json) {
        printf("perplexity %.4f +- %.4f, %.4f bits a byte, over %lld tokens of %lld windows\n",
               exp(mean), error, bits, (long long)e->tokens, (long long)w);
        return 0;
    }
    json_t *root = json_pack("{sfsfsfsIsI}", "perplexity", exp(mean), "error", error,
                             "bits_per_byte", bits, "tokens", (json_int_t)e->tokens, "windows",
                             (json_int_t)w);
    if (!root) return cli_fail(e->verb, "out of memory");
    json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(8));
    printf("\n");
    json_decref(root);
    return 0;
}

static int run(const struct verb *verb, int argc, char **argv)
{
    struct measure e = {.verb = verb, .window = 512};
    int status = read_options(&e, argc, argv);
    if (status >= 0) return status;
    status = open_model(&e);
    if (!status) status = run_all(&e);
    sw_session_close(e.s);
    sw_model_destroy(e.m);
    sw_context_destroy(e.ctx);
    free(e.ids);
    return status;
}

const struct verb verb_bench_perplexity = {"bench perplexity",
                                           "how well a language model foresees a text", help, run};

/* swell bench MODEL.gguf: how fast a language model reads, and how fast it writes.
 *
 * Reading is one session that is fed a prompt; writing is one token a step of one session, and of several
 * together, behind that prompt.  Tokens are numbers without a meaning, so no tokenizer is needed and no
 * text ends early.  Medians of several rounds. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/folder.h"
#include "base/text.h"
#include "cli/bench_language.h"
#include "gpt/gpt_int.h"

static const char help[] =
    "usage: swell bench MODEL.gguf [options]\n"
    "\n"
    "How many tokens a second a language model reads and writes.\n"
    "\n"
    "  --prompt N        tokens that it reads (default 512)\n"
    "  --tokens N        tokens that it writes behind them (default 32)\n"
    "  --sequences N     so many texts at the same time, too (default 8; 1: only one)\n"
    "  --rounds N        medians of N rounds (default 3)\n"
    "  --bf16            multiply weights of 16 and 32 bits in bf16\n"
    "  --threads N       default: all cores\n"
    "  --profile         the steps that take most of the time of reading, and of writing\n"
    "  --json            one JSON object\n"
    "\n"
    "examples:\n"
    "  swell bench tinyllama-1.1b.Q4_0.gguf\n"
    "  swell bench qwen2.5-0.5b.gguf --prompt 2000 --sequences 1 --profile\n";

enum { PROMPT = 1000, TOKENS, SEQUENCES, ROUNDS, BF16, THREADS, PROFILE, JSON, MOST_ROUNDS = 99 };

static const struct option options[] = {{"prompt", required_argument, NULL, PROMPT},
                                        {"tokens", required_argument, NULL, TOKENS},
                                        {"sequences", required_argument, NULL, SEQUENCES},
                                        {"rounds", required_argument, NULL, ROUNDS},
                                        {"bf16", no_argument, NULL, BF16},
                                        {"threads", required_argument, NULL, THREADS},
                                        {"profile", no_argument, NULL, PROFILE},
                                        {"json", no_argument, NULL, JSON},
                                        {"help", no_argument, NULL, 'h'},
                                        {0}};

struct bench {
    const struct verb *verb;
    const char *name;
    int64_t prompt, tokens, sequences, rounds, threads;
    bool bf16, profile, json;
    sw_context *ctx;
    sw_model *m;
    sw_session **s;
    sw_model_part *parts;
    int32_t *ids;
    double open, reads, writes, together; /* seconds; tokens a second */
};

bool bench_is_language(int argc, char **argv)
{
    char magic[4];
    for (int i = 1; i < argc; i++) {
        if (sw__path_kind(argv[i]) != SW_PATH_FILE) continue;
        FILE *f = fopen(argv[i], "rb");
        const bool is = f && fread(magic, 1, 4, f) == 4 && memcmp(magic, "GGUF", 4) == 0;
        if (f) fclose(f);
        if (is) return true;
    }
    return false;
}

static int failed(const struct bench *b)
{
    return cli_fail(b->verb, "%s", sw_error(b->ctx));
}

/* -1: go on; else the exit status. */
static int read_options(struct bench *b, int argc, char **argv)
{
    const struct verb *v = b->verb;
    int status = 0;
    for (int c; (c = cli_option(v, argc, argv, options, &status)) != -1;) {
        bool good = true;
        switch (c) {
        case PROMPT: good = cli_integer(v, "prompt", 1, 1 << 20, &b->prompt); break;
        case TOKENS: good = cli_integer(v, "tokens", 1, 1 << 20, &b->tokens); break;
        case SEQUENCES: good = cli_integer(v, "sequences", 1, 512, &b->sequences); break;
        case ROUNDS: good = cli_integer(v, "rounds", 1, MOST_ROUNDS, &b->rounds); break;
        case BF16: b->bf16 = true; break;
        case PROFILE: b->profile = true; break;
        case JSON: b->json = true; break;
        case THREADS: good = cli_integer(v, "threads", 1, 256, &b->threads); break;
        default: return status;
        }
        if (!good) return 1;
    }
    if (optind + 1 != argc) return cli_fail(v, "name one model; see 'swell help bench'");
    b->name = argv[optind];
    return -1;
}

static int open_model(struct bench *b)
{
    const int64_t n = b->sequences;
    b->ctx = cli_context(b->verb, (int)b->threads, NULL);
    if (!b->ctx) return 1;
    const double start = sw__clock_seconds();
    const sw_model_options o = {.no_tokenizer = true,
                                .context = b->prompt + b->tokens,
                                .sessions = (int)n,
                                .bf16 = b->bf16};
    if (sw_model_open(b->ctx, b->name, &o, &b->m) != SW_OK) return failed(b);
    b->s = calloc((size_t)n, sizeof *b->s);
    b->parts = calloc((size_t)n, sizeof *b->parts);
    b->ids = calloc((size_t)(b->prompt + b->tokens), sizeof *b->ids);
    if (!b->s || !b->parts || !b->ids) return cli_fail(b->verb, "out of memory");
    const int64_t v = sw_model_get_info(b->m).vocabulary;
    for (int64_t i = 0; i < b->prompt + b->tokens; i++) b->ids[i] = (int32_t)(i * 7919 % v);
    for (int64_t i = 0; i < n; i++)
        if (sw_session_open(b->m, &b->s[i]) != SW_OK) return failed(b);
    if (sw_session_feed(b->s[0], b->ids, 1) != SW_OK) return failed(b);
    b->open = sw__clock_seconds() - start;
    sw_plan_pack(b->m->plan);
    return 0;
}

/* Seconds that n sessions together take to write; negative after a failure. */
static double write_together(struct bench *b, int n)
{
    const double start = sw__clock_seconds();
    for (int64_t t = 0; t < b->tokens; t++) {
        for (int i = 0; i < n; i++)
            b->parts[i] = (sw_model_part){
                .session = b->s[i], .tokens = b->ids + b->prompt + t, .n = 1, .rows = 1};
        if (sw_model_step(b->m, b->parts, n) != SW_OK) return -1;
    }
    return sw__clock_seconds() - start;
}

/* Each of n sessions reads the prompt; seconds of the first. */
static double read_all(struct bench *b, int n)
{
    double seconds = -1;
    for (int i = 0; i < n; i++) {
        sw_session_truncate(b->s[i], 0);
        const double start = sw__clock_seconds();
        if (sw_session_feed(b->s[i], b->ids, b->prompt) != SW_OK) return -1;
        if (i == 0) seconds = sw__clock_seconds() - start;
    }
    return seconds;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int64_t n)
{
    qsort(x, (size_t)n, sizeof *x, by_size);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

static int measure(struct bench *b)
{
    double reads[MOST_ROUNDS], writes[MOST_ROUNDS], together[MOST_ROUNDS];
    for (int64_t r = 0; r < b->rounds; r++) {
        const int n = (int)b->sequences;
        reads[r] = read_all(b, 1);
        writes[r] = reads[r] < 0 ? -1 : write_together(b, 1);
        together[r] = writes[r];
        if (writes[r] < 0 || (n > 1 && read_all(b, n) < 0)) return failed(b);
        if (n > 1) together[r] = write_together(b, n);
        if (together[r] < 0) return failed(b);
    }
    b->reads = (double)b->prompt / median(reads, b->rounds);
    b->writes = (double)b->tokens / median(writes, b->rounds);
    b->together = (double)(b->tokens * b->sequences) / median(together, b->rounds);
    return 0;
}

/* The first lines of a table: its steps are sorted by time, and there are hundreds. */
static void write_top(void *user, const char *text, size_t size)
{
    int *lines = user;
    for (size_t i = 0; i<size && * lines> 0; i++) {
        putchar(text[i]);
        *lines -= text[i] == '\n';
    }
}

static void print_top(struct bench *b)
{
    int lines = 24;
    sw_plan_profile_table(b->m->plan, write_top, &lines);
}

/* A prompt, then a few tokens, each with its table. */
static int profile(struct bench *b)
{
    sw_status status = sw_plan_profile(b->m->plan, true);
    if (status != SW_OK || read_all(b, 1) < 0) return failed(b);
    printf("\nreading %lld tokens:\n", (long long)b->prompt);
    print_top(b);
    status = sw_plan_profile(b->m->plan, true); /* counts anew */
    if (status != SW_OK || write_together(b, 1) < 0) return failed(b);
    printf("\nwriting %lld tokens:\n", (long long)b->tokens);
    print_top(b);
    return 0;
}

static int report(const struct bench *b)
{
    struct rusage usage;
    const sw_model_info i = sw_model_get_info(b->m);
    const double peak = getrusage(RUSAGE_SELF, &usage) ? 0 : (double)usage.ru_maxrss * 1024;
    const double read_bytes = b->writes * (double)i.weight_bytes;
    char weights[24], kv[24], buffer[24], most[24];
    if (b->json) {
        json_t *root = json_pack(
            "{ss ss si sf sf sI sf sI sI sI sf}", "model", b->name, "architecture", i.architecture,
            "threads", sw_context_threads(b->ctx), "open_seconds", b->open, "read_per_second",
            b->reads, "prompt", (json_int_t)b->prompt, "written_per_second", b->writes, "sequences",
            (json_int_t)b->sequences, "weight_bytes", (json_int_t)i.weight_bytes, "kv_bytes",
            (json_int_t)i.kv_bytes, "written_together_per_second", b->together);
        if (!root) return cli_fail(b->verb, "a name is no UTF-8 text, or out of memory");
        json_object_set_new(root, "peak_bytes", json_real(peak));
        json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
        printf("\n");
        json_decref(root);
        return 0;
    }
    printf("%s: %s, %.3g parameters, %d threads, %s\n", b->name, i.architecture,
           (double)i.parameters, sw_context_threads(b->ctx), sw_context_cpu(b->ctx));
    printf("opened          %9.1f ms\n", b->open * 1e3);
    printf("reads           %9.1f tokens a second, %lld at once\n", b->reads, (long long)b->prompt);
    printf("writes          %9.1f tokens a second (weights at %.1f GB/s)\n", b->writes,
           read_bytes * 1e-9);
    if (b->sequences > 1)
        printf("writes %3lld texts %8.1f tokens a second, %.2f times one\n",
               (long long)b->sequences, b->together, b->together / b->writes);
    printf("memory          weights %s, keys and values %s, activations %s; peak %s\n",
           sw__bytes_text((double)i.weight_bytes, weights), sw__bytes_text((double)i.kv_bytes, kv),
           sw__bytes_text((double)i.buffer_bytes, buffer), sw__bytes_text(peak, most));
    return 0;
}

int bench_language(const struct verb *verb, int argc, char **argv)
{
    const struct verb named = {verb->name, verb->summary, help, verb->run};
    struct bench b = {.verb = &named, .prompt = 512, .tokens = 32, .sequences = 8, .rounds = 3};
    int status = read_options(&b, argc, argv);
    if (status >= 0) return status;
    status = open_model(&b);
    if (!status) status = measure(&b);
    if (!status) status = report(&b);
    if (!status && b.profile) status = profile(&b);
    for (int64_t i = 0; b.s && i < b.sequences; i++) sw_session_close(b.s[i]);
    sw_model_destroy(b.m);
    sw_context_destroy(b.ctx);
    free(b.s);
    free(b.parts);
    free(b.ids);
    return status;
}

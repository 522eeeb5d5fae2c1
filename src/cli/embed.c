/* swell embed: texts become vectors, to standard output or into a file of NumPy; or a table of how alike they are. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/size.h"
#include "base/terminal.h"
#include "cli/model_path.h"
#include "cli/verbs.h"
#include "format/npy.h"

static const char help[] =
    "usage: swell embed [TEXT ...] --model M [options]\n"
    "\n"
    "Each TEXT becomes a vector, and texts of like meaning vectors near each other.  Without TEXT, "
    "each\n"
    "line of standard input is one.  A text has the same vector alone and among others.\n"
    "\n"
    "  --model M         a GGUF file or a folder of Hugging Face: bert (bge, MiniLM, E5, gte), or "
    "any\n"
    "                    language model that swell write runs\n"
    "  --tokenizer T     a tokenizer of its own: GGUF, tokenizer.json, vocab.txt\n"
    "  --file F          each line of F is a text\n"
    "  --pooling P       cls, mean or last: of the first token, of all, of the last; none: a "
    "vector "
    "for\n"
    "                    each token (default: as the model says, else mean)\n"
    "  --raw             leave the vectors as they come (default: scaled to length 1)\n"
    "  --context N       most tokens of a text (default: as many as the model was made for, at "
    "most 4096)\n"
    "  --truncate        of a text that is longer, take the beginning (default: refuse it)\n"
    "\n"
    "  --similarity      a table of the cosines between all texts: 1 is the same, 0 nothing in "
    "common\n"
    "  --json            whole vectors, an object a line: index, tokens, embedding; with "
    "--similarity, one\n"
    "                    object\n"
    "  --out FILE.npy    all vectors into a file of NumPy, f32, a row each\n"
    "\n"
    "  --bf16            multiply weights of 16 and 32 bits in bf16: faster, less exact\n"
    "  --threads N       default: all cores\n"
    "\n"
    "examples:\n"
    "  swell embed \"a red car\" \"a scarlet automobile\" \"soup\" --model bge-small-en-v1.5.gguf "
    "--similarity\n"
    "  swell embed --model all-MiniLM-L6-v2/ --json < lines.txt > vectors.jsonl\n"
    "  swell embed --model bge-base.gguf --file passages.txt --truncate --out passages.npy\n"
    "  swell embed \"query: how tall is it\" --model qwen3-embedding.gguf --pooling last --json\n";

enum {
    MODEL = 1000,
    TOKENIZER,
    FILE_OF_LINES,
    POOLING,
    RAW,
    CONTEXT,
    TRUNCATE,
    SIMILARITY,
    JSON,
    OUT,
    BF16,
    THREADS
};

static const struct option options[] = {{"model", required_argument, NULL, MODEL},
                                        {"tokenizer", required_argument, NULL, TOKENIZER},
                                        {"file", required_argument, NULL, FILE_OF_LINES},
                                        {"pooling", required_argument, NULL, POOLING},
                                        {"raw", no_argument, NULL, RAW},
                                        {"context", required_argument, NULL, CONTEXT},
                                        {"truncate", no_argument, NULL, TRUNCATE},
                                        {"similarity", no_argument, NULL, SIMILARITY},
                                        {"json", no_argument, NULL, JSON},
                                        {"out", required_argument, NULL, OUT},
                                        {"bf16", no_argument, NULL, BF16},
                                        {"threads", required_argument, NULL, THREADS},
                                        {"help", no_argument, NULL, 'h'},
                                        {0}};

/* Bytes of a file of lines; texts that go to the library at once; numbers of a vector that are shown. */
enum { INPUT_LIMIT = 1 << 30, GROUP = 64, SHOWN = 6 };

struct text {
    const char *text;
    size_t bytes;
    int64_t first, n; /* its tokens */
};

struct embed {
    const struct verb *verb;
    const char *model, *file, *out;
    sw_embedder_options open;
    int64_t threads;
    bool json, similarity;
    /* as opened */
    sw_context *ctx;
    sw_embedder *e;
    sw_embedder_info info;
    char *model_file;
    char *input; /* lines */
    struct text *texts;
    int64_t n, capacity;
    int32_t *ids;
    int64_t n_ids, ids_capacity;
    float *vectors; /* of a group; with --similarity, of all */
    struct sw_npy npy;
    bool writing; /* npy is open */
};

static int failed(const struct embed *w)
{
    return cli_fail(w->verb, "%s", sw_error(w->ctx));
}

static int no_memory(const struct embed *w)
{
    return cli_fail(w->verb, "out of memory");
}

static bool take(struct embed *w, int c)
{
    switch (c) {
    case MODEL: w->model = optarg; return true;
    case TOKENIZER: w->open.tokenizer = optarg; return true;
    case FILE_OF_LINES: w->file = optarg; return true;
    case POOLING:
        if (sw_pooling_find(optarg, &w->open.pooling)) return true;
        cli_fail(w->verb, "--pooling %s: cls, mean, last or none", optarg);
        return false;
    case RAW: w->open.raw = true; return true;
    case CONTEXT: return cli_integer(w->verb, "context", 1, 1 << 30, &w->open.context);
    case TRUNCATE: w->open.truncate = true; return true;
    case SIMILARITY: w->similarity = true; return true;
    case JSON: w->json = true; return true;
    case OUT: w->out = optarg; return true;
    case BF16: w->open.bf16 = true; return true;
    default: return cli_integer(w->verb, "threads", 1, 256, &w->threads);
    }
}

/* ---- texts --------------------------------------------------------------------------------------- */

static int add_text(struct embed *w, const char *text, size_t bytes)
{
    if (!sw__grow(&w->texts, &w->capacity, w->n + 1, sizeof *w->texts)) return no_memory(w);
    w->texts[w->n++] = (struct text){.text = text, .bytes = bytes};
    return 0;
}

static int read_standard_input(struct embed *w, size_t *size)
{
    int64_t capacity = 0;
    size_t n = 0;
    while (!feof(stdin) && !ferror(stdin) && n < INPUT_LIMIT) {
        if (!sw__grow(&w->input, &capacity, (int64_t)n + (1 << 16), 1)) return no_memory(w);
        n += fread(w->input + n, 1, (size_t)capacity - n, stdin);
    }
    if (ferror(stdin)) return cli_fail(w->verb, "standard input: %s", strerror(errno));
    if (n >= INPUT_LIMIT)
        return cli_fail(w->verb, "standard input: more than %d MB of text", INPUT_LIMIT >> 20);
    *size = n;
    return 0;
}

/* A text a line; what ends a line is no part of it. */
static int read_lines(struct embed *w)
{
    size_t size = 0;
    int status = 0;
    if (w->file && sw__file_read(w->file, INPUT_LIMIT, &w->input, &size) != SW_OK)
        return cli_fail(w->verb, "%s: cannot read: %s", w->file, strerror(errno));
    if (!w->file) status = read_standard_input(w, &size);
    for (size_t at = 0; !status && at < size;) {
        const char *line = w->input + at, *end = memchr(line, '\n', size - at);
        const size_t bytes = end ? (size_t)(end - line) : size - at;
        status = add_text(w, line, bytes && line[bytes - 1] == '\r' ? bytes - 1 : bytes);
        at += bytes + 1;
    }
    if (!status && !w->n)
        return cli_fail(w->verb, "%s: no text", w->file ? w->file : "standard input");
    return status;
}

static int tokenize(struct embed *w)
{
    for (int64_t i = 0; i < w->n; i++) {
        struct text *t = &w->texts[i];
        sw_status status = sw_embedder_tokens(w->e, t->text, t->bytes, NULL, 0, &t->n);
        t->first = w->n_ids;
        if (status == SW_OK &&
            !sw__grow(&w->ids, &w->ids_capacity, w->n_ids + t->n + 1, sizeof *w->ids))
            return no_memory(w);
        if (status == SW_OK)
            status = sw_embedder_tokens(w->e, t->text, t->bytes, w->ids + t->first, t->n, &t->n);
        if (status == SW_ERR_STATE)
            return cli_fail(w->verb, "%s: name one with --tokenizer", sw_error(w->ctx));
        if (status == SW_OK && !t->n)
            return cli_fail(w->verb, "text %lld has no tokens", (long long)i + 1);
        if (status != SW_OK)
            return cli_fail(w->verb, "text %lld: %s%s", (long long)i + 1, sw_error(w->ctx),
                            status == SW_ERR_SIZE ? ": shorten it, or --truncate" : "");
        w->n_ids += t->n;
    }
    return 0;
}

/* ---- output -------------------------------------------------------------------------------------- */

/* What a terminal can show of a text, `most` bytes at most. */
static void show_text(const struct text *t, size_t most)
{
    size_t n = t->bytes < most ? t->bytes : most;
    while (n < t->bytes && n > 0 && ((unsigned char)t->text[n] & 0xc0) == 0x80) n--;
    for (size_t i = 0; i < n; i++)
        putchar((unsigned char)t->text[i] < 32 || t->text[i] == 127 ? ' ' : t->text[i]);
    printf("%s\n", n < t->bytes ? "..." : "");
}

static void show_numbers(const float *x, int64_t n, bool brief)
{
    for (int64_t i = 0; i < n; i++) {
        if (i) printf(", ");
        printf(brief ? "%7.4f" : "%.9g", (double)x[i]);
    }
}

static void show_vectors(const struct embed *w, const struct text *t, const float *x, int64_t rows)
{
    const int64_t width = w->info.width, some = sw__min64(width, SHOWN);
    for (int64_t r = 0; r < rows; r++) {
        printf("[");
        show_numbers(x + r * width, some, true);
        printf("%s] ", some < width ? ", ..." : "");
        if (rows > 1) {
            size_t bytes;
            const char *piece = sw_token_text(sw_embedder_tokenizer(w->e), w->ids[t->first + r],
                                              &bytes);
            show_text(&(struct text){.text = piece ? piece : "", .bytes = piece ? bytes : 0}, 48);
        } else
            show_text(t, 48);
    }
}

static void print_vectors(const struct embed *w, int64_t index, const float *x, int64_t rows)
{
    const bool list = w->info.pooling == SW_POOLING_NONE;
    printf("{\"index\": %lld, \"tokens\": %lld, \"embedding\": %s", (long long)index,
           (long long)w->texts[index].n, list ? "[" : "");
    for (int64_t r = 0; r < rows; r++) {
        printf("%s[", r ? ", " : "");
        show_numbers(x + r * w->info.width, w->info.width, false);
        printf("]");
    }
    printf("%s}\n", list ? "]" : "");
}

/* The vectors of a text, wherever they are wanted. */
static int put_vectors(struct embed *w, int64_t index, const float *x)
{
    const struct text *t = &w->texts[index];
    const int64_t rows = w->info.pooling == SW_POOLING_NONE ? t->n : 1;
    for (int64_t i = 0; i < rows * w->info.width; i++)
        if (!isfinite(x[i]))
            return cli_fail(w->verb, "text %lld: its vector is not finite; is the model whole?",
                            (long long)index + 1);
    for (int64_t r = 0; w->writing && r < rows; r++) sw__npy_row(&w->npy, x + r * w->info.width);
    if (w->json && !w->similarity)
        print_vectors(w, index, x, rows);
    else if (!w->out && !w->similarity)
        show_vectors(w, t, x, rows);
    return 0;
}

static double cosine(const float *a, const float *b, int64_t n)
{
    double ab = 0, aa = 0, bb = 0;
    for (int64_t i = 0; i < n; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

static void print_similarity(const struct embed *w)
{
    const int64_t width = w->info.width;
    if (w->json) printf("{\"similarity\": [");
    for (int64_t i = 0; !w->json && i < w->n; i++) printf("%7lld", (long long)i + 1);
    if (!w->json) printf("\n");
    for (int64_t i = 0; i < w->n; i++) {
        if (w->json) printf("%s\n[", i ? "," : "");
        for (int64_t j = 0; j < w->n; j++) {
            const double c = cosine(w->vectors + i * width, w->vectors + j * width, width);
            if (w->json)
                printf("%s%.6f", j ? ", " : "", c);
            else
                printf("%7.3f", c);
        }
        if (w->json) printf("]");
        if (w->json) continue;
        printf("  %lld ", (long long)i + 1);
        show_text(&w->texts[i], 48);
    }
    if (w->json) printf("]}\n");
}

/* ---- all of it ----------------------------------------------------------------------------------- */

/* Numbers in the vectors of texts from .. to-1. */
static int64_t numbers(const struct embed *w, int64_t from, int64_t to)
{
    int64_t rows = 0;
    for (int64_t i = from; i < to; i++)
        rows += w->info.pooling == SW_POOLING_NONE ? w->texts[i].n : 1;
    return rows * w->info.width;
}

static int embed_group(struct embed *w, int64_t from, int64_t to, float *x)
{
    sw_embed_input in[GROUP];
    int status = 0;
    for (int64_t i = from; i < to; i++)
        in[i - from] = (sw_embed_input){w->ids + w->texts[i].first, w->texts[i].n};
    if (sw_embed(w->e, in, to - from, x) != SW_OK) return failed(w);
    for (int64_t i = from; !status && i < to; x += numbers(w, i, i + 1), i++)
        status = put_vectors(w, i, x);
    return status;
}

static int embed_all(struct embed *w)
{
    struct sw_progress progress;
    int64_t most = 0;
    int status = 0;
    for (int64_t i = 0; i < w->n; i += GROUP)
        most = sw__max64(most, numbers(w, i, sw__min64(w->n, i + GROUP)));
    w->vectors = sw__calloc2((size_t)(w->similarity ? numbers(w, 0, w->n) : most), sizeof(float));
    if (!w->vectors) return no_memory(w);
    const bool bar = w->n > GROUP && (w->out || w->similarity || !sw__is_terminal(1));
    if (bar)
        sw__progress_begin(&progress, cli_write, stderr, sw__is_terminal(2), cli_columns(stderr));
    for (int64_t i = 0; !status && i < w->n; i += GROUP) {
        const int64_t to = sw__min64(w->n, i + GROUP);
        status = embed_group(w, i, to, w->vectors + (w->similarity ? i * w->info.width : 0));
        if (bar) sw__progress_show(&progress, (double)to / (double)w->n, "texts");
        if (ferror(stdout)) break;
    }
    if (bar) sw__progress_end(&progress);
    if (!status && w->similarity) print_similarity(w);
    return status;
}

static int open_all(struct embed *w)
{
    w->model_file = model_path(w->verb, w->model, "model");
    if (!w->model_file) return 1;
    w->ctx = cli_context(w->verb, (int)w->threads, NULL);
    if (!w->ctx) return 1;
    if (sw_embedder_open(w->ctx, w->model_file, &w->open, &w->e) != SW_OK) return failed(w);
    w->info = sw_embedder_get_info(w->e);
    if (w->similarity && w->info.pooling == SW_POOLING_NONE)
        return cli_fail(w->verb,
                        "--similarity is of texts, --pooling none gives vectors of tokens");
    if (tokenize(w)) return 1;
    w->writing = w->out && sw__npy_create(w->out, w->info.width, &w->npy) == SW_OK;
    if (w->out && !w->writing)
        return cli_fail(w->verb, "%s: cannot write: %s", w->out, strerror(errno));
    return 0;
}

static int end_file(struct embed *w, int status)
{
    const int64_t rows = w->npy.rows;
    if (!w->writing) return status;
    if (status) {
        sw__npy_abandon(&w->npy);
        return status;
    }
    if (sw__npy_commit(&w->npy) != SW_OK)
        return cli_fail(w->verb, "%s: cannot write: %s", w->out, strerror(errno));
    if (!w->json && !w->similarity)
        printf("%s: %lld vectors of %lld numbers\n", w->out, (long long)rows,
               (long long)w->info.width);
    return 0;
}

static int run(const struct verb *verb, int argc, char **argv)
{
    struct embed w = {.verb = verb};
    int status = 0;
    for (int c; (c = cli_option(verb, argc, argv, options, &status)) != -1;) {
        if (c == '?') return status;
        if (!take(&w, c)) return 1;
    }
    if (!w.model) return cli_fail(verb, "name a model with --model; see 'swell help embed'");
    const bool lines = optind == argc || (optind + 1 == argc && strcmp(argv[optind], "-") == 0);
    if (w.file && optind < argc)
        return cli_fail(verb, "--file %s: and '%s' is a text too", w.file, argv[optind]);
    for (int i = optind; !lines && !status && i < argc; i++)
        status = add_text(&w, argv[i], strlen(argv[i]));
    if (lines) status = read_lines(&w);
    if (!status) status = open_all(&w);
    if (!status) status = embed_all(&w);
    status = end_file(&w, status);
    sw_embedder_destroy(w.e);
    sw_context_destroy(w.ctx);
    free(w.model_file);
    free(w.input);
    free(w.texts);
    free(w.ids);
    free(w.vectors);
    return status;
}

const struct verb verb_embed = {"embed", "texts to vectors, and how alike they are", help, run};

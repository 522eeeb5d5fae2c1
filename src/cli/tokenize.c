/* swell tokenize: text to ids and back. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/verbs.h"

static const char help[] =
    "usage: swell tokenize --model M [options]\n"
    "\n"
    "Text on standard input becomes ids on standard output, in one line; with --decode, ids "
    "become\n"
    "the text again, byte for byte.  M is a GGUF model, tokenizer.json of Hugging Face or a "
    "folder\n"
    "that has one, ranks of tiktoken (.tiktoken), tokenizer.bin of llama2.c, or vocab.txt of "
    "BERT.\n"
    "\n"
    "  --decode          from ids to text\n"
    "  --special         \"<|im_end|>\" and the like are special tokens, not plain text; with "
    "--decode\n"
    "                    they are written, else left out\n"
    "  --begin           put the tokens that begin and end a text round it, if the model has them\n"
    "  --count           only how many ids\n"
    "  --json            an object with ids and the text of each\n"
    "\n"
    "examples:\n"
    "  echo -n \"Once upon a time\" | swell tokenize --model smollm.gguf\n"
    "  swell tokenize --model tokenizer.json --count < book.txt\n"
    "  swell tokenize --model o200k_base.tiktoken < page.html | swell tokenize --model "
    "o200k_base.tiktoken --decode\n";

enum { MODEL = 1000, DECODE, SPECIAL, BEGIN, COUNT, JSON };

static const struct option options[] = {
    {"model", required_argument, NULL, MODEL}, {"decode", no_argument, NULL, DECODE},
    {"special", no_argument, NULL, SPECIAL},   {"begin", no_argument, NULL, BEGIN},
    {"count", no_argument, NULL, COUNT},       {"json", no_argument, NULL, JSON},
    {"help", no_argument, NULL, 'h'},          {0}};

struct job {
    const char *model;
    bool decode, special, begin, count, json;
    char *text; /* standard input */
    size_t size;
    int32_t *ids;
    int64_t n;
};

static bool read_input(const struct verb *verb, struct job *j)
{
    int64_t capacity = 0;
    for (size_t got = 1; got; j->size += got) {
        if (!sw__grow(&j->text, &capacity, (int64_t)j->size + (1 << 16) + 1, 1)) {
            cli_fail(verb, "out of memory for standard input");
            return false;
        }
        got = fread(j->text + j->size, 1, 1 << 16, stdin);
    }
    j->text[j->size] = 0;
    if (ferror(stdin)) cli_fail(verb, "standard input: %s", strerror(errno));
    return !ferror(stdin);
}

/* Ids between spaces, commas and brackets, as --json and others write lists. */
static bool read_ids(const struct verb *verb, struct job *j)
{
    int64_t capacity = 0;
    for (char *at = j->text, *end; *(at += strspn(at, " \t\r\n,[]")); at = end) {
        errno = 0;
        const long id = strtol(at, &end, 10);
        if (end == at || errno || id < 0 || id > INT32_MAX) {
            cli_fail(verb, "standard input: '%.*s' is no id",
                     (int)strcspn(at, " \t\r\n,[]") < 16 ? (int)strcspn(at, " \t\r\n,[]") : 16, at);
            return false;
        }
        if (!sw__grow(&j->ids, &capacity, j->n + 1, sizeof *j->ids)) {
            cli_fail(verb, "out of memory for ids");
            return false;
        }
        j->ids[j->n++] = (int32_t)id;
    }
    if (strlen(j->text) == j->size) return true;
    cli_fail(verb, "standard input: a zero byte among ids");
    return false;
}

static int decode(const struct verb *verb, struct job *j, const sw_tokenizer *t)
{
    size_t bytes;
    if (!read_ids(verb, j)) return 1;
    for (int64_t i = 0; i < j->n; i++)
        if (j->ids[i] >= sw_tokenizer_size(t))
            return cli_fail(verb, "id %d: the vocabulary has %lld", j->ids[i],
                            (long long)sw_tokenizer_size(t));
    sw_detokenize(t, j->ids, j->n, j->special, NULL, 0, &bytes);
    char *text = malloc(bytes + 1);
    if (!text) return cli_fail(verb, "out of memory for the text");
    sw_detokenize(t, j->ids, j->n, j->special, text, bytes, &bytes);
    fwrite(text, 1, bytes, stdout);
    free(text);
    return 0;
}

/* The text of a token as JSON can hold it: bytes that are no UTF-8 become U+FFFD. */
struct shown {
    char text[1024];
    size_t n;
};

static void add_shown(void *user, const char *text, size_t size)
{
    struct shown *s = user;
    if (size > sizeof s->text - s->n) return;
    memcpy(s->text + s->n, text, size);
    s->n += size;
}

static json_t *token_text(const sw_tokenizer *t, int32_t id)
{
    struct shown s = {.n = 0};
    sw_detokenizer d;
    /* In the middle of a text, where spaces are kept; but WordPiece has none of its own. */
    const bool middle = strcmp(sw_tokenizer_kind(t), "bert") != 0;
    sw_detokenizer_begin(
        &d, t, (sw_detokenizer_options){.special = true, .middle = middle, .replace = true});
    sw_detokenizer_push(&d, id, add_shown, &s);
    sw_detokenizer_end(&d, add_shown, &s);
    return json_stringn(s.text, s.n);
}

static int print_json(const struct verb *verb, const struct job *j, const sw_tokenizer *t)
{
    json_t *ids = json_array(), *texts = json_array();
    for (int64_t i = 0; i < j->n && !j->count; i++) {
        json_array_append_new(ids, json_integer(j->ids[i]));
        json_array_append_new(texts, token_text(t, j->ids[i]));
    }
    json_t *root = json_pack("{sssIsIsIso*so*}", "kind", sw_tokenizer_kind(t), "vocabulary",
                             (json_int_t)sw_tokenizer_size(t), "bytes", (json_int_t)j->size,
                             "count", (json_int_t)j->n, "ids", j->count ? NULL : ids, "tokens",
                             j->count ? NULL : texts);
    if (!root) return cli_fail(verb, "out of memory");
    json_dumpf(root, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    putchar('\n');
    if (j->count) {
        json_decref(ids);
        json_decref(texts);
    }
    json_decref(root);
    return 0;
}

static int encode(const struct verb *verb, struct job *j, const sw_tokenizer *t)
{
    const sw_tokenize_options o = {.special = j->special, .begin = j->begin, .end = j->begin};
    const int64_t most = (int64_t)j->size + 8;
    j->ids = sw__calloc2((size_t)most, sizeof *j->ids);
    if (!j->ids) return cli_fail(verb, "out of memory for %lld ids", (long long)most);
    const sw_status status = sw_tokenize(t, j->text, j->size, o, j->ids, most, &j->n);
    if (status == SW_ERR_FORMAT)
        return cli_fail(verb, "%s: the vocabulary has no token for a part of the text", j->model);
    if (status != SW_OK) return cli_fail(verb, "%s", sw_status_text(status));
    if (j->json) return print_json(verb, j, t);
    if (j->count) {
        printf("%lld\n", (long long)j->n);
        return 0;
    }
    for (int64_t i = 0; i < j->n; i++) printf("%s%d", i ? " " : "", j->ids[i]);
    putchar('\n');
    return 0;
}

static int work(const struct verb *verb, struct job *j)
{
    sw_tokenizer *t;
    sw_context *ctx = cli_context(verb, 1, NULL);
    if (!ctx) return 1;
    int status = sw_tokenizer_open(ctx, j->model, &t) == SW_OK
                     ? 0
                     : cli_fail(verb, "%s", sw_error(ctx));
    if (!status) {
        status = !read_input(verb, j) || (j->decode ? decode(verb, j, t) : encode(verb, j, t));
        sw_tokenizer_destroy(t);
    }
    free(j->text);
    free(j->ids);
    sw_context_destroy(ctx);
    return status;
}

static int run(const struct verb *verb, int argc, char **argv)
{
    struct job j = {0};
    int status = 0;
    for (int c; (c = cli_option(verb, argc, argv, options, &status)) != -1;) switch (c) {
        case MODEL: j.model = optarg; break;
        case DECODE: j.decode = true; break;
        case SPECIAL: j.special = true; break;
        case BEGIN: j.begin = true; break;
        case COUNT: j.count = true; break;
        case JSON: j.json = true; break;
        default: return status;
        }
    if (optind < argc)
        return cli_fail(verb, "'%s': text comes on standard input; see 'swell help tokenize'",
                        argv[optind]);
    if (!j.model) return cli_fail(verb, "--model M: whose tokens? see 'swell help tokenize'");
    if (j.decode && (j.json || j.count || j.begin))
        return cli_fail(verb, "--decode gives text: it goes with --special only");
    return work(verb, &j);
}

const struct verb verb_tokenize = {"tokenize", "text to the ids of a model and back", help, run};

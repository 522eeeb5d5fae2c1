/* swell train tokenizer: a vocabulary from text. */
#include <jansson.h>
#include <string.h>

#include "base/clock.h"
#include "base/progress.h"
#include "base/terminal.h"
#include "base/text.h"
#include "cli/verbs.h"
#include "train/documents.h"

static const char help[] =
    "usage: swell train tokenizer --data FILE|DIR --vocabulary N --out FILE.json [options]\n"
    "\n"
    "Learns a byte-level BPE: any bytes become tokens and come back.  The file is a "
    "tokenizer.json\n"
    "for swell and Hugging Face.  The same text gives the same vocabulary.\n"
    "\n"
    "  --data PATH       a text file, lines of JSON (.jsonl), or a folder of them; again for more\n"
    "  --vocabulary N    tokens: 256 bytes, special ones, and what is learnt; fewer if the text\n"
    "                    has no pair twice any more\n"
    "  --out FILE        tokenizer.json\n"
    "  --pattern NAME    how words are cut: gpt-2 (default), cl100k, o200k or qwen2\n"
    "  --special TEXT    a special token, at the end of the vocabulary; again for more (default\n"
    "                    <|endoftext|>, which ends documents)\n"
    "  --json            what was learnt as one JSON object\n"
    "\n"
    "examples:\n"
    "  swell train tokenizer --data books/ --vocabulary 4096 --out tokenizer.json\n"
    "  swell train tokenizer --data code.txt --data chat.jsonl --vocabulary 32000 --pattern cl100k "
    "\\\n"
    "    --special \"<|im_start|>\" --special \"<|im_end|>\" --out tokenizer.json\n"
    "  swell train gpt --data books/ --tokenizer tokenizer.json --steps 2000 --out model.gguf\n";

enum { DATA = 1000, VOCABULARY, OUT, PATTERN, SPECIAL, JSON, MOST = 64, STEP = 256 };

static const struct option options[] = {{"data", required_argument, NULL, DATA},
                                        {"vocabulary", required_argument, NULL, VOCABULARY},
                                        {"out", required_argument, NULL, OUT},
                                        {"pattern", required_argument, NULL, PATTERN},
                                        {"special", required_argument, NULL, SPECIAL},
                                        {"json", no_argument, NULL, JSON},
                                        {"help", no_argument, NULL, 'h'},
                                        {0}};

struct job {
    const struct verb *verb;
    sw_context *ctx;
    sw_tokenizer_trainer *trainer;
    const char *data[MOST + 1], *special[MOST + 1], *out, *pattern;
    int data_count, special_count;
    int64_t vocabulary;
    bool json;
    int64_t documents, bytes;
    struct sw_progress progress;
};

static sw_status add(void *user, const struct sw_document *d)
{
    struct job *j = user;
    char text[80], bytes[24];
    j->documents++;
    j->bytes += (int64_t)(d->prompt_bytes + d->text_bytes);
    snprintf(text, sizeof text, "reading, %s", sw__bytes_text((double)j->bytes, bytes));
    sw__progress_show(&j->progress, 0, text);
    const sw_status status = sw_tokenizer_trainer_add(j->trainer, d->prompt, d->prompt_bytes);
    return status == SW_OK ? sw_tokenizer_trainer_add(j->trainer, d->text, d->text_bytes) : status;
}

static sw_status learn(struct job *j, int64_t *learnt)
{
    const int64_t most = j->vocabulary - 256 - j->special_count;
    sw_status status = SW_OK;
    char text[80];
    *learnt = 0;
    for (int64_t before = -1; *learnt < most && *learnt != before && status == SW_OK;) {
        before = *learnt;
        status = sw_tokenizer_trainer_learn(j->trainer, most - before < STEP ? most - before : STEP,
                                            learnt);
        snprintf(text, sizeof text, "%lld of %lld tokens", (long long)*learnt + 256,
                 (long long)most + 256);
        sw__progress_show(&j->progress, (double)*learnt / (double)most, text);
    }
    return status;
}

static int report(const struct job *j, int64_t learnt, double seconds)
{
    const long long all = (long long)(256 + learnt + j->special_count);
    char bytes[24];
    if (!j->json) {
        printf("%lld tokens from %s in %lld documents, %.1f s: %s\n", all,
               sw__bytes_text((double)j->bytes, bytes), (long long)j->documents, seconds, j->out);
        return 0;
    }
    json_t *root = json_pack("{sIsIsIsIsf}", "vocabulary", (json_int_t)all, "merges",
                             (json_int_t)learnt, "documents", (json_int_t)j->documents, "bytes",
                             (json_int_t)j->bytes, "seconds", seconds);
    if (!root) return cli_fail(j->verb, "out of memory");
    json_dumpf(root, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(root);
    return 0;
}

static int work(struct job *j)
{
    const double start = sw__clock_seconds();
    int64_t learnt = 0;
    sw_status status = sw_tokenizer_trainer_create(j->ctx, j->pattern, &j->trainer);
    sw__progress_begin(&j->progress, cli_write, stderr, sw__is_terminal(2), cli_columns(stderr));
    for (int i = 0; i < j->data_count && status == SW_OK; i++)
        status = sw__documents_visit(j->ctx, j->data[i], add, j);
    if (status == SW_OK) status = learn(j, &learnt);
    sw__progress_end(&j->progress);
    if (status == SW_OK) status = sw_tokenizer_trainer_write(j->trainer, j->out, j->special);
    sw_tokenizer_trainer_destroy(j->trainer);
    return status == SW_OK ? report(j, learnt, sw__clock_seconds() - start)
                           : cli_fail(j->verb, "%s", sw_error(j->ctx));
}

static int check(struct job *j)
{
    if (!j->data_count || !j->out || !j->vocabulary)
        return cli_fail(
            j->verb, "--data, --vocabulary and --out are needed; see 'swell help train tokenizer'");
    if (!j->special_count) j->special[j->special_count++] = SW_END_OF_TEXT;
    for (int i = 0; i < j->special_count; i++) {
        if (!*j->special[i]) return cli_fail(j->verb, "--special: an empty token");
        for (int k = 0; k < i; k++)
            if (strcmp(j->special[i], j->special[k]) == 0)
                return cli_fail(j->verb, "--special %s: twice", j->special[i]);
    }
    if (j->vocabulary < 256 + j->special_count)
        return cli_fail(j->verb, "--vocabulary %lld: 256 bytes and %d special tokens are more",
                        (long long)j->vocabulary, j->special_count);
    return 0;
}

static int run(const struct verb *verb, int argc, char **argv)
{
    struct job j = {.verb = verb, .pattern = "gpt-2"};
    int status = 0;
    for (int c; (c = cli_option(verb, argc, argv, options, &status)) != -1;) switch (c) {
        case DATA:
            if (j.data_count == MOST) return cli_fail(verb, "--data: at most %d times", MOST);
            j.data[j.data_count++] = optarg;
            break;
        case SPECIAL:
            if (j.special_count == MOST) return cli_fail(verb, "--special: at most %d times", MOST);
            j.special[j.special_count++] = optarg;
            break;
        case VOCABULARY:
            if (!cli_integer(verb, "vocabulary", 257, 1 << 22, &j.vocabulary)) return 1;
            break;
        case OUT: j.out = optarg; break;
        case PATTERN: j.pattern = optarg; break;
        case JSON: j.json = true; break;
        default: return status;
        }
    if (optind < argc)
        return cli_fail(verb, "what is '%s'? see 'swell help train tokenizer'", argv[optind]);
    if (check(&j)) return 1;
    j.ctx = cli_context(verb, 1, NULL);
    if (!j.ctx) return 1;
    status = work(&j);
    sw_context_destroy(j.ctx);
    return status;
}

const struct verb verb_train_tokenizer = {"train tokenizer", "learn a vocabulary from text", help,
                                          run};

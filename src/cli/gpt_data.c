/* Text to tokens: which are trained on, which are held out.
 *
 *   --tokenizer chars    the characters of --data and a token that ends a document
 *   --tokenizer FILE     a tokenizer that exists
 *   --data FILE.bin      packed tokens; --vocabulary N, or --tokenizer, says how many there are
 *
 *   --val PATH           held out; else the last --val-fraction of --data (default 0.1) */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/gpt_job.h"

static int fail(const struct gpt_job *j)
{
    return cli_fail(j->verb, "%s", sw_error(j->ctx));
}

static bool is_packed(const char *path)
{
    const size_t n = strlen(path);
    return n >= 4 && strcmp(path + n - 4, ".bin") == 0;
}

/* ---- vocabularies --------------------------------------------------------------------------------- */

static sw_status gather(void *user, const struct sw_document *d)
{
    struct gpt_job *j = user;
    return sw__alphabet_gather(j->ctx, &j->alphabet, d);
}

static int open_alphabet(struct gpt_job *j)
{
    if (sw__documents_visit(j->ctx, j->f.data, gather, j) != SW_OK ||
        sw__alphabet_complete(j->ctx, &j->alphabet) != SW_OK)
        return fail(j);
    j->vocabulary = (struct sw_vocabulary_source){
        &j->alphabet, NULL, NULL, sw__alphabet_size(&j->alphabet), (int32_t)j->alphabet.count};
    return 0;
}

static sw_status encode(void *user, const char *text, size_t bytes, int32_t *ids, int64_t max,
                        int64_t *count)
{
    return sw_tokenize(user, text, bytes, (sw_tokenize_options){0}, ids, max, count);
}

static int open_tokenizer(struct gpt_job *j)
{
    if (sw_tokenizer_open(j->ctx, j->f.tokenizer, &j->tokenizer) != SW_OK) return fail(j);
    j->vocabulary = (struct sw_vocabulary_source){NULL, encode, j->tokenizer,
                                                  sw_tokenizer_size(j->tokenizer),
                                                  sw_tokenizer_eos(j->tokenizer)};
    return 0;
}

static int open_vocabulary(struct gpt_job *j)
{
    const bool chars = strcmp(j->f.tokenizer, "chars") == 0;
    if (!is_packed(j->f.data)) {
        if (j->f.vocabulary > 0)
            return cli_fail(j->verb, "--vocabulary is for packed tokens; text brings its own");
        return chars ? open_alphabet(j) : open_tokenizer(j);
    }
    if (!chars && open_tokenizer(j)) return 1;
    if (chars && j->f.vocabulary < 0)
        return cli_fail(j->verb, "%s: packed tokens need --tokenizer FILE or --vocabulary N",
                        j->f.data);
    if (chars) j->vocabulary = (struct sw_vocabulary_source){.end = -1};
    /* A vocabulary may be larger than the tokenizer's, in round numbers. */
    if (j->f.vocabulary > 0 && j->f.vocabulary < j->vocabulary.size)
        return cli_fail(j->verb, "--vocabulary %lld: the tokenizer has %lld",
                        (long long)j->f.vocabulary, (long long)j->vocabulary.size);
    if (j->f.vocabulary > 0) j->vocabulary.size = j->f.vocabulary;
    return 0;
}

const char *gpt_token_text(const struct gpt_job *j, int32_t token, char small[4], size_t *bytes)
{
    if (j->tokenizer) return sw_token_text(j->tokenizer, token, bytes);
    *bytes = (size_t)sw__alphabet_text(&j->alphabet, token, small);
    return small;
}

/* How many bytes of text each token is; special ones are none. */
static int measure_tokens(struct gpt_job *j)
{
    if (!j->tokenizer && !j->alphabet.count) return 0;
    j->text_bytes = calloc((size_t)j->vocabulary.size, sizeof *j->text_bytes);
    if (!j->text_bytes) return cli_fail(j->verb, "out of memory");
    for (int32_t i = 0; i < j->vocabulary.size; i++) {
        char small[4];
        size_t bytes = 0;
        if (j->tokenizer &&
            (i >= sw_tokenizer_size(j->tokenizer) || sw_token_is_special(j->tokenizer, i)))
            continue;
        gpt_token_text(j, i, small, &bytes);
        j->text_bytes[i] = (int32_t)bytes;
    }
    return 0;
}

/* ---- tokens ---------------------------------------------------------------------------------------- */

static int open_set(struct gpt_job *j, const char *path, struct sw_token_set *set)
{
    const sw_status status = is_packed(path)
                                 ? sw__token_set_map(j->ctx, path, j->f.wide, j->vocabulary.size,
                                                     set)
                                 : sw__token_set_read(j->ctx, path, &j->vocabulary, set);
    if (!is_packed(path) && j->vocabulary.size == 0)
        return cli_fail(j->verb, "%s: text needs a tokenizer", path);
    return status == SW_OK ? 0 : fail(j);
}

static int divide(struct gpt_job *j)
{
    const int64_t count = j->set.count, context = j->window;
    const double fraction = j->f.val_fraction >= 0 ? j->f.val_fraction : 0.1;
    const int64_t kept = j->f.val ? count : (int64_t)((1 - fraction) * (double)count);
    j->train = (struct sw_token_part){&j->set, 0, kept};
    j->val = j->f.val ? (struct sw_token_part){&j->second, 0, j->second.count}
                      : (struct sw_token_part){&j->set, kept, count};
    if (kept <= context)
        return cli_fail(j->verb, "%s: %lld tokens to train on; --context %lld needs more",
                        j->f.data, (long long)kept, (long long)context);
    if (j->val.end - j->val.begin < 2) j->val.end = j->val.begin;
    if (j->f.val_every > 0 && j->val.end == j->val.begin)
        return cli_fail(j->verb, "--val-every: nothing is held out");
    return 0;
}

int gpt_data_open(struct gpt_job *j)
{
    if (j->f.wide && !is_packed(j->f.data))
        return cli_fail(j->verb, "--packed is for files .bin of tokens");
    if (open_vocabulary(j) || measure_tokens(j)) return 1;
    if (open_set(j, j->f.data, &j->set)) return 1;
    if (j->f.val && open_set(j, j->f.val, &j->second)) return 1;
    if (j->f.document_mask && j->vocabulary.end < 0)
        return cli_fail(j->verb, "--document-mask: no token ends a document in this vocabulary");
    return divide(j);
}

void gpt_data_close(struct gpt_job *j)
{
    sw__token_set_free(&j->set);
    sw__token_set_free(&j->second);
    sw__alphabet_free(&j->alphabet);
    sw_tokenizer_destroy(j->tokenizer);
    free(j->text_bytes);
}

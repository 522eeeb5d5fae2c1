/* The pipeline of tokenizer.json (huggingface/tokenizers): normalizer, pre_tokenizer, post_processor, decoder.
 *
 * SentencePiece's way with spaces is written there as steps on U+2581: Prepend and Replace, or Metaspace.  Here spaces
 * stay spaces, so these steps become flags, and in expressions behind them U+2581 becomes a space.  What is not known
 * is refused by its name: a wrong id is worse than none. */
#include <stdio.h>
#include <stdlib.h>
#include "text/hf_tokenizer.h"

#define LOW_LINE "\xe2\x96\x81" /* U+2581 */

static const json_t *sequence(const json_t *of, const char *key)
{
    return strcmp(sw__hf_text(of, "type", ""), "Sequence") == 0 ? json_object_get(of, key) : NULL;
}

static sw_status unknown(const struct sw_hf *h, const char *what, const json_t *of)
{
    return sw__hf_fail(h, SW_ERR_UNSUPPORTED, "%s '%.60s' is not known", what,
                       sw__hf_text(of, "type", "without a type"));
}

/* ---- normalizer ------------------------------------------------------------------------------------ */

static sw_status add_normaliser(struct sw_hf *h, enum sw_normaliser_kind kind, const char *from,
                                const char *to)
{
    if (h->t->normaliser.count == SW_NORMALISER_STEPS)
        return sw__hf_fail(h, SW_ERR_UNSUPPORTED, "a normalizer of more than %d steps",
                           SW_NORMALISER_STEPS);
    return sw__normaliser_add(&h->t->normaliser, kind, from, to)
               ? SW_OK
               : sw__hf_fail(h, SW_ERR_MEMORY, "out of memory");
}

static sw_status bert_normaliser(struct sw_hf *h, const json_t *n)
{
    struct sw_tokenizer *t = h->t;
    if (t->model != SW_MODEL_WORDPIECE) return unknown(h, "for BPE, normalizer", n);
    t->clean = sw__hf_flag(n, "clean_text", true);
    t->spread_chinese = sw__hf_flag(n, "handle_chinese_chars", true);
    t->lowercase = sw__hf_flag(n, "lowercase", true);
    t->strip_accents = sw__hf_flag(n, "strip_accents", t->lowercase);
    return SW_OK;
}

static sw_status replacement(struct sw_hf *h, const json_t *n)
{
    const char *from = sw__hf_text(json_object_get(n, "pattern"), "String", NULL);
    const char *to = sw__hf_text(n, "content", NULL);
    if (!from || !*from || !to)
        return sw__hf_fail(h, SW_ERR_UNSUPPORTED,
                           "normalizer Replace of other than a text by a text");
    if (h->spaces && strcmp(from, " ") == 0 && strcmp(to, LOW_LINE) == 0) return SW_OK;
    return add_normaliser(h, SW_NORMAL_REPLACE, from, to);
}

static sw_status normaliser(struct sw_hf *h, const json_t *n)
{
    static const char *const plain[] = {"NFC",  "NFD",       "NFKC",
                                        "NFKD", "Lowercase", "StripAccents"}; /* as the enum */
    const char *type = sw__hf_text(n, "type", "");
    sw_status status = SW_OK;
    const json_t *list = sequence(n, "normalizers");
    for (size_t i = 0; i < json_array_size(list) && status == SW_OK; i++)
        status = normaliser(h, json_array_get(list, i));
    if (list) return status;
    for (int i = 0; i < 6; i++)
        if (strcmp(type, plain[i]) == 0)
            return add_normaliser(h, (enum sw_normaliser_kind)i, NULL, NULL);
    if (strcmp(type, "BertNormalizer") == 0) return bert_normaliser(h, n);
    if (strcmp(type, "Replace") == 0) return replacement(h, n);
    if (strcmp(type, "Prepend") == 0) {
        const char *what = sw__hf_text(n, "prepend", "");
        if (!h->spaces || strcmp(what, LOW_LINE) != 0)
            return add_normaliser(h, SW_NORMAL_PREPEND, NULL, what);
        h->t->space_prefix = SW_PREFIX_ALWAYS;
        return SW_OK;
    }
    if (strcmp(type, "Strip") == 0) {
        if (sw__hf_flag(n, "strip_left", true))
            status = add_normaliser(h, SW_NORMAL_STRIP_LEFT, NULL, NULL);
        if (status == SW_OK && sw__hf_flag(n, "strip_right", true))
            status = add_normaliser(h, SW_NORMAL_STRIP_RIGHT, NULL, NULL);
        return status;
    }
    return unknown(h, "normalizer", n);
}

sw_status sw__hf_read_normalizer(struct sw_hf *h)
{
    const json_t *n = json_object_get(h->root, "normalizer");
    return json_is_object(n) ? normaliser(h, n) : SW_OK;
}

/* ---- pre_tokenizer --------------------------------------------------------------------------------- */

static bool keep_of(const char *behaviour, enum sw_split_keep *keep)
{
    static const char *const names[] = {"Isolated", "Removed", "MergedWithPrevious",
                                        "MergedWithNext", "Contiguous"};
    for (int i = 0; i < 5; i++)
        if (strcmp(behaviour, names[i]) == 0) {
            *keep = (enum sw_split_keep)i;
            return true;
        }
    return false;
}

/* The pattern with U+2581 as a space, a plain text with what is special escaped; NULL: out of memory. */
static char *expression(const char *pattern, bool plain, bool spaces)
{
    char *out = malloc(2 * strlen(pattern) + 1), *to = out;
    if (!out) return NULL;
    for (const char *s = pattern; *s; s++) {
        if (spaces && strncmp(s, LOW_LINE, 3) == 0) {
            *to++ = ' ';
            s += 2;
            continue;
        }
        if (plain && strchr("\\^$.[|()?*+{}-#", *s)) *to++ = '\\';
        *to++ = *s;
    }
    *to = 0;
    return out;
}

static sw_status split(struct sw_hf *h, const json_t *p)
{
    const json_t *pattern = json_object_get(p, "pattern");
    const char *regex = sw__hf_text(pattern, "Regex", NULL),
               *plain = sw__hf_text(pattern, "String", NULL);
    const char *behaviour = sw__hf_text(p, "behavior", "Isolated");
    enum sw_split_keep keep;
    if ((!regex && !plain) || !keep_of(behaviour, &keep))
        return sw__hf_fail(h, SW_ERR_UNSUPPORTED,
                           "Split without a pattern, or with behavior '%.40s'", behaviour);
    if (h->spaces) {
        if (plain && strcmp(plain, " ") == 0) return SW_OK; /* there are none any more */
        if (regex && (strchr(regex, ' ') || strstr(regex, "\\s") || strstr(regex, "\\S")))
            return sw__hf_fail(h, SW_ERR_UNSUPPORTED,
                               "Split at spaces behind a step that removes them");
    }
    char *text = expression(regex ? regex : plain, !regex, h->spaces);
    if (!text) return sw__hf_fail(h, SW_ERR_MEMORY, "out of memory");
    const sw_status status = sw__pre_tokenizer_add(h->ctx, h->name, &h->t->pre, text, keep,
                                                   sw__hf_flag(p, "invert", false));
    free(text);
    return status;
}

static sw_status byte_level(struct sw_hf *h, const json_t *p)
{
    if (sw__hf_flag(p, "add_prefix_space", true)) {
        if (h->t->pre.count)
            return sw__hf_fail(h, SW_ERR_UNSUPPORTED,
                               "ByteLevel with add_prefix_space behind other steps");
        h->t->space_prefix = SW_PREFIX_UNLESS_SPACE;
    }
    if (!sw__hf_flag(p, "use_regex", true)) return SW_OK;
    return sw__pre_tokenizer_add(h->ctx, h->name, &h->t->pre, sw__pre_name("gpt-2", 5)->pattern[0],
                                 SW_SPLIT_ISOLATED, false);
}

static sw_status metaspace(struct sw_hf *h, const json_t *p)
{
    const char *scheme = sw__hf_text(p, "prepend_scheme",
                                     sw__hf_flag(p, "add_prefix_space", true) ? "always" : "never");
    if (strcmp(sw__hf_text(p, "replacement", LOW_LINE), LOW_LINE) != 0)
        return sw__hf_fail(h, SW_ERR_UNSUPPORTED, "Metaspace with another replacement than U+2581");
    if (strcmp(scheme, "always") == 0)
        h->t->space_prefix = SW_PREFIX_UNLESS_SPACE;
    else if (strcmp(scheme, "first") == 0)
        h->t->space_prefix = SW_PREFIX_FIRST;
    else if (strcmp(scheme, "never") != 0)
        return sw__hf_fail(h, SW_ERR_UNSUPPORTED, "Metaspace with prepend_scheme '%.40s'", scheme);
    if (sw__hf_flag(p, "split", true)) h->t->spaces = SW_SPACES_EACH;
    return SW_OK;
}

static sw_status add_regex(struct sw_hf *h, const char *pattern, enum sw_split_keep keep,
                           bool invert)
{
    return sw__pre_tokenizer_add(h->ctx, h->name, &h->t->pre, pattern, keep, invert);
}

static sw_status pre_tokenizer(struct sw_hf *h, const json_t *p)
{
    const char *type = sw__hf_text(p, "type", "");
    sw_status status = SW_OK;
    enum sw_split_keep keep;
    const json_t *list = sequence(p, "pretokenizers");
    for (size_t i = 0; i < json_array_size(list) && status == SW_OK; i++)
        status = pre_tokenizer(h, json_array_get(list, i));
    if (list) return status;
    if (strcmp(type, "BertPreTokenizer") == 0 && h->t->model == SW_MODEL_WORDPIECE) return SW_OK;
    if (h->t->model == SW_MODEL_WORDPIECE) return unknown(h, "for WordPiece, pre_tokenizer", p);
    if (strcmp(type, "Split") == 0) return split(h, p);
    if (strcmp(type, "ByteLevel") == 0) return byte_level(h, p);
    if (strcmp(type, "Metaspace") == 0) return metaspace(h, p);
    if (strcmp(type, "Digits") == 0)
        return add_regex(h, sw__hf_flag(p, "individual_digits", false) ? "\\p{N}" : "\\p{N}+",
                         SW_SPLIT_ISOLATED, false);
    if (strcmp(type, "Punctuation") == 0 && keep_of(sw__hf_text(p, "behavior", "Isolated"), &keep))
        return add_regex(h, "[\\p{P}!-/:-@\\[-`{-~]", keep, false);
    if (strcmp(type, "Whitespace") == 0)
        return add_regex(h, "\\w+|[^\\w\\s]+", SW_SPLIT_REMOVED, true);
    if (strcmp(type, "WhitespaceSplit") == 0) return add_regex(h, "\\s", SW_SPLIT_REMOVED, false);
    return unknown(h, "pre_tokenizer", p);
}

sw_status sw__hf_read_pre_tokenizer(struct sw_hf *h)
{
    const json_t *p = json_object_get(h->root, "pre_tokenizer");
    if (json_is_object(p)) return pre_tokenizer(h, p);
    if (h->t->model != SW_MODEL_WORDPIECE) return SW_OK;
    return sw__hf_fail(h, SW_ERR_UNSUPPORTED, "WordPiece without a pre_tokenizer");
}

/* ---- post_processor: what begins and ends a text ----------------------------------------------------- */

static sw_status put_around(struct sw_hf *h, const char *token, bool before)
{
    const int32_t id = token ? sw__hf_find(h, token) : -1;
    if (id < 0)
        return sw__hf_fail(h, SW_ERR_FORMAT, "post_processor: '%.60s' is no token",
                           token ? token : "");
    if (before ? h->t->add_bos : h->t->add_eos)
        return sw__hf_fail(h, SW_ERR_UNSUPPORTED, "post_processor puts several tokens %s a text",
                           before ? "before" : "behind");
    *(before ? &h->t->bos : &h->t->eos) = id;
    *(before ? &h->t->add_bos : &h->t->add_eos) = true;
    return SW_OK;
}

static sw_status template(struct sw_hf *h, const json_t *p)
{
    const json_t *single = json_object_get(p, "single"),
                 *special = json_object_get(p, "special_tokens");
    bool before = true;
    sw_status status = SW_OK;
    for (size_t i = 0; i < json_array_size(single) && status == SW_OK; i++) {
        const json_t *piece = json_array_get(single, i);
        if (json_object_get(piece, "Sequence")) {
            before = false;
            continue;
        }
        const char *id = sw__hf_text(json_object_get(piece, "SpecialToken"), "id", "");
        const json_t *tokens = json_object_get(json_object_get(special, id), "tokens");
        if (json_array_size(tokens) > 1)
            return sw__hf_fail(h, SW_ERR_UNSUPPORTED, "post_processor: '%.60s' is several tokens",
                               id);
        status = put_around(h, tokens ? json_string_value(json_array_get(tokens, 0)) : id, before);
    }
    return status;
}

/* BertProcessing, RobertaProcessing: "cls": [token, id], "sep": [token, id] */
static sw_status pair(struct sw_hf *h, const json_t *p)
{
    const char *cls = json_string_value(json_array_get(json_object_get(p, "cls"), 0));
    const char *sep = json_string_value(json_array_get(json_object_get(p, "sep"), 0));
    const sw_status status = put_around(h, cls, true);
    return status == SW_OK ? put_around(h, sep, false) : status;
}

static sw_status post_processor(struct sw_hf *h, const json_t *p)
{
    const char *type = sw__hf_text(p, "type", "");
    const json_t *list = sequence(p, "processors");
    sw_status status = SW_OK;
    for (size_t i = 0; i < json_array_size(list) && status == SW_OK; i++)
        status = post_processor(h, json_array_get(list, i));
    if (list || strcmp(type, "ByteLevel") == 0)
        return status; /* ByteLevel moves offsets, not ids */
    if (strcmp(type, "TemplateProcessing") == 0) return template(h, p);
    if (strcmp(type, "BertProcessing") == 0 || strcmp(type, "RobertaProcessing") == 0)
        return pair(h, p);
    return unknown(h, "post_processor", p);
}

sw_status sw__hf_read_post_processor(struct sw_hf *h)
{
    const json_t *p = json_object_get(h->root, "post_processor");
    return json_is_object(p) ? post_processor(h, p) : SW_OK;
}

/* ---- decoder: what a token stands for follows from the model; here only names are checked -------------- */

static sw_status decoder(struct sw_hf *h, const json_t *d)
{
    static const char *const known[] = {"ByteLevel",    "WordPiece", "Metaspace", "Replace",
                                        "ByteFallback", "Fuse",      "Strip"};
    const json_t *list = sequence(d, "decoders");
    sw_status status = SW_OK;
    for (size_t i = 0; i < json_array_size(list) && status == SW_OK; i++)
        status = decoder(h, json_array_get(list, i));
    if (list) return status;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(sw__hf_text(d, "type", ""), known[i]) == 0) return SW_OK;
    return unknown(h, "decoder", d);
}

sw_status sw__hf_read_decoder(struct sw_hf *h)
{
    const json_t *d = json_object_get(h->root, "decoder");
    return json_is_object(d) ? decoder(h, d) : SW_OK;
}

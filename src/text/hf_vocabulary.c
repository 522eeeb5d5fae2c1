/* tokenizer.json of Hugging Face (huggingface/tokenizers): model, vocabulary, merges, added tokens.
 *
 * Models BPE (byte-level, or of characters with byte_fallback) and WordPiece.  A folder's tokenizer_config.json and
 * generation_config.json say which tokens begin and end a text where tokenizer.json does not.  Left out: Unigram and
 * WordLevel, dropout, prefixes and suffixes of words; refused by name. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/context_int.h"
#include "base/memory.h"
#include "format/json_read.h"
#include "text/hf_tokenizer.h"

sw_status sw__hf_fail(const struct sw_hf *h, sw_status status, const char *format, ...)
{
    char text[384];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return sw__fail(h->ctx, status, "%s: %s", h->name, text);
}

const char *sw__hf_text(const json_t *object, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : otherwise;
}

bool sw__hf_flag(const json_t *object, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_boolean(value) ? json_boolean_value(value) : otherwise;
}

int32_t sw__hf_find(const struct sw_hf *h, const char *text)
{
    const json_t *id = json_object_get(json_object_get(json_object_get(h->root, "model"), "vocab"),
                                       text);
    if (json_is_integer(id)) return (int32_t)json_integer_value(id);
    for (int64_t i = 0; i < h->tokens; i++)
        if (h->token[i].added && strcmp(h->token[i].text, text) == 0) return (int32_t)i;
    return -1;
}

/* ---- which token has which id ------------------------------------------------------------------------ */

static sw_status place(struct sw_hf *h, const json_t *id, const char *text, size_t bytes)
{
    const json_int_t i = json_is_integer(id) ? json_integer_value(id) : -1;
    if (i < 0 || i >= h->tokens)
        return sw__hf_fail(h, SW_ERR_FORMAT, "token '%.60s': its id is no number below %lld", text,
                           (long long)h->tokens);
    if (bytes > SW_TOKEN_BYTES - 2)
        return sw__hf_fail(h, SW_ERR_FORMAT, "token %lld has %zu bytes", (long long)i, bytes);
    struct sw_hf_token *t = &h->token[i];
    if (t->text && strcmp(t->text, text) != 0)
        return sw__hf_fail(h, SW_ERR_FORMAT, "tokens '%.60s' and '%.60s' both have id %lld",
                           t->text, text, (long long)i);
    t->text = text;
    t->bytes = bytes;
    if (!t->kind) t->kind = SW_TOKEN_NORMAL;
    return SW_OK;
}

static sw_status place_added(struct sw_hf *h, const json_t *a)
{
    const json_t *content = json_object_get(a, "content"), *id = json_object_get(a, "id");
    if (!json_is_string(content) || !json_string_length(content))
        return sw__hf_fail(h, SW_ERR_FORMAT, "an added token without a text");
    const char *text = json_string_value(content);
    const sw_status status = place(h, id, text, json_string_length(content));
    if (status != SW_OK) return status;
    const json_t *other = json_object_get(
        json_object_get(json_object_get(h->root, "model"), "vocab"), text);
    if (other && !json_equal((json_t *)other, (json_t *)id))
        return sw__hf_fail(h, SW_ERR_FORMAT, "added token '%.60s' has two ids", text);
    struct sw_hf_token *t = &h->token[json_integer_value(id)];
    if (t->added) return sw__hf_fail(h, SW_ERR_FORMAT, "added token '%.60s' is there twice", text);
    t->added = true;
    t->kind = sw__hf_flag(a, "special", false) ? SW_TOKEN_CONTROL : SW_TOKEN_USER;
    const struct sw_added_token added = {.id = (int32_t)json_integer_value(id),
                                         .special = t->kind == SW_TOKEN_CONTROL,
                                         .lstrip = sw__hf_flag(a, "lstrip", false),
                                         .rstrip = sw__hf_flag(a, "rstrip", false),
                                         .single_word = sw__hf_flag(a, "single_word", false)};
    if (!sw__added_add(&h->t->added, added)) return sw__hf_fail(h, SW_ERR_MEMORY, "out of memory");
    if (!sw__hf_flag(a, "normalized", false) || !h->t->normaliser.count) return SW_OK;
    /* It would be looked for in the normalised text, as it is normalised: the same, if it stays what it is. */
    size_t size;
    char *same = sw__normalise(&h->t->normaliser, text, strlen(text), &size);
    const bool changes = same && (size != strlen(text) || memcmp(same, text, size) != 0);
    free(same);
    if (!same) return sw__hf_fail(h, SW_ERR_MEMORY, "out of memory");
    return changes ? sw__hf_fail(h, SW_ERR_UNSUPPORTED,
                                 "added token '%.60s' is changed by the normalizer", text)
                   : SW_OK;
}

static sw_status place_all(struct sw_hf *h)
{
    const json_t *vocab = json_object_get(json_object_get(h->root, "model"), "vocab");
    const json_t *added = json_object_get(h->root, "added_tokens");
    if (!json_is_object(vocab)) return sw__hf_fail(h, SW_ERR_FORMAT, "model.vocab is no object");
    if (added && !json_is_array(added))
        return sw__hf_fail(h, SW_ERR_FORMAT, "added_tokens is no list");
    const size_t names = json_object_size(vocab) + json_array_size(added);
    json_int_t most = -1; /* ids may have holes, but not more than tokens */
    const char *text;
    json_t *id;
    json_object_foreach((json_t *)vocab, text, id)
    {
        if (json_is_integer(id) && json_integer_value(id) > most) most = json_integer_value(id);
    }
    for (size_t i = 0; i < json_array_size(added); i++) {
        id = json_object_get(json_array_get(added, i), "id");
        if (json_is_integer(id) && json_integer_value(id) > most) most = json_integer_value(id);
    }
    if (most >= SW_TOKENS || (uint64_t)(most + 1) > 2 * names + 1024)
        return sw__hf_fail(h, SW_ERR_FORMAT, "id %lld in a vocabulary of %zu tokens",
                           (long long)most, names);
    h->tokens = most + 1;
    h->token = sw__calloc2((size_t)h->tokens + 1, sizeof *h->token);
    if (!h->token) return sw__hf_fail(h, SW_ERR_MEMORY, "out of memory");
    sw_status status = SW_OK;
    json_object_foreach((json_t *)vocab, text, id)
    {
        status = place(h, id, text, strlen(text));
        if (status != SW_OK) return status;
    }
    for (size_t i = 0; i < json_array_size(added) && status == SW_OK; i++)
        status = place_added(h, json_array_get(added, i));
    return status;
}

/* ---- tokens and merges ------------------------------------------------------------------------------- */

static sw_status add_tokens(struct sw_hf *h, bool byte_fallback)
{
    struct sw_tokenizer *t = h->t;
    char *room = malloc(SW_TOKEN_BYTES);
    bool good = room != NULL;
    for (int32_t id = 0; id < h->tokens && good; id++) {
        enum sw_token_kind kind = h->token[id].text ? h->token[id].kind : SW_TOKEN_UNUSED;
        size_t bytes = h->token[id].bytes;
        if (bytes) memcpy(room, h->token[id].text, bytes);
        const int byte = byte_fallback && kind == SW_TOKEN_NORMAL ? sw__token_of_byte(room, bytes)
                                                                  : -1;
        if (byte >= 0) {
            kind = SW_TOKEN_BYTE;
            *room = (char)byte;
            bytes = 1;
            t->byte_token[byte] = id;
        } else if (kind == SW_TOKEN_NORMAL && t->model == SW_MODEL_BYTES) {
            const int64_t n = sw__byte_alphabet_decode(room, bytes, room);
            if (n < 0) kind = SW_TOKEN_UNUSED;
            if (n >= 0) bytes = (size_t)n;
            if (n == 1) t->byte_token[(unsigned char)*room] = id;
        } else if (kind == SW_TOKEN_NORMAL && h->spaces) {
            sw__token_put_spaces(room, &bytes);
        }
        good = sw__vocabulary_add(&t->vocabulary, room, bytes, kind, 0);
    }
    free(room);
    return good ? SW_OK : sw__hf_fail(h, SW_ERR_MEMORY, "out of memory");
}

/* The token that the file writes so. */
static int32_t written(const struct sw_hf *h, const char *text, size_t bytes, char *room)
{
    int64_t n = -1;
    if (bytes > SW_TOKEN_BYTES) return -1;
    if (h->t->model == SW_MODEL_BYTES) {
        n = sw__byte_alphabet_decode(text, bytes, room);
    } else {
        size_t size = bytes;
        memcpy(room, text, bytes);
        if (h->spaces) sw__token_put_spaces(room, &size);
        n = (int64_t)size;
    }
    const int32_t id = n > 0 ? sw__vocabulary_find(&h->t->vocabulary, room, (size_t)n) : -1;
    return id >= 0 ? id : sw_token_find(h->t, text, bytes);
}

/* "a b", or ["a", "b"]: where both lie. */
static bool halves(const json_t *merge, const char *half[2], size_t bytes[2])
{
    const char *text = json_string_value(merge);
    if (text) {
        const char *space = strchr(text, ' ');
        if (!space) return false;
        half[0] = text;
        bytes[0] = (size_t)(space - text);
        half[1] = space + 1;
    } else {
        half[0] = json_string_value(json_array_get(merge, 0));
        half[1] = json_string_value(json_array_get(merge, 1));
        if (json_array_size(merge) != 2 || !half[0] || !half[1]) return false;
        bytes[0] = strlen(half[0]);
    }
    bytes[1] = strlen(half[1]);
    return bytes[0] && bytes[1] && bytes[0] + bytes[1] <= SW_TOKEN_BYTES;
}

static sw_status add_merge(struct sw_hf *h, size_t i, const json_t *merge, char *room)
{
    const char *half[2];
    size_t bytes[2];
    char *both = room + SW_TOKEN_BYTES;
    if (!halves(merge, half, bytes))
        return sw__hf_fail(h, SW_ERR_FORMAT, "merge %zu is no pair of tokens", i);
    memcpy(both, half[0], bytes[0]);
    memcpy(both + bytes[0], half[1], bytes[1]);
    const int32_t left = written(h, half[0], bytes[0], room),
                  right = written(h, half[1], bytes[1], room);
    const int32_t merged = written(h, both, bytes[0] + bytes[1], room);
    if (left < 0 || right < 0 || merged < 0)
        return sw__hf_fail(h, SW_ERR_FORMAT, "merge %zu, '%.*s' and '%.*s': %s is no token", i,
                           (int)(bytes[0] < 40 ? bytes[0] : 40), half[0],
                           (int)(bytes[1] < 40 ? bytes[1] : 40), half[1],
                           left < 0    ? "the first"
                           : right < 0 ? "the second"
                                       : "what they become");
    sw__merges_add(&h->t->merges, left, right, (uint32_t)i, merged);
    return SW_OK;
}

static sw_status add_merges(struct sw_hf *h)
{
    const json_t *merges = json_object_get(json_object_get(h->root, "model"), "merges");
    if (!json_is_array(merges)) return sw__hf_fail(h, SW_ERR_FORMAT, "model.merges is no list");
    const size_t n = json_array_size(merges);
    char *room = malloc(2 * SW_TOKEN_BYTES);
    sw_status status = room && sw__merges_reserve(&h->t->merges, (int64_t)n)
                           ? SW_OK
                           : sw__hf_fail(h, SW_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < n && status == SW_OK; i++)
        status = add_merge(h, i, json_array_get(merges, i), room);
    free(room);
    return status;
}

/* ---- the model --------------------------------------------------------------------------------------- */

/* Whether a step of this type is anywhere in a part. */
static bool has(const json_t *part, const char *type)
{
    static const char *const lists[] = {"normalizers", "pretokenizers", "decoders"};
    if (!json_is_object(part)) return false;
    if (strcmp(sw__hf_text(part, "type", ""), type) == 0) return true;
    for (int k = 0; k < 3; k++) {
        const json_t *list = json_object_get(part, lists[k]);
        for (size_t i = 0; i < json_array_size(list); i++)
            if (strcmp(sw__hf_text(json_array_get(list, i), "type", ""), type) == 0) return true;
    }
    return false;
}

/* Whether a normaliser replaces spaces by U+2581. */
static bool replaces_spaces(const json_t *n)
{
    const json_t *list = json_object_get(n, "normalizers");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (replaces_spaces(json_array_get(list, i))) return true;
    return strcmp(sw__hf_text(n, "content", ""), "\xe2\x96\x81") == 0 &&
           strcmp(sw__hf_text(json_object_get(n, "pattern"), "String", ""), " ") == 0;
}

static sw_status read_bpe(struct sw_hf *h, const json_t *model)
{
    static const char *const affixes[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    for (int i = 0; i < 2; i++)
        if (*sw__hf_text(model, affixes[i], ""))
            return sw__hf_fail(h, SW_ERR_UNSUPPORTED, "BPE with %s", affixes[i]);
    if (json_number_value(json_object_get(model, "dropout")) > 0)
        return sw__hf_fail(h, SW_ERR_UNSUPPORTED, "BPE with dropout");
    h->t->whole_words = sw__hf_flag(model, "ignore_merges", false);
    h->t->fuse_unknown = sw__hf_flag(model, "fuse_unk", false);
    return SW_OK;
}

static sw_status read_wordpiece(struct sw_hf *h, const json_t *model)
{
    const json_t *most = json_object_get(model, "max_input_chars_per_word");
    if (strcmp(sw__hf_text(model, "continuing_subword_prefix", "##"), "##") != 0)
        return sw__hf_fail(h, SW_ERR_UNSUPPORTED, "WordPiece with another prefix than ##");
    h->t->word_characters = json_is_integer(most) && json_integer_value(most) > 0 &&
                                    json_integer_value(most) < INT32_MAX
                                ? (int)json_integer_value(most)
                                : 100;
    return SW_OK;
}

static sw_status read_unknown(struct sw_hf *h, const json_t *model)
{
    const char *text = sw__hf_text(model, "unk_token", NULL);
    if (!text) return SW_OK;
    h->t->unknown = sw__hf_find(h, text);
    return h->t->unknown >= 0
               ? SW_OK
               : sw__hf_fail(h, SW_ERR_FORMAT, "unk_token '%.60s' is no token", text);
}

static sw_status read_parts(struct sw_hf *h)
{
    const json_t *model = json_object_get(h->root, "model"),
                 *pre = json_object_get(h->root, "pre_tokenizer");
    const char *type = sw__hf_text(model, "type",
                                   json_object_get(model, "merges") ? "BPE" : "without a type");
    enum sw_token_model kind = SW_MODEL_WORDPIECE;
    if (strcmp(type, "BPE") == 0)
        kind = has(pre, "ByteLevel") || has(json_object_get(h->root, "decoder"), "ByteLevel")
                   ? SW_MODEL_BYTES
                   : SW_MODEL_TEXT;
    else if (strcmp(type, "WordPiece") != 0)
        return sw__hf_fail(h, SW_ERR_UNSUPPORTED,
                           "model '%.60s' is not known; BPE and WordPiece are", type);
    h->t = sw__tokenizer_new(kind);
    if (!h->t) return sw__hf_fail(h, SW_ERR_MEMORY, "out of memory");
    h->spaces = kind == SW_MODEL_TEXT &&
                (has(pre, "Metaspace") || replaces_spaces(json_object_get(h->root, "normalizer")));
    sw_status status = kind == SW_MODEL_WORDPIECE ? read_wordpiece(h, model) : read_bpe(h, model);
    if (status == SW_OK) status = sw__hf_read_normalizer(h);
    if (status == SW_OK) status = sw__hf_read_pre_tokenizer(h);
    if (status == SW_OK) status = sw__hf_read_decoder(h);
    if (status == SW_OK) status = place_all(h);
    if (status == SW_OK) status = read_unknown(h, model);
    if (status == SW_OK) status = sw__hf_read_post_processor(h);
    if (status == SW_OK)
        status = add_tokens(h, kind == SW_MODEL_TEXT && sw__hf_flag(model, "byte_fallback", false));
    return status;
}

/* ---- what lies beside --------------------------------------------------------------------------------- */

/* "<s>", or {"content": "<s>", ...} */
static int32_t named(const struct sw_hf *h, const json_t *config, const char *key)
{
    const json_t *value = json_object_get(config, key);
    const char *text = json_is_object(value) ? sw__hf_text(value, "content", NULL)
                                             : json_string_value(value);
    return text ? sw__hf_find(h, text) : -1;
}

static void use_config(struct sw_hf *h, const json_t *config)
{
    struct sw_tokenizer *t = h->t;
    const int32_t bos = named(h, config, "bos_token"), eos = named(h, config, "eos_token");
    if (t->bos < 0) t->bos = bos;
    if (t->eos < 0) t->eos = eos;
    if (t->bos >= 0) t->add_bos = sw__hf_flag(config, "add_bos_token", t->add_bos);
    if (t->eos >= 0) t->add_eos = sw__hf_flag(config, "add_eos_token", t->add_eos);
}

static void use_generation(struct sw_hf *h, const json_t *config)
{
    const json_t *ids = json_object_get(config, "eos_token_id");
    const size_t n = json_is_array(ids) ? json_array_size(ids) : json_is_integer(ids);
    for (size_t i = 0; i < n; i++) {
        const json_t *id = json_is_array(ids) ? json_array_get(ids, i) : ids;
        const json_int_t at = json_is_integer(id) ? json_integer_value(id) : -1;
        if (at >= 0 && at < h->t->vocabulary.count) h->t->ends[at] = 1;
    }
}

/* A file beside tokenizer.json; *out NULL: there is none. */
static sw_status beside(const struct sw_hf *h, const char *folder, const char *file, json_t **out)
{
    struct sw_json_error error;
    struct sw_mapping map;
    char path[1024];
    *out = NULL;
    if (!folder || snprintf(path, sizeof path, "%s/%s", folder, file) >= (int)sizeof path)
        return SW_OK;
    if (sw__map_file(path, &map) != SW_OK) return SW_OK;
    const sw_status status = sw__json_read((const char *)map.data, map.size, out, &error);
    sw__unmap_file(&map);
    return status == SW_OK
               ? SW_OK
               : sw__fail(h->ctx, status, "%s: offset %zu: %s", path, error.offset, error.why);
}

sw_status sw__tokenizer_from_hf(sw_context *ctx, const char *name, const char *folder,
                                const uint8_t *data, size_t size, struct sw_tokenizer **out)
{
    struct sw_hf h = {.ctx = ctx, .name = name};
    struct sw_json_error error;
    json_t *config = NULL, *generation = NULL;
    *out = NULL;
    sw_status status = sw__json_read((const char *)data, size, &h.root, &error);
    if (status != SW_OK)
        return sw__fail(ctx, status, "%s: offset %zu: %s", name, error.offset, error.why);
    if (!json_is_object(json_object_get(h.root, "model")))
        status = sw__hf_fail(&h, SW_ERR_FORMAT, "no tokenizer.json: there is no model in it");
    if (status == SW_OK) status = beside(&h, folder, "tokenizer_config.json", &config);
    if (status == SW_OK) status = beside(&h, folder, "generation_config.json", &generation);
    if (status == SW_OK) status = read_parts(&h);
    if (status == SW_OK) use_config(&h, config);
    if (status == SW_OK) status = sw__tokenizer_finish(ctx, name, h.t);
    if (status == SW_OK) use_generation(&h, generation);
    if (status == SW_OK && h.t->model != SW_MODEL_WORDPIECE) status = add_merges(&h);
    if (status == SW_OK)
        *out = h.t;
    else
        sw_tokenizer_destroy(h.t);
    free(h.token);
    json_decref(config);
    json_decref(generation);
    json_decref(h.root);
    return status;
}

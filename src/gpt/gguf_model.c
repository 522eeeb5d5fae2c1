/* Language models in GGUF: sizes from the metadata, weights where they lie in the mapped file.
 *
 * Keys begin with the architecture's name ("llama.block_count"); what an architecture does not say has
 * the default of the format's description.  Vectors (norms, biases) are read as f32 whatever they are
 * stored in. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/context_int.h"
#include "base/size.h"
#include "format/gguf.h"
#include "gpt/gpt_int.h"
#include "graph/weights_int.h"

enum { KEY = 128, NAME = 32 };

struct reader {
    sw_model *m;
    const struct sw_gguf *f;
    char name[NAME]; /* of the architecture */
    const char *missing;
};

static const char *key(const struct reader *r, const char *what, char out[KEY])
{
    snprintf(out, KEY, "%s.%s", r->name, what);
    return out;
}

static int64_t integer(const struct reader *r, const char *what, int64_t otherwise)
{
    char k[KEY];
    int64_t v;
    if (sw__gguf_integer(r->f, key(r, what, k), &v)) return v;
    /* Some files say it for each layer: then all must be the same. */
    if (!sw__gguf_array_integer(r->f, k, 0, &v)) return otherwise;
    const int64_t n = sw__gguf_array(r->f, k, NULL);
    for (int64_t i = 1, w; i < n; i++)
        if (!sw__gguf_array_integer(r->f, k, i, &w) || w != v) return -1;
    return v;
}

static int64_t needed(struct reader *r, const char *what)
{
    const int64_t v = integer(r, what, INT64_MIN);
    if (v == INT64_MIN && !r->missing) r->missing = what;
    return v;
}

static bool truth(const struct reader *r, const char *what, bool otherwise)
{
    char k[KEY];
    bool v;
    return sw__gguf_bool(r->f, key(r, what, k), &v) ? v : otherwise;
}

static float real(const struct reader *r, const char *what, float otherwise)
{
    char k[KEY];
    double v;
    return sw__gguf_real(r->f, key(r, what, k), &v) ? (float)v : otherwise;
}

static bool text_is(const struct reader *r, const char *what, const char *value)
{
    char k[KEY];
    const char *text;
    size_t bytes;
    return sw__gguf_string(r->f, key(r, what, k), &text, &bytes) && bytes == strlen(value) &&
           memcmp(text, value, bytes) == 0;
}

/* ---- sizes ------------------------------------------------------------------------------------- */

static sw_status find_architecture(struct reader *r)
{
    sw_model *m = r->m;
    char known[256] = "";
    const char *text;
    size_t bytes;
    if (!sw__gguf_string(r->f, "general.architecture", &text, &bytes))
        return sw__fail(m->ctx, SW_ERR_FORMAT, "%s: does not say its general.architecture",
                        m->path);
    snprintf(r->name, sizeof r->name, "%.*s", (int)sw__min64((int64_t)bytes, NAME - 1), text);
    m->net.architecture = bytes < NAME ? sw__gpt_architecture(r->name) : NULL;
    if (m->net.architecture) return SW_OK;
    for (int i = 0; sw__gpt_architecture_at(i); i++) {
        const size_t at = strlen(known);
        snprintf(known + at, sizeof known - at, "%s%s", i ? ", " : "",
                 sw__gpt_architecture_at(i)->name);
    }
    return sw__fail(m->ctx, SW_ERR_UNSUPPORTED,
                    "%s: the architecture '%s' is not known; these are: %s", m->path, r->name,
                    known);
}

/* Linear scaling divides positions; factors of Llama 3 and the long ones are tensors.  Others are refused. */
static sw_status read_rope(struct reader *r)
{
    sw_model *m = r->m;
    struct sw_gpt_sizes *z = &m->net.z;
    char k[KEY];
    const char *text;
    size_t bytes;
    z->pairing = m->net.architecture->pairing;
    z->rope_dims = integer(r, "rope.dimension_count", m->net.architecture->learned ? 0 : z->head);
    z->rope_base = real(r, "rope.freq_base", 10000);
    z->rope_scale = 1;
    const float factor = real(r, "rope.scaling.factor", real(r, "rope.scale_linear", 1));
    const bool said = sw__gguf_string(r->f, key(r, "rope.scaling.type", k), &text, &bytes);
    if (!said || text_is(r, "rope.scaling.type", "linear")) {
        if (factor != 1) z->rope_scale = 1 / factor;
    } else if (text_is(r, "rope.scaling.type", "yarn")) {
        z->yarn_factor = factor;
        z->yarn_original = integer(r, "rope.scaling.original_context_length", 0);
        z->yarn_magnitude = real(r, "rope.scaling.attn_factor", 0);
        if (z->yarn_magnitude > 0) z->yarn_magnitude *= 1 + 0.1f * logf(factor);
    } else if (!text_is(r, "rope.scaling.type", "none") &&
               !text_is(r, "rope.scaling.type", "longrope") && factor != 1) {
        return sw__fail(m->ctx, SW_ERR_UNSUPPORTED,
                        "%s: rope scaling of the kind '%.*s' is not known", m->path,
                        (int)sw__min64((int64_t)bytes, 32), text);
    }
    if (sw__gguf_find_tensor(r->f, "rope_factors_long.weight")) {
        z->long_original = integer(r, "rope.scaling.original_context_length", z->context);
        z->long_magnitude = real(r, "rope.scaling.attn_factor", 1);
    }
    return SW_OK;
}

/* llama.cpp's numbers: 0 none, which says nothing here, 1 mean, 2 cls, 3 last, 4 a rank and no vector. */
static void read_pooling(const struct reader *r)
{
    static const sw_pooling kinds[] = {SW_POOLING_MODEL, SW_POOLING_MEAN, SW_POOLING_CLS,
                                       SW_POOLING_LAST};
    struct sw_gpt_pooling *p = &r->m->net.pooling;
    const int64_t kind = integer(r, "pooling_type", 0);
    if (kind >= 0 && kind < 4)
        p->kind = kinds[kind];
    else if (kind == 4)
        snprintf(p->unknown, sizeof p->unknown, "rank");
    else
        snprintf(p->unknown, sizeof p->unknown, "%lld", (long long)kind);
}

static sw_status read_sizes(struct reader *r)
{
    sw_model *m = r->m;
    struct sw_gpt_sizes *z = &m->net.z;
    const struct sw_gguf_tensor *table = sw__gguf_find_tensor(r->f, "token_embd.weight");
    const struct sw_gguf_tensor *types = sw__gguf_find_tensor(r->f, "token_types.weight");
    z->layers = needed(r, "block_count");
    z->width = needed(r, "embedding_length");
    z->heads = needed(r, "attention.head_count");
    z->kv_heads = integer(r, "attention.head_count_kv", z->heads);
    z->hidden = needed(r, "feed_forward_length");
    z->context = needed(r, "context_length");
    if (m->net.architecture->experts) {
        z->experts = needed(r, "expert_count");
        z->chosen = needed(r, "expert_used_count");
        z->expert_hidden = integer(r, "expert_feed_forward_length", z->hidden);
    }
    if (r->missing)
        return sw__fail(m->ctx, SW_ERR_FORMAT, "%s: does not say its %s.%s", m->path, r->name,
                        r->missing);
    z->head = integer(r, "attention.key_length", z->heads > 0 ? z->width / z->heads : 0);
    if (integer(r, "attention.value_length", z->head) != z->head)
        return sw__fail(m->ctx, SW_ERR_UNSUPPORTED,
                        "%s: values of another size than keys are not known", m->path);
    z->vocabulary = table && table->shape.rank == 2 ? table->shape.dim[0] : 0;
    z->types = types && types->shape.rank == 2 ? types->shape.dim[0] : 0;
    z->both_ways = !truth(r, "attention.causal", !m->net.architecture->encoder);
    read_pooling(r);
    if (z->heads > 0 && z->width % z->heads != 0 && m->net.architecture->encoder)
        return sw__fail(m->ctx, SW_ERR_FORMAT, "%s: %lld features are no multiple of %lld heads",
                        m->path, (long long)z->width, (long long)z->heads);
    z->eps = m->net.architecture->layernorm ? real(r, "attention.layer_norm_epsilon", 1e-5f)
                                            : real(r, "attention.layer_norm_rms_epsilon", 1e-5f);
    z->window = integer(r, "attention.sliding_window", 0);
    z->attention_softcap = real(r, "attn_logit_softcapping", 0);
    z->logit_softcap = real(r, "final_logit_softcapping", 0);
    sw_status status = read_rope(r);
    if (status == SW_OK && m->net.architecture->adjust) m->net.architecture->adjust(z);
    return status;
}

/* ---- weights ----------------------------------------------------------------------------------- */

static sw_status add_tensor(sw_model *m, const struct sw_gguf_tensor *t)
{
    sw_weight *w;
    const bool bias = strlen(t->name) > 5 && strcmp(t->name + strlen(t->name) - 5, ".bias") == 0;
    if ((t->shape.rank > 1 && !bias) || t->dtype == SW_F32)
        return sw_weights_add_mapped(m->net.ws, t->name, t->dtype, t->shape, t->data, &w);
    sw_status status = sw_weights_add(m->net.ws, t->name, SW_F32, t->shape, &w);
    if (status != SW_OK) return status;
    return sw_convert(sw_weight_tensor(w).data, SW_F32, t->data, t->dtype,
                      sw_shape_elements(&t->shape));
}

static sw_status add_weights(struct reader *r)
{
    sw_status status = SW_OK;
    for (int64_t i = 0; status == SW_OK && i < sw__gguf_tensors(r->f); i++)
        status = add_tensor(r->m, sw__gguf_tensor(r->f, i));
    return status;
}

sw_status sw__gpt_adopt(sw_weights *ws, struct sw_gguf *f)
{
    struct sw_mapping map;
    sw_status status = SW_OK;
    while (status == SW_OK && sw__gguf_take_map(f, &map)) {
        status = sw__weights_adopt(ws, map);
        if (status != SW_OK) sw__unmap_file(&map);
    }
    return status;
}

/* How turns of a conversation are written: kept for other files. */
static sw_status read_chat_template(struct reader *r)
{
    const char *text;
    size_t bytes;
    if (!sw__gguf_string(r->f, "tokenizer.chat_template", &text, &bytes)) return SW_OK;
    r->m->chat_template = sw__calloc2(bytes + 1, 1);
    if (!r->m->chat_template) return sw__fail(r->m->ctx, SW_ERR_MEMORY, "out of memory");
    memcpy(r->m->chat_template, text, bytes);
    return SW_OK;
}

sw_status sw__gpt_open_gguf(sw_model *m)
{
    struct sw_gguf *f;
    struct reader r = {.m = m};
    sw_status status = sw__gguf_open(m->ctx, m->path, &f);
    if (status != SW_OK) return status;
    r.f = f;
    status = find_architecture(&r);
    if (status == SW_OK) status = read_sizes(&r);
    if (status == SW_OK) status = sw__gpt_check_sizes(m->ctx, m->path, &m->net.z);
    if (status == SW_OK) status = add_weights(&r);
    if (status == SW_OK && m->weights_only) status = read_chat_template(&r);
    if (status == SW_OK) status = sw__gpt_adopt(m->net.ws, f);
    m->brings_tokenizer = sw__gguf_find(f, "tokenizer.ggml.model") != NULL;
    sw__gguf_close(f);
    return status;
}

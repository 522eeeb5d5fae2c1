/* Language models in Hugging Face's folders: config.json, and safetensors in one file or in several with
 * model.safetensors.index.json.  Sizes become ours, tensors get GGUF's names (hf_names.c): the same builders make
 * the same networks.
 *
 * What differs from GGUF: rope turns (i, i + HS/2) in Llama too; Gemma's norms lack their 1; matrices of
 * GPT-2 lie transposed (in,out) and are turned while they are read; Llama 3's scaling is said by four
 * numbers.  Left out: quantised folders (GPTQ, AWQ), YaRN, pictures' parts of Gemma 3. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/context_int.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/size.h"
#include "format/json_read.h"
#include "format/safetensors.h"
#include "gpt/gpt_int.h"
#include "gpt/hf_names.h"
#include "gpt/hf_pooling.h"
#include "graph/weights_int.h"

enum { PATH = 4096, INDEX_LIMIT = 64 << 20 };

struct reader {
    sw_model *m;
    const json_t *config;
    const char *type; /* "model_type" */
    bool gpt2, gemma, bert;
    uint8_t *seen; /* (layers,3,experts): matrices of experts that were read */
    int64_t experts;
};

sw_status sw__hf_json(sw_model *m, const char *name, size_t limit, bool list, json_t **out)
{
    return sw__hf_json_in(m->ctx, m->path, name, limit, list, out);
}

sw_status sw__hf_json_in(sw_context *ctx, const char *folder, const char *name, size_t limit,
                         bool list, json_t **out)
{
    char path[PATH], *text = NULL;
    size_t size;
    struct sw_json_error why = {0};
    *out = NULL;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    sw_status status = sw__file_read(path, limit, &text, &size);
    if (status != SW_OK)
        return sw__fail(ctx, status, "%s: cannot read: %s", path,
                        status == SW_ERR_IO ? strerror(errno) : sw_status_text(status));
    status = sw__json_read(text, size, out, &why);
    free(text);
    if (status == SW_OK && (list ? json_is_array(*out) : json_is_object(*out))) return SW_OK;
    json_decref(*out);
    *out = NULL;
    return sw__fail(ctx, status == SW_OK ? SW_ERR_FORMAT : status, "%s: offset %zu: %s", path,
                    why.offset,
                    status != SW_OK ? why.why
                    : list          ? "no JSON array"
                                    : "no JSON object");
}

/* ---- config.json ------------------------------------------------------------------------------- */

static int64_t integer(const struct reader *r, const char *key, int64_t otherwise)
{
    const json_t *v = json_object_get(r->config, key);
    return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

static float real(const json_t *from, const char *key, float otherwise)
{
    const json_t *v = json_object_get(from, key);
    return json_is_number(v) ? (float)json_number_value(v) : otherwise;
}

static sw_status find_architecture(struct reader *r)
{
    static const char *const known[][2] = {
        {"llama", "llama"}, {"mistral", "llama"},     {"gpt2", "gpt2"}, {"qwen2", "qwen2"},
        {"qwen3", "qwen3"}, {"gemma2", "gemma2"},     {"phi3", "phi3"}, {"gemma3_text", "gemma3"},
        {"bert", "bert"},   {"qwen3_moe", "qwen3moe"}};
    sw_model *m = r->m;
    r->type = json_string_value(json_object_get(r->config, "model_type"));
    for (size_t i = 0; r->type && i < sizeof known / sizeof *known; i++)
        if (strcmp(r->type, known[i][0]) == 0)
            m->net.architecture = sw__gpt_architecture(known[i][1]);
    if (!m->net.architecture)
        return sw__fail(m->ctx, SW_ERR_UNSUPPORTED,
                        "%s: the model_type '%.32s' is not known; these are: llama, mistral, gpt2, "
                        "qwen2, qwen3, qwen3_moe, gemma2, gemma3_text, phi3, bert",
                        m->path, r->type ? r->type : "");
    if (json_object_get(r->config, "quantization_config"))
        return sw__fail(m->ctx, SW_ERR_UNSUPPORTED, "%s: quantised folders are not known", m->path);
    if (m->net.architecture->experts && !json_is_true(json_object_get(r->config, "norm_topk_prob")))
        return sw__fail(m->ctx, SW_ERR_UNSUPPORTED,
                        "%s: experts whose shares are not divided by their sum (norm_topk_prob)",
                        m->path);
    r->gpt2 = strcmp(m->net.architecture->name, "gpt2") == 0;
    r->bert = m->net.architecture->encoder;
    r->gemma = strncmp(m->net.architecture->name, "gemma", 5) == 0;
    return SW_OK;
}

/* Dubey et al. 2024, section 3.2, as Meta's code has it. */
float sw__gpt_llama3_factor(const struct sw_gpt_sizes *z, const struct sw_gpt_llama3 *l, int64_t i)
{
    const double turns = l->original / (2 * acos(-1)) *
                         pow((double)z->rope_base, -2. * (double)i / (double)z->rope_dims);
    const double smooth = (turns - l->low) / (l->high - l->low);
    return turns > l->high  ? 1
           : turns < l->low ? (float)l->factor
                            : (float)(1 / ((1 - smooth) / l->factor + smooth));
}

static sw_status add_llama3_factors(struct reader *r, const json_t *scaling)
{
    struct sw_gpt_sizes *z = &r->m->net.z;
    sw_weight *w;
    const struct sw_gpt_llama3 l = {
        .factor = (double)real(scaling, "factor", 8),
        .low = (double)real(scaling, "low_freq_factor", 1),
        .high = (double)real(scaling, "high_freq_factor", 4),
        .original = (double)real(scaling, "original_max_position_embeddings", 8192)};
    if (!(l.factor >= 1) || !(l.low > 0) || !(l.high > l.low) || !(l.original > 0))
        return sw__fail(r->m->ctx, SW_ERR_FORMAT, "%s: rope_scaling of llama3 makes no sense",
                        r->m->path);
    sw_status status = sw_weights_add(r->m->net.ws, "rope_freqs.weight", SW_F32,
                                      SW_SHAPE(z->rope_dims / 2), &w);
    if (status != SW_OK) return status;
    float *f = sw_weight_tensor(w).data;
    for (int64_t i = 0; i < z->rope_dims / 2; i++) f[i] = sw__gpt_llama3_factor(z, &l, i);
    return SW_OK;
}

/* Two sets of factors (Ding et al. 2024), as the tensors that GGUF has of them. */
static sw_status add_long_factors(struct reader *r, const json_t *scaling)
{
    static const char *const sets[][2] = {{"rope_factors_short.weight", "short_factor"},
                                          {"rope_factors_long.weight", "long_factor"}};
    sw_model *m = r->m;
    struct sw_gpt_sizes *z = &m->net.z;
    const json_t *original = json_object_get(scaling, "original_max_position_embeddings");
    z->long_original = json_is_integer(original)
                           ? json_integer_value(original)
                           : integer(r, "original_max_position_embeddings", z->context);
    if (z->long_original < 2 || z->long_original > z->context)
        return sw__fail(m->ctx, SW_ERR_FORMAT, "%s: LongRoPE from %lld of %lld positions", m->path,
                        (long long)z->long_original, (long long)z->context);
    z->long_magnitude = real(
        scaling, "attention_factor",
        sw__gpt_longrope_magnitude((double)z->context, (double)z->long_original));
    for (int i = 0; i < 2; i++) {
        sw_weight *w;
        const json_t *list = json_object_get(scaling, sets[i][1]);
        if ((int64_t)json_array_size(list) != z->rope_dims / 2)
            return sw__fail(m->ctx, SW_ERR_FORMAT, "%s: rope_scaling: %s has %zu numbers, not %lld",
                            m->path, sets[i][1], json_array_size(list),
                            (long long)(z->rope_dims / 2));
        sw_status status = sw_weights_add(m->net.ws, sets[i][0], SW_F32, SW_SHAPE(z->rope_dims / 2),
                                          &w);
        if (status != SW_OK) return status;
        for (int64_t k = 0; k < z->rope_dims / 2; k++) {
            const double x = json_number_value(json_array_get(list, (size_t)k));
            if (!(x > 0) || !(x < 1e6))
                return sw__fail(m->ctx, SW_ERR_FORMAT, "%s: rope_scaling: %s has %g", m->path,
                                sets[i][1], x);
            ((float *)sw_weight_tensor(w).data)[k] = (float)x;
        }
    }
    return SW_OK;
}

static sw_status read_rope(struct reader *r)
{
    sw_model *m = r->m;
    struct sw_gpt_sizes *z = &m->net.z;
    const json_t *scaling = json_object_get(r->config, "rope_scaling");
    const json_t *newer = json_object_get(r->config, "rope_parameters");
    if (json_is_object(newer)) scaling = newer;
    z->pairing = SW_ROPE_NEOX;
    z->rope_scale = 1;
    z->rope_base = real(r->config, "rope_theta", real(newer, "rope_theta", 10000));
    z->local_rope_base = real(r->config, "rope_local_base_freq", 0);
    z->rope_dims = m->net.architecture->learned ? 0 : z->head;
    const float part = real(r->config, "partial_rotary_factor", 1);
    if (part != 1 && (strcmp(r->type, "phi3") != 0 || !(part > 0) || !(part < 1)))
        return sw__fail(m->ctx, SW_ERR_UNSUPPORTED, "%s: a partial_rotary_factor of %g of %s",
                        m->path, (double)part, r->type);
    if (part != 1) z->rope_dims = (int64_t)(part * (float)z->head);
    if (!json_is_object(scaling)) return SW_OK;
    const char *kind = json_string_value(json_object_get(scaling, "rope_type"));
    if (!kind) kind = json_string_value(json_object_get(scaling, "type"));
    if (!kind || strcmp(kind, "default") == 0) return SW_OK;
    if (strcmp(kind, "llama3") == 0) return add_llama3_factors(r, scaling);
    if (strcmp(kind, "longrope") == 0 || strcmp(kind, "su") == 0)
        return add_long_factors(r, scaling);
    if (strcmp(kind, "linear") != 0)
        return sw__fail(m->ctx, SW_ERR_UNSUPPORTED, "%s: rope scaling '%.32s' is not known",
                        m->path, kind);
    z->rope_scale = 1 / real(scaling, "factor", 1);
    return SW_OK;
}

static void read_gpt2_sizes(const struct reader *r, struct sw_gpt_sizes *z)
{
    z->layers = integer(r, "n_layer", 0);
    z->width = integer(r, "n_embd", 0);
    z->heads = z->kv_heads = integer(r, "n_head", 0);
    z->hidden = integer(r, "n_inner", 4 * sw__min64(z->width, 1 << 20));
    z->context = integer(r, "n_positions", 0);
    z->eps = real(r->config, "layer_norm_epsilon", 1e-5f);
}

static void read_llama_sizes(const struct reader *r, struct sw_gpt_sizes *z)
{
    const struct sw_gpt_architecture *architecture = r->m->net.architecture;
    const float scalar = real(r->config, "query_pre_attn_scalar", 0);
    z->layers = integer(r, "num_hidden_layers", 0);
    z->width = integer(r, "hidden_size", 0);
    z->heads = integer(r, "num_attention_heads", 0);
    z->kv_heads = integer(r, "num_key_value_heads", z->heads);
    z->hidden = integer(r, "intermediate_size", 0);
    z->context = integer(r, "max_position_embeddings", 0);
    z->eps = real(r->config, "rms_norm_eps", 1e-6f);
    if (!json_is_false(json_object_get(r->config, "use_sliding_window")))
        z->window = sw__min64(integer(r, "sliding_window", 0), z->context);
    z->window_period = integer(r, "sliding_window_pattern", 0);
    z->attention_softcap = real(r->config, "attn_logit_softcapping", 0);
    z->logit_softcap = real(r->config, "final_logit_softcapping", 0);
    if (scalar > 0) z->attention_scale = 1 / sqrtf(scalar);
    if (!architecture->experts) return;
    z->experts = integer(r, "num_experts", 0);
    z->chosen = integer(r, "num_experts_per_tok", 0);
    z->expert_hidden = integer(r, "moe_intermediate_size", 0);
}

/* What makes another network of a BertModel. */
static sw_status check_bert(const struct reader *r)
{
    const struct sw_gpt_sizes *z = &r->m->net.z;
    const char *places = json_string_value(json_object_get(r->config, "position_embedding_type"));
    if (places && strcmp(places, "absolute") != 0)
        return sw__fail(r->m->ctx, SW_ERR_UNSUPPORTED,
                        "%s: positions of the kind '%.32s' are not known", r->m->path, places);
    if (json_is_true(json_object_get(r->config, "is_decoder")))
        return sw__fail(r->m->ctx, SW_ERR_UNSUPPORTED, "%s: a bert that decodes is not known",
                        r->m->path);
    if (z->heads > 0 && z->width % z->heads != 0)
        return sw__fail(r->m->ctx, SW_ERR_FORMAT, "%s: %lld features are no multiple of %lld heads",
                        r->m->path, (long long)z->width, (long long)z->heads);
    return SW_OK;
}

static sw_status read_sizes(struct reader *r)
{
    sw_model *m = r->m;
    struct sw_gpt_sizes *z = &m->net.z;
    sw_status status = SW_OK;
    const char *act = json_string_value(json_object_get(r->config, r->gpt2 ? "activation_function"
                                                                   : r->gemma ? "hidden_activation"
                                                                              : "hidden_act"));
    const char *expected = r->gpt2    ? "gelu_new"
                           : r->gemma ? "gelu_pytorch_tanh"
                           : r->bert  ? "gelu"
                                      : "silu";
    if (act && strcmp(act, expected) != 0)
        return sw__fail(m->ctx, SW_ERR_UNSUPPORTED, "%s: '%.32s' is not the activation of %s (%s)",
                        m->path, act, r->type, expected);
    if (r->gpt2)
        read_gpt2_sizes(r, z);
    else
        read_llama_sizes(r, z);
    if (r->bert) {
        z->eps = real(r->config, "layer_norm_eps", 1e-12f);
        z->types = integer(r, "type_vocab_size", 2);
        z->both_ways = true;
        status = check_bert(r);
    }
    if (status != SW_OK) return status;
    z->vocabulary = integer(r, "vocab_size", 0);
    z->head = integer(r, "head_dim", z->heads > 0 ? z->width / z->heads : 0);
    const float scale = z->attention_scale;
    if (m->net.architecture->adjust) m->net.architecture->adjust(z);
    if (scale > 0) z->attention_scale = scale;
    z->rope_base = z->rope_scale = 1;
    status = sw__gpt_check_sizes(m->ctx, m->path, z);
    if (status == SW_OK) status = read_rope(r);
    return status == SW_OK ? sw__gpt_check_sizes(m->ctx, m->path, z) : status;
}

/* ---- tensors ----------------------------------------------------------------------------------- */

/* (K,N) to (N,K). */
static void turn(uint8_t *to, const uint8_t *from, int64_t k, int64_t n, size_t bytes)
{
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j < n; j++)
            memcpy(to + (size_t)(j * k + i) * bytes, from + (size_t)(i * n + j) * bytes, bytes);
}

static sw_status add_tensor(struct reader *r, const char *name, const struct sw_safetensor *t,
                            const uint8_t *data)
{
    sw_weight *w;
    sw_weights *ws = r->m->net.ws;
    sw_shape shape = t->shape;
    const bool vector = shape.rank == 1;
    const bool turned = r->gpt2 && shape.rank == 2 && strncmp(name, "blk.", 4) == 0;
    if (t->dtype == SW_DTYPE_COUNT || !sw_dtype_get(t->dtype)->is_float)
        return sw__fail(r->m->ctx, SW_ERR_UNSUPPORTED, "%s: tensor '%.80s' is %s", r->m->path,
                        t->name, t->dtype_name);
    if (!vector && !turned && (uintptr_t)data % (size_t)t->element_bytes == 0)
        return sw_weights_add_mapped(ws, name, t->dtype, shape, data, &w);
    if (turned) {
        shape.dim[0] = t->shape.dim[1];
        shape.dim[1] = t->shape.dim[0];
    }
    sw_status status = sw_weights_add(ws, name, vector ? SW_F32 : t->dtype, shape, &w);
    if (status != SW_OK) return status;
    float *to = sw_weight_tensor(w).data;
    const int64_t n = sw_shape_elements(&shape);
    if (turned)
        turn((uint8_t *)to, data, t->shape.dim[0], t->shape.dim[1], (size_t)t->element_bytes);
    else if (!vector)
        memcpy(to, data, t->bytes);
    else
        status = sw_convert(to, SW_F32, data, t->dtype, n);
    const bool norm = strstr(name, "norm.weight") != NULL;
    for (int64_t i = 0; r->gemma && norm && vector && i < n; i++) to[i] += 1;
    return status;
}

/* "model.layers.3.mlp.experts.5.up_proj.weight": into blk.3.ffn_up_exps.weight, which all experts share.
 * *expert -1: it is none. */
static sw_status add_expert(struct reader *r, const struct sw_safetensor *t, const uint8_t *data,
                            long long *expert)
{
    const struct sw_gpt_sizes *z = &r->m->net.z;
    char kind[8] = "", name[SW_HF_NAME];
    unsigned layer;
    int used = 0;
    *expert = -1;
    if (!z->experts ||
        sscanf(t->name, "model.layers.%5u.mlp.experts.%5lld.%7[a-z]_proj.weight%n", &layer, expert,
               kind, &used) != 3 ||
        !used || t->name[used]) {
        *expert = -1;
        return SW_OK;
    }
    snprintf(name, sizeof name, "blk.%u.ffn_%s_exps.weight", layer, kind);
    static const char *const kinds[] = {"gate", "up", "down"};
    int k = 0;
    while (k < 3 && strcmp(kind, kinds[k]) != 0) k++;
    const sw_shape one = k == 2 ? SW_SHAPE(z->width, z->expert_hidden)
                                : SW_SHAPE(z->expert_hidden, z->width);
    const int64_t place = (3 * (int64_t)layer + k) * z->experts + *expert;
    if (!r->seen) r->seen = sw__calloc2((size_t)(3 * z->layers), (size_t)z->experts);
    if (!r->seen) return sw__fail(r->m->ctx, SW_ERR_MEMORY, "out of memory");
    if (k == 3 || layer >= z->layers || *expert < 0 || *expert >= z->experts || r->seen[place]++ ||
        !sw_shape_equal(&t->shape, &one) ||
        (t->dtype != SW_F32 && t->dtype != SW_F16 && t->dtype != SW_BF16))
        return sw__fail(r->m->ctx, SW_ERR_FORMAT, "%s: tensor '%.80s' is none of %lld experts",
                        r->m->path, t->name, (long long)z->experts);
    sw_weight *w = sw_weights_find(r->m->net.ws, name);
    sw_status status = SW_OK;
    if (!w)
        status = sw_weights_add(r->m->net.ws, name, t->dtype,
                                SW_SHAPE(z->experts, one.dim[0], one.dim[1]), &w);
    if (status != SW_OK) return status;
    const sw_tensor all = sw_weight_tensor(w);
    if (all.dtype != t->dtype)
        return sw__fail(r->m->ctx, SW_ERR_UNSUPPORTED, "%s: tensor '%.80s' is %s, others are not",
                        r->m->path, t->name, t->dtype_name);
    memcpy((char *)all.data + *expert * sw_shape_bytes(&one, t->dtype), data, t->bytes);
    r->experts++;
    return SW_OK;
}

static sw_status add_file(struct reader *r, const char *file)
{
    char path[PATH], name[SW_HF_NAME];
    struct sw_mapping map;
    struct sw_safetensors st;
    const bool tied = json_is_true(json_object_get(r->config, "tie_word_embeddings"));
    snprintf(path, sizeof path, "%s/%s", r->m->path, file);
    sw_status status = sw__safetensors_open(r->m->ctx, path, &map, &st);
    if (status != SW_OK) return status;
    for (int64_t i = 0; status == SW_OK && i < st.n; i++) {
        const struct sw_safetensor *t = &st.tensors[i];
        long long expert;
        status = add_expert(r, t, map.data + t->offset, &expert);
        if (status != SW_OK || expert >= 0) continue;
        const enum sw_hf_meaning meaning = sw__hf_name(t->name, r->gemma, name);
        if (meaning == SW_HF_LEFT_OUT || (tied && strcmp(name, "output.weight") == 0)) continue;
        if (meaning == SW_HF_UNKNOWN)
            status = sw__fail(r->m->ctx, SW_ERR_UNSUPPORTED,
                              "%s: tensor '%.80s' has no place in the architecture %s", path,
                              t->name, r->m->net.architecture->name);
        else
            status = add_tensor(r, name, t, map.data + t->offset);
    }
    sw__safetensors_free(&st);
    if (status == SW_OK) status = sw__weights_adopt(r->m->net.ws, map);
    if (status != SW_OK) sw__unmap_file(&map);
    return status;
}

/* All files that the index names, each once. */
static sw_status add_indexed(struct reader *r)
{
    json_t *index, *done = json_object();
    const char *tensor;
    json_t *file;
    sw_status status = sw__hf_json(r->m, "model.safetensors.index.json", INDEX_LIMIT, false,
                                   &index);
    if (status == SW_OK && !done) status = sw__fail(r->m->ctx, SW_ERR_MEMORY, "out of memory");
    json_object_foreach(json_object_get(index, "weight_map"), tensor, file)
    {
        const char *name = json_string_value(file);
        if (status != SW_OK) break;
        if (!name || strchr(name, '/'))
            status = sw__fail(r->m->ctx, SW_ERR_FORMAT, "%s: '%.80s' lies in no file of the folder",
                              r->m->path, tensor);
        else if (!json_object_get(done, name)) {
            status = json_object_set_new(done, name, json_true()) ? SW_ERR_MEMORY : SW_OK;
            if (status == SW_OK) status = add_file(r, name);
        }
    }
    json_decref(done);
    json_decref(index);
    return status;
}

/* How turns of a conversation are written: kept for other files. */
static sw_status read_chat_template(sw_model *m)
{
    char path[PATH];
    json_t *config;
    snprintf(path, sizeof path, "%s/tokenizer_config.json", m->path);
    if (sw__path_kind(path) != SW_PATH_FILE) return SW_OK;
    sw_status status = sw__hf_json(m, "tokenizer_config.json", INDEX_LIMIT, false, &config);
    if (status != SW_OK) return status;
    const char *text = json_string_value(json_object_get(config, "chat_template"));
    if (text) m->chat_template = strdup(text);
    json_decref(config);
    return text && !m->chat_template ? sw__fail(m->ctx, SW_ERR_MEMORY, "out of memory") : SW_OK;
}

sw_status sw__gpt_open_hf(sw_model *m)
{
    json_t *config;
    char path[PATH];
    struct reader r = {.m = m};
    sw_status status = sw__hf_json(m, "config.json", SW_HF_CONFIG, false, &config);
    if (status != SW_OK) return status;
    r.config = config;
    status = find_architecture(&r);
    if (status == SW_OK) status = read_sizes(&r);
    snprintf(path, sizeof path, "%s/model.safetensors", m->path);
    if (status == SW_OK)
        status = sw__path_kind(path) == SW_PATH_FILE ? add_file(&r, "model.safetensors")
                                                     : add_indexed(&r);
    if (status == SW_OK && (m->embeds || m->weights_only)) status = sw__hf_pooling(m);
    for (int i = 0; i < 2 && !m->brings_tokenizer; i++) {
        snprintf(path, sizeof path, "%s/%s", m->path, i ? "vocab.txt" : "tokenizer.json");
        m->brings_tokenizer = sw__path_kind(path) == SW_PATH_FILE;
    }
    if (status == SW_OK && r.experts != 3 * m->net.z.experts * m->net.z.layers)
        status = sw__fail(m->ctx, SW_ERR_FORMAT, "%s: %lld matrices of experts, not %lld", m->path,
                          (long long)r.experts,
                          (long long)(3 * m->net.z.experts * m->net.z.layers));
    if (status == SW_OK && m->weights_only) status = read_chat_template(m);
    free(r.seen);
    json_decref(config);
    return status;
}

/* config.json and a whole folder of Hugging Face (model_hf.h): sizes by transformers' names. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <swell/train.h>

#include "base/context_int.h"
#include "base/file.h"
#include "gpt/model_hf.h"
#include "text/tokenizer_int.h"

enum { PATH = 4096 };

static const struct kind {
    const char *architecture, *type, *class;
} kinds[] = {{"gpt2", "gpt2", "GPT2LMHeadModel"},
             {"llama", "llama", "LlamaForCausalLM"},
             {"qwen2", "qwen2", "Qwen2ForCausalLM"},
             {"qwen3", "qwen3", "Qwen3ForCausalLM"},
             {"qwen3moe", "qwen3_moe", "Qwen3MoeForCausalLM"},
             {"gemma2", "gemma2", "Gemma2ForCausalLM"},
             {"gemma3", "gemma3_text", "Gemma3ForCausalLM"},
             {"phi3", "phi3", "Phi3ForCausalLM"}};
static const struct kind mistral = {"llama", "mistral", "MistralForCausalLM"};

/* The shortest number that reads as this float. */
static json_t *real(float x)
{
    char text[32];
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)x);
        if (strtof(text, NULL) == x) break;
    }
    return json_real(strtod(text, NULL));
}

static void put_whole(json_t *c, const char *key, int64_t value)
{
    json_object_set_new(c, key, json_integer(value));
}

static void put_real_if(json_t *c, const char *key, float value)
{
    if (value > 0) json_object_set_new(c, key, real(value));
}

static void put_gpt2(json_t *c, const struct sw_gpt_sizes *z)
{
    put_whole(c, "n_layer", z->layers);
    put_whole(c, "n_embd", z->width);
    put_whole(c, "n_head", z->heads);
    put_whole(c, "n_inner", z->hidden);
    put_whole(c, "n_positions", z->context);
    put_whole(c, "n_ctx", z->context);
    put_real_if(c, "layer_norm_epsilon", z->eps);
    json_object_set_new(c, "activation_function", json_string("gelu_new"));
}

static void put_sizes(json_t *c, const struct sw_gpt *net, bool gemma)
{
    const struct sw_gpt_sizes *z = &net->z;
    put_whole(c, "num_hidden_layers", z->layers);
    put_whole(c, "hidden_size", z->width);
    put_whole(c, "num_attention_heads", z->heads);
    put_whole(c, "num_key_value_heads", z->kv_heads);
    put_whole(c, "head_dim", z->head);
    put_whole(c, "intermediate_size", z->hidden);
    put_whole(c, "max_position_embeddings", z->context);
    put_real_if(c, "rms_norm_eps", z->eps);
    put_real_if(c, "rope_theta", z->rope_base);
    json_object_set_new(c, gemma ? "hidden_activation" : "hidden_act",
                        json_string(gemma ? "gelu_pytorch_tanh" : "silu"));
    if (!gemma && strncmp(net->architecture->name, "qwen2", 5) != 0)
        json_object_set_new(c, "attention_bias",
                            json_boolean(sw_weights_find(net->ws, "blk.0.attn_q.bias") != NULL));
    if (z->experts > 0) {
        put_whole(c, "num_experts", z->experts);
        put_whole(c, "num_experts_per_tok", z->chosen);
        put_whole(c, "moe_intermediate_size", z->expert_hidden);
        json_object_set_new(c, "norm_topk_prob", json_true());
    }
}

static void put_attention(json_t *c, const struct sw_gpt_sizes *z, bool gemma)
{
    if (z->window > 0) put_whole(c, "sliding_window", z->window);
    if (z->window > 0) json_object_set_new(c, "use_sliding_window", json_true());
    if (z->window_period > 0) put_whole(c, "sliding_window_pattern", z->window_period);
    put_real_if(c, "rope_local_base_freq", z->local_rope_base);
    put_real_if(c, "attn_logit_softcapping", z->attention_softcap);
    put_real_if(c, "final_logit_softcapping", z->logit_softcap);
    const float scale = z->attention_scale > 0 ? z->attention_scale : 1 / sqrtf((float)z->head);
    if (gemma) json_object_set_new(c, "query_pre_attn_scalar", real(roundf(1 / (scale * scale))));
}

/* Factors of frequencies are said by four numbers there; those of all published models have these but for the first. */
static sw_status put_factors(sw_context *ctx, json_t *c, const struct sw_gpt *net)
{
    const struct sw_gpt_llama3 usual = {.low = 1, .high = 4, .original = 8192};
    const sw_weight *w = sw_weights_find(net->ws, "rope_freqs.weight");
    if (!w) return SW_OK;
    struct sw_gpt_llama3 l = usual;
    const float *f = sw_weight_tensor(w).data;
    const int64_t n = net->z.rope_dims / 2;
    for (int64_t i = 0; i < n; i++) l.factor = fmax(l.factor, (double)f[i]);
    for (int64_t i = 0; i < n; i++) {
        const float expected = sw__gpt_llama3_factor(&net->z, &l, i);
        if (fabsf(f[i] - expected) > 1e-5f * expected)
            return sw__fail(ctx, SW_ERR_UNSUPPORTED,
                            "config.json cannot say the factors of rope_freqs.weight");
    }
    json_object_set_new(c, "rope_scaling",
                        json_pack("{sssfsfsfsI}", "rope_type", "llama3", "factor", l.factor,
                                  "low_freq_factor", l.low, "high_freq_factor", l.high,
                                  "original_max_position_embeddings", (json_int_t)l.original));
    return SW_OK;
}

/* The magnitude that transformers takes where none is said. */
float sw__gpt_longrope_magnitude(double context, double original)
{
    const double factor = context / original;
    return factor > 1 ? (float)sqrt(1 + log(factor) / log(original)) : 1;
}

static void put_longrope(json_t *c, const struct sw_gpt *net)
{
    static const char *const sets[][2] = {{"rope_factors_short.weight", "short_factor"},
                                          {"rope_factors_long.weight", "long_factor"}};
    const struct sw_gpt_sizes *z = &net->z;
    json_t *s = json_pack("{ssss}", "rope_type", "longrope", "type", "longrope");
    for (int i = 0; i < 2; i++) {
        json_t *list = json_array();
        const sw_weight *w = sw_weights_find(net->ws, sets[i][0]);
        for (int64_t k = 0; w && k < z->rope_dims / 2; k++)
            json_array_append_new(list, real(((float *)sw_weight_tensor(w).data)[k]));
        json_object_set_new(s, sets[i][1], list);
    }
    if (z->long_magnitude !=
        sw__gpt_longrope_magnitude((double)z->context, (double)z->long_original))
        put_real_if(s, "attention_factor", z->long_magnitude);
    json_object_set_new(c, "rope_scaling", s);
    put_whole(c, "original_max_position_embeddings", z->long_original);
}

static sw_status put_rope(sw_context *ctx, json_t *c, const struct sw_gpt *net)
{
    const struct sw_gpt_sizes *z = &net->z;
    if (z->rope_dims != z->head)
        put_real_if(c, "partial_rotary_factor", (float)z->rope_dims / (float)z->head);
    if (z->long_original > 0) {
        put_longrope(c, net);
        return SW_OK;
    }
    if (z->yarn_factor > 0)
        return sw__fail(ctx, SW_ERR_UNSUPPORTED, "config.json with YaRN is not known");
    if (z->rope_scale > 0 && z->rope_scale != 1)
        json_object_set_new(c, "rope_scaling",
                            json_pack("{sssf}", "rope_type", "linear", "factor",
                                      (double)roundf(1 / z->rope_scale)));
    return put_factors(ctx, c, net);
}

sw_status sw__hf_write_json(sw_context *ctx, const char *folder, const char *name, json_t *root)
{
    char path[PATH];
    struct sw_file file;
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    snprintf(path, sizeof path, "%s/%s", folder, name);
    sw_status status = text ? sw__file_create(path, &file) : SW_ERR_MEMORY;
    if (status == SW_OK) {
        sw__file_write(&file, text, strlen(text));
        sw__file_write(&file, "\n", 1);
        status = sw__file_commit(&file);
    }
    free(text);
    return status == SW_OK
               ? status
               : sw__fail(ctx, status, "%s: cannot be written: %s", path,
                          status == SW_ERR_IO ? strerror(errno) : sw_status_text(status));
}

sw_status sw__gpt_write_hf_config(sw_context *ctx, const struct sw_gpt *net, int32_t bos,
                                  int32_t eos, const char *folder)
{
    const char *name = net->architecture->name;
    const bool gpt2 = net->architecture->learned, gemma = strncmp(name, "gemma", 5) == 0;
    const struct kind *k = kinds, *end = kinds + sizeof kinds / sizeof *kinds;
    while (k < end && strcmp(k->architecture, name) != 0) k++;
    if (k == end)
        return sw__fail(ctx, SW_ERR_UNSUPPORTED, "config.json of the architecture %s is not known",
                        name);
    if (k->architecture == mistral.architecture && net->z.window > 0) k = &mistral;
    json_t *c = json_pack("{s[s]ss}", "architectures", k->class, "model_type", k->type);
    if (!c) return sw__fail(ctx, SW_ERR_MEMORY, "out of memory");
    sw_status status = SW_OK;
    if (gpt2) {
        put_gpt2(c, &net->z);
    } else {
        put_sizes(c, net, gemma);
        put_attention(c, &net->z, gemma);
        status = put_rope(ctx, c, net);
    }
    put_whole(c, "vocab_size", net->z.vocabulary);
    json_object_set_new(c, "tie_word_embeddings",
                        json_boolean(!sw_weights_find(net->ws, "output.weight")));
    if (bos >= 0) put_whole(c, "bos_token_id", bos);
    if (eos >= 0) put_whole(c, "eos_token_id", eos);
    if (status == SW_OK) status = sw__hf_write_json(ctx, folder, "config.json", c);
    json_decref(c);
    return status;
}

/* ---- tokenizer ------------------------------------------------------------------------------------ */

static void put_token(json_t *c, const char *key, const sw_tokenizer *t, int32_t id)
{
    size_t bytes;
    const char *text = sw_token_text(t, id, &bytes);
    if (text) json_object_set_new(c, key, json_stringn(text, bytes));
}

sw_status sw__gpt_write_hf_tokenizer(sw_context *ctx, const char *name, const sw_tokenizer *t,
                                     const char *chat_template, const char *folder)
{
    char path[PATH];
    snprintf(path, sizeof path, "%s/tokenizer.json", folder);
    sw_status status = sw__tokenizer_write_hf(ctx, name, t, path);
    if (status != SW_OK) return status;
    json_t *c = json_pack("{ss}", "tokenizer_class", "PreTrainedTokenizerFast");
    if (!c) return sw__fail(ctx, SW_ERR_MEMORY, "out of memory");
    put_token(c, "bos_token", t, t->bos);
    put_token(c, "eos_token", t, t->eos);
    put_token(c, "unk_token", t, t->unknown);
    json_object_set_new(c, "add_bos_token", json_boolean(t->add_bos && t->bos >= 0));
    json_object_set_new(c, "add_eos_token", json_boolean(t->add_eos && t->eos >= 0));
    if (chat_template) json_object_set_new(c, "chat_template", json_string(chat_template));
    status = sw__hf_write_json(ctx, folder, "tokenizer_config.json", c);
    json_decref(c);
    return status;
}

sw_status sw__gpt_write_hf(sw_model *m, bool half, const char *folder)
{
    static const char *const metadata[] = {"format", "pt", NULL}; /* transformers wants it */
    char path[PATH];
    sw_weights *out = NULL;
    sw_tokenizer *t = NULL;
    sw_status status = m->brings_tokenizer ? sw_tokenizer_open(m->ctx, m->path, &t) : SW_OK;
    if (status == SW_OK) status = sw__gpt_hf_weights(m->ctx, &m->net, half, &out);
    if (status == SW_OK && t)
        status = sw__gpt_write_hf_tokenizer(m->ctx, m->path, t, m->chat_template, folder);
    if (status == SW_OK)
        status = sw__gpt_write_hf_config(m->ctx, &m->net, t ? t->bos : -1, t ? t->eos : -1, folder);
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    if (status == SW_OK) status = sw_weights_save(m->ctx, out, path, metadata);
    sw_weights_destroy(out);
    sw_tokenizer_destroy(t);
    return status;
}

/* GGUF of a trained network (train_gguf.h): sizes, vocabulary, tensors, which have their names already. */
#include "gpt/train_gguf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/context_int.h"
#include "base/size.h"
#include "format/gguf_write.h"
#include "text/tokenizer_int.h"

static void put_text(struct sw_gguf_writer *w, const char *key, const char *text)
{
    sw__gguf_put_string(w, key, text, strlen(text));
}

/* "<architecture>.<name>" */
static const char *key_of(const struct sw_gpt_net *net, const char *name, char key[96])
{
    snprintf(key, 96, "%s.%s", net->kind == SW_GPT_KIND_GPT2 ? "gpt2" : "llama", name);
    return key;
}

static void put_sizes(struct sw_gguf_writer *w, const struct sw_gpt_net *net)
{
    const bool gpt2 = net->kind == SW_GPT_KIND_GPT2;
    char key[96];
    const struct {
        const char *name;
        int64_t value;
    } sizes[] = {
        {"context_length", net->context},     {"embedding_length", net->width},
        {"block_count", net->layers},         {"feed_forward_length", net->hidden},
        {"attention.head_count", net->heads}, {"attention.head_count_kv", net->kv_heads},
        {"vocab_size", net->vocabulary},      {"rope.dimension_count", net->width / net->heads}};
    const int n = sizeof sizes / sizeof *sizes - gpt2; /* nothing turns in GPT-2 */
    put_text(w, "general.architecture", gpt2 ? "gpt2" : "llama");
    put_text(w, "general.name", "trained by Swell");
    for (int i = 0; i < n; i++)
        sw__gguf_put_integer(w, key_of(net, sizes[i].name, key), SW_GGUF_U32, sizes[i].value);
    const char *eps = gpt2 ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon";
    sw__gguf_put_real(w, key_of(net, eps, key), net->eps);
    if (!gpt2) sw__gguf_put_real(w, key_of(net, "rope.freq_base", key), net->rope_base);
}

/* ---- vocabularies ----------------------------------------------------------------------------------- */

static sw_status put_copy(sw_context *ctx, struct sw_gguf_writer *w, const char *path,
                          int64_t vocabulary)
{
    struct sw_gguf *f;
    sw_status status = sw__gguf_open(ctx, path, &f);
    if (status != SW_OK) return status;
    const int64_t n = sw__gguf_array(f, "tokenizer.ggml.tokens", NULL);
    for (int64_t i = 0; i < sw__gguf_pairs(f); i++) {
        const struct sw_gguf_pair *p = sw__gguf_pair(f, i);
        if (p->key_bytes > 10 && memcmp(p->key, "tokenizer.", 10) == 0) sw__gguf_put_pair(w, p);
    }
    sw__gguf_close(f);
    if (n == vocabulary) return SW_OK;
    return sw__fail(ctx, SW_ERR_ARGUMENT, "%s: %lld tokens, the network has %lld", path,
                    (long long)n, (long long)vocabulary);
}

/* ---- tensors ------------------------------------------------------------------------------------------ */

enum { PIECE = 4096 };

static sw_status emit_half(void *user, struct sw_gguf_writer *w)
{
    const sw_tensor t = sw_weight_tensor(user);
    const int64_t n = sw_shape_elements(&t.shape);
    const char *from = t.data;
    const size_t each = (size_t)sw_shape_bytes(&SW_SHAPE(1), t.dtype);
    uint16_t piece[PIECE];
    for (int64_t at = 0; at < n; at += PIECE) {
        const int64_t count = sw__min64(PIECE, n - at);
        sw_status status = sw_convert(piece, SW_F16, from + (size_t)at * each, t.dtype, count);
        if (status != SW_OK) return status;
        sw__gguf_emit(w, piece, (size_t)count * sizeof *piece);
    }
    return SW_OK;
}

static bool is_adapter(const sw_weight *w)
{
    return strstr(sw_weight_name(w), ".lora_") != NULL;
}

static void put_tensors(struct sw_gguf_writer *w, const sw_weights *ws, bool adapters, bool half)
{
    for (int64_t i = 0; i < sw_weights_count(ws); i++) {
        sw_weight *weight = sw_weights_at(ws, i);
        const sw_tensor t = sw_weight_tensor(weight);
        if (is_adapter(weight) != adapters) continue;
        if (half && t.shape.rank > 1 && t.dtype == SW_F32)
            sw__gguf_put_made(w, sw_weight_name(weight), SW_F16, t.shape, emit_half, weight);
        else
            sw__gguf_put_tensor(w, sw_weight_name(weight), t.dtype, t.shape, t.data);
    }
}

/* What llama.cpp looks for in a file of adapters. */
static void put_adapter(struct sw_gguf_writer *w, const struct sw_gpt_net *net)
{
    put_text(w, "general.architecture", net->kind == SW_GPT_KIND_GPT2 ? "gpt2" : "llama");
    put_text(w, "general.type", "adapter");
    put_text(w, "adapter.type", "lora");
    sw__gguf_put_real(w, "adapter.lora.alpha", net->lora_scale * (float)net->lora_rank);
}

sw_status sw__gpt_net_write_gguf(sw_context *ctx, const sw_weights *ws,
                                 const struct sw_gpt_net *net, const struct sw_gpt_tokens *tokens,
                                 bool half, const char *path)
{
    struct sw_gguf_writer *w;
    const bool adapters = net->lora_rank > 0;
    if (net->halves)
        return sw__fail(ctx, SW_ERR_UNSUPPORTED,
                        "%s: weights in the order of Hugging Face; write .safetensors", path);
    sw_status status = sw__gguf_writer_create(ctx, &w);
    if (status != SW_OK) return status;
    if (adapters) {
        put_adapter(w, net);
    } else {
        put_sizes(w, net);
        status = tokens->gguf ? put_copy(ctx, w, tokens->gguf, net->vocabulary)
                              : sw__tokenizer_put_gguf(ctx, tokens->name, tokens->tokenizer,
                                                       net->vocabulary, w);
    }
    sw__gguf_put_integer(w, "general.file_type", SW_GGUF_U32, half ? 1 : 0);
    put_tensors(w, ws, adapters, half);
    if (status == SW_OK) status = sw__gguf_writer_finish(w, path);
    sw__gguf_writer_destroy(w);
    return status;
}

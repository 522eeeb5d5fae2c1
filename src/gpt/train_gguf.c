/* GGUF of a trained network (train_gguf.h): a model and its vocabulary, or adapters alone. */
#include "gpt/train_gguf.h"

#include <stdlib.h>
#include <string.h>

#include "base/context_int.h"
#include "gpt/model_gguf.h"
#include "gpt/train_load.h"
#include "text/tokenizer_int.h"

static void put_text(struct sw_gguf_writer *w, const char *key, const char *text)
{
    sw__gguf_put_string(w, key, text, strlen(text));
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

/* ---- adapters ---------------------------------------------------------------------------------------- */

static bool is_adapter(const sw_weight *w)
{
    return strstr(sw_weight_name(w), ".lora_") != NULL;
}

static void put_adapters(struct sw_gguf_writer *w, const sw_weights *ws)
{
    for (int64_t i = 0; i < sw_weights_count(ws); i++) {
        const sw_weight *weight = sw_weights_at(ws, i);
        const sw_tensor t = sw_weight_tensor(weight);
        if (is_adapter(weight))
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

static sw_status put_model(sw_context *ctx, struct sw_gguf_writer *w, sw_weights *ws,
                           const struct sw_gpt_net *net, const struct sw_gpt_tokens *tokens,
                           bool half, void **held)
{
    struct sw_gpt model;
    sw__gpt_net_model(net, ws, &model);
    put_text(w, "general.name", "trained by Swell");
    sw__gguf_put_integer(w, "general.file_type", SW_GGUF_U32, half ? 1 : 0);
    sw_status status = sw__gpt_put_gguf(ctx, &model, half, w, held);
    if (status != SW_OK) return status;
    return tokens->gguf
               ? put_copy(ctx, w, tokens->gguf, net->vocabulary)
               : sw__tokenizer_put_gguf(ctx, tokens->name, tokens->tokenizer, net->vocabulary, w);
}

sw_status sw__gpt_net_write_gguf(sw_context *ctx, sw_weights *ws, const struct sw_gpt_net *net,
                                 const struct sw_gpt_tokens *tokens, bool half, const char *path)
{
    struct sw_gguf_writer *w;
    void *held = NULL;
    if (net->lora_rank > 0 && net->halves)
        return sw__fail(ctx, SW_ERR_UNSUPPORTED,
                        "%s: adapters of weights in the order of Hugging Face", path);
    sw_status status = sw__gguf_writer_create(ctx, &w);
    if (status != SW_OK) return status;
    if (net->lora_rank > 0) {
        put_adapter(w, net);
        put_adapters(w, ws);
    } else {
        status = put_model(ctx, w, ws, net, tokens, half, &held);
    }
    if (status == SW_OK) status = sw__gguf_writer_finish(w, path);
    sw__gguf_writer_destroy(w);
    free(held);
    return status;
}

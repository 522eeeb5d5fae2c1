/* Hugging Face's names of the Llama family, of GPT-2 and of BERT, as a table. */
#include "gpt/hf_names.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct pair {
    const char *theirs, *ours;
};

/* Of the model. */
static const struct pair whole[] = {{"embed_tokens", "token_embd"},
                                    {"norm", "output_norm"},
                                    {"lm_head", "output"},
                                    {"wte", "token_embd"},
                                    {"wpe", "position_embd"},
                                    {"ln_f", "output_norm"},
                                    {"embeddings.word_embeddings", "token_embd"},
                                    {"embeddings.position_embeddings", "position_embd"},
                                    {"embeddings.token_type_embeddings", "token_types"},
                                    {"embeddings.LayerNorm", "token_embd_norm"}};

/* Of a layer. */
static const struct pair inside[] = {{"input_layernorm", "attn_norm"},
                                     {"self_attn.q_proj", "attn_q"},
                                     {"self_attn.k_proj", "attn_k"},
                                     {"self_attn.v_proj", "attn_v"},
                                     {"self_attn.qkv_proj", "attn_qkv"},
                                     {"self_attn.o_proj", "attn_output"},
                                     {"self_attn.q_norm", "attn_q_norm"},
                                     {"self_attn.k_norm", "attn_k_norm"},
                                     {"mlp.gate_proj", "ffn_gate"},
                                     {"mlp.up_proj", "ffn_up"},
                                     {"mlp.gate_up_proj", "ffn_up"},
                                     {"mlp.down_proj", "ffn_down"},
                                     {"pre_feedforward_layernorm", "ffn_norm"},
                                     {"post_feedforward_layernorm", "post_ffw_norm"},
                                     {"ln_1", "attn_norm"},
                                     {"attn.c_attn", "attn_qkv"},
                                     {"attn.c_proj", "attn_output"},
                                     {"ln_2", "ffn_norm"},
                                     {"mlp.c_fc", "ffn_up"},
                                     {"mlp.c_proj", "ffn_down"},
                                     {"attention.self.query", "attn_q"},
                                     {"attention.self.key", "attn_k"},
                                     {"attention.self.value", "attn_v"},
                                     {"attention.output.dense", "attn_output"},
                                     {"attention.output.LayerNorm", "attn_output_norm"},
                                     {"intermediate.dense", "ffn_up"},
                                     {"output.dense", "ffn_down"},
                                     {"output.LayerNorm", "layer_output_norm"}};

/* Not weights. */
static const char *const buffers[] = {"self_attn.rotary_emb.inv_freq", "attn.bias",
                                      "attn.masked_bias"};

/* What BERT was pre-trained with. */
static const char *const heads[] = {"embeddings.position_ids", "pooler.dense.", "cls.predictions.",
                                    "cls.seq_relationship."};

/* Older files say gamma and beta of norms. */
static const struct pair kinds[] = {
    {".weight", ".weight"}, {".bias", ".bias"}, {".gamma", ".weight"}, {".beta", ".bias"}};

/* ours for theirs, of `bytes` bytes; NULL: none. */
static const char *find(const struct pair *pairs, size_t n, const char *theirs, size_t bytes)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(pairs[i].theirs) == bytes && memcmp(pairs[i].theirs, theirs, bytes) == 0)
            return pairs[i].ours;
    return NULL;
}

enum sw_hf_meaning sw__hf_name(const char *name, bool gemma, char out[SW_HF_NAME])
{
    static const char *const prefixes[] = {"model.", "transformer.", "bert."};
    const char *ours;
    unsigned layer;
    int used = 0;
    out[0] = 0;
    for (int i = 0; i < 3; i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) name += strlen(prefixes[i]);
    const bool in_layer = (sscanf(name, "layers.%5u.%n", &layer, &used) == 1 && used > 0) ||
                          (sscanf(name, "h.%5u.%n", &layer, &used) == 1 && used > 0) ||
                          (sscanf(name, "encoder.layer.%5u.%n", &layer, &used) == 1 && used > 0);
    if (in_layer) name += used;
    for (size_t i = 0; in_layer && i < sizeof buffers / sizeof *buffers; i++)
        if (strcmp(name, buffers[i]) == 0) return SW_HF_LEFT_OUT;
    for (size_t i = 0; !in_layer && i < sizeof heads / sizeof *heads; i++)
        if (strncmp(name, heads[i], strlen(heads[i])) == 0) return SW_HF_LEFT_OUT;
    const char *end = strrchr(name, '.'), *kind = NULL;
    if (end) kind = find(kinds, sizeof kinds / sizeof *kinds, end, strlen(end));
    if (!kind) return SW_HF_UNKNOWN;
    const size_t bytes = (size_t)(end - name);
    if (!in_layer) {
        ours = find(whole, sizeof whole / sizeof *whole, name, bytes);
        if (ours) snprintf(out, SW_HF_NAME, "%s%s", ours, kind);
        return ours ? SW_HF_WEIGHT : SW_HF_UNKNOWN;
    }
    ours = find(inside, sizeof inside / sizeof *inside, name, bytes);
    /* One name, two meanings: in Gemma it stands behind attention, elsewhere before what follows. */
    if (strncmp(name, "post_attention_layernorm.", 25) == 0)
        ours = gemma ? "post_attention_norm" : "ffn_norm";
    if (ours) snprintf(out, SW_HF_NAME, "blk.%u.%s%s", layer, ours, kind);
    return ours ? SW_HF_WEIGHT : SW_HF_UNKNOWN;
}

/* Hugging Face's names of the Llama family, of GPT-2 and of BERT, as a table. */
#include "gpt/hf_names.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct pair {
    const char *theirs, *ours;
    unsigned families; /* that are written so */
};

enum { ROPED = SW_HF_LLAMA | SW_HF_GEMMA | SW_HF_PHI3, PLAIN = SW_HF_LLAMA | SW_HF_GEMMA };

/* Of the model. */
static const struct pair whole[] = {{"embed_tokens", "token_embd", ROPED},
                                    {"norm", "output_norm", ROPED},
                                    {"lm_head", "output", ROPED},
                                    {"wte", "token_embd", SW_HF_GPT2},
                                    {"wpe", "position_embd", SW_HF_GPT2},
                                    {"ln_f", "output_norm", SW_HF_GPT2},
                                    {"lm_head", "output", SW_HF_GPT2},
                                    {"embeddings.word_embeddings", "token_embd", SW_HF_BERT},
                                    {"embeddings.position_embeddings", "position_embd", SW_HF_BERT},
                                    {"embeddings.token_type_embeddings", "token_types", SW_HF_BERT},
                                    {"embeddings.LayerNorm", "token_embd_norm", SW_HF_BERT}};

/* Of a layer. */
static const struct pair inside[] = {{"input_layernorm", "attn_norm", ROPED},
                                     {"self_attn.q_proj", "attn_q", PLAIN},
                                     {"self_attn.k_proj", "attn_k", PLAIN},
                                     {"self_attn.v_proj", "attn_v", PLAIN},
                                     {"self_attn.qkv_proj", "attn_qkv", SW_HF_PHI3},
                                     {"self_attn.o_proj", "attn_output", ROPED},
                                     {"self_attn.q_norm", "attn_q_norm", PLAIN},
                                     {"self_attn.k_norm", "attn_k_norm", PLAIN},
                                     {"mlp.gate_proj", "ffn_gate", PLAIN},
                                     {"mlp.up_proj", "ffn_up", PLAIN},
                                     {"mlp.gate_up_proj", "ffn_up", SW_HF_PHI3},
                                     {"mlp.down_proj", "ffn_down", ROPED},
                                     {"mlp.gate", "ffn_gate_inp", SW_HF_LLAMA},
                                     {"pre_feedforward_layernorm", "ffn_norm", SW_HF_GEMMA},
                                     {"post_feedforward_layernorm", "post_ffw_norm", SW_HF_GEMMA},
                                     {"ln_1", "attn_norm", SW_HF_GPT2},
                                     {"attn.c_attn", "attn_qkv", SW_HF_GPT2},
                                     {"attn.c_proj", "attn_output", SW_HF_GPT2},
                                     {"ln_2", "ffn_norm", SW_HF_GPT2},
                                     {"mlp.c_fc", "ffn_up", SW_HF_GPT2},
                                     {"mlp.c_proj", "ffn_down", SW_HF_GPT2},
                                     {"attention.self.query", "attn_q", SW_HF_BERT},
                                     {"attention.self.key", "attn_k", SW_HF_BERT},
                                     {"attention.self.value", "attn_v", SW_HF_BERT},
                                     {"attention.output.dense", "attn_output", SW_HF_BERT},
                                     {"attention.output.LayerNorm", "attn_output_norm", SW_HF_BERT},
                                     {"intermediate.dense", "ffn_up", SW_HF_BERT},
                                     {"output.dense", "ffn_down", SW_HF_BERT},
                                     {"output.LayerNorm", "layer_output_norm", SW_HF_BERT}};

/* One name, two meanings: in Gemma it stands behind attention, elsewhere before what follows. */
#define POST "post_attention_layernorm"

/* Not weights. */
static const char *const buffers[] = {"self_attn.rotary_emb.inv_freq", "attn.bias",
                                      "attn.masked_bias"};

/* What BERT was pre-trained with. */
static const char *const heads[] = {"embeddings.position_ids", "pooler.dense.", "cls.predictions.",
                                    "cls.seq_relationship."};

/* Older files say gamma and beta of norms. */
static const struct pair kinds[] = {{".weight", ".weight", 0},
                                    {".bias", ".bias", 0},
                                    {".gamma", ".weight", 0},
                                    {".beta", ".bias", 0}};

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
    if (strncmp(name, POST ".", sizeof POST) == 0)
        ours = gemma ? "post_attention_norm" : "ffn_norm";
    if (ours) snprintf(out, SW_HF_NAME, "blk.%u.%s%s", layer, ours, kind);
    return ours ? SW_HF_WEIGHT : SW_HF_UNKNOWN;
}

/* theirs for ours; NULL: none in these families. */
static const char *find_back(const struct pair *pairs, size_t n, const char *ours, size_t bytes,
                             unsigned family)
{
    for (size_t i = 0; i < n; i++)
        if ((pairs[i].families & family) && strlen(pairs[i].ours) == bytes &&
            memcmp(pairs[i].ours, ours, bytes) == 0)
            return pairs[i].theirs;
    return NULL;
}

bool sw__hf_name_of(const char *ours, enum sw_hf_family family, char out[SW_HF_NAME])
{
    const bool gpt2 = family == SW_HF_GPT2;
    const char *name = ours, *kind = strrchr(ours, '.'), *theirs;
    unsigned layer;
    int used = 0;
    const bool in_layer = sscanf(ours, "blk.%5u.%n", &layer, &used) == 1 && used > 0;
    if (in_layer) name += used;
    if (!kind || kind < name || (strcmp(kind, ".weight") != 0 && strcmp(kind, ".bias") != 0))
        return false;
    const size_t bytes = (size_t)(kind - name);
    if (!in_layer) {
        theirs = find_back(whole, sizeof whole / sizeof *whole, name, bytes, family);
        const char *of = gpt2 ? "transformer." : "model.";
        if (theirs)
            snprintf(out, SW_HF_NAME, "%s%s%s", strcmp(theirs, "lm_head") == 0 ? "" : of, theirs,
                     kind);
        return theirs != NULL;
    }
    theirs = find_back(inside, sizeof inside / sizeof *inside, name, bytes, family);
    const char *post = family == SW_HF_GEMMA ? "post_attention_norm." : "ffn_norm.";
    if (!theirs && !gpt2 && strncmp(name, post, strlen(post)) == 0) theirs = POST;
    if (theirs)
        snprintf(out, SW_HF_NAME, gpt2 ? "transformer.h.%u.%s%s" : "model.layers.%u.%s%s", layer,
                 theirs, kind);
    return theirs != NULL;
}

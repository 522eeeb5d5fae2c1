/* Names of tensors in Hugging Face's files, and GGUF's for the same. */
#ifndef SWELL_GPT_HF_NAMES_H
#define SWELL_GPT_HF_NAMES_H

#include <stdbool.h>

enum { SW_HF_NAME = 96 };

enum sw_hf_meaning {
    SW_HF_WEIGHT,
    SW_HF_LEFT_OUT, /* what a program computes itself (causal masks, frequencies), or what embeddings do
                     * without: BERT's pooler and heads of pre-training */
    SW_HF_UNKNOWN
};

/* "model.layers.3.self_attn.q_proj.weight" -> "blk.3.attn_q.weight", for all families. */
enum sw_hf_meaning sw__hf_name(const char *name, bool gemma, char out[SW_HF_NAME]);

/* Who writes which names. */
enum sw_hf_family {
    SW_HF_LLAMA = 1,
    SW_HF_GPT2 = 2,
    SW_HF_GEMMA = 4,
    SW_HF_PHI3 = 8,
    SW_HF_BERT = 16
};

/* Back; false: these models have no such tensor. */
bool sw__hf_name_of(const char *ours, enum sw_hf_family family, char out[SW_HF_NAME]);

#endif

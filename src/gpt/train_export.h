/* A trained network by the names and layouts of Hugging Face's transformers. */
#ifndef SWELL_GPT_TRAIN_EXPORT_H
#define SWELL_GPT_TRAIN_EXPORT_H

#include "gpt/train_net.h"

/* Every weight of a trained set, copied into the new set *out: GPT2LMHeadModel's "transformer.h.0.attn.c_attn.weight",
 * (in,out) as its Conv1D has it; LlamaForCausalLM's "model.layers.0.self_attn.q_proj.weight", whose rope turns
 * features i and i + HS/2 where GGUF's turns 2i and 2i + 1.  half: matrices as f16.  SW_ERR_UNSUPPORTED names a
 * weight that has no place there (adapters, blocks of quantised numbers). */
sw_status sw__gpt_net_export(sw_context *ctx, const sw_weights *ws, const struct sw_gpt_net *net,
                             bool half, sw_weights **out);

#endif

/* Builders of networks, one an architecture, for the table in architectures.c; and what they share. */
#ifndef SWELL_GPT_BUILDERS_H
#define SWELL_GPT_BUILDERS_H

#include "gpt/gpt_int.h"

/* tokens (N) -> logits of the wanted rows (R,V). */
sw_node *sw__gpt_build_llama(struct sw_gpt *m);
sw_node *sw__gpt_build_gpt2(struct sw_gpt *m);
sw_node *sw__gpt_build_bert(struct sw_gpt *m); /* vectors (R,C) */
sw_node *sw__gpt_build_qwen3(struct sw_gpt *m);
sw_node *sw__gpt_build_gemma2(struct sw_gpt *m);
sw_node *sw__gpt_build_gemma3(struct sw_gpt *m);
sw_node *sw__gpt_build_phi3(struct sw_gpt *m);
sw_node *sw__gpt_build_qwen3moe(struct sw_gpt *m);
sw_node *sw__gpt_build_gpt_oss(struct sw_gpt *m);

/* What their files do not say. */
void sw__gpt_adjust_gemma2(struct sw_gpt_sizes *z);
void sw__gpt_adjust_gemma3(struct sw_gpt_sizes *z);
void sw__gpt_adjust_gpt_oss(struct sw_gpt_sizes *z);

/* Attention with norms of q and k: (N,C) -> (N,C). */
sw_node *sw__gpt_qwen3_attention(struct sw_gpt *m, sw_node *x);
/* W2 (silu(W1 x) * W3 x), of ffn_gate, ffn_up, ffn_down: (N,C) -> (N,C). */
sw_node *sw__gpt_swiglu(struct sw_gpt *m, sw_node *x);

#endif

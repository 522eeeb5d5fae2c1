/* The words that builders of networks are written in.  Weights go by GGUF's names: in layer 3,
 * "attn_q" is blk.3.attn_q.weight and, if the file has it, blk.3.attn_q.bias.  A weight that is
 * missing or of another shape than the equation needs poisons the graph with its name. */
#ifndef SWELL_GPT_LAYERS_H
#define SWELL_GPT_LAYERS_H

#include "gpt/gpt_int.h"

/* The weight <name> of the layer, of this shape; or NULL when it is not there and may be missing. */
sw_node *sw__gpt_weight(struct sw_gpt *m, const char *name, sw_shape shape);
sw_node *sw__gpt_weight_maybe(struct sw_gpt *m, const char *name, sw_shape shape);

/* Rows of token_embd (V,C): (N) -> (N,C). */
sw_node *sw__gpt_embed(struct sw_gpt *m);
/* x W^T + b: (N,K) -> (N,size). */
sw_node *sw__gpt_linear(struct sw_gpt *m, const char *name, sw_node *x, int64_t size);
/* Over the last axis, eps as the file says. */
sw_node *sw__gpt_rmsnorm(struct sw_gpt *m, const char *name, sw_node *x);
sw_node *sw__gpt_layernorm(struct sw_gpt *m, const char *name, sw_node *x);
/* (N,heads*HS) -> (N,heads,HS), and back. */
sw_node *sw__gpt_heads(struct sw_gpt *m, sw_node *x, int64_t heads);
/* Turned by the tokens' positions: (N,heads,HS). */
sw_node *sw__gpt_rope(struct sw_gpt *m, sw_node *x);
/* Keys and values into the pages, attention over them: q (N,NH,HS) -> (N,NH*HS).  Without pages, over the tokens of
 * the step that are of the same text. */
sw_node *sw__gpt_attend(struct sw_gpt *m, sw_node *q, sw_node *k, sw_node *v);
/* The same with a sink (NH) in each head: a logit that joins the softmax without a value. */
sw_node *sw__gpt_attend_with(struct sw_gpt *m, sw_node *q, sw_node *k, sw_node *v, sw_node *sinks);
/* The experts `which` (R,K) of weights (E,size,in): x (R,in), or (R,K,in), -> (R,K,size). */
sw_node *sw__gpt_expert(struct sw_gpt *m, const char *name, sw_node *x, sw_node *which,
                        int64_t size);
/* In the last layer, once keys and values are stored: the rows whose logits are asked for, (N,C) -> (R,C);
 * in others x itself. */
sw_node *sw__gpt_wanted(struct sw_gpt *m, sw_node *x);
/* Logits: by output (V,C) or, where there is none, token_embd again: (R,C) -> (R,V).  Where vectors are wanted, x. */
sw_node *sw__gpt_head(struct sw_gpt *m, sw_node *x);

#endif

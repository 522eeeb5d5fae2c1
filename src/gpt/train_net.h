/* Language models as they are trained: whole windows of tokens, ordinary attention, no cache.
 *
 * Weights have the names and shapes of GGUF ("blk.0.attn_q.weight", (out,in)), so a trained set is written
 * to a file as it is.  TRAINING.md has the equations. */
#ifndef SWELL_GPT_TRAIN_NET_H
#define SWELL_GPT_TRAIN_NET_H

#include <swell/ops.h>

enum sw_gpt_kind {
    SW_GPT_KIND_GPT2, /* learned positions, layer norms, gelu, biases, tied head */
    SW_GPT_KIND_LLAMA /* rope, rms norms, swiglu, no biases */
};

struct sw_gpt_net {
    enum sw_gpt_kind kind;
    int64_t vocabulary, context, layers, width, heads;
    int64_t kv_heads; /* llama: divides heads */
    int64_t hidden;   /* of the feed-forward network */
    float eps;        /* of the norms */
    float rope_base;
    bool halves;       /* rope turns features i and i + HS/2 together, else 2i and 2i + 1 */
    bool untied;       /* llama: the head has weights of its own, "output.weight" */
    float dropout;     /* of training */
    int64_t lora_rank; /* > 0: linear layers of the blocks get adapters of this rank ... */
    float lora_scale;  /* ... times this */
};

/* What GPT-2 and Llama have where 0 was said: hidden, kv_heads, eps, rope_base.  SW_ERR_ARGUMENT names the
 * size that cannot be. */
sw_status sw__gpt_net_complete(sw_context *ctx, struct sw_gpt_net *net);

/* Numbers in all weights of a complete net, adapters left out. */
int64_t sw__gpt_net_parameters(const struct sw_gpt_net *net);

/* ids i32 (B,T), positions i32 (T) or (B,T), documents i32 (B,T) of sw_attention_options, or NULL ->
 * logits (B,T,vocabulary).  Weights that `ws` does not have are made: N(0,0.02), projections that end in
 * the residual stream N(0,0.02 / sqrt(2 layers)) (GPT-2, section 2.3).  Weights that it has keep their
 * dtype. */
sw_node *sw__gpt_net_logits(sw_graph *g, sw_weights *ws, const struct sw_gpt_net *net, sw_node *ids,
                            sw_node *positions, sw_node *documents, bool training);

#endif

/* Mixtures of experts: Qwen 3 MoE (Qwen team 2025, section 2) and gpt-oss (OpenAI 2025, "gpt-oss model card",
 * section 2).  A router picks K of E feed-forward networks for each token, and only these are read.
 *
 *   Qwen 3    p = softmax(Wr n), its K largest, divided by their sum
 *             y = sum over the chosen of p_e W2_e (silu(W1_e n) * W3_e n)
 *   gpt-oss   r = the K largest of Wr n + br, p = softmax(r)
 *             y = sum over the chosen of p_e (W2_e glu(W1_e n + b1_e, W3_e n + b3_e) + b2_e)
 *             glu(g, u) = g' sigmoid(1.702 g') (u' + 1), g' = min(g, 7), u' = clip(u, -7, 7)
 *
 * Attention is Qwen 3's (qwen.c); gpt-oss has biases everywhere, rope scaled by YaRN, a window in every other
 * layer, and a sink in each head: a logit without a value. */
#include <float.h>

#include "gpt/builders.h"
#include "gpt/layers.h"

/* Sum over the chosen of weight (R,K) times y (R,K,C): (R,C). */
static sw_node *mix(struct sw_gpt *m, sw_node *y, sw_node *weights)
{
    weights = sw_reshape(m->g, weights, SW_SHAPE(-1, m->z.chosen, 1));
    return sw_sum(m->g, sw_mul(m->g, y, weights), (sw_reduce_options){.axes = {1}, .n_axes = 1});
}

static sw_node *qwen_experts(struct sw_gpt *m, sw_node *x)
{
    const struct sw_gpt_sizes *z = &m->z;
    sw_node *p = sw_softmax(m->g, sw__gpt_linear(m, "ffn_gate_inp", x, z->experts), -1); /* (R,E) */
    sw_node *top = sw_topk(m->g, p, (int)z->chosen, -1), *which = sw_output(top, 1);     /* (R,K) */
    sw_node *sum = sw_sum(m->g, top,
                          (sw_reduce_options){.axes = {1}, .n_axes = 1, .keepdims = true});
    sw_node *gate = sw_silu(m->g, sw__gpt_expert(m, "ffn_gate_exps", x, which, z->expert_hidden));
    sw_node *up = sw__gpt_expert(m, "ffn_up_exps", x, which, z->expert_hidden); /* (R,K,FF) */
    sw_node *y = sw__gpt_expert(m, "ffn_down_exps", sw_mul(m->g, gate, up), which, z->width);
    return mix(m, y, sw_div(m->g, top, sum));
}

static sw_node *qwen_block(struct sw_gpt *m, sw_node *x)
{
    sw_node *y = sw__gpt_qwen3_attention(m, sw__gpt_rmsnorm(m, "attn_norm", x));
    sw_node *h = sw_add(m->g, sw__gpt_wanted(m, x), sw__gpt_wanted(m, y));
    return sw_add(m->g, h, qwen_experts(m, sw__gpt_rmsnorm(m, "ffn_norm", h)));
}

sw_node *sw__gpt_build_qwen3moe(struct sw_gpt *m)
{
    sw_node *x = sw__gpt_embed(m); /* (N,C) */
    for (m->layer = 0; m->layer < m->z.layers; m->layer++) x = qwen_block(m, x);
    m->layer = -1;
    return sw__gpt_head(m, sw__gpt_rmsnorm(m, "output_norm", x)); /* (R,V) */
}

static sw_node *oss_attention(struct sw_gpt *m, sw_node *x)
{
    const struct sw_gpt_sizes *z = &m->z;
    sw_node *q = sw__gpt_linear(m, "attn_q", x, z->heads * z->head);    /* (N,NH*HS) */
    sw_node *k = sw__gpt_linear(m, "attn_k", x, z->kv_heads * z->head); /* (N,NKV*HS) */
    sw_node *v = sw__gpt_linear(m, "attn_v", x, z->kv_heads * z->head); /* (N,NKV*HS) */
    q = sw__gpt_rope(m, sw__gpt_heads(m, q, z->heads));                 /* (N,NH,HS) */
    k = sw__gpt_rope(m, sw__gpt_heads(m, k, z->kv_heads));              /* (N,NKV,HS) */
    v = sw__gpt_heads(m, v, z->kv_heads);                               /* (N,NKV,HS) */
    sw_node *sinks = sw__gpt_weight(m, "attn_sinks", SW_SHAPE(z->heads));
    return sw__gpt_linear(m, "attn_output", sw__gpt_attend_with(m, q, k, v, sinks), z->width);
}

static sw_node *oss_experts(struct sw_gpt *m, sw_node *x)
{
    const struct sw_gpt_sizes *z = &m->z;
    sw_node *r = sw__gpt_linear(m, "ffn_gate_inp", x, z->experts);                   /* (R,E) */
    sw_node *top = sw_topk(m->g, r, (int)z->chosen, -1), *which = sw_output(top, 1); /* (R,K) */
    sw_node *g = sw__gpt_expert(m, "ffn_gate_exps", x, which, z->expert_hidden);     /* (R,K,FF) */
    sw_node *u = sw__gpt_expert(m, "ffn_up_exps", x, which, z->expert_hidden);       /* (R,K,FF) */
    g = sw_clip(m->g, g, -FLT_MAX, 7);
    g = sw_mul(m->g, g, sw_sigmoid(m->g, sw_scale(m->g, g, 1.702f)));
    u = sw_add(m->g, sw_clip(m->g, u, -7, 7), sw_scalar(m->g, 1));
    sw_node *y = sw__gpt_expert(m, "ffn_down_exps", sw_mul(m->g, g, u), which, z->width);
    return mix(m, y, sw_softmax(m->g, top, -1));
}

static sw_node *oss_block(struct sw_gpt *m, sw_node *x)
{
    sw_node *y = oss_attention(m, sw__gpt_rmsnorm(m, "attn_norm", x));
    sw_node *h = sw_add(m->g, sw__gpt_wanted(m, x), sw__gpt_wanted(m, y));
    return sw_add(m->g, h, oss_experts(m, sw__gpt_rmsnorm(m, "post_attention_norm", h)));
}

sw_node *sw__gpt_build_gpt_oss(struct sw_gpt *m)
{
    sw_node *x = sw__gpt_embed(m); /* (N,C) */
    for (m->layer = 0; m->layer < m->z.layers; m->layer++) x = oss_block(m, x);
    m->layer = -1;
    return sw__gpt_head(m, sw__gpt_rmsnorm(m, "output_norm", x)); /* (R,V) */
}

void sw__gpt_adjust_gpt_oss(struct sw_gpt_sizes *z)
{
    z->window_period = 2;
}

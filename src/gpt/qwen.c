/* Qwen 3 (Qwen team 2025, section 2): Llama with an RMS norm over each head of queries and keys before they
 * turn, and heads of a size of their own.  Qwen 2 is Llama with biases of q, k, v: its row of the table has
 * Llama's builder, which adds what biases the file has.
 *
 *   h = x + Wo Attn(RoPE(Norm(Wq n)), RoPE(Norm(Wk n)), Wv n)      n = RMSNorm(x)
 *   y = h + W2 (silu(W1 n) * W3 n)                                 n = RMSNorm(h) */
#include "gpt/builders.h"
#include "gpt/layers.h"

sw_node *sw__gpt_qwen3_attention(struct sw_gpt *m, sw_node *x)
{
    const struct sw_gpt_sizes *z = &m->z;
    sw_node *q = sw__gpt_linear(m, "attn_q", x, z->heads * z->head);         /* (N,NH*HS) */
    sw_node *k = sw__gpt_linear(m, "attn_k", x, z->kv_heads * z->head);      /* (N,NKV*HS) */
    sw_node *v = sw__gpt_linear(m, "attn_v", x, z->kv_heads * z->head);      /* (N,NKV*HS) */
    q = sw__gpt_rmsnorm(m, "attn_q_norm", sw__gpt_heads(m, q, z->heads));    /* (N,NH,HS) */
    k = sw__gpt_rmsnorm(m, "attn_k_norm", sw__gpt_heads(m, k, z->kv_heads)); /* (N,NKV,HS) */
    v = sw__gpt_heads(m, v, z->kv_heads);                                    /* (N,NKV,HS) */
    sw_node *y = sw__gpt_attend(m, sw__gpt_rope(m, q), sw__gpt_rope(m, k), v);
    return sw__gpt_linear(m, "attn_output", y, z->width); /* (N,C) */
}

static sw_node *block(struct sw_gpt *m, sw_node *x)
{
    sw_node *y = sw__gpt_qwen3_attention(m, sw__gpt_rmsnorm(m, "attn_norm", x));
    sw_node *h = sw_add(m->g, sw__gpt_wanted(m, x), sw__gpt_wanted(m, y));
    return sw_add(m->g, h, sw__gpt_swiglu(m, sw__gpt_rmsnorm(m, "ffn_norm", h)));
}

sw_node *sw__gpt_build_qwen3(struct sw_gpt *m)
{
    sw_node *x = sw__gpt_embed(m); /* (N,C) */
    for (m->layer = 0; m->layer < m->z.layers; m->layer++) x = block(m, x);
    m->layer = -1;
    return sw__gpt_head(m, sw__gpt_rmsnorm(m, "output_norm", x)); /* (R,V) */
}

/* Llama: Touvron et al. 2023, section 2.2, with grouped queries (Ainslie et al. 2023); also Llama 2 and 3,
 * Mistral, SmolLM, TinyLlama, which differ in sizes only.
 *
 *   h = x + Wo Attn(RoPE(Wq n), RoPE(Wk n), Wv n)      n = RMSNorm(x)
 *   y = h + W2 (silu(W1 n) * W3 n)                     n = RMSNorm(h)      SwiGLU: Shazeer 2020 */
#include "gpt/builders.h"
#include "gpt/layers.h"

static sw_node *attention(struct sw_gpt *m, sw_node *x)
{
    const struct sw_gpt_sizes *z = &m->z;
    sw_node *q = sw__gpt_linear(m, "attn_q", x, z->heads * z->head);               /* (N,NH*HS) */
    sw_node *k = sw__gpt_linear(m, "attn_k", x, z->kv_heads * z->head);            /* (N,NKV*HS) */
    sw_node *v = sw__gpt_linear(m, "attn_v", x, z->kv_heads * z->head);            /* (N,NKV*HS) */
    q = sw__gpt_rope(m, sw__gpt_heads(m, q, z->heads));                            /* (N,NH,HS) */
    k = sw__gpt_rope(m, sw__gpt_heads(m, k, z->kv_heads));                         /* (N,NKV,HS) */
    v = sw__gpt_heads(m, v, z->kv_heads);                                          /* (N,NKV,HS) */
    return sw__gpt_linear(m, "attn_output", sw__gpt_attend(m, q, k, v), z->width); /* (N,C) */
}

sw_node *sw__gpt_swiglu(struct sw_gpt *m, sw_node *x)
{
    sw_node *gate = sw_silu(m->g, sw__gpt_linear(m, "ffn_gate", x, m->z.hidden)); /* (N,FF) */
    sw_node *up = sw__gpt_linear(m, "ffn_up", x, m->z.hidden);                    /* (N,FF) */
    return sw__gpt_linear(m, "ffn_down", sw_mul(m->g, gate, up), m->z.width);     /* (N,C) */
}

static sw_node *block(struct sw_gpt *m, sw_node *x)
{
    sw_node *y = attention(m, sw__gpt_rmsnorm(m, "attn_norm", x));
    sw_node *h = sw_add(m->g, sw__gpt_wanted(m, x), sw__gpt_wanted(m, y));
    return sw_add(m->g, h, sw__gpt_swiglu(m, sw__gpt_rmsnorm(m, "ffn_norm", h)));
}

sw_node *sw__gpt_build_llama(struct sw_gpt *m)
{
    sw_node *x = sw__gpt_embed(m); /* (N,C) */
    for (m->layer = 0; m->layer < m->z.layers; m->layer++) x = block(m, x);
    m->layer = -1;
    return sw__gpt_head(m, sw__gpt_rmsnorm(m, "output_norm", x)); /* (R,V) */
}

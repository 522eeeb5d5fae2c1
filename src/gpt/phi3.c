/* Phi-3: Abdin et al. 2024, section 2.  Llama with q, k, v in one product, gate and up in another, and, for
 * long contexts, a factor for each frequency (LongRoPE, Ding et al. 2024): one set up to the context of the
 * first training, one beyond.
 *
 *   h = x + Wo Attn(RoPE(q), RoPE(k), v)      q, k, v = Wqkv RMSNorm(x)
 *   y = h + W2 (silu(gate) * up)              gate, up = W1 RMSNorm(h) */
#include "gpt/builders.h"
#include "gpt/layers.h"

static sw_node *attention(struct sw_gpt *m, sw_node *x)
{
    const struct sw_gpt_sizes *z = &m->z;
    const int64_t nq = z->heads * z->head, nkv = z->kv_heads * z->head;
    sw_node *qkv = sw__gpt_linear(m, "attn_qkv", x, nq + 2 * nkv); /* (N,NH*HS + 2 NKV*HS) */
    sw_node *q = sw_split(m->g, qkv, (int64_t[]){nq, nkv, nkv}, 3, 1);
    sw_node *k = sw_output(q, 1), *v = sw_output(q, 2);
    q = sw__gpt_rope(m, sw__gpt_heads(m, q, z->heads));                            /* (N,NH,HS) */
    k = sw__gpt_rope(m, sw__gpt_heads(m, k, z->kv_heads));                         /* (N,NKV,HS) */
    v = sw__gpt_heads(m, v, z->kv_heads);                                          /* (N,NKV,HS) */
    return sw__gpt_linear(m, "attn_output", sw__gpt_attend(m, q, k, v), z->width); /* (N,C) */
}

static sw_node *mlp(struct sw_gpt *m, sw_node *x)
{
    const int64_t ff = m->z.hidden;
    sw_node *both = sw__gpt_linear(m, "ffn_up", x, 2 * ff);          /* (N,2FF) */
    sw_node *gate = sw_split(m->g, both, (int64_t[]){ff, ff}, 2, 1); /* (N,FF), two */
    sw_node *up = sw_output(gate, 1);
    return sw__gpt_linear(m, "ffn_down", sw_mul(m->g, sw_silu(m->g, gate), up), m->z.width);
}

static sw_node *block(struct sw_gpt *m, sw_node *x)
{
    sw_node *y = attention(m, sw__gpt_rmsnorm(m, "attn_norm", x));
    sw_node *h = sw_add(m->g, sw__gpt_wanted(m, x), sw__gpt_wanted(m, y));
    return sw_add(m->g, h, mlp(m, sw__gpt_rmsnorm(m, "ffn_norm", h)));
}

sw_node *sw__gpt_build_phi3(struct sw_gpt *m)
{
    sw_node *x = sw__gpt_embed(m); /* (N,C) */
    for (m->layer = 0; m->layer < m->z.layers; m->layer++) x = block(m, x);
    m->layer = -1;
    return sw__gpt_head(m, sw__gpt_rmsnorm(m, "output_norm", x)); /* (R,V) */
}

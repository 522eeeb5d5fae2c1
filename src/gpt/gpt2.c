/* GPT-2: Radford et al. 2019, section 2.3; GPT-3 differs in sizes.  Norms before the layers, learned positions,
 * biases everywhere, the head is the table of tokens.
 *
 *   x = wte[token] + wpe[position]
 *   h = x + Wo Attn(Wqkv n)              n = LayerNorm(x)
 *   y = h + W2 gelu(W1 n)                n = LayerNorm(h)      gelu in its tanh form */
#include "gpt/builders.h"
#include "gpt/layers.h"

static sw_node *attention(struct sw_gpt *m, sw_node *x)
{
    const int64_t c = m->z.width, nh = m->z.heads;
    sw_node *qkv = sw__gpt_linear(m, "attn_qkv", x, 3 * c);       /* (N,3C) */
    sw_node *q = sw_split(m->g, qkv, (int64_t[]){c, c, c}, 3, 1); /* (N,C), three */
    sw_node *k = sw_output(q, 1), *v = sw_output(q, 2);
    sw_node *y = sw__gpt_attend(m, sw__gpt_heads(m, q, nh), sw__gpt_heads(m, k, nh),
                                sw__gpt_heads(m, v, nh)); /* (N,C) */
    return sw__gpt_linear(m, "attn_output", y, c);        /* (N,C) */
}

static sw_node *mlp(struct sw_gpt *m, sw_node *x)
{
    sw_node *h = sw_gelu_tanh(m->g, sw__gpt_linear(m, "ffn_up", x, m->z.hidden)); /* (N,FF) */
    return sw__gpt_linear(m, "ffn_down", h, m->z.width);                          /* (N,C) */
}

static sw_node *block(struct sw_gpt *m, sw_node *x)
{
    sw_node *y = attention(m, sw__gpt_layernorm(m, "attn_norm", x));
    sw_node *h = sw_add(m->g, sw__gpt_wanted(m, x), sw__gpt_wanted(m, y));
    return sw_add(m->g, h, mlp(m, sw__gpt_layernorm(m, "ffn_norm", h)));
}

sw_node *sw__gpt_build_gpt2(struct sw_gpt *m)
{
    sw_node *x = sw__gpt_embed(m); /* (N,C) */
    sw_node *wpe = sw__gpt_weight(m, "position_embd", SW_SHAPE(m->z.context, m->z.width));
    x = sw_add(m->g, x, sw_embedding(m->g, wpe, m->position)); /* (N,C) */
    for (m->layer = 0; m->layer < m->z.layers; m->layer++) x = block(m, x);
    m->layer = -1;
    return sw__gpt_head(m, sw__gpt_layernorm(m, "output_norm", x)); /* (R,V) */
}

/* BERT: Devlin et al. 2019, section 3, as bge, MiniLM, E5 and gte embed texts with it.  Norms behind the layers
 * (Vaswani et al. 2017), learned positions, biases everywhere; each token sees the whole text, and its vector is
 * the result.  A text is one sequence, of type 0; the pooler and the heads of pre-training are left out.
 *
 *   x = LayerNorm(word[token] + type[0] + place[position])
 *   h = LayerNorm(x + Wo Attn(Wq x, Wk x, Wv x))
 *   y = LayerNorm(h + W2 gelu(W1 h))                       gelu by erf */
#include "gpt/builders.h"
#include "gpt/layers.h"

static sw_node *embeddings(struct sw_gpt *m)
{
    const int64_t c = m->z.width;
    sw_node *x = sw__gpt_embed(m); /* (N,C) */
    sw_node *place = sw__gpt_weight(m, "position_embd", SW_SHAPE(m->z.context, c));
    x = sw_add(m->g, x, sw_embedding(m->g, place, m->position)); /* (N,C) */
    if (m->z.types > 0) {
        sw_node *types = sw__gpt_weight(m, "token_types", SW_SHAPE(m->z.types, c));
        sw_node *first = sw_slice(m->g, types, (sw_slice_options){.end = 1}); /* (1,C) */
        x = sw_add(m->g, x, sw_cast(m->g, first, SW_F32));                    /* (N,C) */
    }
    return sw__gpt_layernorm(m, "token_embd_norm", x);
}

static sw_node *attention(struct sw_gpt *m, sw_node *x)
{
    const int64_t c = m->z.width, nh = m->z.heads;
    sw_node *q = sw__gpt_heads(m, sw__gpt_linear(m, "attn_q", x, c), nh);   /* (N,NH,HS) */
    sw_node *k = sw__gpt_heads(m, sw__gpt_linear(m, "attn_k", x, c), nh);   /* (N,NH,HS) */
    sw_node *v = sw__gpt_heads(m, sw__gpt_linear(m, "attn_v", x, c), nh);   /* (N,NH,HS) */
    return sw__gpt_linear(m, "attn_output", sw__gpt_attend(m, q, k, v), c); /* (N,C) */
}

static sw_node *mlp(struct sw_gpt *m, sw_node *x)
{
    sw_node *h = sw_gelu(m->g, sw__gpt_linear(m, "ffn_up", x, m->z.hidden)); /* (N,FF) */
    return sw__gpt_linear(m, "ffn_down", h, m->z.width);                     /* (N,C) */
}

static sw_node *block(struct sw_gpt *m, sw_node *x)
{
    sw_node *y = attention(m, x);
    sw_node *h = sw_add(m->g, sw__gpt_wanted(m, x), sw__gpt_wanted(m, y));
    h = sw__gpt_layernorm(m, "attn_output_norm", h);
    return sw__gpt_layernorm(m, "layer_output_norm", sw_add(m->g, h, mlp(m, h)));
}

sw_node *sw__gpt_build_bert(struct sw_gpt *m)
{
    sw_node *x = embeddings(m); /* (N,C) */
    for (m->layer = 0; m->layer < m->z.layers; m->layer++) x = block(m, x);
    return x; /* (R,C) */
}

/* Gemma 2 (Gemma team 2024, section 2) and Gemma 3 (2025, section 2): norms before and after each part,
 * embeddings times sqrt(C), a gated feed-forward network with gelu (GeGLU, Shazeer 2020), layers that see
 * a window in turn with layers that see all.
 *
 *   h = x + Norm(Wo Attn(RoPE(Wq n), RoPE(Wk n), Wv n))      n = Norm(x)
 *   y = h + Norm(W2 (gelu(W1 n) * W3 n))                     n = Norm(h)
 *
 * Gemma 2 caps the logits of attention and of the head; Gemma 3 norms each head of queries and keys in
 * their place, and turns by another base where a layer sees a window.  The format has the 1 of Gemma's
 * norms, (1 + w), in the weights already. */
#include <math.h>

#include "gpt/builders.h"
#include "gpt/layers.h"

static sw_node *attention(struct sw_gpt *m, sw_node *x, bool norm_heads)
{
    const struct sw_gpt_sizes *z = &m->z;
    sw_node *q = sw__gpt_linear(m, "attn_q", x, z->heads * z->head);    /* (N,NH*HS) */
    sw_node *k = sw__gpt_linear(m, "attn_k", x, z->kv_heads * z->head); /* (N,NKV*HS) */
    sw_node *v = sw__gpt_linear(m, "attn_v", x, z->kv_heads * z->head); /* (N,NKV*HS) */
    q = sw__gpt_heads(m, q, z->heads);                                  /* (N,NH,HS) */
    k = sw__gpt_heads(m, k, z->kv_heads);                               /* (N,NKV,HS) */
    v = sw__gpt_heads(m, v, z->kv_heads);                               /* (N,NKV,HS) */
    if (norm_heads) q = sw__gpt_rmsnorm(m, "attn_q_norm", q);
    if (norm_heads) k = sw__gpt_rmsnorm(m, "attn_k_norm", k);
    sw_node *y = sw__gpt_attend(m, sw__gpt_rope(m, q), sw__gpt_rope(m, k), v);
    return sw__gpt_linear(m, "attn_output", y, z->width); /* (N,C) */
}

static sw_node *geglu(struct sw_gpt *m, sw_node *x)
{
    sw_node *gate = sw_gelu_tanh(m->g, sw__gpt_linear(m, "ffn_gate", x, m->z.hidden)); /* (N,FF) */
    sw_node *up = sw__gpt_linear(m, "ffn_up", x, m->z.hidden);                         /* (N,FF) */
    return sw__gpt_linear(m, "ffn_down", sw_mul(m->g, gate, up), m->z.width);          /* (N,C) */
}

static sw_node *block(struct sw_gpt *m, sw_node *x, bool norm_heads)
{
    sw_node *y = attention(m, sw__gpt_rmsnorm(m, "attn_norm", x), norm_heads);
    y = sw__gpt_rmsnorm(m, "post_attention_norm", sw__gpt_wanted(m, y));
    sw_node *h = sw_add(m->g, sw__gpt_wanted(m, x), y);
    y = geglu(m, sw__gpt_rmsnorm(m, "ffn_norm", h));
    return sw_add(m->g, h, sw__gpt_rmsnorm(m, "post_ffw_norm", y));
}

static sw_node *build(struct sw_gpt *m, bool norm_heads)
{
    sw_node *x = sw_scale(m->g, sw__gpt_embed(m), sqrtf((float)m->z.width)); /* (N,C) */
    for (m->layer = 0; m->layer < m->z.layers; m->layer++) x = block(m, x, norm_heads);
    m->layer = -1;
    return sw__gpt_head(m, sw__gpt_rmsnorm(m, "output_norm", x)); /* (R,V) */
}

sw_node *sw__gpt_build_gemma2(struct sw_gpt *m)
{
    return build(m, false);
}

sw_node *sw__gpt_build_gemma3(struct sw_gpt *m)
{
    return build(m, true);
}

/* The largest of each scales queries by the model's width a head, not by their own size; the files do not
 * say so. */
static void scale_queries(struct sw_gpt_sizes *z, int64_t layers_of_27b)
{
    if (z->layers == layers_of_27b && z->heads > 0)
        z->attention_scale = 1 / sqrtf((float)(z->width / z->heads));
}

void sw__gpt_adjust_gemma2(struct sw_gpt_sizes *z)
{
    if (z->attention_softcap == 0) z->attention_softcap = 50;
    if (z->logit_softcap == 0) z->logit_softcap = 30;
    if (z->window == 0) z->window = z->context < 4096 ? z->context : 4096;
    z->window_period = 2;
    scale_queries(z, 46);
}

void sw__gpt_adjust_gemma3(struct sw_gpt_sizes *z)
{
    z->window_period = 6;
    if (z->local_rope_base == 0) z->local_rope_base = 10000;
    scale_queries(z, 62);
}

/* GPT-2 (Radford et al. 2019) and Llama (Touvron et al. 2023) over whole windows of tokens; TRAINING.md has
 * the equations in this order.
 *
 *   h = E[ids] (+ P[positions])
 *   for each block:  h = h + Attention(Norm(h));  h = h + MLP(Norm(h))
 *   logits = Norm(h) E^T      (Llama may have a head of its own)
 *
 * Dropout stands behind the embeddings and behind both branches of a block.  The probabilities of attention
 * have none, other than in GPT-2: they are never stored. */
#include "gpt/train_net.h"

#include <math.h>
#include <stdio.h>

#include "base/context_int.h"

enum {
    MOST_WIDTH = 1 << 16,
    MOST_LAYERS = 1024,
    MOST_CONTEXT = 1 << 20,
    MOST_VOCABULARY = 1 << 22
};

sw_status sw__gpt_net_complete(sw_context *ctx, struct sw_gpt_net *net)
{
    const bool gpt2 = net->kind == SW_GPT_KIND_GPT2;
    if (net->kv_heads == 0) net->kv_heads = net->heads;
    /* Two thirds of four widths, for three matrices instead of two (Shazeer 2020), in multiples of 32. */
    if (net->hidden == 0) net->hidden = gpt2 ? 4 * net->width : (8 * net->width / 3 + 31) / 32 * 32;
    if (net->eps == 0) net->eps = 1e-5f;
    if (net->rope_base == 0) net->rope_base = 10000;
    const struct {
        const char *name;
        int64_t value, most;
    } sizes[] = {{"layers", net->layers, MOST_LAYERS},
                 {"width", net->width, MOST_WIDTH},
                 {"heads", net->heads, MOST_WIDTH},
                 {"key-value heads", net->kv_heads, MOST_WIDTH},
                 {"hidden width", net->hidden, 8 * MOST_WIDTH},
                 {"context", net->context, MOST_CONTEXT},
                 {"vocabulary", net->vocabulary, MOST_VOCABULARY}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i].value < 1 || sizes[i].value > sizes[i].most)
            return sw__fail(ctx, SW_ERR_ARGUMENT, "%s: %lld is not from 1 to %lld", sizes[i].name,
                            (long long)sizes[i].value, (long long)sizes[i].most);
    if (net->width % net->heads)
        return sw__fail(ctx, SW_ERR_ARGUMENT, "a width of %lld is not divided by %lld heads",
                        (long long)net->width, (long long)net->heads);
    if (net->heads % net->kv_heads || (gpt2 && net->kv_heads != net->heads))
        return sw__fail(ctx, SW_ERR_ARGUMENT, "%lld heads cannot share %lld key-value heads",
                        (long long)net->heads, (long long)net->kv_heads);
    if (!gpt2 && net->width / net->heads % 2)
        return sw__fail(ctx, SW_ERR_ARGUMENT, "heads of %lld features cannot be rotated in pairs",
                        (long long)(net->width / net->heads));
    return SW_OK;
}

int64_t sw__gpt_net_parameters(const struct sw_gpt_net *net)
{
    const int64_t c = net->width, h = net->hidden, kv = c / net->heads * net->kv_heads;
    if (net->kind == SW_GPT_KIND_GPT2)
        return (net->vocabulary + net->context) * c + 2 * c +
               net->layers * (4 * c * c + 4 * c + 2 * c * h + h + c + 4 * c);
    return net->vocabulary * c * (net->untied ? 2 : 1) + c +
           net->layers * (2 * c * c + 2 * c * kv + 3 * c * h + 2 * c);
}

/* ---- weights ------------------------------------------------------------------------------------ */

struct builder {
    sw_graph *g;
    sw_weights *ws;
    const struct sw_gpt_net *net;
    sw_node *positions, *documents;
    int64_t layer; /* whose weights are asked for; -1: none */
    bool training;
};

/* "blk.3.attn_q.weight", "token_embd.weight" */
static sw_node *param(const struct builder *b, const char *name, const char *what, sw_shape shape,
                      sw_init init)
{
    char full[96], layer[32] = "";
    if (b->layer >= 0) snprintf(layer, sizeof layer, "blk.%lld.", (long long)b->layer);
    snprintf(full, sizeof full, "%s%s.%s", layer, name, what);
    const sw_weight *have = sw_weights_find(b->ws, full);
    return sw_param(b->g, b->ws, full, have ? sw_weight_tensor(have).dtype : SW_F32, shape, init);
}

/* x W^T + b, and what an adapter adds: scale (x A^T) B^T (Hu et al. 2021, section 4.1). */
static sw_node *linear(const struct builder *b, sw_node *x, const char *name, int64_t out,
                       float deviation)
{
    const sw_shape shape = sw_node_shape(x);
    const int64_t in = shape.rank ? shape.dim[shape.rank - 1] : 0, rank = b->net->lora_rank;
    const sw_init normal = sw_init_normal(0, deviation);
    sw_node *w = param(b, name, "weight", SW_SHAPE(out, in), normal);
    sw_node *bias = b->net->kind == SW_GPT_KIND_GPT2
                        ? param(b, name, "bias", SW_SHAPE(out), sw_init_zeros())
                        : NULL;
    sw_node *y = sw_linear(b->g, x, w, bias);
    if (rank == 0) return y;
    const float spread = 1 / sqrtf((float)in);
    sw_node *a = param(b, name, "weight.lora_a", SW_SHAPE(rank, in), sw_init_normal(0, spread));
    sw_node *up = param(b, name, "weight.lora_b", SW_SHAPE(out, rank), sw_init_zeros());
    sw_node *small = sw_linear(b->g, sw_linear(b->g, x, a, NULL), up, NULL);
    return sw_add(b->g, y, sw_scale(b->g, small, b->net->lora_scale));
}

static sw_node *norm(const struct builder *b, sw_node *x, const char *name)
{
    const int64_t c = b->net->width;
    sw_node *gamma = param(b, name, "weight", SW_SHAPE(c), sw_init_ones());
    if (b->net->kind == SW_GPT_KIND_LLAMA) return sw_rmsnorm(b->g, x, gamma, b->net->eps);
    sw_node *beta = param(b, name, "bias", SW_SHAPE(c), sw_init_zeros());
    return sw_layernorm(b->g, x, gamma, beta, b->net->eps);
}

static sw_node *drop(const struct builder *b, sw_node *x)
{
    return b->training && b->net->dropout > 0 ? sw_dropout(b->g, x, b->net->dropout) : x;
}

/* ---- a block ------------------------------------------------------------------------------------ */

#define DEVIATION 0.02f

/* Of projections that end in the residual stream, which 2 L of them add up in. */
static float residual_deviation(const struct builder *b)
{
    return DEVIATION / sqrtf(2 * (float)b->net->layers);
}

/* (B,T,heads * HS) -> (B,T,heads,HS) */
static sw_node *heads(const struct builder *b, sw_node *x, int64_t count)
{
    const sw_shape s = sw_node_shape(x);
    return sw_reshape(b->g, x, SW_SHAPE(s.dim[0], -1, count, b->net->width / b->net->heads));
}

static void project_gpt2(const struct builder *b, sw_node *x, sw_node *qkv[3])
{
    const int64_t c = b->net->width, sizes[3] = {c, c, c};
    sw_node *all = linear(b, x, "attn_qkv", 3 * c, DEVIATION); /* (B,T,3C) */
    sw_node *parts = sw_split(b->g, all, sizes, 3, 2);
    for (int i = 0; i < 3; i++) qkv[i] = heads(b, sw_output(parts, i), b->net->heads);
}

static void project_llama(const struct builder *b, sw_node *x, sw_node *qkv[3])
{
    const struct sw_gpt_net *net = b->net;
    const int64_t kv = net->width / net->heads * net->kv_heads;
    const sw_rope_options rope = {.pairing = net->halves ? SW_ROPE_NEOX : SW_ROPE_INTERLEAVED,
                                  .base = net->rope_base};
    qkv[0] = heads(b, linear(b, x, "attn_q", net->width, DEVIATION), net->heads);
    qkv[1] = heads(b, linear(b, x, "attn_k", kv, DEVIATION), net->kv_heads);
    qkv[2] = heads(b, linear(b, x, "attn_v", kv, DEVIATION), net->kv_heads);
    for (int i = 0; i < 2; i++) qkv[i] = sw_rope(b->g, qkv[i], b->positions, rope);
}

/* x (B,T,C) -> (B,T,C) */
static sw_node *attention(const struct builder *b, sw_node *x)
{
    sw_node *qkv[3];
    if (b->net->kind == SW_GPT_KIND_GPT2)
        project_gpt2(b, x, qkv);
    else
        project_llama(b, x, qkv);
    const sw_attention_options o = {.causal = true, .documents = b->documents};
    sw_node *y = sw_attention(b->g, qkv[0], qkv[1], qkv[2], o); /* (B,T,NH,HS) */
    y = linear(b, sw_flatten(b->g, y, 2, 3), "attn_output", b->net->width, residual_deviation(b));
    return drop(b, y);
}

/* x (B,T,C) -> (B,T,C), through (B,T,H) */
static sw_node *feed_forward(const struct builder *b, sw_node *x)
{
    const int64_t h = b->net->hidden;
    sw_node *y;
    if (b->net->kind == SW_GPT_KIND_GPT2)
        y = sw_gelu_tanh(b->g, linear(b, x, "ffn_up", h, DEVIATION));
    else
        y = sw_mul(b->g, sw_silu(b->g, linear(b, x, "ffn_gate", h, DEVIATION)),
                   linear(b, x, "ffn_up", h, DEVIATION));
    return drop(b, linear(b, y, "ffn_down", b->net->width, residual_deviation(b)));
}

static sw_node *block(const struct builder *b, sw_node *h)
{
    h = sw_add(b->g, h, attention(b, norm(b, h, "attn_norm")));
    return sw_add(b->g, h, feed_forward(b, norm(b, h, "ffn_norm")));
}

/* ---- the network -------------------------------------------------------------------------------- */

sw_node *sw__gpt_net_logits(sw_graph *g, sw_weights *ws, const struct sw_gpt_net *net, sw_node *ids,
                            sw_node *positions, sw_node *documents, bool training)
{
    struct builder b = {g, ws, net, positions, documents, -1, training};
    const int64_t c = net->width;
    const sw_init normal = sw_init_normal(0, DEVIATION);
    sw_node *table = param(&b, "token_embd", "weight", SW_SHAPE(net->vocabulary, c), normal);
    sw_node *h = sw_embedding(g, table, ids); /* (B,T,C) */
    if (net->kind == SW_GPT_KIND_GPT2) {
        sw_node *p = param(&b, "position_embd", "weight", SW_SHAPE(net->context, c), normal);
        h = sw_add(g, h, sw_embedding(g, p, positions));
    }
    h = drop(&b, h);
    for (b.layer = 0; b.layer < net->layers; b.layer++) h = block(&b, h);
    b.layer = -1;
    h = norm(&b, h, "output_norm");
    if (net->untied) table = param(&b, "output", "weight", SW_SHAPE(net->vocabulary, c), normal);
    return sw_linear(g, h, table, NULL); /* (B,T,V) */
}

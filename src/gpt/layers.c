/* The words of layers.h.  Sizes come from the weights themselves and are compared with what the
 * equation needs, so that a file that lies is refused by the tensor's name before anything runs. */
#include "gpt/layers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph/op.h"

enum { NAME = 96 };

/* <name><suffix> of the layer at hand. */
static const char *full_name(const struct sw_gpt *m, const char *name, const char *suffix,
                             char out[NAME])
{
    if (m->layer < 0)
        snprintf(out, NAME, "%s%s", name, suffix);
    else
        snprintf(out, NAME, "blk.%lld.%s%s", (long long)m->layer, name, suffix);
    return out;
}

static void mark_used(struct sw_gpt *m, const sw_weight *w)
{
    for (int64_t i = 0; i < sw_weights_count(m->ws); i++)
        if (sw_weights_at(m->ws, i) == w) m->used[i] = true;
}

static sw_node *find(struct sw_gpt *m, const char *name, sw_shape shape)
{
    const sw_weight *w = sw_weights_find(m->ws, name);
    if (!w) return NULL;
    const sw_tensor t = sw_weight_tensor(w);
    char is[SW_SHAPE_TEXT], needs[SW_SHAPE_TEXT];
    if (!sw_shape_equal(&t.shape, &shape))
        return sw__graph_poison(m->g, SW_ERR_FORMAT, "tensor '%s' is %s, the network needs %s",
                                name, sw_shape_text(&t.shape, is), sw_shape_text(&shape, needs));
    mark_used(m, w);
    return sw_param(m->g, m->ws, name, t.dtype, t.shape, sw_init_zeros());
}

sw_node *sw__gpt_weight_maybe(struct sw_gpt *m, const char *name, sw_shape shape)
{
    char full[NAME];
    return find(m, full_name(m, name, ".weight", full), shape);
}

sw_node *sw__gpt_weight(struct sw_gpt *m, const char *name, sw_shape shape)
{
    char full[NAME];
    sw_node *w = sw__gpt_weight_maybe(m, name, shape);
    if (w) return w;
    return sw__graph_poison(m->g, SW_ERR_FORMAT, "there is no tensor '%s'",
                            full_name(m, name, ".weight", full));
}

static sw_node *bias_of(struct sw_gpt *m, const char *name, int64_t size)
{
    char full[NAME];
    return find(m, full_name(m, name, ".bias", full), SW_SHAPE(size));
}

static int64_t last_dim(const sw_node *x)
{
    const sw_shape s = sw_node_shape(x);
    return s.rank > 0 ? s.dim[s.rank - 1] : 0;
}

sw_node *sw__gpt_embed(struct sw_gpt *m)
{
    m->layer = -1;
    return sw_embedding(
        m->g, sw__gpt_weight(m, "token_embd", SW_SHAPE(m->z.vocabulary, m->z.width)), m->tokens);
}

sw_node *sw__gpt_linear(struct sw_gpt *m, const char *name, sw_node *x, int64_t size)
{
    char full[NAME];
    sw_node *w = sw__gpt_weight(m, name, SW_SHAPE(size, last_dim(x)));
    sw_node *y = sw_linear(m->g, x, w, bias_of(m, name, size));
    full_name(m, name, ".weight", full);
    sw__gpt_watch(m, full, x, NULL);
    return sw__gpt_adapt(m, full, x, y);
}

sw_node *sw__gpt_rmsnorm(struct sw_gpt *m, const char *name, sw_node *x)
{
    return sw_rmsnorm(m->g, x, sw__gpt_weight(m, name, SW_SHAPE(last_dim(x))), m->z.eps);
}

sw_node *sw__gpt_layernorm(struct sw_gpt *m, const char *name, sw_node *x)
{
    return sw_layernorm(m->g, x, sw__gpt_weight(m, name, SW_SHAPE(last_dim(x))),
                        bias_of(m, name, last_dim(x)), m->z.eps);
}

sw_node *sw__gpt_heads(struct sw_gpt *m, sw_node *x, int64_t heads)
{
    return sw_reshape(m->g, x, SW_SHAPE(-1, heads, m->z.head));
}

/* Whether the layer at hand sees the last `window` tokens only. */
static bool is_local(const struct sw_gpt *m)
{
    const int64_t period = m->z.window_period;
    return m->z.window > 0 && (period == 0 || m->layer % period < period - 1);
}

/* What frequencies are divided by, one for all layers, or NULL.  LongRoPE (Ding et al. 2024) has two sets, of which a
 * context takes one. */
static sw_node *rope_factors(struct sw_gpt *m)
{
    static const char *const sets[] = {"rope_factors_short", "rope_factors_long"};
    const sw_shape shape = SW_SHAPE(m->z.rope_dims / 2);
    const int64_t layer = m->layer;
    m->layer = -1;
    sw_node *factors = m->z.long_original > 0 ? sw__gpt_weight(m, sets[m->long_factors], shape)
                                              : sw__gpt_weight_maybe(m, "rope_freqs", shape);
    if (m->z.long_original > 0) {
        char full[NAME];
        const sw_weight *other = sw_weights_find(
            m->ws, full_name(m, sets[!m->long_factors], ".weight", full));
        if (other) mark_used(m, other);
    }
    m->layer = layer;
    return factors;
}

sw_node *sw__gpt_rope(struct sw_gpt *m, sw_node *x)
{
    const struct sw_gpt_sizes *z = &m->z;
    const bool local = z->local_rope_base > 0 && is_local(m);
    const bool longer = z->long_original > 0; /* YaRN's magnitude, and nothing else of it */
    return sw_rope(
        m->g, x, m->position,
        (sw_rope_options){.pairing = z->pairing,
                          .dims = (int)z->rope_dims,
                          .base = local ? z->local_rope_base : z->rope_base,
                          .scale = local ? 1 : z->rope_scale,
                          .frequencies = rope_factors(m),
                          .yarn = {.factor = longer ? 1 : z->yarn_factor,
                                   .original = longer ? z->long_original : z->yarn_original,
                                   .magnitude = longer ? z->long_magnitude : z->yarn_magnitude}});
}

sw_node *sw__gpt_attend(struct sw_gpt *m, sw_node *q, sw_node *k, sw_node *v)
{
    return sw__gpt_attend_with(m, q, k, v, NULL);
}

/* Texts as documents of one batch: nothing is kept. */
static sw_node *attend_whole(struct sw_gpt *m, sw_node *q, sw_node *k, sw_node *v,
                             sw_attention_options o)
{
    const struct sw_gpt_sizes *z = &m->z;
    o.documents = sw_reshape(m->g, m->sequence, SW_SHAPE(1, -1));
    q = sw_reshape(m->g, q, SW_SHAPE(1, -1, z->heads, z->head));
    k = sw_reshape(m->g, k, SW_SHAPE(1, -1, z->kv_heads, z->head));
    v = sw_reshape(m->g, v, SW_SHAPE(1, -1, z->kv_heads, z->head));
    return sw_reshape(m->g, sw_attention(m->g, q, k, v, o), SW_SHAPE(-1, z->heads * z->head));
}

sw_node *sw__gpt_attend_with(struct sw_gpt *m, sw_node *q, sw_node *k, sw_node *v, sw_node *sinks)
{
    sw_node *k_pages, *v_pages;
    sw_attention_options o = {.causal = !m->z.both_ways,
                              .window = is_local(m) ? (int)m->z.window : 0,
                              .scale = m->z.attention_scale,
                              .softcap = m->z.attention_softcap,
                              .sinks = sinks};
    if (!m->kv) return attend_whole(m, q, k, v, o);
    sw_kv_nodes(m->kv, m->g, (int)m->layer, &k_pages, &v_pages);
    sw_node *y = sw_paged_attention(m->g, q, k, v, k_pages, v_pages, m->blocks, m->sequence,
                                    m->position, o);
    return sw_reshape(m->g, y, SW_SHAPE(-1, m->z.heads * m->z.head));
}

sw_node *sw__gpt_expert(struct sw_gpt *m, const char *name, sw_node *x, sw_node *which,
                        int64_t size)
{
    char full[NAME];
    const int64_t e = m->z.experts;
    sw_node *w = sw__gpt_weight(m, name, SW_SHAPE(e, size, last_dim(x)));
    sw_node *b = find(m, full_name(m, name, ".bias", full), SW_SHAPE(e, size));
    sw__gpt_watch(m, full_name(m, name, ".weight", full), x, which);
    return sw_moe_linear(m->g, x, w, b, which);
}

sw_node *sw__gpt_wanted(struct sw_gpt *m, sw_node *x)
{
    return m->layer == m->z.layers - 1 ? sw_gather(m->g, x, m->wanted, 0) : x;
}

/* cap * tanh(x / cap): Bello et al. 2016, section 4.1. */
static sw_node *softcap(struct sw_gpt *m, sw_node *x, float cap)
{
    return cap > 0 ? sw_scale(m->g, sw_tanh(m->g, sw_scale(m->g, x, 1 / cap)), cap) : x;
}

sw_node *sw__gpt_head(struct sw_gpt *m, sw_node *x)
{
    m->layer = -1;
    const sw_shape shape = SW_SHAPE(m->z.vocabulary, m->z.width);
    sw_node *w = sw__gpt_weight_maybe(m, "output", shape);
    if (!w) w = sw__gpt_weight(m, "token_embd", shape);
    sw_node *y = sw_linear(m->g, x, w, bias_of(m, "output", m->z.vocabulary));
    y = softcap(m, sw__gpt_adapt(m, "output.weight", x, y), m->z.logit_softcap);
    return m->kv ? y : x;
}

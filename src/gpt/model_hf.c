/* Weights of a language model by transformers' names and layouts (model_hf.h): the counterpart of hf_folder.c. */
#include "gpt/model_hf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/context_int.h"
#include "gpt/hf_names.h"
#include "gpt/model_gguf.h"
#include "graph/weights_int.h"

struct target {
    sw_context *ctx;
    const struct sw_gpt *net;
    sw_weights *out;
    enum sw_hf_family family;
    bool half;
};

enum layout {
    AS_IT_IS,
    TRANSPOSED, /* (out,in) -> (in,out) */
    TURNED,     /* rows of a head 0 1 2 3 4 5 -> 0 2 4 1 3 5 */
    LESS_ONE    /* (1 + w) -> w */
};

static bool is(const struct sw_gpt *net, const char *name)
{
    return strcmp(net->architecture->name, name) == 0;
}

static enum layout layout_of(const struct target *t, const char *name, const sw_tensor *x)
{
    if (t->family == SW_HF_GPT2)
        return x->shape.rank == 2 && strncmp(name, "blk.", 4) == 0 ? TRANSPOSED : AS_IT_IS;
    if (t->family == SW_HF_GEMMA && strstr(name, "norm.weight")) return LESS_ONE;
    return t->net->z.pairing == SW_ROPE_INTERLEAVED && sw__gpt_turns(name) ? TURNED : AS_IT_IS;
}

static sw_dtype stored(const struct target *t, const sw_tensor *x)
{
    const bool blocks = sw_dtype_get(x->dtype)->block_elements > 1;
    if (x->shape.rank < 2) return SW_F32;
    return t->half && (blocks || x->dtype == SW_F32) ? SW_F16 : blocks ? SW_F32 : x->dtype;
}

/* Numbers of x in their new order, as f32. */
static void arrange(const struct target *t, enum layout layout, const float *from,
                    const sw_shape *shape, float *to)
{
    const int64_t rows = shape->dim[0], k = shape->rank > 1 ? shape->dim[1] : 1;
    for (int64_t r = 0; r < rows; r++) {
        const int64_t out = layout == TURNED ? sw__gpt_half_of_pair(r, t->net->z.head) : r;
        for (int64_t i = 0; i < k; i++) {
            const float x = from[r * k + i];
            to[layout == TRANSPOSED ? i * rows + r : out * k + i] = layout == LESS_ONE ? x - 1 : x;
        }
    }
}

static sw_status add_changed(const struct target *t, const char *name, enum layout layout,
                             sw_tensor x, sw_dtype dtype)
{
    sw_weight *w;
    sw_shape shape = x.shape;
    const int64_t n = sw_shape_elements(&shape);
    if (layout == TRANSPOSED) {
        shape.dim[0] = x.shape.dim[1];
        shape.dim[1] = x.shape.dim[0];
    }
    sw_status status = sw_weights_add(t->out, name, dtype, shape, &w);
    if (status != SW_OK) return status;
    float *from = sw__calloc2((size_t)n + 1, sizeof *from),
          *to = sw__calloc2((size_t)n + 1, sizeof *to);
    status = from && to ? sw_convert(from, SW_F32, x.data, x.dtype, n) : SW_ERR_MEMORY;
    if (status == SW_OK && layout != AS_IT_IS) arrange(t, layout, from, &x.shape, to);
    if (status == SW_OK)
        status = sw_convert(sw_weight_tensor(w).data, dtype, layout == AS_IT_IS ? from : to, SW_F32,
                            n);
    free(from);
    free(to);
    return status == SW_OK ? status
                           : sw__fail(t->ctx, status, "'%s' cannot be converted: %s", name,
                                      sw_status_text(status));
}

static sw_status add(const struct target *t, const char *theirs, const char *ours, sw_tensor x)
{
    sw_weight *w;
    const enum layout layout = layout_of(t, ours, &x);
    const sw_dtype dtype = stored(t, &x);
    if (layout == AS_IT_IS && dtype == x.dtype)
        return sw_weights_add_mapped(t->out, theirs, dtype, x.shape, x.data, &w);
    return add_changed(t, theirs, layout, x, dtype);
}

/* "blk.3.ffn_up_exps.weight" (E,N,K) is "model.layers.3.mlp.experts.0.up_proj.weight" and so on. */
static sw_status add_experts(const struct target *t, const char *name, sw_tensor x)
{
    static const char *const kinds[] = {"gate", "up", "down"};
    char theirs[SW_HF_NAME];
    unsigned layer;
    int kind = 0, used = 0;
    if (sscanf(name, "blk.%5u.%n", &layer, &used) != 1 || used == 0) return SW_ERR_UNSUPPORTED;
    while (kind < 3 && strncmp(name + used + 4, kinds[kind], strlen(kinds[kind])) != 0) kind++;
    if (kind == 3) return SW_ERR_UNSUPPORTED;
    sw_tensor one = {x.data, x.dtype, SW_SHAPE(x.shape.dim[1], x.shape.dim[2])};
    const int64_t bytes = sw_shape_bytes(&one.shape, one.dtype);
    sw_status status = SW_OK;
    for (int64_t e = 0; e < x.shape.dim[0] && status == SW_OK; e++) {
        one.data = (char *)x.data + e * bytes;
        snprintf(theirs, sizeof theirs, "model.layers.%u.mlp.experts.%lld.%s_proj.weight", layer,
                 (long long)e, kinds[kind]);
        status = add(t, theirs, name, one);
    }
    return status;
}

static sw_status add_weight(const struct target *t, const sw_weight *w)
{
    char theirs[SW_HF_NAME];
    const char *name = sw_weight_name(w);
    const sw_tensor x = sw_weight_tensor(w);
    if (strncmp(name, "rope_f", 6) == 0) return SW_OK; /* factors are in config.json */
    if (is(t->net, "qwen3moe") && x.shape.rank == 3) return add_experts(t, name, x);
    if (x.shape.rank < 3 && sw__hf_name_of(name, t->family, theirs)) return add(t, theirs, name, x);
    return sw__fail(t->ctx, SW_ERR_UNSUPPORTED, "'%s' has no name in transformers", name);
}

sw_status sw__gpt_hf_weights(sw_context *ctx, const struct sw_gpt *net, bool half, sw_weights **out)
{
    struct target t = {.ctx = ctx, .net = net, .half = half};
    t.family = is(net, "gpt2")                                     ? SW_HF_GPT2
               : is(net, "phi3")                                   ? SW_HF_PHI3
               : strncmp(net->architecture->name, "gemma", 5) == 0 ? SW_HF_GEMMA
                                                                   : SW_HF_LLAMA;
    if (is(net, "gpt-oss"))
        return sw__fail(ctx, SW_ERR_UNSUPPORTED,
                        "gpt-oss: its folders have experts in an order of their own");
    sw_status status = sw_weights_create(ctx, out);
    t.out = *out;
    for (int64_t i = 0; status == SW_OK && i < sw_weights_count(net->ws); i++)
        status = add_weight(&t, sw_weights_at(net->ws, i));
    if (status == SW_OK) return SW_OK;
    sw_weights_destroy(*out);
    *out = NULL;
    return status;
}

/* Low-rank adapters: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", section 4.1.
 *
 *   y = W x + scale alpha / r B (A x)        A (r,K), B (N,r)
 *
 * beside a W of any type, which stays as it is in the file.  A file is of PEFT (adapter_peft.c), or GGUF with general.type "adapter",
 * adapter.type "lora", adapter.lora.alpha, the base's general.architecture, and for some tensors of the base
 * <name>.lora_a and <name>.lora_b; alpha 0 means that nothing is divided by r, as in llama.cpp.  A pair for a
 * tensor that is no matrix product here (a table of embeddings) is refused by name. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/context_int.h"
#include "format/gguf.h"
#include "gpt/adapter_peft.h"
#include "graph/op.h"

enum { NAME = 128 };

static bool text_is(const struct sw_gguf *f, const char *key, const char *value)
{
    const char *text;
    size_t bytes;
    return sw__gguf_string(f, key, &text, &bytes) && bytes == strlen(value) &&
           memcmp(text, value, bytes) == 0;
}

static sw_status read_scale(const sw_model *m, struct sw_gpt_adapter *a, const struct sw_gguf *f,
                            float scale)
{
    double alpha;
    if (!text_is(f, "general.type", "adapter") || !text_is(f, "adapter.type", "lora"))
        return sw__fail(m->ctx, SW_ERR_FORMAT, "%s: no adapter of the type lora", a->path);
    if (!text_is(f, "general.architecture", m->net.architecture->name))
        return sw__fail(m->ctx, SW_ERR_FORMAT, "%s: is for another architecture than %s", a->path,
                        m->net.architecture->name);
    if (!sw__gguf_real(f, "adapter.lora.alpha", &alpha) || !isfinite(alpha))
        return sw__fail(m->ctx, SW_ERR_FORMAT, "%s: does not say its adapter.lora.alpha", a->path);
    a->by_rank = alpha != 0;
    a->scale = a->by_rank ? scale * (float)alpha : scale;
    return SW_OK;
}

static sw_status read_tensors(const sw_model *m, struct sw_gpt_adapter *a, const struct sw_gguf *f)
{
    sw_status status = SW_OK;
    for (int64_t i = 0; status == SW_OK && i < sw__gguf_tensors(f); i++) {
        const struct sw_gguf_tensor *t = sw__gguf_tensor(f, i);
        if (t->shape.rank != 2 || strlen(t->name) >= NAME)
            return sw__fail(m->ctx, SW_ERR_FORMAT, "%s: tensor '%s' is no matrix of an adapter",
                            a->path, t->name);
        status = sw__gpt_add_adapter_tensor(m, a, t->name,
                                            (sw_tensor){(void *)t->data, t->dtype, t->shape},
                                            m->net.architecture->pairing == SW_ROPE_NEOX);
    }
    return status;
}

static sw_status open_gguf(const sw_model *m, struct sw_gpt_adapter *a, float scale)
{
    struct sw_gguf *f;
    sw_status status = sw__gguf_open(m->ctx, a->path, &f);
    if (status != SW_OK) return status;
    status = read_scale(m, a, f, scale);
    if (status == SW_OK) status = read_tensors(m, a, f);
    if (status == SW_OK) status = sw__gpt_adopt(a->ws, f);
    sw__gguf_close(f);
    return status;
}

static sw_status open_one(sw_model *m, struct sw_gpt_adapter *a, const sw_model_adapter *o)
{
    char folder[SW_PEFT_PATH];
    const size_t bytes = strlen(o->path) + 1;
    a->path = malloc(bytes);
    if (!a->path) return sw__fail(m->ctx, SW_ERR_MEMORY, "%s: out of memory", o->path);
    memcpy(a->path, o->path, bytes);
    if (!isfinite(o->scale))
        return sw__fail(m->ctx, SW_ERR_ARGUMENT, "%s: its scale is no number", o->path);
    sw_status status = sw_weights_create(m->ctx, &a->ws);
    if (status == SW_OK)
        status = sw__gpt_is_peft(o->path, folder) ? sw__gpt_open_peft(m, a, folder, o->scale)
                                                  : open_gguf(m, a, o->scale);
    if (status != SW_OK) return status;
    a->used = sw__calloc2((size_t)sw_weights_count(a->ws) + 1, sizeof *a->used);
    return a->used ? SW_OK : sw__fail(m->ctx, SW_ERR_MEMORY, "%s: out of memory", a->path);
}

sw_status sw__gpt_open_adapters(sw_model *m)
{
    sw_status status = SW_OK;
    if (m->o.n_adapters < 0 || m->o.n_adapters > SW_MODEL_MOST_ADAPTERS)
        return sw__fail(m->ctx, SW_ERR_ARGUMENT, "model: %d adapters; at most %d at once",
                        m->o.n_adapters, SW_MODEL_MOST_ADAPTERS);
    for (int i = 0; status == SW_OK && i < m->o.n_adapters; i++)
        status = open_one(m, &m->net.adapters[m->net.n_adapters++], &m->o.adapters[i]);
    m->o.adapters = NULL;
    return status;
}

void sw__gpt_close_adapters(sw_model *m)
{
    for (int i = 0; i < m->net.n_adapters; i++) {
        sw_weights_destroy(m->net.adapters[i].ws);
        free(m->net.adapters[i].used);
        free(m->net.adapters[i].path);
    }
}

/* The adapter's weight of that name as a node, or NULL. */
static sw_node *find(struct sw_gpt *m, struct sw_gpt_adapter *a, const char *tensor,
                     const char *which)
{
    char name[NAME];
    snprintf(name, sizeof name, "%s.%s", tensor, which);
    for (int64_t i = 0; i < sw_weights_count(a->ws); i++) {
        const sw_weight *w = sw_weights_at(a->ws, i);
        if (strcmp(sw_weight_name(w), name) != 0) continue;
        const sw_tensor t = sw_weight_tensor(w);
        a->used[i] = true;
        return sw_param(m->g, a->ws, name, t.dtype, t.shape, sw_init_zeros());
    }
    return NULL;
}

/* Whether B A has the shape of W, which takes x to y. */
static bool fits(const sw_node *down, const sw_node *up, const sw_node *x, const sw_node *y)
{
    const sw_shape a = sw_node_shape(down), b = sw_node_shape(up), in = sw_node_shape(x),
                   out = sw_node_shape(y);
    return a.rank == 2 && b.rank == 2 && b.dim[1] == a.dim[0] && a.dim[0] > 0 && in.rank > 0 &&
           out.rank > 0 && a.dim[1] == in.dim[in.rank - 1] && b.dim[0] == out.dim[out.rank - 1];
}

sw_node *sw__gpt_adapt(struct sw_gpt *m, const char *tensor, sw_node *x, sw_node *y)
{
    for (int i = 0; i < m->n_adapters; i++) {
        struct sw_gpt_adapter *a = &m->adapters[i];
        sw_node *down = find(m, a, tensor, "lora_a");
        sw_node *up = down ? find(m, a, tensor, "lora_b") : NULL;
        if (!up || sw_graph_status(m->g) != SW_OK) continue;
        if (!fits(down, up, x, y)) {
            char is[SW_SHAPE_TEXT], and[SW_SHAPE_TEXT];
            const sw_shape s = sw_node_shape(down), t = sw_node_shape(up);
            return sw__graph_poison(m->g, SW_ERR_FORMAT,
                                    "%s: '%s.lora_a' %s and 'lora_b' %s do not fit that tensor",
                                    a->path, tensor, sw_shape_text(&s, is), sw_shape_text(&t, and));
        }
        if (a->scale == 0) continue;
        const float scale = a->by_rank ? a->scale / (float)sw_node_shape(down).dim[0] : a->scale;
        sw_node *z = sw_linear(m->g, x, down, NULL);                              /* (N,r) */
        y = sw_add(m->g, y, sw_scale(m->g, sw_linear(m->g, z, up, NULL), scale)); /* (N,size) */
    }
    return y;
}

sw_status sw__gpt_check_adapters(sw_model *m)
{
    for (int i = 0; i < m->net.n_adapters; i++) {
        const struct sw_gpt_adapter *a = &m->net.adapters[i];
        for (int64_t k = 0; k < sw_weights_count(a->ws); k++)
            if (!a->used[k])
                return sw__fail(m->ctx, SW_ERR_UNSUPPORTED, "%s: tensor '%s' has no place in %s",
                                a->path, sw_weight_name(sw_weights_at(a->ws, k)), m->path);
    }
    return SW_OK;
}

/* From a loaded model to the net that is trained (train_load.h). */
#include "gpt/train_load.h"

#include <string.h>

#include "base/context_int.h"
#include "gpt/gpt_int.h"

static sw_status refuse(sw_context *ctx, const char *path, const char *what)
{
    return sw__fail(ctx, SW_ERR_UNSUPPORTED, "%s: %s cannot be trained", path, what);
}

static sw_status describe(sw_context *ctx, const char *path, const sw_model *m,
                          struct sw_gpt_net *net)
{
    const struct sw_gpt_sizes *z = &m->net.z;
    const char *name = m->net.architecture->name;
    const bool gpt2 = strcmp(name, "gpt2") == 0;
    if (!gpt2 && strcmp(name, "llama") != 0) return refuse(ctx, path, name);
    *net = (struct sw_gpt_net){.kind = gpt2 ? SW_GPT_KIND_GPT2 : SW_GPT_KIND_LLAMA,
                               .vocabulary = z->vocabulary,
                               .context = z->context,
                               .layers = z->layers,
                               .width = z->width,
                               .heads = z->heads,
                               .kv_heads = z->kv_heads,
                               .hidden = z->hidden,
                               .eps = z->eps,
                               .rope_base = z->rope_base,
                               .halves = !gpt2 && z->pairing == SW_ROPE_NEOX,
                               .untied = sw_weights_find(m->net.ws, "output.weight") != NULL};
    if (z->head * z->heads != z->width) return refuse(ctx, path, "heads of another width");
    if (!gpt2 && z->rope_dims != z->head) return refuse(ctx, path, "rope of a part of a head");
    if (!gpt2 && z->rope_scale != 1 && z->rope_scale != 0)
        return refuse(ctx, path, "rope with scaled positions");
    if (z->window > 0) return refuse(ctx, path, "attention within a window");
    if (z->attention_scale != 0 || z->attention_softcap != 0 || z->logit_softcap != 0)
        return refuse(ctx, path, "attention with a scale of its own");
    const int64_t count = gpt2 ? 4 + net->untied + 12 * net->layers
                               : 2 + net->untied + 9 * net->layers;
    if (sw_weights_count(m->net.ws) != count)
        return refuse(ctx, path, "a network with more or fewer weights than its kind has");
    return sw__gpt_net_complete(ctx, net);
}

static sw_status take(sw_weights *ws, const sw_weight *from, bool frozen)
{
    const sw_tensor t = sw_weight_tensor(from);
    const char *name = sw_weight_name(from);
    sw_weight *to;
    if (frozen) return sw_weights_add_mapped(ws, name, t.dtype, t.shape, t.data, &to);
    sw_status status = sw_weights_add(ws, name, SW_F32, t.shape, &to);
    if (status != SW_OK) return status;
    return sw_convert(sw_weight_tensor(to).data, SW_F32, t.data, t.dtype,
                      sw_shape_elements(&t.shape));
}

sw_status sw__gpt_net_load(sw_context *ctx, const char *path, bool frozen, sw_weights *ws,
                           struct sw_gpt_net *net, sw_model **model)
{
    sw_model *m;
    *model = NULL;
    sw_status status = sw__gpt_open_weights(ctx, path, &m);
    if (status != SW_OK) return status;
    status = describe(ctx, path, m, net);
    for (int64_t i = 0; i < sw_weights_count(m->net.ws) && status == SW_OK; i++) {
        const sw_weight *w = sw_weights_at(m->net.ws, i);
        status = take(ws, w, frozen);
        if (status != SW_OK)
            sw__fail(ctx, status, "%s: '%s': %s", path, sw_weight_name(w), sw_status_text(status));
    }
    if (frozen && status == SW_OK)
        *model = m;
    else
        sw_model_destroy(m);
    return status;
}

void sw__gpt_net_model(const struct sw_gpt_net *net, sw_weights *ws, struct sw_gpt *out)
{
    const bool gpt2 = net->kind == SW_GPT_KIND_GPT2;
    const int64_t head = net->width / net->heads;
    *out = (struct sw_gpt){.ws = ws,
                           .architecture = sw__gpt_architecture(gpt2 ? "gpt2" : "llama"),
                           .z = {.layers = net->layers,
                                 .width = net->width,
                                 .heads = net->heads,
                                 .kv_heads = net->kv_heads,
                                 .head = head,
                                 .hidden = net->hidden,
                                 .vocabulary = net->vocabulary,
                                 .context = net->context,
                                 .eps = net->eps,
                                 .pairing = net->halves ? SW_ROPE_NEOX : SW_ROPE_INTERLEAVED,
                                 .rope_dims = gpt2 ? 0 : head,
                                 .rope_base = net->rope_base,
                                 .rope_scale = 1}};
}

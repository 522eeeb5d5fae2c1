/* The table of image networks: one row a network, one file a row. */
#include "alexnet/networks.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/context_int.h"

static const sw_image_network *const networks[] = {
    &sw__network_alexnet,    &sw__network_one_column,    &sw__network_convnet,
    &sw__network_cifarnet,   &sw__network_resnet20,      &sw__network_resnet32,
    &sw__network_resnet44,   &sw__network_resnet56,      &sw__network_cuda_11pct,
    &sw__network_cuda_13pct, &sw__network_resnet18,      &sw__network_resnet34,
    &sw__network_resnet50,   &sw__network_squeezenet1_0, &sw__network_squeezenet1_1,
};
enum { NETWORKS = sizeof networks / sizeof *networks };

const sw_image_network *sw_image_network_at(int i)
{
    return i >= 0 && i < NETWORKS ? networks[i] : NULL;
}

const sw_image_network *sw_image_network_find(const char *name)
{
    for (int i = 0; i < NETWORKS; i++)
        if (strcmp(networks[i]->name, name) == 0) return networks[i];
    return NULL;
}

const sw_image_network *sw_image_network_of(const sw_weights *ws, sw_image_sizes *found)
{
    for (int i = 0; i < NETWORKS; i++)
        if (networks[i]->fits(ws, found)) return networks[i];
    return NULL;
}

bool sw__weight_is(const sw_weights *ws, const char *name, sw_shape shape)
{
    const sw_weight *w = sw_weights_find(ws, name);
    if (!w) return false;
    sw_tensor t = sw_weight_tensor(w);
    return sw_shape_equal(&t.shape, &shape);
}

bool sw__last_layer(const sw_weights *ws, const char *layer, int64_t features, int *classes)
{
    char name[64];
    snprintf(name, sizeof name, "%s.weight", layer);
    const sw_weight *w = sw_weights_find(ws, name);
    if (!w) return false;
    sw_tensor t = sw_weight_tensor(w);
    if (t.shape.rank != 2 || t.shape.dim[1] != features || t.shape.dim[0] > INT_MAX) return false;
    *classes = (int)t.shape.dim[0];
    return true;
}

int64_t sw__image_classes(const sw_image_network *n, const sw_weights *ws,
                          const sw_image_options *o)
{
    sw_image_sizes found;
    if (o->classes) return o->classes;
    return n->fits(ws, &found) ? found.classes : n->classes;
}

static bool has_halves(const sw_weights *ws)
{
    for (int64_t i = 0; i < sw_weights_count(ws); i++) {
        const sw_dtype t = sw_weight_tensor(sw_weights_at(ws, i)).dtype;
        if (t == SW_F16 || t == SW_BF16) return true;
    }
    return false;
}

sw_status sw__image_weights_widen(sw_context *ctx, const char *path, const sw_weights *ws,
                                  sw_weights **wide)
{
    *wide = NULL;
    if (!has_halves(ws)) return SW_OK;
    sw_status status = sw_weights_create(ctx, wide);
    for (int64_t i = 0; status == SW_OK && i < sw_weights_count(ws); i++) {
        const sw_weight *from = sw_weights_at(ws, i);
        const sw_tensor t = sw_weight_tensor(from);
        sw_weight *to;
        status = sw_weights_add(*wide, sw_weight_name(from),
                                sw_dtype_get(t.dtype)->is_float ? SW_F32 : t.dtype, t.shape, &to);
        if (status == SW_OK)
            status = sw_convert(sw_weight_tensor(to).data, sw_weight_tensor(to).dtype, t.data,
                                t.dtype, sw_shape_elements(&t.shape));
    }
    if (status == SW_OK) return SW_OK;
    sw_weights_destroy(*wide);
    *wide = NULL;
    return sw__fail(ctx, status, "%s: out of memory for its weights in f32", path);
}

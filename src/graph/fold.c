/* Folding batch normalisation into the convolution before it (include/swell/graph.h):
 *
 *     norm(conv(x, w) + b) = conv(x, s w) + beta + s (b - mean),   s = gamma / sqrt(variance + eps)
 *
 * The op of the norm becomes the new convolution, so that whoever holds its result keeps it; the old
 * convolution has no reader any more, and no plan will have it.  New weights are in a set that the graph
 * alone holds.  (The importer of ONNX folds where it can by itself: there the names of the file stay.) */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "graph/graph_int.h"
#include "graph/op_list.h"
#include "graph/ops/batchnorm_int.h"
#include "graph/ops/conv_shape.h"
#include "graph/weights_int.h"

enum { X, W, BIAS, SUM, OPERANDS }; /* of a convolution */
enum { NAME = 32 };
enum { GAMMA = 1, BETA, MEAN, VARIANCE }; /* of a norm */

/* The numbers of a leaf of f32; NULL: it is none, or its numbers are not known. */
static const float *values(const sw_node *x)
{
    if (!x || x->dtype != SW_F32) return NULL;
    if (x->leaf == SW_LEAF_CONST) return x->data;
    return x->leaf == SW_LEAF_WEIGHT ? sw_weight_tensor(x->weight).data : NULL;
}

static bool known_or_absent(const sw_node *x)
{
    return !x || values(x) != NULL;
}

/* The convolution that op number i, a norm, can go into; else NULL.  readers: of each node. */
static const struct sw_op *convolution_of(const sw_graph *g, int64_t i, const int *readers)
{
    const struct sw_op *norm = g->ops[i], *conv = norm->in[X] ? norm->in[X]->op : NULL;
    if (norm->cls != &sw__op_batchnorm || !conv || conv->cls != &sw__op_conv2d) return NULL;
    if (conv->in[SUM] || norm->in[X]->keep || readers[norm->in[X]->id] != 1) return NULL;
    if (((const struct conv_attr *)conv->attr)->compute != SW_F32) return NULL;
    if (!values(conv->in[W]) || !known_or_absent(conv->in[BIAS])) return NULL;
    for (int j = GAMMA; j <= VARIANCE; j++)
        if (!known_or_absent(norm->in[j])) return NULL;
    return conv;
}

/* w (O,k) and b (O) */
static void fold(const struct sw_op *conv, const struct sw_op *norm, float *w, float *b)
{
    const struct batchnorm_attr *attr = norm->attr;
    const float *from = values(conv->in[W]), *bias = values(conv->in[BIAS]);
    const float *gamma = values(norm->in[GAMMA]), *beta = values(norm->in[BETA]);
    const float *mean = values(norm->in[MEAN]), *variance = values(norm->in[VARIANCE]);
    const sw_shape *shape = &conv->in[W]->shape;
    const int64_t channels = shape->dim[0];
    const int64_t k = channels ? sw_shape_elements(shape) / channels : 0;
    for (int64_t o = 0; o < channels; o++) {
        const double s = (gamma ? (double)gamma[o] : 1) /
                         sqrt((double)variance[o] + (double)attr->eps);
        const double shift = (bias ? (double)bias[o] : 0) - (double)mean[o];
        b[o] = (float)((beta ? (double)beta[o] : 0) + s * shift);
        for (int64_t i = o * k; i < (o + 1) * k; i++) w[i] = (float)(s * (double)from[i]);
    }
}

static sw_status replace(sw_graph *g, sw_weights *set, const struct sw_op *conv, struct sw_op *norm)
{
    char name[2][NAME];
    snprintf(name[0], NAME, "folded%d.weight", norm->id);
    snprintf(name[1], NAME, "folded%d.bias", norm->id);
    const sw_shape shape = conv->in[W]->shape, one = SW_SHAPE(shape.dim[0]);
    sw_node *w = sw_param(g, set, name[0], SW_F32, shape, sw_init_zeros());
    sw_node *b = sw_param(g, set, name[1], SW_F32, one, sw_init_zeros());
    sw_node **in = sw__arena_alloc(&g->arena, OPERANDS * sizeof(sw_node *));
    if (g->status != SW_OK) return g->status;
    if (!in) return sw__fail(g->ctx, SW_ERR_MEMORY, "graph: out of memory");
    fold(conv, norm, sw_weight_tensor(w->weight).data, sw_weight_tensor(b->weight).data);
    if (conv->in[W]->weight) { /* a file's: nobody else will read it */
        sw__weights_lock(conv->in[W]->weight->set);
        sw__weight_release_pages(conv->in[W]->weight, 0, 1, 1);
        sw__weights_unlock(conv->in[W]->weight->set);
    }
    in[X] = conv->in[X];
    in[W] = w;
    in[BIAS] = b;
    in[SUM] = NULL;
    norm->cls = conv->cls;
    norm->attr = conv->attr;
    norm->in = in;
    norm->n_in = OPERANDS;
    return SW_OK;
}

sw_status sw_graph_fold_norms(sw_graph *g)
{
    sw_weights *set = NULL;
    if (g->status != SW_OK) return g->status;
    int *readers = calloc((size_t)g->n_nodes + 1, sizeof *readers);
    if (!readers) return sw__fail(g->ctx, SW_ERR_MEMORY, "graph: out of memory");
    for (int64_t i = 0; i < g->n_ops; i++)
        for (int j = 0; j < g->ops[i]->n_in; j++)
            if (g->ops[i]->in[j]) readers[g->ops[i]->in[j]->id]++;
    sw_status status = sw_weights_create(g->ctx, &set);
    for (int64_t i = 0; i < g->n_ops && status == SW_OK; i++) {
        const struct sw_op *conv = convolution_of(g, i, readers);
        if (conv) status = replace(g, set, conv, g->ops[i]);
    }
    sw_weights_destroy(set);
    free(readers);
    return status;
}

/* Weights and biases in bytes.
 *
 * Each output of a layer has a scale of its own, symmetric, the one with the least error of the layer's
 * result: an error of a weight counts as much as the input that it is multiplied with is large.  A bias is
 * an integer of 32 bits in units of the product, scale of x times scale of w, so it is added to the sum as
 * it is. */
#include "format/onnx/onnx_quantise.h"

#include <math.h>
#include "base/size.h"

#define SHRINKS 50 /* scales that are tried: 1, 0.99, ... of the greatest magnitude */

static const float *numbers(const sw_node *x)
{
    return x->leaf == SW_LEAF_WEIGHT ? sw_weight_tensor(x->weight).data : x->data;
}

/* The numbers of a weight that make output j: n of them, `step` apart. */
struct row {
    const float *w;
    int64_t n, step;
    const double *energy; /* of input i / kernel + first */
    int64_t kernel, first;
};

static struct row row_of(const struct sw_onnx_quantiser *q, const struct sw_onnx_layer *l,
                         int64_t j)
{
    const struct sw_onnx_range_of *x = &q->values[l->x->id];
    const sw_shape *s = &l->w->shape;
    const int64_t outputs = s->dim[l->axis], n = sw_shape_elements(s) / outputs;
    struct row r = {.n = n, .step = 1, .energy = x->energy, .kernel = 1};
    r.w = numbers(l->w) + (l->axis ? j : j * n);
    if (l->axis) r.step = outputs;
    if (s->rank == 4) {
        const int64_t groups = x->channels / s->dim[1];
        r.kernel = s->dim[2] * s->dim[3];
        r.first = j / (outputs / groups) * s->dim[1];
    }
    return r;
}

static double error_of(const struct row *r, float scale)
{
    double sum = 0;
    for (int64_t i = 0; i < r->n; i++) {
        const float w = r->w[i * r->step];
        const float level = fminf(fmaxf(rintf(w / scale), -127), 127);
        const double off = (double)(w - level * scale);
        sum += off * off * r->energy[r->first + i / r->kernel];
    }
    return sum;
}

static float best_scale(const struct row *r)
{
    float most = 0;
    for (int64_t i = 0; i < r->n; i++) most = fmaxf(most, fabsf(r->w[i * r->step]));
    float best = most / 127;
    double least = best > 0 ? error_of(r, best) : 0;
    for (int k = 1; best > 0 && k < SHRINKS; k++) {
        const float scale = most / 127 * (1 - 0.01f * (float)k);
        const double e = error_of(r, scale);
        if (e < least) {
            least = e;
            best = scale;
        }
    }
    return best;
}

/* An output of tiny weights and a large bias gets a scale that the bias fits into 31 bits with. */
static float scale_for_bias(float scale, float x_scale, float bias)
{
    return fmaxf(fmaxf(scale, fabsf(bias) / x_scale * 0x1p-30f), 1e-30f / x_scale);
}

static sw_status quantise_layer(struct sw_onnx_quantiser *q, const struct sw_onnx_layer *l)
{
    const sw_shape *s = &l->w->shape;
    const int64_t outputs = s->dim[l->axis], all = sw_shape_elements(s);
    const float x_scale = q->bytes[l->x->id].scale[0], *b = l->b ? numbers(l->b) : NULL;
    float *w_scale = sw__arena_alloc(&q->arena, (size_t)outputs * sizeof *w_scale);
    float *b_scale = sw__arena_alloc(&q->arena, (size_t)outputs * sizeof *b_scale);
    int8_t *w = sw__arena_alloc(&q->arena, (size_t)all);
    int32_t *bias = sw__arena_alloc(&q->arena, (size_t)outputs * sizeof *bias);
    if (!w_scale || !b_scale || !w || !bias)
        return sw__fail(q->ctx, SW_ERR_MEMORY, "%s: out of memory", q->path);
    for (int64_t j = 0; j < outputs; j++) {
        const struct row r = row_of(q, l, j);
        w_scale[j] = scale_for_bias(best_scale(&r), x_scale, b ? b[j] : 0);
        b_scale[j] = x_scale * w_scale[j];
        for (int64_t i = 0; i < r.n; i++) {
            const float level = fminf(fmaxf(rintf(r.w[i * r.step] / w_scale[j]), -127), 127);
            w[r.w - numbers(l->w) + i * r.step] = (int8_t)level;
        }
        if (b) bias[j] = (int32_t)rint((double)b[j] / (double)b_scale[j]);
    }
    q->bytes[l->w->id] = (struct sw_onnx_bytes){.used = true,
                                                .type = SW_ONNX_INT8,
                                                .n = outputs,
                                                .scale = w_scale,
                                                .axis = l->axis,
                                                .data = w};
    if (b)
        q->bytes[l->b->id] = (struct sw_onnx_bytes){
            .used = true, .type = SW_ONNX_INT32, .n = outputs, .scale = b_scale, .data = bias};
    return SW_OK;
}

sw_status sw__quantise_weights(struct sw_onnx_quantiser *q)
{
    sw_status status = SW_OK;
    for (int i = 0; status == SW_OK && i < q->n_layers; i++)
        if (!q->layers[i].whole) status = quantise_layer(q, &q->layers[i]);
    return status;
}

/* Convolution, pooling, normalisation, to ONNX. */
#include "format/onnx/onnx_export.h"
#include "graph/ops/attributes.h"
#include "graph/ops/batchnorm_int.h"
#include "graph/ops/conv_shape.h"

/* ---- convolution ---------------------------------------------------------------------------------------- */

/* Attributes of a window over the last n axes: stride, dilation, kernel, pads. */
static void put_window(struct sw_onnx_export *ex, Onnx__NodeProto *node, int n,
                       const int64_t *stride, const int64_t *dilation, const int64_t *kernel,
                       const int64_t *pad)
{
    const int64_t line[] = {pad[1], pad[3]}; /* one axis is the width */
    sw__onnx_set_ints(ex, node, "kernel_shape", n, kernel);
    sw__onnx_set_ints(ex, node, "strides", n, stride + 2 - n);
    sw__onnx_set_ints(ex, node, "pads", 2 * n, n == 1 ? line : pad);
    if (dilation) sw__onnx_set_ints(ex, node, "dilations", n, dilation + 2 - n);
}

/* The bias is a vector, whatever ones it has around it. */
static char *bias_of(struct sw_onnx_export *ex)
{
    const sw_node *b = sw__onnx_operand(ex, 2);
    char *name = sw__onnx_arg(ex, 2);
    if (!b || b->shape.rank == 1) return name;
    char *in[] = {name, sw__onnx_put_int64(ex, 1, (int64_t[]){-1})}, *flat = sw__onnx_new(ex);
    sw__onnx_put(ex, "Reshape", 2, in, flat);
    return flat;
}

static void conv(struct sw_onnx_export *ex)
{
    const struct conv_attr *a = ex->op->attr;
    const sw_node *w = sw__onnx_operand(ex, 1);
    char *in[] = {sw__onnx_arg(ex, 0), sw__onnx_arg(ex, 1), bias_of(ex)};
    Onnx__NodeProto *node = sw__onnx_put(ex, "Conv", 3, in, sw__onnx_result(ex, 0));
    put_window(ex, node, a->rank - 2, a->stride, a->dilation, &w->shape.dim[2], a->pad);
    sw__onnx_set_i(ex, node, "group", a->groups);
}

static void conv_transpose(struct sw_onnx_export *ex)
{
    const struct conv_attr *a = ex->op->attr;
    const sw_node *w = sw__onnx_operand(ex, 1);
    char *in[] = {sw__onnx_arg(ex, 0), sw__onnx_arg(ex, 1), bias_of(ex)};
    Onnx__NodeProto *node = sw__onnx_put(ex, "ConvTranspose", 3, in, sw__onnx_result(ex, 0));
    put_window(ex, node, 2, a->stride, a->dilation, &w->shape.dim[2], a->pad);
    sw__onnx_set_i(ex, node, "group", a->groups);
    sw__onnx_set_ints(ex, node, "output_padding", 2, a->output_pad);
}

/* ---- pooling -------------------------------------------------------------------------------------------- */

static void pool(struct sw_onnx_export *ex)
{
    const struct pool_attr *a = ex->op->attr;
    char *x = sw__onnx_arg(ex, 0);
    Onnx__NodeProto *node = sw__onnx_put(ex, ex->exporter->type, 1, &x, sw__onnx_result(ex, 0));
    put_window(ex, node, 2, a->stride, NULL, a->kernel, a->pad);
    if (a->ceil_mode) sw__onnx_set_i(ex, node, "ceil_mode", 1);
    if (a->count_pad && ex->op->cls == &sw__op_avg_pool2d)
        sw__onnx_set_i(ex, node, "count_include_pad", 1);
}

/* ---- normalisation ---------------------------------------------------------------------------------------- */

/* ONNX divides alpha by the window's size, as PyTorch does; the paper does not. */
static void lrn(struct sw_onnx_export *ex)
{
    const struct sw_lrn_window *w = ex->op->attr;
    const int64_t size = w->before + w->after + 1;
    char *x = sw__onnx_arg(ex, 0);
    Onnx__NodeProto *node = sw__onnx_put(ex, "LRN", 1, &x, sw__onnx_result(ex, 0));
    sw__onnx_set_i(ex, node, "size", size);
    sw__onnx_set_f(ex, node, "alpha", (float)((double)w->alpha * (double)size));
    sw__onnx_set_f(ex, node, "beta", w->beta);
    sw__onnx_set_f(ex, node, "bias", w->k);
}

/* Operand i, or n times a number where it is absent. */
static char *arg_or(struct sw_onnx_export *ex, int i, int64_t n, float value)
{
    return sw__onnx_operand(ex, i) ? sw__onnx_arg(ex, i) : sw__onnx_put_fill(ex, n, value);
}

static void batchnorm(struct sw_onnx_export *ex)
{
    const struct batchnorm_attr *a = ex->op->attr;
    const int64_t c = sw__onnx_operand(ex, 3)->shape.dim[0];
    char *in[] = {sw__onnx_arg(ex, 0), arg_or(ex, 1, c, 1), arg_or(ex, 2, c, 0),
                  sw__onnx_arg(ex, 3), sw__onnx_arg(ex, 4)};
    Onnx__NodeProto *node = sw__onnx_put(ex, "BatchNormalization", 5, in, sw__onnx_result(ex, 0));
    sw__onnx_set_f(ex, node, "epsilon", a->eps);
}

static void layernorm(struct sw_onnx_export *ex)
{
    const struct layernorm_attr *a = ex->op->attr;
    const sw_shape *s = &sw__onnx_operand(ex, 0)->shape;
    char *in[] = {sw__onnx_arg(ex, 0), arg_or(ex, 1, s->dim[s->rank - 1], 1), sw__onnx_arg(ex, 2)};
    Onnx__NodeProto *node = sw__onnx_put(ex, "LayerNormalization", 3, in, sw__onnx_result(ex, 0));
    sw__onnx_set_i(ex, node, "axis", -1);
    sw__onnx_set_f(ex, node, "epsilon", a->eps);
    ex->opset = 17; /* the first that has it */
}

/* x + b or x * b, b (C) along axis 1. */
static char *by_channel(struct sw_onnx_export *ex, const char *type, char *x, int operand, char *y)
{
    const sw_shape *s = &sw__onnx_operand(ex, 0)->shape;
    int64_t line[SW_MAX_RANK];
    for (int i = 1; i < s->rank; i++) line[i - 1] = i == 1 ? s->dim[1] : 1;
    char *in[] = {sw__onnx_arg(ex, operand), sw__onnx_put_int64(ex, s->rank - 1, line)};
    char *b = sw__onnx_new(ex);
    sw__onnx_put(ex, "Reshape", 2, in, b);
    sw__onnx_put(ex, type, 2, (char *[]){x, b}, y);
    return y;
}

/* (N,C,...) seen as (N,groups,rest) is normalised by instances; then each channel has its own gamma, beta. */
static void groupnorm(struct sw_onnx_export *ex)
{
    const struct groupnorm_attr *a = ex->op->attr;
    const sw_shape *s = &sw__onnx_operand(ex, 0)->shape;
    const bool gamma = sw__onnx_operand(ex, 1) != NULL, beta = sw__onnx_operand(ex, 2) != NULL;
    int64_t back[SW_MAX_RANK] = {0};
    for (int i = 1; i < s->rank; i++) {
        if (sw__onnx_open(ex, sw__onnx_operand(ex, 0), i))
            sw__onnx_put_fail(ex, SW_ERR_UNSUPPORTED, "axis %d follows the batch", i);
        back[i] = s->dim[i];
    }
    char *to[] = {sw__onnx_arg(ex, 0), sw__onnx_put_int64(ex, 3, (int64_t[]){0, a->groups, -1})};
    char *x = sw__onnx_new(ex), *y = sw__onnx_new(ex), *z = sw__onnx_result(ex, 0);
    sw__onnx_put(ex, "Reshape", 2, to, x);
    char *in[] = {x, sw__onnx_put_fill(ex, a->groups, 1), sw__onnx_put_fill(ex, a->groups, 0)};
    sw__onnx_set_f(ex, sw__onnx_put(ex, "InstanceNormalization", 3, in, y), "epsilon", a->eps);
    char *from[] = {y, sw__onnx_put_int64(ex, s->rank, back)};
    char *whole = gamma || beta ? sw__onnx_new(ex) : z;
    sw__onnx_put(ex, "Reshape", 2, from, whole);
    if (gamma) whole = by_channel(ex, "Mul", whole, 1, beta ? sw__onnx_new(ex) : z);
    if (beta) by_channel(ex, "Add", whole, 2, z);
}

const struct sw_onnx_exporter sw__onnx_export_images[] = {
    {&sw__op_conv2d, conv, NULL},
    {&sw__op_conv_transpose2d, conv_transpose, NULL},
    {&sw__op_max_pool2d, pool, "MaxPool"},
    {&sw__op_avg_pool2d, pool, "AveragePool"},
    {&sw__op_lrn, lrn, NULL},
    {&sw__op_batchnorm, batchnorm, NULL},
    {&sw__op_layernorm, layernorm, NULL},
    {&sw__op_groupnorm, groupnorm, NULL},
    {0}};

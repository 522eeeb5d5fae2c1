/* Products, reductions, softmax, quantisation, to ONNX. */
#include "format/onnx/onnx_export.h"
#include "graph/ops/attributes.h"
#include "graph/ops/softmax_int.h"

/* ---- products ------------------------------------------------------------------------------------------- */

enum { A, B, BIAS };

/* Operand i with its last two axes exchanged. */
static char *turned(struct sw_onnx_export *ex, int i)
{
    const int rank = sw__onnx_operand(ex, i)->shape.rank;
    int64_t axes[SW_MAX_RANK];
    char *x = sw__onnx_arg(ex, i), *y = sw__onnx_new(ex);
    for (int k = 0; k < rank; k++) axes[k] = k < rank - 2 ? k : 2 * rank - 3 - k;
    sw__onnx_set_ints(ex, sw__onnx_put(ex, "Transpose", 1, &x, y), "perm", rank, axes);
    return y;
}

/* Two matrices are a Gemm, which has the bias and both transpositions; more are a MatMul and an Add. */
static void matmul(struct sw_onnx_export *ex)
{
    const struct matmul_attr *attr = ex->op->attr;
    const sw_node *a = sw__onnx_operand(ex, A), *b = sw__onnx_operand(ex, B);
    const bool bias = sw__onnx_operand(ex, BIAS) != NULL;
    const bool half = a->dtype != SW_F32 ||
                      b->dtype != SW_F32; /* f16 and bf16 weights are widened */
    char *y = sw__onnx_result(ex, 0);
    if (a->shape.rank == 2 && b->shape.rank == 2 && (bias || attr->ta || attr->tb)) {
        char *in[] = {sw__onnx_arg_as(ex, A, SW_ONNX_FLOAT), sw__onnx_arg_as(ex, B, SW_ONNX_FLOAT),
                      sw__onnx_arg(ex, BIAS)};
        Onnx__NodeProto *node = sw__onnx_put(ex, "Gemm", 3, in, y);
        if (attr->ta) sw__onnx_set_i(ex, node, "transA", 1);
        if (attr->tb) sw__onnx_set_i(ex, node, "transB", 1);
        return;
    }
    char *in[] = {attr->ta ? turned(ex, A) : sw__onnx_arg(ex, A),
                  attr->tb ? turned(ex, B) : sw__onnx_arg(ex, B)};
    for (int i = 0; half && i < 2; i++)
        if (sw__onnx_operand(ex, i)->dtype != SW_F32)
            in[i] = sw__onnx_put_cast(ex, in[i], SW_ONNX_FLOAT);
    char *product = bias ? sw__onnx_new(ex) : y;
    sw__onnx_put(ex, "MatMul", 2, in, product);
    if (bias) sw__onnx_put(ex, "Add", 2, (char *[]){product, sw__onnx_arg(ex, BIAS)}, y);
}

/* ---- reductions ----------------------------------------------------------------------------------------- */

static void reduce(struct sw_onnx_export *ex)
{
    const struct reduce_attr *attr = ex->op->attr;
    const struct sw_op_class *cls = ex->op->cls;
    const bool planes = sw__onnx_operand(ex, 0)->shape.rank == 4 && attr->first == 2 &&
                        attr->last == 3;
    int64_t axes[SW_MAX_RANK];
    int n = 0;
    char *in[] = {sw__onnx_arg(ex, 0), ex->spare_name}, *y = sw__onnx_result(ex, 0);
    for (int i = attr->first; i <= attr->last; i++) axes[n++] = i;
    if (planes && (cls == &sw__op_mean || cls == &sw__op_max)) {
        sw__onnx_put(ex, cls == &sw__op_mean ? "GlobalAveragePool" : "GlobalMaxPool", 1, in, y);
        return;
    }
    if (cls == &sw__op_sum)
        in[1] = sw__onnx_put_int64(ex, n, axes); /* an operand from opset 13 on */
    Onnx__NodeProto *node = sw__onnx_put(ex, ex->exporter->type, 2, in, y);
    if (cls != &sw__op_sum) sw__onnx_set_ints(ex, node, "axes", n, axes);
}

static void argmax(struct sw_onnx_export *ex)
{
    const struct argmax_attr *attr = ex->op->attr;
    char *x = sw__onnx_arg(ex, 0), *wide = sw__onnx_new(ex);
    Onnx__NodeProto *node = sw__onnx_put(ex, "ArgMax", 1, &x, wide);
    sw__onnx_set_i(ex, node, "axis", attr->axis);
    sw__onnx_set_i(ex, node, "keepdims", attr->keepdims);
    sw__onnx_set_i(ex, sw__onnx_put(ex, "Cast", 1, &wide, sw__onnx_result(ex, 0)), "to",
                   SW_ONNX_INT32);
}

static void topk(struct sw_onnx_export *ex)
{
    const struct topk_attr *attr = ex->op->attr;
    char *in[] = {sw__onnx_arg(ex, 0), sw__onnx_put_int64(ex, 1, (int64_t[]){attr->k})};
    char *wide = sw__onnx_new(ex);
    Onnx__NodeProto *node = sw__onnx_put(ex, "TopK", 2, in, sw__onnx_result(ex, 0));
    sw__onnx_put_result(ex, node, wide);
    sw__onnx_set_i(ex, node, "axis", attr->axis);
    sw__onnx_set_i(ex, sw__onnx_put(ex, "Cast", 1, &wide, sw__onnx_result(ex, 1)), "to",
                   SW_ONNX_INT32);
}

static void cumsum(struct sw_onnx_export *ex)
{
    const struct cumsum_attr *attr = ex->op->attr;
    const int64_t axis = attr->axis;
    char *in[] = {sw__onnx_arg(ex, 0),
                  sw__onnx_put_constant(ex, SW_ONNX_INT64, (sw_shape){0}, &axis)};
    Onnx__NodeProto *node = sw__onnx_put(ex, "CumSum", 2, in, sw__onnx_result(ex, 0));
    sw__onnx_set_i(ex, node, "exclusive", attr->exclusive);
    sw__onnx_set_i(ex, node, "reverse", attr->reverse);
}

static void softmax(struct sw_onnx_export *ex)
{
    const struct softmax_attr *attr = ex->op->attr;
    char *x = sw__onnx_arg(ex, 0);
    sw__onnx_set_i(ex, sw__onnx_put(ex, ex->exporter->type, 1, &x, sw__onnx_result(ex, 0)), "axis",
                   attr->axis);
}

/* ---- quantisation ---------------------------------------------------------------------------------------- */

static void quantise(struct sw_onnx_export *ex)
{
    const struct quantise_attr *attr = ex->op->attr;
    const int8_t none = 0;
    char *in[] = {sw__onnx_arg(ex, 0), sw__onnx_arg(ex, 1), sw__onnx_arg(ex, 2)};
    const sw_dtype bytes = ex->op->cls == &sw__op_quantise ? attr->dtype
                                                           : sw__onnx_operand(ex, 0)->dtype;
    if (!sw__onnx_operand(ex, 2)) { /* without one ONNX takes it for u8 */
        const sw_shape *scale = &sw__onnx_operand(ex, 1)->shape;
        if (bytes == SW_I8 && scale->rank == 0)
            in[2] = sw__onnx_put_constant(ex, SW_ONNX_INT8, (sw_shape){0}, &none);
        else if (bytes == SW_I8) {
            char *zeros = sw__onnx_put_fill(ex, scale->dim[0], 0);
            in[2] = sw__onnx_put_cast(ex, zeros, SW_ONNX_INT8);
        }
    }
    Onnx__NodeProto *node = sw__onnx_put(ex, ex->exporter->type, 3, in, sw__onnx_result(ex, 0));
    sw__onnx_set_i(ex, node, "axis", attr->axis);
}

const struct sw_onnx_exporter sw__onnx_export_products[] = {
    {&sw__op_matmul, matmul, NULL},
    {&sw__op_sum, reduce, "ReduceSum"},
    {&sw__op_mean, reduce, "ReduceMean"},
    {&sw__op_max, reduce, "ReduceMax"},
    {&sw__op_min, reduce, "ReduceMin"},
    {&sw__op_argmax, argmax, NULL},
    {&sw__op_topk, topk, NULL},
    {&sw__op_cumsum, cumsum, NULL},
    {&sw__op_softmax, softmax, "Softmax"},
    {&sw__op_log_softmax, softmax, "LogSoftmax"},
    {&sw__op_quantise, quantise, "QuantizeLinear"},
    {&sw__op_dequantise, quantise, "DequantizeLinear"},
    {0}};

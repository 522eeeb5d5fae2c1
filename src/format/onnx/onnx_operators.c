/* The operators that are known: one table a file of handlers. */
#include <string.h>

#include "format/onnx/onnx_import.h"

const struct sw_onnx_operator *sw__onnx_operator(const char *name)
{
    static const struct sw_onnx_operator *const tables[] = {
        sw__onnx_math_ops,     sw__onnx_activation_ops, sw__onnx_conv_ops, sw__onnx_shape_ops,
        sw__onnx_index_ops,    sw__onnx_reduce_ops,     sw__onnx_norm_ops, sw__onnx_repeat_ops,
        sw__onnx_resize_ops,   sw__onnx_quant_ops,      sw__onnx_loss_ops, sw__onnx_gather_ops,
        sw__onnx_function_ops, sw__onnx_einsum_ops,
    };
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const struct sw_onnx_operator *op = tables[t]; op->name; op++)
            if (strcmp(op->name, name) == 0) return op;
    return NULL;
}

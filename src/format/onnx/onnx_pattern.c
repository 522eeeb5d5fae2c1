/* Functions that exporters write as several nodes, and that plans have as one op which a convolution or a
 * product takes into itself:
 *
 *     x sigmoid(x)                                    silu    (EfficientNet)
 *     x 0.5 (1 + erf(x / sqrt 2)), in any order       gelu    (transformers)
 *
 * They are found at the last product.  The nodes of the others stay in the graph without readers, and a plan
 * leaves them out. */
#include <math.h>
#include <string.h>

#include "format/onnx/onnx_import.h"

typedef const struct sw_onnx_import_value value;

/* The node of an operator of two operands at most that made v, or NULL. */
static const Onnx__NodeProto *maker(const struct sw_onnx_import *im, value *v, const char *op)
{
    if (!v || v->constant || v->made_by < 0) return NULL;
    const Onnx__NodeProto *n = im->m->nodes[v->made_by];
    bool plain = !n->domain || !*n->domain;
    return plain && n->op_type && strcmp(n->op_type, op) == 0 && n->n_input >= 1 && n->n_input <= 2
               ? n
               : NULL;
}

static value *operand(const struct sw_onnx_import *im, const Onnx__NodeProto *n, size_t i)
{
    return i < n->n_input ? sw__onnx_find(im, n->input[i]) : NULL;
}

/* A constant of one number near x. */
static bool is_number(value *v, double x)
{
    return v && v->constant && v->host.n == 1 && sw__onnx_is_float(v->host.type) &&
           fabs(sw__onnx_get_f(&v->host, 0) - x) <= 1e-4 * fabs(x);
}

/* The operand beside a number: of sum x + number, product x number, quotient x / number. */
static value *beside(const struct sw_onnx_import *im, const Onnx__NodeProto *n, double number,
                     bool either)
{
    if (!n || n->n_input != 2) return NULL;
    if (is_number(operand(im, n, 1), number)) return operand(im, n, 0);
    return either && is_number(operand(im, n, 0), number) ? operand(im, n, 1) : NULL;
}

/* x of 1 + erf(x / sqrt 2), or NULL. */
static value *erf_operand(const struct sw_onnx_import *im, value *v)
{
    const double root = 1.41421356237;
    const Onnx__NodeProto *erf = maker(im, beside(im, maker(im, v, "Add"), 1, true), "Erf");
    value *scaled = erf ? operand(im, erf, 0) : NULL;
    value *x = beside(im, maker(im, scaled, "Div"), root, false);
    return x ? x : beside(im, maker(im, scaled, "Mul"), 1 / root, true);
}

/* The factors of a product, those that are products themselves taken apart once. */
static int factors(const struct sw_onnx_import *im, const Onnx__NodeProto *n, value **out)
{
    int count = 0;
    for (size_t i = 0; i < 2; i++) {
        value *v = operand(im, n, i);
        const Onnx__NodeProto *inner = maker(im, v, "Mul");
        if (inner && inner->n_input == 2) {
            out[count++] = operand(im, inner, 0);
            out[count++] = operand(im, inner, 1);
        } else
            out[count++] = v;
    }
    return count;
}

/* x when the three are x, one half, and 1 + erf(x / sqrt 2). */
static value *gelu_operand(const struct sw_onnx_import *im, value *const *f)
{
    for (int half = 0; half < 3; half++)
        for (int erf = 0; erf < 3; erf++)
            if (erf != half && is_number(f[half], 0.5) && f[3 - half - erf] &&
                erf_operand(im, f[erf]) == f[3 - half - erf])
                return f[3 - half - erf];
    return NULL;
}

sw_node *sw__onnx_known_product(struct sw_onnx_import *im)
{
    value *f[4];
    if (im->folding || im->m->opset < 7 || im->node->n_input != 2) return NULL;
    for (size_t i = 0; i < 2; i++) {
        value *x = operand(im, im->node, i);
        const Onnx__NodeProto *sigmoid = maker(im, operand(im, im->node, 1 - i), "Sigmoid");
        if (sigmoid && x && x->node && operand(im, sigmoid, 0) == x && x->type == SW_ONNX_FLOAT)
            return sw_silu(im->g, x->node);
    }
    if (factors(im, im->node, f) != 3) return NULL;
    value *x = gelu_operand(im, f);
    return x && x->type == SW_ONNX_FLOAT && x->node ? sw_gelu(im->g, x->node) : NULL;
}

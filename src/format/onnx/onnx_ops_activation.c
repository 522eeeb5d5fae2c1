/* ONNX's activation functions, and the bounds of Clip. */
#include <math.h>

#include "format/onnx/onnx_import.h"

enum {
    RELU,
    LEAKY_RELU,
    THRESHOLDED_RELU,
    ELU,
    SELU,
    CELU,
    SIGMOID,
    HARD_SIGMOID,
    HARD_SWISH,
    TANH,
    SOFTPLUS,
    SOFTSIGN,
    MISH,
    GELU,
    SHRINK
};

/* exp x - 1 for x <= 0, without the cancellation near 0: 2t / (1 - t) with t = tanh(x/2). */
static sw_node *exp_minus_one(sw_graph *g, sw_node *x)
{
    sw_node *t = sw_tanh(g, sw_scale(g, x, 0.5f));
    return sw_div(g, sw_scale(g, t, 2), sw_sub(g, sw_scalar(g, 1), t));
}

/* x above zero, scale (exp(x / width) - 1) below */
static sw_node *exponential_below(sw_graph *g, sw_node *x, float scale, float width)
{
    sw_node *zero = sw_scalar(g, 0), *below = sw_minimum(g, x, zero);
    below = exp_minus_one(g, width == 1 ? below : sw_scale(g, below, 1 / width));
    return sw_where(g, sw_greater(g, x, zero), x, sw_scale(g, below, scale));
}

static sw_node *hard_sigmoid(sw_graph *g, sw_node *x, float slope, float at_zero)
{
    return sw_clip(g, sw__onnx_shift(g, sw_scale(g, x, slope), at_zero), 0, 1);
}

static sw_node *shrink(struct sw_onnx_import *im, sw_node *x)
{
    sw_graph *g = im->g;
    float bias = sw__onnx_attr_f(im, "bias", 0), limit = sw__onnx_attr_f(im, "lambd", 0.5f);
    sw_node *zero = sw_scale(g, x, 0);
    sw_node *low = sw_where(g, sw_less(g, x, sw_scalar(g, -limit)), sw__onnx_shift(g, x, bias),
                            zero);
    return sw_where(g, sw_greater(g, x, sw_scalar(g, limit)), sw__onnx_shift(g, x, -bias), low);
}

static sw_node *activation(struct sw_onnx_import *im, sw_node *x)
{
    sw_graph *g = im->g;
    float alpha;
    switch (im->op->which) {
    case RELU: return sw_relu(g, x);
    case LEAKY_RELU: return sw_leaky_relu(g, x, sw__onnx_attr_f(im, "alpha", 0.01f));
    case THRESHOLDED_RELU:
        alpha = sw__onnx_attr_f(im, "alpha", 1);
        return sw_where(g, sw_greater(g, x, sw_scalar(g, alpha)), x, sw_scalar(g, 0));
    case ELU: return exponential_below(g, x, sw__onnx_attr_f(im, "alpha", 1), 1);
    case SELU:
        alpha = sw__onnx_attr_f(im, "alpha",
                                im->m->opset < 6 ? 1.6732f : 1.67326319217681884765625f);
        return sw_scale(g, exponential_below(g, x, alpha, 1),
                        sw__onnx_attr_f(im, "gamma", 1.05070102214813232421875f));
    case CELU:
        alpha = sw__onnx_attr_f(im, "alpha", 1);
        return exponential_below(g, x, alpha, alpha);
    case SIGMOID: return sw_sigmoid(g, x);
    case HARD_SIGMOID:
        return hard_sigmoid(g, x, sw__onnx_attr_f(im, "alpha", 0.2f),
                            sw__onnx_attr_f(im, "beta", 0.5f));
    case HARD_SWISH: return sw_mul(g, x, hard_sigmoid(g, x, 1.f / 6, 0.5f));
    case TANH: return sw_tanh(g, x);
    case SOFTPLUS: return sw_softplus(g, x);
    case SOFTSIGN: return sw_div(g, x, sw__onnx_shift(g, sw_abs(g, x), 1));
    case MISH: return sw_mul(g, x, sw_tanh(g, sw_softplus(g, x)));
    case GELU:
        return sw__onnx_attr_is(im, "approximate", "none", "tanh") ? sw_gelu_tanh(g, x)
                                                                   : sw_gelu(g, x);
    default: return shrink(im, x);
    }
}

static void activate(struct sw_onnx_import *im)
{
    int type = sw__onnx_in_type(im, 0);
    if (im->op->which == RELU && !sw__onnx_is_float(type))
        sw__onnx_emit(im, 0, type,
                      sw_maximum(im->g, sw__onnx_number(im, 0), sw__onnx_i32(im->g, 0)));
    else
        sw__onnx_emit(im, 0, type, activation(im, sw__onnx_f32(im, 0)));
}

/* Before opset 7 a slope for each channel is a vector; from then on it broadcasts as NumPy does. */
static void prelu(struct sw_onnx_import *im)
{
    sw_graph *g = im->g;
    sw_node *x = sw__onnx_number(im, 0), *slope = sw__onnx_number(im, 1);
    sw_shape a = sw_node_shape(x), b = sw_node_shape(slope);
    if (im->m->opset < 7 && b.rank == 1 && b.dim[0] != 1) {
        while (b.rank < a.rank - 1) b.dim[b.rank++] = 1;
        slope = sw_reshape(g, slope, b);
    }
    sw_node *zero = sw_node_dtype(x) == SW_I32 ? sw__onnx_i32(g, 0) : sw_scalar(g, 0);
    sw_node *y = sw_where(g, sw_less(g, x, zero), sw_mul(g, x, slope), x);
    sw__onnx_emit_wrapped(im, 0, sw__onnx_in_type(im, 0), y);
}

/* Bounds are attributes before opset 11, then operands, each of which may be missing. */
static void clip(struct sw_onnx_import *im)
{
    int type = sw__onnx_in_type(im, 0);
    sw_node *x = sw__onnx_number(im, 0);
    bool floats = sw_node_dtype(x) == SW_F32, constant = true;
    for (int i = 1; i < 3; i++)
        if (sw__onnx_has(im, i)) constant = constant && sw__onnx_value(im, i)->constant;
    if (floats && constant) {
        float low = (float)sw__onnx_scalar(im, 1, (double)sw__onnx_attr_f(im, "min", -INFINITY));
        float high = (float)sw__onnx_scalar(im, 2, (double)sw__onnx_attr_f(im, "max", INFINITY));
        bool relu = low == 0 && high == INFINITY;
        x = relu ? sw_relu(im->g, x) : sw_clip(im->g, x, low, high);
    } else {
        if (sw__onnx_has(im, 1)) x = sw_maximum(im->g, x, sw__onnx_number(im, 1));
        if (sw__onnx_has(im, 2)) x = sw_minimum(im->g, x, sw__onnx_number(im, 2));
    }
    sw__onnx_emit(im, 0, type, x);
}

const struct sw_onnx_operator sw__onnx_activation_ops[] = {
    {"Relu", 6, 0, 1, 1, RELU, activate, NULL, NULL},
    {"LeakyRelu", 6, 0, 1, 1, LEAKY_RELU, activate, NULL, "alpha"},
    {"ThresholdedRelu", 10, 0, 1, 1, THRESHOLDED_RELU, activate, NULL, "alpha"},
    {"Elu", 6, 0, 1, 1, ELU, activate, NULL, "alpha"},
    {"Selu", 6, 0, 1, 1, SELU, activate, NULL, "alpha gamma"},
    {"Celu", 12, 0, 1, 1, CELU, activate, NULL, "alpha"},
    {"Sigmoid", 6, 0, 1, 1, SIGMOID, activate, NULL, NULL},
    {"HardSigmoid", 6, 0, 1, 1, HARD_SIGMOID, activate, NULL, "alpha beta"},
    {"HardSwish", 14, 0, 1, 1, HARD_SWISH, activate, NULL, NULL},
    {"Tanh", 6, 0, 1, 1, TANH, activate, NULL, NULL},
    {"Softplus", 1, 0, 1, 1, SOFTPLUS, activate, NULL, NULL},
    {"Softsign", 1, 0, 1, 1, SOFTSIGN, activate, NULL, NULL},
    {"Mish", 18, 0, 1, 1, MISH, activate, NULL, NULL},
    {"Gelu", 20, 0, 1, 1, GELU, activate, NULL, "approximate"},
    {"Shrink", 9, 0, 1, 1, SHRINK, activate, NULL, "bias lambd"},
    {"PRelu", 6, 0, 2, 1, 0, prelu, NULL, NULL},
    {"Clip", 6, 0, 3, 1, 0, clip, NULL, "min max"},
    {0}};

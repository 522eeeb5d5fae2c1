/* quantise and dequantise: ONNX QuantizeLinear and DequantizeLinear. */
#include "op_test.h"
#include <math.h>

struct quantise_arg {
    int axis;
    sw_dtype dtype;
};

static double round_even(double x)
{
    double whole = floor(x), rest = x - whole;
    if (rest > 0.5 || (rest == 0.5 && fmod(whole, 2) != 0)) whole++;
    return whole;
}

/* The index of scale and zero point that belongs to element i. */
static int64_t parameter(const struct oracle_array *x, const struct oracle_array *scale, int axis,
                         int64_t i)
{
    if (scale->shape.rank == 0) return 0;
    if (axis < 0) axis += x->shape.rank;
    for (int a = x->shape.rank - 1; a > axis; a--) i /= x->shape.dim[a];
    return i % x->shape.dim[axis];
}

static void build_quantise(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct quantise_arg *a = arg;
    out[0] = sw_quantise(g, in[0], in[1], in[2], a->axis, a->dtype);
}

/* The quotient is rounded to f32 first, as ONNX's f32 division does: the oracle must agree on which
 * side of a tie it falls.  No zero point: in[2].v is NULL. */
static void oracle_quantise(const struct oracle_array *in, struct oracle_array *out,
                            const void *arg)
{
    const struct quantise_arg *a = arg;
    double low = a->dtype == SW_I8 ? -128 : 0;
    for (int64_t i = 0; i < oracle_count(&in[0]); i++) {
        int64_t p = parameter(&in[0], &in[1], a->axis, i);
        double zero = in[2].v ? in[2].v[p] : 0;
        double q = round_even((double)(float)(in[0].v[i] / in[1].v[p])) + zero;
        if (isnan(in[0].v[i])) q = zero;
        out[0].v[i] = q < low ? low : q > low + 255 ? low + 255 : q;
    }
}

#define QUANTISE(text, inputs, axis, dtype)                                                        \
    .name = text, .build = build_quantise, .oracle = oracle_quantise, .n_in = inputs,              \
    .arg = &(const struct quantise_arg)                                                            \
    {                                                                                              \
        axis, dtype                                                                                \
    }

static const double ties[12] = {0.5,   1.5,    2.5,  -0.5,  -1.5, -2.5,
                                127.5, -128.5, 1e30, -1e30, NAN,  3};

const struct op_case optest_quantise[] = {
    {QUANTISE("a tensor", 3, 0, SW_I8), .batch = 1,
     .in = {{.shape = {2, {5, 70}}, .lo = -9, .hi = 9},
            {.shape = {0}, .values = (const double[]){0.0625}},
            {.shape = {0}, .dtype = SW_I8, .values = (const double[]){-3}}}},
    {QUANTISE("channels", 3, 1, SW_U8), .batch = 1,
     .in = {{.shape = {4, {2, 3, 5, 7}}, .lo = -9, .hi = 9},
            {.shape = {1, {3}}, .lo = 0.03, .hi = 0.3},
            {.shape = {1, {3}}, .dtype = SW_U8, .lo = 0, .hi = 255}}},
    {QUANTISE("the last axis", 3, -1, SW_I8), .batch = 1,
     .in = {{.shape = {2, {6, 9}}, .lo = -9, .hi = 9},
            {.shape = {1, {9}}, .lo = 0.03, .hi = 0.3},
            {.shape = {1, {9}}, .dtype = SW_I8, .lo = -128, .hi = 127}}},
    {QUANTISE("rows, no zero point", 2, 0, SW_U8),
     .in = {{.shape = {2, {4, 90}}, .lo = -9, .hi = 90},
            {.shape = {1, {4}}, .lo = 0.2, .hi = 0.3}}},
    {QUANTISE("ties, saturation, NaN", 2, 0, SW_I8),
     .in = {{.shape = {1, {12}}, .values = ties}, {.shape = {0}, .values = (const double[]){1}}}},
    {QUANTISE("large", 2, 0, SW_I8), .in = {{.shape = {2, {90, 700}}, .lo = -9, .hi = 9},
                                            {.shape = {0}, .values = (const double[]){0.03125}}}},
    {QUANTISE("no elements", 2, 0, SW_I8),
     .in = {{.shape = {2, {0, 7}}}, {.shape = {0}, .values = (const double[]){1}}}},
    {0}};

static void build_dequantise(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_dequantise(g, in[0], in[1], in[2], *(const int *)arg);
}

static void oracle_dequantise(const struct oracle_array *in, struct oracle_array *out,
                              const void *arg)
{
    int axis = *(const int *)arg;
    for (int64_t i = 0; i < oracle_count(&in[0]); i++) {
        int64_t p = parameter(&in[0], &in[1], axis, i);
        out[0].v[i] = (in[0].v[i] - (in[2].v ? in[2].v[p] : 0)) * in[1].v[p];
    }
}

/* An integer of nine bits times an f32, rounded once: exact against the rounded oracle. */
#define DEQUANTISE(text, inputs, axis)                                                             \
    .name = text, .build = build_dequantise, .oracle = oracle_dequantise, .n_in = inputs,          \
    .arg = &(const int)                                                                            \
    {                                                                                              \
        axis                                                                                       \
    }

const struct op_case optest_dequantise[] = {
    {DEQUANTISE("a tensor", 3, 0), .batch = 1,
     .in = {{.shape = {2, {5, 70}}, .dtype = SW_I8, .lo = -128, .hi = 127},
            {.shape = {0}, .values = (const double[]){0.1}},
            {.shape = {0}, .dtype = SW_I8, .values = (const double[]){-3}}}},
    {DEQUANTISE("channels", 3, 1), .batch = 1,
     .in = {{.shape = {4, {2, 3, 5, 7}}, .dtype = SW_U8, .lo = 0, .hi = 255},
            {.shape = {1, {3}}, .lo = 0.03, .hi = 0.3},
            {.shape = {1, {3}}, .dtype = SW_U8, .lo = 0, .hi = 255}}},
    {DEQUANTISE("no zero point", 2, -1), .batch = 1,
     .in = {{.shape = {2, {6, 9}}, .dtype = SW_I8, .lo = -128, .hi = 127},
            {.shape = {1, {9}}, .lo = 0.03, .hi = 0.3}}},
    {0}};

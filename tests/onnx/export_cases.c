/* The graphs: see export_cases.h. */
#include "export_cases.h"

#include <math.h>
#include <stdio.h>

/* ---- leaves ------------------------------------------------------------------------------------ */

static sw_node *input(struct export_graph *e, sw_dtype dtype, sw_shape shape)
{
    char name[16];
    snprintf(name, sizeof name, "in%d", e->n_in);
    return e->in[e->n_in++] = sw_input(e->g, name, dtype, shape);
}

/* (N,4,9,7) */
static sw_node *image(struct export_graph *e)
{
    return input(e, SW_F32, SW_SHAPE(EXPORT_BATCH, 4, 9, 7));
}

static sw_node *weight(struct export_graph *e, sw_shape shape)
{
    char name[24];
    snprintf(name, sizeof name, "layer.%d.weight", e->weights++);
    return sw_param(e->g, e->ws, name, SW_F32, shape, sw_init_uniform(-1, 1));
}

static sw_node *positive(struct export_graph *e, sw_shape shape)
{
    char name[24];
    snprintf(name, sizeof name, "layer.%d.variance", e->weights++);
    return sw_state(e->g, e->ws, name, SW_F32, shape, sw_init_uniform(0.5f, 2));
}

static void output(struct export_graph *e, sw_node *y)
{
    e->out[e->n_out++] = y;
}

/* ---- convolution, pooling, normalisation --------------------------------------------------------- */

static void conv_plain(struct export_graph *e)
{
    output(e,
           sw_conv2d(e->g, image(e), weight(e, SW_SHAPE(6, 4, 3, 3)), NULL, (sw_conv_options){0}));
}

static void conv_groups(struct export_graph *e)
{
    output(e,
           sw_conv2d(e->g, image(e), weight(e, SW_SHAPE(6, 2, 3, 2)), weight(e, SW_SHAPE(6)),
                     (sw_conv_options){
                         .stride = {2, 1}, .dilation = {2, 3}, .pad = {2, 1, 0, 3}, .groups = 2}));
}

static void conv_depthwise(struct export_graph *e)
{
    output(e, sw_conv2d(e->g, image(e), weight(e, SW_SHAPE(4, 1, 3, 3)), weight(e, SW_SHAPE(4)),
                        (sw_conv_options){.pad = {1, 1, 1, 1}, .groups = 4}));
}

static void conv_bias_shape(struct export_graph *e)
{
    output(e, sw_conv2d(e->g, image(e), weight(e, SW_SHAPE(6, 4, 1, 1)),
                        weight(e, SW_SHAPE(1, 6, 1, 1)), (sw_conv_options){0}));
}

static void conv_line(struct export_graph *e)
{
    sw_node *x = input(e, SW_F32, SW_SHAPE(EXPORT_BATCH, 4, 11));
    output(e, sw_conv1d(e->g, x, weight(e, SW_SHAPE(5, 4, 3)), weight(e, SW_SHAPE(5)),
                        (sw_conv_options){.stride = {1, 2}, .pad = {0, 1, 0, 2}}));
}

static void conv_transpose(struct export_graph *e)
{
    output(e, sw_conv_transpose2d(
                  e->g, image(e), weight(e, SW_SHAPE(4, 3, 3, 2)), weight(e, SW_SHAPE(6)),
                  (sw_conv_transpose_options){
                      .stride = {2, 3}, .pad = {1, 0, 1, 1}, .groups = 2, .output_pad = {1, 0}}));
}

static void max_pool(struct export_graph *e)
{
    output(e, sw_max_pool2d(e->g, image(e), (sw_pool_options){.kernel = {3, 3}, .stride = {2, 2}}));
    output(e, sw_max_pool2d(
                  e->g, e->in[0],
                  (sw_pool_options){
                      .kernel = {3, 2}, .stride = {2, 2}, .pad = {1, 0, 1, 1}, .ceil_mode = true}));
}

static void avg_pool(struct export_graph *e)
{
    output(e, sw_avg_pool2d(e->g, image(e), (sw_pool_options){.kernel = {2, 3}}));
    output(e, sw_avg_pool2d(
                  e->g, e->in[0],
                  (sw_pool_options){
                      .kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1, 1, 1}, .count_pad = true}));
    output(e, sw_avg_pool2d(
                  e->g, e->in[0],
                  (sw_pool_options){.kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1, 1, 1}}));
}

static void global_pool(struct export_graph *e)
{
    output(e, sw_global_avg_pool2d(e->g, image(e)));
    output(e, sw_global_max_pool2d(e->g, e->in[0]));
}

static void lrn(struct export_graph *e)
{
    output(e, sw_lrn(e->g, image(e), (sw_lrn_options){5, 2, 1e-4f, 0.75f}));
}

static void batchnorm(struct export_graph *e)
{
    sw_node *mean = weight(e, SW_SHAPE(4)), *variance = positive(e, SW_SHAPE(4));
    output(e, sw_batchnorm(e->g, image(e), weight(e, SW_SHAPE(4)), weight(e, SW_SHAPE(4)), mean,
                           variance, (sw_batchnorm_options){.eps = 1e-3f}));
    output(e, sw_batchnorm(e->g, e->in[0], NULL, NULL, mean, variance, (sw_batchnorm_options){0}));
}

static void layernorm(struct export_graph *e)
{
    output(e, sw_layernorm(e->g, image(e), weight(e, SW_SHAPE(7)), weight(e, SW_SHAPE(7)), 0));
    output(e, sw_layernorm(e->g, e->in[0], NULL, NULL, 1e-3f));
}

static void groupnorm(struct export_graph *e)
{
    output(e, sw_groupnorm(e->g, image(e), weight(e, SW_SHAPE(4)), weight(e, SW_SHAPE(4)), 2, 0));
    output(e, sw_groupnorm(e->g, e->in[0], NULL, NULL, 4, 0));
}

/* ---- products ------------------------------------------------------------------------------------ */

static void linear(struct export_graph *e)
{
    sw_node *x = input(e, SW_F32, SW_SHAPE(EXPORT_BATCH, 5));
    output(e, sw_linear(e->g, x, weight(e, SW_SHAPE(6, 5)), weight(e, SW_SHAPE(6))));
    output(e, sw_linear(e->g, x, weight(e, SW_SHAPE(6, 5)), NULL));
}

static void linear_rows(struct export_graph *e)
{
    output(e, sw_linear(e->g, image(e), weight(e, SW_SHAPE(6, 7)), weight(e, SW_SHAPE(6))));
}

static void matmul(struct export_graph *e)
{
    sw_node *x = input(e, SW_F32, SW_SHAPE(EXPORT_BATCH, 5));
    sw_node *y = input(e, SW_F32, SW_SHAPE(EXPORT_BATCH, 2, 5, 3));
    output(e, sw_matmul(e->g, x, weight(e, SW_SHAPE(5, 6)), (sw_matmul_options){0}));
    output(e, sw_matmul(e->g, weight(e, SW_SHAPE(5, 4)), y, (sw_matmul_options){true, false}));
    output(e, sw_matmul(e->g, y, weight(e, SW_SHAPE(2, 4, 3)), (sw_matmul_options){false, true}));
}

static void matmul_turned(struct export_graph *e)
{
    sw_node *x = input(e, SW_F32, SW_SHAPE(EXPORT_BATCH, 5));
    output(e, sw_matmul(e->g, x, x, (sw_matmul_options){true, false}));
}

/* ---- elements ------------------------------------------------------------------------------------- */

static void arithmetic(struct export_graph *e)
{
    sw_node *x = image(e), *w = weight(e, SW_SHAPE(4, 1, 7));
    output(e, sw_sub(e->g, sw_add(e->g, x, w), sw_mul(e->g, w, x)));
    output(e, sw_div(e->g, sw_neg(e->g, x), sw_add(e->g, sw_abs(e->g, w), sw_scalar(e->g, 1))));
    output(e, sw_minimum(e->g, sw_maximum(e->g, x, w), sw_scalar(e->g, 0.5f)));
}

static void integers(struct export_graph *e)
{
    sw_node *i = input(e, SW_I32, SW_SHAPE(EXPORT_BATCH, 5));
    const int32_t three = 3;
    sw_node *k = sw_const(e->g, SW_I32, (sw_shape){0}, &three);
    output(e, sw_sub(e->g, sw_mul(e->g, i, k), sw_div(e->g, i, k)));
    output(e, sw_maximum(e->g, i, sw_cast(e->g, sw_equal(e->g, i, k), SW_I32)));
}

static void compare(struct export_graph *e)
{
    sw_node *x = image(e), *w = weight(e, SW_SHAPE(7)), *zero = sw_scalar(e->g, 0);
    output(e, sw_where(e->g, sw_less(e->g, x, w), x, w));
    output(e, sw_greater_equal(e->g, x, zero));
    output(e, sw_cast(e->g, sw_not_equal(e->g, x, zero), SW_F32));
    sw_node *both[] = {sw_greater(e->g, x, w), sw_less_equal(e->g, x, w)};
    output(e, sw_transpose(e->g, sw_concat(e->g, both, 2, 1), (int[]){0, 2, 3, 1}, 4));
}

/* A condition that is no comparison. */
static void where_bytes(struct export_graph *e)
{
    sw_node *b = input(e, SW_U8, SW_SHAPE(EXPORT_BATCH, 5));
    sw_node *y = input(e, SW_F32, SW_SHAPE(EXPORT_BATCH, 5));
    output(e, sw_where(e->g, b, y, sw_scalar(e->g, -1)));
    sw_node *both[] = {b, sw_greater(e->g, y, sw_scalar(e->g, 0))};
    output(e, sw_concat(e->g, both, 2, 1));
}

static void functions(struct export_graph *e)
{
    sw_graph *g = e->g;
    sw_node *x = image(e), *p = sw_add(g, sw_abs(g, x), sw_scalar(g, 0.5f));
    output(e, sw_add(g, sw_exp(g, x), sw_log(g, p)));
    output(e, sw_mul(g, sw_sqrt(g, p), sw_reciprocal(g, p)));
    output(e, sw_add(g, sw_sin(g, x), sw_cos(g, x)));
    output(e, sw_pow(g, p, x));
}

static void composed(struct export_graph *e)
{
    sw_node *x = image(e), *p = sw_add(e->g, sw_abs(e->g, x), sw_scalar(e->g, 0.5f));
    output(e, sw_rsqrt(e->g, p));
    output(e, sw_square(e->g, x));
    output(e, sw_gelu_tanh(e->g, x));
}

static void activations(struct export_graph *e)
{
    sw_graph *g = e->g;
    sw_node *x = image(e);
    output(e, sw_add(g, sw_relu(g, x), sw_leaky_relu(g, x, 0.2f)));
    output(e, sw_add(g, sw_sigmoid(g, x), sw_tanh(g, x)));
    output(e, sw_add(g, sw_gelu(g, x), sw_silu(g, x)));
    output(e, sw_add(g, sw_softplus(g, x), sw_scale(g, x, 0.3f)));
}

static void clip(struct export_graph *e)
{
    output(e, sw_clip(e->g, image(e), 0, 6));
    output(e, sw_clip(e->g, e->in[0], -1, INFINITY));
    output(e, sw_clip(e->g, e->in[0], -INFINITY, 0.25f));
}

static void casts(struct export_graph *e)
{
    sw_graph *g = e->g;
    sw_node *x = sw_scale(g, image(e), 200);
    output(e, sw_cast(g, x, SW_I32));
    output(e, sw_cast(g, x, SW_U8));
    output(e, sw_cast(g, sw_cast(g, x, SW_I8), SW_F32));
    output(e, sw_cast(g, sw_cast(g, x, SW_F16), SW_F32));
}

static void dropped(struct export_graph *e)
{
    sw_node *x = image(e);
    output(e, sw_stop_gradient(e->g, sw_relu(e->g, x)));
    output(e, sw_neg(e->g, sw_stop_gradient(e->g, x)));
}

/* ---- reductions ------------------------------------------------------------------------------------ */

static void reductions(struct export_graph *e)
{
    sw_graph *g = e->g;
    sw_node *x = image(e);
    output(e, sw_sum(g, x, (sw_reduce_options){.axes = {1}, .n_axes = 1, .keepdims = true}));
    output(e, sw_mean(g, x, (sw_reduce_options){.axes = {1, 3}, .n_axes = 2}));
    output(e, sw_max(g, x, (sw_reduce_options){.axes = {-1}, .n_axes = 1}));
    output(e, sw_min(g, x, (sw_reduce_options){.axes = {1, 2, 3}, .n_axes = 3}));
}

static void reduce_all(struct export_graph *e)
{
    output(e, sw_sum(e->g, image(e), (sw_reduce_options){0}));
}

static void places(struct export_graph *e)
{
    sw_node *x = image(e);
    output(e, sw_argmax(e->g, x, 1, false));
    output(e, sw_argmax(e->g, x, -1, true));
    sw_node *top = sw_topk(e->g, x, 3, 2);
    output(e, top);
    output(e, sw_output(top, 1));
}

static void cumsum(struct export_graph *e)
{
    output(e, sw_cumsum(e->g, image(e), 2, false, false));
    output(e, sw_cumsum(e->g, e->in[0], -1, true, true));
}

static void softmax(struct export_graph *e)
{
    output(e, sw_softmax(e->g, image(e), 1));
    output(e, sw_log_softmax(e->g, e->in[0], -1));
}

/* ---- movement --------------------------------------------------------------------------------------- */

static void shapes(struct export_graph *e)
{
    sw_graph *g = e->g;
    sw_node *x = image(e);
    output(e, sw_neg(g, sw_flatten(g, x, 1, 3)));
    output(e, sw_neg(g, sw_flatten(g, x, 2, 3)));
    output(e, sw_neg(g, sw_flatten(g, x, 0, 1)));
    output(e, sw_neg(g, sw_reshape(g, x, SW_SHAPE(-1, 2, 18, 7))));
}

static void shape_fixed(struct export_graph *e)
{
    output(e, sw_neg(e->g, sw_reshape(e->g, image(e), SW_SHAPE(EXPORT_BATCH * 4, 63))));
    output(e, sw_expand(e->g, weight(e, SW_SHAPE(1, 4)), SW_SHAPE(EXPORT_BATCH, 4)));
}

static void expand(struct export_graph *e)
{
    sw_node *x = input(e, SW_F32, SW_SHAPE(EXPORT_BATCH, 1, 5));
    output(e, sw_expand(e->g, x, SW_SHAPE(-1, 4, -1)));
    output(e, sw_expand(e->g, x, SW_SHAPE(2, -1, 4, 5)));
}

static void transpose(struct export_graph *e)
{
    output(e, sw_transpose(e->g, image(e), (int[]){0, 2, 3, 1}, 4));
    output(e, sw_transpose(e->g, e->in[0], (int[]){3, 1, 0, 2}, 4));
}

static void pieces(struct export_graph *e)
{
    sw_graph *g = e->g;
    sw_node *x = image(e);
    sw_node *parts = sw_split(g, x, (int64_t[]){2, 3, 4}, 3, 2);
    sw_node *both[] = {sw_output(parts, 2), parts};
    output(e, sw_concat(g, both, 2, -2));
    output(e, sw_slice(g, x, (sw_slice_options){2, 1, INT64_MAX, 3}));
    output(e, sw_slice(g, x, (sw_slice_options){-1, -2, INT64_MIN, -2}));
    output(e, sw_flip(g, x, 1));
}

static void pads(struct export_graph *e)
{
    sw_node *x = image(e);
    output(e, sw_pad(e->g, x,
                     (sw_pad_options){.before = {0, 1, 0, 2}, .after = {0, 0, 3}, .value = 2.5f}));
    output(e, sw_pad(e->g, x,
                     (sw_pad_options){
                         .before = {0, 0, 2}, .after = {0, 0, 1, 3}, .mode = SW_PAD_REFLECT}));
    output(e, sw_pad(e->g, x,
                     (sw_pad_options){
                         .before = {0, 0, 2}, .after = {0, 0, 1, 3}, .mode = SW_PAD_EDGE}));
}

static void gathers(struct export_graph *e)
{
    sw_node *x = image(e), *i = input(e, SW_I32, SW_SHAPE(EXPORT_BATCH, 5));
    const int32_t ids[] = {3, 0, -1};
    output(e, sw_gather(e->g, x, sw_const(e->g, SW_I32, SW_SHAPE(3), ids), 1));
    output(e, sw_embedding(e->g, weight(e, SW_SHAPE(4, 6)), i));
}

static void half_weights(struct export_graph *e)
{
    static const uint16_t table[] = {0x3C00, 0xBC00, 0x3800,
                                     0x4000, 0x3555, 0xB555}; /* 1 -1 .5 2 */
    sw_node *i = input(e, SW_I32, SW_SHAPE(EXPORT_BATCH, 5));
    sw_node *x = input(e, SW_F32, SW_SHAPE(EXPORT_BATCH, 3));
    sw_weight *w;
    sw_weights_add(e->ws, "half", SW_F16, SW_SHAPE(2, 3), &w);
    sw_weight_set(w, table, sizeof table);
    sw_node *half = sw_param(e->g, e->ws, "half", SW_F16, SW_SHAPE(2, 3), sw_init_zeros());
    output(e,
           sw_embedding(e->g, half,
                        sw_minimum(e->g, i, sw_const(e->g, SW_I32, (sw_shape){0}, &(int32_t){1}))));
    output(e, sw_linear(e->g, x, half, NULL));
    output(e, sw_matmul(e->g, sw_reshape(e->g, x, SW_SHAPE(-1, 1, 3)), half,
                        (sw_matmul_options){false, true}));
}

static void resize(struct export_graph *e)
{
    sw_node *x = image(e);
    output(e, sw_resize(e->g, x, (sw_resize_options){20, 13, SW_RESIZE_NEAREST, false}));
    output(e, sw_resize(e->g, x, (sw_resize_options){5, 11, SW_RESIZE_BILINEAR, false}));
    output(e, sw_resize(e->g, x, (sw_resize_options){17, 4, SW_RESIZE_BILINEAR, true}));
}

static void bytes(struct export_graph *e)
{
    sw_graph *g = e->g;
    const float scale = 0.02f, scales[] = {0.01f, 0.02f, 0.03f, 0.04f};
    const uint8_t zero = 117;
    sw_node *x = image(e), *s = sw_const(g, SW_F32, (sw_shape){0}, &scale);
    sw_node *v = sw_const(g, SW_F32, SW_SHAPE(4), scales),
            *z = sw_const(g, SW_U8, (sw_shape){0}, &zero);
    output(e, sw_dequantise(g, sw_quantise(g, x, s, z, 0, SW_U8), s, z, 0));
    output(e, sw_dequantise(g, sw_quantise(g, x, v, NULL, 1, SW_I8), v, NULL, 1));
    output(e, sw_quantise(g, x, s, NULL, 0, SW_I8));
}

/* ---- whole networks ---------------------------------------------------------------------------------- */

/* Outputs that are an input, a weight, and the same twice. */
static void odd_outputs(struct export_graph *e)
{
    sw_node *x = image(e), *y = sw_relu(e->g, x);
    output(e, x);
    output(e, y);
    output(e, y);
    output(e, weight(e, SW_SHAPE(4)));
}

/* Values of the same name, and of names that the exporter would like to give. */
static void odd_names(struct export_graph *e)
{
    sw_node *x = sw_name(sw_relu(e->g, image(e)), "in0"), *y = sw_name(sw_neg(e->g, x), "v0_1");
    output(e, sw_name(sw_exp(e->g, sw_abs(e->g, y)), "v0_1"));
}

static void network(struct export_graph *e, const char *name)
{
    const sw_image_network *n = sw_image_network_find(name);
    const int side = n->side ? n->side : 28;
    sw_node *x = input(e, SW_F32, SW_SHAPE(EXPORT_BATCH, n->channels, side, side));
    output(e, sw_softmax(e->g, n->logits(e->g, e->ws, x, &(sw_image_options){0}), 1));
}

static void convnet(struct export_graph *e)
{
    network(e, "convnet");
}

static void alexnet(struct export_graph *e)
{
    network(e, "alexnet");
}

const struct export_case export_cases[] = {
    {"conv_plain", conv_plain, 0, EXPORT_OPEN},
    {"conv_groups", conv_groups, 0, EXPORT_OPEN},
    {"conv_depthwise", conv_depthwise, 0, EXPORT_OPEN},
    {"conv_bias_shape", conv_bias_shape, 0, EXPORT_OPEN},
    {"conv_line", conv_line, 0, EXPORT_OPEN},
    {"conv_transpose", conv_transpose, 0, EXPORT_OPEN},
    {"max_pool", max_pool, 0, EXPORT_OPEN},
    {"avg_pool", avg_pool, 0, EXPORT_OPEN},
    {"global_pool", global_pool, 0, EXPORT_OPEN},
    {"lrn", lrn, 1e-6f, EXPORT_OPEN}, /* alpha times n, divided by n again */
    {"batchnorm", batchnorm, 0, EXPORT_OPEN},
    {"layernorm", layernorm, 0, EXPORT_OPEN},
    {"groupnorm", groupnorm, 1e-6f, EXPORT_OPEN},
    {"linear", linear, 0, EXPORT_OPEN},
    {"linear_rows", linear_rows, 1e-6f, EXPORT_OPEN}, /* the bias is added apart */
    {"matmul", matmul, 0, EXPORT_OPEN},
    {"matmul_turned", matmul_turned, 0, EXPORT_OPEN},
    {"arithmetic", arithmetic, 0, EXPORT_OPEN},
    {"integers", integers, 0, EXPORT_OPEN},
    {"compare", compare, 0, EXPORT_OPEN},
    {"where_bytes", where_bytes, 0, EXPORT_OPEN},
    {"functions", functions, 0, EXPORT_OPEN},
    {"composed", composed, 1e-6f, EXPORT_OPEN},
    {"activations", activations, 0, EXPORT_OPEN},
    {"clip", clip, 0, EXPORT_OPEN},
    {"casts", casts, 0, EXPORT_OPEN},
    {"dropped", dropped, 0, EXPORT_OPEN},
    {"reductions", reductions, 0, EXPORT_OPEN},
    {"reduce_all", reduce_all, 0, EXPORT_OPEN},
    {"places", places, 0, EXPORT_OPEN},
    {"cumsum", cumsum, 0, EXPORT_OPEN},
    {"softmax", softmax, 0, EXPORT_OPEN},
    {"shapes", shapes, 0, EXPORT_OPEN},
    {"shape_fixed", shape_fixed, 0, EXPORT_FIXED},
    {"expand", expand, 0, EXPORT_OPEN},
    {"transpose", transpose, 0, EXPORT_OPEN},
    {"pieces", pieces, 0, EXPORT_OPEN},
    {"pads", pads, 0, EXPORT_OPEN},
    {"gathers", gathers, 0, EXPORT_OPEN},
    {"half_weights", half_weights, 0, EXPORT_OPEN},
    {"resize", resize, 0, EXPORT_OPEN},
    {"bytes", bytes, 0, EXPORT_OPEN},
    {"odd_outputs", odd_outputs, 0, EXPORT_OPEN},
    {"odd_names", odd_names, 0, EXPORT_OPEN},
    {"convnet", convnet, 1e-5f, EXPORT_OPEN}, /* its normalisations go into convolutions */
    {"alexnet", alexnet, 1e-6f, EXPORT_LARGE},
};
const int export_case_count = sizeof export_cases / sizeof *export_cases;

/* Bad inputs of normalisation, softmax and the losses: the error names the op and the shapes. */
#include "op_test.h"

static void layernorm(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    (void)arg;
    out[0] = sw_layernorm(g, in[0], in[1], NULL, 0);
}

static void layernorm_eps(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    (void)arg;
    out[0] = sw_layernorm(g, in[0], NULL, NULL, -1);
}

static void rmsnorm(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    (void)arg;
    out[0] = sw_rmsnorm(g, in[0], in[1], 0);
}

static void groupnorm(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_groupnorm(g, in[0], NULL, NULL, *(const int *)arg, 0);
}

static void batchnorm(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_batchnorm(g, in[0], NULL, NULL, in[1], in[1], *(const sw_batchnorm_options *)arg);
}

static void batchnorm_alone(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    (void)arg;
    out[0] = sw_batchnorm(g, in[0], NULL, NULL, NULL, NULL, (sw_batchnorm_options){0});
}

static void lrn(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_lrn(g, in[0], *(const sw_lrn_options *)arg);
}

static void softmax(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_softmax(g, in[0], *(const int *)arg);
}

static void gumbel(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_gumbel_softmax(g, in[0], *(const float *)arg, false);
}

static void entropy(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_cross_entropy(g, in[0], in[1], *(const sw_cross_entropy_options *)arg);
}

static void entropy_weights(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    (void)arg;
    out[0] = sw_cross_entropy(g, in[0], in[1], (sw_cross_entropy_options){.class_weights = in[2]});
}

static void mse(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_mse(g, in[0], in[1], *(const sw_reduction *)arg);
}

static void bce(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    (void)arg;
    out[0] = sw_bce_logits(g, in[0], in[1], SW_REDUCE_MEAN);
}

/* The gradient of what has none. */
static void statistics_gradient(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    sw_node *y = sw_layernorm(g, in[0], NULL, NULL, 0);
    sw_node *loss = sw_sum(g, sw_output(y, 2), (sw_reduce_options){0});
    (void)arg;
    sw_grad(g, loss, in, 1, out);
}

/* clang-format off */
#define SHAPE(...) {.shape = {sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), {__VA_ARGS__}}}
#define I32(...)                                                                                   \
    {.shape = {sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), {__VA_ARGS__}}, .dtype = SW_I32}
#define ARG(type, ...) .arg = &(const type){__VA_ARGS__}

const struct op_error_case optest_errors_norm[] = {
    {.name = "gamma of another size", .build = layernorm, .n_in = 2, .in = {SHAPE(4, 6), SHAPE(4)},
     .status = SW_ERR_SHAPE, .text = {"layernorm", "(4,6)", "(4)"}},
    {.name = "layernorm of integers", .build = layernorm, .n_in = 2, .in = {I32(4, 6), SHAPE(6)},
     .status = SW_ERR_DTYPE, .text = {"layernorm", "i32"}},
    {.name = "layernorm of a scalar", .build = layernorm, .n_in = 2,
     .in = {{.shape = {0}}, SHAPE(6)}, .status = SW_ERR_SHAPE, .text = {"layernorm"}},
    {.name = "negative eps", .build = layernorm_eps, .n_in = 1, .in = {SHAPE(4, 6)},
     .status = SW_ERR_ARGUMENT, .text = {"layernorm", "eps"}},
    {.name = "gamma of rank 2", .build = rmsnorm, .n_in = 2, .in = {SHAPE(4, 6), SHAPE(1, 6)},
     .status = SW_ERR_SHAPE, .text = {"rmsnorm", "(4,6)", "(1,6)"}},
    {.name = "groups that do not divide", .build = groupnorm, .n_in = 1, .in = {SHAPE(2, 6, 3)},
     ARG(int, 4), .status = SW_ERR_SHAPE, .text = {"groupnorm", "(2,6,3)", "4 groups"}},
    {.name = "no groups", .build = groupnorm, .n_in = 1, .in = {SHAPE(2, 6, 3)}, ARG(int, 0),
     .status = SW_ERR_ARGUMENT, .text = {"groupnorm", "0 groups"}},
    {.name = "statistics of another size", .build = batchnorm, .n_in = 2,
     .in = {SHAPE(2, 6, 3), SHAPE(3)}, ARG(sw_batchnorm_options, 0), .status = SW_ERR_SHAPE,
     .text = {"batchnorm", "(2,6,3)", "(3)"}},
    {.name = "batchnorm of a vector", .build = batchnorm, .n_in = 2, .in = {SHAPE(6), SHAPE(6)},
     ARG(sw_batchnorm_options, 0), .status = SW_ERR_SHAPE, .text = {"batchnorm", "(6)"}},
    {.name = "training without states", .build = batchnorm, .n_in = 2,
     .in = {SHAPE(2, 6, 3), SHAPE(6)}, ARG(sw_batchnorm_options, .training = true),
     .status = SW_ERR_ARGUMENT, .text = {"batchnorm_training", "weight"}},
    {.name = "momentum above one", .build = batchnorm, .n_in = 2, .in = {SHAPE(2, 6), SHAPE(6)},
     ARG(sw_batchnorm_options, .momentum = 2), .status = SW_ERR_ARGUMENT,
     .text = {"batchnorm", "momentum 2"}},
    {.name = "no running statistics", .build = batchnorm_alone, .n_in = 1, .in = {SHAPE(2, 6)},
     .status = SW_ERR_ARGUMENT, .text = {"batchnorm", "running"}},
    {.name = "lrn without a window", .build = lrn, .n_in = 1, .in = {SHAPE(2, 6, 3, 3)},
     ARG(sw_lrn_options, .size = 0, .k = 1), .status = SW_ERR_ARGUMENT, .text = {"lrn", "size 0"}},
    {.name = "lrn of a vector", .build = lrn, .n_in = 1, .in = {SHAPE(6)},
     ARG(sw_lrn_options, .size = 5, .k = 1), .status = SW_ERR_SHAPE, .text = {"lrn", "(6)"}},
    {.name = "no such axis", .build = softmax, .n_in = 1, .in = {SHAPE(2, 6)}, ARG(int, 2),
     .status = SW_ERR_SHAPE, .text = {"softmax", "(2,6)", "axis 2"}},
    {.name = "softmax of integers", .build = softmax, .n_in = 1, .in = {I32(2, 6)}, ARG(int, 1),
     .status = SW_ERR_DTYPE, .text = {"softmax", "i32"}},
    {.name = "tau 0", .build = gumbel, .n_in = 1, .in = {SHAPE(2, 6)}, ARG(float, 0),
     .status = SW_ERR_ARGUMENT, .text = {"gumbel_softmax", "tau 0"}},
    {.name = "hard labels with an axis of classes", .build = entropy, .n_in = 2,
     .in = {SHAPE(2, 6), I32(2, 6)}, ARG(sw_cross_entropy_options, 0), .status = SW_ERR_SHAPE,
     .text = {"cross_entropy", "(2,6) x (2,6)"}},
    {.name = "soft labels without one", .build = entropy, .n_in = 2, .in = {SHAPE(2, 6), SHAPE(2)},
     ARG(sw_cross_entropy_options, 0), .status = SW_ERR_SHAPE,
     .text = {"cross_entropy", "(2,6) x (2)"}},
    {.name = "smoothing above one", .build = entropy, .n_in = 2, .in = {SHAPE(2, 6), I32(2)},
     ARG(sw_cross_entropy_options, .label_smoothing = 1.5f), .status = SW_ERR_ARGUMENT,
     .text = {"cross_entropy", "label smoothing 1.5"}},
    {.name = "weights of another size", .build = entropy_weights, .n_in = 3,
     .in = {SHAPE(2, 6), I32(2), SHAPE(2)}, .status = SW_ERR_SHAPE,
     .text = {"cross_entropy", "(2,6) x (2)"}},
    {.name = "weights and soft labels", .build = entropy_weights, .n_in = 3,
     .in = {SHAPE(2, 6), SHAPE(2, 6), SHAPE(6)}, .status = SW_ERR_ARGUMENT,
     .text = {"cross_entropy", "weights"}},
    {.name = "targets of another shape", .build = mse, .n_in = 2, .in = {SHAPE(2, 6), SHAPE(6)},
     ARG(sw_reduction, SW_REDUCE_MEAN), .status = SW_ERR_SHAPE, .text = {"mse", "(2,6) x (6)"}},
    {.name = "no such reduction", .build = mse, .n_in = 2, .in = {SHAPE(2, 6), SHAPE(2, 6)},
     ARG(sw_reduction, (sw_reduction)7), .status = SW_ERR_ARGUMENT, .text = {"mse", "reduction 7"}},
    {.name = "integer targets", .build = bce, .n_in = 2, .in = {SHAPE(2, 6), I32(2, 6)},
     .status = SW_ERR_DTYPE, .text = {"bce_logits", "i32"}},
    {.name = "gradient of saved statistics", .build = statistics_gradient, .n_in = 1,
     .in = {SHAPE(2, 6)}, .status = SW_ERR_UNSUPPORTED, .text = {"layernorm", "output 2"}},
    {0}};

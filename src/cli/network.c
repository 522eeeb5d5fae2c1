/* The built-in networks, and files that say which of them they are. */
#include "cli/network.h"

#include <stdlib.h>
#include <string.h>

bool network_recompute(const struct verb *verb, const char *text, sw_recompute *out)
{
    static const char *const names[] = {"none", "cheap", "kept"};
    for (int i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = (sw_recompute)i;
            return true;
        }
    cli_fail(verb, "--recompute %s: none, cheap or kept", text);
    return false;
}

static bool has_suffix(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && strcmp(s + n - m, suffix) == 0;
}

/* The logits of the network, and its input. */
static sw_node *build(struct network *n, const struct network_options *o, bool alexnet)
{
    const sw_weight *first = sw_weights_find(n->ws, "conv1.weight");
    const sw_weight *last = sw_weights_find(n->ws, "fc2.bias"),
                    *fc = sw_weights_find(n->ws, "fc1.weight");
    int64_t channels = 1, side = 28, classes = 10;
    if (alexnet) {
        n->images = sw_input(n->graph, "images", SW_F32, SW_SHAPE(o->batch, 3, 227, 227));
        return sw_alexnet_logits(n->graph, n->ws, n->images, o->training);
    }
    if (first && last && fc) { /* of a file: its own sizes, pictures are square */
        sw_tensor c = sw_weight_tensor(first), f = sw_weight_tensor(fc), k = sw_weight_tensor(last);
        channels = c.shape.rank == 4 ? c.shape.dim[1] : 1;
        classes = k.shape.rank == 1 ? k.shape.dim[0] : 10;
        for (side = 4;
             f.shape.rank == 2 && side < 4096 && 64 * (side / 4) * (side / 4) < f.shape.dim[1];)
            side += 4;
    }
    n->images = sw_input(n->graph, "images", SW_F32, SW_SHAPE(o->batch, channels, side, side));
    return sw_convnet_logits(n->graph, n->ws, n->images, (int)classes, o->training);
}

static void add_training(struct network *n, sw_node *logits)
{
    sw_node *params[63];
    n->labels = sw_input(n->graph, "labels", SW_I32, SW_SHAPE(n->batch));
    sw_node *loss = sw_cross_entropy(n->graph, logits, n->labels, (sw_cross_entropy_options){0});
    int count = sw_graph_params(n->graph, params, 63);
    n->outputs[0] = loss;
    sw_grad(n->graph, loss, params, count, n->outputs + 1);
    n->n_outputs = 1 + count;
}

static int bind(const struct verb *verb, struct network *n)
{
    sw_shape shape = sw_node_shape(n->images);
    int64_t count = sw_shape_elements(&shape);
    float *x = malloc((size_t)count * sizeof *x);
    n->input = x;
    n->label_input = calloc((size_t)n->batch, sizeof(int32_t));
    if (!x || !n->label_input) return cli_fail(verb, "out of memory");
    for (int64_t i = 0; i < count; i++) x[i] = (float)((i * 2654435761u) >> 16 & 255) / 128.0f - 1;
    if (sw_bind(n->plan, n->images, x, shape) != SW_OK ||
        (n->labels && sw_bind(n->plan, n->labels, n->label_input, SW_SHAPE(n->batch)) != SW_OK))
        return cli_fail(verb, "%s", sw_error(n->ctx));
    return 0;
}

int network_open(const struct verb *verb, struct network *n, const struct network_options *o,
                 int threads)
{
    bool file = has_suffix(o->name, ".safetensors"), alexnet = strcmp(o->name, "alexnet") == 0;
    *n = (struct network){.batch = o->batch};
    if (!file && !alexnet && strcmp(o->name, "convnet") != 0)
        return cli_fail(
            verb, "'%s' is neither a network (alexnet, convnet) nor a .safetensors file", o->name);
    n->ctx = cli_context(verb, threads, NULL);
    if (!n->ctx) return 1;
    if (sw_weights_create(n->ctx, &n->ws) != SW_OK || sw_graph_create(n->ctx, &n->graph) != SW_OK ||
        (file && sw_weights_load(n->ctx, n->ws, o->name, !o->training, NULL) != SW_OK))
        return cli_fail(verb, "%s", sw_error(n->ctx));
    if (file) {
        alexnet = sw_weights_find(n->ws, "features.0.weight") != NULL;
        if (!alexnet && !sw_weights_find(n->ws, "fc2.weight"))
            return cli_fail(verb, "%s: its tensors are of no network that this program has",
                            o->name);
    }
    n->outputs[0] = build(n, o, alexnet);
    n->n_outputs = 1;
    if (o->training) add_training(n, n->outputs[0]);
    sw_plan_options p = {.outputs = n->outputs,
                         .n_outputs = n->n_outputs,
                         .recompute = o->recompute,
                         .name = o->name};
    if (sw_graph_status(n->graph) != SW_OK || sw_compile(n->graph, p, &n->plan) != SW_OK)
        return cli_fail(verb, "%s: %s", o->name, sw_error(n->ctx));
    return bind(verb, n);
}

void network_close(struct network *n)
{
    sw_plan_destroy(n->plan);
    sw_graph_destroy(n->graph);
    sw_weights_destroy(n->ws);
    sw_context_destroy(n->ctx);
    free(n->input);
    free(n->label_input);
}

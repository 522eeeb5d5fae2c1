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

/* The network that is asked for by name or by the tensors of a file, with its input. */
static sw_node *build(struct network *n, const struct network_options *o,
                      const sw_image_network *net, const sw_image_sizes *size)
{
    n->images = sw_input(n->graph, "images", SW_F32,
                         SW_SHAPE(o->batch, size->channels, size->side, size->side));
    return net->logits(n->graph, n->ws, n->images,
                       &(sw_image_options){.classes = size->classes, .training = o->training});
}

/* "alexnet, convnet" into text. */
static const char *names(char *text, size_t size)
{
    size_t used = 0;
    const sw_image_network *net;
    for (int i = 0; (net = sw_image_network_at(i)) && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", net->name);
    return text;
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
    bool file = has_suffix(o->name, ".safetensors");
    const sw_image_network *net = file ? NULL : sw_image_network_find(o->name);
    sw_image_sizes size;
    char known[512];
    *n = (struct network){.batch = o->batch};
    if (!file && !net)
        return cli_fail(verb, "'%s' is neither a network (%s) nor a .safetensors file", o->name,
                        names(known, sizeof known));
    n->ctx = cli_context(verb, threads, NULL);
    if (!n->ctx) return 1;
    if (sw_weights_create(n->ctx, &n->ws) != SW_OK || sw_graph_create(n->ctx, &n->graph) != SW_OK ||
        (file && sw_weights_load(n->ctx, n->ws, o->name, !o->training, NULL) != SW_OK))
        return cli_fail(verb, "%s", sw_error(n->ctx));
    if (net)
        size = (sw_image_sizes){net->channels, net->side ? net->side : 28, net->classes};
    else if (!(net = sw_image_network_of(n->ws, &size)))
        return cli_fail(verb, "%s: its tensors are of no network that this program has", o->name);
    n->outputs[0] = build(n, o, net, &size);
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

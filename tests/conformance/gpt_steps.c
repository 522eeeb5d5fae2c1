/* gpt_steps KIND INPUT.safetensors FOLDER: what Swell computes of a small gpt2 or llama, for gpt_pytorch.py,
 * which judges it.
 *
 * INPUT holds the weights by GGUF's names, "ids" (B,T) and "labels" (B,T), -1 where none is asked for.
 * Written are
 *
 *     step0.safetensors        logits, loss, "gradient/<weight>"
 *     step1.safetensors ...    the loss of each of ten steps of AdamW, before its update
 *
 * Whatever is not said in INPUT the network must not need: a weight more than there is ends the program. */
#include <stdio.h>
#include <string.h>
#include <swell/swell.h>

#include "gpt/train_net.h"

enum { PARAMS = 64, STEPS = 10 };

struct network {
    sw_context *ctx;
    sw_weights *ws, *data;
    sw_graph *g;
    sw_node *ids, *positions, *labels, *logits, *loss;
    sw_shape shape; /* (B,T) */
    int32_t place[256];
};

static int fail(const sw_context *ctx, const char *what)
{
    fprintf(stderr, "gpt_steps: %s: %s\n", what, sw_error(ctx));
    return 1;
}

static struct sw_gpt_net net_of(const struct network *n, const char *kind)
{
    const sw_shape table = sw_weight_tensor(sw_weights_find(n->ws, "token_embd.weight")).shape;
    struct sw_gpt_net net = {.vocabulary = table.dim[0],
                             .width = table.dim[1],
                             .context = n->shape.dim[1],
                             .layers = 3,
                             .heads = 4};
    if (strcmp(kind, "gpt2") == 0) return net;
    net.kind = SW_GPT_KIND_LLAMA;
    net.kv_heads = 2;
    net.untied = true;
    return net;
}

static sw_status build(struct network *n, const char *kind, const char *path)
{
    sw_status status = sw_weights_create(n->ctx, &n->ws);
    if (status == SW_OK) status = sw_weights_create(n->ctx, &n->data);
    if (status == SW_OK) status = sw_graph_create(n->ctx, &n->g);
    static const char *const prefixes[] = {"token_embd", "position_embd", "blk.", "output"};
    for (int i = 0; i < 4 && status == SW_OK; i++)
        status = sw_weights_load(n->ctx, n->ws, path, false, prefixes[i]);
    if (status == SW_OK) status = sw_weights_load(n->ctx, n->data, path, false, "ids");
    if (status == SW_OK) status = sw_weights_load(n->ctx, n->data, path, false, "labels");
    if (status != SW_OK) return status;
    n->shape = sw_weight_tensor(sw_weights_find(n->data, "ids")).shape;
    for (int i = 0; i < 256; i++) n->place[i] = i;
    struct sw_gpt_net net = net_of(n, kind);
    const int64_t have = sw_weights_count(n->ws);
    status = sw__gpt_net_complete(n->ctx, &net);
    if (status != SW_OK) return status;
    n->ids = sw_input(n->g, "ids", SW_I32, n->shape);
    n->positions = sw_input(n->g, "positions", SW_I32, SW_SHAPE(n->shape.dim[1]));
    n->labels = sw_input(n->g, "labels", SW_I32, n->shape);
    n->logits = sw__gpt_net_logits(n->g, n->ws, &net, n->ids, n->positions, NULL, true);
    const sw_cross_entropy_options o = {.ignore = true, .ignore_label = -1};
    n->loss = sw_cross_entropy(n->g, n->logits, n->labels, o);
    int64_t numbers = 0;
    for (int64_t i = 0; i < sw_weights_count(n->ws); i++) {
        const sw_shape s = sw_weight_tensor(sw_weights_at(n->ws, i)).shape;
        numbers += sw_shape_elements(&s);
    }
    if (sw_weights_count(n->ws) != have || numbers != sw__gpt_net_parameters(&net)) {
        fprintf(stderr, "gpt_steps: weights that the file does not have\n");
        return SW_ERR_STATE;
    }
    return sw_graph_status(n->g);
}

static sw_status bind(struct network *n, sw_plan *p)
{
    void *ids = sw_weight_tensor(sw_weights_find(n->data, "ids")).data;
    void *labels = sw_weight_tensor(sw_weights_find(n->data, "labels")).data;
    sw_status status = sw_bind(p, n->ids, ids, n->shape);
    if (status == SW_OK) status = sw_bind(p, n->labels, labels, n->shape);
    return status == SW_OK ? sw_bind(p, n->positions, n->place, SW_SHAPE(n->shape.dim[1])) : status;
}

static void add(sw_weights *out, const char *name, sw_tensor t)
{
    sw_weight *w;
    if (sw_weights_add(out, name, t.dtype, t.shape, &w) == SW_OK)
        sw_weight_set(w, t.data, (size_t)sw_shape_bytes(&t.shape, t.dtype));
}

static sw_status save(const struct network *n, sw_plan *p, sw_weights *out, const char *folder,
                      int step)
{
    char path[1024];
    add(out, "loss", sw_plan_tensor(p, n->loss));
    snprintf(path, sizeof path, "%s/step%d.safetensors", folder, step);
    sw_status status = sw_weights_save(n->ctx, out, path, NULL);
    sw_weights_destroy(out);
    return status;
}

static int gradients(struct network *n, const char *folder)
{
    sw_node *params[PARAMS], *out[2 + PARAMS] = {n->logits, n->loss};
    sw_plan *p;
    sw_weights *results;
    char name[96];
    const int count = sw_graph_params(n->g, params, PARAMS);
    if (count > PARAMS || sw_grad(n->g, n->loss, params, count, out + 2) != SW_OK)
        return fail(n->ctx, "gradients");
    const sw_plan_options o = {.outputs = out, .n_outputs = 2 + count};
    if (sw_compile(n->g, o, &p) != SW_OK || bind(n, p) != SW_OK || sw_run(p) != SW_OK ||
        sw_weights_create(n->ctx, &results) != SW_OK)
        return fail(n->ctx, "plan");
    add(results, "logits", sw_plan_tensor(p, n->logits));
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "gradient/%s", sw_node_name(params[i]));
        add(results, name, sw_plan_tensor(p, out[2 + i]));
    }
    sw_status status = save(n, p, results, folder, 0);
    sw_plan_destroy(p);
    return status == SW_OK ? 0 : fail(n->ctx, "step 0");
}

static int train(struct network *n, const char *folder)
{
    sw_trainer *t;
    const sw_trainer_options o = {
        .optimizer = {.kind = SW_ADAMW, .beta2 = 0.99f, .weight_decay = 0.1f, .clip_norm = 1},
        .schedule = {.kind = SW_SCHEDULE_CONSTANT, .rate = 1e-3f}};
    if (sw_trainer_create(n->g, n->ws, n->loss, o, &t) != SW_OK ||
        bind(n, sw_trainer_plan(t)) != SW_OK)
        return fail(n->ctx, "trainer");
    for (int step = 1; step <= STEPS; step++) {
        sw_weights *results;
        if (sw_trainer_step(t, NULL) != SW_OK || sw_weights_create(n->ctx, &results) != SW_OK ||
            save(n, sw_trainer_plan(t), results, folder, step) != SW_OK)
            return fail(n->ctx, "a step");
    }
    sw_trainer_destroy(t);
    return 0;
}

int main(int argc, char **argv)
{
    struct network n = {0};
    if (argc != 4 || sw_context_create(NULL, &n.ctx) != SW_OK) return 2;
    int status = build(&n, argv[1], argv[2]) == SW_OK ? gradients(&n, argv[3])
                                                      : fail(n.ctx, argv[2]);
    if (!status) status = train(&n, argv[3]);
    sw_graph_destroy(n.g);
    sw_weights_destroy(n.ws);
    sw_weights_destroy(n.data);
    sw_context_destroy(n.ctx);
    return status;
}

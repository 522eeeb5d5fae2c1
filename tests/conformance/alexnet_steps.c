/* alexnet_steps INPUT.safetensors FOLDER: what Swell computes of the paper's network, for
 * alexnet_pytorch.py, which judges it.
 *
 * INPUT holds the weights by Swell's names, "images" (4,3,227,227) and "labels" (4).  Written are
 *
 *     step0.safetensors           logits, loss, "gradient/<weight>", and what was chosen (below)
 *     step1.safetensors ...       the same choices in each of ten steps of SGD, and the loss
 *     weights.safetensors         the weights after them
 *
 * The network is discontinuous in places: a relu is open or shut, a pooling window has one largest number,
 * dropout keeps or drops.  So outputs of relus ("relu0" ...), what the pools see ("lrn0", "lrn1", "relu4")
 * and outputs of dropout ("dropout0" ...) are written too: the oracle follows the same choices, after it
 * has seen that each was right within rounding, and what is left is smooth.
 *
 * The gradients are computed once more by a plan without the extra outputs, fused as users run it: the
 * same bits, or it fails. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swell/swell.h>

#include "graph/graph_int.h"
#include "graph/op.h"

enum { PARAMS = 16, SEEN = 16, STEPS = 10, BATCH = 4 };

struct network {
    sw_context *ctx;
    sw_weights *ws, *data;
    sw_graph *g;
    sw_node *images, *labels, *logits, *loss;
    sw_node *seen[SEEN];
    char seen_name[SEEN][16];
    int n_seen;
};

static int fail(const sw_context *ctx, const char *what)
{
    fprintf(stderr, "alexnet_steps: %s: %s\n", what, sw_error(ctx));
    return 1;
}

/* The outputs of the forward pass at which something is chosen. */
static void find_choices(struct network *n)
{
    static const char *const kinds[] = {"relu", "lrn", "dropout"};
    for (int k = 0; k < 3; k++)
        for (int64_t i = 0, count = 0; i < n->g->n_ops; i++) {
            if (strcmp(n->g->ops[i]->cls->name, kinds[k]) != 0 || n->n_seen == SEEN) continue;
            snprintf(n->seen_name[n->n_seen], sizeof n->seen_name[0], "%s%d", kinds[k],
                     (int)count++);
            n->seen[n->n_seen++] = n->g->ops[i]->out[0];
        }
}

static sw_status build(struct network *n, const char *path)
{
    sw_status status = sw_weights_create(n->ctx, &n->ws);
    if (status == SW_OK) status = sw_weights_create(n->ctx, &n->data);
    if (status == SW_OK) status = sw_graph_create(n->ctx, &n->g);
    if (status == SW_OK) status = sw_weights_load(n->ctx, n->ws, path, false, "features.");
    if (status == SW_OK) status = sw_weights_load(n->ctx, n->ws, path, false, "classifier.");
    if (status == SW_OK) status = sw_weights_load(n->ctx, n->data, path, false, "images");
    if (status == SW_OK) status = sw_weights_load(n->ctx, n->data, path, false, "labels");
    if (status != SW_OK) return status;
    n->images = sw_input(n->g, "images", SW_F32, SW_SHAPE(BATCH, 3, 227, 227));
    n->labels = sw_input(n->g, "labels", SW_I32, SW_SHAPE(BATCH));
    n->logits = sw_image_network_find("alexnet")->logits(n->g, n->ws, n->images,
                                                         &(sw_image_options){.training = true});
    n->loss = sw_cross_entropy(n->g, n->logits, n->labels, (sw_cross_entropy_options){0});
    find_choices(n);
    return sw_graph_status(n->g);
}

static sw_status bind(const struct network *n, sw_plan *p)
{
    const sw_weight *images = sw_weights_find(n->data, "images");
    const sw_weight *labels = sw_weights_find(n->data, "labels");
    sw_tensor x = sw_weight_tensor(images), y = sw_weight_tensor(labels);
    sw_status status = sw_bind(p, n->images, x.data, x.shape);
    return status == SW_OK ? sw_bind(p, n->labels, y.data, y.shape) : status;
}

static void add(sw_weights *out, const char *name, sw_tensor t)
{
    sw_weight *w;
    if (sw_weights_add(out, name, t.dtype, t.shape, &w) == SW_OK)
        sw_weight_set(w, t.data, (size_t)sw_shape_bytes(&t.shape, t.dtype));
}

/* The choices and the loss of a plan's last run, and whatever is in `out` already, as a file. */
static sw_status save(const struct network *n, sw_plan *p, sw_weights *out, const char *folder,
                      int step)
{
    char path[1024];
    for (int i = 0; i < n->n_seen; i++) add(out, n->seen_name[i], sw_plan_tensor(p, n->seen[i]));
    add(out, "loss", sw_plan_tensor(p, n->loss));
    snprintf(path, sizeof path, "%s/step%d.safetensors", folder, step);
    sw_status status = sw_weights_save(n->ctx, out, path, NULL);
    sw_weights_destroy(out);
    return status;
}

static bool same_bits(sw_plan *a, sw_plan *b, sw_node *const *nodes, int n)
{
    for (int i = 0; i < n; i++) {
        sw_tensor x = sw_plan_tensor(a, nodes[i]), y = sw_plan_tensor(b, nodes[i]);
        if (memcmp(x.data, y.data, (size_t)sw_shape_bytes(&x.shape, x.dtype)) != 0) return false;
    }
    return true;
}

static int gradients(const struct network *n, const char *folder)
{
    sw_node *params[PARAMS], *out[2 + PARAMS + SEEN] = {n->logits, n->loss};
    sw_plan *watched, *plain;
    sw_weights *results;
    char name[64];
    if (sw_graph_params(n->g, params, PARAMS) != PARAMS ||
        sw_grad(n->g, n->loss, params, PARAMS, out + 2) != SW_OK)
        return fail(n->ctx, "gradients");
    memcpy(out + 2 + PARAMS, n->seen, sizeof n->seen);
    const sw_plan_options all = {.outputs = out, .n_outputs = 2 + PARAMS + n->n_seen};
    const sw_plan_options few = {.outputs = out, .n_outputs = 2 + PARAMS};
    if (sw_compile(n->g, all, &watched) != SW_OK || bind(n, watched) != SW_OK ||
        sw_run(watched) != SW_OK || sw_compile(n->g, few, &plain) != SW_OK ||
        bind(n, plain) != SW_OK || sw_run(plain) != SW_OK ||
        sw_weights_create(n->ctx, &results) != SW_OK)
        return fail(n->ctx, "plan");
    if (!same_bits(watched, plain, out, 2 + PARAMS)) {
        fprintf(stderr, "alexnet_steps: other bits when intermediate values are outputs\n");
        return 1;
    }
    add(results, "logits", sw_plan_tensor(watched, n->logits));
    for (int i = 0; i < PARAMS; i++) {
        snprintf(name, sizeof name, "gradient/%s", sw_node_name(params[i]));
        add(results, name, sw_plan_tensor(watched, out[2 + i]));
    }
    sw_status status = save(n, watched, results, folder, 0);
    sw_plan_destroy(watched);
    sw_plan_destroy(plain);
    return status == SW_OK ? 0 : fail(n->ctx, "step 0");
}

/* Ten steps of 2012: momentum 0.9, decay 0.0005 of every weight, the rate divided by 10 after five. */
static int train(const struct network *n, const char *folder)
{
    char path[1024];
    sw_trainer *t;
    const sw_trainer_options o = {
        .optimizer = {.kind = SW_SGD, .momentum = 0.9f, .weight_decay = 5e-4f, .decay_all = true},
        .schedule = {.kind = SW_SCHEDULE_STEP, .rate = 0.01f, .milestones = {5}, .n_milestones = 1},
        .outputs = n->seen,
        .n_outputs = n->n_seen,
        .seed = 2012};
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
    snprintf(path, sizeof path, "%s/weights.safetensors", folder);
    return sw_weights_save(n->ctx, n->ws, path, NULL) == SW_OK ? 0 : fail(n->ctx, path);
}

int main(int argc, char **argv)
{
    struct network n = {0};
    if (argc != 3 || sw_context_create(NULL, &n.ctx) != SW_OK) return 2;
    int status = build(&n, argv[1]) == SW_OK ? gradients(&n, argv[2]) : fail(n.ctx, argv[1]);
    if (!status) status = train(&n, argv[2]);
    sw_graph_destroy(n.g);
    sw_weights_destroy(n.ws);
    sw_weights_destroy(n.data);
    sw_context_destroy(n.ctx);
    return status;
}

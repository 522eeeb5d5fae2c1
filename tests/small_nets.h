/* Two small networks with data for the tests of training: a convolutional one with running statistics
 * and dropout, and an attention one.  Batch number i is a pure function of i, so any run can be
 * repeated, cut and resumed. */
#ifndef SWELL_TESTS_SMALL_NETS_H
#define SWELL_TESTS_SMALL_NETS_H

#include <string.h>
#include <swell/swell.h>
#include "base/rng.h"

/* The last multiplies in bf16, with the masters in f32. */
enum small_kind { SMALL_CONV, SMALL_ATTENTION, SMALL_BF16, SMALL_KINDS };

enum {
    SMALL_BATCH = 16,  /* at most */
    SMALL_SIDE = 8,    /* pictures of 8 x 8 */
    SMALL_CLASSES = 4, /* which quarter is bright */
    SMALL_T = 12,      /* tokens a sequence */
    SMALL_VOCABULARY = 11,
    SMALL_CHANNELS = 16, /* of the attention net */
    SMALL_HEADS = 2
};

struct small_net {
    enum small_kind kind;
    int64_t batch;
    sw_context *ctx;
    sw_weights *ws;
    sw_graph *g;
    sw_node *x, *labels, *loss;
    sw_trainer *t;
    float images[SMALL_BATCH * SMALL_SIDE * SMALL_SIDE];
    int32_t tokens[SMALL_BATCH * SMALL_T], targets[SMALL_BATCH * SMALL_T];
};

static inline sw_node *small_param(struct small_net *n, const char *name, sw_shape shape)
{
    int64_t fan = sw_shape_elements(&shape) / shape.dim[0];
    sw_init init = shape.rank > 1 ? sw_init_he(fan) : sw_init_zeros();
    return sw_param(n->g, n->ws, name, SW_F32, shape, init);
}

static inline sw_node *small_ones(struct small_net *n, const char *name, int64_t size)
{
    return sw_param(n->g, n->ws, name, SW_F32, SW_SHAPE(size), sw_init_ones());
}

/* conv, batch norm, relu, pool, conv with stride and bias, dropout, linear */
static inline void small_conv(struct small_net *n)
{
    sw_graph *g = n->g;
    int64_t b = n->batch;
    n->x = sw_input(g, "images", SW_F32, SW_SHAPE(b, 1, SMALL_SIDE, SMALL_SIDE));
    n->labels = sw_input(g, "labels", SW_I32, SW_SHAPE(b));
    sw_node *y = sw_conv2d(g, n->x, small_param(n, "c1.weight", SW_SHAPE(6, 1, 3, 3)), NULL,
                           (sw_conv_options){.pad = {1, 1, 1, 1}});
    sw_name(y, "c1");
    sw_node *mean = sw_state(g, n->ws, "bn.mean", SW_F32, SW_SHAPE(6), sw_init_zeros());
    sw_node *variance = sw_state(g, n->ws, "bn.variance", SW_F32, SW_SHAPE(6), sw_init_ones());
    y = sw_batchnorm(g, y, small_ones(n, "bn.weight", 6), small_param(n, "bn.bias", SW_SHAPE(6)),
                     mean, variance, (sw_batchnorm_options){.training = true});
    y = sw_max_pool2d(g, sw_relu(g, y), (sw_pool_options){.kernel = {2, 2}});
    y = sw_conv2d(g, y, small_param(n, "c2.weight", SW_SHAPE(10, 3, 3, 3)),
                  small_param(n, "c2.bias", SW_SHAPE(10)),
                  (sw_conv_options){.pad = {1, 1, 1, 1}, .stride = {2, 2}, .groups = 2});
    y = sw_dropout(g, sw_flatten(g, sw_relu(g, y), 1, 3), 0.1f); /* (B,10*2*2) */
    y = sw_linear(g, y, small_param(n, "fc.weight", SW_SHAPE(SMALL_CLASSES, 40)),
                  small_param(n, "fc.bias", SW_SHAPE(SMALL_CLASSES)));
    n->loss = sw_cross_entropy(g, y, n->labels, (sw_cross_entropy_options){0});
}

/* One block of a decoder that predicts the next token of a periodic sequence. */
static inline void small_attention(struct small_net *n)
{
    sw_graph *g = n->g;
    int64_t b = n->batch, c = SMALL_CHANNELS, size = c / SMALL_HEADS;
    n->x = sw_input(g, "tokens", SW_I32, SW_SHAPE(b, SMALL_T));
    n->labels = sw_input(g, "targets", SW_I32, SW_SHAPE(b, SMALL_T));
    sw_node *x = sw_embedding(g, small_param(n, "wte", SW_SHAPE(SMALL_VOCABULARY, c)), n->x);
    sw_node *h = sw_layernorm(g, x, small_ones(n, "ln.weight", c), NULL, 0), *parts[3];
    const char *names[] = {"q", "k", "v"};
    for (int i = 0; i < 3; i++)
        parts[i] = sw_reshape(g, sw_linear(g, h, small_param(n, names[i], SW_SHAPE(c, c)), NULL),
                              SW_SHAPE(-1, SMALL_T, SMALL_HEADS, size));
    h = sw_attention(g, parts[0], parts[1], parts[2], (sw_attention_options){.causal = true});
    x = sw_add(g, x, sw_reshape(g, h, SW_SHAPE(-1, SMALL_T, c)));
    h = sw_gelu(g, sw_linear(g, x, small_param(n, "up", SW_SHAPE(4 * c, c)),
                             small_param(n, "up.bias", SW_SHAPE(4 * c))));
    x = sw_add(g, x, sw_linear(g, h, small_param(n, "down", SW_SHAPE(c, 4 * c)), NULL));
    x = sw_linear(g, x, small_param(n, "head", SW_SHAPE(SMALL_VOCABULARY, c)), NULL);
    n->loss = sw_cross_entropy(g, x, n->labels, (sw_cross_entropy_options){0});
}

static inline void small_net_destroy(struct small_net *n)
{
    sw_trainer_destroy(n->t);
    sw_graph_destroy(n->g);
    sw_weights_destroy(n->ws);
    sw_context_destroy(n->ctx);
    memset(n, 0, sizeof *n);
}

/* On failure *n is empty, but for what sw_error would say: `error` gets it, if not NULL. */
static inline sw_status small_net_create(struct small_net *n, enum small_kind kind, int threads,
                                         int64_t batch, sw_trainer_options o, char *error)
{
    memset(n, 0, sizeof *n);
    n->kind = kind;
    n->batch = batch;
    sw_status status = sw_context_create(&(sw_context_options){.threads = threads}, &n->ctx);
    if (status == SW_OK) status = sw_weights_create(n->ctx, &n->ws);
    if (status == SW_OK) status = sw_graph_create(n->ctx, &n->g);
    if (status == SW_OK) {
        sw_weights_seed(n->ws, 5);
        if (kind == SMALL_BF16) sw_graph_compute(n->g, SW_BF16);
        (kind == SMALL_CONV ? small_conv : small_attention)(n);
        status = sw_graph_status(n->g);
    }
    if (status == SW_OK) status = sw_trainer_create(n->g, n->ws, n->loss, o, &n->t);
    if (status == SW_OK) return status;
    if (error && n->ctx) strcpy(error, sw_error(n->ctx));
    small_net_destroy(n);
    return status;
}

/* Batch number i: examples first .. first + batch - 1 of an endless set. */
static inline void small_net_fill(struct small_net *n, int64_t first)
{
    for (int64_t b = 0; b < n->batch; b++) {
        uint64_t example = (uint64_t)(first + b);
        int32_t label = (int32_t)(sw__random_u32(1, 0, example) % SMALL_CLASSES);
        if (n->kind != SMALL_CONV) {
            int32_t stride = 1 + label, at = (int32_t)(sw__random_u32(1, 1, example) % 11);
            for (int j = 0; j < SMALL_T; j++, at = (at + stride) % SMALL_VOCABULARY) {
                n->tokens[b * SMALL_T + j] = at;
                n->targets[b * SMALL_T + j] = (at + stride) % SMALL_VOCABULARY;
            }
            continue;
        }
        n->targets[b] = label;
        for (int j = 0; j < SMALL_SIDE * SMALL_SIDE; j++) {
            int quarter = (j / SMALL_SIDE >= SMALL_SIDE / 2) * 2 +
                          (j % SMALL_SIDE >= SMALL_SIDE / 2);
            float noise = sw__uniform_of(sw__random_u32(2, example, (uint64_t)j));
            n->images[b * SMALL_SIDE * SMALL_SIDE + j] = noise + (quarter == label ? 0.7f : 0.f);
        }
    }
}

static inline sw_status small_net_bind(struct small_net *n)
{
    sw_plan *p = sw_trainer_plan(n->t);
    void *data = n->kind == SMALL_CONV ? (void *)n->images : (void *)n->tokens;
    sw_status status = sw_bind(p, n->x, data, sw_node_shape(n->x));
    if (status == SW_OK) status = sw_bind(p, n->labels, n->targets, sw_node_shape(n->labels));
    return status;
}

/* One micro-batch: the next in the data position of the trainer. */
static inline sw_status small_net_step(struct small_net *n, float *loss)
{
    sw_data_position *at = sw_trainer_position(n->t);
    small_net_fill(n, (int64_t)at->index);
    sw_status status = small_net_bind(n);
    if (status == SW_OK) status = sw_trainer_step(n->t, loss);
    if (status == SW_OK) at->index += (uint64_t)n->batch;
    return status;
}

#endif

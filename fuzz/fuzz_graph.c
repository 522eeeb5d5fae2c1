/* Builders, gradients, plans and runs on graphs made of arbitrary bytes: shapes that do not fit,
 * absurd sizes and options.  Whatever comes, a builder poisons the graph with a text or makes a node;
 * a graph that came out sound, and is small, is differentiated, compiled and run.
 *
 * The bytes are a program: first the leaves, then one op after the other, each with the operands it
 * names among the nodes made so far, and with options read from the bytes that follow. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <swell/swell.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_NODES = 24, MAX_OPS = 12, SMALL = 1 << 14 };

struct program {
    const uint8_t *at, *end;
    sw_graph *g;
    sw_weights *ws;
    sw_node *nodes[MAX_NODES];
    bool input[MAX_NODES];
    int n;
};

static int byte(struct program *p)
{
    return p->at < p->end ? *p->at++ : 0;
}

/* Mostly small, now and then a size that no file should be believed. */
static int64_t number(struct program *p)
{
    static const int64_t absurd[] = {
        -1,        -2,        INT32_MAX,     INT32_MIN, (int64_t)INT32_MAX + 1,
        INT64_MAX, INT64_MIN, INT64_MAX / 2, 1 << 20,   65536,
        1LL << 40, 1LL << 62};
    int b = byte(p);
    if (b < 224) return b % 8;
    return absurd[(b - 224) % (int)(sizeof absurd / sizeof *absurd)];
}

static int whole(struct program *p)
{
    return (int)(uint32_t)number(p);
}

static float real(struct program *p)
{
    return (float)(byte(p) - 128) / 32;
}

static bool yes(struct program *p)
{
    return byte(p) & 1;
}

static sw_shape shape(struct program *p)
{
    sw_shape s = {.rank = byte(p) % 10 - (byte(p) > 250)};
    for (int i = 0; i < s.rank && i < SW_MAX_RANK; i++) s.dim[i] = number(p);
    return s;
}

static sw_dtype dtype(struct program *p)
{
    int b = byte(p);
    return b < 160 ? SW_F32 : (sw_dtype)(b % (SW_DTYPE_COUNT + 1));
}

static sw_node *pick(struct program *p)
{
    return p->n ? p->nodes[byte(p) % p->n] : NULL;
}

static sw_node *maybe(struct program *p)
{
    return yes(p) ? pick(p) : NULL;
}

/* Small, or so large that nobody can have it: what lies between would be allocated for true. */
static bool reasonable(const sw_shape *s, sw_dtype type)
{
    int64_t bytes = sw_shape_bytes(s, type);
    return bytes < SMALL || bytes > 1LL << 50;
}

static sw_node *leaf(struct program *p)
{
    static const char *const names[] = {"a", "b", "c", ""};
    static const float zeros[SMALL];
    const char *name = names[byte(p) % 4];
    sw_dtype type = dtype(p);
    sw_shape s = shape(p);

    switch (byte(p) % 4) {
    case 0:
        return reasonable(&s, type) ? sw_param(p->g, p->ws, name, type, s, sw_init_he(number(p)))
                                    : NULL;
    case 1:
        return sw_shape_bytes(&s, type) <= (int64_t)sizeof zeros ? sw_const(p->g, type, s, zeros)
                                                                 : NULL;
    default: p->input[p->n] = true; return sw_input(p->g, name, type, s);
    }
}

/* ---- ops, a function a group of signatures ----------------------------------------------------- */

static sw_node *unary(struct program *p)
{
    static sw_node *(*const ops[])(sw_graph *, sw_node *) = {sw_neg,
                                                             sw_abs,
                                                             sw_exp,
                                                             sw_log,
                                                             sw_sqrt,
                                                             sw_rsqrt,
                                                             sw_square,
                                                             sw_reciprocal,
                                                             sw_sin,
                                                             sw_cos,
                                                             sw_tanh,
                                                             sw_relu,
                                                             sw_gelu,
                                                             sw_gelu_tanh,
                                                             sw_silu,
                                                             sw_softplus,
                                                             sw_sigmoid,
                                                             sw_stop_gradient,
                                                             sw_global_avg_pool2d,
                                                             sw_global_max_pool2d};
    return ops[byte(p) % (int)(sizeof ops / sizeof *ops)](p->g, pick(p));
}

static sw_node *binary(struct program *p)
{
    static sw_node *(*const ops[])(sw_graph *, sw_node *, sw_node *) = {
        sw_add,   sw_sub,  sw_mul,        sw_div,     sw_pow,           sw_maximum,  sw_minimum,
        sw_equal, sw_less, sw_less_equal, sw_greater, sw_greater_equal, sw_not_equal};
    int op = byte(p) % (int)(sizeof ops / sizeof *ops);
    sw_node *a = pick(p);
    return ops[op](p->g, a, pick(p));
}

static sw_node *reduction(struct program *p)
{
    static sw_node *(*const ops[])(sw_graph *, sw_node *, sw_reduce_options) = {sw_sum, sw_mean,
                                                                                sw_max, sw_min};
    int op = byte(p) % 7;
    sw_node *x = pick(p);
    int axis = whole(p), k = whole(p);
    bool one = yes(p), two = yes(p);
    if (op == 4) return sw_argmax(p->g, x, axis, one);
    if (op == 5) return sw_cumsum(p->g, x, axis, one, two);
    if (op == 6) return sw_topk(p->g, x, k, axis);
    sw_reduce_options o = {.keepdims = one, .n_axes = byte(p) % 10};
    for (int i = 0; i < SW_MAX_RANK; i++) o.axes[i] = whole(p);
    return ops[op](p->g, x, o);
}

static sw_node *product(struct program *p)
{
    sw_node *a = pick(p), *b = pick(p);
    if (yes(p)) return sw_linear(p->g, a, b, maybe(p));
    sw_matmul_options o = {.transpose_a = yes(p), .transpose_b = yes(p)};
    return sw_matmul(p->g, a, b, o);
}

static sw_node *convolution(struct program *p)
{
    sw_node *x = pick(p), *w = pick(p), *b = maybe(p);
    int kind = byte(p) % 3;
    if (kind == 2) {
        sw_conv_transpose_options t = {.groups = whole(p)};
        for (int i = 0; i < 2; i++) {
            t.stride[i] = whole(p);
            t.dilation[i] = whole(p);
            t.output_pad[i] = whole(p);
        }
        for (int i = 0; i < 4; i++) t.pad[i] = whole(p);
        return sw_conv_transpose2d(p->g, x, w, b, t);
    }
    sw_conv_options o = {.groups = whole(p)};
    for (int i = 0; i < 2; i++) {
        o.stride[i] = whole(p);
        o.dilation[i] = whole(p);
    }
    for (int i = 0; i < 4; i++) o.pad[i] = whole(p);
    return kind ? sw_conv1d(p->g, x, w, b, o) : sw_conv2d(p->g, x, w, b, o);
}

static sw_node *pool(struct program *p)
{
    sw_node *x = pick(p);
    sw_pool_options o = {.ceil_mode = yes(p), .count_pad = yes(p)};
    for (int i = 0; i < 2; i++) {
        o.kernel[i] = whole(p);
        o.stride[i] = whole(p);
    }
    for (int i = 0; i < 4; i++) o.pad[i] = whole(p);
    return yes(p) ? sw_max_pool2d(p->g, x, o) : sw_avg_pool2d(p->g, x, o);
}

static sw_node *norm(struct program *p)
{
    sw_node *x = pick(p);
    switch (byte(p) % 5) {
    case 0: {
        sw_lrn_options o = {.size = whole(p), .k = real(p), .alpha = real(p), .beta = real(p)};
        return sw_lrn(p->g, x, o);
    }
    case 1: {
        sw_batchnorm_options o = {.eps = real(p), .training = yes(p), .momentum = real(p)};
        sw_node *gamma = maybe(p), *beta = maybe(p), *mean = pick(p);
        return sw_batchnorm(p->g, x, gamma, beta, mean, pick(p), o);
    }
    case 2: {
        sw_node *gamma = maybe(p), *beta = maybe(p);
        return sw_layernorm(p->g, x, gamma, beta, real(p));
    }
    case 3: {
        sw_node *gamma = maybe(p);
        return sw_rmsnorm(p->g, x, gamma, real(p));
    }
    default: {
        sw_node *gamma = maybe(p), *beta = maybe(p);
        int groups = whole(p);
        return sw_groupnorm(p->g, x, gamma, beta, groups, real(p));
    }
    }
}

static sw_node *loss(struct program *p)
{
    sw_node *x = pick(p), *y = pick(p);
    sw_reduction reduction = (sw_reduction)(byte(p) % 4);
    switch (byte(p) % 6) {
    case 0: return sw_softmax(p->g, x, whole(p));
    case 1: return sw_log_softmax(p->g, x, whole(p));
    case 2: return sw_mse(p->g, x, y, reduction);
    case 3: return sw_bce_logits(p->g, x, y, reduction);
    case 4: {
        float tau = real(p);
        return sw_gumbel_softmax(p->g, x, tau, yes(p));
    }
    default: {
        sw_cross_entropy_options o = {.reduction = reduction, .class_weights = maybe(p)};
        o.ignore = yes(p);
        o.ignore_label = whole(p);
        o.label_smoothing = real(p);
        return sw_cross_entropy(p->g, x, y, o);
    }
    }
}

static sw_node *join(struct program *p)
{
    sw_node *x[SW_MAX_CONCAT + 2] = {0};
    int64_t sizes[SW_MAX_CONCAT + 2] = {0};
    int n = byte(p) % (SW_MAX_CONCAT + 2), axis = whole(p);
    for (int i = 0; i < n && i < 4; i++) sizes[i] = number(p);
    for (int i = 0; i < n; i++) x[i] = pick(p);
    return yes(p) ? sw_concat(p->g, x, n, axis) : sw_split(p->g, pick(p), sizes, n, axis);
}

static sw_node *arrange(struct program *p)
{
    sw_node *x = pick(p);
    switch (byte(p) % 6) {
    case 0: {
        sw_slice_options o = {.axis = whole(p), .begin = number(p), .end = number(p)};
        o.step = number(p);
        return sw_slice(p->g, x, o);
    }
    case 1: {
        sw_pad_options o = {.mode = (sw_pad_mode)(byte(p) % 4), .value = real(p)};
        for (int i = 0; i < SW_MAX_RANK; i++) {
            o.before[i] = number(p);
            o.after[i] = number(p);
        }
        return sw_pad(p->g, x, o);
    }
    case 2: {
        int axes[SW_MAX_RANK + 1];
        for (int i = 0; i <= SW_MAX_RANK; i++) axes[i] = whole(p);
        return sw_transpose(p->g, x, axes, byte(p) % (SW_MAX_RANK + 2));
    }
    case 3: return sw_reshape(p->g, x, shape(p));
    case 4: {
        int first = whole(p);
        return sw_flatten(p->g, x, first, whole(p));
    }
    default: return sw_expand(p->g, x, shape(p));
    }
}

static sw_node *lookup(struct program *p)
{
    sw_node *x = pick(p), *ids = pick(p);
    switch (byte(p) % 6) {
    case 0: return sw_embedding(p->g, x, ids);
    case 1: return sw_gather(p->g, x, ids, whole(p));
    case 2: return sw_scatter_add(p->g, x, ids, pick(p));
    case 3: return sw_flip(p->g, x, whole(p));
    case 4: return sw_output(x, whole(p));
    default: {
        sw_resize_options o = {.height = number(p), .width = number(p), .align_corners = yes(p)};
        o.mode = (sw_resize_mode)(byte(p) % 3);
        return sw_resize(p->g, x, o);
    }
    }
}

static sw_node *attention(struct program *p)
{
    sw_node *q = pick(p), *k = pick(p), *v = pick(p);
    if (yes(p)) {
        sw_rope_options r = {.pairing = (sw_rope_pairing)(byte(p) % 3), .dims = whole(p)};
        r.frequencies = maybe(p);
        return sw_rope(p->g, q, k, r);
    }
    sw_attention_options o = {.causal = yes(p), .window = whole(p), .softcap = real(p)};
    o.mask = maybe(p);
    if (yes(p)) return sw_attention(p->g, q, k, v, o);
    sw_node *kp = pick(p), *vp = pick(p), *blocks = pick(p), *sequence = pick(p);
    return sw_paged_attention(p->g, q, k, v, kp, vp, blocks, sequence, pick(p), o);
}

static sw_node *quantisation(struct program *p)
{
    sw_node *x = pick(p), *scale = pick(p), *zero = maybe(p);
    switch (byte(p) % 3) {
    case 0: {
        int axis = whole(p);
        return sw_quantise(p->g, x, scale, zero, axis, dtype(p));
    }
    case 1: return sw_dequantise(p->g, x, scale, zero, whole(p));
    default: return sw_quantised_linear(p->g, x, scale, zero);
    }
}

static sw_node *other(struct program *p)
{
    sw_node *x = pick(p);
    switch (byte(p) % 6) {
    case 0: return sw_cast(p->g, x, dtype(p));
    case 1: return sw_dropout(p->g, x, real(p));
    case 2: {
        float low = real(p);
        return sw_clip(p->g, x, low, real(p));
    }
    case 3: return sw_leaky_relu(p->g, x, real(p));
    case 4: {
        sw_node *a = pick(p);
        return sw_where(p->g, x, a, pick(p));
    }
    default: return sw_assign(p->g, x, pick(p));
    }
}

/* ---- the program ------------------------------------------------------------------------------- */

static void discard(void *user, const char *text, size_t size)
{
    (void)user, (void)text, (void)size;
}

/* Whether every node made so far is small: a later one may be small again. */
static bool small(const struct program *p)
{
    for (int i = 0; i < p->n; i++) {
        sw_shape s = sw_node_shape(p->nodes[i]);
        int64_t bytes = sw_shape_bytes(&s, sw_node_dtype(p->nodes[i]));
        if (bytes < 0 || bytes > SMALL) return false;
    }
    return true;
}

static void use(struct program *p)
{
    sw_node *y = p->nodes[p->n - 1], *dx[MAX_NODES] = {0}, *wanted[2] = {y, NULL};
    int n = 1;
    sw_plan *plan = NULL;

    if (sw_node_dtype(y) == SW_F32 && yes(p)) {
        sw_node *sum = sw_sum(p->g, y, (sw_reduce_options){0});
        if (sw_grad(p->g, sum, p->nodes, 1, dx) == SW_OK) wanted[n++] = dx[0];
    }
    sw_plan_options o = {.outputs = wanted, .n_outputs = n, .check_nan = yes(p)};
    o.recompute = (sw_recompute)(byte(p) % 3);
    if (sw_compile(p->g, o, &plan) != SW_OK) return;
    sw_plan_describe(plan, discard, NULL);
    for (int i = 0; i < p->n; i++) {
        static _Alignas(8) char zeros[SMALL];
        if (p->input[i]) sw_bind(plan, p->nodes[i], zeros, sw_node_shape(p->nodes[i]));
    }
    /* A small graph may need much: the gradient of a slice of a broadcast, say. */
    if (sw_plan_get_stats(plan).buffer_bytes < 1 << 22) (void)sw_run(plan);
    sw_plan_destroy(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sw_node *(*const groups[])(struct program *) = {
        unary, binary,  reduction, product,   convolution,  pool,  norm, loss,
        join,  arrange, lookup,    attention, quantisation, other, leaf};
    static sw_context *ctx;
    struct program p = {.at = data, .end = data + size};

    if (!ctx && sw_context_create(&(sw_context_options){.threads = 1}, &ctx) != SW_OK) abort();
    if (sw_weights_create(ctx, &p.ws) != SW_OK || sw_graph_create(ctx, &p.g) != SW_OK) abort();
    int leaves = 1 + byte(&p) % 6;
    for (int i = 0; i < leaves; i++) {
        sw_node *x = leaf(&p);
        if (x) p.nodes[p.n++] = x;
    }
    for (int i = 0; i < MAX_OPS && p.at < p.end && p.n && p.n < MAX_NODES - 1; i++) {
        sw_node *x = groups[byte(&p) % (int)(sizeof groups / sizeof *groups)](&p);
        if (sw_graph_status(p.g) != SW_OK) {
            if (!*sw_error(ctx)) abort(); /* a failure without a text */
            break;
        }
        if (x) p.nodes[p.n++] = x;
    }
    if (sw_graph_status(p.g) == SW_OK && p.n && small(&p)) use(&p);
    sw_graph_destroy(p.g);
    sw_weights_destroy(p.ws);
    return 0;
}

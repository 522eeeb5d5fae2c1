/* The trainer: what a step computes, that it learns, sums of gradients, bad data.  That the bits are
 * the same for any number of threads is thread_train.c's business. */
#include "unit.h"

#include <math.h>
#include "small_nets.h"

static sw_trainer_options options_of(sw_optimizer_kind kind)
{
    static const float rates[] = {
        [SW_SGD] = 0.05f, [SW_ADAM] = 3e-3f, [SW_ADAMW] = 3e-3f, [SW_MUON] = 0.02f};
    return (sw_trainer_options){
        .optimizer = {.kind = kind, .weight_decay = 1e-3f, .clip_norm = 1, .ema_decay = 0.9f},
        .schedule = {.kind = SW_SCHEDULE_COSINE, .rate = rates[kind], .warmup = 3, .total = 200},
        .seed = 11};
}

static void create(struct small_net *n, enum small_kind kind, int threads, int64_t batch,
                   sw_trainer_options o)
{
    char error[512] = "";
    if (small_net_create(n, kind, threads, batch, o, error) != SW_OK) fail_msg("%s", error);
}

static void step(struct small_net *n, float *loss)
{
    if (small_net_step(n, loss) != SW_OK) fail_msg("%s", sw_error(n->ctx));
}

/* ---- sets of weights --------------------------------------------------------------------------- */

static bool same_set(sw_weights *a, sw_weights *b)
{
    if (sw_weights_count(a) != sw_weights_count(b)) return false;
    for (int64_t i = 0; i < sw_weights_count(a); i++) {
        sw_tensor x = sw_weight_tensor(sw_weights_at(a, i)),
                  y = sw_weight_tensor(sw_weights_at(b, i));
        if (memcmp(x.data, y.data, (size_t)sw_shape_bytes(&x.shape, x.dtype)) != 0) return false;
    }
    return true;
}

/* A copy of all tensors of a set, to compare with later. */
struct snapshot {
    size_t bytes;
    char *data;
};

static struct snapshot snap(sw_weights *ws)
{
    struct snapshot s = {0};
    for (int pass = 0; pass < 2; pass++) {
        size_t at = 0;
        for (int64_t i = 0; i < sw_weights_count(ws); i++) {
            sw_tensor x = sw_weight_tensor(sw_weights_at(ws, i));
            size_t n = (size_t)sw_shape_bytes(&x.shape, x.dtype);
            if (pass) memcpy(s.data + at, x.data, n);
            at += n;
        }
        s.bytes = at;
        if (!pass) s.data = malloc(at + 1);
        assert_non_null(s.data);
    }
    return s;
}

static bool unchanged(struct snapshot *s, sw_weights *ws)
{
    struct snapshot now = snap(ws);
    bool same = now.bytes == s->bytes && memcmp(now.data, s->data, s->bytes) == 0;
    free(now.data);
    free(s->data);
    s->data = NULL;
    return same;
}

/* ---- one weight, by hand ----------------------------------------------------------------------- */

/* loss = mean((w x - y)^2) over four examples of two numbers: gradient, clipping, decay, rate and
 * average against the same in double. */
static void a_step_by_hand(void **state)
{
    static const float x[8] = {1, 2, -1, 0.5f, 3, -2, 0.25f, 1}, y[4] = {1, -1, 2, 0.5f};
    sw_context *ctx;
    sw_weights *ws;
    sw_graph *g;
    sw_trainer *t;
    assert_int_equal(sw_context_create(NULL, &ctx), SW_OK);
    assert_int_equal(sw_weights_create(ctx, &ws), SW_OK);
    assert_int_equal(sw_graph_create(ctx, &g), SW_OK);
    sw_node *in = sw_const(g, SW_F32, SW_SHAPE(4, 2), x),
            *want = sw_const(g, SW_F32, SW_SHAPE(4, 1), y);
    sw_node *w = sw_param(g, ws, "w", SW_F32, SW_SHAPE(1, 2), sw_init_constant(0.5f));
    sw_node *b = sw_param(g, ws, "b", SW_F32, SW_SHAPE(1), sw_init_zeros());
    sw_node *loss = sw_mse(g, sw_linear(g, in, w, b), want, SW_REDUCE_MEAN);
    sw_trainer_options o = {
        .optimizer = {.momentum = 0.5f, .weight_decay = 0.1f, .clip_norm = 2, .ema_decay = 0.75f},
        .schedule = {.rate = 0.1f, .warmup = 2}};
    assert_int_equal(sw_trainer_create(g, ws, loss, o, &t), SW_OK);
    double p[3] = {0.5, 0.5, 0}, v[3] = {0}, mean[3] = {0.5, 0.5, 0};
    for (int i = 0; i < 5; i++) {
        double d[3] = {0}, norm = 0, sum = 0, lr = i == 0 ? 0.05 : 0.1;
        for (int j = 0; j < 4; j++) {
            double e = p[0] * (double)x[2 * j] + p[1] * (double)x[2 * j + 1] + p[2] - (double)y[j];
            sum += e * e / 4;
            d[0] += 2 * e * (double)x[2 * j] / 4;
            d[1] += 2 * e * (double)x[2 * j + 1] / 4;
            d[2] += 2 * e / 4;
        }
        for (int j = 0; j < 3; j++) norm += d[j] * d[j];
        norm = sqrt(norm);
        for (int j = 0; j < 3; j++) {
            double decay = j < 2 ? 0.1 : 0; /* no decay for vectors */
            v[j] = 0.5 * v[j] - lr * (d[j] * (norm > 2 ? 2 / norm : 1) + decay * p[j]);
            p[j] += v[j];
            mean[j] = 0.75 * mean[j] + 0.25 * p[j];
        }
        float got;
        assert_true(fabs((double)sw_trainer_rate(t) - lr) < 1e-8);
        assert_int_equal(sw_trainer_step(t, &got), SW_OK);
        assert_int_equal(sw_trainer_steps(t), i + 1);
        /* About twenty roundings of numbers below 10 in each step. */
        assert_true(fabs((double)got - sum) < 1e-5);
        assert_true(fabs((double)sw_trainer_norm(t) - norm) < 1e-5);
        const float *pw = sw_weight_tensor(sw_node_weight(w)).data;
        const float *pb = sw_weight_tensor(sw_node_weight(b)).data;
        sw_weight *average = sw_weights_find(sw_trainer_states(t), "ema/w");
        const float *pa = sw_weight_tensor(average).data;
        for (int j = 0; j < 2; j++) assert_true(fabs((double)pw[j] - p[j]) < 1e-5);
        for (int j = 0; j < 2; j++) assert_true(fabs((double)pa[j] - mean[j]) < 1e-5);
        assert_true(fabs((double)pb[0] - p[2]) < 1e-5);
    }
    assert_int_equal(sw_weights_count(ws), 2); /* the model and nothing else */
    sw_trainer_destroy(t);
    sw_graph_destroy(g);
    sw_weights_destroy(ws);
    sw_context_destroy(ctx);
}

/* ---- Muon by hand ------------------------------------------------------------------------------ */

enum { MUON_ROWS = 7, MUON_COLUMNS = 5 };

/* X (M,N) -> a X + b (X X^T) X + c (X X^T)^2 X, five times, in double, whatever is larger. */
static void orthogonalise(double *x, int m, int n)
{
    double norm = 0, gram[49], square[49], p[49], y[49];
    for (int i = 0; i < m * n; i++) norm += x[i] * x[i];
    for (int i = 0; i < m * n; i++) x[i] /= sqrt(norm) + 1e-7;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < m; i++)
            for (int j = 0; j < m; j++) {
                gram[i * m + j] = 0;
                for (int k = 0; k < n; k++) gram[i * m + j] += x[i * n + k] * x[j * n + k];
            }
        for (int i = 0; i < m; i++)
            for (int j = 0; j < m; j++) {
                square[i * m + j] = 0;
                for (int k = 0; k < m; k++) square[i * m + j] += gram[i * m + k] * gram[k * m + j];
            }
        for (int i = 0; i < m * m; i++) p[i] = -4.7750 * gram[i] + 2.0315 * square[i];
        for (int i = 0; i < m; i++)
            for (int k = 0; k < n; k++) {
                y[i * n + k] = 3.4445 * x[i * n + k];
                for (int j = 0; j < m; j++) y[i * n + k] += p[i * m + j] * x[j * n + k];
            }
        memcpy(x, y, (size_t)(m * n) * sizeof *x);
    }
}

/* loss = sum(r w), so that the gradient is r; a tall and a wide matrix, three steps. */
static void muon_by_hand(void **state)
{
    for (int wide = 0; wide < 2; wide++) {
        int rows = wide ? MUON_COLUMNS : MUON_ROWS, columns = wide ? MUON_ROWS : MUON_COLUMNS;
        float r[35];
        double w[35], v[35] = {0}, x[35];
        sw_context *ctx;
        sw_weights *ws;
        sw_graph *g;
        sw_trainer *t;
        for (int i = 0; i < 35; i++)
            r[i] = sw__uniform_of(sw__random_u32(3, 0, (uint64_t)i)) - 0.5f;
        assert_int_equal(sw_context_create(NULL, &ctx), SW_OK);
        assert_int_equal(sw_weights_create(ctx, &ws), SW_OK);
        assert_int_equal(sw_graph_create(ctx, &g), SW_OK);
        sw_node *p = sw_param(g, ws, "w", SW_F32, SW_SHAPE(rows, columns), sw_init_constant(0.25f));
        sw_node *loss = sw_sum(g, sw_mul(g, p, sw_const(g, SW_F32, SW_SHAPE(rows, columns), r)),
                               (sw_reduce_options){0});
        sw_trainer_options o = {
            .optimizer = {.kind = SW_MUON, .momentum = 0.5f, .weight_decay = 0.1f},
            .schedule = {.rate = 0.1f}};
        assert_int_equal(sw_trainer_create(g, ws, loss, o, &t), SW_OK);
        for (int i = 0; i < 35; i++) w[i] = 0.25;
        for (int step = 0; step < 3; step++) {
            for (int i = 0; i < 35; i++) {
                v[i] = 0.5 * v[i] + (double)r[i];
                x[i] = (double)r[i] + 0.5 * v[i];
            }
            orthogonalise(x, rows, columns);
            double width = sqrt(fmax(1, (double)rows / columns));
            for (int i = 0; i < 35; i++) w[i] -= 0.1 * (width * x[i] + 0.1 * w[i]);
            assert_int_equal(sw_trainer_step(t, NULL), SW_OK);
            /* Each of 5 rounds multiplies an error by at most 3.4 (the slope at 0): 500 in all, of a
             * few roundings of numbers near 1, times the rate. */
            const float *got = sw_weight_tensor(sw_node_weight(p)).data;
            for (int i = 0; i < 35; i++)
                if (fabs((double)got[i] - w[i]) > 1e-4)
                    fail_msg("%d x %d, step %d: %g, not %g", rows, columns, step, (double)got[i],
                             w[i]);
        }
        sw_trainer_destroy(t);
        sw_graph_destroy(g);
        sw_weights_destroy(ws);
        sw_context_destroy(ctx);
    }
}

/* ---- Nesterov by hand -------------------------------------------------------------------------- */

/* loss = sum(r w^2) / 2, so that the gradient is r w: a matrix with decay, and a vector at four times the
 * rate, whose decay a step is that of the matrix. */
static void nesterov_by_hand(void **state)
{
    static const float r[4] = {1, -0.5f, 2, 0.25f};
    double w[2][4], v[2][4] = {{0}};
    sw_context *ctx;
    sw_weights *ws;
    sw_graph *g;
    sw_trainer *t;
    assert_int_equal(sw_context_create(NULL, &ctx), SW_OK);
    assert_int_equal(sw_weights_create(ctx, &ws), SW_OK);
    assert_int_equal(sw_graph_create(ctx, &g), SW_OK);
    sw_node *p[2] = {sw_param(g, ws, "w", SW_F32, SW_SHAPE(2, 2), sw_init_constant(0.75f)),
                     sw_param(g, ws, "b", SW_F32, SW_SHAPE(4), sw_init_constant(-0.5f))};
    sw_node *c = sw_const(g, SW_F32, SW_SHAPE(4), r);
    sw_node *a = sw_mul(g, c, sw_square(g, sw_flatten(g, p[0], 0, 1)));
    sw_node *b = sw_mul(g, c, sw_square(g, p[1]));
    sw_node *loss = sw_scale(g, sw_sum(g, sw_add(g, a, b), (sw_reduce_options){0}), 0.5f);
    sw_trainer_options o = {.optimizer = {.momentum = 0.5f,
                                          .weight_decay = 0.1f,
                                          .decay_all = true,
                                          .nesterov = true,
                                          .bias_rate = 4},
                            .schedule = {.rate = 0.05f}};
    assert_int_equal(sw_trainer_create(g, ws, loss, o, &t), SW_OK);
    for (int i = 0; i < 8; i++) w[i / 4][i % 4] = i < 4 ? 0.75 : -0.5;
    for (int step = 0; step < 5; step++) {
        assert_int_equal(sw_trainer_step(t, NULL), SW_OK);
        for (int k = 0; k < 2; k++) {
            const float *got = sw_weight_tensor(sw_node_weight(p[k])).data;
            double rate = k ? 0.2 : 0.05, decay = k ? 0.025 : 0.1;
            for (int i = 0; i < 4; i++) {
                double d = (double)r[i] * w[k][i] + decay * w[k][i];
                v[k][i] = 0.5 * v[k][i] + d;
                w[k][i] -= rate * (d + 0.5 * v[k][i]);
                /* Fewer than ten roundings a step, of numbers below 2. */
                assert_true(fabs((double)got[i] - w[k][i]) < 5e-6);
            }
        }
    }
    sw_trainer_destroy(t);
    sw_graph_destroy(g);
    sw_weights_destroy(ws);
    sw_context_destroy(ctx);
}

/* ---- learning ---------------------------------------------------------------------------------- */

static void learns(void **state)
{
    for (int kind = 0; kind < SMALL_KINDS; kind++)
        for (int o = SW_SGD; o <= SW_MUON; o++) {
            struct small_net n;
            float loss, first = 0, last = 0;
            create(&n, (enum small_kind)kind, 1, SMALL_BATCH, options_of((sw_optimizer_kind)o));
            for (int i = 0; i < 120; i++) {
                step(&n, &loss);
                if (i < 10) first += loss;
                if (i >= 110) last += loss;
            }
            if (!(last < 0.6f * first))
                fail_msg("net %d, optimiser %d: from %g to %g", kind, o, (double)first / 10,
                         (double)last / 10);
            small_net_destroy(&n);
        }
}

/* ---- memory ------------------------------------------------------------------------------------ */

/* Recomputing in the backward pass, in the very plan that updates the weights at its end: the same
 * bits, fewer bytes of values that live at once.  (The buffer has the workspaces of steps besides, which
 * in nets as small as these weigh as much.) */
static void recompute(void **state)
{
    struct small_net n[3];
    int64_t bytes[3];
    for (int kind = 0; kind < SMALL_KINDS; kind++) {
        for (int r = 0; r < 3; r++) {
            sw_trainer_options o = options_of(SW_ADAMW);
            o.recompute = (sw_recompute)r;
            create(&n[r], (enum small_kind)kind, 1, SMALL_BATCH, o);
            for (int i = 0; i < 4; i++) step(&n[r], NULL);
            bytes[r] = sw_plan_get_stats(sw_trainer_plan(n[r].t)).live_bytes;
        }
        assert_true(same_set(n[0].ws, n[1].ws) && same_set(n[0].ws, n[2].ws));
        /* Which policy saves depends on the net: norms and activations, or all between two ends. */
        assert_true(bytes[1] <= bytes[0] && bytes[2] <= bytes[0]);
        assert_true(kind == SMALL_CONV ? bytes[2] < bytes[0] : bytes[1] < bytes[0]);
        for (int r = 0; r < 3; r++) small_net_destroy(&n[r]);
    }
}

/* ---- sums of gradients ------------------------------------------------------------------------- */

/* Four micro-batches of 4 are one batch of 16, but for the order of a sum.  (The attention net: a
 * batch norm sees other statistics, which is no rounding.) */
static void accumulation_is_the_large_batch(void **state)
{
    struct small_net large, small;
    sw_trainer_options o = options_of(SW_SGD);
    float loss, sum;
    create(&large, SMALL_ATTENTION, 1, 16, o);
    o.accumulate = 4;
    create(&small, SMALL_ATTENTION, 1, 4, o);
    for (int i = 0; i < 5; i++) {
        float all;
        step(&large, &all);
        sum = 0;
        for (int j = 0; j < 4; j++) {
            assert_int_equal(sw_trainer_steps(small.t), i);
            step(&small, &loss);
            sum += loss / 4;
        }
        assert_int_equal(sw_trainer_steps(small.t), i + 1);
        assert_true(fabsf(sum - all) < 1e-5f);
        /* Both norms are of the same sum of 16 * 12 terms. */
        assert_true(fabsf(sw_trainer_norm(large.t) - sw_trainer_norm(small.t)) <
                    1e-4f * sw_trainer_norm(large.t));
    }
    for (int64_t i = 0; i < sw_weights_count(large.ws); i++) {
        sw_tensor a = sw_weight_tensor(sw_weights_at(large.ws, i));
        sw_tensor b = sw_weight_tensor(sw_weights_at(small.ws, i));
        const float *x = a.data, *y = b.data;
        for (int64_t j = 0; j < sw_shape_elements(&a.shape); j++)
            if (fabsf(x[j] - y[j]) > 1e-5f)
                fail_msg("'%s'[%lld]: %g and %g", sw_weight_name(sw_weights_at(large.ws, i)),
                         (long long)j, (double)x[j], (double)y[j]);
    }
    small_net_destroy(&large);
    small_net_destroy(&small);
}

/* ---- bad data ---------------------------------------------------------------------------------- */

static void expect_nan(struct small_net *n, const char *const *pieces)
{
    struct snapshot weights = snap(n->ws), states = snap(sw_trainer_states(n->t));
    int64_t steps = sw_trainer_steps(n->t);
    sw_status status = sw_trainer_step(n->t, NULL);
    assert_int_equal(status, SW_ERR_NAN);
    for (; *pieces; pieces++)
        if (!strstr(sw_error(n->ctx), *pieces))
            fail_msg("\"%s\" is not in \"%s\"", *pieces, sw_error(n->ctx));
    assert_true(unchanged(&weights, n->ws));
    assert_true(unchanged(&states, sw_trainer_states(n->t)));
    assert_int_equal(sw_trainer_steps(n->t), steps);
}

/* A picture with a NaN, and a label that is none: refused by name, no weight and no statistic has
 * moved, and the run goes on as if the batch had never been. */
static void bad_batches_leave_no_trace(void **state)
{
    for (int accumulate = 1; accumulate <= 2; accumulate++)
        for (int kind = 0; kind < SMALL_KINDS; kind++) {
            struct small_net n, clean;
            sw_trainer_options o = options_of(SW_ADAMW);
            o.accumulate = accumulate;
            create(&n, (enum small_kind)kind, 1, 8, o);
            create(&clean, (enum small_kind)kind, 1, 8, o);
            for (int i = 0; i < 7; i++) {
                step(&n, NULL);
                step(&clean, NULL);
                small_net_fill(&n, 1000 + i);
                assert_int_equal(small_net_bind(&n), SW_OK);
                if (kind == SMALL_CONV) {
                    n.images[37] = NAN;
                    expect_nan(&n, (const char *const[]){"step ", "the loss is", "input 'images'",
                                                         "element 37", "c1", NULL});
                    n.images[37] = INFINITY;
                    expect_nan(&n, (const char *const[]){"the loss is", "made a NaN", NULL});
                    n.images[37] = 0;
                }
                n.targets[2] = 99;
                expect_nan(&n, (const char *const[]){"the loss is", "cross_entropy", NULL});
            }
            assert_true(same_set(n.ws, clean.ws));
            assert_true(same_set(sw_trainer_states(n.t), sw_trainer_states(clean.t)));
            small_net_destroy(&n);
            small_net_destroy(&clean);
        }
}

/* A finite loss whose gradient is none: d sqrt(x) at 0. */
static void bad_gradients_are_refused(void **state)
{
    sw_context *ctx;
    sw_weights *ws;
    sw_graph *g;
    sw_trainer *t;
    assert_int_equal(sw_context_create(NULL, &ctx), SW_OK);
    assert_int_equal(sw_weights_create(ctx, &ws), SW_OK);
    assert_int_equal(sw_graph_create(ctx, &g), SW_OK);
    sw_node *w = sw_param(g, ws, "w", SW_F32, SW_SHAPE(3), sw_init_zeros());
    sw_node *loss = sw_sum(g, sw_sqrt(g, sw_square(g, w)), (sw_reduce_options){0});
    sw_trainer_options o = {.schedule = {.rate = 1}};
    assert_int_equal(sw_trainer_create(g, ws, loss, o, &t), SW_OK);
    float value = 1;
    assert_int_equal(sw_trainer_step(t, &value), SW_ERR_NAN);
    assert_true(value == 0);
    assert_non_null(
        strstr(sw_error(ctx), "step 0: the loss is 0, but the norm of its gradients is"));
    const float *p = sw_weight_tensor(sw_node_weight(w)).data;
    assert_true(p[0] == 0 && p[1] == 0 && p[2] == 0);
    sw_trainer_destroy(t);
    sw_graph_destroy(g);
    sw_weights_destroy(ws);
    sw_context_destroy(ctx);
}

/* ---- the rest of the contract ------------------------------------------------------------------ */

/* A param that the loss does not depend on stays, decay or not; so does one that is not trainable. */
static void others_stay(void **state)
{
    sw_context *ctx;
    sw_weights *ws;
    sw_graph *g;
    sw_trainer *t;
    assert_int_equal(sw_context_create(NULL, &ctx), SW_OK);
    assert_int_equal(sw_weights_create(ctx, &ws), SW_OK);
    assert_int_equal(sw_graph_create(ctx, &g), SW_OK);
    sw_node *a = sw_param(g, ws, "a", SW_F32, SW_SHAPE(2, 2), sw_init_ones());
    sw_node *b = sw_param(g, ws, "b", SW_F32, SW_SHAPE(2, 2), sw_init_ones());
    sw_node *c = sw_param(g, ws, "c", SW_F32, SW_SHAPE(2, 2), sw_init_ones());
    sw_weight_set_trainable(sw_node_weight(c), false);
    sw_node *loss = sw_sum(g, sw_square(g, sw_mul(g, a, c)), (sw_reduce_options){0});
    sw_trainer_options o = {.optimizer = {.weight_decay = 0.5f, .decay_all = true},
                            .schedule = {.rate = 0.1f}};
    assert_int_equal(sw_trainer_create(g, ws, loss, o, &t), SW_OK);
    for (int i = 0; i < 3; i++) assert_int_equal(sw_trainer_step(t, NULL), SW_OK);
    const float *pa = sw_weight_tensor(sw_node_weight(a)).data;
    const float *pb = sw_weight_tensor(sw_node_weight(b)).data;
    const float *pc = sw_weight_tensor(sw_node_weight(c)).data;
    assert_true(pa[0] < 1 && pb[0] == 1 && pc[0] == 1);
    sw_trainer_destroy(t);
    sw_graph_destroy(g);
    sw_weights_destroy(ws);
    sw_context_destroy(ctx);
}

static void averages_change_places(void **state)
{
    struct small_net n;
    create(&n, SMALL_CONV, 1, 8, options_of(SW_SGD));
    for (int i = 0; i < 5; i++) step(&n, NULL);
    struct snapshot weights = snap(n.ws), states = snap(sw_trainer_states(n.t));
    sw_weight *w = sw_weights_find(n.ws, "c1.weight");
    float average =
        *(float *)sw_weight_tensor(sw_weights_find(sw_trainer_states(n.t), "ema/c1.weight")).data;
    uint64_t version = sw_weight_version(w);
    assert_int_equal(sw_trainer_swap_averages(n.t), SW_OK);
    assert_true(sw_weight_version(w) > version);
    assert_true(*(float *)sw_weight_tensor(w).data == average);
    assert_int_equal(sw_trainer_step(n.t, NULL), SW_ERR_STATE);
    assert_int_equal(sw_trainer_save(n.t, "nothing"), SW_ERR_STATE);
    assert_int_equal(sw_trainer_load(n.t, "nothing"), SW_ERR_STATE);
    assert_int_equal(sw_trainer_swap_averages(n.t), SW_OK);
    assert_true(unchanged(&weights, n.ws));
    assert_true(unchanged(&states, sw_trainer_states(n.t)));
    step(&n, NULL);
    small_net_destroy(&n);
    sw_trainer_options o = options_of(SW_SGD);
    o.optimizer.ema_decay = 0;
    create(&n, SMALL_CONV, 1, 8, o);
    assert_int_equal(sw_trainer_swap_averages(n.t), SW_ERR_STATE);
    small_net_destroy(&n);
}

static void curves_and_notes(void **state)
{
    struct small_net n;
    char name[] = "a0", text[80];
    int64_t count;
    create(&n, SMALL_CONV, 1, 2, options_of(SW_SGD));
    for (int64_t i = 0; i < SW_CURVE_POINTS + 10; i++)
        assert_int_equal(sw_trainer_log(n.t, "loss", (double)i), SW_OK);
    const sw_curve_point *p = sw_trainer_curve(n.t, "loss", &count);
    assert_int_equal(count, SW_CURVE_POINTS / 2 + 10);
    assert_true(p[0].value == 0 && p[1].value == 2 && p[count - 1].value == SW_CURVE_POINTS + 9);
    for (int i = 1; i < SW_CURVE_NAMES; i++, name[1]++)
        assert_int_equal(sw_trainer_log(n.t, name, 1), SW_OK);
    assert_int_equal(sw_trainer_log(n.t, "too many", 1), SW_ERR_ARGUMENT);
    assert_string_equal(sw_trainer_curve_name(n.t, 0), "loss");
    assert_string_equal(sw_trainer_curve_name(n.t, 1), "a0");
    assert_null(sw_trainer_curve_name(n.t, SW_CURVE_NAMES));
    assert_null(sw_trainer_curve(n.t, "none", &count));
    assert_int_equal(count, 0);
    memset(text, 'x', 64);
    text[64] = 0;
    assert_int_equal(sw_trainer_log(n.t, text, 1), SW_ERR_ARGUMENT);
    assert_int_equal(sw_trainer_log(n.t, "", 1), SW_ERR_ARGUMENT);

    assert_null(sw_trainer_note(n.t, "model"));
    assert_int_equal(sw_trainer_set_note(n.t, "model", "small"), SW_OK);
    assert_int_equal(sw_trainer_set_note(n.t, "data", "x"), SW_OK);
    assert_int_equal(sw_trainer_set_note(n.t, "model", "large"), SW_OK);
    assert_string_equal(sw_trainer_note(n.t, "model"), "large");
    assert_int_equal(sw_trainer_set_note(n.t, "model", NULL), SW_OK);
    assert_int_equal(sw_trainer_set_note(n.t, "model", NULL), SW_OK);
    assert_null(sw_trainer_note(n.t, "model"));
    assert_string_equal(sw_trainer_note(n.t, "data"), "x");
    assert_int_equal(sw_trainer_set_note(n.t, "swell.state", "x"), SW_ERR_ARGUMENT);
    assert_int_equal(sw_trainer_set_note(n.t, "k", "\xff"), SW_ERR_ARGUMENT);
    small_net_destroy(&n);
}

static void refuses_options(void **state)
{
    static const struct {
        const char *text;
        sw_trainer_options o;
    } cases[] = {
        {"rate", {.schedule = {.rate = 0}}},
        {"rate", {.schedule = {.rate = NAN}}},
        {"total", {.schedule = {.rate = 1, .kind = SW_SCHEDULE_LINEAR, .warmup = 9, .total = 9}}},
        {"milestones", {.schedule = {.rate = 1, .milestones = {5, 5}, .n_milestones = 2}}},
        {"milestones", {.schedule = {.rate = 1, .n_milestones = 17}}},
        {"kind", {.schedule = {.rate = 1, .kind = (sw_schedule_kind)9}}},
        {"-1 micro", {.schedule = {.rate = 1}, .accumulate = -1}},
        {"clip norm", {.schedule = {.rate = 1}, .optimizer = {.clip_norm = -1}}},
        {"momentum of 1", {.schedule = {.rate = 1}, .optimizer = {.momentum = 1}}},
        {"beta2 of -1", {.schedule = {.rate = 1}, .optimizer = {.beta2 = -1}}},
        {"bias rate of -1", {.schedule = {.rate = 1}, .optimizer = {.bias_rate = -1}}},
        {"ema decay of 1", {.schedule = {.rate = 1}, .optimizer = {.ema_decay = 1}}},
        {"weight decay", {.schedule = {.rate = 1}, .optimizer = {.weight_decay = NAN}}},
        {"unknown kind", {.schedule = {.rate = 1}, .optimizer = {.kind = (sw_optimizer_kind)7}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct small_net n;
        char error[512] = "";
        assert_int_equal(small_net_create(&n, SMALL_ATTENTION, 1, 2, cases[i].o, error),
                         SW_ERR_ARGUMENT);
        if (!strstr(error, cases[i].text))
            fail_msg("\"%s\" is not in \"%s\"", cases[i].text, error);
    }
}

static void refuses_weights(void **state)
{
    sw_trainer_options o = {.schedule = {.rate = 1}};
    sw_context *ctx;
    sw_weights *ws, *others;
    sw_graph *g;
    sw_trainer *t;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(sw_context_create(NULL, &ctx), SW_OK);
        assert_int_equal(sw_weights_create(ctx, &ws), SW_OK);
        assert_int_equal(sw_weights_create(ctx, &others), SW_OK);
        assert_int_equal(sw_graph_create(ctx, &g), SW_OK);
        sw_node *w = sw_param(g, i == 1 ? others : ws, "w", i == 2 ? SW_BF16 : SW_F32, SW_SHAPE(3),
                              sw_init_ones());
        if (i == 0) sw_weight_set_trainable(sw_node_weight(w), false);
        sw_node *x = i == 2 ? sw_cast(g, w, SW_F32) : w;
        sw_node *loss = i == 3 ? x : sw_sum(g, x, (sw_reduce_options){0});
        static const sw_status status[] = {SW_ERR_ARGUMENT, SW_ERR_ARGUMENT, SW_ERR_DTYPE,
                                           SW_ERR_SHAPE};
        static const char *const text[] = {"no trainable weight", "'w' is of another set",
                                           "'w' is bf16", "one f32 value"};
        assert_int_equal(sw_trainer_create(g, ws, loss, o, &t), status[i]);
        assert_null(t);
        if (!strstr(sw_error(ctx), text[i])) fail_msg("\"%s\"", sw_error(ctx));
        sw_graph_destroy(g);
        sw_weights_destroy(ws);
        sw_weights_destroy(others);
        sw_context_destroy(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_by_hand),
        cmocka_unit_test(muon_by_hand),
        cmocka_unit_test(nesterov_by_hand),
        cmocka_unit_test(learns),
        cmocka_unit_test(recompute),
        cmocka_unit_test(accumulation_is_the_large_batch),
        cmocka_unit_test(bad_batches_leave_no_trace),
        cmocka_unit_test(bad_gradients_are_refused),
        cmocka_unit_test(others_stay),
        cmocka_unit_test(averages_change_places),
        cmocka_unit_test(curves_and_notes),
        cmocka_unit_test(refuses_options),
        cmocka_unit_test(refuses_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

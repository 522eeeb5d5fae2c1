/* The table of image networks: how many parameters, which shapes, that a set of weights is recognised as
 * its own network and no other, and that whitening filters whiten. */
#include "unit.h"

#include <math.h>
#include <swell/swell.h>
#include <swell/models.h>
#include "alexnet/whitening.h"
#include "base/rng.h"

struct net {
    sw_context *ctx;
    sw_weights *ws;
    sw_graph *g;
    sw_node *images, *features, *logits;
};

static void create(struct net *n, const sw_image_network *network, int classes, bool training)
{
    int side = network->side ? network->side : 28;
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = 2}, &n->ctx), SW_OK);
    assert_int_equal(sw_weights_create(n->ctx, &n->ws), SW_OK);
    assert_int_equal(sw_graph_create(n->ctx, &n->g), SW_OK);
    n->images = sw_input(n->g, "images", SW_F32, SW_SHAPE(2, network->channels, side, side));
    n->logits = network->logits(n->g, n->ws, n->images,
                                &(sw_image_options){classes, training, &n->features});
    if (sw_graph_status(n->g) != SW_OK) fail_msg("%s: %s", network->name, sw_error(n->ctx));
}

static void destroy(struct net *n)
{
    sw_graph_destroy(n->g);
    sw_weights_destroy(n->ws);
    sw_context_destroy(n->ctx);
}

/* All that is trained; running statistics and fixed filters do not count. */
static int64_t parameters(const sw_weights *ws)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < sw_weights_count(ws); i++) {
        sw_tensor t = sw_weight_tensor(sw_weights_at(ws, i));
        if (sw_weight_trainable(sw_weights_at(ws, i))) sum += sw_shape_elements(&t.shape);
    }
    return sum;
}

/* The figures of the papers and of the peers whose tensors have these names. */
static void counts(void **state)
{
    static const struct {
        const char *name;
        int64_t parameters, features;
    } rows[] = {
        {"alexnet", 60965224, 4096},
        {"alexnet-one-column", 61100840, 4096},
        {"cifarnet", 1971352, 256},
        {"cuda-convnet-11pct", 4864 + 102464 + 664704 + 332928 + 11530, 1152},
        {"cuda-convnet-13pct", 4864 + 102464 + 664704 + 332928 + 11530, 1152},
        {"resnet20", 269722, 64},
        {"resnet32", 464154, 64},
        {"resnet44", 658586, 64},
        {"resnet56", 853018, 64},
        {"resnet18", 11689512, 512},
        {"resnet34", 21797672, 512},
        {"resnet50", 25557032, 2048},
        {"squeezenet1_0", 1248424, 512},
        {"squeezenet1_1", 1235496, 512},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct net n;
        const sw_image_network *network = sw_image_network_find(rows[i].name);
        assert_non_null(network);
        create(&n, network, 0, true);
        if (parameters(n.ws) != rows[i].parameters)
            fail_msg("%s: %lld parameters, not %lld", rows[i].name, (long long)parameters(n.ws),
                     (long long)rows[i].parameters);
        sw_shape x = sw_node_shape(n.logits), f = sw_node_shape(n.features);
        assert_true(sw_shape_equal(&x, &SW_SHAPE(2, network->classes)));
        assert_true(sw_shape_equal(&f, &SW_SHAPE(2, rows[i].features)));
        destroy(&n);
    }
}

static void each_knows_its_own(void **state)
{
    for (int i = 0; sw_image_network_at(i); i++) {
        const sw_image_network *network = sw_image_network_at(i);
        struct net n;
        sw_image_sizes found;
        assert_ptr_equal(sw_image_network_find(network->name), network);
        create(&n, network, 7, false);
        bool twin = strcmp(network->name, "cuda-convnet-13pct") == 0; /* tensors of the 11pct */
        assert_true(twin || sw_image_network_of(n.ws, &found) == network);
        assert_true(network->fits(n.ws, &found));
        assert_int_equal(found.classes, 7);
        assert_int_equal(found.channels, network->channels);
        if (network->side) assert_int_equal(found.side, network->side);
        for (int j = 0; sw_image_network_at(j); j++)
            if (strncmp(network->name, "cuda", 4) ||
                strncmp(sw_image_network_at(j)->name, "cuda", 4))
                assert_true(sw_image_network_at(j)->fits(n.ws, &found) == (i == j));
        destroy(&n);
    }
    assert_null(sw_image_network_find("none"));
    assert_null(sw_image_network_at(-1));
}

/* The small ones run: finite logits, and a picture gives the same alone as among others. */
static void small_ones_run(void **state)
{
    for (int i = 0; sw_image_network_at(i); i++) {
        const sw_image_network *network = sw_image_network_at(i);
        struct net n;
        sw_plan *p;
        static float x[2 * 3 * 32 * 32];
        float first[10];
        if (network->side > 64) continue;
        int side = network->side ? network->side : 28;
        create(&n, network, 0, false);
        for (int k = 0; k < 2 * network->channels * side * side; k++)
            x[k] = 2 * sw__uniform_of(sw__random_u32(5, 0, (uint64_t)k)) - 1;
        assert_int_equal(
            sw_compile(n.g, (sw_plan_options){.outputs = &n.logits, .n_outputs = 1}, &p), SW_OK);
        for (int rows = 2; rows > 0; rows--) {
            assert_int_equal(sw_bind(p, n.images, x, SW_SHAPE(rows, network->channels, side, side)),
                             SW_OK);
            if (sw_run(p) != SW_OK) fail_msg("%s: %s", network->name, sw_error(n.ctx));
            const float *y = sw_plan_tensor(p, n.logits).data;
            for (int k = 0; k < 10; k++) assert_true(isfinite(y[k]));
            if (rows == 2) memcpy(first, y, sizeof first);
            assert_memory_equal(first, y, sizeof first);
        }
        sw_plan_destroy(p);
        destroy(&n);
    }
}

enum { PICTURES = 20, SIDE = 9, D = 12 };

/* Patches seen through the filters W have the second moments W M W^T = diag(l / (l + eps)), l falling. */
static void whitening_whitens(void **state)
{
    static float x[PICTURES * 3 * SIDE * SIDE];
    float w[D * D];
    double m[D][D] = {{0}}, last = 2;
    sw_context *ctx;
    assert_int_equal(sw_context_create(NULL, &ctx), SW_OK);
    for (int i = 0; i < PICTURES * 3 * SIDE * SIDE; i++) /* neighbours alike, as in pictures */
        x[i] = (i ? 0.7f * x[i - 1] : 0) + sw__uniform_of(sw__random_u32(9, 0, (uint64_t)i)) - 0.4f;
    const float eps = 0.01f;
    assert_int_equal(sw__whitening_filters(ctx, x, PICTURES, 3, SIDE, SIDE, 2, eps, w), SW_OK);
    for (int n = 0; n < PICTURES; n++)
        for (int at = 0; at < (SIDE - 1) * (SIDE - 1); at++) {
            double patch[D];
            for (int k = 0; k < D; k++) {
                int c = k / 4, row = at / (SIDE - 1) + k / 2 % 2, column = at % (SIDE - 1) + k % 2;
                patch[k] = (double)x[((n * 3 + c) * SIDE + row) * SIDE + column];
            }
            for (int a = 0; a < D; a++)
                for (int b = 0; b < D; b++)
                    m[a][b] += patch[a] * patch[b] / (PICTURES * (SIDE - 1) * (SIDE - 1));
        }
    for (int a = 0; a < D; a++)
        for (int b = 0; b < D; b++) {
            double sum = 0, length = 0;
            for (int i = 0; i < D; i++) {
                length += (double)w[a * D + i] * (double)w[a * D + i];
                for (int j = 0; j < D; j++)
                    sum += (double)w[a * D + i] * m[i][j] * (double)w[b * D + j];
            }
            /* |W[a]|^2 = 1 / (l + eps); filters are rounded to f32 */
            double l = 1 / length - (double)eps, want = a == b ? l / (l + (double)eps) : 0;
            if (fabs(sum - want) > 1e-5) fail_msg("(%d,%d): %g, not %g", a, b, sum, want);
            if (a == b) assert_true(want <= last + 1e-6);
            if (a == b) last = want;
        }
    assert_int_equal(sw__whitening_filters(ctx, x, 0, 3, SIDE, SIDE, 2, eps, w), SW_ERR_ARGUMENT);
    assert_int_equal(sw__whitening_filters(ctx, x, 1, 3, SIDE, SIDE, 5, eps, w), SW_ERR_ARGUMENT);
    sw_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(each_knows_its_own),
        cmocka_unit_test(small_ones_run),
        cmocka_unit_test(whitening_whitens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The pool of key-value pages against a naive model: every sequence is an array of numbers, and what
 * is read through the block table must be that array, whatever was forked, cut and closed before. */
#include "unit.h"

#include <swell/swell.h>
#include "base/rng.h"

enum { LAYERS = 2, PAGES = 24, PAGE = 4, HEADS = 2, HS = 3, SEQUENCES = 6, MOST = 38, BLOCKS = 10 };

struct pool {
    sw_context *ctx;
    sw_kv *kv;
    sw_graph *g;
    float *pages[2 * LAYERS];
};

static sw_kv_options options(void)
{
    return (sw_kv_options){.layers = LAYERS,
                           .pages = PAGES,
                           .page = PAGE,
                           .kv_heads = HEADS,
                           .head_size = HS,
                           .sequences = SEQUENCES,
                           .positions = MOST};
}

static struct pool pool_create(void)
{
    struct pool p;
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = 1}, &p.ctx), SW_OK);
    assert_int_equal(sw_kv_create(p.ctx, options(), &p.kv), SW_OK);
    assert_int_equal(sw_graph_create(p.ctx, &p.g), SW_OK);
    for (int i = 0; i < LAYERS; i++) {
        sw_node *k, *v;
        sw_kv_nodes(p.kv, p.g, i, &k, &v);
        assert_int_equal(sw_graph_status(p.g), SW_OK);
        assert_false(sw_weight_trainable(sw_node_weight(k)));
        p.pages[2 * i] = sw_weight_tensor(sw_node_weight(k)).data;
        p.pages[2 * i + 1] = sw_weight_tensor(sw_node_weight(v)).data;
    }
    return p;
}

static void pool_destroy(struct pool *p)
{
    sw_kv_destroy(p->kv);
    sw_graph_destroy(p->g); /* the pages live on in it */
    sw_context_destroy(p->ctx);
}

/* The numbers of a position: different for each layer, k and v, head and feature. */
static float *slot(const struct pool *p, int array, int sequence, int64_t position, int e)
{
    const int32_t page = sw_kv_blocks(p->kv)[sequence * BLOCKS + position / PAGE];
    assert_true(page >= 0 && page < PAGES);
    return p->pages[array] + ((page * HEADS + e / HS) * PAGE + position % PAGE) * HS + e % HS;
}

static void write_token(const struct pool *p, int sequence, int64_t position, int token)
{
    const int32_t page = sw_kv_blocks(p->kv)[sequence * BLOCKS + position / PAGE];
    assert_int_equal(sw_kv_page_owners(p->kv, page), 1);
    for (int i = 0; i < 2 * LAYERS; i++)
        for (int e = 0; e < HEADS * HS; e++)
            *slot(p, i, sequence, position, e) = (float)(token * 100 + i * 10 + e);
}

/* ---- random operations -------------------------------------------------------------------------- */

struct model {
    bool open[SEQUENCES];
    int64_t length[SEQUENCES];
    int tokens[SEQUENCES][MOST];
};

/* Tables, owners and contents are those of the model. */
static void check_all(const struct pool *p, const struct model *m)
{
    int64_t owners[PAGES] = {0}, used = 0;
    for (int s = 0; s < SEQUENCES; s++) {
        assert_int_equal(sw_kv_length(p->kv, s), m->open[s] ? m->length[s] : -1);
        const int64_t blocks = m->open[s] ? (m->length[s] + PAGE - 1) / PAGE : 0;
        for (int64_t i = 0; i < BLOCKS; i++) {
            const int32_t page = sw_kv_blocks(p->kv)[s * BLOCKS + i];
            if (i >= blocks) {
                assert_int_equal(page, -1);
                continue;
            }
            assert_in_range(page, 0, PAGES - 1);
            owners[page]++;
        }
        for (int64_t j = 0; m->open[s] && j < m->length[s]; j++)
            for (int i = 0; i < 2 * LAYERS; i++)
                for (int e = 0; e < HEADS * HS; e++)
                    assert_true(*slot(p, i, s, j, e) ==
                                (float)(m->tokens[s][j] * 100 + i * 10 + e));
    }
    for (int i = 0; i < PAGES; i++) {
        assert_int_equal(sw_kv_page_owners(p->kv, i), owners[i]);
        used += owners[i] > 0;
    }
    assert_int_equal(sw_kv_free_pages(p->kv), PAGES - used);
}

static int model_open(const struct model *m)
{
    for (int s = 0; s < SEQUENCES; s++)
        if (!m->open[s]) return s;
    return -1;
}

/* What append must need: new pages, and one more where the last one is shared. */
static int64_t pages_needed(const struct pool *p, const struct model *m, int s, int64_t n)
{
    const int64_t have = (m->length[s] + PAGE - 1) / PAGE;
    const int64_t want = (m->length[s] + n + PAGE - 1) / PAGE;
    if (n == 0 || m->length[s] % PAGE == 0) return want - have;
    const int32_t last = sw_kv_blocks(p->kv)[s * BLOCKS + have - 1];
    return want - have + (sw_kv_page_owners(p->kv, last) > 1);
}

static void random_append(const struct pool *p, struct model *m, int s, int64_t n, int *token)
{
    int32_t sequence[MOST + 8], position[MOST + 8];
    sw_status want = SW_OK;
    if (!m->open[s])
        want = SW_ERR_ARGUMENT;
    else if (m->length[s] + n > MOST)
        want = SW_ERR_SIZE;
    else if (pages_needed(p, m, s, n) > sw_kv_free_pages(p->kv))
        want = SW_ERR_MEMORY;
    assert_int_equal(sw_kv_append(p->kv, s, n, sequence, position), want);
    for (int64_t i = 0; want == SW_OK && i < n; i++) {
        assert_int_equal(sequence[i], s);
        assert_int_equal(position[i], m->length[s]);
        write_token(p, s, position[i], ++*token);
        m->tokens[s][m->length[s]++] = *token;
    }
}

static void random_operation(const struct pool *p, struct model *m, struct sw_rng *rng, int *token)
{
    const int s = (int)sw__rng_below(rng, SEQUENCES), free_one = model_open(m);
    int made = -1;
    switch (sw__rng_below(rng, 8)) {
    case 0:
        assert_int_equal(sw_kv_open(p->kv, &made), free_one < 0 ? SW_ERR_STATE : SW_OK);
        if (free_one < 0) break;
        assert_int_equal(made, free_one);
        m->open[made] = true;
        m->length[made] = 0;
        break;
    case 1:
        if (!m->open[s]) {
            assert_int_equal(sw_kv_fork(p->kv, s, &made), SW_ERR_ARGUMENT);
            break;
        }
        assert_int_equal(sw_kv_fork(p->kv, s, &made), free_one < 0 ? SW_ERR_STATE : SW_OK);
        if (free_one < 0) break;
        m->open[made] = true;
        m->length[made] = m->length[s];
        memcpy(m->tokens[made], m->tokens[s], sizeof m->tokens[s]);
        break;
    case 2: {
        const int64_t to = (int64_t)sw__rng_below(rng, MOST);
        const bool fits = m->open[s] && to <= m->length[s];
        assert_int_equal(sw_kv_truncate(p->kv, s, to), fits ? SW_OK : SW_ERR_ARGUMENT);
        if (fits) m->length[s] = to;
        break;
    }
    case 3:
        if (sw__rng_below(rng, 3)) break; /* seldom, so that the pool fills up */
        assert_int_equal(sw_kv_close(p->kv, s), m->open[s] ? SW_OK : SW_ERR_ARGUMENT);
        m->open[s] = false;
        break;
    default: random_append(p, m, s, (int64_t)sw__rng_below(rng, 9), token); break;
    }
}

static void random_operations(void **state)
{
    struct pool p = pool_create();
    struct model m = {0};
    struct sw_rng rng = {.seed = 3};
    int token = 0;
    for (int i = 0; i < 20000; i++) {
        random_operation(&p, &m, &rng, &token);
        token %= 1000; /* exact in f32 */
        check_all(&p, &m);
    }
    for (int s = 0; s < SEQUENCES; s++)
        if (m.open[s]) assert_int_equal(sw_kv_close(p.kv, s), SW_OK);
    assert_int_equal(sw_kv_free_pages(p.kv), PAGES);
    pool_destroy(&p);
}

/* ---- single promises ---------------------------------------------------------------------------- */

static void a_shared_page_is_copied_once(void **state)
{
    struct pool p = pool_create();
    int a, b;
    assert_int_equal(sw_kv_open(p.kv, &a), SW_OK);
    assert_int_equal(sw_kv_append(p.kv, a, 6, NULL, NULL), SW_OK);
    for (int j = 0; j < 6; j++) write_token(&p, a, j, j);
    assert_int_equal(sw_kv_fork(p.kv, a, &b), SW_OK);
    assert_int_equal(sw_kv_free_pages(p.kv), PAGES - 2);
    assert_int_equal(sw_kv_append(p.kv, b, 1, NULL, NULL), SW_OK); /* its own second page */
    assert_int_equal(sw_kv_free_pages(p.kv), PAGES - 3);
    assert_int_equal(sw_kv_append(p.kv, a, 1, NULL, NULL), SW_OK); /* a has the old one alone */
    assert_int_equal(sw_kv_free_pages(p.kv), PAGES - 3);
    const int32_t *table = sw_kv_blocks(p.kv);
    assert_int_equal(table[a * BLOCKS], table[b * BLOCKS]);
    assert_int_not_equal(table[a * BLOCKS + 1], table[b * BLOCKS + 1]);
    assert_true(*slot(&p, 3, b, 5, 2) == (float)(500 + 30 + 2));
    pool_destroy(&p);
}

static void a_full_pool_says_so(void **state)
{
    struct pool p = pool_create();
    int s[4];
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sw_kv_open(p.kv, &s[i]), SW_OK);
        assert_int_equal(sw_kv_append(p.kv, s[i], i == 2 ? 16 : MOST, NULL, NULL), SW_OK);
    }
    assert_int_equal(sw_kv_free_pages(p.kv), 0);
    assert_int_equal(sw_kv_append(p.kv, s[2], 1, NULL, NULL), SW_ERR_MEMORY);
    assert_non_null(strstr(sw_error(p.ctx), "needs 1 more pages, 0 of 24 are free"));
    assert_int_equal(sw_kv_length(p.kv, s[2]), 16);
    assert_int_equal(sw_kv_append(p.kv, s[0], 1, NULL, NULL), SW_ERR_SIZE);
    assert_non_null(strstr(sw_error(p.ctx), "limit of 38"));
    assert_int_equal(sw_kv_append(p.kv, s[0], INT64_MAX, NULL, NULL), SW_ERR_SIZE);
    assert_int_equal(sw_kv_append(p.kv, s[0], -1, NULL, NULL), SW_ERR_ARGUMENT);
    assert_int_equal(sw_kv_truncate(p.kv, s[1], 0), SW_OK);
    assert_int_equal(sw_kv_append(p.kv, s[2], 1, NULL, NULL), SW_OK);
    assert_int_equal(sw_kv_close(p.kv, 5), SW_ERR_ARGUMENT);
    assert_int_equal(sw_kv_close(p.kv, -1), SW_ERR_ARGUMENT);
    assert_int_equal(sw_kv_length(p.kv, 99), -1);
    assert_int_equal(sw_kv_page_owners(p.kv, PAGES), -1);
    pool_destroy(&p);
}

static void bad_options_are_refused(void **state)
{
    sw_context *ctx;
    sw_kv *kv;
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = 1}, &ctx), SW_OK);
    const struct {
        sw_kv_options o;
        sw_status status;
    } bad[] = {
        {{.layers = 0, .pages = 1, .kv_heads = 1, .head_size = 1, .sequences = 1, .positions = 1},
         SW_ERR_ARGUMENT},
        {{.layers = 1, .pages = -1, .kv_heads = 1, .head_size = 1, .sequences = 1, .positions = 1},
         SW_ERR_ARGUMENT},
        {{.layers = 1, .pages = 1, .kv_heads = 1, .head_size = 1, .sequences = 0, .positions = 1},
         SW_ERR_ARGUMENT},
        {{.layers = 1,
          .pages = 1,
          .kv_heads = 1,
          .head_size = 1,
          .sequences = 1,
          .positions = 1,
          .dtype = SW_I8},
         SW_ERR_ARGUMENT},
        {{.layers = 1,
          .pages = 1LL << 31,
          .kv_heads = 1,
          .head_size = 1,
          .sequences = 1,
          .positions = 1},
         SW_ERR_SIZE},
        {{.layers = 1,
          .pages = INT32_MAX,
          .page = INT32_MAX,
          .kv_heads = INT32_MAX,
          .head_size = INT32_MAX,
          .sequences = 1,
          .positions = 1},
         SW_ERR_SIZE},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(sw_kv_create(ctx, bad[i].o, &kv), bad[i].status);
        assert_null(kv);
        assert_non_null(strstr(sw_error(ctx), "kv"));
    }
    sw_kv_destroy(NULL);
    sw_context_destroy(ctx);
}

static void nodes_are_the_states(void **state)
{
    struct pool p = pool_create();
    sw_node *k, *v, *again;
    sw_kv_nodes(p.kv, p.g, 1, &k, &v);
    sw_kv_nodes(p.kv, p.g, 1, &again, &v);
    assert_ptr_equal(k, again);
    assert_string_equal(sw_node_name(v), "kv.1.v");
    const sw_shape want = SW_SHAPE(PAGES, HEADS, PAGE, HS), got = sw_node_shape(v);
    assert_true(sw_shape_equal(&want, &got));
    const sw_shape table = SW_SHAPE(SEQUENCES, BLOCKS), blocks = sw_kv_blocks_shape(p.kv);
    assert_true(sw_shape_equal(&table, &blocks));
    sw_kv_nodes(p.kv, p.g, LAYERS, &k, &v);
    assert_int_equal(sw_graph_status(p.g), SW_ERR_ARGUMENT);
    pool_destroy(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations),    cmocka_unit_test(a_shared_page_is_copied_once),
        cmocka_unit_test(a_full_pool_says_so),  cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(nodes_are_the_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

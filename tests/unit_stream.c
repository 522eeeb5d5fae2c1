/* Results that go past the caches are the same: an op with a result of more than SW_STREAM_BYTES has
 * the bits that it has on the first and on the last rows alone, where nothing is streamed. */
#include "unit.h"

#include <swell/swell.h>
#include "base/rng.h"
#include "graph/op.h"

enum { ROWS = 8403, N = 1001, FEW = 5 }; /* 33.6 MB of f32; tasks and rows that end in odd places */
enum { EVEN_ROWS = 8344, EVEN_N = 1008 }; /* rows of whole vectors; no more numbers */

typedef sw_node *build_fn(sw_graph *g, sw_node *x);

struct fixture {
    sw_context *ctx;
    float *x; /* (ROWS,N) */
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = 2}, &f->ctx), SW_OK);
    assert_non_null(f->x = malloc(sizeof(float) * ROWS * N));
    sw__fill_uniform(f->x, (int64_t)ROWS * N, -2, 2, 1, 1);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    sw_context_destroy(f->ctx);
    free(f->x);
    free(f);
    return 0;
}

/* The op's result on `rows` rows from x on; the caller frees it. */
static void *run(struct fixture *f, build_fn *build, float *x, int64_t rows, int64_t n,
                 int64_t *bytes)
{
    sw_graph *g;
    sw_plan *p;
    assert_int_equal(sw_graph_create(f->ctx, &g), SW_OK);
    sw_node *in = sw_input(g, "x", SW_F32, SW_SHAPE(rows, n)), *y = build(g, in);
    if (sw_compile(g, (sw_plan_options){.outputs = &y, .n_outputs = 1}, &p) != SW_OK)
        fail_msg("%s", sw_error(f->ctx));
    assert_int_equal(sw_bind(p, in, x, SW_SHAPE(rows, n)), SW_OK);
    assert_int_equal(sw_run(p), SW_OK);
    const sw_tensor t = sw_plan_tensor(p, y);
    *bytes = sw__tensor_bytes(&t);
    void *copy = malloc((size_t)*bytes);
    assert_non_null(copy);
    memcpy(copy, t.data, (size_t)*bytes);
    sw_plan_destroy(p);
    sw_graph_destroy(g);
    return copy;
}

/* An op whose rows of results depend on one row of x each. */
static void check_rows(void **state, build_fn *build, int64_t rows, int64_t n)
{
    struct fixture *f = *state;
    int64_t bytes, few;
    char *all = run(f, build, f->x, rows, n, &bytes);
    assert_true(bytes >= SW_STREAM_BYTES);
    for (int64_t from = 0; from < rows; from += from + FEW < rows ? rows - FEW : FEW) {
        char *part = run(f, build, f->x + from * n, FEW, n, &few);
        assert_true(few < SW_STREAM_BYTES && few * rows == bytes * FEW);
        assert_memory_equal(all + bytes / rows * from, part, (size_t)few);
        free(part);
    }
    free(all);
}

static sw_node *gelu(sw_graph *g, sw_node *x)
{
    return sw_gelu(g, x);
}

static sw_node *double_(sw_graph *g, sw_node *x)
{
    return sw_add(g, x, x);
}

static sw_node *compare(sw_graph *g, sw_node *x)
{
    return sw_cast(g, sw_greater(g, x, sw_scalar(g, 0)), SW_I32);
}

static sw_node *layernorm(sw_graph *g, sw_node *x)
{
    return sw_layernorm(g, x, NULL, NULL, 0);
}

static sw_node *softmax(sw_graph *g, sw_node *x)
{
    return sw_softmax(g, x, -1);
}

static sw_node *twice(sw_graph *g, sw_node *x)
{
    return sw_concat(g, (sw_node *[]){x, x}, 2, 1);
}

static void rows_of_ops(void **state)
{
    check_rows(state, gelu, ROWS, N);
    check_rows(state, double_, ROWS, N);
    check_rows(state, compare, ROWS, N);
    check_rows(state, layernorm, ROWS, N);
    check_rows(state, softmax, ROWS, N);
    check_rows(state, twice, ROWS, N);
    check_rows(state, layernorm, EVEN_ROWS, EVEN_N);
    check_rows(state, softmax, EVEN_ROWS, EVEN_N);
}

static sw_node *transpose(sw_graph *g, sw_node *x)
{
    return sw_transpose(g, x, (int[]){1, 0}, 2);
}

static void transposed(void **state)
{
    struct fixture *f = *state;
    int64_t bytes;
    float *y = run(f, transpose, f->x, ROWS, N, &bytes);
    assert_true(bytes >= SW_STREAM_BYTES);
    for (int64_t i = 0; i < N; i++)
        for (int64_t j = 0; j < ROWS; j++)
            if (y[i * ROWS + j] != f->x[j * N + i])
                fail_msg("row %lld, column %lld", (long long)i, (long long)j);
    free(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_of_ops, setup, teardown),
        cmocka_unit_test_setup_teardown(transposed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

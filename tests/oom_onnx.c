/* Out of memory while models are read and built: each allocation in turn fails, and the call says so and
 * leaks nothing.  The models are those of the fuzzer that are good. */
#include "unit.h"

#include <swell/swell.h>
#include "fail_malloc.h"

static sw_context *ctx;

static sw_status build(void *user)
{
    sw_onnx *m = NULL;
    sw_graph *g = NULL;
    sw_weights *ws = NULL;
    sw_node *in[4] = {NULL}, *out[8];
    sw_status status = sw_onnx_open(ctx, user, &m);
    if (status == SW_OK) status = sw_graph_create(ctx, &g);
    if (status == SW_OK) status = sw_weights_create(ctx, &ws);
    if (status == SW_OK) status = sw_onnx_build(m, g, ws, 2, in, out);
    sw_graph_destroy(g);
    sw_weights_destroy(ws);
    sw_onnx_close(m);
    return status;
}

static void models(void **state)
{
    static const char *const names[] = {"conv_norm", "shapes", "many", "math", "quant", "elements"};
    fail_malloc_skip();
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = 1}, &ctx), SW_OK);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[512];
        snprintf(path, sizeof path, ONNX_CORPUS "/%s.onnx", names[i]);
        if (build(path) != SW_OK) fail_msg("%s", sw_error(ctx));
        assert_true(fail_malloc_each(build, path) > 10);
    }
    sw_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(models)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

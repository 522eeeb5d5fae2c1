/* Out of memory while GGUF models and importance matrices are written and read: each allocation in turn
 * fails, and the call says so and leaks nothing. */
#include "unit.h"

#include <unistd.h>
#include <swell/swell.h>
#include "fail_malloc.h"
#include "format/gguf_write.h"
#include "format/imatrix.h"

static char folder[] = "oom-gguf-XXXXXX";
static sw_context *ctx;

static sw_status write_model(void *user)
{
    static const float numbers[64] = {1};
    struct sw_gguf_writer *w;
    sw_status status = sw__gguf_writer_create(ctx, &w);
    sw__gguf_put_integers(w, "n", (int32_t[]){1, 2}, 2);
    sw__gguf_put_strings(w, "texts", (const char *[]){"x", "yz"}, NULL, 2);
    sw__gguf_put_tensor(w, "a.in_sum2", SW_F32, SW_SHAPE(2, 32), numbers);
    sw__gguf_put_tensor(w, "a.counts", SW_F32, SW_SHAPE(2, 1), numbers);
    if (status == SW_OK) status = sw__gguf_writer_finish(w, user);
    sw__gguf_writer_destroy(w);
    return status;
}

static sw_status read_model(void *user)
{
    struct sw_gguf *f;
    sw_status status = sw__gguf_open(ctx, user, &f);
    sw__gguf_close(f);
    return status;
}

static sw_status read_importances(void *user)
{
    struct sw_imatrix *m;
    sw_status status = sw__imatrix_open(ctx, user, &m);
    sw__imatrix_close(m);
    return status;
}

static void models(void **state)
{
    fail_malloc_skip();
    assert_true(mkdtemp(folder) && chdir(folder) == 0);
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = 1}, &ctx), SW_OK);
    assert_true(fail_malloc_each(write_model, "m.gguf") > 5);
    assert_true(fail_malloc_each(read_model, "m.gguf") > 5);
    assert_true(fail_malloc_each(read_importances, "m.gguf") > 8);
    sw_context_destroy(ctx);
    assert_true(unlink("m.gguf") == 0 && chdir("..") == 0 && rmdir(folder) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(models)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Out of memory while a language model is opened, writes a few tokens with a draft, is saved and goes on: each allocation
 * in turn fails, the call says so, and nothing is leaked or left behind. */
#include "unit.h"

#include <unistd.h>
#include <swell/swell.h>
#include "fail_malloc.h"
#include "small_model.h"

enum { V = 24 };

static char folder[] = "oom-language-XXXXXX", model[] = "model-XXXXXX";
static sw_context *ctx;

static sw_status write_on(sw_model *m)
{
    static const int32_t prompt[] = {1, 2, 3, 1, 2};
    sw_session *s = NULL, *draft = NULL;
    sw_sampler *sampler = NULL;
    sw_status status = sw_session_open(m, &s);
    if (status == SW_OK) status = sw_session_feed(s, prompt, 5);
    if (status == SW_OK)
        status = sw_sampler_create(ctx, &(sw_sampler_options){.temperature = 1}, V, &sampler);
    if (status == SW_OK) status = sw_session_fork(s, &draft);
    sw_generate_options o = {.tokens = 4, .sampler = sampler, .draft = draft, .draft_tokens = 2};
    if (status == SW_OK) status = sw_generate(s, &o, NULL);
    if (status == SW_OK) status = sw_session_save(s, "session");
    if (status == SW_OK) status = sw_session_load(draft, "session");
    if (status == SW_OK) {
        o = (sw_generate_options){.tokens = 40, .lookup = 2, .shift = true};
        status = sw_generate(draft, &o, NULL);
    }
    sw_sampler_destroy(sampler);
    sw_session_close(draft);
    sw_session_close(s);
    return status;
}

static sw_status use_model(void *user)
{
    const sw_model_options *o = user;
    sw_model *m;
    sw_status status = sw_model_open(ctx, model, o, &m);
    if (status == SW_OK)
        status = write_on(m);
    else
        assert_null(m);
    sw_model_destroy(m);
    return status;
}

static void models(void **state)
{
    const struct small_model small = {8, 8, 1, 2, 1, V, 64, 0.4f, 3};
    sw_model_options o = {.sessions = 2, .context = 32, .chunk = 16, .rows = 4};
    fail_malloc_skip();
    assert_true(mkdtemp(folder) && chdir(folder) == 0 && small_model_write(model, &small));
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = 2}, &ctx), SW_OK);
    const long n = fail_malloc_each(use_model, &o);
    print_message("%ld allocations\n", n);
    assert_true(n > 100);
    sw_context_destroy(ctx);
    assert_true(unlink(model) == 0 && unlink("session") == 0 && chdir("..") == 0);
    assert_int_equal(rmdir(folder), 0); /* no temporary file was left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(models)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A model, or a context, larger than memory is refused before anything large is read, with what would fit.  The files
 * are sparse: as large as they say, and empty on the disk. */
#include "unit.h"

#include <unistd.h>
#include <swell/swell.h>
#include "base/available.h"

/* A file of llama2.c of these sizes, zeros behind the header. */
static void write_sparse(char *path, const int32_t header[7])
{
    const int64_t c = header[0], hidden = header[1], layers = header[2];
    const int64_t n = header[5] * c + layers * (2 * c + 4 * c * c + 3 * hidden * c) + c +
                      header[6] * (c / header[3]);
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, header, 7 * sizeof *header), 7 * sizeof *header);
    const int status = ftruncate(fd, (off_t)(7 * sizeof *header) + n * 4);
    close(fd);
    if (status == 0) return;
    unlink(path);
    print_message("skipped: no sparse file of %lld numbers here\n", (long long)n);
    skip();
}

static sw_context *ctx;

static void refused(const char *path, sw_model_options o)
{
    sw_model *m;
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = 1}, &ctx), SW_OK);
    assert_int_equal(sw_model_open(ctx, path, &o, &m), SW_ERR_MEMORY);
    assert_null(m);
}

static double available(void)
{
    const double bytes = sw__memory_available();
    if (bytes > 0) return bytes;
    print_message("skipped: how much memory is free is unknown here\n");
    skip();
    return 0;
}

static void test_weights(void **state)
{
    enum { WIDTH = 8192, HIDDEN = 32768 };
    char path[] = "too-large-XXXXXX";
    const double a_layer = 4.0 * (4.0 * WIDTH * WIDTH + 3.0 * HIDDEN * WIDTH), free = available();
    const int32_t layers = (int32_t)(4 * free / a_layer) + 1;
    const int32_t header[7] = {WIDTH, HIDDEN, layers, 64, 64, 300, 64};
    write_sparse(path, header);
    refused(path, (sw_model_options){0});
    const char *bits = strstr(sw_error(ctx), "at most ");
    assert_non_null(strstr(sw_error(ctx), "are free"));
    assert_non_null(bits);
    const double said = strtod(bits + 8,
                               NULL); /* a quarter of 32 bits, or less as a layer is whole */
    assert_true(said > 0 && said < 10);
    sw_context_destroy(ctx);
    unlink(path);
}

static void test_context(void **state)
{
    enum { WIDTH = 256, LAYERS = 8, A_TOKEN = 2 * LAYERS * WIDTH * 2, CONTEXT = 1 << 30 };
    char path[] = "too-large-XXXXXX";
    const int32_t header[7] = {WIDTH, 64, LAYERS, 2, 2, 300, CONTEXT};
    const double free = available();
    if (free > 0.5 * A_TOKEN * (double)CONTEXT) skip();
    write_sparse(path, header);
    refused(path, (sw_model_options){.context = CONTEXT});
    const char *fits = strstr(sw_error(ctx), "a context of ");
    assert_non_null(fits);
    const double said = strtod(fits + 13, NULL);
    assert_true(said * A_TOKEN > free / 3 && said * A_TOKEN < 1.5 * free); /* others run too */
    assert_non_null(strstr(fits, "would fit"));
    sw_context_destroy(ctx);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_weights),
                                       cmocka_unit_test(test_context)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

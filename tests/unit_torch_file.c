/* Files that PyTorch 1.13 wrote (fuzz/corpus/torch), in both forms, give the tensors that were saved;
 * what would call something, and what is damaged, is refused with a line. */
#include "unit.h"

#include <swell/train.h>

static sw_context *ctx;
static sw_weights *ws;

static int setup(void **state)
{
    return sw_context_create(&(sw_context_options){.threads = 1}, &ctx) != SW_OK ||
           sw_weights_create(ctx, &ws) != SW_OK;
}

static int teardown(void **state)
{
    sw_weights_destroy(ws);
    sw_context_destroy(ctx);
    return 0;
}

static const char *file(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", UNIT_TORCH, name);
    return path;
}

static void check(const char *name, sw_dtype dtype, sw_shape shape, const void *data, size_t bytes)
{
    sw_weight *w = sw_weights_find(ws, name);
    if (!w) fail_msg("no tensor '%s'", name);
    sw_tensor t = sw_weight_tensor(w);
    assert_int_equal(t.dtype, dtype);
    assert_int_equal(t.shape.rank, shape.rank);
    for (int i = 0; i < shape.rank; i++) assert_int_equal(t.shape.dim[i], shape.dim[i]);
    assert_memory_equal(t.data, data, bytes);
}

static void plain(void **state)
{
    static const float weight[6] = {0, 1, 2, 3, 4, 5};
    static const uint16_t bias[2] = {0x3e00, 0xc000};
    static const char *const names[] = {"plain.pth", "legacy.pth"};
    const bool mapped = *(const bool *)*state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sw_weights_load(ctx, ws, file(names[i]), mapped && i == 0, NULL), SW_OK);
        assert_int_equal(sw_weights_count(ws), 2); /* the counter is left out */
        check("fc.weight", SW_F32, SW_SHAPE(2, 3), weight, sizeof weight);
        check("fc.bias", SW_F16, SW_SHAPE(2), bias, sizeof bias);
        teardown(NULL);
        setup(NULL);
    }
}

static void views(void **state)
{
    static const float weight[6] = {0, 1, 2, 3, 4, 5};
    static const uint16_t ones[3] = {0x3f80, 0x3f80, 0x3f80};
    static const int32_t part[6] = {8, 9, 10, 14, 15, 16};
    int32_t turned[24];
    for (int i = 0; i < 24; i++) turned[i] = (i % 4) * 6 + i / 4;
    assert_int_equal(sw_weights_load(ctx, ws, file("views.pth"), true, NULL), SW_ERR_FORMAT);
    assert_non_null(strstr(sw_error(ctx), "'t' of IntStorage is not in rows; load it as a copy"));
    assert_int_equal(sw_weights_load(ctx, ws, file("views.pth"), false, NULL), SW_OK);
    assert_int_equal(sw_weights_count(ws), 4);
    check("t", SW_I32, SW_SHAPE(6, 4), turned, sizeof turned);
    check("part", SW_I32, SW_SHAPE(2, 3), part, sizeof part);
    check("b", SW_BF16, SW_SHAPE(3), ones, sizeof ones);
    check("p", SW_F32, SW_SHAPE(2, 3), weight, sizeof weight);
    teardown(NULL);
    setup(NULL);
    assert_int_equal(sw_weights_load(ctx, ws, file("views_legacy.pth"), false, "t"), SW_OK);
    assert_int_equal(sw_weights_count(ws), 1);
    check("t", SW_I32, SW_SHAPE(6, 4), turned, sizeof turned);
}

static void refused(void **state)
{
    static const struct {
        const char *name, *why;
        sw_status status;
    } files[] = {
        {"evil.pth", "wants to call 'posix.system'; nothing is called from a file", SW_ERR_FORMAT},
        {"module.pth", "nothing is called from a file", SW_ERR_FORMAT},
        {"double.pth", "tensor 'a' is DoubleStorage", SW_ERR_UNSUPPORTED},
        {"compressed.pth", "a compressed archive", SW_ERR_FORMAT},
        {"other.pth", "a zip archive without data.pkl", SW_ERR_FORMAT},
        {"circle.pth", "nested too deeply, or in a circle", SW_ERR_FORMAT}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        assert_int_equal(sw_weights_load(ctx, ws, file(files[i].name), false, NULL),
                         files[i].status);
        if (!strstr(sw_error(ctx), files[i].why) || !strstr(sw_error(ctx), files[i].name))
            fail_msg("\"%s\" is not in \"%s\"", files[i].why, sw_error(ctx));
        assert_int_equal(sw_weights_count(ws), 0);
    }
}

int main(void)
{
    static bool copied = false, mapped = true;
    const struct CMUnitTest tests[] = {
        {"plain, copied", plain, setup, teardown, &copied},
        {"plain, mapped", plain, setup, teardown, &mapped},
        cmocka_unit_test_setup_teardown(views, setup, teardown),
        cmocka_unit_test_setup_teardown(refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

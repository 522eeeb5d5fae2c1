/* Out of memory while a classifier is opened and used: each allocation in turn fails, and the call says so and
 * leaks nothing. */
#include "unit.h"

#include <swell/swell.h>
#include <unistd.h>
#include "fail_malloc.h"

enum { SIDE = 8 };
static sw_context *ctx;
static sw_picture *picture;
static char path[] = "/tmp/swell-oom-XXXXXX.safetensors";

static sw_status see(void *user)
{
    sw_classifier *c = NULL;
    sw_class best[2 * 3];
    float features[2][128], map[SIDE * SIDE];
    const sw_photo photos[2] = {{.name = "a", .picture = picture},
                                {.name = "b", .picture = picture}};
    const sw_answers a = {.top = 3, .classes = best, .features = features[0]};
    sw_status status = sw_classifier_open(
        ctx, user, &(sw_classifier_options){.batch = 2, .features = true}, &c);
    if (status == SW_OK) status = sw_classify(c, photos, 2, 2, &a);
    if (status == SW_OK)
        status = sw_occlusion_map(c, photos, &(sw_occlusion_options){.index = -1}, map, NULL);
    sw_classifier_destroy(c);
    return status;
}

/* A convnet of halves, that has all to say. */
static void write_model(void)
{
    static const char *const pairs[] = {
        "side",  "8",      "short_side",          "9", "mean", "[0.5]", "deviation",
        "[0.5]", "labels", "[\"a\",\"b\",\"c\"]", NULL};
    sw_weights *ws, *halves;
    sw_graph *g;
    close(mkstemps(path, 12));
    assert_int_equal(sw_weights_create(ctx, &ws), SW_OK);
    assert_int_equal(sw_weights_create(ctx, &halves), SW_OK);
    assert_int_equal(sw_graph_create(ctx, &g), SW_OK);
    sw_node *x = sw_input(g, "x", SW_F32, SW_SHAPE(1, 3, SIDE, SIDE));
    sw_image_network_find("convnet")->logits(g, ws, x, &(sw_image_options){.classes = 3});
    for (int64_t i = 0; i < sw_weights_count(ws); i++) {
        const sw_tensor t = sw_weight_tensor(sw_weights_at(ws, i));
        sw_weight *w;
        assert_int_equal(
            sw_weights_add(halves, sw_weight_name(sw_weights_at(ws, i)), SW_F16, t.shape, &w),
            SW_OK);
        sw_convert(sw_weight_tensor(w).data, SW_F16, t.data, SW_F32, sw_shape_elements(&t.shape));
    }
    assert_int_equal(sw_weights_save(ctx, halves, path, pairs), SW_OK);
    sw_graph_destroy(g);
    sw_weights_destroy(ws);
    sw_weights_destroy(halves);
}

static void classifier(void **state)
{
    fail_malloc_skip();
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = 1}, &ctx), SW_OK);
    assert_int_equal(sw_picture_create(ctx, 20, 15, &picture), SW_OK);
    write_model();
    if (see(path) != SW_OK) fail_msg("%s", sw_error(ctx));
    assert_true(fail_malloc_each(see, path) > 100);
    sw_picture_destroy(picture);
    sw_context_destroy(ctx);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(classifier)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

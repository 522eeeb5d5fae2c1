/* Out of memory while pictures are opened and read: each allocation in turn fails, and the call says so
 * and leaks nothing.  (A decoder without memory may also call its picture unreadable.) */
#include "picture_folder.h"

#include <swell/data.h>
#include "fail_malloc.h"

static sw_context *ctx;

static const sw_augmentation seen = {.channels = 3,
                                     .frame = 8,
                                     .side = 6,
                                     .pad = 1,
                                     .mean = {0.5f, 0.5f, 0.5f},
                                     .deviation = {1, 1, 1},
                                     .jitter = 0.1f};

/* Open, look at the colours, read a batch. */
static sw_status use(void *user)
{
    const int64_t index[] = {0, 1, 2};
    float out[3 * 3 * 6 * 6];
    int32_t labels[3];
    sw_image_set *set;
    sw_augmentation a = seen;
    sw_status status = sw_image_set_open(ctx, user, (sw_image_set_options){0}, &set);
    if (status != SW_OK) return status;
    const int64_t n = set->count < 3 ? set->count : 3;
    status = sw_augmentation_measure(&a, set, index, n);
    const sw_image_order o = {set, index, n, 1};
    if (status == SW_OK) status = sw_image_order_read(&o, &a, 0, 0, n, out, labels);
    sw_image_set_destroy(set);
    return status;
}

static void sets(void **state)
{
    static const char *const paths[] = {"small", "small/list.csv", "large.csv", "cifar"};
    uint8_t record[3073] = {7};
    fail_malloc_skip();
    picture_folder_enter();
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = 1}, &ctx), SW_OK);
    assert_true(!mkdir("small", 0700) && !mkdir("small/a", 0700) && !mkdir("small/b", 0700) &&
                !mkdir("cifar", 0700));
    write_picture(ctx, "small/a/1.png", 8, 9, 1);
    write_picture(ctx, "small/a/2.png", 8, 9, 2);
    write_picture(ctx, "small/b/3.png", 8, 9, 3);
    write_picture(ctx, "large.png", 80, 70, 4);
    write_bytes("small/list.csv", "a/1.png,x\na/2.png,y\n", 20);
    write_bytes("large.csv", "large.png,x\nlarge.png,\"y\"\nlarge.png,x\n", 38);
    write_bytes("cifar/data_batch_1.bin", record, sizeof record);
    write_bytes("cifar/batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n", 20);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char path[32];
        snprintf(path, sizeof path, "%s", paths[i]);
        if (use(path) != SW_OK) fail_msg("%s: %s", path, sw_error(ctx));
        assert_true(fail_malloc_each(use, path) > 10);
    }
    sw_context_destroy(ctx);
    picture_folder_leave();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Sets of labelled pictures: what is found under a path, in which order, and every way to be wrong. */
#include "picture_folder.h"

#include <swell/data.h>
#include "format/cifar.h"
#include "format/csv.h"

static sw_context *ctx;
static char warned[512];
static int warnings;

static void on_log(void *user, sw_log_level level, const char *line)
{
    if (level < SW_LOG_WARN) return;
    warnings++;
    snprintf(warned, sizeof warned, "%s", line);
}

static int setup(void **state)
{
    picture_folder_enter();
    warnings = 0;
    return sw_context_create(&(sw_context_options){.threads = 2, .log = on_log}, &ctx) != SW_OK;
}

static int teardown(void **state)
{
    sw_context_destroy(ctx);
    picture_folder_leave();
    return 0;
}

static sw_image_set *opened(const char *path, sw_image_split split, const sw_image_set *like)
{
    sw_image_set *set;
    const sw_image_set_options o = {split, like};
    sw_status status = sw_image_set_open(ctx, path, o, &set);
    if (status != SW_OK) fail_msg("%s: %s", path, sw_error(ctx));
    return set;
}

static void refused_like(const char *why, sw_status expected, const char *path,
                         const sw_image_set *like)
{
    sw_image_set *set = (sw_image_set *)&set;
    const sw_image_set_options o = {.like = like};
    assert_int_equal(sw_image_set_open(ctx, path, o, &set), expected);
    assert_null(set);
    if (!strstr(sw_error(ctx), why)) fail_msg("\"%s\" is not in \"%s\"", why, sw_error(ctx));
    assert_null(strchr(sw_error(ctx), '\n'));
}

static void refused(const char *why, sw_status expected, const char *path)
{
    refused_like(why, expected, path, NULL);
}

/* ---- folders --------------------------------------------------------------------------------------- */

static void folders_of_small_pictures(void **state)
{
    assert_true(!mkdir("d", 0700) && !mkdir("d/train", 0700) && !mkdir("d/test", 0700));
    assert_true(!mkdir("d/train/cat", 0700) && !mkdir("d/train/Ant", 0700) &&
                !mkdir("d/test/cat", 0700));
    write_picture(ctx, "d/train/cat/2.png", 5, 6, 2);
    write_picture(ctx, "d/train/cat/1.png", 5, 6, 1);
    write_picture(ctx, "d/train/Ant/3.png", 5, 6, 3);
    write_picture(ctx, "d/test/cat/4.PNG", 5, 6, 4);
    write_bytes("d/train/cat/notes.txt", "x", 1);
    sw_image_set *train = opened("d", SW_SPLIT_TRAIN, NULL);
    sw_image_set *test = opened("d", SW_SPLIT_TEST, train);
    assert_int_equal(train->count, 3);
    assert_int_equal(train->classes, 2);
    assert_string_equal(train->names[0], "Ant");
    assert_string_equal(train->names[1], "cat");
    const int seeds[] = {3, 1, 2}, labels[] = {0, 1, 1};
    assert_true(train->images && train->channels == 3 && train->width == 5 && train->height == 6);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(train->labels[i], labels[i]);
        for (int k = 0; k < 90; k++)
            assert_int_equal(train->images[i * 90 + k],
                             picture_byte(seeds[i], k % 5, k / 5 % 6, k / 30));
    }
    assert_int_equal(test->count, 1);
    assert_int_equal(test->classes, 2);
    assert_int_equal(test->labels[0], 1);
    sw_image_set_destroy(test);
    sw_image_set_destroy(train);
    /* Of several sizes: files. */
    write_picture(ctx, "d/train/cat/9.png", 6, 6, 9);
    train = opened("d/train", SW_SPLIT_TRAIN, NULL);
    assert_null(opened("d/train", SW_SPLIT_TEST, train));
    assert_null(train->images);
    assert_int_equal(train->width, 0);
    assert_string_equal(train->paths[0], "d/train/Ant/3.png");
    assert_string_equal(train->paths[3], "d/train/cat/9.png");
    sw_image_set_destroy(train);
}

static void bad_pictures_are_left_out(void **state)
{
    assert_true(!mkdir("d", 0700) && !mkdir("d/a", 0700) && !mkdir("d/b", 0700));
    char name[64];
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "d/%s/%02d.png", i < 10 ? "a" : "b", i);
        if (i == 0)
            write_bytes(name, "", 0);
        else if (i % 3 == 0)
            write_bytes(name, "no picture", 10);
        else
            write_picture(ctx, name, 4, 4, i);
    }
    sw_image_set *set = opened("d", SW_SPLIT_TRAIN, NULL);
    assert_int_equal(set->count, 13);
    assert_int_equal(set->bad, 7);
    assert_int_equal(warnings, 7);
    assert_string_equal(warned, "d/b/18.png: no picture: JPEG, PNG and WebP are read; left out");
    for (int i = 0, n = 0; i < 20; i++) {
        if (i % 3 == 0) continue;
        assert_int_equal(set->labels[n], i >= 10);
        assert_int_equal(set->images[48 * n++], picture_byte(i, 0, 0, 0));
    }
    sw_image_set_destroy(set);
}

static void wrong_folders(void **state)
{
    refused("d: No such file", SW_ERR_IO, "d");
    refused("/dev/null: neither a file nor a folder", SW_ERR_IO, "/dev/null");
    assert_int_equal(mkdir("d", 0700), 0);
    refused("d: no folders in it", SW_ERR_FORMAT, "d");
    assert_true(!mkdir("d/a", 0700) && !mkdir("d/b", 0700));
    refused("d/a: an empty class", SW_ERR_FORMAT, "d");
    write_picture(ctx, "d/a/1.png", 4, 4, 1);
    refused("d/b: an empty class", SW_ERR_FORMAT, "d");
    write_picture(ctx, "d/b/1.png", 4, 4, 1);
    sw_image_set *set = opened("d", SW_SPLIT_TRAIN, NULL);
    assert_true(!mkdir("e", 0700) && !mkdir("e/c", 0700));
    write_picture(ctx, "e/c/1.png", 4, 4, 1);
    refused_like("e/c: no class of the training set", SW_ERR_FORMAT, "e", set);
    sw_image_set_destroy(set);
    assert_int_equal(mkdir("e/\xff", 0700), 0);
    write_picture(ctx, "e/\xff/1.png", 4, 4, 1);
    refused("no UTF-8", SW_ERR_FORMAT, "e");
    write_bytes("d/a/1.png", "no", 2);
    write_bytes("d/b/1.png", "no", 2);
    assert_int_equal(sw_image_set_open(ctx, "d", (sw_image_set_options){0}, &set), SW_OK);
    assert_null(set->images); /* found out when they are read */
    sw_image_set_destroy(set);
}

/* ---- CSV ------------------------------------------------------------------------------------------------ */

static void parses_csv(void **state)
{
    static const struct {
        const char *text;
        int rows; /* -1: refused, with `first` */
        const char *first, *label;
    } cases[] = {
        {"a.png,cat\nb.png,dog\n", 2, "a.png", "cat"},
        {"path,label\r\na.png,cat\r\n\r\n", 1, "a.png", "cat"},
        {"\xef\xbb\xbf"
         "Filename,CLASS\na.png,cat",
         1, "a.png", "cat"},
        {"path,cat\n", 1, "path", "cat"},
        {"\"a, \"\"b\"\".png\",\"two\nlines\"\nb,c", 2, "a, \"b\".png", "two\nlines"},
        {"", 0, NULL, NULL},
        {"a.png\n", -1, "line 1: no comma", NULL},
        {"a,b\nc,d,e\n", -1, "line 2: more than two fields", NULL},
        {"a,\"b\nc,d\n", -1, "a quote is not closed", NULL},
        {"a,\"b\"c\n", -1, "line 1: text behind the closing quote", NULL},
        {"a,b\n,d\n", -1, "line 2: an empty path", NULL},
        {"a,b\nc,\n", -1, "line 2: an empty label", NULL},
    };
    struct sw_csv csv;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sw_status status = sw__csv_parse(ctx, "f.csv", cases[i].text, strlen(cases[i].text), &csv);
        if (cases[i].rows < 0) {
            assert_int_equal(status, SW_ERR_FORMAT);
            if (!strstr(sw_error(ctx), cases[i].first)) fail_msg("%s", sw_error(ctx));
        } else {
            assert_int_equal(status, SW_OK);
            assert_int_equal(csv.count, cases[i].rows);
        }
        if (cases[i].rows > 0) {
            assert_string_equal(csv.rows[0].path, cases[i].first);
            assert_string_equal(csv.rows[0].label, cases[i].label);
        }
        sw__csv_free(&csv);
    }
    assert_int_equal(sw__csv_parse(ctx, "f.csv", "a,b\0c\n", 6, &csv), SW_ERR_FORMAT);
    assert_non_null(strstr(sw_error(ctx), "a zero byte"));
    sw__csv_free(&csv);
    char longest[5000];
    memset(longest, 'x', sizeof longest);
    assert_int_equal(sw__csv_parse(ctx, "f.csv", longest, sizeof longest, &csv), SW_ERR_FORMAT);
    sw__csv_free(&csv);
}

static void opens_csv(void **state)
{
    assert_int_equal(mkdir("d", 0700), 0);
    write_picture(ctx, "d/x.png", 80, 70, 1);
    write_picture(ctx, "d/y.png", 90, 70, 2);
    const char names[] = "path,label\ny.png,dog\nx.png,cat\nx.png,dog\n";
    write_bytes("d/names.csv", names, sizeof names - 1);
    sw_image_set *set = opened("d/names.csv", SW_SPLIT_TRAIN, NULL);
    assert_int_equal(set->count, 3);
    assert_int_equal(set->classes, 2);
    assert_string_equal(set->names[0], "cat");
    const int labels[] = {1, 0, 1};
    for (int i = 0; i < 3; i++) assert_int_equal(set->labels[i], labels[i]);
    assert_string_equal(set->paths[0], "d/y.png");
    assert_null(opened("d/names.csv", SW_SPLIT_TEST, NULL));
    const char numbers[] = "x.png,10\ny.png,9\n";
    write_bytes("d/numbers.csv", numbers, sizeof numbers - 1);
    refused_like("label '9' is no class", SW_ERR_FORMAT, "d/numbers.csv", set);
    sw_image_set_destroy(set);
    set = opened("d/numbers.csv", SW_SPLIT_TRAIN, NULL);
    assert_string_equal(set->names[0], "9");
    assert_string_equal(set->names[1], "10");
    assert_int_equal(set->labels[0], 1);
    sw_image_set_destroy(set);
    write_bytes("d/empty.csv", "path,label\n", 11);
    refused("d/empty.csv: no pictures are listed", SW_ERR_FORMAT, "d/empty.csv");
    refused("no file *.csv", SW_ERR_FORMAT, "d/x.png");
}

/* ---- CIFAR ------------------------------------------------------------------------------------------------- */

static void write_cifar(const char *path, int n, int labels, int first)
{
    const size_t record = (size_t)labels + SW_CIFAR_BYTES;
    uint8_t *bytes = calloc((size_t)n, record);
    assert_non_null(bytes);
    for (int i = 0; i < n; i++) {
        uint8_t *r = bytes + (size_t)i * record;
        r[labels - 1] = (uint8_t)(first + i);
        for (int k = 0; k < SW_CIFAR_BYTES; k++)
            r[labels + k] = picture_byte(first + i, k % 32, k / 32 % 32, k / 1024);
    }
    write_bytes(path, bytes, (size_t)n * record);
    free(bytes);
}

static void opens_cifar(void **state)
{
    assert_int_equal(mkdir("d", 0700), 0);
    write_cifar("d/data_batch_1.bin", 3, 1, 0);
    write_cifar("d/data_batch_2.bin", 2, 1, 8);
    write_cifar("d/test_batch.bin", 1, 1, 5);
    sw_image_set *train = opened("d", SW_SPLIT_TRAIN, NULL);
    sw_image_set *test = opened("d", SW_SPLIT_TEST, train);
    assert_int_equal(train->count, 5);
    assert_int_equal(train->classes, 10);
    assert_string_equal(train->names[9], "9"); /* no list of names */
    const int labels[] = {0, 1, 2, 8, 9};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(train->labels[i], labels[i]);
        for (int k = 0; k < SW_CIFAR_BYTES; k++)
            assert_int_equal(train->images[i * SW_CIFAR_BYTES + k],
                             picture_byte(labels[i], k % 32, k / 32 % 32, k / 1024));
    }
    assert_int_equal(test->count, 1);
    assert_int_equal(test->labels[0], 5);
    sw_image_set_destroy(test);
    sw_image_set_destroy(train);
    const char own[] = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n";
    write_bytes("d/batches.meta.txt", own, sizeof own - 1);
    write_cifar("d/hundred.bin", 2, 2, 98);
    train = opened("d/test_batch.bin", SW_SPLIT_TRAIN, NULL);
    assert_string_equal(train->names[9], "j");
    refused_like("CIFAR-100 beside a set of 10 classes", SW_ERR_FORMAT, "d/hundred.bin", train);
    sw_image_set_destroy(train);
    train = opened("d/hundred.bin", SW_SPLIT_TRAIN, NULL);
    assert_int_equal(train->classes, 100);
    assert_int_equal(train->labels[1], 99);
    sw_image_set_destroy(train);
    write_cifar("d/wrong.bin", 2, 1, 9);
    refused("offset 3073: label 10 of CIFAR-10", SW_ERR_FORMAT, "d/wrong.bin");
    write_bytes("d/cut.bin", own, 20);
    refused("20 bytes are no records", SW_ERR_FORMAT, "d/cut.bin");
    write_bytes("d/none.bin", own, 0);
    refused("0 bytes are no records", SW_ERR_FORMAT, "d/none.bin");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(folders_of_small_pictures),
        TEST(bad_pictures_are_left_out),
        TEST(wrong_folders),
        TEST(parses_csv),
        TEST(opens_csv),
        TEST(opens_cifar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

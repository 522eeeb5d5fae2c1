/* IDX files and data sets: what is written by hand here is read back, everything else is refused with
 * a line that says where. */
#include "unit.h"

#include <swell/data.h>
#include <unistd.h>
#include <zlib.h>
#include "format/idx.h"

static sw_context *ctx;

static int setup(void **state)
{
    return sw_context_create(&(sw_context_options){.threads = 1}, &ctx) == SW_OK ? 0 : -1;
}

static int teardown(void **state)
{
    sw_context_destroy(ctx);
    return 0;
}

static void refused(const char *why, const uint8_t *bytes, size_t size, int rank)
{
    struct sw_idx x;
    assert_int_equal(sw__idx_parse(ctx, "file", bytes, size, rank, &x), SW_ERR_FORMAT);
    if (!strstr(sw_error(ctx), why)) fail_msg("\"%s\" is not in \"%s\"", why, sw_error(ctx));
    assert_non_null(strstr(sw_error(ctx), "file: "));
}

static void parses(void **state)
{
    const uint8_t good[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 10, 11, 12, 13, 14, 15};
    uint8_t bad[sizeof good];
    struct sw_idx x;
    assert_int_equal(sw__idx_parse(ctx, "file", good, sizeof good, 2, &x), SW_OK);
    assert_int_equal(x.dim[0], 2);
    assert_int_equal(x.dim[1], 3);
    assert_int_equal(x.size, 6);
    assert_memory_equal(x.data, good + 12, 6);
    free(x.data);
    for (size_t n = 0; n < sizeof good; n++) {
        assert_int_equal(sw__idx_parse(ctx, "file", good, n, 2, &x), SW_ERR_FORMAT);
        assert_null(x.data);
    }
    refused("offset 3: has 2 dimensions, not 3", good, sizeof good, 3);
    memcpy(bad, good, sizeof bad);
    bad[1] = 1;
    refused("offset 0: not an IDX file", bad, sizeof bad, 2);
    memcpy(bad, good, sizeof bad);
    bad[2] = 0x0D;
    refused("offset 2: holds 32-bit floats", bad, sizeof bad, 2);
    memcpy(bad, good, sizeof bad);
    memset(bad + 4, 0xff, 8);
    refused("absurd", bad, sizeof bad, 2);
    memcpy(bad, good, sizeof bad);
    bad[7] = 1;
    refused("offset 12: 6 bytes of data follow, 3 expected", bad, sizeof bad, 2);
}

/* Write a file, gzip if asked; `cut` bytes less at the end. */
static void write_file(const char *path, const void *bytes, size_t size, bool gzip, long cut)
{
    gzFile f = gzopen(path, gzip ? "wb" : "wbT");
    assert_non_null(f);
    assert_int_equal(gzwrite(f, bytes, (unsigned)size), (int)size);
    assert_int_equal(gzclose(f), Z_OK);
    if (!cut) return;
    FILE *s = fopen(path, "r+b");
    assert_non_null(s);
    fseek(s, 0, SEEK_END);
    long length = ftell(s);
    fclose(s);
    assert_int_equal(truncate(path, length - cut), 0);
}

static void data_sets(void **state)
{
    char dir[] = "/tmp/unit_idx_XXXXXX", images[64], labels[64];
    const uint8_t x[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 255, 51, 102};
    const uint8_t y[] = {0, 0, 8, 1, 0, 0, 0, 2, 3, 1};
    const uint8_t z[] = {0, 0, 8, 1, 0, 0, 0, 1, 3};
    sw_dataset *d;
    assert_non_null(mkdtemp(dir));
    snprintf(images, sizeof images, "%s/images", dir);
    snprintf(labels, sizeof labels, "%s/labels", dir);
    for (int gzip = 0; gzip < 2; gzip++) {
        float batch[4];
        int32_t label[2];
        write_file(images, x, sizeof x, gzip, 0);
        write_file(labels, y, sizeof y, gzip, 0);
        assert_int_equal(sw_dataset_load_idx(ctx, images, labels, &d), SW_OK);
        assert_int_equal(d->count, 2);
        assert_int_equal(d->classes, 4);
        sw_dataset_batch(d, (int64_t[]){1, 0}, 2, 0.2f, 0.5f, batch, label);
        assert_true(batch[0] == (51 / 255.0f - 0.2f) / 0.5f && batch[3] == (1.0f - 0.2f) / 0.5f);
        assert_int_equal(label[0], 1);
        assert_int_equal(label[1], 3);
        sw_dataset_destroy(d);
    }
    write_file(labels, z, sizeof z, true, 0);
    assert_int_equal(sw_dataset_load_idx(ctx, images, labels, &d), SW_ERR_FORMAT);
    assert_non_null(strstr(sw_error(ctx), "2 pictures"));
    write_file(labels, y, sizeof y, true, 6);
    assert_int_equal(sw_dataset_load_idx(ctx, images, labels, &d), SW_ERR_FORMAT);
    assert_non_null(strstr(sw_error(ctx), "labels"));
    unlink(labels);
    assert_int_equal(sw_dataset_load_idx(ctx, images, labels, &d), SW_ERR_IO);
    assert_non_null(strstr(sw_error(ctx), "No such file"));
    assert_null(d);
    unlink(images);
    rmdir(dir);
    sw_dataset_destroy(NULL);
}

static void shuffles(void **state)
{
    static const uint64_t sizes[] = {1, 2, 3, 5, 16, 17, 1000, 60000};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        uint64_t n = sizes[k], moved = 0, other = 0;
        bool *seen = calloc(n, sizeof *seen);
        for (uint64_t i = 0; i < n; i++) {
            uint64_t at = sw_shuffled(n, 7, 3, i);
            assert_true(at < n && !seen[at]);
            seen[at] = true;
            moved += at != i;
            other += at != sw_shuffled(n, 7, 4, i);
        }
        if (n >= 1000) assert_true(moved > n - 20 && other > n - 20);
        free(seen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(parses), cmocka_unit_test(data_sets),
                                       cmocka_unit_test(shuffles)};
    return cmocka_run_group_tests(tests, setup, teardown);
}

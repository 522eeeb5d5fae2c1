/* Checked sizes, aligned blocks, growing arrays, the arena, and mapped files. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/memory.h"
#include "base/size.h"

static void sizes(void **state)
{
    size_t s = 5;
    int64_t i = 5;

    assert_true(sw__size_mul(3, 4, &s));
    assert_int_equal(s, 12);
    assert_true(sw__size_mul(SIZE_MAX, 1, &s));
    assert_true(sw__size_mul(SIZE_MAX, 0, &s));
    assert_false(sw__size_mul(SIZE_MAX / 2 + 1, 2, &s));
    assert_true(sw__size_add(SIZE_MAX - 1, 1, &s));
    assert_true(s == SIZE_MAX);
    assert_false(sw__size_add(SIZE_MAX, 1, &s));
    assert_true(sw__i64_mul(INT64_C(3037000499), INT64_C(3037000499), &i));
    assert_true(i == INT64_C(9223372030926249001));
    assert_false(sw__i64_mul(INT64_C(3037000500), INT64_C(3037000500), &i));
    assert_false(sw__i64_add(INT64_MAX, 1, &i));
    assert_true(sw__i64_add(INT64_MAX, -1, &i));
    assert_int_equal(sw__round_up(0, 64), 0);
    assert_int_equal(sw__round_up(1, 64), 64);
    assert_int_equal(sw__round_up(64, 64), 64);
    assert_int_equal(sw__ceil_div(65, 64), 2);
    assert_int_equal(sw__min64(-1, 1), -1);
    assert_int_equal(sw__max64(-1, 1), 1);
}

/* Zeros on a boundary, twice: what is freed dirty comes back clean. */
static void zeroed_blocks(void **state)
{
    static const size_t bytes[] = {0, 1, 65, 100000, 262144, 300001, (2u << 20) + 17, 9u << 20};

    for (size_t i = 0; i < 2 * sizeof(bytes) / sizeof(*bytes); i++) {
        const size_t size = bytes[i / 2];
        unsigned char *p = sw__zeroed_alloc(size);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % SW_ALIGN, 0);
        for (size_t j = 0; j < size; j++) assert_true(p[j] == 0);
        memset(p, 0xff, size);
        sw__zeroed_free(p, size);
    }
    assert_null(sw__zeroed_alloc(SIZE_MAX));
    assert_null(sw__zeroed_alloc(SIZE_MAX / 2));
}

static void aligned_blocks(void **state)
{
    static const size_t bytes[] = {0, 1, 63, 64, 65, 100000, (2u << 20) + 17, 9u << 20};

    for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
        unsigned char *p = sw__aligned_alloc(bytes[i]);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % SW_ALIGN, 0);
        memset(p, 1, bytes[i]);
        sw__aligned_free(p);
    }
    sw__aligned_free(NULL);
    assert_null(sw__aligned_alloc(SIZE_MAX));
    assert_null(sw__aligned_alloc(SIZE_MAX - 100));
    assert_null(sw__aligned_alloc(SIZE_MAX / 2));
}

static void calloc2(void **state)
{
    int *p = sw__calloc2(1000, sizeof(int));

    assert_non_null(p);
    for (int i = 0; i < 1000; i++) assert_int_equal(p[i], 0);
    free(p);
    p = sw__calloc2(0, sizeof(int));
    assert_non_null(p);
    free(p);
    assert_null(sw__calloc2(SIZE_MAX / 2, 3));
    assert_null(sw__calloc2(SIZE_MAX, SIZE_MAX));
}

static void growing(void **state)
{
    int64_t capacity = 0;
    int *items = NULL;
    int moves = 0;

    for (int i = 0; i < 10000; i++) {
        int64_t before = capacity;
        assert_true(sw__grow(&items, &capacity, i + 1, sizeof(*items)));
        assert_true(capacity > i);
        moves += capacity != before;
        items[i] = i;
    }
    for (int i = 0; i < 10000; i++) assert_int_equal(items[i], i);
    assert_true(moves < 15); /* it doubles */

    /* What cannot be is refused, and nothing changes. */
    int *old = items;
    int64_t old_capacity = capacity;
    assert_false(sw__grow(&items, &capacity, INT64_MAX, sizeof(*items)));
    assert_false(sw__grow(&items, &capacity, INT64_MAX / 8, sizeof(*items)));
    assert_ptr_equal(items, old);
    assert_int_equal(capacity, old_capacity);
    free(items);
}

static void arena(void **state)
{
    enum { COUNT = 3000 };
    struct sw_arena a = {0};
    unsigned char *p[COUNT];
    size_t size[COUNT];

    /* Every block is aligned, zero, and stays its own: sizes from 0 to far over a block's. */
    for (int i = 0; i < COUNT; i++) {
        size[i] = i % 100 == 99 ? (size_t)i * 40 : (size_t)(i * 37) % 200;
        p[i] = sw__arena_alloc(&a, size[i]);
        assert_non_null(p[i]);
        assert_int_equal((uintptr_t)p[i] % _Alignof(max_align_t), 0);
        for (size_t j = 0; j < size[i]; j++) assert_int_equal(p[i][j], 0);
        memset(p[i], i % 255 + 1, size[i]);
    }
    for (int i = 0; i < COUNT; i++)
        for (size_t j = 0; j < size[i]; j++) assert_int_equal(p[i][j], i % 255 + 1);
    assert_ptr_not_equal(sw__arena_alloc(&a, 0), sw__arena_alloc(&a, 0));

    const char *copy = sw__arena_strdup(&a, "conv1.weight");
    assert_string_equal(copy, "conv1.weight");
    assert_string_equal(sw__arena_strdup(&a, ""), "");
    assert_null(sw__arena_alloc(&a, SIZE_MAX));
    assert_null(sw__arena_alloc(&a, SIZE_MAX - 16));
    assert_null(sw__arena_alloc(&a, SIZE_MAX / 2));
    assert_string_equal(copy, "conv1.weight");
    sw__arena_free(&a);
    assert_null(a.blocks);
    sw__arena_free(&a); /* twice is fine, and so is use after it */
    assert_non_null(sw__arena_alloc(&a, 10));
    sw__arena_free(&a);
}

/* A large request must not throw away the room of the current block. */
static void arena_keeps_its_room(void **state)
{
    struct sw_arena a = {0};

    char *first = sw__arena_alloc(&a, 64);
    assert_non_null(sw__arena_alloc(&a, 1 << 20));
    char *second = sw__arena_alloc(&a, 64);
    assert_ptr_equal(second, first + 64);
    sw__arena_free(&a);

    /* Also when the large one comes first. */
    assert_non_null(sw__arena_alloc(&a, 1 << 20));
    first = sw__arena_alloc(&a, 64);
    second = sw__arena_alloc(&a, 64);
    assert_ptr_equal(second, first + 64);
    sw__arena_free(&a);
}

static void write_file(const char *path, size_t size)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    for (size_t i = 0; i < size; i++) fputc((int)(i * 7 % 251), f);
    assert_int_equal(fclose(f), 0);
}

/* Whether this process holds the page of an address: bit 63 of its word in /proc/self/pagemap. */
static bool page_present(const uint8_t *address)
{
    const off_t page = (off_t)((uintptr_t)address / (uintptr_t)sysconf(_SC_PAGESIZE));
    uint64_t word = 0;

    int fd = open("/proc/self/pagemap", O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &word, sizeof(word), page * (off_t)sizeof(word)), sizeof(word));
    close(fd);
    return word >> 63;
}

static void mapping(void **state)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), size = 5 * page + 100;
    char path[] = "map-XXXXXX";
    struct sw_mapping m;

    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(sw__map_file(path, &m), SW_OK); /* empty */
    assert_null(m.data);
    assert_int_equal(m.size, 0);
    sw__map_release(&m, 0, 100);
    sw__unmap_file(&m);

    write_file(path, size);
    assert_int_equal(sw__map_file(path, &m), SW_OK);
    assert_int_equal(m.size, size);
    for (size_t i = 0; i < size; i++) assert_int_equal(m.data[i], i * 7 % 251);

    /* Only whole pages inside the range go; the words come back from the file. */
    for (int i = 0; i < 6; i++) assert_true(page_present(m.data + (size_t)i * page));
    sw__map_release(&m, page - 1, 2 * page + 2); /* pages 1 and 2 */
    sw__map_release(&m, 3 * page + 1, page);     /* no whole page */
    sw__map_release(&m, SIZE_MAX, 1);
    sw__map_release(&m, size, SIZE_MAX);
    for (int i = 0; i < 6; i++)
        assert_int_equal(page_present(m.data + (size_t)i * page), i != 1 && i != 2);
    for (size_t i = 0; i < size; i++) assert_int_equal(m.data[i], i * 7 % 251);
    sw__map_release(&m, 0, SIZE_MAX); /* clipped to the file */
    for (size_t i = 0; i < size; i++) assert_int_equal(m.data[i], i * 7 % 251);
    sw__unmap_file(&m);
    assert_null(m.data);
    sw__unmap_file(&m);
    unlink(path);
}

static void mapping_refused(void **state)
{
    struct sw_mapping m = {.size = 1};
    char path[] = "fifo-XXXXXX";

    errno = 0;
    assert_int_equal(sw__map_file("no/such/file", &m), SW_ERR_IO);
    assert_int_equal(errno, ENOENT);
    assert_null(m.data);
    assert_int_equal(m.size, 0);
    assert_int_equal(sw__map_file(".", &m), SW_ERR_IO);
    assert_int_equal(errno, EISDIR);
    assert_int_equal(sw__map_file("/dev/zero", &m), SW_ERR_IO);
    assert_int_equal(errno, EINVAL);

    /* A pipe that nobody writes to is refused at once. */
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(sw__map_file(path, &m), SW_ERR_IO);
    assert_int_equal(errno, EINVAL);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(zeroed_blocks),
        cmocka_unit_test(aligned_blocks),
        cmocka_unit_test(calloc2),
        cmocka_unit_test(growing),
        cmocka_unit_test(arena),
        cmocka_unit_test(arena_keeps_its_room),
        cmocka_unit_test(mapping),
        cmocka_unit_test(mapping_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Out of memory in the base room: each allocation in turn fails, and the call gives an error, leaks
 * nothing, and leaves files as they were. */
#include "unit.h"

#include <unistd.h>
#include <swell/context.h>
#include "base/cpu.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/threads.h"
#include "fail_malloc.h"

/* The same pointer, seen from outside: a compiler may otherwise leave out allocations in pairs with
 * their free. */
static void *seen(void *p)
{
    static void *volatile outside;

    outside = p;
    return outside;
}

/* The tool itself. */
static void counting(void **state)
{
    fail_malloc_skip();
    long live = fail_malloc_live();
    fail_malloc_reset();
    char *a = seen(malloc(10)), *b = seen(calloc(2, 5)), *c = seen(realloc(NULL, 3));
    void *d = NULL;
    assert_int_equal(posix_memalign(&d, 64, 100), 0);
    a = seen(realloc(a, 1000));
    assert_int_equal(fail_malloc_count(), 5);
    assert_int_equal(fail_malloc_live() - live, 4);
    free(a);
    free(b);
    free(c);
    free(d);
    free(NULL);
    assert_int_equal(fail_malloc_live(), live);

    fail_malloc_at(2);
    a = seen(malloc(1));
    b = seen(malloc(1));
    c = seen(malloc(1));
    assert_true(a && !b && c);
    assert_true(fail_malloc_fired());
    fail_malloc_at(1);
    char *grown = realloc(c, 5);
    assert_null(grown);
    if (!grown) free(c); /* still ours; the test is for the compiler */
    fail_malloc_at(1);
    assert_int_not_equal(posix_memalign(&d, 64, 100), 0);
    fail_malloc_at(0);
    free(a);
    assert_int_equal(fail_malloc_live(), live);
}

/* Text that the shared libraries of the system allocate counts too. */
static void libraries_are_included(void **state)
{
    fail_malloc_skip();
    fail_malloc_at(1);
    char *copy = seen(strdup("from inside libc"));
    fail_malloc_at(0);
    assert_null(copy);
}

static sw_status make_context(void *user)
{
    sw_context *ctx;
    sw_status status = sw_context_create(&(sw_context_options){.threads = *(int *)user}, &ctx);

    if (status)
        assert_null(ctx);
    else
        assert_int_equal(sw_context_threads(ctx), *(int *)user);
    sw_context_destroy(ctx);
    return status;
}

static void context(void **state)
{
    fail_malloc_skip();
    sw__cpu(); /* found once a process; cpuinfo without memory means the reference kernels */
    for (int threads = 1; threads <= 3; threads++)
        assert_true(fail_malloc_each(make_context, &threads) >= 2);
}

static sw_status fill_arena(void *user)
{
    struct sw_arena arena = {0};
    sw_status status = SW_OK;

    for (size_t i = 0; i < 200 && !status; i++)
        if (!sw__arena_alloc(&arena, i * i)) status = SW_ERR_MEMORY;
    if (!status && !sw__arena_strdup(&arena, "the last")) status = SW_ERR_MEMORY;
    sw__arena_free(&arena);
    return status;
}

static void arena(void **state)
{
    fail_malloc_skip();
    assert_true(fail_malloc_each(fill_arena, NULL) > 3);
}

static sw_status grow_items(void *user)
{
    int64_t capacity = 0;
    int *items = NULL;
    sw_status status = SW_OK;

    for (int i = 0; i < 1000 && !status; i++) {
        if (!sw__grow(&items, &capacity, i + 1, sizeof(*items))) {
            status = SW_ERR_MEMORY;
            for (int j = 0; j < i; j++) assert_int_equal(items[j], j); /* untouched */
        } else {
            items[i] = i;
        }
    }
    free(items);
    return status;
}

static void growing(void **state)
{
    fail_malloc_skip();
    assert_true(fail_malloc_each(grow_items, NULL) > 5);
}

static sw_status blocks(void *user)
{
    void *a = sw__aligned_alloc(1000), *b = sw__calloc2(10, 10), *c = sw__aligned_alloc(8 << 20);
    sw_status status = a && b && c ? SW_OK : SW_ERR_MEMORY;

    sw__aligned_free(a);
    free(b);
    sw__aligned_free(c);
    return status;
}

static void aligned_blocks(void **state)
{
    fail_malloc_skip();
    assert_int_equal(fail_malloc_each(blocks, NULL), 3);
}

/* The first half of a file stays till the whole of the new one is there. */
static sw_status replace_file(void *user)
{
    const char *path = user;
    struct sw_file f;
    char *text;
    size_t size;

    sw_status status = sw__file_create(path, &f);
    if (status) return status;
    for (int i = 0; i < 1000; i++) sw__file_write(&f, "123456789\n", 10);
    status = sw__file_commit(&f);
    if (status) return status;
    status = sw__file_read(path, 1 << 20, &text, &size);
    if (status) return status;
    assert_int_equal(size, 10000);
    free(text);
    return SW_OK;
}

static void file(void **state)
{
    char folder[] = "oom-XXXXXX";

    fail_malloc_skip();
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    FILE *stream = fopen("a", "wb");
    assert_non_null(stream);
    fclose(stream);
    assert_true(fail_malloc_each(replace_file, "a") >= 4);
    assert_int_equal(unlink("a"), 0);
    assert_int_equal(chdir(".."), 0);
    assert_int_equal(rmdir(folder), 0); /* no temporary file was left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counting), cmocka_unit_test(libraries_are_included),
        cmocka_unit_test(context),  cmocka_unit_test(arena),
        cmocka_unit_test(growing),  cmocka_unit_test(aligned_blocks),
        cmocka_unit_test(file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Folders: what is listed, in which order, and what is not. */
#include "unit.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/folder.h"

static void make(const char *name)
{
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    fclose(f);
}

static void lists(void **state)
{
    char dir[] = "folder-XXXXXX";
    struct sw_folder f;
    assert_true(mkdtemp(dir) && chdir(dir) == 0);
    make("b.png");
    make("a.png");
    make("B.png");
    make(".hidden");
    assert_int_equal(mkdir("z", 0700), 0);
    assert_int_equal(mkdir("y", 0700), 0);
    assert_int_equal(symlink("z", "x"), 0);
    assert_int_equal(symlink("a.png", "link"), 0);
    assert_int_equal(symlink("nowhere", "broken"), 0);
    assert_int_equal(sw__folder_list(".", SW_PATH_FILE, &f), SW_OK);
    const char *files[] = {"B.png", "a.png", "b.png", "link"};
    assert_int_equal(f.count, 4);
    for (int i = 0; i < 4; i++) assert_string_equal(f.names[i], files[i]);
    sw__folder_free(&f);
    assert_int_equal(sw__folder_list(".", SW_PATH_FOLDER, &f), SW_OK);
    const char *folders[] = {"x", "y", "z"};
    assert_int_equal(f.count, 3);
    for (int i = 0; i < 3; i++) assert_string_equal(f.names[i], folders[i]);
    sw__folder_free(&f);
    assert_int_equal(sw__path_kind("a.png"), SW_PATH_FILE);
    assert_int_equal(sw__path_kind("x"), SW_PATH_FOLDER);
    assert_int_equal(sw__path_kind("broken"), SW_PATH_NONE);
    assert_int_equal(sw__folder_list("y", SW_PATH_FILE, &f), SW_OK);
    assert_int_equal(f.count, 0);
    sw__folder_free(&f);
    assert_int_equal(sw__folder_list("nowhere", SW_PATH_FILE, &f), SW_ERR_IO);
    assert_int_equal(errno, ENOENT);
    sw__folder_free(&f);
    const char *all[] = {"a.png", "b.png", "B.png", ".hidden", "x", "link", "broken"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) assert_int_equal(unlink(all[i]), 0);
    assert_true(rmdir("y") == 0 && rmdir("z") == 0 && chdir("..") == 0 && rmdir(dir) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

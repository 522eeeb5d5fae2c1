/* Files written whole or not at all.  Each test works in its own new folder. */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"

static char folder[] = "file-XXXXXX";

static int enter(void **state)
{
    strcpy(folder, "file-XXXXXX");
    return !mkdtemp(folder) || chdir(folder);
}

static int leave(void **state)
{
    return chdir("..") || rmdir(folder); /* fails if a test left anything */
}

static int entries(const char *name)
{
    DIR *dir = opendir(name);
    int count = 0;

    assert_non_null(dir);
    while (readdir(dir)) count++;
    closedir(dir);
    return count - 2; /* . and .. */
}

static void put(const char *path, const char *text)
{
    struct sw_file f;

    assert_int_equal(sw__file_create(path, &f), SW_OK);
    sw__file_write(&f, text, strlen(text));
    assert_int_equal(sw__file_commit(&f), SW_OK);
    assert_null(f.stream);
}

static void expect(const char *path, const char *text)
{
    char *got;
    size_t size;

    assert_int_equal(sw__file_read(path, 1 << 20, &got, &size), SW_OK);
    assert_string_equal(got, text);
    assert_int_equal(size, strlen(text));
    free(got);
}

static void replaces(void **state)
{
    struct sw_file f;

    put("a", "first");
    expect("a", "first");
    assert_int_equal(sw__file_create("a", &f), SW_OK);
    sw__file_write(&f, "sec", 3);
    expect("a", "first"); /* the old one till commit */
    assert_int_equal(entries("."), 2);
    sw__file_write(&f, NULL, 0);
    sw__file_write(&f, "ond", 3);
    assert_int_equal(sw__file_commit(&f), SW_OK);
    expect("a", "second");
    assert_int_equal(entries("."), 1);
    unlink("a");
}

static void abandons(void **state)
{
    struct sw_file f;

    put("a", "old");
    assert_int_equal(sw__file_create("a", &f), SW_OK);
    sw__file_write(&f, "new", 3);
    errno = EINTR;
    sw__file_abandon(&f);
    assert_int_equal(errno, EINTR); /* the caller's reason is kept */
    assert_null(f.stream);
    expect("a", "old");
    assert_int_equal(entries("."), 1);
    sw__file_abandon(&f); /* twice is fine */
    unlink("a");
}

/* Writing stops at a limit as it does on a full disk: the old file stays whole, the temporary one
 * goes, errno tells, and later writes do not hide the first failure. */
static void full_disk(void **state)
{
    static const size_t sizes[] = {100, 5000, 100000}; /* fails at commit, or while writing */
    static char data[100000];
    struct rlimit old, tight;
    struct sw_file f;

    signal(SIGXFSZ, SIG_IGN);
    put("a", "the old and whole file");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_int_equal(sw__file_create("a", &f), SW_OK);
        tight = old;
        tight.rlim_cur = 64;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
        for (size_t done = 0; done < sizes[i]; done += 100) sw__file_write(&f, data + done, 100);
        errno = 0;
        sw_status status = sw__file_commit(&f);
        int error = errno;
        setrlimit(RLIMIT_FSIZE, &old);
        assert_int_equal(status, SW_ERR_IO);
        assert_int_equal(error, EFBIG);
        expect("a", "the old and whole file");
        assert_int_equal(entries("."), 1);
    }
    unlink("a");
}

static void unwritable_places(void **state)
{
    struct sw_file f;

    errno = 0;
    assert_int_equal(sw__file_create("no/such/folder/a", &f), SW_ERR_IO);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(sw__file_create("", &f), SW_ERR_IO);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(sw__file_create(".", &f), SW_ERR_IO);
    assert_int_equal(errno, EISDIR);
    assert_int_equal(sw__file_create("/dev/null", &f), SW_ERR_IO); /* never replace a device */
    assert_int_equal(errno, EINVAL);
    struct stat st;
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));

    /* The folder disappears between create and commit. */
    assert_int_equal(mkdir("d", 0700), 0);
    assert_int_equal(sw__file_create("d/a", &f), SW_OK);
    sw__file_write(&f, "x", 1);
    assert_int_equal(unlink(f.temp), 0);
    assert_int_equal(rmdir("d"), 0);
    assert_int_equal(sw__file_commit(&f), SW_ERR_IO);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(entries("."), 0);
}

static void links_and_modes(void **state)
{
    struct stat st;

    assert_int_equal(mkdir("d", 0700), 0);
    put("d/a", "one");
    assert_int_equal(chmod("d/a", 0604), 0);
    assert_int_equal(symlink("d/a", "link"), 0);
    put("link", "two");
    expect("d/a", "two");
    assert_int_equal(lstat("link", &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(stat("d/a", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0604);
    assert_int_equal(entries("d"), 1);
    unlink("d/a");
    rmdir("d");
    unlink("link");
}

/* Two writers of one path, as two contexts in two threads may be. */
static void two_writers(void **state)
{
    struct sw_file f, g;

    assert_int_equal(sw__file_create("a", &f), SW_OK);
    assert_int_equal(sw__file_create("a", &g), SW_OK);
    sw__file_write(&f, "from f", 6);
    sw__file_write(&g, "from g", 6);
    assert_int_equal(sw__file_commit(&f), SW_OK);
    expect("a", "from f");
    assert_int_equal(sw__file_commit(&g), SW_OK);
    expect("a", "from g");
    unlink("a");
}

static void a_stale_temporary_is_no_hindrance(void **state)
{
    struct sw_file f;
    char stale[64];
    unsigned serial;

    assert_int_equal(sw__file_create("a", &f), SW_OK);
    assert_int_equal(sscanf(strrchr(f.temp, '-') + 1, "%u", &serial), 1);
    snprintf(stale, sizeof(stale), "a.tmp-%ld-%u", (long)getpid(), serial + 1);
    sw__file_abandon(&f);
    FILE *other = fopen(stale, "wb");
    assert_non_null(other);
    fclose(other);
    put("a", "x");
    expect("a", "x");
    unlink("a");
    unlink(stale);
}

static void reads(void **state)
{
    char *text = NULL, *big = malloc(300000);
    size_t size = 1;

    assert_non_null(big);
    put("empty", "");
    expect("empty", "");
    put("a", "12345");
    assert_int_equal(sw__file_read("a", 5, &text, &size), SW_OK);
    free(text);
    assert_int_equal(sw__file_read("a", 4, &text, &size), SW_ERR_SIZE);
    assert_null(text);
    assert_int_equal(sw__file_read("a", 0, &text, &size), SW_ERR_SIZE);
    assert_int_equal(sw__file_read("empty", 0, &text, &size), SW_OK);
    assert_int_equal(size, 0);
    free(text);
    assert_int_equal(sw__file_read("a", SIZE_MAX, &text, &size), SW_OK);
    free(text);
    memset(big, 'x', 299999);
    big[299999] = 0;
    put("a", big);
    expect("a", big);
    free(big);
    assert_int_equal(sw__file_read("none", 100, &text, &size), SW_ERR_IO);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(sw__file_read(".", 100, &text, &size), SW_ERR_IO);
    assert_int_equal(errno, EISDIR);

    /* Files that do not tell their size: an endless one meets the limit, others end. */
    assert_int_equal(sw__file_read("/dev/zero", 100000, &text, &size), SW_ERR_SIZE);
    assert_int_equal(sw__file_read("/proc/self/status", 1 << 20, &text, &size), SW_OK);
    assert_int_equal(strlen(text), size);
    assert_true(size > 0);
    free(text);
    unlink("a");
    unlink("empty");
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter, leave)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(replaces),
        IN_FOLDER(abandons),
        IN_FOLDER(full_disk),
        IN_FOLDER(unwritable_places),
        IN_FOLDER(links_and_modes),
        IN_FOLDER(two_writers),
        IN_FOLDER(a_stale_temporary_is_no_hindrance),
        IN_FOLDER(reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

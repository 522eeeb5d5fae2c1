/* .npy files: the bytes that the format's text asks for, and what numpy reads, where there is one. */
#include "unit.h"

#include <unistd.h>
#include "format/npy.h"

static char path[] = "/tmp/swell-npy-XXXXXX";

static int setup(void **state)
{
    const int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
    return unlink(path);
}

static size_t read_back(uint8_t *bytes, size_t room)
{
    FILE *f = fopen(path, "rb");
    size_t n = fread(bytes, 1, room, f);
    fclose(f);
    return n;
}

static void write_rows(int rows)
{
    static const float row[3] = {1.5f, -2, 1e-30f};
    struct sw_npy npy;
    assert_int_equal(sw__npy_create(path, 3, &npy), SW_OK);
    for (int i = 0; i < rows; i++) sw__npy_row(&npy, row);
    assert_int_equal(sw__npy_commit(&npy), SW_OK);
}

static void bytes(void **state)
{
    static const float wanted[3] = {1.5f, -2, 1e-30f};
    uint8_t b[4096];
    for (int rows = 0; rows <= 12; rows += 3) {
        char shape[128];
        write_rows(rows);
        assert_int_equal(read_back(b, sizeof b), 128 + rows * 12);
        assert_memory_equal(b, "\x93NUMPY\x01\x00", 8);
        assert_int_equal(b[8] + 256 * b[9], 118); /* 10 + 118: a multiple of 64 */
        snprintf(shape, sizeof shape,
                 "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, 3), }", rows);
        assert_memory_equal(b + 10, shape, strlen(shape));
        for (size_t i = 10 + strlen(shape); i < 127; i++) assert_int_equal(b[i], ' ');
        assert_int_equal(b[127], '\n');
        for (int i = 0; i < rows; i++) assert_memory_equal(b + 128 + 12 * i, wanted, 12);
    }
}

static void given_up(void **state)
{
    static const float row[3] = {0};
    struct sw_npy npy;
    uint8_t b[4096];
    write_rows(1);
    assert_int_equal(sw__npy_create(path, 3, &npy), SW_OK);
    sw__npy_row(&npy, row);
    sw__npy_abandon(&npy);
    assert_int_equal(read_back(b, sizeof b), 140);
    assert_int_equal(sw__npy_create("/nowhere/x.npy", 3, &npy), SW_ERR_IO);
}

static void numpy(void **state)
{
    char command[512];
    if (system("python3 -c 'import numpy' 2>/dev/null") != 0) skip();
    write_rows(5);
    snprintf(command, sizeof command,
             "python3 -c \"import numpy; a = numpy.load('%s'); assert a.dtype == numpy.float32 and "
             "a.shape == (5, 3) and (a == numpy.float32([1.5, -2, 1e-30])).all()\"",
             path);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bytes), cmocka_unit_test(given_up),
                                       cmocka_unit_test(numpy)};
    return cmocka_run_group_tests(tests, setup, teardown);
}

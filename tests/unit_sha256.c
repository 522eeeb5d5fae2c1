/* SHA-256 against the examples of FIPS 180-4 (NIST's "SHA256.pdf") and of RFC 6234, whole and in pieces. */

#include "unit.h"

#include "format/sha256.h"

static void check(const void *data, size_t size, size_t piece, const char *want)
{
    struct sw_sha256 s;
    char hex[65];
    sw__sha256_begin(&s);
    for (size_t at = 0; at < size; at += piece)
        sw__sha256_add(&s, (const char *)data + at, size - at < piece ? size - at : piece);
    sw__sha256_end(&s, hex);
    assert_string_equal(hex, want);
}

static void test_examples(void **state)
{
    (void)state;
    static const char two[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    static const size_t pieces[] = {1, 3, 55, 64, 65, 1000000};
    char *million = malloc(1000000);
    assert_non_null(million);
    memset(million, 'a', 1000000);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        check("", 0, pieces[i], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        check("abc", 3, pieces[i],
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        check(two, sizeof two - 1, pieces[i],
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
        check(million, 1000000, pieces[i],
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
    free(million);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_examples)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

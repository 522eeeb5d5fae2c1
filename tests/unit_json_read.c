/* JSON: texts that are read, compared with what jansson's own parser makes of them; texts that are refused, with
 * the place; and no memory. */
#include "unit.h"

#include <jansson.h>
#include "format/json_read.h"

static void same_as_jansson(void **state)
{
    static const char *const good[] = {
        "{}",
        "[]",
        " [ 1 , -2 , 0 , -0 , 9223372036854775807, -9223372036854775808 ] ",
        "[1.5, -0.25, 1e3, 1E+2, 25e-1, 0.0, 1.7976931348623157e308, 1e-400]",
        "{\"a\":{\"b\":[true,false,null]},\"\":[[],{}]}",
        ("[\"\", \"plain\", \"\\\"\\\\\\/\\b\\f\\n\\r\\t\", "
         "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xb1\"]"),
        "[\"\\u00e9\\u20AC\\ud83d\\udc31\\u0001\"]",
        "\t{\n\"x\" :\r1 }\n",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct sw_json_error error;
        json_t *ours, *theirs = json_loads(good[i], JSON_REJECT_DUPLICATES, NULL);
        if (sw__json_read(good[i], strlen(good[i]), &ours, &error) != SW_OK)
            fail_msg("%s: offset %zu: %s", good[i], error.offset, error.why);
        assert_non_null(theirs);
        assert_true(json_equal(ours, theirs));
        json_decref(ours);
        json_decref(theirs);
    }
}

static void refused(void **state)
{
    static const struct {
        const char *text;
        size_t offset;
    } bad[] = {{"", 0},
               {"   ", 3},
               {"[1", 2},
               {"[1,]", 3},
               {"[1 2]", 3},
               {"{\"a\"}", 4},
               {"{\"a\":1,}", 7},
               {"{a:1}", 1},
               {"{\"a\":1,\"a\":2}", 10},
               {"[\"abc", 5},
               {"[\"a\nb\"]", 3},
               {"[\"\\x\"]", 3},
               {"[\"\\u12\"]", 4},
               {"[\"\\u0000\"]", 8},
               {"[\"\\ud800\"]", 8},
               {"[\"\\udc00\"]", 8},
               {"[\"\xff\"]", 2},
               {"[\"\xc0\x80\"]", 2},
               {"[\"\xed\xa0\x80\"]", 2},
               {"[\"\xe2\x82", 2},
               {"[01]", 3},
               {"[1.]", 3},
               {"[.5]", 1},
               {"[+1]", 1},
               {"[1e]", 3},
               {"[-]", 2},
               {"[9223372036854775808]", 20},
               {"[1e999]", 6},
               {"tru", 0},
               {"nul", 0},
               {"[] x", 3},
               {"{} {}", 3}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sw_json_error error;
        json_t *value;
        if (sw__json_read(bad[i].text, strlen(bad[i].text), &value, &error) != SW_ERR_FORMAT)
            fail_msg("%s was taken", bad[i].text);
        assert_null(value);
        if (error.offset != bad[i].offset)
            fail_msg("%s: offset %zu (%s), not %zu", bad[i].text, error.offset, error.why,
                     bad[i].offset);
        assert_true(error.why[0] != 0);
    }
}

static void deep(void **state)
{
    struct sw_json_error error;
    json_t *value;
    char text[1024];
    for (int n = 250; n <= 260; n += 10) {
        memset(text, '[', (size_t)n);
        memset(text + n, ']', (size_t)n);
        const sw_status status = sw__json_read(text, 2 * (size_t)n, &value, &error);
        assert_int_equal(status, n == 250 ? SW_OK : SW_ERR_FORMAT);
        json_decref(value);
    }
    memset(text, '[', sizeof text);
    assert_int_equal(sw__json_read(text, sizeof text, &value, &error), SW_ERR_FORMAT);
}

/* A zero byte is a byte like another: text is as long as it is said to be. */
static void zero(void **state)
{
    struct sw_json_error error;
    json_t *value;
    assert_int_equal(sw__json_read("[1]\0", 4, &value, &error), SW_ERR_FORMAT);
    assert_int_equal(sw__json_read("[\"\0\"]", 5, &value, &error), SW_ERR_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_as_jansson), cmocka_unit_test(refused),
                                       cmocka_unit_test(deep), cmocka_unit_test(zero)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

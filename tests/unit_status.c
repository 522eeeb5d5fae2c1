/* Status codes: every value has its own name and text. */
#include "unit.h"

#include <swell/status.h>

static void names_and_texts(void **state)
{
    static const struct {
        sw_status value;
        const char *name;
    } rows[] = {
#define ROW(name, value, text) {name, #name},
        SW_STATUS_LIST(ROW)
#undef ROW
    };
    const int count = sizeof(rows) / sizeof(rows[0]);

    assert_int_equal(SW_OK, 0);
    for (int i = 0; i < count; i++) {
        assert_string_equal(sw_status_name(rows[i].value), rows[i].name);
        assert_true(strlen(sw_status_text(rows[i].value)) > 0);
        if (i > 0) assert_true(rows[i].value < 0);
        for (int j = 0; j < i; j++) {
            assert_int_not_equal(rows[i].value, rows[j].value);
            assert_string_not_equal(sw_status_text(rows[i].value), sw_status_text(rows[j].value));
        }
    }
}

static void unknown_values(void **state)
{
    assert_string_equal(sw_status_text((sw_status)77), "unknown status");
    assert_string_equal(sw_status_name((sw_status)-1000), "SW_ERR_UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_texts),
        cmocka_unit_test(unknown_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

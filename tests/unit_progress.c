/* The progress line, on a terminal and off it. */
#include "unit.h"

#include <math.h>
#include "base/progress.h"

struct sink {
    char text[4096];
    size_t size;
};

static void keep(void *user, const char *text, size_t size)
{
    struct sink *s = user;

    assert_true(s->size + size < sizeof(s->text));
    memcpy(s->text + s->size, text, size);
    s->size += size;
    s->text[s->size] = 0;
}

static int count(const char *text, char c)
{
    int n = 0;

    for (; *text; text++) n += *text == c;
    return n;
}

static void durations(void **state)
{
    static const struct {
        double seconds;
        const char *text;
    } rows[] = {{0, "0:00"},           {0.4, "0:00"},     {59.4, "0:59"},    {59.6, "1:00"},
                {65, "1:05"},          {3599.4, "59:59"}, {3600, "1:00:00"}, {7384, "2:03:04"},
                {360000, "100:00:00"}, {-1, "?"},         {NAN, "?"},        {INFINITY, "?"},
                {1e300, "?"}};
    char text[32];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(sw__duration_text(rows[i].seconds, text), rows[i].text);
}

/* Off a terminal: whole lines, no control characters, and not more than one every few seconds. */
static void off_a_terminal(void **state)
{
    struct sink s = {0};
    struct sw_progress p;

    sw__progress_begin(&p, keep, &s, false, 0);
    assert_true(p.every == 5.0);
    for (int i = 0; i < 1000; i++) sw__progress_show(&p, i / 1000.0, "loss 0.5");
    assert_int_equal(count(s.text, '\n'), 1); /* the first is shown at once */
    assert_string_equal(s.text, "  0%  loss 0.5\n");
    p.last -= 5; /* five seconds later */
    sw__progress_show(&p, 0.5, "loss 0.4");
    assert_int_equal(count(s.text, '\n'), 2);
    assert_non_null(strstr(s.text, " 50%  0:00 left  loss 0.4\n"));
    sw__progress_show(&p, 1, "loss 0.3"); /* the last is always shown */
    assert_int_equal(count(s.text, '\n'), 3);
    assert_non_null(strstr(s.text, "100%  0:00  loss 0.3\n"));
    sw__progress_end(&p);
    assert_int_equal(count(s.text, '\n'), 3);
    assert_null(strpbrk(s.text, "\r\033"));
}

static void on_a_terminal(void **state)
{
    struct sink s = {0};
    struct sw_progress p;

    sw__progress_begin(&p, keep, &s, true, 80);
    sw__progress_show(&p, 0.5, "loss 0.5");
    assert_memory_equal(s.text, "\r\033[K[############............]  50%  ", 37);
    assert_int_equal(count(s.text, '\n'), 0);
    sw__progress_show(&p, 0.6, "too soon");
    assert_int_equal(count(s.text, '\r'), 1);
    p.last -= 0.11;
    sw__progress_show(&p, 0.6, "later");
    assert_int_equal(count(s.text, '\r'), 2);
    sw__progress_end(&p);
    assert_int_equal(s.text[s.size - 1], '\n');
    assert_int_equal(count(s.text, '\n'), 1);

    s.size = 0; /* nothing shown: nothing to finish */
    sw__progress_begin(&p, keep, &s, true, 80);
    sw__progress_end(&p);
    assert_int_equal(s.size, 0);
}

/* Never as wide as the terminal, for any width, and never half a character. */
static void fits_the_width(void **state)
{
    char wide[2000];

    for (size_t i = 0; i + 2 < sizeof(wide); i += 2) memcpy(wide + i, "\xc3\xa9", 3);
    for (int width = 1; width < 400; width++) {
        struct sink s = {0};
        struct sw_progress p;
        sw__progress_begin(&p, keep, &s, true, width);
        sw__progress_show(&p, 0.3, wide);
        int columns = 0;
        for (size_t i = 4; i < s.size; i++) columns += (s.text[i] & 0xC0) != 0x80;
        assert_true(columns < width);
        if (s.size > 4 && (s.text[s.size - 1] & 0x80))
            assert_int_equal((unsigned char)s.text[s.size - 2], 0xC3);
    }
}

static void odd_input(void **state)
{
    struct sink s = {0};
    struct sw_progress p;

    sw__progress_begin(&p, keep, &s, false, -3);
    sw__progress_show(&p, NAN, "a\nb\x1b[2J\xc2\x9b\xff");
    assert_string_equal(s.text, "  0%  a?b?[2J?\xff\n");
    s.size = 0;
    sw__progress_show(&p, 7, "");
    assert_string_equal(s.text, "100%  0:00\n");
    sw__progress_begin(&p, keep, &s, false, 80);
    s.size = 0;
    sw__progress_show(&p, -2, "x");
    assert_string_equal(s.text, "  0%  x\n");

    sw__progress_begin(&p, NULL, NULL, true, 80); /* silent */
    sw__progress_show(&p, 0.5, "x");
    sw__progress_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations),     cmocka_unit_test(off_a_terminal),
        cmocka_unit_test(on_a_terminal), cmocka_unit_test(fits_the_width),
        cmocka_unit_test(odd_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

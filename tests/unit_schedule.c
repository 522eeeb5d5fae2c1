/* Schedules against closed forms, step by step. */
#include "unit.h"

#include <math.h>
#include <swell/train.h>

static void near(float got, double want)
{
    /* One rounding to f32. */
    if (fabs((double)got - want) > 6e-8 * fabs(want)) fail_msg("%.9g, not %.9g", (double)got, want);
}

static void constant_with_warmup(void **state)
{
    sw_schedule s = {.rate = 0.5f, .warmup = 10};
    for (int i = 0; i < 10; i++) near(sw_schedule_rate(&s, i), 0.05 * (i + 1));
    near(sw_schedule_rate(&s, 10), 0.5);
    near(sw_schedule_rate(&s, INT64_MAX), 0.5);
    near(sw_schedule_rate(&s, -3), 0.05);
    s.warmup = 0;
    near(sw_schedule_rate(&s, 0), 0.5);
}

static void steps(void **state)
{
    sw_schedule s = {.kind = SW_SCHEDULE_STEP,
                     .rate = 1,
                     .factor = 0.25f,
                     .milestones = {10, 20, 25},
                     .n_milestones = 3};
    near(sw_schedule_rate(&s, 9), 1);
    near(sw_schedule_rate(&s, 10), 0.25);
    near(sw_schedule_rate(&s, 19), 0.25);
    near(sw_schedule_rate(&s, 20), 0.0625);
    near(sw_schedule_rate(&s, 1000), 0.015625);
    s.factor = 0; /* 0.1 */
    near(sw_schedule_rate(&s, 24), 0.01);
}

static void linear_and_cosine(void **state)
{
    sw_schedule s = {
        .kind = SW_SCHEDULE_LINEAR, .rate = 1, .floor = 0.125f, .warmup = 4, .total = 20};
    for (int i = 4; i <= 20; i++) near(sw_schedule_rate(&s, i), 1 - 0.875 * (i - 4) / 16);
    near(sw_schedule_rate(&s, 3), 1);
    near(sw_schedule_rate(&s, 21), 0.125);
    s.kind = SW_SCHEDULE_COSINE;
    for (int i = 4; i <= 20; i++)
        near(sw_schedule_rate(&s, i), 0.125 + 0.875 * (1 + cos(acos(-1) * (i - 4) / 16)) / 2);
    near(sw_schedule_rate(&s, 12), 0.5625);
    near(sw_schedule_rate(&s, INT64_MAX), 0.125);
}

static void plateau(void **state)
{
    sw_schedule s = {.kind = SW_SCHEDULE_PLATEAU, .rate = 1, .factor = 0.5f, .patience = 2};
    static const struct {
        double loss;
        bool drop;
    } reports[] = {{NAN, false}, {5, false},   {4, false},  {4, false},      {4.5, true},
                   {3, false},   {NAN, false}, {3.1, true}, {9, false},      {9, true},
                   {-1, false},  {-2, false},  {-2, false}, {INFINITY, true}};
    int drops = 0;
    for (size_t i = 0; i < sizeof reports / sizeof *reports; i++) {
        assert_int_equal(sw_schedule_report(&s, reports[i].loss), reports[i].drop);
        drops += reports[i].drop;
        near(sw_schedule_rate(&s, (int64_t)i), pow(0.5, drops));
    }
    assert_int_equal(s.drops, 4);
    assert_true(s.best == -2);
    sw_schedule hasty = {.kind = SW_SCHEDULE_PLATEAU, .rate = 1};
    assert_false(sw_schedule_report(&hasty, 1));
    assert_true(sw_schedule_report(&hasty, 1)); /* a patience of 0 means 1 */
    near(sw_schedule_rate(&hasty, 0), 0.1);
    sw_schedule other = {.kind = SW_SCHEDULE_COSINE, .rate = 1};
    assert_false(sw_schedule_report(&other, 1));
    assert_false(sw_schedule_report(&other, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_with_warmup),
        cmocka_unit_test(steps),
        cmocka_unit_test(linear_and_cosine),
        cmocka_unit_test(plateau),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

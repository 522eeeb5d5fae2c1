/* Philox against the known answers of its authors, and the moments and independence of what is
 * made from it.  All draws have fixed seeds: the bounds below either always hold or never. */
#include "unit.h"

#include <math.h>
#include "base/rng.h"

/* Random123 1.14, tests/kat_vectors, the lines "philox4x32 10". */
static void known_answers(void **state)
{
    static const struct {
        uint64_t seed, stream, index;
        uint32_t out[4];
    } rows[] = {
        {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {UINT64_MAX, UINT64_MAX, UINT64_MAX, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {0x299f31d0a4093822u,
         0x0370734413198a2eu,
         0x85a308d3243f6a88u,
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t out[4];
        sw__philox(rows[i].seed, rows[i].stream, rows[i].index, out);
        for (int j = 0; j < 4; j++) assert_int_equal(out[j], rows[i].out[j]);
    }
}

static void words_of_blocks(void **state)
{
    for (uint64_t i = 0; i < 40; i++) {
        uint32_t out[4];
        sw__philox(1, 2, i / 4, out);
        assert_int_equal(sw__random_u32(1, 2, i), out[i % 4]);
    }
}

static void name_hash(void **state)
{
    /* FNV-1a, 64 bits: the authors' test vectors. */
    assert_true(sw__hash_name("") == 0xcbf29ce484222325u);
    assert_true(sw__hash_name("a") == 0xaf63dc4c8601ec8cu);
    assert_true(sw__hash_name("foobar") == 0x85944171f73967e8u);
}

/* Element i depends on seed, stream and i alone: a longer fill begins with the shorter one, and
 * each value can be had without the others. */
static void fills_do_not_depend_on_n(void **state)
{
    float all[101], part[101];

    sw__fill_uniform(all, 101, -1, 1, 5, 6);
    for (int64_t n = 0; n <= 101; n++) {
        sw__fill_uniform(part, n, -1, 1, 5, 6);
        assert_memory_equal(all, part, (size_t)n * sizeof(float));
    }
    for (int i = 0; i < 101; i++) {
        double u = (double)sw__uniform_of(sw__random_u32(5, 6, (uint64_t)i));
        assert_true(all[i] == (float)(-1 + 2 * u));
    }
    sw__fill_normal(all, 101, 0, 1, 5, 6);
    for (int64_t n = 0; n <= 101; n++) {
        sw__fill_normal(part, n, 0, 1, 5, 6);
        assert_memory_equal(all, part, (size_t)n * sizeof(float));
    }
    float other[101];
    sw__fill_normal(other, 101, 0, 1, 5, 7);
    for (int i = 0; i < 101; i++) assert_true(all[i] != other[i]);
}

static void sequence_resumes(void **state)
{
    struct sw_rng a = {.seed = 9, .stream = 1};
    uint32_t first[50];

    for (int i = 0; i < 50; i++) first[i] = sw__rng_u32(&a);
    struct sw_rng b = {.seed = 9, .stream = 1, .index = 20};
    for (int i = 20; i < 50; i++) assert_int_equal(sw__rng_u32(&b), first[i]);
    struct sw_rng c = {.seed = 9, .stream = 1};
    sw__rng_uniform(&c);
    sw__rng_normal(&c);
    sw__rng_u32(&c);
    assert_int_equal(c.index, 3); /* each draw takes one block */
}

#define COUNT 400000

/* Mean and variance of n draws lie within 5 standard errors; so does the correlation of neighbours,
 * which would show a bad use of words. */
static void check_moments(const float *x, double mean, double variance, double fourth)
{
    double sum = 0, square = 0, product = 0;

    for (int i = 0; i < COUNT; i++) {
        double d = x[i] - mean;
        sum += d;
        square += d * d;
        if (i > 0) product += d * (x[i - 1] - mean);
    }
    assert_true(fabs(sum / COUNT) < 5 * sqrt(variance / COUNT));
    assert_true(fabs(square / COUNT - variance) < 5 * sqrt((fourth - variance * variance) / COUNT));
    assert_true(fabs(product / COUNT) < 5 * variance / sqrt(COUNT));
}

static void moments(void **state)
{
    float *x = malloc(COUNT * sizeof(float));

    assert_non_null(x);
    /* Uniform of width w: variance w^2/12, fourth central moment w^4/80. */
    sw__fill_uniform(x, COUNT, -1, 3, 11, 0);
    for (int i = 0; i < COUNT; i++) assert_true(x[i] >= -1 && x[i] < 3);
    check_moments(x, 1, 16.0 / 12, 256.0 / 80);
    /* Normal: fourth central moment 3 s^4. */
    sw__fill_normal(x, COUNT, 2, 0.5f, 11, 0);
    check_moments(x, 2, 0.25, 3 * 0.0625);
    /* The share of |z| > 1, 2, 3 (erfc(k / sqrt 2)). */
    for (int k = 1; k <= 3; k++) {
        double p = erfc(k / sqrt(2)), hits = 0;
        for (int i = 0; i < COUNT; i++) hits += fabs(x[i] - 2) > 0.5 * k;
        assert_true(fabs(hits / COUNT - p) < 5 * sqrt(p * (1 - p) / COUNT));
    }
    struct sw_rng rng = {.seed = 3};
    for (int i = 0; i < COUNT; i++) x[i] = (float)sw__rng_normal(&rng);
    check_moments(x, 0, 1, 3);
    for (int i = 0; i < COUNT; i++) x[i] = sw__rng_uniform(&rng);
    check_moments(x, 0.5, 1.0 / 12, 1.0 / 80);
    free(x);
}

static void uniform_stays_below_its_end(void **state)
{
    static const float ends[][2] = {
        {0, 1}, {1, 1.0000002f}, {16777216, 16777220}, {-1, -0x1p-149f}};
    float x[4096];

    assert_true(sw__uniform_of(UINT32_MAX) < 1);
    assert_true(sw__uniform_of(0) == 0);
    for (size_t k = 0; k < sizeof(ends) / sizeof(ends[0]); k++) {
        sw__fill_uniform(x, 4096, ends[k][0], ends[k][1], 1, k);
        for (int i = 0; i < 4096; i++) assert_true(x[i] >= ends[k][0] && x[i] < ends[k][1]);
    }
    sw__fill_uniform(x, 10, 2, 2, 1, 1);
    for (int i = 0; i < 10; i++) assert_true(x[i] == 2);
}

static void below(void **state)
{
    struct sw_rng rng = {.seed = 4};
    int seen[7] = {0};

    for (int i = 0; i < 70000; i++) seen[sw__rng_below(&rng, 7)]++;
    for (int i = 0; i < 7; i++)
        assert_true(fabs(seen[i] - 10000.0) < 5 * sqrt(70000 * (1.0 / 7) * (6.0 / 7)));
    for (int i = 0; i < 100; i++) assert_int_equal(sw__rng_below(&rng, 1), 0);
    for (int i = 0; i < 100; i++) assert_true(sw__rng_below(&rng, UINT64_MAX) < UINT64_MAX);

    /* n = 3/4 of 2^64: without rejection the lower third would come twice as often. */
    const uint64_t n = 3u * ((uint64_t)1 << 62);
    int low = 0;
    for (int i = 0; i < 30000; i++) low += sw__rng_below(&rng, n) < n / 3;
    assert_true(fabs(low - 10000.0) < 5 * sqrt(30000 * (1.0 / 3) * (2.0 / 3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(words_of_blocks),
        cmocka_unit_test(name_hash),
        cmocka_unit_test(fills_do_not_depend_on_n),
        cmocka_unit_test(sequence_resumes),
        cmocka_unit_test(moments),
        cmocka_unit_test(uniform_stays_below_its_end),
        cmocka_unit_test(below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

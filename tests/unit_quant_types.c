/* All block types against ggml's own answers (tests/vectors/ggml_blocks.txt): values of blocks to the bit,
 * errors of quantisers no larger, plain types to the bit. */
#include "unit.h"

#include <inttypes.h>
#include <math.h>
#include <swell/swell.h>
#include "base/rng.h"
#include "tensor/block_type.h"

enum { N = 256 * 64, ROW = 1024, INPUTS = 3 };

static float x[N], y[N], weight[N];
static uint8_t blocks[2 * N];

/* What ggml gives for one type. */
struct answer {
    const struct sw_block_type *type;
    const sw_dtype_info *info;
    uint8_t block[256];
    float values[256];
    uint64_t random, of_blocks[INPUTS];
    double error[INPUTS][2];
};

static struct answer answers[SW_DTYPE_COUNT];
static int n_answers;

/* "0a1b.." into bytes of `size` digits' pairs, most significant first. */
static void read_hex(FILE *f, void *out, int count, int size)
{
    for (int i = 0; i < count; i++) {
        uint32_t value = 0;
        for (int digit = 0; digit < 2 * size; digit++) {
            const int c = fgetc(f);
            assert_true(c != EOF);
            value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
        }
        if (size == 1)
            ((uint8_t *)out)[i] = (uint8_t)value;
        else
            memcpy((float *)out + i, &value, 4);
    }
    assert_int_equal(fgetc(f), ' ');
}

static int read_answers(void **state)
{
    char name[16];
    FILE *f = fopen(UNIT_VECTORS "/ggml_blocks.txt", "r");
    assert_non_null(f);
    for (int c; (c = fgetc(f)) == '#';)
        while (fgetc(f) != '\n') {}
    fseek(f, -1, SEEK_CUR);
    while (fscanf(f, "%15s ", name) == 1) {
        struct answer *a = &answers[n_answers++];
        a->type = sw__block_type(sw_dtype_find(name));
        assert_non_null(a->type);
        a->info = sw_dtype_get(a->type->dtype);
        read_hex(f, a->block, a->info->block_bytes, 1);
        read_hex(f, a->values, a->info->block_elements, 4);
        assert_int_equal(fscanf(f, "%" SCNx64, &a->random), 1);
        for (int i = 0; i < INPUTS; i++)
            assert_int_equal(
                fscanf(f, "%" SCNx64 "%lf%lf", &a->of_blocks[i], &a->error[i][0], &a->error[i][1]),
                3);
    }
    fclose(f);
    for (int i = 0; i < N; i++) weight[i] = 0;
    sw__fill_uniform(weight, ROW, 0.01f, 2, 9, 1);
    for (int i = 0; i < ROW; i++) weight[i] *= weight[i];
    for (int i = ROW; i < N; i++) weight[i] = weight[i - ROW];
    return 0;
}

/* Sums of four uniform numbers; the same moved by 0.3; their cubes, which have long tails. */
static void make_input(int which)
{
    memset(x, 0, sizeof x);
    for (int k = 0; k < 4; k++) {
        sw__fill_uniform(y, N, -1, 1, 11, (uint64_t)(4 * which + k));
        for (int i = 0; i < N; i++) x[i] += y[i];
    }
    for (int i = 0; i < N; i++)
        x[i] = which == 1 ? x[i] + 0.3f : which == 2 ? x[i] * x[i] * x[i] * 0.02f : x[i];
}

static uint64_t hash(const void *data, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++) h = (h ^ ((const uint8_t *)data)[i]) * 0x100000001b3u;
    return h;
}

static size_t bytes_of(const struct answer *a)
{
    return (size_t)(N / a->info->block_elements * a->info->block_bytes);
}

static void every_type_is_here(void **state)
{
    int types = 0;
    for (int i = 0; i < SW_DTYPE_COUNT; i++) types += sw__block_type((sw_dtype)i) != NULL;
    assert_int_equal(n_answers, types);
}

static void values_of_a_block(void **state)
{
    for (int k = 0; k < n_answers; k++) {
        const struct answer *a = &answers[k];
        struct sw_block_parts p;
        a->type->dequantise(y, a->block, a->info->block_elements);
        sw__block_take_apart(a->type, a->block, &p);
        for (int i = 0; i < a->info->block_elements; i++) {
            const int g = i / a->type->group;
            if (memcmp(&y[i], &a->values[i], 4) != 0)
                fail_msg("%s[%d]: %g, not %g", a->info->name, i, (double)y[i],
                         (double)a->values[i]);
            assert_true(p.d * (float)(p.scale[g] * p.q[i]) - p.dmin * (float)p.minimum[g] == y[i]);
        }
    }
}

/* Any bytes are a block: infinite and subnormal scales too. */
static void values_of_random_blocks(void **state)
{
    const uint32_t not_a_number = 0x7fc00000;
    for (int k = 0; k < n_answers; k++) {
        const struct answer *a = &answers[k];
        for (size_t i = 0; i < bytes_of(a); i++)
            blocks[i] = (uint8_t)(sw__random_u32(7, (uint64_t)a->info->block_bytes, i) >> 13);
        a->type->dequantise(y, blocks, N);
        for (int i = 0; i < N; i++)
            if (isnan(y[i])) memcpy(&y[i], &not_a_number, 4);
        if (hash(y, sizeof y) != a->random) fail_msg("%s: other values", a->info->name);
    }
}

static double error_of(const struct answer *a, const float *importance)
{
    double sum = 0;
    sw__block_quantise(a->type, blocks, x, importance, N);
    a->type->dequantise(y, blocks, N);
    for (int i = 0; i < N; i++)
        sum += (importance ? importance[i] : 1.) * pow((double)x[i] - y[i], 2);
    return sqrt(sum / N);
}

static void errors_are_no_larger(void **state)
{
    const sw_dtype plain[] = {SW_Q4_0, SW_Q4_1, SW_Q5_0, SW_Q5_1, SW_Q8_0};
    for (int input = 0; input < INPUTS; input++) {
        make_input(input);
        for (int k = 0; k < n_answers; k++) {
            const struct answer *a = &answers[k];
            for (int i = 0; i < 2; i++) {
                const double error = error_of(a, i ? weight : NULL), bound = a->error[input][i];
                if (error > bound * (1 + 1e-8)) /* as many digits as were written */
                    fail_msg("%s, input %d: %.8g, ggml %.8g", a->info->name, input, error, bound);
                for (int p = 0; p < 5 && !i; p++)
                    if (plain[p] == a->type->dtype)
                        assert_true(hash(blocks, bytes_of(a)) == a->of_blocks[input]);
            }
        }
    }
}

/* A block has the same bits alone and among others, and nothing behind it is written. */
static void alone_and_among_others(void **state)
{
    static uint8_t one[256];
    make_input(0);
    for (int k = 0; k < n_answers; k++) {
        const struct answer *a = &answers[k];
        const int n = a->info->block_elements, bytes = a->info->block_bytes;
        sw__block_quantise(a->type, blocks, x, weight, N);
        memset(one, 0xA5, sizeof one);
        sw__block_quantise(a->type, one, x + 5 * n, weight + 5 * n, n);
        assert_memory_equal(one, blocks + 5 * bytes, (size_t)bytes);
        for (size_t i = (size_t)bytes; i < sizeof one; i++) assert_int_equal(one[i], 0xA5);
    }
}

static void faults_and_zeros(void **state)
{
    static const float values[] = {0, -0.0f, 0x1p-149f, -1e-40f, 1e-30f, NAN, INFINITY, -INFINITY};
    for (int k = 0; k < n_answers; k++) {
        const struct answer *a = &answers[k];
        const int n = a->info->block_elements;
        for (size_t v = 0; v < sizeof values / sizeof *values; v++)
            for (int important = 0; important < 2; important++) {
                for (int i = 0; i < 3 * n; i++) x[i] = i / n == 1 ? 0 : (float)(i % 16) - 4;
                x[n + 7] = values[v];
                sw__block_quantise(a->type, blocks, x, important ? weight : NULL, 3 * n);
                a->type->dequantise(y, blocks, 3 * n);
                for (int i = 0; i < 3 * n; i++)
                    if (i / n != 1)
                        assert_true(fabsf(y[i] - x[i]) < 4); /* of a range of 15 */
                    else
                        assert_true(isfinite(values[v]) ? fabsf(y[i]) <= 1e-30f : !isfinite(y[i]));
            }
    }
}

/* Where nothing else matters, a value is kept as well as the block's f16 and few bits can; where nothing
 * matters, all is finite. */
static void importance_decides(void **state)
{
    static float only[256];
    make_input(0);
    for (int k = 0; k < n_answers; k++) {
        const struct answer *a = &answers[k];
        const int n = a->info->block_elements;
        memset(only, 0, sizeof only);
        sw__block_quantise(a->type, blocks, x, only, n);
        a->type->dequantise(y, blocks, n);
        for (int i = 0; i < n; i++) assert_true(isfinite(y[i]));
        only[3] = 1;
        sw__block_quantise(a->type, blocks, x, NULL, n);
        a->type->dequantise(y, blocks, n);
        const float before = fabsf(y[3] - x[3]);
        sw__block_quantise(a->type, blocks, x, only, n);
        a->type->dequantise(y, blocks, n);
        assert_true(fabsf(y[3] - x[3]) <= before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_here),      cmocka_unit_test(values_of_a_block),
        cmocka_unit_test(values_of_random_blocks), cmocka_unit_test(errors_are_no_larger),
        cmocka_unit_test(alone_and_among_others),  cmocka_unit_test(faults_and_zeros),
        cmocka_unit_test(importance_decides),
    };
    return cmocka_run_group_tests(tests, read_answers, NULL);
}

/* The driver of the matrix multiplication: every form gives the bits that the rule of gemm_kernels.h
 * prescribes, for any shape, stride, dtype, batch and order of tasks, and stays in its memory. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/cpu.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "kernels/gemm.h"
#include "kernels/gemm_table.h"
#include "kernels/kernels.h"

static struct sw_kernels kernels[SW_ISA_COUNT];
static struct sw_rng rng = {.seed = 7};

static int64_t below(int64_t n)
{
    return (int64_t)sw__rng_below(&rng, (uint64_t)n);
}

/* n bytes with canaries in front and behind. */
enum { CANARIES = 64 };

static void *guarded(size_t size)
{
    uint8_t *p = sw__aligned_alloc(size + 2 * CANARIES);
    assert_non_null(p);
    memset(p, 0xa5, size + 2 * CANARIES);
    return p + CANARIES;
}

static void release(void *memory, size_t size)
{
    uint8_t *p = memory;
    for (int i = 1; i <= CANARIES; i++)
        assert_true(p[-i] == 0xa5 && p[size + (size_t)i - 1] == 0xa5);
    sw__aligned_free(p - CANARIES);
}

/* An operand: a matrix of any dtype with any strides, and its values as f32. */
struct operand {
    void *data;
    sw_dtype type;
    int64_t row, col, batch, size;
};

static struct operand operand(sw_dtype type, bool transposed, int64_t batch, int64_t rows,
                              int64_t cols, bool shared)
{
    struct operand o = {.type = type};
    int64_t gap = below(3);
    o.row = transposed ? 1 : cols + gap;
    o.col = transposed ? rows + gap : 1;
    int64_t each = transposed ? cols * (rows + gap) : rows * (cols + gap);
    o.batch = shared ? 0 : each;
    o.size = shared ? each : each * batch;
    o.data = malloc((size_t)o.size * 4 + 4);
    assert_non_null(o.data);
    for (int64_t i = 0; i < o.size; i++) {
        float x = 2 * sw__rng_uniform(&rng) - 1;
        int bytes = type == SW_F32 ? 4 : 2;
        assert_int_equal(sw_convert((char *)o.data + i * bytes, type, &x, SW_F32, 1), SW_OK);
    }
    return o;
}

static float value(const struct operand *o, int64_t at)
{
    float x;
    sw_convert(&x, SW_F32, (const char *)o->data + at * (o->type == SW_F32 ? 4 : 2), o->type, 1);
    return x;
}

static void twice_plus_one(float *y, const float *x, int64_t n, int stream)
{
    for (int64_t i = 0; i < n; i++) y[i] = 2 * x[i] + 1;
}

/* What the rule prescribes for element (i, j) of product p. */
static float prescribed(enum sw_isa isa, const struct operand *a, const struct operand *b,
                        int64_t p, int64_t i, int64_t j, int64_t k, const float *before,
                        const struct sw_epilogue *e)
{
    const int64_t kc = sw__gemm_blocks(isa)->kc;
    float total = before ? *before : 0;
    for (int64_t at = 0; at == 0 || at < k; at += kc) {
        float sum = 0;
        for (int64_t x = at; x < sw__min64(k, at + kc); x++) {
            float u = value(a, p * a->batch + i * a->row + x * a->col);
            float v = value(b, p * b->batch + x * b->row + j * b->col);
            sum = isa == SW_ISA_REF ? sum + u * v : fmaf(u, v, sum);
        }
        total = before || at > 0 ? total + sum : sum;
    }
    if (!e) return total;
    if (e->bias_col) total += e->bias_col[j];
    if (e->bias_row) total += e->bias_row[i];
    if (e->act == SW_GEMM_ACT_RELU) total = total < 0 ? 0 : total;
    if (e->act_fn) total = 2 * total + 1;
    return total;
}

/* Run all tasks in a random order; scratch and workspace are exactly as big as asked for. */
static void run_shuffled(const struct sw_gemm_plan *plan, struct sw_gemm_args *args)
{
    void *scratch = guarded(plan->scratch);
    args->workspace = guarded(plan->workspace);
    for (int phase = 0; phase < 2; phase++) {
        int64_t count = phase ? plan->tasks : plan->pack_tasks;
        int64_t *order = malloc((size_t)count * sizeof *order + 8);
        assert_non_null(order);
        for (int64_t i = 0; i < count; i++) {
            int64_t j = below(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        for (int64_t i = 0; i < count; i++) {
            memset(scratch, 0xff, plan->scratch); /* NaN: what a task left may not be used */
            if (phase)
                sw__gemm_task(plan, args, order[i], order[i] + 1, scratch);
            else
                sw__gemm_pack_task(plan, args, order[i], order[i] + 1);
        }
        free(order);
    }
    release(scratch, plan->scratch);
    release(args->workspace, plan->workspace);
}

struct wish {
    int64_t batch, m, n, k;
    sw_dtype a_type, b_type;
    bool a_transposed, b_transposed, packed, keep, accumulate, epilogue, shared;
};

static void check(enum sw_isa isa, const struct wish *w)
{
    const struct sw_kernels *ks = &kernels[isa];
    const int64_t batch = w->packed ? 1 : w->batch, m = w->m, n = w->n, k = w->k;
    struct operand a = operand(w->a_type, w->a_transposed, batch, m, k, false);
    struct operand b = operand(w->b_type, w->b_transposed, batch, k, n, w->shared);
    int64_t ldc = n + below(3), each = m * ldc;
    size_t c_bytes = (size_t)(batch * each) * sizeof(float);
    float *c = guarded(c_bytes), *bias = malloc((size_t)(m + n + 1) * sizeof(float));
    assert_non_null(bias);
    sw__fill_uniform(c, batch * each, -1, 1, 3, 3);
    sw__fill_uniform(bias, m + n, -1, 1, 4, 4);
    float *before = malloc(c_bytes + 1);
    assert_non_null(before);
    memcpy(before, c, c_bytes);
    struct sw_epilogue e = {
        .bias_col = bias, .bias_row = bias + n, .act = SW_GEMM_ACT_RELU, .act_fn = twice_plus_one};
    unsigned flags = w->packed                        ? SW_GEMM_B_PACKED
                     : b.col == 1 && b.type == SW_F32 ? SW_GEMM_B_ROWS
                     : b.row == 1 && b.type == SW_F32 ? SW_GEMM_B_LINES
                                                      : 0;
    if (a.type == SW_F32) flags |= SW_GEMM_A_F32 | (a.col == 1 ? SW_GEMM_A_ROWS : 0);
    if (w->packed && b.type != SW_F32 && w->keep) flags |= SW_GEMM_B_HALF;
    struct sw_gemm_plan plan = sw__gemm_choose(ks, batch, m + (w->packed ? below(40) : 0), n, k,
                                               flags);
    struct sw_gemm_args args = {.m = m,
                                .batch = {1, 1, batch},
                                .a = a.data,
                                .a_type = a.type,
                                .a_row = a.row,
                                .a_col = a.col,
                                .a_batch = {0, 0, a.batch},
                                .b = b.data,
                                .b_type = b.type,
                                .b_row = b.row,
                                .b_col = b.col,
                                .b_batch = {0, 0, b.batch},
                                .c = c,
                                .c_row = ldc,
                                .c_batch = {0, 0, each},
                                .accumulate = w->accumulate,
                                .epilogue = w->epilogue ? &e : NULL};
    if (batch % 2 == 0) { /* the same as two dimensions */
        args.batch[1] = 2;
        args.batch[2] = batch / 2;
        args.a_batch[1] = a.batch * batch / 2;
        args.b_batch[1] = b.batch * batch / 2;
        args.c_batch[1] = each * batch / 2;
    }
    const unsigned form = flags & SW_GEMM_B_HALF;
    size_t packed_bytes = sw__gemm_packed_b_bytes(ks, form, k, n);
    float *packed = guarded(packed_bytes);
    if (w->packed) {
        int64_t panels = sw__gemm_packed_b_panels(ks, form, n), some = below(panels + 1);
        sw__gemm_pack_b(ks, form, packed, b.data, b.type, b.row, b.col, k, n, some, panels);
        sw__gemm_pack_b(ks, form, packed, b.data, b.type, b.row, b.col, k, n, 0, some);
        args.b = packed;
    }
    run_shuffled(&plan, &args);
    for (int64_t p = 0; p < batch; p++)
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < ldc; j++) {
                int64_t at = p * each + i * ldc + j;
                float want = before[at];
                if (j < n)
                    want = prescribed(isa, &a, &b, p, i, j, k, w->accumulate ? &before[at] : NULL,
                                      args.epilogue);
                if (memcmp(&c[at], &want, sizeof want))
                    fail_msg("%s %dx%dx%d batch %d at (%d,%d): %.9g, want %.9g", sw__isa_name(isa),
                             (int)m, (int)n, (int)k, (int)batch, (int)i, (int)j, (double)c[at],
                             (double)want);
            }
    release(packed, packed_bytes);
    release(c, c_bytes);
    free(before);
    free(bias);
    free(a.data);
    free(b.data);
}

static struct wish random_wish(int64_t m, int64_t n, int64_t k)
{
    static const sw_dtype types[] = {SW_F32, SW_F32, SW_F16, SW_BF16};
    struct wish w = {.batch = 1 + below(3), .m = m, .n = n, .k = k};
    w.a_type = types[below(4)];
    w.b_type = types[below(4)];
    w.a_transposed = below(2);
    w.b_transposed = below(2);
    w.packed = below(2);
    w.keep = below(2);
    w.accumulate = below(2);
    w.epilogue = below(2);
    w.shared = below(2);
    return w;
}

static void test_random_shapes(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)sw__isa_f32(sw__cpu()->best); isa++) {
        for (int i = 0; i < 60; i++) {
            struct wish w = random_wish(below(20), below(90), below(40));
            check((enum sw_isa)isa, &w);
        }
        for (int i = 0; i < 12; i++) {
            struct wish w = random_wish(1 + below(7), 1 + below(300), below(700));
            check((enum sw_isa)isa, &w);
        }
    }
}

/* Shapes big enough for several tasks, with A or B or both packed in phase 0. */
static void test_many_tasks(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)sw__isa_f32(sw__cpu()->best); isa++) {
        struct wish tall = random_wish(300, 40, 300), wide = random_wish(40, 500, 300);
        struct wish many = random_wish(30, 33, 20), square = random_wish(160, 160, 270);
        many.packed = false;
        many.batch = 12;
        check((enum sw_isa)isa, &tall);
        check((enum sw_isa)isa, &wide);
        check((enum sw_isa)isa, &many);
        check((enum sw_isa)isa, &square);
        struct wish narrow[] = {random_wish(200, 210, 480), random_wish(340, 100, 680)};
        for (int i = 0; i < 2; i++) { /* a long K: the smaller operand is shared */
            narrow[i].batch = 1;
            narrow[i].a_type = narrow[i].b_type = SW_F32;
            narrow[i].a_transposed = narrow[i].packed = false;
            narrow[i].b_transposed = true;
            check((enum sw_isa)isa, &narrow[i]);
        }
        for (int i = 0; i < 4; i++) { /* columns of A are contiguous, and B is packed by tasks */
            struct wish turned = random_wish(60 + below(150), 1 + below(300), 1 + below(400));
            turned.a_type = SW_F32;
            turned.a_transposed = true;
            turned.packed = false;
            check((enum sw_isa)isa, &turned);
        }
    }
}

static void test_empty(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)sw__isa_f32(sw__cpu()->best); isa++) {
        struct wish w[] = {random_wish(0, 5, 5), random_wish(5, 0, 5), random_wish(5, 5, 0),
                           random_wish(1, 40, 0), random_wish(0, 0, 0)};
        for (int i = 0; i < 5; i++) check((enum sw_isa)isa, &w[i]);
    }
}

/* A row has the same bits alone and among 63 others, with each way to give B. */
static void test_row_alone(void **state)
{
    (void)state;
    enum { M = 64, N = 100, K = 777 };
    static const unsigned ways[] = {0,
                                    SW_GEMM_B_PACKED,
                                    SW_GEMM_B_ROWS,
                                    SW_GEMM_A_ROWS,
                                    SW_GEMM_A_F32,
                                    SW_GEMM_A_ROWS | SW_GEMM_B_PACKED,
                                    SW_GEMM_A_ROWS | SW_GEMM_B_ROWS,
                                    SW_GEMM_A_F32 | SW_GEMM_A_ROWS | SW_GEMM_B_ROWS,
                                    SW_GEMM_A_F32 | SW_GEMM_A_ROWS | SW_GEMM_B_LINES};
    static float a[M * K], b[K * N], turned[N * K], c[M * N], row[N];
    sw__fill_uniform(a, M * K, -1, 1, 1, 1);
    sw__fill_uniform(b, K * N, -1, 1, 1, 2);
    for (int i = 0; i < K * N; i++) turned[i % N * K + i / N] = b[i];
    for (int isa = 0; isa <= (int)sw__isa_f32(sw__cpu()->best); isa++) {
        const struct sw_kernels *ks = &kernels[isa];
        float *packed = malloc(sw__gemm_packed_b_bytes(ks, 0, K, N));
        assert_non_null(packed);
        sw__gemm_pack_b(ks, 0, packed, b, SW_F32, N, 1, K, N, 0,
                        sw__gemm_packed_b_panels(ks, 0, N));
        struct sw_gemm_args args = {
            .batch = {1, 1, 1}, .a_row = K, .a_col = 1, .b = b, .b_row = N, .b_col = 1, .c_row = N};
        for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
            const unsigned flags = ways[way];
            const bool lines = flags & SW_GEMM_B_LINES;
            args.b = flags & SW_GEMM_B_PACKED ? packed : lines ? turned : b;
            args.b_row = lines ? 1 : N;
            args.b_col = lines ? K : 1;
            for (int m = M; m > 0; m = m > 15 ? m / 2 : m - 1) {
                struct sw_gemm_plan plan = sw__gemm_choose(ks, 1, m, N, K, flags);
                args.m = m;
                args.a = m == M ? a : a + (M - m) * K;
                args.c = m == M ? c : row;
                if (m > 1 && m < M) {
                    args.c = malloc((size_t)m * N * sizeof(float));
                    assert_non_null(args.c);
                }
                run_shuffled(&plan, &args);
                assert_memory_equal(args.c, c + (M - m) * N, (size_t)m * N * sizeof(float));
                if (m > 1 && m < M) free(args.c);
            }
        }
        free(packed);
    }
}

/* What is set aside for the declared sizes is enough for any smaller ones. */
static void test_memory(void **state)
{
    for (int round = 0; round < 20000; round++) {
        const struct sw_kernels *k = &kernels[below((int64_t)sw__cpu()->best + 1)];
        const int64_t top = round % 3 ? 300 : 5000;
        int64_t size[4] = {1 + below(12), 1 + below(below(2) ? top : 100), 1 + below(top),
                           1 + below(top)};
        static const unsigned of_a[] = {0, SW_GEMM_A_F32, SW_GEMM_A_F32 | SW_GEMM_A_ROWS};
        static const unsigned of_b[] = {0, SW_GEMM_B_PACKED, SW_GEMM_B_ROWS, SW_GEMM_B_LINES};
        static const unsigned kinds[] = {0, SW_GEMM_BF16, SW_GEMM_INT8};
        unsigned flags = of_a[below(3)] | of_b[below(4)] | kinds[below(3)];
        if (flags & SW_GEMM_B_PACKED && !(flags & (SW_GEMM_BF16 | SW_GEMM_INT8)) && below(2))
            flags |= SW_GEMM_B_HALF;
        if (below(2)) size[3] = sw__round_up(size[3], 64);
        size_t workspace, scratch;
        sw__gemm_memory(k, size[0], size[1], size[2], size[3], flags, &workspace, &scratch);
        for (int smaller = 0; smaller < 10; smaller++) {
            int64_t s[4];
            for (int i = 0; i < 4; i++) s[i] = smaller ? 1 + below(size[i]) : size[i];
            if (size[3] % 64 == 0 && below(2)) s[3] = sw__round_up(s[3], 64);
            struct sw_gemm_plan p = sw__gemm_choose(k, s[0], s[1], s[2], s[3], flags);
            if (p.workspace > workspace || p.scratch > scratch)
                fail_msg("%d x (%d,%d,%d) within %d x (%d,%d,%d), flags %u: %zu > %zu or %zu > %zu",
                         (int)s[0], (int)s[1], (int)s[2], (int)s[3], (int)size[0], (int)size[1],
                         (int)size[2], (int)size[3], flags, p.workspace, workspace, p.scratch,
                         scratch);
        }
    }
}

int main(void)
{
    for (int isa = 0; isa <= (int)sw__isa_f32(sw__cpu()->best); isa++)
        sw__kernels_init(&kernels[isa], (enum sw_isa)isa);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_shapes), cmocka_unit_test(test_many_tasks),
        cmocka_unit_test(test_empty),         cmocka_unit_test(test_row_alone),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A matrix multiplication has the same bits for any number of threads, and no data races: threads
 * claim tasks as they come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "base/cpu.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/threads.h"
#include "kernels/gemm.h"
#include "kernels/kernels.h"

enum { M = 200, N = 150, K = 300, MOST_THREADS = 7 };

struct region {
    const struct sw_gemm_plan *plan;
    const struct sw_gemm_args *args;
    struct sw_tally tally; /* threads that have packed */
    int threads;
    atomic_llong packed, done;
    void *scratch[MOST_THREADS];
};

static void body(void *user, int thread)
{
    struct region *r = user;
    int64_t i;
    while ((i = atomic_fetch_add(&r->packed, 1)) < r->plan->pack_tasks)
        sw__gemm_pack_task(r->plan, r->args, i, i + 1);
    sw__tally_add(&r->tally, thread, 1);
    sw__tally_wait(&r->tally, (unsigned)r->threads);
    while ((i = atomic_fetch_add(&r->done, 1)) < r->plan->tasks)
        sw__gemm_task(r->plan, r->args, i, i + 1, r->scratch[thread]);
}

static void run(const struct sw_gemm_plan *plan, struct sw_gemm_args *args, int count)
{
    struct sw_threads *threads;
    struct region r = {.plan = plan, .args = args, .threads = count};
    assert_int_equal(sw__threads_create(count, &threads), SW_OK);
    sw__tally_init(&r.tally, count);
    args->workspace = sw__aligned_alloc(plan->workspace);
    assert_non_null(args->workspace);
    for (int t = 0; t < count; t++)
        assert_non_null(r.scratch[t] = sw__aligned_alloc(plan->scratch));
    sw__threads_run(threads, body, &r);
    for (int t = 0; t < count; t++) sw__aligned_free(r.scratch[t]);
    sw__aligned_free(args->workspace);
    sw__threads_destroy(threads);
}

static void test_same_bits(void **state)
{
    (void)state;
    static float a[M * K], b[K * N], one[M * N], more[M * N];
    static const int counts[] = {2, 3, MOST_THREADS};
    sw__fill_uniform(a, M * K, -1, 1, 1, 1);
    sw__fill_uniform(b, K * N, -1, 1, 1, 2);
    for (int isa = 0; isa <= (int)sw__isa_f32(sw__cpu()->best); isa++) {
        struct sw_kernels kernels;
        sw__kernels_init(&kernels, (enum sw_isa)isa);
        for (int m = M; m > 0; m /= 6) { /* 200, 33, 5: B shared, A shared, few rows */
            struct sw_gemm_plan plan = sw__gemm_choose(&kernels, 1, m, N, K, SW_GEMM_B_ROWS);
            struct sw_gemm_args args = {.m = m,
                                        .batch = {1, 1, 1},
                                        .a = a,
                                        .a_row = K,
                                        .a_col = 1,
                                        .b = b,
                                        .b_row = N,
                                        .b_col = 1,
                                        .c_row = N};
            args.c = one;
            run(&plan, &args, 1);
            for (int i = 0; i < 3; i++) {
                memset(more, 0xff, sizeof more);
                args.c = more;
                run(&plan, &args, counts[i]);
                assert_memory_equal(one, more, (size_t)m * N * sizeof(float));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

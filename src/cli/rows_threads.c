/* Rows: what threads cost and bring.  Dispatch: a plan of 200 steps that compute next to nothing.
 * Scaling: kernels of other groups on all threads, beside the same on one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench_rows.h"

enum { STEPS = 200 };

/* A step with one task is one thread's; one with two tasks, a picture of one cache line each, ends when
 * both are done. */
static sw_status build_steps(struct bench_work *w)
{
    const int64_t tasks = w->row.kind;
    sw_node *x = bench_input(w, "x", SW_F32, SW_SHAPE(tasks, 1, 4, 4));
    for (int i = 0; i < STEPS; i++)
        x = tasks == 1 ? sw_neg(w->g, x)
                       : sw_lrn(w->g, x,
                                (sw_lrn_options){.size = 1, .k = 1, .alpha = 1e-4f, .beta = 0.75f});
    w->outputs[0] = x;
    w->n_outputs = 1;
    w->no_fusion = true;
    return SW_OK;
}

void bench_dispatch_rows(struct bench_rows *rows)
{
    for (int tasks = 1; tasks <= 2; tasks++) {
        struct bench_row row = {.group = "dispatch",
                                .dtype = "f32",
                                .unit = BENCH_SECONDS,
                                .kind = tasks,
                                .build = build_steps};
        snprintf(row.name, sizeof row.name, "empty plan");
        snprintf(row.shape, sizeof row.shape, "%d steps of %d task%s", STEPS, tasks,
                 tasks > 1 ? "s" : "");
        bench_rows_add(rows, &row);
    }
}

/* Rows "name dtype shape" that are worth two threads. */
static bool scales(const struct bench_row *r)
{
    static const char *const wanted[] = {
        "gemm NN f32 1024x1024x1024",
        "gemm NN f32 2048x2048x2048",
        "gemm NN f32 4096x4096x4096",
        "gemm NN bf16 2048x2048x2048",
        "gemm NN u8s8 2048x2048x2048",
        "gemm packed f32 1024x768x2304",
        "AlexNet conv2 forward f32 128x96x27x27 o256 5x5",
        "AlexNet conv2 by data f32 128x96x27x27 o256 5x5",
        "AlexNet conv2 by weights f32 128x96x27x27 o256 5x5",
        "board forward f32 32x192x19x19 o192 3x3",
        "attention forward f32 B8 T1024 NH12 NKV12 HS64",
        "attention with backward f32 B8 T1024 NH12 NKV12 HS64",
    };
    char text[160];
    snprintf(text, sizeof text, "%s %s %s", r->name, r->dtype, r->shape);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (strcmp(text, wanted[i]) == 0) return true;
    return false;
}

void bench_scaling_rows(struct bench_rows *rows)
{
    struct bench_rows all = {0};
    bench_gemm_rows(&all);
    bench_conv_rows(&all);
    bench_attention_rows(&all);
    rows->no_memory |= all.no_memory;
    for (int64_t i = 0; i < all.count; i++) {
        struct bench_row row = all.row[i];
        if (!scales(&row)) continue;
        row.group = "scaling";
        row.scaling = true;
        bench_rows_add(rows, &row);
    }
    free(all.row);
}

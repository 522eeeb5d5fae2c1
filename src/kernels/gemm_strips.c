/* The tasks of the bf16 and int8 products: strips of A, a panel or all rows as they lie, times many
 * panels of B at a time.
 *
 * On AMX a tile takes rows any distance apart, so A is not packed where it stays in L2, and a task that
 * has all rows packs its columns of B for itself: no phase before, and no line that another core has
 * just written. */
#include <string.h>
#include "kernels/gemm_int.h"

/* Rows that are a multiple of so many bytes apart meet in two of the 64 sets of L1 (12 ways here, 8 of
 * 32 KB elsewhere); they are copied if more columns than these use them. */
enum { L1_WAY_PART = 2048, FEW_COLUMNS = 128 };

/* Rows of B over a K block times rows of A: `a` is panels if lda is 0. */
struct strips {
    struct span ks;
    const char *a;
    int64_t lda; /* bytes */
    int accumulate;
    const struct sw_epilogue *epilogue; /* for the first row and column of the job, or NULL */
};

/* All rows times the panels b of n columns, the first of which is column j of the job. */
static void multiply_strips(const struct job *job, const struct strips *s, const char *b, int64_t j,
                            int64_t n)
{
    const struct sw_gemm_plan *p = job->plan;
    const struct sw_gemm_blocks *t = p->blocks;
    const struct deal d = deal_rows(job->rows.size, s->lda ? job->rows.size : t->mr);
    const int64_t ldc = job->args->c_row, kc = s->ks.size;
    for (int64_t i = 0; i < d.panels; i++) {
        const struct span rows = a_panel(d, i);
        struct sw_epilogue room;
        const struct sw_epilogue *e = sw__epilogue_at(s->epilogue, &room, rows.at, j);
        const char *a = s->a + i * a_bytes(t, t->mr, kc);
        float *c = job->c + rows.at * ldc + j;
        if (p->kind == SW_GEMM_KIND_BF16)
            p->kernels->gemm_strip_bf16(c, ldc, a, s->lda, b, kc, rows.size, n, s->accumulate, e);
        else
            p->kernels->gemm_strip_int8(c, ldc, a, s->lda, job->args->a_type, b, kc, rows.size, n,
                                        s->accumulate, e);
    }
}

/* A's rows where they are, or copied to where their lines do not meet in one set of L1. */
static void plain_rows(const struct job *job, struct strips *s)
{
    const struct sw_gemm_args *args = job->args;
    const int64_t bytes = job->plan->blocks->a_bytes, size = s->ks.size * bytes;
    const int64_t offset = batch_offset(args, args->a_batch, job->product) +
                           job->rows.at * args->a_row + s->ks.at;
    s->a = element(args->a, args->a_type, offset);
    s->lda = args->a_row * bytes;
    if (s->lda > 0 && (s->lda % L1_WAY_PART != 0 || job->columns.size <= FEW_COLUMNS)) return;
    for (int64_t i = 0; i < job->rows.size; i++)
        memcpy(job->scratch + i * (size + SW_ALIGN), s->a + i * s->lda, (size_t)size);
    s->a = job->scratch;
    s->lda = size + SW_ALIGN;
}

static void place_a(const struct job *job, struct strips *s)
{
    const struct sw_gemm_plan *p = job->plan;
    if (p->a_rows) {
        plain_rows(job, s);
    } else if (p->a_place == SW_GEMM_SHARED) {
        s->a = shared_tile(job, s->ks);
    } else {
        s->a = job->scratch;
        sw__gemm_pack_a_block(p, job->args, job->scratch, job->product, job->rows, s->ks);
    }
}

/* What the last K block does, `sums` being those of the job's columns; NULL for nothing. */
static const struct sw_epilogue *last_epilogue(const struct job *job, struct sw_epilogue *room,
                                               const int32_t *sums)
{
    const struct sw_gemm_plan *p = job->plan;
    const struct sw_epilogue *e = sw__epilogue_at(job->args->epilogue, room, job->rows.at,
                                                  job->columns.at);
    if (!e) return NULL;
    if (p->kind == SW_GEMM_KIND_INT8) {
        if (job->args->a_type == SW_I8) room->zero += sw__gemm_flip(p->blocks);
        room->col_sums = sums;
        return e;
    }
    return e->bias_col || e->bias_row || e->act != SW_GEMM_ACT_NONE ? e : NULL;
}

/* The strips of a job whose B is packed, whole. */
static void multiply_packed(const struct job *job, const struct strips *s, const char *whole)
{
    const struct sw_gemm_plan *p = job->plan;
    const struct sw_gemm_blocks *t = p->blocks;
    whole += b_bytes(t, sw__round_up(p->n, t->nr), s->ks.at);
    whole += b_bytes(t, job->columns.at, s->ks.size);
    multiply_strips(job, s, whole, 0, job->columns.size);
}

/* The strips of a job that packs B for itself, a few panels at a time: they stay in L2. */
static void multiply_unpacked(const struct job *job, const struct strips *s, int32_t *sums)
{
    const struct sw_gemm_plan *p = job->plan;
    const int64_t width = p->b_group * p->blocks->nr;
    char *b = job->scratch + p->b_at;
    for (int64_t j = 0; j < job->columns.size; j += width) {
        const struct span some = {job->columns.at + j, sw__min64(width, job->columns.size - j)};
        sw__gemm_pack_b_block(p, job->args, b, sums ? sums + j : NULL, job->product, some, s->ks);
        multiply_strips(job, s, b, j, some.size);
    }
}

/* Few rows by columns of bytes as they lie. */
static void run_lines_int8(const struct job *job)
{
    const struct sw_gemm_plan *p = job->plan;
    const struct sw_gemm_args *args = job->args;
    const int64_t a = batch_offset(args, args->a_batch, job->product) + job->rows.at * args->a_row;
    const int64_t b = batch_offset(args, args->b_batch, job->product) +
                      job->columns.at * args->b_col;
    struct sw_epilogue room;
    p->kernels->gemm_lines_int8(
        job->c, args->c_row, element(args->a, args->a_type, a), args->a_row, args->a_type,
        element(args->b, args->b_type, b), args->b_col, job->rows.size, job->columns.size, p->k,
        sw__epilogue_at(args->epilogue, &room, job->rows.at, job->columns.at));
    run_act_fn(job);
}

void sw__gemm_run_strips(const struct job *job)
{
    const struct sw_gemm_plan *p = job->plan;
    const struct sw_gemm_args *args = job->args;
    if (p->by_lines) {
        run_lines_int8(job);
        return;
    }
    const int64_t blocks = k_blocks(p, p->kc);
    const char *whole = NULL;
    if (p->b_place == SW_GEMM_READY)
        whole = (const char *)args->b +
                batch_offset(args, args->b_batch, job->product) * p->blocks->b_bytes;
    if (p->b_place == SW_GEMM_SHARED) whole = shared_b(p, args, job->product);
    int32_t *sums = NULL;
    struct sw_epilogue room;
    const struct sw_epilogue *e;
    if (whole) {
        const char *all = whole + whole_b_sums_at(p->blocks, p->k, p->n);
        e = last_epilogue(job, &room, (const int32_t *)all + job->columns.at);
    } else {
        sums = (int32_t *)(job->scratch + p->sums_at);
        e = last_epilogue(job, &room, sums);
        if (p->kind == SW_GEMM_KIND_INT8 && e && e->zero)
            memset(sums, 0, (size_t)sw__round_up(job->columns.size, p->blocks->nr) * sizeof *sums);
        else
            sums = NULL;
    }
    for (int64_t i = 0; i < blocks; i++) {
        struct strips s = {.ks = span_of(i, p->kc, p->k), .accumulate = args->accumulate || i > 0};
        if (i == blocks - 1) s.epilogue = e;
        place_a(job, &s);
        if (whole)
            multiply_packed(job, &s, whole);
        else
            multiply_unpacked(job, &s, sums);
    }
    run_act_fn(job);
}

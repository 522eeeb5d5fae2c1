/* Packing for the matrix multiplication: blocks of a run's operands, and whole weights. */
#include <string.h>
#include "kernels/gemm_int.h"

void sw__gemm_pack_a_block(const struct sw_gemm_plan *p, const struct sw_gemm_args *args, char *to,
                           int64_t product, struct span rows, struct span ks)
{
    const int64_t mr = p->blocks->mr, panel = a_bytes(p->blocks, mr, ks.size);
    const int64_t offset = batch_offset(args, args->a_batch, product) + ks.at * args->a_col;
    const struct deal d = deal_rows(rows.size, mr);
    for (int64_t i = 0; i < d.panels; i++, to += panel) {
        struct span s = a_panel(d, i);
        const void *from = element(args->a, args->a_type, offset + (rows.at + s.at) * args->a_row);
        const struct sw_kernels *k = p->kernels;
        if (p->kind == SW_GEMM_KIND_BF16)
            k->gemm_pack_a_bf16(to, from, args->a_type, args->a_row, args->a_col, s.size, ks.size);
        else if (p->kind == SW_GEMM_KIND_INT8)
            k->gemm_pack_a_int8(to, from, args->a_type, args->a_row, args->a_col, s.size, ks.size);
        else
            k->gemm_pack_a((float *)to, from, args->a_type, args->a_row, args->a_col, s.size,
                           ks.size);
    }
}

/* Panels of f16 or bf16 to panels of f32. */
static void widen_panels(const struct sw_gemm_plan *p, const struct sw_gemm_args *args, float *to,
                         int64_t product, struct span columns, struct span ks)
{
    const int64_t nr = p->blocks->nr;
    const uint16_t *from = (const uint16_t *)packed_b(p, args, product, columns.at, ks);
    for (int64_t j = 0; j < columns.size; j += nr, from += nr * ks.size, to += nr * ks.size)
        p->kernels->gemm_pack_b(to, from, args->b_type, nr, 1, ks.size, nr);
}

void sw__gemm_pack_b_block(const struct sw_gemm_plan *p, const struct sw_gemm_args *args, char *to,
                           int32_t *sums, int64_t product, struct span columns, struct span ks)
{
    if (p->b_half) {
        widen_panels(p, args, (float *)to, product, columns, ks);
        return;
    }
    int64_t offset = batch_offset(args, args->b_batch, product);
    offset += ks.at * args->b_row + columns.at * args->b_col;
    const void *from = element(args->b, args->b_type, offset);
    if (p->kind == SW_GEMM_KIND_BF16)
        p->kernels->gemm_pack_b_bf16(to, from, args->b_type, args->b_row, args->b_col, ks.size,
                                     columns.size);
    else if (p->kind == SW_GEMM_KIND_INT8)
        p->kernels->gemm_pack_b_int8(to, sums, from, args->b_row, args->b_col, ks.size,
                                     columns.size);
    else
        p->kernels->gemm_pack_b((float *)to, from, args->b_type, args->b_row, args->b_col, ks.size,
                                columns.size);
}

/* K blocks in which the tasks of phase 0 pack B: one in int8, for a task sums whole columns. */
static int64_t b_blocks(const struct sw_gemm_plan *plan)
{
    return plan->kind == SW_GEMM_KIND_INT8 ? 1 : k_blocks(plan, plan->blocks->kc);
}

static void pack_a_task(const struct sw_gemm_plan *plan, const struct sw_gemm_args *args,
                        int64_t task)
{
    const struct sw_gemm_blocks *t = plan->blocks;
    const int64_t blocks = k_blocks(plan, t->kc), tile_lines = sw__round_up(plan->tile_m, t->mr);
    const int64_t part = task % plan->tiles_m, product = task / plan->tiles_m / blocks;
    const struct span ks = span_of(task / plan->tiles_m % blocks, t->kc, plan->k);
    const struct span rows = span_of(part, plan->tile_m, args->m);
    if (!batch_has(args, product) || rows.size == 0) return;
    char *to = shared_a(plan, args, product) + a_bytes(t, plan->a_lines, ks.at);
    sw__gemm_pack_a_block(plan, args, to + a_bytes(t, part * tile_lines, ks.size), product, rows,
                          ks);
}

static void pack_b_task(const struct sw_gemm_plan *plan, const struct sw_gemm_args *args,
                        int64_t task)
{
    const struct sw_gemm_blocks *t = plan->blocks;
    const int64_t blocks = b_blocks(plan), panels = sw__ceil_div(plan->n, t->nr);
    const int64_t groups = sw__ceil_div(panels, PACK_PANELS), first = task % groups * PACK_PANELS;
    const int64_t product = task / groups / blocks;
    if (!batch_has(args, product)) return;
    char *to = shared_b(plan, args, product);
    if (plan->kind == SW_GEMM_KIND_INT8) {
        const int64_t offset = batch_offset(args, args->b_batch, product);
        sw__gemm_pack_b(plan->kernels, SW_GEMM_INT8, to, element(args->b, args->b_type, offset),
                        args->b_type, args->b_row, args->b_col, plan->k, plan->n, first,
                        sw__min64(panels, first + PACK_PANELS));
        return;
    }
    const struct span ks = span_of(task / groups % blocks, t->kc, plan->k);
    const struct span columns = span_of(task % groups, PACK_PANELS * t->nr, plan->n);
    to += b_bytes(t, sw__round_up(plan->n, t->nr), ks.at) + b_bytes(t, columns.at, ks.size);
    sw__gemm_pack_b_block(plan, args, to, NULL, product, columns, ks);
}

void sw__gemm_pack_task(const struct sw_gemm_plan *plan, const struct sw_gemm_args *args,
                        int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i++)
        if (i < plan->pack_tasks_a)
            pack_a_task(plan, args, i);
        else
            pack_b_task(plan, args, i - plan->pack_tasks_a);
}

int64_t sw__gemm_pack_tasks_b(const struct sw_gemm_plan *plan)
{
    const int64_t panels = sw__ceil_div(plan->n, plan->blocks->nr);
    return plan->batch * b_blocks(plan) * sw__ceil_div(panels, PACK_PANELS);
}

int64_t sw__gemm_packed_b_panels(const struct sw_kernels *kernels, unsigned flags, int64_t n)
{
    return sw__ceil_div(n, blocks_of(kernels, flags)->nr);
}

size_t sw__gemm_packed_b_bytes(const struct sw_kernels *kernels, unsigned flags, int64_t k,
                               int64_t n)
{
    const int64_t bytes = whole_b_bytes(blocks_of(kernels, flags), kind_of(flags), k, n);
    return (size_t)(flags & SW_GEMM_B_HALF ? aligned(bytes / 2) : bytes);
}

/* Elements of two bytes to panels; columns behind the matrix are zeros. */
static void pack_half(const struct sw_kernels *kernels, uint16_t *to, const uint16_t *from,
                      int64_t row, int64_t col, int64_t kc, int64_t columns, int64_t nr)
{
    for (int64_t j = 0; j < columns; j += nr, to += nr * kc, from += nr * col) {
        const int64_t n = sw__min64(nr, columns - j);
        if (n < nr) memset(to, 0, (size_t)(nr * kc) * sizeof *to);
        if (row == 1)
            kernels->transpose_x16(to, nr, from, col, kc, n);
        else
            kernels->copy_x16(to, from, kc, n, nr, 1, row, col);
    }
}

void sw__gemm_pack_b(const struct sw_kernels *kernels, unsigned flags, void *packed,
                     const void *src, sw_dtype dtype, int64_t row, int64_t col, int64_t k,
                     int64_t n, int64_t begin, int64_t end)
{
    const struct sw_gemm_blocks *t = blocks_of(kernels, flags);
    const int64_t lines = sw__round_up(n, t->nr), first = begin * t->nr;
    const int64_t columns = sw__min64(end * t->nr, n) - first;
    int32_t *sums = NULL;
    if (flags & SW_GEMM_INT8) {
        sums = (int32_t *)((char *)packed + whole_b_sums_at(t, k, n)) + first;
        for (int64_t j = 0; j < (end - begin) * t->nr; j++) sums[j] = 0;
    }
    for (int64_t at = 0; at < k; at += t->kc) {
        int64_t kc = sw__min64(t->kc, k - at);
        const int64_t offset = b_bytes(t, lines, at) + b_bytes(t, first, kc);
        char *to = (char *)packed + (flags & SW_GEMM_B_HALF ? offset / 2 : offset);
        const void *from = element(src, dtype, at * row + first * col);
        if (flags & SW_GEMM_INT8)
            kernels->gemm_pack_b_int8(to, sums, from, row, col, kc, columns);
        else if (flags & SW_GEMM_B_HALF)
            pack_half(kernels, (uint16_t *)(void *)to, from, row, col, kc, columns, t->nr);
        else if (flags & SW_GEMM_BF16)
            kernels->gemm_pack_b_bf16(to, from, dtype, row, col, kc, columns);
        else
            kernels->gemm_pack_b((float *)to, from, dtype, row, col, kc, columns);
    }
}

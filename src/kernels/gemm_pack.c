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
                           int64_t product, struct span columns, struct span ks)
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
    else
        p->kernels->gemm_pack_b((float *)to, from, args->b_type, args->b_row, args->b_col, ks.size,
                                columns.size);
}

void sw__gemm_pack_task(const struct sw_gemm_plan *plan, const struct sw_gemm_args *args,
                        int64_t begin, int64_t end)
{
    const struct sw_gemm_blocks *t = plan->blocks;
    const int64_t blocks = k_blocks(plan, t->kc), tile_lines = sw__round_up(plan->tile_m, t->mr);
    const int64_t width = PACK_PANELS * t->nr, groups = sw__ceil_div(plan->n, width);
    const int64_t b_lines = sw__round_up(plan->n, t->nr);
    for (int64_t i = begin; i < end; i++) {
        const bool is_a = i < plan->pack_tasks_a;
        const int64_t parts = is_a ? plan->tiles_m : groups;
        int64_t rest = is_a ? i : i - plan->pack_tasks_a;
        const int64_t part = rest % parts;
        rest /= parts;
        const struct span ks = span_of(rest % blocks, t->kc, plan->k);
        const int64_t product = rest / blocks;
        if (!batch_has(args, product)) continue;
        if (is_a) {
            struct span rows = span_of(part, plan->tile_m, args->m);
            char *to = shared_a(plan, args, product) + a_bytes(t, plan->a_lines, ks.at);
            if (rows.size > 0)
                sw__gemm_pack_a_block(plan, args, to + a_bytes(t, part * tile_lines, ks.size),
                                      product, rows, ks);
        } else {
            struct span columns = span_of(part, width, plan->n);
            char *to = shared_b(plan, args, product) + b_bytes(t, b_lines, ks.at);
            sw__gemm_pack_b_block(plan, args, to + b_bytes(t, columns.at, ks.size), product,
                                  columns, ks);
        }
    }
}
int64_t sw__gemm_packed_b_panels(const struct sw_kernels *kernels, unsigned flags, int64_t n)
{
    return sw__ceil_div(n, blocks_of(kernels, flags)->nr);
}

/* The bytes of the panels; behind them an int8 B has the sums of its columns. */
static int64_t packed_panels_bytes(const struct sw_gemm_blocks *t, int64_t k, int64_t n)
{
    return aligned(b_bytes(t, sw__round_up(n, t->nr), k));
}

size_t sw__gemm_packed_b_bytes(const struct sw_kernels *kernels, unsigned flags, int64_t k,
                               int64_t n)
{
    const struct sw_gemm_blocks *t = blocks_of(kernels, flags);
    int64_t bytes = packed_panels_bytes(t, k, n);
    if (flags & SW_GEMM_B_HALF) bytes = aligned(bytes / 2);
    if (flags & SW_GEMM_INT8) bytes += sw__round_up(n, t->nr) * (int64_t)sizeof(int32_t);
    return (size_t)bytes;
}

const int32_t *sw__gemm_packed_b_sums(const struct sw_kernels *kernels, const void *packed,
                                      int64_t k, int64_t n)
{
    const struct sw_gemm_blocks *t = blocks_of(kernels, SW_GEMM_INT8);
    return (const int32_t *)((const char *)packed + packed_panels_bytes(t, k, n));
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
        sums = (int32_t *)((char *)packed + packed_panels_bytes(t, k, n)) + first;
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

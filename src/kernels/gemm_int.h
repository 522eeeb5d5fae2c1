/* What the files of the matrix multiplication share: gemm_choose.c cuts it into tasks, gemm_pack.c packs
 * operands, gemm.c runs the tasks: tiles in f32, gemm_strips.c those in bf16 and int8. */
#ifndef SWELL_GEMM_INT_H
#define SWELL_GEMM_INT_H

#include "base/memory.h"
#include "base/size.h"
#include "kernels/gemm.h"
#include "kernels/gemm_table.h"
#include "kernels/kernels.h"

/* Panels of B that a task of phase 0 packs in one K block. */
enum { PACK_PANELS = 4 };

/* A cut of a product: its K block, or a part of its tile. */
struct span {
    int64_t at, size;
};

static inline struct span span_of(int64_t index, int64_t size, int64_t total)
{
    int64_t at = index * size;
    return (struct span){at, sw__max64(0, sw__min64(size, total - at))};
}

static inline int64_t k_blocks(const struct sw_gemm_plan *p, int64_t kc)
{
    return sw__max64(1, sw__ceil_div(p->k, kc));
}

/* The K of a panel that holds k elements of each line. */
static inline int64_t panel_depth(const struct sw_gemm_blocks *t, int64_t k)
{
    return sw__round_up(k, t->group);
}

/* Bytes of `lines` rows of A or columns of B in panels, k of each. */
static inline int64_t a_bytes(const struct sw_gemm_blocks *t, int64_t lines, int64_t k)
{
    return lines * panel_depth(t, k) * t->a_bytes;
}

static inline int64_t b_bytes(const struct sw_gemm_blocks *t, int64_t lines, int64_t k)
{
    return lines * panel_depth(t, k) * t->b_bytes;
}

static inline int64_t aligned(int64_t bytes)
{
    return sw__round_up(bytes, SW_ALIGN);
}

static inline enum sw_gemm_kind kind_of(unsigned flags)
{
    if (flags & SW_GEMM_BF16) return SW_GEMM_KIND_BF16;
    return flags & SW_GEMM_INT8 ? SW_GEMM_KIND_INT8 : SW_GEMM_KIND_F32;
}

static inline const struct sw_gemm_blocks *blocks_of(const struct sw_kernels *kernels,
                                                     unsigned flags)
{
    return sw__gemm_blocks_of(kernels->isa, kind_of(flags));
}
/* The offset of product number `index` of the batch. */
static inline int64_t batch_offset(const struct sw_gemm_args *args, const int64_t *strides,
                                   int64_t index)
{
    int64_t offset = 0;
    for (int d = SW_GEMM_BATCH_RANK - 1; d >= 0; d--) {
        offset += index % args->batch[d] * strides[d];
        index /= args->batch[d];
    }
    return offset;
}

/* Whether this run has that product. */
static inline bool batch_has(const struct sw_gemm_args *args, int64_t index)
{
    int64_t count = 1;
    for (int d = 0; d < SW_GEMM_BATCH_RANK; d++) count *= args->batch[d];
    return index < count;
}

static inline const void *element(const void *base, sw_dtype dtype, int64_t offset)
{
    return (const char *)base + offset * sw_dtype_get(dtype)->block_bytes;
}

/* How the rows of a tile are dealt to its panels of A: `more` panels have a row more than `base`. */
struct deal {
    int64_t panels, base, more;
};

static inline struct deal deal_rows(int64_t rows, int64_t mr)
{
    int64_t panels = sw__ceil_div(rows, mr);
    return (struct deal){panels, rows / panels, rows % panels};
}

/* Panel number `panel`: where it starts and how many rows. */
static inline struct span a_panel(struct deal d, int64_t panel)
{
    return (struct span){panel * d.base + sw__min64(panel, d.more), d.base + (panel < d.more)};
}

/* Of a whole packed B: panels, and in int8 the sums of its columns behind them. */
static inline int64_t whole_b_bytes(const struct sw_gemm_blocks *t, enum sw_gemm_kind kind,
                                    int64_t k, int64_t n)
{
    const int64_t lines = sw__round_up(n, t->nr);
    const int64_t sums = kind == SW_GEMM_KIND_INT8 ? lines * (int64_t)sizeof(int32_t) : 0;
    return aligned(aligned(b_bytes(t, lines, k)) + sums);
}

/* Where they begin. */
static inline int64_t whole_b_sums_at(const struct sw_gemm_blocks *t, int64_t k, int64_t n)
{
    return aligned(b_bytes(t, sw__round_up(n, t->nr), k));
}

/* The packed operands of one product in the workspace: all A of the batch, then all B. */
static inline char *shared_a(const struct sw_gemm_plan *p, const struct sw_gemm_args *args,
                             int64_t product)
{
    return (char *)args->workspace + product * aligned(a_bytes(p->blocks, p->a_lines, p->k));
}

static inline char *shared_b(const struct sw_gemm_plan *p, const struct sw_gemm_args *args,
                             int64_t product)
{
    bool behind = p->a_place == SW_GEMM_SHARED;
    return shared_a(p, args, behind ? p->batch : 0) +
           product * whole_b_bytes(p->blocks, p->kind, p->k, p->n);
}

/* Where the K block of the columns from number `at` on begins in a packed B. */
static inline const char *packed_b(const struct sw_gemm_plan *p, const struct sw_gemm_args *args,
                                   int64_t product, int64_t at, struct span ks)
{
    const struct sw_gemm_blocks *t = p->blocks;
    const int64_t before = b_bytes(t, sw__round_up(p->n, t->nr), ks.at) + b_bytes(t, at, ks.size);
    const int64_t offset = batch_offset(args, args->b_batch, product) * t->b_bytes + before;
    return (const char *)args->b + (p->b_half ? offset / 2 : offset);
}

/* One task. */
struct job {
    const struct sw_gemm_plan *plan;
    const struct sw_gemm_args *args;
    int64_t product;
    struct span rows, columns;
    float *c; /* of the tile */
    char *scratch;
};

/* act_fn on the rows of a finished tile. */
static inline void run_act_fn(const struct job *job)
{
    const struct sw_epilogue *e = job->args->epilogue;
    if (!e || !e->act_fn) return;
    for (int64_t i = 0; i < job->rows.size; i++) {
        float *row = job->c + i * job->args->c_row;
        e->act_fn(row, row, job->columns.size, 0);
    }
}

/* The packed A of a job's rows in the workspace. */
static inline const char *shared_tile(const struct job *job, struct span ks)
{
    const struct sw_gemm_plan *p = job->plan;
    const struct sw_gemm_blocks *t = p->blocks;
    const int64_t tile = job->rows.at / p->tile_m, lines = sw__round_up(p->tile_m, t->mr);
    return shared_a(p, job->args, job->product) + a_bytes(t, p->a_lines, ks.at) +
           a_bytes(t, tile * lines, ks.size);
}

/* How many tasks of phase 0 pack B. */
int64_t sw__gemm_pack_tasks_b(const struct sw_gemm_plan *plan);

/* A task in bf16 or int8. */
void sw__gemm_run_strips(const struct job *job);

/* Pack one K block of the rows (columns) of a tile, panel by panel; the sums of columns are added to
 * `sums` in int8, if it is not NULL. */
void sw__gemm_pack_a_block(const struct sw_gemm_plan *p, const struct sw_gemm_args *args, char *to,
                           int64_t product, struct span rows, struct span ks);
void sw__gemm_pack_b_block(const struct sw_gemm_plan *p, const struct sw_gemm_args *args, char *to,
                           int32_t *sums, int64_t product, struct span columns, struct span ks);

#endif

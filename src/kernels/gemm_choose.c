/* How a product is cut into tasks, who packs its operands, and what memory that takes: a pure function of the
 * shape, the flags and the ISA. */
#include <math.h>
#include "kernels/gemm_int.h"

/* Rows up to which gemm_rows_f32 is the faster form; up to which gemm_stream_f32 is, where rows of B are
 * contiguous, and columns; and up to which each task packs them for itself, a phase less. */
enum { FEW_ROWS = 6, FEW_STREAMED = 16, FEW_STREAMED_LINES = 4, FEW_PACKED_ROWS = 8 };
/* Columns whose rows of B the prefetchers follow to the memory's speed. */
enum { LONG_RUN = 1024 };
/* Rows by bytes of B that are read as they lie, and such bytes that make a task. */
enum { FEW_LINES_INT8 = 8, TASK_BYTES = 65536 };
/* K that such rows are packed by, or a multiple: whole groups at every level. */
enum { WIDE_KC = 32 };
/* Tasks of one product below which its tiles are made smaller, if they are worth it. */
enum { ENOUGH_TASKS = 8 };
/* Products of a batch from which on one product need not be cut for the sake of threads. */
enum { MANY_PRODUCTS = 8 };
/* Multiplications below which a task is not cut further: about 5 us. */
#define SMALL_TASK 500000.0
/* Multiplications up to which nothing is packed that need not be: the part of B that a task needs
 * stays in L2; and for tiles of one line of B, whose lines in a strip meet in few sets of L1. */
#define UNPACKED_PRODUCT 140000000.0
/* Bytes of an A of contiguous columns up to which all tasks read it where it lies, from L2 (rows of it would
 * meet packed panels of B in L1), and the panels of it that pay for a packed panel of B. */
enum { PLAIN_A_F32 = 3 << 17, PLAIN_A_PANELS = 4 };
#define UNPACKED_PRODUCT_LINE 10000000.0
/* Multiplications up to which tasks pack all for themselves: a phase more costs more than that. */
#define SMALL_PRODUCT 20000000.0
/* Bytes and rows of A up to one of which its rows are read as they are, by all tasks, from L2; the bytes
 * of a row or column of B that a task packs at a time then, and of B: long runs come faster. */
enum { PLAIN_A = 5 << 18, PLAIN_ROWS = 256, PLAIN_RUN = 2048, PACK_BYTES = 1 << 16 };

/* The size of each of `pieces` equal pieces of `total`, rounded up to whole units. */
static inline int64_t piece(int64_t total, int64_t pieces, int64_t unit)
{
    return sw__round_up(sw__max64(1, sw__ceil_div(total, pieces)), unit);
}

/* Whether gemm_stream_f32 computes it, which reads B from memory, once. */
static bool by_stream(int64_t m, unsigned flags)
{
    if (kind_of(flags) != SW_GEMM_KIND_F32) return false;
    if (!(flags & SW_GEMM_A_F32) || flags & SW_GEMM_B_PACKED) return false;
    return (flags & SW_GEMM_B_ROWS && m <= FEW_STREAMED) ||
           (flags & SW_GEMM_B_LINES && m <= FEW_STREAMED_LINES);
}

/* Whether gemm_rows_f32 computes it, which reads rows of A and B as they are. */
static bool by_rows(const struct sw_gemm_blocks *t, int64_t m, int64_t n, int64_t k, unsigned flags)
{
    const double most = t->nr > 16 ? UNPACKED_PRODUCT : UNPACKED_PRODUCT_LINE;
    if (kind_of(flags) != SW_GEMM_KIND_F32) return false;
    if (!(flags & (SW_GEMM_B_PACKED | SW_GEMM_B_ROWS))) return false;
    if (m <= FEW_ROWS) return true;
    if (!(flags & SW_GEMM_A_ROWS) || flags & SW_GEMM_B_PACKED) return false;
    return (double)m * (double)n * (double)k <= most;
}

/* Whether gemm_rows_f32 computes it by panels of B that the task packs which owns the columns; A stays
 * where it is. */
static bool by_columns(const struct sw_gemm_blocks *t, int64_t m, int64_t n, int64_t k,
                       unsigned flags)
{
    if (kind_of(flags) != SW_GEMM_KIND_F32 || !(flags & SW_GEMM_A_F32)) return false;
    if (flags & (SW_GEMM_A_ROWS | SW_GEMM_B_PACKED) || t->nr <= 16) return false;
    if (m < PLAIN_A_PANELS * t->mr || m * k * (int64_t)sizeof(float) > PLAIN_A_F32) return false;
    return (double)m * (double)n * (double)k <= UNPACKED_PRODUCT;
}

/* Columns of B that a task in f32 packs at a time. */
static int64_t task_columns(const struct sw_gemm_blocks *t, int64_t columns)
{
    return sw__min64(columns, PACK_PANELS * t->nr);
}

/* Whether tasks read rows of A as they are, which only AMX can, and only whole groups of K. */
static bool reads_rows(const struct sw_gemm_blocks *t, int64_t m, int64_t k, unsigned flags)
{
    if (t->group <= 4 || !(flags & SW_GEMM_A_ROWS) || k == 0 || k % t->group != 0) return false;
    return m <= PLAIN_ROWS || m * k * t->a_bytes <= PLAIN_A;
}

/* The bytes of rows that are copied since their lines would meet in L1. */
static int64_t rows_bytes(const struct sw_gemm_blocks *t, int64_t m, int64_t kc)
{
    return m * (kc * t->a_bytes + SW_ALIGN);
}

/* The scratch of tasks in bf16 and int8. */
static void plan_strips(struct sw_gemm_plan *p, const struct sw_gemm_blocks *t)
{
    const int64_t kc = sw__max64(1, sw__min64(p->kc, p->k));
    const int64_t panels = sw__ceil_div(p->tile_n, t->nr);
    int64_t scratch = 0;
    if (p->a_rows)
        scratch = aligned(rows_bytes(t, sw__min64(p->tile_m, p->m), kc));
    else if (p->a_place == SW_GEMM_IN_TASK)
        scratch = aligned(a_bytes(t, sw__round_up(p->tile_m, t->mr), kc));
    if (p->b_place == SW_GEMM_IN_TASK) {
        p->b_group = sw__max64(1, sw__min64(panels, PACK_BYTES / b_bytes(t, t->nr, kc)));
        p->b_at = scratch;
        p->sums_at = p->b_at + aligned(b_bytes(t, p->b_group * t->nr, kc));
        scratch = p->sums_at + panels * t->nr * (int64_t)sizeof(int32_t);
    }
    p->scratch = (size_t)scratch;
}

/* The tasks of phase 0, and the bytes for what is packed. */
static void plan_memory(struct sw_gemm_plan *p, const struct sw_gemm_blocks *t)
{
    const int64_t blocks = k_blocks(p, t->kc), kc = sw__min64(t->kc, p->k);
    const int64_t tile_lines = sw__round_up(p->tile_m, t->mr);
    int64_t scratch = 0, workspace = 0;
    p->a_lines = p->tiles_m * tile_lines;
    if (p->a_place == SW_GEMM_SHARED) {
        p->pack_tasks_a = p->batch * blocks * p->tiles_m;
        workspace += aligned(a_bytes(t, p->a_lines, p->k)) * p->batch;
    } else if (p->kind == SW_GEMM_KIND_F32) {
        scratch += aligned(a_bytes(t, tile_lines, kc));
    }
    p->pack_tasks = p->pack_tasks_a;
    if (p->b_place == SW_GEMM_SHARED) {
        p->pack_tasks += sw__gemm_pack_tasks_b(p);
        workspace += whole_b_bytes(t, p->kind, p->k, p->n) * p->batch;
    } else if (p->b_place == SW_GEMM_IN_TASK && p->kind == SW_GEMM_KIND_F32) {
        scratch += aligned(b_bytes(t, task_columns(t, p->tile_n), kc));
    }
    p->workspace = (size_t)workspace;
    p->scratch = (size_t)scratch;
    if (p->kind != SW_GEMM_KIND_F32) plan_strips(p, t);
}

/* How many pieces the rows and the columns of one product are cut into. */
struct cut {
    int64_t down, across;
};

/* Cut further until there are about `want` tasks.  Where an operand is packed in phase 0, rows are
 * cut first: B alone is shared then.  Tasks that pack for themselves pack least when square; there
 * are 2 or 4 of them, for so many threads. */
static struct cut cut_further(const struct sw_gemm_plan *p, const struct sw_gemm_blocks *t,
                              struct cut cut, int64_t want, bool shares)
{
    const int64_t most_down = sw__ceil_div(p->m, 6 * t->mr);
    const int64_t most_across = sw__ceil_div(p->n, t->nr);
    if (shares) {
        if (cut.down * cut.across < want) {
            cut.down = sw__min64(most_down, sw__ceil_div(want, cut.across));
            if (cut.down > 2) cut.down -= cut.down % 2;
        }
        if (cut.down * cut.across < want / 2)
            cut.across = sw__min64(most_across, sw__ceil_div(want, cut.down));
        return cut;
    }
    while (cut.down * cut.across < want) {
        bool tall = p->m / cut.down >= p->n / cut.across && 2 * cut.down <= most_down;
        if (!tall && 2 * cut.across > most_across) break;
        *(tall ? &cut.down : &cut.across) *= 2;
    }
    return cut;
}

/* The tasks of gemm_rows_f32 and gemm_stream_f32: strips of columns, and for more than a few rows of those
 * as well. */
static void choose_rows(struct sw_gemm_plan *p, const struct sw_gemm_blocks *t)
{
    const double work = (double)p->m * (double)p->n * (double)p->k;
    struct cut cut = {1, 1};
    p->few_rows = true;
    p->a_place = p->b_place = SW_GEMM_READY;
    if (p->streams || p->m <= FEW_ROWS) {
        cut.across = (int64_t)fmin(2 * ENOUGH_TASKS, (double)p->n * (double)p->k / 65536);
        if (p->streams && !p->by_lines)
            cut.across = sw__min64(cut.across, sw__max64(ENOUGH_TASKS / 2, p->n / LONG_RUN));
        p->tile_n = piece(p->n, sw__max64(1, cut.across), 4 * t->nr); /* the widest strip */
    } else {
        const double want = p->batch < MANY_PRODUCTS ? fmin(ENOUGH_TASKS, work / SMALL_TASK) : 1;
        cut = cut_further(p, t, cut, (int64_t)want, false);
        p->tile_n = piece(p->n, cut.across, t->nr);
    }
    p->tile_m = piece(p->m, cut.down, 1);
    if (p->m <= FEW_ROWS && !p->streams) /* for an A that is no plain f32 rows */
        p->scratch = (size_t)(p->m * t->kc) * sizeof(float);
}

/* The scratch of a task that packs its columns of B. */
static size_t packed_columns(const struct sw_gemm_blocks *t, int64_t n, int64_t k)
{
    return (size_t)aligned(
        b_bytes(t, task_columns(t, sw__round_up(n, t->nr)), sw__min64(t->kc, k)));
}

static void choose_packed_columns(struct sw_gemm_plan *p, const struct sw_gemm_blocks *t)
{
    const double work = (double)p->m * (double)p->n * (double)p->k;
    const double want = p->batch < MANY_PRODUCTS ? fmin(ENOUGH_TASKS, work / SMALL_TASK) : 1;
    const int64_t across = sw__min64((int64_t)fmax(1, want), sw__ceil_div(p->n, t->nr));
    const int64_t most = sw__max64(1, p->m / (PLAIN_A_PANELS * t->mr));
    p->few_rows = true;
    p->a_place = SW_GEMM_READY;
    p->b_place = SW_GEMM_IN_TASK;
    p->tile_n = piece(p->n, across, t->nr);
    p->tile_m = piece(p->m, sw__min64(most, sw__max64(1, (int64_t)want / across)), 1);
    p->scratch = packed_columns(t, p->tile_n, p->k);
}

/* About how many times as fast as f32 the tiles are: AMX's, which alone pad K to more than four. */
static double pace(const struct sw_gemm_blocks *t)
{
    return t->group > 4 ? 8 : 1;
}

/* Rows of A stay where they are: tasks are columns, so that B is packed once, but for want of tasks. */
static void choose_columns(struct sw_gemm_plan *p, const struct sw_gemm_blocks *t)
{
    const double work = (double)p->m * (double)p->n * (double)p->k;
    const bool alone = p->batch < MANY_PRODUCTS;
    const int64_t want = alone ? (int64_t)fmin(ENOUGH_TASKS, work / (SMALL_TASK * pace(t))) : 1;
    const int64_t few = sw__min64(ENOUGH_TASKS / 2, sw__ceil_div(p->n, 2 * t->nr));
    const int64_t most = sw__max64(few, sw__ceil_div(p->n, 4 * t->nr));
    const int64_t least = sw__ceil_div(p->n, t->nc / 4);
    const int64_t across = sw__max64(least, sw__min64(want, most));
    const int64_t down = across < ENOUGH_TASKS / 2
                             ? sw__min64(sw__ceil_div(want, across), sw__ceil_div(p->m, 2 * t->mr))
                             : 1;
    p->tile_n = piece(p->n, across, t->nr);
    p->tile_m = piece(p->m, sw__max64(1, down), t->mr);
    if (!p->b_packed) p->kc = PLAIN_RUN / t->b_bytes;
    p->a_place = SW_GEMM_READY;
    p->b_place = p->b_packed ? SW_GEMM_READY : SW_GEMM_IN_TASK;
}

/* Whether gemm_lines_int8 computes it, which has kernels from VNNI on. */
static bool by_lines_int8(const struct sw_kernels *kernels, int64_t m, unsigned flags)
{
    return kind_of(flags) == SW_GEMM_KIND_INT8 && kernels->isa >= SW_ISA_AVX512_VNNI &&
           m <= FEW_LINES_INT8 && flags & SW_GEMM_A_ROWS && flags & SW_GEMM_B_LINES &&
           !(flags & SW_GEMM_B_PACKED);
}

static void choose_lines_int8(struct sw_gemm_plan *p, const struct sw_gemm_blocks *t)
{
    const double across = fmin(2 * ENOUGH_TASKS, (double)p->n * (double)p->k / TASK_BYTES);
    p->by_lines = true;
    p->tile_m = p->m;
    p->tile_n = piece(p->n, (int64_t)fmax(1, across), t->nr);
    p->a_place = p->b_place = SW_GEMM_READY;
}

/* Few rows in bf16 by a B whose rows are contiguous: rows as long as they come fast, packed few at a time.
 * The K block is free, for a sum is one chain over K. */
static bool by_wide_rows(int64_t m, unsigned flags)
{
    return kind_of(flags) == SW_GEMM_KIND_BF16 && m <= FEW_STREAMED && flags & SW_GEMM_B_ROWS &&
           !(flags & SW_GEMM_B_PACKED);
}

static void choose_wide_rows(struct sw_gemm_plan *p, const struct sw_gemm_blocks *t)
{
    const double work = (double)p->m * (double)p->n * (double)p->k;
    const int64_t runs = sw__max64(ENOUGH_TASKS / 2, p->n / LONG_RUN);
    p->tile_m = p->m;
    const int64_t least = sw__ceil_div(p->n, t->nc);
    p->tile_n = piece(p->n, sw__max64(least, (int64_t)fmin((double)runs, work / SMALL_TASK)),
                      t->nr);
    p->kc = sw__max64(WIDE_KC, PACK_BYTES / b_bytes(t, p->tile_n, WIDE_KC) * WIDE_KC);
    p->kc = sw__min64(p->kc, PLAIN_RUN / t->b_bytes);
    p->a_place = p->a_rows ? SW_GEMM_READY : SW_GEMM_IN_TASK;
    p->b_place = SW_GEMM_IN_TASK;
}

/* The cut of a product of few rows or few columns and a long K, as gradients of weights are; {1, 1} for others.  A block
 * of the smaller operand fits L2, so it is packed once, and few tasks read it. */
static struct cut cut_narrow(const struct sw_gemm_plan *p, const struct sw_gemm_blocks *t)
{
    const int64_t few = ENOUGH_TASKS / 2;
    if (p->kind != SW_GEMM_KIND_F32 || p->b_packed) return (struct cut){1, 1};
    if (p->k < 2 * sw__max64(p->m, p->n)) return (struct cut){1, 1};
    if (p->n > p->m && p->m > t->mc && p->m <= 2 * t->mc)
        return (struct cut){1, sw__max64(few, sw__ceil_div(p->n, t->nc / 4))};
    if (p->n <= p->m && p->n <= t->nc / 4 && p->m > 2 * t->mc && p->m < ENOUGH_TASKS * t->mc)
        return (struct cut){sw__max64(few, sw__round_up(p->m / t->mc, 2)), 1};
    return (struct cut){1, 1};
}

static void choose_tiles(struct sw_gemm_plan *p, const struct sw_gemm_blocks *t)
{
    const double work = (double)p->m * (double)p->n * (double)sw__max64(p->k, 1);
    const bool alone = p->batch < MANY_PRODUCTS; /* is cut into tasks for many threads */
    const bool shares = alone && work > SMALL_PRODUCT * pace(t);
    const double most = shares ? ENOUGH_TASKS : ENOUGH_TASKS / 2;
    const int64_t want = alone ? (int64_t)fmin(most, work / (SMALL_TASK * pace(t))) : 1;
    struct cut cut = {.down = sw__ceil_div(p->m, alone ? t->mc : 2 * t->mc)};
    const bool wide = p->kind == SW_GEMM_KIND_F32 && p->b_packed && p->n >= 2 * t->nc;
    /* A block of B stays in L2 unless many tasks stream it; many columns have tasks enough, and a task's
     * part of C stays there too between K blocks. */
    const bool streamed = (p->b_packed || (shares && cut.down > 1)) && !wide;
    cut.across = sw__ceil_div(p->n, streamed ? t->nc : t->nc / 4);
    const struct cut narrow = cut_narrow(p, t);
    if (shares && narrow.down * narrow.across > 1)
        cut = narrow;
    else
        cut = cut_further(p, t, cut, want, shares);
    if (alone && cut.down >= ENOUGH_TASKS) cut.down = sw__round_up(cut.down, ENOUGH_TASKS / 2);
    p->tile_m = piece(p->m, cut.down, 1);
    p->tile_n = piece(p->n, cut.across, t->nr);
    bool small = p->m <= FEW_PACKED_ROWS;
    p->a_place = shares && p->tile_n < p->n && !small ? SW_GEMM_SHARED : SW_GEMM_IN_TASK;
    p->b_place = shares && p->tile_m < p->m ? SW_GEMM_SHARED : SW_GEMM_IN_TASK;
    if (p->b_packed) p->b_place = p->b_half ? SW_GEMM_IN_TASK : SW_GEMM_READY;
}

struct sw_gemm_plan sw__gemm_choose(const struct sw_kernels *kernels, int64_t batch, int64_t m,
                                    int64_t n, int64_t k, unsigned flags)
{
    const struct sw_gemm_blocks *t = blocks_of(kernels, flags);
    struct sw_gemm_plan p = {.kernels = kernels,
                             .blocks = t,
                             .kind = kind_of(flags),
                             .batch = batch,
                             .m = m,
                             .n = n,
                             .k = k};
    p.b_packed = flags & SW_GEMM_B_PACKED;
    p.b_half = p.b_packed && flags & SW_GEMM_B_HALF;
    if (batch == 0 || m == 0 || n == 0) return p;
    p.streams = by_stream(m, flags);
    p.by_lines = p.streams && !(flags & SW_GEMM_B_ROWS);
    p.kc = t->kc;
    p.a_rows = kind_of(flags) != SW_GEMM_KIND_F32 && reads_rows(t, m, k, flags);
    if (p.streams)
        choose_rows(&p, t);
    else if (by_columns(t, m, n, k, flags))
        choose_packed_columns(&p, t);
    else if (by_rows(t, m, n, k, flags))
        choose_rows(&p, t);
    else if (by_lines_int8(kernels, m, flags))
        choose_lines_int8(&p, t);
    else if (by_wide_rows(m, flags))
        choose_wide_rows(&p, t);
    else if (p.a_rows)
        choose_columns(&p, t);
    else
        choose_tiles(&p, t);
    p.tiles_m = sw__ceil_div(m, p.tile_m);
    p.tiles_n = sw__ceil_div(n, p.tile_n);
    if (!p.few_rows) plan_memory(&p, t);
    p.tasks = batch * p.tiles_m * p.tiles_n;
    return p;
}

/* The most scratch of tasks in bf16 and int8. */
static size_t strips_scratch(const struct sw_gemm_blocks *t, int64_t m, int64_t n, int64_t k)
{
    const int64_t run = sw__max64(t->kc, PLAIN_RUN / t->b_bytes), kc = sw__min64(run, k);
    const int64_t lines = sw__round_up(sw__min64(m, 2 * t->mc), t->mr);
    const int64_t columns = sw__round_up(sw__min64(n, t->nc), t->nr);
    const int64_t plain = sw__max64(rows_bytes(t, sw__min64(m, PLAIN_ROWS), kc),
                                    sw__min64(PLAIN_A + m * SW_ALIGN, rows_bytes(t, m, kc)));
    const int64_t a = sw__max64(a_bytes(t, lines, kc), plain);
    const int64_t b = sw__max64(PACK_BYTES, b_bytes(t, t->nr, kc));
    return (size_t)(aligned(a) + aligned(b)) + (size_t)columns * sizeof(int32_t);
}

void sw__gemm_memory(const struct sw_kernels *kernels, int64_t batch, int64_t m, int64_t n,
                     int64_t k, unsigned flags, size_t *workspace, size_t *scratch)
{
    const struct sw_gemm_blocks *t = blocks_of(kernels, flags);
    const int64_t kc = sw__min64(t->kc, k);
    *workspace = 0;
    *scratch = (size_t)(sw__min64(m, FEW_ROWS) * t->kc) * sizeof(float);
    if (by_columns(t, m, n, k, flags)) *scratch = packed_columns(t, n, k);
    if (by_stream(m, flags) || by_rows(t, m, n, k, flags)) return;
    int64_t lines = sw__round_up(sw__min64(m, 2 * t->mc), t->mr);
    int64_t columns = sw__round_up(sw__min64(n, t->nc), t->nr);
    columns = task_columns(t, columns);
    size_t blocks = (size_t)(aligned(a_bytes(t, lines, kc)) + aligned(b_bytes(t, columns, kc)));
    if (kind_of(flags) != SW_GEMM_KIND_F32) blocks = strips_scratch(t, m, n, k);
    if (blocks > *scratch) *scratch = blocks;
    if ((double)m * (double)n * (double)k <= SMALL_PRODUCT * pace(t)) return;
    /* Each of at most `down` tiles pads its rows to whole panels. */
    int64_t down = sw__ceil_div(m, 3 * t->mr) + sw__ceil_div(m, t->mc) + ENOUGH_TASKS;
    int64_t bytes = aligned(a_bytes(t, m + down * t->mr, k));
    if (!(flags & SW_GEMM_B_PACKED)) bytes += whole_b_bytes(t, kind_of(flags), k, n);
    *workspace = (size_t)(bytes * sw__min64(batch, MANY_PRODUCTS));
}

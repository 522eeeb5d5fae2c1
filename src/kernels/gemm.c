/* Matrix multiplication: the loops round the kernels, after Goto and van de Geijn, "Anatomy of
 * high-performance matrix multiplication" (ACM TOMS 34, 2008), and BLIS.
 *
 * C is cut into tiles of tile_m x tile_n, a task each.  A task walks the blocks of K; for each it
 * gets a block of packed A (which stays in L2) and panels of packed B (each stays in L1 while all
 * panels of the A block pass), and calls the tile kernel:
 *
 *     for each K block                                    KC, the rule of the bits
 *         for each panel of B in the task's columns       NR columns
 *             for each panel of A in the task's rows      at most MR rows
 *                 C tile (+)= A panel * B panel
 *
 * Who packs?  An operand of which each part belongs to one task only is packed by that task into
 * its scratch, hot in L2; otherwise phase 0 packs it once for all.  A weight is packed before.
 *
 * The rows of a task are dealt evenly to its panels of A (128 rows are eight panels of 13 and two of
 * 12, not nine of 14 and one of 2), for the tile kernel's time is proportional to its rows only
 * above about four. */
#include "kernels/gemm.h"
#include <math.h>
#include "base/memory.h"
#include "base/size.h"
#include "kernels/gemm_table.h"
#include "kernels/kernels.h"

/* Rows up to which gemm_rows_f32 is the faster form, if A may have to be copied; and if not; and up
 * to which each task packs them for itself, a phase less. */
enum { FEW_ROWS = 6, FEW_PLAIN_ROWS = 16, FEW_PACKED_ROWS = 8 };
/* Panels of B that a task of phase 0 packs in one K block. */
enum { PACK_PANELS = 4 };
/* Tasks of one product below which its tiles are made smaller, if they are worth it. */
enum { ENOUGH_TASKS = 8 };
/* Products of a batch from which on one product need not be cut for the sake of threads. */
enum { MANY_PRODUCTS = 8 };
/* Multiplications below which a task is not cut further: about 5 us. */
#define SMALL_TASK 500000.0
/* Multiplications up to which nothing is packed that need not be: the part of B that a task needs
 * stays in L2. */
#define UNPACKED_PRODUCT 140000000.0
/* Multiplications up to which tasks pack all for themselves: a phase more costs more than that. */
#define SMALL_PRODUCT 20000000.0

/* A cut of a product: its K block, or a part of its tile. */
struct span {
    int64_t at, size;
};

static struct span span_of(int64_t index, int64_t size, int64_t total)
{
    int64_t at = index * size;
    return (struct span){at, sw__max64(0, sw__min64(size, total - at))};
}

/* The size of each of `pieces` equal pieces of `total`, rounded up to whole units. */
static int64_t piece(int64_t total, int64_t pieces, int64_t unit)
{
    return sw__round_up(sw__max64(1, sw__ceil_div(total, pieces)), unit);
}

static int64_t k_blocks(const struct sw_gemm_plan *p, int64_t kc)
{
    return sw__max64(1, sw__ceil_div(p->k, kc));
}

/* The K of a panel that holds k elements of each line. */
static int64_t panel_depth(const struct sw_gemm_blocks *t, int64_t k)
{
    return sw__round_up(k, t->group);
}

/* Bytes of `lines` rows of A or columns of B in panels, k of each. */
static int64_t a_bytes(const struct sw_gemm_blocks *t, int64_t lines, int64_t k)
{
    return lines * panel_depth(t, k) * t->a_bytes;
}

static int64_t b_bytes(const struct sw_gemm_blocks *t, int64_t lines, int64_t k)
{
    return lines * panel_depth(t, k) * t->b_bytes;
}

static int64_t aligned(int64_t bytes)
{
    return sw__round_up(bytes, SW_ALIGN);
}

static enum sw_gemm_kind kind_of(unsigned flags)
{
    if (flags & SW_GEMM_BF16) return SW_GEMM_KIND_BF16;
    return flags & SW_GEMM_INT8 ? SW_GEMM_KIND_INT8 : SW_GEMM_KIND_F32;
}

static const struct sw_gemm_blocks *blocks_of(const struct sw_kernels *kernels, unsigned flags)
{
    return sw__gemm_blocks_of(kernels->isa, kind_of(flags));
}

/* Whether gemm_rows_f32 computes it, which reads rows of A and B as they are. */
static bool by_rows(int64_t m, int64_t n, int64_t k, unsigned flags)
{
    if (kind_of(flags) != SW_GEMM_KIND_F32) return false;
    if (!(flags & (SW_GEMM_B_PACKED | SW_GEMM_B_ROWS))) return false;
    if (m <= FEW_ROWS) return true;
    if (!(flags & SW_GEMM_A_ROWS) || flags & SW_GEMM_B_PACKED) return false;
    return m <= FEW_PLAIN_ROWS || (double)m * (double)n * (double)k <= UNPACKED_PRODUCT;
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
    } else {
        scratch += aligned(a_bytes(t, tile_lines, kc));
    }
    p->pack_tasks = p->pack_tasks_a;
    if (p->b_place == SW_GEMM_SHARED) {
        int64_t panels = sw__ceil_div(p->n, t->nr);
        p->pack_tasks += p->batch * blocks * sw__ceil_div(panels, PACK_PANELS);
        workspace += aligned(b_bytes(t, panels * t->nr, p->k)) * p->batch;
    } else if (p->b_place == SW_GEMM_IN_TASK) {
        scratch += aligned(b_bytes(t, p->tile_n, kc));
    }
    p->workspace = (size_t)workspace;
    p->scratch = (size_t)scratch;
}

/* How many pieces the rows and the columns of one product are cut into. */
struct cut {
    int64_t down, across;
};

/* Cut further until there are about `want` tasks.  Where an operand is packed in phase 0, rows are
 * cut first: B alone is shared then.  Tasks that pack for themselves pack least when square; there
 * are 2, 4 or 8 of them, for so many threads. */
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

/* The tasks of gemm_rows_f32: strips of columns, and for more than a few rows of those as well. */
static void choose_rows(struct sw_gemm_plan *p, const struct sw_gemm_blocks *t)
{
    const double work = (double)p->m * (double)p->n * (double)p->k;
    struct cut cut = {1, 1};
    p->few_rows = true;
    p->a_place = p->b_place = SW_GEMM_READY;
    if (p->m <= FEW_PLAIN_ROWS) {
        cut.across = (int64_t)fmin(2 * ENOUGH_TASKS, (double)p->n * (double)p->k / 65536);
        p->tile_n = piece(p->n, sw__max64(1, cut.across), 4 * t->nr); /* the widest strip */
    } else {
        const double want = p->batch < MANY_PRODUCTS ? fmin(ENOUGH_TASKS, work / SMALL_TASK) : 1;
        cut = cut_further(p, t, cut, (int64_t)want, false);
        p->tile_n = piece(p->n, cut.across, t->nr);
    }
    p->tile_m = piece(p->m, cut.down, 1);
    p->tiles_m = sw__ceil_div(p->m, p->tile_m);
    p->tiles_n = sw__ceil_div(p->n, p->tile_n);
    if (p->m <= FEW_ROWS) /* for an A that is no plain f32 rows */
        p->scratch = (size_t)(p->m * t->kc) * sizeof(float);
}

/* About how many times as fast as f32 the tiles are: AMX's, which alone pad K to more than four. */
static double pace(const struct sw_gemm_blocks *t)
{
    return t->group > 4 ? 8 : 1;
}

static void choose_tiles(struct sw_gemm_plan *p, const struct sw_gemm_blocks *t)
{
    const double work = (double)p->m * (double)p->n * (double)sw__max64(p->k, 1);
    const bool alone = p->batch < MANY_PRODUCTS; /* is cut into tasks for many threads */
    const bool shares = alone && work > SMALL_PRODUCT * pace(t);
    const int64_t want = alone ? (int64_t)fmin(ENOUGH_TASKS, work / (SMALL_TASK * pace(t))) : 1;
    struct cut cut = {.down = sw__ceil_div(p->m, alone ? t->mc : 2 * t->mc)};
    bool streamed = p->b_packed || (shares && cut.down > 1); /* else a block of B stays in L2 */
    cut.across = sw__ceil_div(p->n, streamed ? t->nc : t->nc / 4);
    cut = cut_further(p, t, cut, want, shares);
    if (alone && cut.down >= ENOUGH_TASKS) cut.down = sw__round_up(cut.down, ENOUGH_TASKS / 2);
    p->tile_m = piece(p->m, cut.down, 1);
    p->tile_n = piece(p->n, cut.across, t->nr);
    p->tiles_m = sw__ceil_div(p->m, p->tile_m);
    p->tiles_n = sw__ceil_div(p->n, p->tile_n);
    bool small = p->m <= FEW_PACKED_ROWS;
    p->a_place = shares && p->tiles_n > 1 && !small ? SW_GEMM_SHARED : SW_GEMM_IN_TASK;
    p->b_place = shares && p->tiles_m > 1 ? SW_GEMM_SHARED : SW_GEMM_IN_TASK;
    if (p->b_packed) p->b_place = SW_GEMM_READY;
    plan_memory(p, t);
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
    if (batch == 0 || m == 0 || n == 0) return p;
    if (by_rows(m, n, k, flags))
        choose_rows(&p, t);
    else
        choose_tiles(&p, t);
    p.tasks = batch * p.tiles_m * p.tiles_n;
    return p;
}

void sw__gemm_memory(const struct sw_kernels *kernels, int64_t batch, int64_t m, int64_t n,
                     int64_t k, unsigned flags, size_t *workspace, size_t *scratch)
{
    const struct sw_gemm_blocks *t = blocks_of(kernels, flags);
    const int64_t kc = sw__min64(t->kc, k);
    *workspace = 0;
    *scratch = (size_t)(sw__min64(m, FEW_ROWS) * t->kc) * sizeof(float);
    if (by_rows(m, n, k, flags)) return;
    int64_t lines = sw__round_up(sw__min64(m, 2 * t->mc), t->mr);
    int64_t columns = sw__round_up(sw__min64(n, t->nc), t->nr);
    size_t blocks = (size_t)(aligned(a_bytes(t, lines, kc)) + aligned(b_bytes(t, columns, kc)));
    if (blocks > *scratch) *scratch = blocks;
    if ((double)m * (double)n * (double)k <= SMALL_PRODUCT * pace(t)) return;
    /* Each of at most `down` tiles pads its rows to whole panels. */
    int64_t down = sw__ceil_div(m, 3 * t->mr) + sw__ceil_div(m, t->mc) + ENOUGH_TASKS;
    int64_t bytes = aligned(a_bytes(t, m + down * t->mr, k));
    if (!(flags & SW_GEMM_B_PACKED)) bytes += aligned(b_bytes(t, sw__round_up(n, t->nr), k));
    *workspace = (size_t)(bytes * sw__min64(batch, MANY_PRODUCTS));
}

/* The offset of product number `index` of the batch. */
static int64_t batch_offset(const struct sw_gemm_args *args, const int64_t *strides, int64_t index)
{
    int64_t offset = 0;
    for (int d = SW_GEMM_BATCH_RANK - 1; d >= 0; d--) {
        offset += index % args->batch[d] * strides[d];
        index /= args->batch[d];
    }
    return offset;
}

/* Whether this run has that product. */
static bool batch_has(const struct sw_gemm_args *args, int64_t index)
{
    int64_t count = 1;
    for (int d = 0; d < SW_GEMM_BATCH_RANK; d++) count *= args->batch[d];
    return index < count;
}

static const void *element(const void *base, sw_dtype dtype, int64_t offset)
{
    return (const char *)base + offset * sw_dtype_get(dtype)->block_bytes;
}

/* How the rows of a tile are dealt to its panels of A: `more` panels have a row more than `base`. */
struct deal {
    int64_t panels, base, more;
};

static struct deal deal_rows(int64_t rows, int64_t mr)
{
    int64_t panels = sw__ceil_div(rows, mr);
    return (struct deal){panels, rows / panels, rows % panels};
}

/* Panel number `panel`: where it starts and how many rows. */
static struct span a_panel(struct deal d, int64_t panel)
{
    return (struct span){panel * d.base + sw__min64(panel, d.more), d.base + (panel < d.more)};
}

/* Pack one K block of the rows of a tile, panel by panel. */
static void pack_a(const struct sw_gemm_plan *p, const struct sw_gemm_args *args, char *to,
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

static void pack_b(const struct sw_gemm_plan *p, const struct sw_gemm_args *args, char *to,
                   int64_t product, struct span columns, struct span ks)
{
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

/* The packed operands of one product in the workspace: all A of the batch, then all B. */
static char *shared_a(const struct sw_gemm_plan *p, const struct sw_gemm_args *args,
                      int64_t product)
{
    return (char *)args->workspace + product * aligned(a_bytes(p->blocks, p->a_lines, p->k));
}

static char *shared_b(const struct sw_gemm_plan *p, const struct sw_gemm_args *args,
                      int64_t product)
{
    bool behind = p->a_place == SW_GEMM_SHARED;
    int64_t size = aligned(b_bytes(p->blocks, sw__round_up(p->n, p->blocks->nr), p->k));
    return shared_a(p, args, behind ? p->batch : 0) + product * size;
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
                pack_a(plan, args, to + a_bytes(t, part * tile_lines, ks.size), product, rows, ks);
        } else {
            struct span columns = span_of(part, width, plan->n);
            char *to = shared_b(plan, args, product) + b_bytes(t, b_lines, ks.at);
            pack_b(plan, args, to + b_bytes(t, columns.at, ks.size), product, columns, ks);
        }
    }
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

/* The epilogue for what begins at row i and column j; NULL unless it is time for it. */
static const struct sw_epilogue *shifted(const struct sw_epilogue *e, struct sw_epilogue *room,
                                         int64_t i, int64_t j)
{
    if (!e) return NULL;
    *room = *e;
    if (e->bias_col) room->bias_col += j;
    if (e->bias_row) room->bias_row += i;
    if (e->scale_row) room->scale_row += i * e->scale_row_step;
    if (e->scale_col) room->scale_col += j;
    if (e->col_sums) room->col_sums += j;
    return room;
}

static void run_act_fn(const struct job *job)
{
    const struct sw_epilogue *e = job->args->epilogue;
    if (!e || !e->act_fn) return;
    for (int64_t i = 0; i < job->rows.size; i++) {
        float *row = job->c + i * job->args->c_row;
        e->act_fn(row, row, job->columns.size);
    }
}

/* Memory that the next K block will read and the tiles of this one fetch into L2: `columns` times
 * `rows` pieces, the rows `step` bytes apart. */
struct fetch {
    const char *at;
    int64_t step, rows, columns;
    int64_t done; /* rows of this column */
};

/* The lines (rows of A, columns of B) of an operand over a K block, not packed yet. */
static struct fetch fetch_source(const void *base, sw_dtype dtype, int64_t offset, int64_t across,
                                 int64_t along, int64_t lines, int64_t kc)
{
    const int64_t bytes = (int64_t)sw_dtype_get(dtype)->block_bytes;
    struct fetch f = {.at = element(base, dtype, offset)};
    const bool columns = along == 1;
    if (!columns && across != 1) return f;
    f.step = (columns ? across : along) * bytes;
    f.rows = columns ? lines : kc;
    f.columns = sw__ceil_div((columns ? kc : lines) * bytes, SW_GEMM_PIECE);
    return f;
}

static struct fetch fetch_panels(const char *at, int64_t bytes)
{
    return (struct fetch){at, SW_GEMM_PIECE, sw__ceil_div(bytes, SW_GEMM_PIECE), 1, 0};
}

/* The pieces of one more tile; NULL when all are fetched. */
static const struct sw_gemm_ahead *fetch_more(struct fetch *f, int64_t pieces,
                                              struct sw_gemm_ahead *room)
{
    if (f->columns == 0) return NULL;
    *room = (struct sw_gemm_ahead){f->at + f->done * f->step, f->step};
    f->done += pieces;
    if (f->done >= f->rows) {
        f->done = 0;
        f->columns--;
        f->at += SW_GEMM_PIECE;
    }
    return room;
}

/* One K block of a job. */
struct block {
    struct span ks;
    const char *a, *b; /* packed; */
    char *b_room;      /* or the columns are packed here, PACK_PANELS panels at a time; or NULL */
    int accumulate;
    const struct sw_epilogue *epilogue; /* NULL unless it is the last */
    struct fetch later[2];
};

/* What a tile fetches: what is left of the next panel of B, then what the next block will read. */
static const struct sw_gemm_ahead *fetch_for_tile(struct fetch *panel, struct block *block,
                                                  struct sw_gemm_ahead *room)
{
    const int64_t pieces = sw__max64(1, block->ks.size * SW_GEMM_AHEAD / SW_GEMM_PIECE);
    if (panel->columns > 0) return fetch_more(panel, pieces, room);
    return fetch_more(&block->later[block->later[0].columns == 0], pieces, room);
}

/* The tiles of one K block, each panel of B times all panels of A.  A panel of B that is not packed
 * now is in L3: it is fetched meanwhile, and so are the operands of the next block. */
static void multiply_block(const struct job *job, struct block *block)
{
    const struct sw_kernels *kernels = job->plan->kernels;
    const struct sw_gemm_blocks *t = job->plan->blocks;
    const struct deal d = deal_rows(job->rows.size, t->mr);
    const int64_t ldc = job->args->c_row, kc = block->ks.size, width = PACK_PANELS * t->nr;
    const int64_t columns = job->columns.size;
    const float *a = (const float *)block->a, *b = (const float *)block->b;
    for (int64_t j = 0; j < columns; j += t->nr, b += t->nr * kc) {
        struct fetch panel = {0};
        if (block->b_room && j % width == 0) {
            struct span some = {job->columns.at + j, sw__min64(width, columns - j)};
            pack_b(job->plan, job->args, block->b_room, job->product, some, block->ks);
            b = (const float *)block->b_room;
        } else if (!block->b_room && j + t->nr < columns) {
            panel = fetch_panels((const char *)(b + t->nr * kc), b_bytes(t, t->nr, kc));
        }
        for (int64_t i = 0; i < d.panels; i++) {
            struct span s = a_panel(d, i);
            struct sw_epilogue room;
            struct sw_gemm_ahead ahead;
            kernels->gemm_tile_f32(
                job->c + s.at * ldc + j, ldc, a + i * t->mr * kc, b, kc, (int)s.size,
                (int)sw__min64(t->nr, columns - j), block->accumulate,
                shifted(block->epilogue, &room, job->rows.at + s.at, job->columns.at + j),
                fetch_for_tile(&panel, block, &ahead));
        }
    }
}

/* The same in strips, a panel of A times all of B each; for bf16 and int8. */
static void multiply_strips(const struct job *job, const struct block *block)
{
    const struct sw_kernels *k = job->plan->kernels;
    const struct sw_gemm_blocks *t = job->plan->blocks;
    const struct deal d = deal_rows(job->rows.size, t->mr);
    const int64_t ldc = job->args->c_row, kc = block->ks.size;
    const char *a = block->a;
    for (int64_t i = 0; i < d.panels; i++, a += a_bytes(t, t->mr, kc)) {
        const struct span s = a_panel(d, i);
        struct sw_epilogue room;
        const struct sw_epilogue *e = shifted(block->epilogue, &room, job->rows.at + s.at,
                                              job->columns.at);
        (job->plan->kind == SW_GEMM_KIND_BF16 ? k->gemm_strip_bf16 : k->gemm_strip_int8)(
            job->c + s.at * ldc, ldc, a, block->b, kc, (int)s.size, job->columns.size,
            block->accumulate, e);
    }
}

/* The packed A of a job's rows in the workspace. */
static const char *shared_tile(const struct job *job, struct span ks)
{
    const struct sw_gemm_plan *p = job->plan;
    const struct sw_gemm_blocks *t = p->blocks;
    const int64_t tile = job->rows.at / p->tile_m, lines = sw__round_up(p->tile_m, t->mr);
    return shared_a(p, job->args, job->product) + a_bytes(t, p->a_lines, ks.at) +
           a_bytes(t, tile * lines, ks.size);
}

/* What K block number `index` of the job will read: A, and the columns of B that are to be packed. */
static void fetch_block(const struct job *job, int64_t index, struct fetch later[2])
{
    const struct sw_gemm_plan *p = job->plan;
    const struct sw_gemm_args *args = job->args;
    const struct sw_gemm_blocks *t = p->blocks;
    const struct span ks = span_of(index, t->kc, p->k);
    if (ks.size == 0) return;
    if (p->a_place == SW_GEMM_SHARED) {
        const int64_t lines = sw__round_up(p->tile_m, t->mr);
        later[0] = fetch_panels(shared_tile(job, ks), a_bytes(t, lines, ks.size));
    } else {
        int64_t offset = batch_offset(args, args->a_batch, job->product);
        offset += job->rows.at * args->a_row + ks.at * args->a_col;
        later[0] = fetch_source(args->a, args->a_type, offset, args->a_row, args->a_col,
                                job->rows.size, ks.size);
    }
    if (p->b_place == SW_GEMM_IN_TASK) {
        int64_t offset = batch_offset(args, args->b_batch, job->product);
        offset += job->columns.at * args->b_col + ks.at * args->b_row;
        later[1] = fetch_source(args->b, args->b_type, offset, args->b_col, args->b_row,
                                job->columns.size, ks.size);
    }
}

static void run_tiles(const struct job *job)
{
    const struct sw_gemm_plan *p = job->plan;
    const struct sw_gemm_args *args = job->args;
    const struct sw_gemm_blocks *t = p->blocks;
    const int64_t blocks = k_blocks(p, t->kc), b_lines = sw__round_up(p->n, t->nr);
    char *b_room = job->scratch;
    if (p->a_place == SW_GEMM_IN_TASK)
        b_room += aligned(a_bytes(t, sw__round_up(p->tile_m, t->mr), sw__min64(t->kc, p->k)));
    const char *b_whole = NULL;
    if (p->b_place == SW_GEMM_READY)
        b_whole = (const char *)args->b +
                  batch_offset(args, args->b_batch, job->product) * t->b_bytes;
    if (p->b_place == SW_GEMM_SHARED) b_whole = shared_b(p, args, job->product);
    for (int64_t i = 0; i < blocks; i++) {
        const struct span ks = span_of(i, t->kc, p->k);
        struct block block = {.ks = ks, .accumulate = args->accumulate || i > 0};
        if (i == blocks - 1) block.epilogue = args->epilogue;
        if (p->a_place == SW_GEMM_SHARED) {
            block.a = shared_tile(job, ks);
        } else {
            block.a = job->scratch;
            pack_a(p, args, job->scratch, job->product, job->rows, ks);
        }
        if (b_whole)
            block.b = b_whole + b_bytes(t, b_lines, ks.at) + b_bytes(t, job->columns.at, ks.size);
        else
            block.b = block.b_room = b_room;
        if (p->kind == SW_GEMM_KIND_F32) {
            fetch_block(job, i + 1, block.later);
            multiply_block(job, &block);
        } else {
            if (block.b_room) pack_b(p, args, b_room, job->product, job->columns, ks);
            multiply_strips(job, &block);
        }
    }
    run_act_fn(job);
}

/* A as plain f32 rows: as it is, or a K block of it copied. */
static const float *plain_a(const struct job *job, struct span ks, int64_t *lda)
{
    const struct sw_gemm_args *args = job->args;
    const int64_t offset = batch_offset(args, args->a_batch, job->product) +
                           job->rows.at * args->a_row;
    if (args->a_type == SW_F32 && args->a_col == 1) {
        *lda = args->a_row;
        return (const float *)args->a + offset + ks.at;
    }
    float *rows = (float *)job->scratch;
    *lda = ks.size;
    for (int64_t i = 0; i < job->rows.size; i++)
        for (int64_t k = 0; k < ks.size; k++) {
            int64_t at = offset + i * args->a_row + (ks.at + k) * args->a_col;
            float x;
            sw_convert(&x, SW_F32, element(args->a, args->a_type, at), args->a_type, 1);
            rows[i * ks.size + k] = x;
        }
    return rows;
}

static void run_few_rows(const struct job *job)
{
    const struct sw_gemm_plan *p = job->plan;
    const struct sw_gemm_args *args = job->args;
    const struct sw_gemm_blocks *t = p->blocks;
    const int64_t blocks = k_blocks(p, t->kc), b_lines = sw__round_up(p->n, t->nr);
    const float *whole = (const float *)args->b + batch_offset(args, args->b_batch, job->product);
    struct sw_epilogue room;
    const struct sw_epilogue *e = shifted(args->epilogue, &room, job->rows.at, job->columns.at);
    for (int64_t block = 0; block < blocks; block++) {
        struct span ks = span_of(block, t->kc, p->k);
        int64_t lda, b_row = t->nr, b_panel = t->nr * ks.size;
        const float *a = plain_a(job, ks, &lda);
        const float *b = whole + ks.at * b_lines + job->columns.at * ks.size;
        if (!p->b_packed) {
            b_row = args->b_row;
            b_panel = t->nr;
            b = whole + ks.at * b_row + job->columns.at;
        }
        p->kernels->gemm_rows_f32(job->c, args->c_row, a, lda, b, b_row, b_panel, job->rows.size,
                                  job->columns.size, ks.size, args->accumulate || block > 0,
                                  block == blocks - 1 ? e : NULL);
    }
    run_act_fn(job);
}

void sw__gemm_task(const struct sw_gemm_plan *plan, const struct sw_gemm_args *args, int64_t begin,
                   int64_t end, void *scratch)
{
    for (int64_t i = begin; i < end; i++) {
        int64_t across = i % plan->tiles_n, down = i / plan->tiles_n % plan->tiles_m;
        struct job job = {.plan = plan,
                          .args = args,
                          .product = i / plan->tiles_n / plan->tiles_m,
                          .rows = span_of(down, plan->tile_m, args->m),
                          .columns = span_of(across, plan->tile_n, plan->n),
                          .scratch = scratch};
        if (!batch_has(args, job.product) || job.rows.size == 0 || job.columns.size == 0) continue;
        job.c = args->c + batch_offset(args, args->c_batch, job.product);
        job.c += job.rows.at * args->c_row + job.columns.at;
        if (plan->few_rows)
            run_few_rows(&job);
        else
            run_tiles(&job);
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
    if (flags & SW_GEMM_INT8) bytes += sw__round_up(n, t->nr) * (int64_t)sizeof(int32_t);
    return (size_t)bytes;
}

const int32_t *sw__gemm_packed_b_sums(const struct sw_kernels *kernels, const void *packed,
                                      int64_t k, int64_t n)
{
    const struct sw_gemm_blocks *t = blocks_of(kernels, SW_GEMM_INT8);
    return (const int32_t *)((const char *)packed + packed_panels_bytes(t, k, n));
}

void sw__gemm_pack_b(const struct sw_kernels *kernels, unsigned flags, void *packed,
                     const void *src, sw_dtype dtype, int64_t row, int64_t col, int64_t k,
                     int64_t n, int64_t begin, int64_t end)
{
    const struct sw_gemm_blocks *t = blocks_of(kernels, flags);
    const int64_t lines = sw__round_up(n, t->nr), first = begin * t->nr;
    const int64_t columns = sw__min64(end * t->nr, n) - first;
    int32_t *sums = (int32_t *)((char *)packed + packed_panels_bytes(t, k, n)) + first;
    if (flags & SW_GEMM_INT8)
        for (int64_t j = 0; j < (end - begin) * t->nr; j++) sums[j] = 0;
    for (int64_t at = 0; at < k; at += t->kc) {
        int64_t kc = sw__min64(t->kc, k - at);
        char *to = (char *)packed + b_bytes(t, lines, at) + b_bytes(t, first, kc);
        const void *from = element(src, dtype, at * row + first * col);
        if (flags & SW_GEMM_INT8)
            kernels->gemm_pack_b_int8(to, sums, from, row, col, kc, columns);
        else if (flags & SW_GEMM_BF16)
            kernels->gemm_pack_b_bf16(to, from, dtype, row, col, kc, columns);
        else
            kernels->gemm_pack_b((float *)to, from, dtype, row, col, kc, columns);
    }
}

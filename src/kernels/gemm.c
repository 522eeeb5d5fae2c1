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
#include "kernels/gemm_int.h"

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
            sw__gemm_pack_b_block(job->plan, job->args, block->b_room, NULL, job->product, some,
                                  block->ks);
            b = (const float *)block->b_room;
        }
        if (job->plan->b_half && j + width < columns) {
            const char *soon = packed_b(job->plan, job->args, job->product,
                                        job->columns.at + j + width, block->ks);
            panel = fetch_panels(soon, b_bytes(t, t->nr, kc) / 2);
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
                sw__epilogue_at(block->epilogue, &room, job->rows.at + s.at, job->columns.at + j),
                fetch_for_tile(&panel, block, &ahead));
        }
    }
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
    if (p->b_place == SW_GEMM_IN_TASK && !p->b_half) {
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
    if (p->b_place == SW_GEMM_SHARED) b_whole = shared_b(p, args, job->product);
    for (int64_t i = 0; i < blocks; i++) {
        const struct span ks = span_of(i, t->kc, p->k);
        struct block block = {.ks = ks, .accumulate = args->accumulate || i > 0};
        if (i == blocks - 1) block.epilogue = args->epilogue;
        if (p->a_place == SW_GEMM_SHARED) {
            block.a = shared_tile(job, ks);
        } else {
            block.a = job->scratch;
            sw__gemm_pack_a_block(p, args, job->scratch, job->product, job->rows, ks);
        }
        if (p->b_place == SW_GEMM_READY)
            block.b = packed_b(p, args, job->product, job->columns.at, ks);
        else if (b_whole)
            block.b = b_whole + b_bytes(t, b_lines, ks.at) + b_bytes(t, job->columns.at, ks.size);
        else
            block.b = block.b_room = b_room;
        fetch_block(job, i + 1, block.later);
        multiply_block(job, &block);
    }
    run_act_fn(job);
}

/* A plain f32 A as it is, or a K block of another one copied, as rows; its strides. */
static const float *plain_a(const struct job *job, struct span ks, int64_t *a_row, int64_t *a_col)
{
    const struct sw_gemm_args *args = job->args;
    const int64_t offset = batch_offset(args, args->a_batch, job->product) +
                           job->rows.at * args->a_row;
    if (args->a_type == SW_F32 && (args->a_col == 1 || !job->plan->b_half)) {
        *a_row = args->a_row;
        *a_col = args->a_col;
        return (const float *)args->a + offset + ks.at * args->a_col;
    }
    float *rows = (float *)job->scratch;
    *a_row = ks.size;
    *a_col = 1;
    for (int64_t i = 0; i < job->rows.size; i++)
        for (int64_t k = 0; k < ks.size; k++) {
            int64_t at = offset + i * args->a_row + (ks.at + k) * args->a_col;
            float x;
            sw_convert(&x, SW_F32, element(args->a, args->a_type, at), args->a_type, 1);
            rows[i * ks.size + k] = x;
        }
    return rows;
}

/* All rows by a K block of the columns, which are packed a few panels at a time. */
static void multiply_packed(const struct job *job, struct span ks, int accumulate,
                            const struct sw_epilogue *epilogue)
{
    const struct sw_gemm_plan *p = job->plan;
    const int64_t nr = p->blocks->nr, width = PACK_PANELS * nr;
    int64_t a_row, a_col;
    const float *a = plain_a(job, ks, &a_row, &a_col);
    for (int64_t j = 0; j < job->columns.size; j += width) {
        const struct span some = {job->columns.at + j, sw__min64(width, job->columns.size - j)};
        struct sw_epilogue room;
        sw__gemm_pack_b_block(p, job->args, job->scratch, NULL, job->product, some, ks);
        p->kernels->gemm_rows_f32(job->c + j, job->args->c_row, a, a_row, a_col,
                                  (const float *)job->scratch, nr, nr * ks.size, job->rows.size,
                                  some.size, ks.size, accumulate,
                                  sw__epilogue_at(epilogue, &room, 0, j));
    }
}

static void run_few_rows(const struct job *job)
{
    const struct sw_gemm_plan *p = job->plan;
    const struct sw_gemm_args *args = job->args;
    const struct sw_gemm_blocks *t = p->blocks;
    const int64_t blocks = k_blocks(p, t->kc), b_lines = sw__round_up(p->n, t->nr);
    const float *whole = (const float *)args->b + batch_offset(args, args->b_batch, job->product);
    struct sw_epilogue room;
    const struct sw_epilogue *last = sw__epilogue_at(args->epilogue, &room, job->rows.at,
                                                     job->columns.at);
    for (int64_t block = 0; block < blocks; block++) {
        struct span ks = span_of(block, t->kc, p->k);
        int64_t a_row, a_col, b_row = t->nr, b_panel = t->nr * ks.size;
        const struct sw_epilogue *e = block == blocks - 1 ? last : NULL;
        const int accumulate = args->accumulate || block > 0;
        if (p->b_place == SW_GEMM_IN_TASK) {
            multiply_packed(job, ks, accumulate, e);
            continue;
        }
        const float *a = plain_a(job, ks, &a_row, &a_col);
        if (p->b_half) {
            const char *half = packed_b(p, args, job->product, job->columns.at, ks);
            p->kernels->gemm_rows_half(job->c, args->c_row, a, a_row, half, args->b_type,
                                       job->rows.size, job->columns.size, ks.size, accumulate, e);
            continue;
        }
        const float *b = whole + ks.at * b_lines + job->columns.at * ks.size;
        if (!p->b_packed) {
            b_row = args->b_row;
            b_panel = t->nr;
            b = whole + ks.at * b_row + job->columns.at;
        }
        p->kernels->gemm_rows_f32(job->c, args->c_row, a, a_row, a_col, b, b_row, b_panel,
                                  job->rows.size, job->columns.size, ks.size, accumulate, e);
    }
    run_act_fn(job);
}

/* Few rows by a B from memory: K block by K block, of all columns where rows of B are contiguous, else of a
 * panel's width of them, so that they are read from end to end. */
static void run_streamed(const struct job *job)
{
    const struct sw_gemm_plan *p = job->plan;
    const struct sw_gemm_args *args = job->args;
    const int64_t kc = p->blocks->kc, blocks = k_blocks(p, kc);
    const int64_t width = p->by_lines ? p->blocks->nr : job->columns.size;
    const float *a = (const float *)args->a + batch_offset(args, args->a_batch, job->product) +
                     job->rows.at * args->a_row;
    const float *b = (const float *)args->b + batch_offset(args, args->b_batch, job->product) +
                     job->columns.at * args->b_col;
    for (int64_t j = 0; j < job->columns.size; j += width) {
        struct sw_epilogue room;
        const struct sw_epilogue *e = sw__epilogue_at(args->epilogue, &room, job->rows.at,
                                                      job->columns.at + j);
        for (int64_t block = 0; block < blocks; block++) {
            const struct span ks = span_of(block, kc, p->k);
            p->kernels->gemm_stream_f32(
                job->c + j, args->c_row, a + ks.at * args->a_col, args->a_row, args->a_col,
                b + ks.at * args->b_row + j * args->b_col, args->b_row, args->b_col, job->rows.size,
                sw__min64(width, job->columns.size - j), ks.size, args->accumulate || block > 0,
                block == blocks - 1 ? e : NULL);
        }
    }
    run_act_fn(job);
}

/* Which product and tile of it a task computes.  Tasks that follow each other share their part of the
 * larger operand: it comes from memory once, the other one from a cache. */
struct place {
    int64_t product, down, across;
};

static struct place place_of(const struct sw_gemm_plan *p, int64_t task)
{
    const int64_t product = task / p->tiles_n / p->tiles_m, i = task % (p->tiles_n * p->tiles_m);
    if (p->n > p->m) return (struct place){product, i % p->tiles_m, i / p->tiles_m};
    return (struct place){product, i / p->tiles_n, i % p->tiles_n};
}

void sw__gemm_task(const struct sw_gemm_plan *plan, const struct sw_gemm_args *args, int64_t begin,
                   int64_t end, void *scratch)
{
    for (int64_t i = begin; i < end; i++) {
        const struct place at = place_of(plan, i);
        struct job job = {.plan = plan,
                          .args = args,
                          .product = at.product,
                          .rows = span_of(at.down, plan->tile_m, args->m),
                          .columns = span_of(at.across, plan->tile_n, plan->n),
                          .scratch = scratch};
        if (!batch_has(args, job.product) || job.rows.size == 0 || job.columns.size == 0) continue;
        job.c = args->c + batch_offset(args, args->c_batch, job.product);
        job.c += job.rows.at * args->c_row + job.columns.at;
        if (plan->streams)
            run_streamed(&job);
        else if (plan->few_rows)
            run_few_rows(&job);
        else if (plan->kind == SW_GEMM_KIND_F32)
            run_tiles(&job);
        else
            sw__gemm_run_strips(&job);
    }
}

/* dx = dy W for a weight w (N,K) stored in blocks: the gradient of quantised_linear in f32, with the
 * exact values of the blocks.  B of the product C (M,K) = A (M,N) B (N,K) is made from stored blocks,
 * piece by piece, while it is used:
 *
 *     phase 0   A into panels, shared by all tasks (left out for a few rows, which are read as they are)
 *     phase 1   a task owns some columns of C and all rows; for each block of N it
 *                   reads the stored values of its columns as f32      exact, into its scratch
 *                   packs them into panels of B                        its scratch
 *                   multiplies all rows of A with them                 tile or few-row kernel
 *
 * so every stored value is read and unpacked once a run.  Blocks and kernels are those of
 * gemm_kernels.h: a row's bits depend on that row and on w only, not on how many rows there are. */
#include "graph/ops/quantised_linear.h"
#include "base/size.h"
#include "graph/op_list.h"
#include "graph/ops/stored_rows.h"
#include "kernels/gemm_table.h"

/* Columns of a task: two to eight panels, and a whole number of blocks. */
#define TASK_COLUMNS 64
/* Up to so many rows the few-row kernel is faster (measured in gemm.c). */
#define FEW_ROWS 6
/* Panels of A that a task of phase 0 packs. */
#define PACK_PANELS 8

enum { DY, W };

struct product_note {
    struct sw_stored_rows w;
    int64_t m, n, k; /* of the product: n is K of w, k is N */
    int64_t w_row;   /* bytes of a row of w */
    int64_t columns; /* of a task */
    int64_t panels;  /* of A; 0: few rows */
};

/* ---- shapes ------------------------------------------------------------------------------------ */

static sw_status quantised_linear_grad_infer(struct sw_infer *q)
{
    return sw__quantised_linear_infer(q, 0, 1);
}

/* ---- preparation ------------------------------------------------------------------------------- */

static int64_t k_blocks(const struct product_note *p, const struct sw_gemm_blocks *t)
{
    return sw__max64(1, sw__ceil_div(p->k, t->kc)); /* K = 0 is one empty block */
}

static sw_status quantised_linear_grad_prepare(struct sw_step *s)
{
    const struct sw_gemm_blocks *t = sw__gemm_blocks(s->k->isa);
    const sw_shape *w = &s->in[W]->shape, *a = &s->in[DY]->shape;
    struct product_note *p = s->note;
    *p = (struct product_note){
        .w = sw__stored_rows(s->k, s->in[W]->dtype), .m = 1, .n = w->dim[1], .k = w->dim[0]};
    for (int i = 0; i < a->rank - 1; i++) p->m *= a->dim[i];
    p->w_row = sw__stored_bytes(&p->w, w->dim[1]);
    p->columns = sw__max64(TASK_COLUMNS, p->w.block_elements);
    int64_t kc = sw__min64(t->kc, p->k), columns = sw__round_up(p->columns, t->nr);
    bool few = p->m <= FEW_ROWS;
    p->panels = few ? 0 : sw__ceil_div(p->m, t->mr);
    s->workspace = (size_t)(p->panels * t->mr * p->k) * sizeof(float);
    s->scratch = (size_t)((p->columns + columns) * kc) * sizeof(float);
    s->n_phases = p->m > 0 && p->n > 0 ? 2 : 0;
    s->tasks[0] = k_blocks(p, t) * sw__ceil_div(p->panels, PACK_PANELS);
    s->tasks[1] = sw__ceil_div(p->n, p->columns);
    s->flops = 2. * (double)p->m * (double)p->n * (double)p->k;
    s->bytes = (double)(p->w_row * w->dim[0]) + 4. * (double)p->m * (double)(p->n + p->k);
    s->kernel = s->k->names[few ? SW_SLOT_gemm_rows_f32 : SW_SLOT_gemm_tile_f32];
    return SW_OK;
}

/* ---- run --------------------------------------------------------------------------------------- */

/* The panels of A of the K block that begins at k0. */
static float *a_block(const struct sw_step *s, const struct sw_gemm_blocks *t, int64_t k0)
{
    const struct product_note *p = s->note;
    return (float *)s->ws + k0 * p->panels * t->mr;
}

static void pack_a(const struct sw_step *s, int64_t begin, int64_t end)
{
    const struct sw_gemm_blocks *t = sw__gemm_blocks(s->k->isa);
    const struct product_note *p = s->note;
    int64_t groups = sw__ceil_div(p->panels, PACK_PANELS);
    for (int64_t task = begin; task < end; task++) {
        int64_t k0 = task / groups * t->kc, kc = sw__min64(t->kc, p->k - k0);
        int64_t row = task % groups * PACK_PANELS * t->mr;
        int64_t rows = sw__min64(PACK_PANELS * t->mr, p->m - row);
        const float *x = (const float *)s->in[DY]->data + row * p->k + k0;
        s->k->gemm_pack_a(a_block(s, t, k0) + row * kc, x, SW_F32, p->k, 1, rows, kc);
    }
}

/* A piece of B: kc indices of K, n columns, and the memory to make it in. */
struct piece {
    int64_t k0, kc, j0, n;
    float *values, *panels;
};

/* Read the stored values and pack them into panels. */
static void make_panels(const struct sw_step *s, const struct piece *b)
{
    const struct product_note *p = s->note;
    const char *w = s->in[W]->data;
    w += b->k0 * p->w_row + sw__stored_bytes(&p->w, b->j0);
    for (int64_t i = 0; i < b->kc; i++) p->w.read(b->values + i * b->n, w + i * p->w_row, b->n);
    s->k->gemm_pack_b(b->panels, b->values, SW_F32, b->n, 1, b->kc, b->n);
}

/* All rows of A times one piece of B. */
static void multiply(const struct sw_step *s, const struct piece *b, float *c)
{
    const struct sw_gemm_blocks *t = sw__gemm_blocks(s->k->isa);
    const struct product_note *p = s->note;
    if (p->panels == 0) {
        const float *a = (const float *)s->in[DY]->data + b->k0;
        s->k->gemm_rows_f32(c, p->n, a, p->k, 1, b->panels, t->nr, b->kc * t->nr, p->m, b->n, b->kc,
                            b->k0 > 0, NULL);
        return;
    }
    const float *a = a_block(s, t, b->k0);
    for (int64_t j = 0; j < b->n; j += t->nr)
        for (int64_t i = 0; i < p->m; i += t->mr)
            s->k->gemm_tile_f32(c + i * p->n + j, p->n, a + i * b->kc, b->panels + j * b->kc, b->kc,
                                (int)sw__min64(t->mr, p->m - i), (int)sw__min64(t->nr, b->n - j),
                                b->k0 > 0, NULL, NULL);
}

static void quantised_linear_grad_run(const struct sw_step *s, int phase, int64_t begin,
                                      int64_t end, void *scratch)
{
    if (phase == 0) {
        pack_a(s, begin, end);
        return;
    }
    const struct sw_gemm_blocks *t = sw__gemm_blocks(s->k->isa);
    const struct product_note *p = s->note;
    struct piece b = {.values = scratch};
    b.panels = b.values + p->columns * sw__min64(t->kc, p->k);
    for (int64_t task = begin; task < end; task++) {
        b.j0 = task * p->columns;
        b.n = sw__min64(p->columns, p->n - b.j0);
        float *c = (float *)s->out[0]->data + b.j0;
        for (int64_t block = 0; block < k_blocks(p, t); block++) {
            b.k0 = block * t->kc;
            b.kc = sw__min64(t->kc, p->k - b.k0);
            make_panels(s, &b);
            multiply(s, &b, c);
        }
    }
}

/* ---- class ------------------------------------------------------------------------------------- */

const struct sw_op_class sw__op_quantised_linear_grad = {.name = "quantised_linear_grad",
                                                         .note_size = sizeof(struct product_note),
                                                         .infer = quantised_linear_grad_infer,
                                                         .prepare = quantised_linear_grad_prepare,
                                                         .run = quantised_linear_grad_run};

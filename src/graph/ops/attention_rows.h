/* The forward pass over key blocks, shared by attention and paged attention: some query rows that
 * attend to one key-value head, wherever its keys lie. */
#ifndef SWELL_GRAPH_OPS_ATTENTION_ROWS_H
#define SWELL_GRAPH_OPS_ATTENTION_ROWS_H

#include "base/size.h"
#include "kernels/kernels.h"

enum {
    SW_ATTENTION_MOST_HS = 16384, /* features of a head: keeps all scratch sizes small numbers */
    SW_ATTENTION_TASKS = 32,      /* tasks that a small problem is cut into, if it can be */
    SW_ATTENTION_STEP = 6         /* rows of a task are a multiple of it: the kernels' tile */
};

/* Keys and values of one (sequence, head): position p lies at
 *     base + blocks[p / page] * page_bytes + p % page * stride   in pages,
 *     base + p * stride                                          if blocks is NULL. */
struct sw_attention_source {
    const char *k, *v; /* bases */
    sw_dtype dtype;
    int64_t stride;        /* bytes from one position to the next, of k and of v */
    const int32_t *blocks; /* page numbers */
    int64_t page;          /* positions a page; these two are not read without blocks */
    int64_t page_bytes;    /* from one page to the next */
};

/* rows[i] = address of position from + i in `base`, which is k or v of the source. */
void sw__attention_locate(const void **rows, const struct sw_attention_source *s, const char *base,
                          int64_t from, int64_t n);

/* At most SW_ATTENTION_ROWS rows and what they see. */
struct sw_attention_rows {
    int64_t n, hs;
    float scale, softcap;
    const void *q[SW_ATTENTION_ROWS];                     /* hs floats each */
    float *y[SW_ATTENTION_ROWS];                          /* hs floats each, written */
    float *lse[SW_ATTENTION_ROWS];                        /* log-sum-exp; lse[0] NULL: not wanted */
    int64_t lo[SW_ATTENTION_ROWS], hi[SW_ATTENTION_ROWS]; /* keys lo <= j < hi, by position */
    int64_t all_from, all_to; /* keys that all rows see; sw__attention_all_see finds them */
    const float *mask[SW_ATTENTION_ROWS]; /* mask[i][j * mask_step] for key j; mask[0] NULL: none */
    int64_t mask_step;                    /* 1, or 0 for one number for all keys */
    bool sinks;                           /* a logit of each row that joins the denominator */
    float sink[SW_ATTENTION_ROWS];
};

/* Bytes of scratch that sw__attention_rows_run needs; dtype: of the source. */
size_t sw__attention_rows_scratch(int64_t hs, bool mask, sw_dtype dtype);
void sw__attention_rows_run(const struct sw_kernels *k, const struct sw_attention_rows *r,
                            const struct sw_attention_source *source, void *scratch);

/* Set all_from and all_to from lo and hi. */
void sw__attention_all_see(struct sw_attention_rows *r);
/* Some of the rows. */
struct sw_attention_seeing {
    int64_t first, n;
};

/* The rows from the first to the last that sees a key of a block, n = 0 if none does, and the keys of it that
 * they see: lo and hi of a struct sw_attention_view. */
struct sw_attention_seeing sw__attention_cut(int32_t *lo, int32_t *hi,
                                             const struct sw_attention_rows *r, int64_t block);
/* Those rows' masks for keys from .. to-1 of a block into [rows][KEYS]. */
void sw__attention_cut_mask(float *mask, const struct sw_attention_rows *r,
                            struct sw_attention_seeing rows, int64_t block, int64_t from,
                            int64_t to);

/* Rows a task, if `groups` groups of `rows` rows are to be cut: a multiple of STEP, at most ROWS. */
static inline int64_t sw__attention_grain(int64_t groups, int64_t rows)
{
    int64_t each = sw__ceil_div(groups * rows, SW_ATTENTION_TASKS);
    return sw__min64(sw__round_up(sw__max64(each, 1), SW_ATTENTION_STEP), SW_ATTENTION_ROWS);
}

static inline int64_t sw__attention_padded(int64_t hs)
{
    return sw__round_up(hs, SW_ATTENTION_PAD);
}

#endif

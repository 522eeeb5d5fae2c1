/* The key-value cache: a pool of pages, shared by any number of sequences (Kwon et al. 2023).
 *
 * Keys and values of earlier tokens live outside the plan's buffer, in pages of PAGE positions.  A
 * page belongs to one or more sequences and counts its owners; a fork shares all pages, and the first
 * one that writes into a shared page gets its own copy of it.  The pool has a declared number of
 * pages and never grows: when it is full, sw_kv_append fails and changes nothing.
 *
 *     layer l:  states "kv.l.k" and "kv.l.v" (P,NKV,PAGE,HS), weights of a set of the pool's own
 *     blocks    i32 (S,MB): blocks[s][i] is the page that holds positions i*PAGE .. of sequence s
 *
 * One step of a language model:
 *
 *     sw_kv_append(kv, chat, n, sequence, position);        // room for n tokens, and where they stand
 *     sw_bind(p, blocks, sw_kv_blocks(kv), SW_SHAPE(S, MB)); // and tokens, sequence, position
 *     sw_run(p);
 *
 * A pool is used by one thread at a time, and not while a plan that uses it runs.  After sw_kv_create
 * nothing is allocated. */
#ifndef SWELL_KV_H
#define SWELL_KV_H

#include <swell/context.h>
#include <swell/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sw_kv sw_kv;

typedef struct sw_kv_options {
    int layers;
    int64_t pages;     /* P, of each layer */
    int page;          /* PAGE, positions of a page; 0 means 32 */
    int kv_heads;      /* NKV */
    int head_size;     /* HS */
    sw_dtype dtype;    /* f32 (0), f16, bf16, or q8_0: HS a multiple of 32 */
    int sequences;     /* S, at the same time */
    int64_t positions; /* most of one sequence: MB = ceil(positions / PAGE) */
} sw_kv_options;

/* Make a pool with all its pages, zeros.  SW_ERR_ARGUMENT: a count that is not positive, a dtype that
 * does not fit; SW_ERR_SIZE, SW_ERR_MEMORY. */
SW_API sw_status sw_kv_create(sw_context *ctx, sw_kv_options options, sw_kv **out);
/* Graphs and plans that use its pages keep them alive.  NULL is fine. */
SW_API void sw_kv_destroy(sw_kv *kv);

/* The pages of a layer as nodes of a graph, for sw_paged_attention.  Poisons the graph if there is no
 * such layer. */
SW_API void sw_kv_nodes(const sw_kv *kv, sw_graph *g, int layer, sw_node **k, sw_node **v);

/* An empty sequence; its number is the row of the block table.  SW_ERR_STATE when all are in use. */
SW_API sw_status sw_kv_open(sw_kv *kv, int *sequence);
/* A sequence of the same tokens as `from`, sharing its pages.  SW_ERR_STATE when all are in use. */
SW_API sw_status sw_kv_fork(sw_kv *kv, int from, int *sequence);
/* Give its pages back.  A number that is not open is SW_ERR_ARGUMENT, here and below. */
SW_API sw_status sw_kv_close(sw_kv *kv, int sequence);

/* Make room for n more tokens, and tell where they stand: writes n numbers to sequence_of and to
 * position_of, for the inputs of a plan (either may be NULL).  A last page that is shared is copied
 * first.  SW_ERR_MEMORY when the pool has not enough free pages, SW_ERR_SIZE when the sequence would
 * be longer than declared; then nothing has changed. */
SW_API sw_status sw_kv_append(sw_kv *kv, int sequence, int64_t n, int32_t *sequence_of,
                              int32_t *position_of);
/* Forget all tokens from position `length` on.  SW_ERR_ARGUMENT when it is not 0..length. */
SW_API sw_status sw_kv_truncate(sw_kv *kv, int sequence, int64_t length);
/* Tokens of a sequence; -1 when it is not open. */
SW_API int64_t sw_kv_length(const sw_kv *kv, int sequence);

/* The block table, (S,MB), -1 where there is no page; valid as long as the pool, changed by the calls
 * above. */
SW_API int32_t *sw_kv_blocks(const sw_kv *kv);
SW_API sw_shape sw_kv_blocks_shape(const sw_kv *kv);
SW_API int64_t sw_kv_free_pages(const sw_kv *kv);
/* How many sequences own a page; -1 when there is no such page. */
SW_API int64_t sw_kv_page_owners(const sw_kv *kv, int64_t page);

#ifdef __cplusplus
}
#endif
#endif

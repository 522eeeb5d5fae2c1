/* Kernels of the attention family: X(slot, return type, (arguments)).
 *
 * Attention walks over blocks of SW_ATTENTION_KEYS keys, aligned to absolute key positions, with at
 * most SW_ATTENTION_ROWS query rows at a time (Dao et al. 2022, algorithm 1).  The operands of a
 * block are first packed into scratch memory:
 *
 *     q, dy   [rows][HSP]       natural, q already multiplied by the scale
 *     k, v    [keys][HSP]       natural
 *     kt, vt  [HS][KEYS]        transposed: one vector is the same feature of neighbouring keys
 *
 * HSP is HS rounded up to SW_ATTENTION_PAD; the padding is zeros, so that no kernel needs a tail.
 *
 * The rule of the bits.  For one query row, every number depends on its own q and on the keys it
 * sees, by position, and on nothing else:
 *   - a logit is one chain over the features in rising order, from +0: s = fma(q[d], k[d], s)
 *   - probabilities are 2^(s log2(e) - m), one fma.  m, a row's reference, starts at -infinity; when a
 *     logit of a block is above (m + SW_ATTENTION_SLACK) ln(2), m becomes the greatest one times
 *     log2(e), and what was summed is scaled by alpha = 2^(m before - m), else alpha is 1
 *   - the sum of probabilities is kept in SW_ATTENTION_LANES partial sums, lane j % LANES; lanes are
 *     scaled by alpha, and take their up to four keys of the block as (0 + 1) + (2 + 3), a key
 *     that is not seen counting as +0
 *   - an output is one chain over the seen keys in rising order: a = fma(p[j], v[j], a * alpha)
 *     for the first, a = fma(p[j], v[j], a) for the others; keys that are not seen are left out,
 *     never multiplied by zero
 * The reference rounds products and sums apart, a baseline CPU has no fma.  ISAs may differ from
 * each other.  How many rows there are, how they are cut into blocks, and where k and v lie (pages
 * or one tensor) changes nothing. */
#ifndef SWELL_ATTENTION_KERNELS_H
#define SWELL_ATTENTION_KERNELS_H

#include <stdint.h>
#include <swell/tensor.h>

enum {
    SW_ATTENTION_KEYS = 64,  /* keys of a block: part of the rule of the bits */
    SW_ATTENTION_ROWS = 516, /* query rows of a block, at most: for the caches only */
    SW_ATTENTION_LANES = 16, /* partial sums of a row's denominator */
    SW_ATTENTION_SLACK = 10, /* how far, in powers of two, a probability may pass its reference */
    SW_ATTENTION_PAD = 16    /* features are padded to a multiple of this */
};

/* Which keys of a block each row sees, and what is added to their logits. */
struct sw_attention_view {
    const int32_t *lo,
        *hi; /* row i sees keys lo[i] <= j < hi[i]; 0 <= lo, hi <= KEYS; none if lo >= hi */
    const float *mask; /* [rows][KEYS], added to the logits, or NULL */
    float softcap;     /* logits become softcap * tanh(logit / softcap), before the mask; 0: off */
};

/* One step of the forward pass: `rows` rows meet one block of keys. */
struct sw_attention_forward {
    int64_t rows, hs, hsp;
    const float *q;  /* [rows][HSP] */
    const float *kt; /* [HS][KEYS] */
    const float *v;  /* [KEYS][HSP] */
    struct sw_attention_view view;
    float *m;   /* [rows] reference, log2; starts at -infinity */
    float *l;   /* [rows][LANES] sums of probabilities relative to m; start at 0 */
    float *acc; /* [rows][HSP] outputs before the division by sum(l); start at 0 */
    /* What is needed next: two lists of places, n_fetch long, of fetch_bytes each.  They are fetched
     * meanwhile; only a hint, never read. */
    const void *const *fetch[2];
    int64_t n_fetch, fetch_bytes;
};

/* One step of the backward pass: with p = 2^(s log2(e) - lse), ds = p * (dy v^T - delta) and the derivative
 * of the softcap on top,
 *     dq += ds k      dk += ds^T q      dv += p^T dy
 * Each of dq, dk, dv may be NULL: not wanted (dk and dv go together).  An element is one chain: dq
 * over the seen keys in rising order, dk and dv over the rows in rising order, where rows that do
 * not see a key multiply by zero.  The chains continue from what stands in dq, dk, dv. */
struct sw_attention_backward {
    int64_t rows, hs, hsp;
    const float *q, *dy;  /* [rows][HSP] */
    const float *kt, *vt; /* [HS][KEYS] */
    const float *k;       /* [KEYS][HSP]; only for dq */
    struct sw_attention_view view;
    const float
        *lse; /* [rows] log of the sum of exp(logits); +infinity for rows that saw nothing */
    const float *delta; /* [rows] sum of dy * y */
    float *p, *ds;      /* [rows][KEYS] each: work space, what it holds afterwards is undefined */
    float *dq;          /* [rows][HSP] */
    float *dk, *dv;     /* [KEYS][HSP] */
};

/* attention_pack_rows: dst[i][d] = scale * rows[i][d], zeros in the padding.  n >= 0, hs >= 0.
 *     rows[i] points to hs elements of f32, f16 or bf16 (converted exactly).
 * attention_pack_keys: dst[d][i] = rows[i][d], zeros for i >= n.  n <= KEYS.
 *     next (both): n rows that will be packed after these, to be fetched meanwhile, or NULL; only a
 *     hint, never read.
 * attention_store: dst[d] = src[d] rounded to nearest even in f32, f16 or bf16.
 * attention_forward, attention_backward: see the structs.  Scratch operands start on 64 bytes.
 * rope_angles: cosine[i] = cos(position * frequency[i]), sine likewise; the angle is formed and
 *     reduced in double: for |angle| <= 2^28 the error is below one ulp of f32 at 1, 2^-23.
 * rope_apply: for each of `heads` heads of hs features, of which the first `dims` (even) turn:
 *     (a, b) becomes (a c - b s, a s + b c), c = cosine[i], s = sine[i], i < dims/2; the pair is
 *     features (i, i + dims/2), or (2i, 2i + 1) when interleaved; the others are copied.  y == x is
 *     allowed. */
/* clang-format off */
#define SW_ATTENTION_KERNELS(X)                                                                    \
    X(attention_pack_rows, void,                                                                   \
      (float *dst, const void *const *rows, sw_dtype dtype, int64_t n, int64_t hs, float scale,    \
       const void *const *next))                                                                   \
    X(attention_pack_keys, void,                                                                   \
      (float *dst, const void *const *rows, sw_dtype dtype, int64_t n, int64_t hs,                 \
       const void *const *next))                                                                   \
    X(attention_store, void, (void *dst, sw_dtype dtype, const float *src, int64_t n))             \
    X(attention_forward, void, (const struct sw_attention_forward *a))                             \
    X(attention_backward, void, (const struct sw_attention_backward *a))                           \
    X(rope_angles, void,                                                                           \
      (float *cosine, float *sine, double position, const double *frequency, int64_t n))           \
    X(rope_apply, void,                                                                            \
      (float *y, const float *x, const float *cosine, const float *sine, int64_t heads,            \
       int64_t hs, int64_t dims, int interleaved))
/* clang-format on */

#endif

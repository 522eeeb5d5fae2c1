/* Builders of all ops.  Each returns its first output (more by sw_output), or a poisoned node when
 * an argument is poisoned or does not fit; the text in sw_error then names the op and the shapes.
 *
 * x is f32 unless said; B rows, C channels, T positions, row-major, outermost first.  "NULL: none"
 * marks optional operands.  Negative axes count from the end.  Options are small structs by value:
 *
 *     sw_conv2d(g, x, w, b, (sw_conv_options){.stride = {2, 2}, .pad = {1, 1, 1, 1}})
 */
#ifndef SWELL_OPS_H
#define SWELL_OPS_H

#include <swell/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- elementwise, binary: shapes broadcast as in NumPy; f32 or i32, both the same ------------ */
SW_API sw_node *sw_add(sw_graph *g, sw_node *a, sw_node *b);
SW_API sw_node *sw_sub(sw_graph *g, sw_node *a, sw_node *b);
SW_API sw_node *sw_mul(sw_graph *g, sw_node *a, sw_node *b);
SW_API sw_node *sw_div(sw_graph *g, sw_node *a, sw_node *b); /* i32: truncates; x / 0 = 0 */
SW_API sw_node *sw_pow(sw_graph *g, sw_node *a, sw_node *b); /* f32 */
SW_API sw_node *sw_maximum(sw_graph *g, sw_node *a, sw_node *b);
SW_API sw_node *sw_minimum(sw_graph *g, sw_node *a, sw_node *b);
/* Comparisons give u8: 1 or 0; false with NaN, but for not_equal. */
SW_API sw_node *sw_equal(sw_graph *g, sw_node *a, sw_node *b);
SW_API sw_node *sw_not_equal(sw_graph *g, sw_node *a, sw_node *b);
SW_API sw_node *sw_less(sw_graph *g, sw_node *a, sw_node *b);
SW_API sw_node *sw_less_equal(sw_graph *g, sw_node *a, sw_node *b);
SW_API sw_node *sw_greater(sw_graph *g, sw_node *a, sw_node *b);
SW_API sw_node *sw_greater_equal(sw_graph *g, sw_node *a, sw_node *b);
/* condition (u8) ? a : b, all three broadcast. */
SW_API sw_node *sw_where(sw_graph *g, sw_node *condition, sw_node *a, sw_node *b);

/* ---- elementwise, unary ---------------------------------------------------------------------- */
SW_API sw_node *sw_neg(sw_graph *g, sw_node *x);
SW_API sw_node *sw_abs(sw_graph *g, sw_node *x);
SW_API sw_node *sw_exp(sw_graph *g, sw_node *x);
SW_API sw_node *sw_log(sw_graph *g, sw_node *x);
SW_API sw_node *sw_sqrt(sw_graph *g, sw_node *x);
SW_API sw_node *sw_rsqrt(sw_graph *g, sw_node *x);
SW_API sw_node *sw_square(sw_graph *g, sw_node *x);
SW_API sw_node *sw_reciprocal(sw_graph *g, sw_node *x);
SW_API sw_node *sw_sin(sw_graph *g, sw_node *x);
SW_API sw_node *sw_cos(sw_graph *g, sw_node *x);
SW_API sw_node *sw_tanh(sw_graph *g, sw_node *x);
SW_API sw_node *sw_sigmoid(sw_graph *g, sw_node *x);
SW_API sw_node *sw_relu(sw_graph *g, sw_node *x);
SW_API sw_node *sw_leaky_relu(sw_graph *g, sw_node *x, float slope);
SW_API sw_node *sw_gelu(sw_graph *g, sw_node *x);      /* x Phi(x), by erf */
SW_API sw_node *sw_gelu_tanh(sw_graph *g, sw_node *x); /* Hendrycks and Gimpel 2016: tanh form */
SW_API sw_node *sw_silu(sw_graph *g, sw_node *x);      /* x sigmoid(x) */
SW_API sw_node *sw_softplus(sw_graph *g, sw_node *x);  /* log(1 + exp(x)) */
SW_API sw_node *sw_clip(sw_graph *g, sw_node *x, float lo,
                        float hi);                               /* gradient 1 inside [lo,hi] */
SW_API sw_node *sw_scale(sw_graph *g, sw_node *x, float factor); /* factor * x */
/* To another dtype: f32, f16, bf16, i32, i8, u8; floats round to nearest even, integers saturate. */
SW_API sw_node *sw_cast(sw_graph *g, sw_node *x, sw_dtype dtype);
/* Zero with probability p, else x / (1 - p); its own random stream; the run's seed (sw_plan_seed). */
SW_API sw_node *sw_dropout(sw_graph *g, sw_node *x, float p);
/* The same value; no gradient flows through. */
SW_API sw_node *sw_stop_gradient(sw_graph *g, sw_node *x);

/* ---- reductions ------------------------------------------------------------------------------ */
typedef struct sw_reduce_options {
    int axes[SW_MAX_RANK];
    int n_axes;    /* 0: all axes */
    bool keepdims; /* keep them as size 1 */
} sw_reduce_options;
SW_API sw_node *sw_sum(sw_graph *g, sw_node *x, sw_reduce_options o);
SW_API sw_node *sw_mean(sw_graph *g, sw_node *x, sw_reduce_options o);
SW_API sw_node *sw_max(sw_graph *g, sw_node *x, sw_reduce_options o); /* gradient to the first */
SW_API sw_node *sw_min(sw_graph *g, sw_node *x, sw_reduce_options o);
/* i32 index of the first greatest along the axis. */
SW_API sw_node *sw_argmax(sw_graph *g, sw_node *x, int axis, bool keepdims);
SW_API sw_node *sw_cumsum(sw_graph *g, sw_node *x, int axis, bool exclusive, bool reverse);
/* Output 0: the k greatest along the axis, sorted, the lower index first among equals; output 1:
 * their i32 indices. */
SW_API sw_node *sw_topk(sw_graph *g, sw_node *x, int k, int axis);

/* ---- products -------------------------------------------------------------------------------- */
typedef struct sw_matmul_options {
    bool transpose_a; /* a is (...,K,M) */
    bool transpose_b; /* b is (...,N,K) */
} sw_matmul_options;
/* (...,M,K) x (...,K,N) -> (...,M,N); leading dimensions broadcast. */
SW_API sw_node *sw_matmul(sw_graph *g, sw_node *a, sw_node *b, sw_matmul_options o);
/* y = x W^T + b.  x (...,K), w (N,K) as in PyTorch, b (N) or NULL: none -> (...,N).  w may be a
 * block-quantised weight: then it is sw_quantised_linear. */
SW_API sw_node *sw_linear(sw_graph *g, sw_node *x, sw_node *w, sw_node *b);

/* ---- convolution: NCHW ----------------------------------------------------------------------- */
typedef struct sw_conv_options {
    int stride[2];   /* {height, width}; 0 means 1 */
    int dilation[2]; /* 0 means 1 */
    int pad[4];      /* top, left, bottom, right */
    int groups;      /* 0 means 1 */
} sw_conv_options;
/* x (N,C,H,W), w (O,C/groups,KH,KW), b (O) or NULL -> (N,O,OH,OW); cross-correlation, as usual. */
SW_API sw_node *sw_conv2d(sw_graph *g, sw_node *x, sw_node *w, sw_node *b, sw_conv_options o);
/* x (N,C,L), w (O,C/groups,K): index 1 of stride and dilation, pad[1] left and pad[3] right. */
SW_API sw_node *sw_conv1d(sw_graph *g, sw_node *x, sw_node *w, sw_node *b, sw_conv_options o);
/* A convolution with filters of its own at every position: x (N,C,H,W), w (OH*OW,O,C,KH,KW), b (O,OH,OW)
 * or NULL -> (N,O,OH,OW).  KH*KW at most 16, no groups; made of other ops. */
SW_API sw_node *sw_locally_connected2d(sw_graph *g, sw_node *x, sw_node *w, sw_node *b,
                                       sw_conv_options o);
typedef struct sw_conv_transpose_options {
    int stride[2], dilation[2], pad[4], groups;
    int output_pad[2]; /* extra rows and columns at the bottom and right */
} sw_conv_transpose_options;
/* x (N,C,H,W), w (C,O/groups,KH,KW), b (O) or NULL; OH = (H-1)*stride - pads + dilation*(KH-1) + 1 +
 * output_pad. */
SW_API sw_node *sw_conv_transpose2d(sw_graph *g, sw_node *x, sw_node *w, sw_node *b,
                                    sw_conv_transpose_options o);
typedef struct sw_pool_options {
    int kernel[2];
    int stride[2];  /* 0 means the kernel's size */
    int pad[4];     /* top, left, bottom, right */
    bool ceil_mode; /* round output sizes up (ONNX and PyTorch: no window starts in the pad) */
    bool count_pad; /* average: count the padding too; else only elements inside */
} sw_pool_options;
SW_API sw_node *sw_max_pool2d(sw_graph *g, sw_node *x, sw_pool_options o);
SW_API sw_node *sw_avg_pool2d(sw_graph *g, sw_node *x, sw_pool_options o);
/* (N,C,H,W) -> (N,C,1,1) */
SW_API sw_node *sw_global_avg_pool2d(sw_graph *g, sw_node *x);
SW_API sw_node *sw_global_max_pool2d(sw_graph *g, sw_node *x);

/* ---- normalisation --------------------------------------------------------------------------- */
typedef struct sw_lrn_options {
    int size;             /* n, the window over channels */
    float k, alpha, beta; /* y = x / (k + alpha * sum x^2)^beta; alpha NOT divided by n */
} sw_lrn_options;
/* Krizhevsky, Sutskever, Hinton 2012, section 3.3.  Channel c sees c - (size-1)/2 .. c + size/2.
 * ONNX and PyTorch divide alpha by n. */
SW_API sw_node *sw_lrn(sw_graph *g, sw_node *x, sw_lrn_options o);
typedef struct sw_batchnorm_options {
    float eps;      /* 0 means 1e-5 */
    bool training;  /* statistics of the batch, and the running ones move */
    float momentum; /* of the running ones: r += momentum * (batch - r); 0 means 0.1 */
} sw_batchnorm_options;
/* x (N,C,...), gamma, beta (C) or NULL, running mean and variance (C), in training states. Running
 * variance takes the unbiased estimate, as PyTorch does. */
SW_API sw_node *sw_batchnorm(sw_graph *g, sw_node *x, sw_node *gamma, sw_node *beta, sw_node *mean,
                             sw_node *variance, sw_batchnorm_options o);
/* Over the last axis; gamma, beta (C) or NULL; eps 0 means 1e-5. */
SW_API sw_node *sw_layernorm(sw_graph *g, sw_node *x, sw_node *gamma, sw_node *beta, float eps);
/* x / sqrt(mean x^2 + eps) * gamma, over the last axis; gamma (C) or NULL; eps 0 means 1e-6. */
SW_API sw_node *sw_rmsnorm(sw_graph *g, sw_node *x, sw_node *gamma, float eps);
/* x (N,C,...), groups divide C; gamma, beta (C) or NULL; eps 0 means 1e-5. */
SW_API sw_node *sw_groupnorm(sw_graph *g, sw_node *x, sw_node *gamma, sw_node *beta, int groups,
                             float eps);

/* ---- softmax and losses ---------------------------------------------------------------------- */
SW_API sw_node *sw_softmax(sw_graph *g, sw_node *x, int axis);
SW_API sw_node *sw_log_softmax(sw_graph *g, sw_node *x, int axis);
typedef enum sw_reduction { SW_REDUCE_MEAN, SW_REDUCE_SUM, SW_REDUCE_NONE } sw_reduction;
typedef struct sw_cross_entropy_options {
    sw_reduction reduction; /* mean: over the weights of the labels that count */
    sw_node *class_weights; /* (C) or NULL; hard labels only */
    bool ignore;            /* labels equal to ignore_label count nothing */
    int ignore_label;
    float label_smoothing; /* Szegedy et al. 2016, section 7 */
} sw_cross_entropy_options;
/* logits (...,C); labels i32 (...) hard, or f32 (...,C) probabilities.  A hard label outside 0..C-1
 * that is not ignored gives NaN (sw_run with check_nan then names it).  The mean over no label is 0,
 * with gradient 0.  No gradient flows to the class weights. */
SW_API sw_node *sw_cross_entropy(sw_graph *g, sw_node *logits, sw_node *labels,
                                 sw_cross_entropy_options o);
SW_API sw_node *sw_mse(sw_graph *g, sw_node *x, sw_node *target, sw_reduction reduction);
/* Binary cross entropy of logits; targets in [0,1] of the same shape. */
SW_API sw_node *sw_bce_logits(sw_graph *g, sw_node *logits, sw_node *target,
                              sw_reduction reduction);
/* softmax((x + Gumbel noise) / tau) over the last axis; hard: one-hot forward, the soft gradient
 * (straight-through).  Jang, Gu, Poole 2017, section 2. */
SW_API sw_node *sw_gumbel_softmax(sw_graph *g, sw_node *x, float tau, bool hard);

/* ---- data movement: any dtype unless said ----------------------------------------------------- */
/* table (V,C) f32/f16/bf16 or block type, ids i32 (...) -> (...,C) f32.  An id outside 0..V-1 gives a
 * row of NaN. */
SW_API sw_node *sw_embedding(sw_graph *g, sw_node *table, sw_node *ids);
/* Rows of x along the axis: ids i32 of any shape; x's axis is replaced by the shape of ids. Indices
 * from the end (-1) allowed; outside gives zeros. */
SW_API sw_node *sw_gather(sw_graph *g, sw_node *x, sw_node *ids, int axis);
/* x + sum over i of updates[i] put at row ids[i] of the axis 0; duplicates add in order. f32. Indices
 * from the end allowed; outside adds nothing. */
SW_API sw_node *sw_scatter_add(sw_graph *g, sw_node *x, sw_node *ids, sw_node *updates);
#define SW_MAX_CONCAT 16
SW_API sw_node *sw_concat(sw_graph *g, sw_node *const *x, int n, int axis);
/* n outputs (sw_output) of the given sizes along the axis, n <= SW_MAX_CONCAT. */
SW_API sw_node *sw_split(sw_graph *g, sw_node *x, const int64_t *sizes, int n, int axis);
typedef struct sw_slice_options {
    int axis;
    int64_t begin,
        end;      /* Python's rules: negative from the end, clamped; end INT64_MAX: to the end */
    int64_t step; /* 0 means 1; negative walks backwards (end INT64_MIN: past the first) */
} sw_slice_options;
SW_API sw_node *sw_slice(sw_graph *g, sw_node *x, sw_slice_options o);
typedef enum sw_pad_mode { SW_PAD_CONSTANT, SW_PAD_REFLECT, SW_PAD_EDGE } sw_pad_mode;
typedef struct sw_pad_options {
    int64_t before[SW_MAX_RANK], after[SW_MAX_RANK]; /* >= 0; reflect: below the axis' size */
    sw_pad_mode mode;
    float value; /* constant; rounded and saturated to x's dtype */
} sw_pad_options;
SW_API sw_node *sw_pad(sw_graph *g, sw_node *x, sw_pad_options o);
/* axes: a permutation of 0..rank-1. */
SW_API sw_node *sw_transpose(sw_graph *g, sw_node *x, const int *axes, int n);
/* One dimension may be -1 (what is left): use it for the one that varies at run time.  Costs
 * nothing: a view. */
SW_API sw_node *sw_reshape(sw_graph *g, sw_node *x, sw_shape shape);
/* Merge axes first..last into one; a view. */
SW_API sw_node *sw_flatten(sw_graph *g, sw_node *x, int first, int last);
/* Broadcast to a shape; -1 keeps the dimension of x. */
SW_API sw_node *sw_expand(sw_graph *g, sw_node *x, sw_shape shape);
SW_API sw_node *sw_flip(sw_graph *g, sw_node *x, int axis);
typedef enum sw_resize_mode { SW_RESIZE_NEAREST, SW_RESIZE_BILINEAR } sw_resize_mode;
typedef struct sw_resize_options {
    int64_t height, width; /* of the output */
    sw_resize_mode mode;
    bool
        align_corners; /* bilinear: corners on corners; else half-pixel centres. nearest: floor, never corners */
} sw_resize_options;
/* x (N,C,H,W) f32 */
SW_API sw_node *sw_resize(sw_graph *g, sw_node *x, sw_resize_options o);

/* ---- attention ------------------------------------------------------------------------------- */
typedef enum sw_rope_pairing {
    SW_ROPE_NEOX,       /* pairs (i, i + D/2): GPT-NeoX, Llama in Hugging Face's layout */
    SW_ROPE_INTERLEAVED /* pairs (2i, 2i + 1): the paper, Llama in GGUF */
} sw_rope_pairing;
typedef struct sw_rope_options {
    sw_rope_pairing pairing;
    int dims;             /* rotated features of each head; 0: all */
    float base;           /* 0 means 10000 */
    float scale;          /* positions are multiplied by it (linear scaling); 0 means 1 */
    sw_node *frequencies; /* (dims/2) factors that divide the frequencies (Llama 3), or NULL */
    /* YaRN (Peng et al. 2023, section 3.2): pairs that turn more than fast times within the original
     * positions keep their frequency, those below slow times have it divided by factor, between them it
     * fades over; cosine and sine are multiplied by the magnitude. */
    struct {
        float factor;     /* 0: off */
        int64_t original; /* positions that the model was first trained for */
        float fast, slow; /* 0 means 32 and 1 */
        float magnitude;  /* 0 means 1 + 0.1 ln(factor) */
        bool
            fractional; /* the ends of the fading are not rounded outwards to whole pairs (gpt-oss) */
    } yarn;
} sw_rope_options;
/* x (...,T,NH,HS), positions i32 (...,T) or (T).  Su et al. 2021, equation 34. */
SW_API sw_node *sw_rope(sw_graph *g, sw_node *x, sw_node *positions, sw_rope_options o);
typedef struct sw_attention_options {
    bool causal;   /* position i sees keys up to i + (TK - TQ) */
    int window;    /* sees the last `window` keys only; 0: all */
    float scale;   /* 0 means 1 / sqrt(HS) */
    float softcap; /* logits become softcap * tanh(logits / softcap); 0: off */
    sw_node *mask; /* f32, added to the logits, broadcasts to (B,NH,TQ,TK), or NULL */
    /* i32 (B,T), TQ = TK = T, or NULL: a run of equal numbers is a document, whose positions see only each
     * other. */
    sw_node *documents;
    /* f32 (NH) or NULL: a logit of each head that joins the denominator of the softmax and has no value (gpt-oss).
     * No gradient flows to it. */
    sw_node *sinks;
} sw_attention_options;
/* q (B,TQ,NH,HS), k and v (B,TK,NKV,HS), NKV divides NH -> (B,TQ,NH,HS).  Memory O(T): Dao et al.
 * 2022.  A row that sees no key gives zeros. */
SW_API sw_node *sw_attention(sw_graph *g, sw_node *q, sw_node *k, sw_node *v,
                             sw_attention_options o);
/* Attention over a paged key-value pool (kv.h), one flat token axis for sequences of any lengths.
 * q (N,NH,HS), k and v (N,NKV,HS) of the new tokens, written into the pages first; k_pages and
 * v_pages: states (P,NKV,PAGE,HS) f32, f16, bf16 or q8_0; blocks i32 (S,MB): page numbers of each sequence;
 * sequence i32 (N) and position i32 (N) of each token.  A token sees its sequence's positions
 * 0..its own (causal), within the window.  A token of sequence -1 is padding: zeros.
 * Pages of q8_0 hold numbers that were rounded as sw_convert does.  No mask and no documents. */
SW_API sw_node *sw_paged_attention(sw_graph *g, sw_node *q, sw_node *k, sw_node *v,
                                   sw_node *k_pages, sw_node *v_pages, sw_node *blocks,
                                   sw_node *sequence, sw_node *position, sw_attention_options o);

/* ---- quantisation ---------------------------------------------------------------------------- */
/* f32 -> i8 or u8: round(x / scale) + zero, saturated, ties to even (ONNX QuantizeLinear); NaN gives
 * zero. scale f32 and zero (of the result's dtype, or NULL: 0, u8 or i8 by `dtype`) are scalars or (C)
 * along axis.  No gradient. */
SW_API sw_node *sw_quantise(sw_graph *g, sw_node *x, sw_node *scale, sw_node *zero, int axis,
                            sw_dtype dtype);
SW_API sw_node *sw_dequantise(sw_graph *g, sw_node *x, sw_node *scale, sw_node *zero, int axis);
/* A linear layer of bytes: y = x_scale w_scale sum over k of (x - x_zero) w + b, the sum exact.
 * x (...,K) u8 or i8, as of sw_quantise; x_scale f32, a scalar or one for each row of x; x_zero a scalar
 * of x's dtype, or NULL: 0; w (N,K) i8; w_scale f32 (N), one for each row of w; b f32 (N) or NULL
 * -> f32 (...,N).  K up to 65536.  No gradient. */
SW_API sw_node *sw_linear_int8(sw_graph *g, sw_node *x, sw_node *x_scale, sw_node *x_zero,
                               sw_node *w, sw_node *w_scale, sw_node *b);
/* y = x W^T + b with a block-quantised weight w (N,K): x (...,K) f32 -> (...,N).  As in llama.cpp, each 32
 * numbers of a row of x are rounded to bytes, d * (-127 .. 127) with d = most / 127 of the greatest
 * magnitude among them, and products are sums of integers, scaled and added in f32: y is off by at most
 * the sum of |w| d / 2.  The rounding of a row depends on that row only.  A NaN or infinity in x gives
 * NaN.  The gradient of x is that of the unrounded product, in f32; the gradient of w is refused. */
SW_API sw_node *sw_quantised_linear(sw_graph *g, sw_node *x, sw_node *w, sw_node *b);

/* A linear layer of a mixture of experts: y[t][u] = x W_e^T + b_e with e = experts[t][u].  x (T,K) f32, or (T,U,K)
 * with a row for each choice; w (E,N,K) f32, f16, bf16 or block-quantised; b f32 (E,N) or NULL; experts i32 (T,U)
 * -> (T,U,N).  Only chosen experts are read.  The arithmetic is that of sw_linear in f32, or of
 * sw_quantised_linear: a token has the same bits alone and among others.  An expert outside 0..E-1 gives
 * zeros.  No gradient. */
SW_API sw_node *sw_moe_linear(sw_graph *g, sw_node *x, sw_node *w, sw_node *b, sw_node *experts);

/* ---- layers on bytes: N, H, W, C -------------------------------------------------------------- */
/* What networks quantised to 8 bits are made of, on u8 with one scale and zero point for a tensor:
 * real = scale (byte - zero).  Sums are exact and results are rounded once, ties to even, and saturated, so
 * every CPU gives the same bytes.  No gradients. */
typedef struct sw_conv_u8_options {
    sw_conv_options conv;
    int x_zero, y_zero; /* 0 .. 255 */
    int low, high; /* results are kept within these bytes (relu: low = y_zero); both 0: 0 and 255 */
    bool f32;      /* y is f32, neither rounded nor shifted */
} sw_conv_u8_options;
/* y = saturate(round((sum of (x - x_zero) w + bias) * scale) + y_zero): scale is x's scale times the weight's,
 * divided by y's unless y is f32.  x u8 (N,H,W,C), padded with x_zero; w i8 (O,C/groups,KH,KW), scale f32 (O),
 * bias i32 (O) or NULL -> u8 or f32 (N,OH,OW,O).  At most 65536 products to a sum.  A linear layer is one with
 * pictures of one pixel. */
SW_API sw_node *sw_conv2d_u8(sw_graph *g, sw_node *x, sw_node *w, sw_node *scale, sw_node *bias,
                             sw_conv_u8_options o);
/* sw_quantise of pictures: x f32 (N,C,H,W) -> u8 (N,H,W,C). */
SW_API sw_node *sw_picture_u8(sw_graph *g, sw_node *x, float scale, int zero);
/* x u8 (N,H,W,C) -> u8; padding never wins. */
SW_API sw_node *sw_max_pool2d_u8(sw_graph *g, sw_node *x, sw_pool_options o);
/* y = saturate(round((sum of (x - x_zero)) * (scale / elements)) + y_zero), scale being x's by y's. */
SW_API sw_node *sw_avg_pool2d_u8(sw_graph *g, sw_node *x, int x_zero, float scale, int y_zero,
                                 sw_pool_options o);
typedef struct sw_add_u8_options {
    float a_scale, b_scale; /* divided by y's */
    int a_zero, b_zero, y_zero;
    int low, high; /* as in sw_conv_u8_options */
} sw_add_u8_options;
/* y = saturate(round((a - a_zero) a_scale + (b - b_zero) b_scale) + y_zero), of one shape. */
SW_API sw_node *sw_add_u8(sw_graph *g, sw_node *a, sw_node *b, sw_add_u8_options o);
/* y = table[x]: any function of one byte, copied into the graph. */
SW_API sw_node *sw_table_u8(sw_graph *g, sw_node *x, const uint8_t table[256]);
/* sw_lrn of x_scale (x - x_zero) over the last axis, as bytes; results may differ by one between ISAs. */
SW_API sw_node *sw_lrn_u8(sw_graph *g, sw_node *x, int x_zero, float x_scale, int y_zero,
                          float y_scale, sw_lrn_options o);

/* ---- updates: they write weights; pass the returned node to sw_compile as an output ------------ */
/* weight (param or state) = value, same shape and dtype.  Ops built before read the old values, ops
 * built after read the new. */
SW_API sw_node *sw_assign(sw_graph *g, sw_node *weight, sw_node *value);

#ifdef __cplusplus
}
#endif
#endif

/* What must not build in data movement and quantisation, and the words that say why. */
#include "op_test.h"

/* One builder a fault: the graph, its inputs, no result needed. */
#define BUILD(name, expression)                                                                    \
    static void name(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)              \
    {                                                                                              \
        (void)arg, (void)in;                                                                       \
        out[0] = expression;                                                                       \
    }

/* The gradient of a weight in blocks: refused, not silently zero. */
static sw_node *blocks_gradient(sw_graph *g, sw_node *x, sw_node *w)
{
    sw_node *loss = sw_reshape(g, sw_quantised_linear(g, x, w, NULL), (sw_shape){0}), *dw;
    sw_grad(g, loss, &w, 1, &dw);
    return dw;
}

BUILD(reshape_elements, sw_reshape(g, in[0], SW_SHAPE(3, 5)))
BUILD(reshape_two_free, sw_reshape(g, in[0], SW_SHAPE(-1, -1)))
BUILD(reshape_no_fit, sw_reshape(g, in[0], SW_SHAPE(-1, 5)))
BUILD(reshape_negative, sw_reshape(g, in[0], SW_SHAPE(-2, 6)))
BUILD(reshape_rank, sw_reshape(g, in[0], (sw_shape){.rank = 9}))
BUILD(reshape_overflow, sw_reshape(g, in[0], SW_SHAPE(INT64_MAX / 2, 4)))
BUILD(reshape_blocks, sw_reshape(g, in[0], SW_SHAPE(4, 16)))
BUILD(flatten_order, sw_flatten(g, in[0], 1, 0))
BUILD(flatten_axis, sw_flatten(g, in[0], 0, 2))
BUILD(expand_size, sw_expand(g, in[0], SW_SHAPE(4, 6)))
BUILD(expand_rank, sw_expand(g, in[0], SW_SHAPE(6)))
BUILD(expand_free, sw_expand(g, in[0], SW_SHAPE(-1, 4, 3)))
BUILD(expand_huge, sw_expand(g, in[0], SW_SHAPE(INT64_MAX / 4, 4, 3)))
BUILD(expand_blocks, sw_expand(g, in[0], SW_SHAPE(2, 1, 32)))
BUILD(transpose_twice, sw_transpose(g, in[0], (const int[]){0, 0}, 2))
BUILD(transpose_rank, sw_transpose(g, in[0], (const int[]){1, 0, 2}, 3))
BUILD(transpose_outside, sw_transpose(g, in[0], (const int[]){0, 2}, 2))
BUILD(concat_sizes, sw_concat(g, in, 2, 0))
BUILD(concat_axis, sw_concat(g, in, 2, 2))
BUILD(concat_none, sw_concat(g, in, 0, 0))
BUILD(split_sum, sw_split(g, in[0], (const int64_t[]){1, 1}, 2, 1))
BUILD(split_negative, sw_split(g, in[0], (const int64_t[]){4, -1}, 2, 1))
BUILD(split_none, sw_split(g, in[0], (const int64_t[]){4}, 0, 1))
BUILD(slice_axis, sw_slice(g, in[0], (sw_slice_options){.axis = -3}))
BUILD(pad_negative, sw_pad(g, in[0], (sw_pad_options){.before = {-1}}))
BUILD(pad_axis, sw_pad(g, in[0], (sw_pad_options){.after = {0, 0, 1}}))
BUILD(pad_reflect, sw_pad(g, in[0], (sw_pad_options){.after = {4}, .mode = SW_PAD_REFLECT}))
BUILD(pad_huge, sw_pad(g, in[0], (sw_pad_options){.after = {INT64_MAX}}))
BUILD(pad_mode, sw_pad(g, in[0], (sw_pad_options){.mode = (sw_pad_mode)7}))
BUILD(flip_axis, sw_flip(g, in[0], 2))
BUILD(gather_ids, sw_gather(g, in[0], in[1], 0))
BUILD(gather_axis, sw_gather(g, in[0], in[1], 2))
BUILD(gather_rank, sw_gather(g, in[0], in[1], 1))
BUILD(scatter_shapes, sw_scatter_add(g, in[0], in[1], in[2]))
BUILD(embedding_ids, sw_embedding(g, in[0], in[1]))
BUILD(resize_rank, sw_resize(g, in[0], (sw_resize_options){.height = 2, .width = 2}))
BUILD(resize_size, sw_resize(g, in[0], (sw_resize_options){.height = -1, .width = 2}))
BUILD(resize_corners, sw_resize(g, in[0], (sw_resize_options){2, 2, SW_RESIZE_NEAREST, true}))
BUILD(resize_nothing, sw_resize(g, in[0], (sw_resize_options){.height = 2, .width = 2}))
BUILD(quantise_dtype, sw_quantise(g, in[0], in[1], NULL, 0, SW_I32))
BUILD(quantise_scale, sw_quantise(g, in[0], in[1], NULL, 0, SW_I8))
BUILD(quantise_zero, sw_quantise(g, in[0], in[1], in[2], 1, SW_I8))
BUILD(dequantise_dtype, sw_dequantise(g, in[0], in[1], NULL, 0))
BUILD(linear, sw_quantised_linear(g, in[0], in[1], in[2]))
BUILD(linear_gradient, blocks_gradient(g, in[0], in[1]))
BUILD(assign_input, sw_assign(g, in[0], in[1]))
BUILD(assign_shape, sw_assign(g, in[0], in[1]))
BUILD(missing, sw_flip(g, NULL, 0))

#define F32(...)                                                                                   \
    {                                                                                              \
        .shape = SW_SHAPE(__VA_ARGS__)                                                             \
    }
#define I32(...)                                                                                   \
    {                                                                                              \
        .shape = SW_SHAPE(__VA_ARGS__), .dtype = SW_I32                                            \
    }
#define STATE(...)                                                                                 \
    {                                                                                              \
        .shape = SW_SHAPE(__VA_ARGS__), .state = true                                              \
    }
#define BLOCKS(...)                                                                                \
    {                                                                                              \
        .shape = SW_SHAPE(__VA_ARGS__), .dtype = SW_Q8_0, .state = true                            \
    }
#define FAULT(builder, why, ...)                                                                   \
    .name = #builder, .build = builder, .status = SW_ERR_##why, .text = {__VA_ARGS__}

const struct op_error_case optest_errors_move[] = {
    {FAULT(reshape_elements, SHAPE, "reshape", "(4,3)", "(3,5)"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(reshape_two_free, SHAPE, "reshape", "(-1,-1)"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(reshape_no_fit, SHAPE, "reshape", "(4,3)", "(-1,5)"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(reshape_negative, SHAPE, "reshape", "(-2,6)"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(reshape_rank, SHAPE, "reshape", "9"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(reshape_overflow, SHAPE, "reshape"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(reshape_blocks, SHAPE, "reshape", "q8_0"), .n_in = 1,
     .in = {{.shape = {2, {2, 32}}, .dtype = SW_Q8_0}}},
    {FAULT(flatten_order, SHAPE, "flatten", "axis 1"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(flatten_axis, SHAPE, "flatten", "(4,3)", "2"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(expand_size, SHAPE, "expand", "(4,3)", "(4,6)"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(expand_rank, SHAPE, "expand", "(4,3)", "(6)"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(expand_free, SHAPE, "expand", "(4,3)", "(-1,4,3)"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(expand_huge, SHAPE, "expand", "(4,3)"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(expand_blocks, DTYPE, "expand", "q4_0"), .n_in = 1,
     .in = {{.shape = {2, {1, 32}}, .dtype = SW_Q4_0}}},
    {FAULT(transpose_twice, SHAPE, "transpose", "permutation"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(transpose_rank, SHAPE, "transpose", "(4,3)", "3 axes"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(transpose_outside, SHAPE, "transpose", "permutation"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(concat_sizes, SHAPE, "concat", "(4,3)", "(4,2)"), .n_in = 2,
     .in = {F32(4, 3), F32(4, 2)}},
    {FAULT(concat_axis, SHAPE, "concat", "(4,3)", "2"), .n_in = 2, .in = {F32(4, 3), F32(4, 2)}},
    {FAULT(concat_sizes, DTYPE, "concat", "i32"), .n_in = 2, .in = {F32(4, 3), I32(4, 3)}},
    {FAULT(concat_none, ARGUMENT, "concat", "0"), .n_in = 2, .in = {F32(4, 3), F32(4, 2)}},
    {FAULT(split_sum, SHAPE, "split", "(4,3)", "2"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(split_negative, SHAPE, "split", "-1"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(split_none, ARGUMENT, "split", "0"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(slice_axis, SHAPE, "slice", "(4,3)", "-3"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(pad_negative, ARGUMENT, "pad", "-1"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(pad_axis, SHAPE, "pad", "(4,3)", "axis 2"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(pad_reflect, SHAPE, "pad", "(4,3)", "axis 0"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(pad_huge, SIZE, "pad"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(pad_mode, ARGUMENT, "pad", "7"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(flip_axis, SHAPE, "flip", "(4,3)", "2"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(gather_ids, DTYPE, "gather", "f32", "i32"), .n_in = 2, .in = {F32(4, 3), F32(2)}},
    {FAULT(gather_axis, SHAPE, "gather", "(4,3)", "2"), .n_in = 2, .in = {F32(4, 3), I32(2)}},
    {FAULT(gather_rank, SHAPE, "gather", "too many"), .n_in = 2,
     .in = {F32(1, 1, 1, 1, 1), I32(1, 1, 1, 1, 1)}},
    {FAULT(scatter_shapes, SHAPE, "scatter_add", "(4,3)", "(2)", "(2,4)"), .n_in = 3,
     .in = {F32(4, 3), I32(2), F32(2, 4)}},
    {FAULT(scatter_shapes, DTYPE, "scatter_add", "i32"), .n_in = 3,
     .in = {F32(4, 3), F32(2), F32(2, 3)}},
    {FAULT(embedding_ids, DTYPE, "embedding", "i32"), .n_in = 2, .in = {F32(4, 3), F32(2)}},
    {FAULT(embedding_ids, SHAPE, "embedding", "(4,3,2)"), .n_in = 2, .in = {F32(4, 3, 2), I32(2)}},
    {FAULT(embedding_ids, DTYPE, "embedding", "i32"), .n_in = 2, .in = {I32(4, 3), I32(2)}},
    {FAULT(resize_rank, SHAPE, "resize", "(4,3)"), .n_in = 1, .in = {F32(4, 3)}},
    {FAULT(resize_size, ARGUMENT, "resize", "-1"), .n_in = 1, .in = {F32(1, 1, 4, 3)}},
    {FAULT(resize_corners, ARGUMENT, "resize", "corners"), .n_in = 1, .in = {F32(1, 1, 4, 3)}},
    {FAULT(resize_nothing, SHAPE, "resize", "(1,1,0,3)"), .n_in = 1, .in = {F32(1, 1, 0, 3)}},
    {FAULT(quantise_dtype, DTYPE, "quantise"), .n_in = 2, .in = {F32(4, 3), F32(4)}},
    {FAULT(quantise_scale, SHAPE, "quantise", "(4,3)", "(3)"), .n_in = 2,
     .in = {F32(4, 3), F32(3)}},
    {FAULT(quantise_scale, SHAPE, "quantise", "(4,1)"), .n_in = 2, .in = {F32(4, 3), F32(4, 1)}},
    {FAULT(quantise_zero, DTYPE, "quantise", "i8"), .n_in = 3, .in = {F32(4, 3), F32(3), I32(3)}},
    {FAULT(dequantise_dtype, DTYPE, "dequantise", "f32"), .n_in = 2, .in = {F32(4, 3), F32(4)}},
    {FAULT(linear, DTYPE, "quantised_linear", "f32"), .n_in = 3,
     .in = {F32(2, 32), F32(4, 32), F32(4)}},
    {FAULT(linear, SHAPE, "quantised_linear", "(2,64)", "(4,32)"), .n_in = 3,
     .in = {F32(2, 64), BLOCKS(4, 32), F32(4)}},
    {FAULT(linear, SHAPE, "quantised_linear", "(4,32)", "(3)"), .n_in = 3,
     .in = {F32(2, 32), BLOCKS(4, 32), F32(3)}},
    {FAULT(linear_gradient, UNSUPPORTED, "quantised_linear", "no gradient"), .n_in = 2,
     .in = {F32(1, 32), BLOCKS(1, 32)}},
    {FAULT(assign_input, ARGUMENT, "assign", "weight"), .n_in = 2, .in = {F32(4, 3), F32(4, 3)}},
    {FAULT(assign_shape, SHAPE, "assign", "(4,3)", "(3,4)"), .n_in = 2,
     .in = {STATE(4, 3), F32(3, 4)}},
    {FAULT(missing, ARGUMENT, "flip", "missing")},
    {0}};

/* All ops.  X(name): class sw__op_<name>, tested by optest_<name> in tests/ops; an op without its
 * test does not link. */
#ifndef SWELL_GRAPH_OP_LIST_H
#define SWELL_GRAPH_OP_LIST_H

/* clang-format off */

/* elementwise: src/graph/ops/binary.c, unary.c, activation.c, unary_grad.c, cast.c, dropout.c */
#define SW_OPS_ELEMENTWISE(X)                                                                      \
    X(addition)                                                                                    \
    X(sub)                                                                                         \
    X(mul)                                                                                         \
    X(div)                                                                                         \
    X(pow)                                                                                         \
    X(maximum)                                                                                     \
    X(minimum)                                                                                     \
    X(equal)                                                                                       \
    X(not_equal)                                                                                   \
    X(less)                                                                                        \
    X(less_equal)                                                                                  \
    X(greater)                                                                                     \
    X(greater_equal)                                                                               \
    X(where)                                                                                       \
    X(neg)                                                                                         \
    X(abs)                                                                                         \
    X(exp)                                                                                         \
    X(log)                                                                                         \
    X(sqrt)                                                                                        \
    X(rsqrt)                                                                                       \
    X(square)                                                                                      \
    X(reciprocal)                                                                                  \
    X(sin)                                                                                         \
    X(cos)                                                                                         \
    X(tanh)                                                                                        \
    X(sigmoid)                                                                                     \
    X(relu)                                                                                        \
    X(leaky_relu)                                                                                  \
    X(gelu)                                                                                        \
    X(gelu_tanh)                                                                                   \
    X(silu)                                                                                        \
    X(softplus)                                                                                    \
    X(clip)                                                                                        \
    X(scale)                                                                                       \
    X(cast)                                                                                        \
    X(dropout)                                                                                     \
    X(stop_gradient)

/* reductions: reduce.c, argmax.c, cumsum.c, topk.c */
#define SW_OPS_REDUCE(X)                                                                           \
    X(sum)                                                                                         \
    X(mean)                                                                                        \
    X(max)                                                                                         \
    X(min)                                                                                         \
    X(argmax)                                                                                      \
    X(cumsum)                                                                                      \
    X(topk)

/* products: matmul.c (sw_linear too) */
#define SW_OPS_PRODUCT(X)                                                                          \
    X(matmul)

/* convolution and pooling: conv.c (sw_conv1d too), conv_transpose.c, pool.c */
#define SW_OPS_CONV(X)                                                                             \
    X(conv2d)                                                                                      \
    X(conv_transpose2d)                                                                            \
    X(max_pool2d)                                                                                  \
    X(avg_pool2d)

/* normalisation, softmax, losses: lrn.c, batchnorm.c, layernorm.c, rmsnorm.c, groupnorm.c, softmax.c,
 * gumbel_softmax.c, cross_entropy.c, elementwise_loss.c */
#define SW_OPS_NORM(X)                                                                             \
    X(lrn)                                                                                         \
    X(batchnorm)                                                                                   \
    X(batchnorm_training)                                                                          \
    X(layernorm)                                                                                   \
    X(rmsnorm)                                                                                     \
    X(groupnorm)                                                                                   \
    X(softmax)                                                                                     \
    X(log_softmax)                                                                                 \
    X(gumbel_softmax)                                                                              \
    X(cross_entropy)                                                                               \
    X(mse)                                                                                         \
    X(bce_logits)

/* data movement: view.c, expand.c, transpose.c, concat.c, slice.c, pad.c, gather.c, scatter_add.c,
 * embedding.c, resize.c */
#define SW_OPS_MOVE(X)                                                                             \
    X(reshape)                                                                                     \
    X(flatten)                                                                                     \
    X(expand)                                                                                      \
    X(transpose)                                                                                   \
    X(concat)                                                                                      \
    X(split)                                                                                       \
    X(slice)                                                                                       \
    X(flip)                                                                                        \
    X(pad)                                                                                         \
    X(gather)                                                                                      \
    X(scatter_add)                                                                                 \
    X(embedding)                                                                                   \
    X(resize)

/* attention and positions: attention.c, paged_attention.c, rope.c */
#define SW_OPS_ATTENTION(X)                                                                        \
    X(rope)                                                                                        \
    X(attention)                                                                                   \
    X(paged_attention)

/* quantisation: quantise.c, quantised_linear.c, moe_linear.c, linear_int8.c, conv_u8.c,
 * layers_u8.c */
#define SW_OPS_QUANT(X)                                                                            \
    X(quantise)                                                                                    \
    X(dequantise)                                                                                  \
    X(quantised_linear)                                                                            \
    X(moe_linear)                                                                                  \
    X(linear_int8)                                                                                 \
    X(conv2d_u8)                                                                                   \
    X(max_pool2d_u8)                                                                               \
    X(avg_pool2d_u8)                                                                               \
    X(add_u8)                                                                                      \
    X(table_u8)                                                                                    \
    X(picture_u8)                                                                                  \
    X(lrn_u8)

/* updates of weights: assign.c, sgd.c, adam.c, running_sum.c, global_norm.c,
 * group.c */
#define SW_OPS_UPDATE(X)                                                                           \
    X(assign)                                                                                      \
    X(sgd_update)                                                                                  \
    X(adam_update)                                                                                 \
    X(ema_update)                                                                                  \
    X(accumulate)                                                                                  \
    X(global_norm)                                                                                 \
    X(update_scale)                                                                                \
    X(group)

/* clang-format on */

#define SW_OP_LIST(X)                                                                              \
    SW_OPS_ELEMENTWISE(X)                                                                          \
    SW_OPS_REDUCE(X)                                                                               \
    SW_OPS_PRODUCT(X)                                                                              \
    SW_OPS_CONV(X)                                                                                 \
    SW_OPS_NORM(X)                                                                                 \
    SW_OPS_MOVE(X)                                                                                 \
    SW_OPS_ATTENTION(X)                                                                            \
    SW_OPS_QUANT(X)                                                                                \
    SW_OPS_UPDATE(X)

/* Ops that only gradient rules make: X(name, forward op whose gradient test runs it). */
/* clang-format off */
#define SW_BACKWARD_OPS_ELEMENTWISE(X)                                                             \
    X(sqrt_grad, sqrt)                                                                             \
    X(rsqrt_grad, rsqrt)                                                                           \
    X(reciprocal_grad, reciprocal)                                                                 \
    X(tanh_grad, tanh)                                                                             \
    X(sigmoid_grad, sigmoid)                                                                       \
    X(relu_grad, relu)                                                                             \
    X(leaky_relu_grad, leaky_relu)                                                                 \
    X(abs_grad, abs)                                                                               \
    X(square_grad, square)                                                                         \
    X(sin_grad, sin)                                                                               \
    X(cos_grad, cos)                                                                               \
    X(softplus_grad, softplus)                                                                     \
    X(silu_grad, silu)                                                                             \
    X(gelu_grad, gelu)                                                                             \
    X(gelu_tanh_grad, gelu_tanh)                                                                   \
    X(clip_grad, clip)                                                                             \
    X(dropout_grad, dropout)

#define SW_BACKWARD_OPS_REDUCE(X)                                                                  \
    X(sum_grad, sum)                                                                               \
    X(extreme_grad, max)                                                                           \
    X(topk_grad, topk)

#define SW_BACKWARD_OPS_PRODUCT(X)

#define SW_BACKWARD_OPS_CONV(X)                                                                    \
    X(conv2d_grad_input, conv2d)                                                                   \
    X(conv2d_grad_weight, conv2d)                                                                  \
    X(max_pool2d_grad, max_pool2d)                                                                 \
    X(avg_pool2d_grad, avg_pool2d)

#define SW_BACKWARD_OPS_NORM(X)                                                                    \
    X(lrn_backward, lrn)                                                                           \
    X(batchnorm_backward, batchnorm)                                                               \
    X(layernorm_backward, layernorm)                                                               \
    X(rmsnorm_backward, rmsnorm)                                                                   \
    X(groupnorm_backward, groupnorm)                                                               \
    X(softmax_backward, softmax)                                                                   \
    X(cross_entropy_backward, cross_entropy)                                                       \
    X(mse_backward, mse)                                                                           \
    X(bce_logits_backward, bce_logits)

#define SW_BACKWARD_OPS_MOVE(X)                                                                    \
    X(reshape_like, reshape)                                                                       \
    X(expand_like, sum)                                                                            \
    X(concat_grad, concat)                                                                         \
    X(split_grad, split)                                                                           \
    X(slice_grad, slice)                                                                           \
    X(pad_grad, pad)                                                                               \
    X(gather_grad, gather)                                                                         \
    X(resize_grad, resize)

#define SW_BACKWARD_OPS_ATTENTION(X) X(attention_backward, attention)

#define SW_BACKWARD_OPS_QUANT(X) X(quantised_linear_grad, quantised_linear)

/* clang-format on */

#define SW_BACKWARD_OP_LIST(X)                                                                     \
    SW_BACKWARD_OPS_ELEMENTWISE(X)                                                                 \
    SW_BACKWARD_OPS_REDUCE(X)                                                                      \
    SW_BACKWARD_OPS_PRODUCT(X)                                                                     \
    SW_BACKWARD_OPS_CONV(X)                                                                        \
    SW_BACKWARD_OPS_NORM(X)                                                                        \
    SW_BACKWARD_OPS_MOVE(X)                                                                        \
    SW_BACKWARD_OPS_ATTENTION(X)                                                                   \
    SW_BACKWARD_OPS_QUANT(X)

struct sw_op_class;
#define SW_OP_DECLARE(name)                   extern const struct sw_op_class sw__op_##name;
#define SW_BACKWARD_OP_DECLARE(name, forward) extern const struct sw_op_class sw__op_##name;
SW_OP_LIST(SW_OP_DECLARE)
SW_BACKWARD_OP_LIST(SW_BACKWARD_OP_DECLARE)
#undef SW_OP_DECLARE
#undef SW_BACKWARD_OP_DECLARE

#endif

/* ONNX's losses: NegativeLogLikelihoodLoss of log probabilities, SoftmaxCrossEntropyLoss of scores.
 *
 * x (N,C,d1,...), labels (N,d1,...): the loss of a place is -weight[label] x[label], taken out by a mask of
 * ones; labels that are ignored count nothing, and the mean is over the weights of those that count. */
#include "format/onnx/onnx_import.h"

enum { NLL, CROSS_ENTROPY };

/* (1,C,1,...) with 0 .. C-1 */
static sw_node *classes(struct sw_onnx_import *im, int rank, int64_t c)
{
    sw_shape line = {.rank = rank};
    int32_t *number = sw__onnx_constant_alloc(im, SW_ONNX_INT32, c);
    for (int d = 0; d < rank; d++) line.dim[d] = d == 1 ? c : 1;
    for (int64_t i = 0; number && i < c; i++) number[i] = (int32_t)i;
    return number ? sw_const(im->g, SW_I32, line, number)
                  : sw__onnx_refuse(im, SW_ERR_SIZE, "too many classes");
}

/* Weight of each place and class where the label is the class, else 0: (N,C,d1,...). */
static sw_node *weighted_hits(struct sw_onnx_import *im, sw_node *labels, const sw_shape *s)
{
    sw_graph *g = im->g;
    sw_shape wide = *s, line = {.rank = s->rank};
    wide.dim[1] = 1;
    labels = sw_reshape(g, labels, wide);
    sw_node *hit = sw_cast(g, sw_equal(g, labels, classes(im, s->rank, s->dim[1])), SW_F32);
    if (sw__onnx_has(im, 2)) {
        for (int d = 0; d < s->rank; d++) line.dim[d] = d == 1 ? s->dim[1] : 1;
        hit = sw_mul(g, hit, sw_reshape(g, sw__onnx_f32(im, 2), line));
    }
    if (sw__onnx_attribute(im, "ignore_index")) {
        int ignored = sw__onnx_int(im, sw__onnx_attr_i(im, "ignore_index", 0), "ignore_index");
        sw_node *counts = sw_not_equal(g, labels, sw__onnx_i32(g, ignored));
        hit = sw_mul(g, hit, sw_cast(g, counts, SW_F32));
    }
    return hit;
}

static void loss(struct sw_onnx_import *im)
{
    sw_graph *g = im->g;
    int type = sw__onnx_in_type(im, 0);
    sw_node *x = sw__onnx_f32(im, 0), *labels = sw__onnx_number(im, 1);
    sw_shape s = sw_node_shape(x);
    sw_reduce_options all = {0}, over = {.axes = {1}, .n_axes = 1};
    if (s.rank < 2) sw__onnx_refuse(im, SW_ERR_FORMAT, "scores of %d dimensions", s.rank);
    if (sw__onnx_failed(im)) return;
    if (im->op->which == CROSS_ENTROPY) x = sw_log_softmax(g, x, 1);
    if (im->op->which == CROSS_ENTROPY && sw__onnx_wants(im, 1)) sw__onnx_emit(im, 1, type, x);
    sw_node *hit = weighted_hits(im, labels, &s), *zero = sw_scalar(g, 0);
    /* Where there is no hit the score does not count, infinite ones neither. */
    sw_node *taken = sw_where(g, sw_not_equal(g, hit, zero), sw_mul(g, x, hit), zero);
    sw_node *y = sw_neg(g, sw_sum(g, taken, over));
    if (sw__onnx_attr_is(im, "reduction", "mean", "sum"))
        y = sw_sum(g, y, all);
    else if (sw__onnx_attr_is(im, "reduction", "mean", "mean"))
        y = sw_div(g, sw_sum(g, y, all), sw_sum(g, hit, all));
    else if (!sw__onnx_attr_is(im, "reduction", "mean", "none"))
        sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "this reduction is not known");
    sw__onnx_emit(im, 0, type, y);
}

const struct sw_onnx_operator sw__onnx_loss_ops[] = {
    {"NegativeLogLikelihoodLoss", 12, 0, 3, 1, NLL, loss, NULL, "ignore_index reduction"},
    {"SoftmaxCrossEntropyLoss", 12, 0, 3, 2, CROSS_ENTROPY, loss, NULL, "ignore_index reduction"},
    {0}};

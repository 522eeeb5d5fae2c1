/* Cases of cross entropy, mean squared error and binary cross entropy.
 *
 * Tolerances.  A row's loss lse - x_y is below 20 here: 20 * 2^-24 from its roundings, lse adds
 * (n / 32 + 14) * 2^-24; the mean and the sum add (rows / 32 + 12) * 2^-24 of the result, which the
 * runner divides by: 1e-5 covers rows and classes up to 1000. */
#include "op_test.h"

#include <math.h>

/* ---- cross entropy ----------------------------------------------------------------------------- */

struct entropy {
    sw_cross_entropy_options o; /* class_weights is in[2] if `weights` */
    bool weights;
};

static void build_entropy(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct entropy *c = arg;
    sw_cross_entropy_options o = c->o;
    if (c->weights) o.class_weights = in[2];
    out[0] = sw_cross_entropy(g, in[0], in[1], o);
}

/* Loss of one row against probabilities t. */
static double row_loss(const double *x, const double *t, int64_t n)
{
    double max = -INFINITY, sum = 0, loss = 0;
    for (int64_t i = 0; i < n; i++) max = fmax(max, x[i]);
    for (int64_t i = 0; i < n; i++) sum += exp(x[i] - max);
    for (int64_t i = 0; i < n; i++)
        if (t[i] != 0) loss -= t[i] * (x[i] - max - log(sum));
    return loss;
}

static void oracle_entropy(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const struct entropy *c = arg;
    int64_t n = in[0].shape.dim[in[0].shape.rank - 1];
    int64_t rows = n ? oracle_count(&in[0]) / n : 0;
    bool hard = in[1].shape.rank < in[0].shape.rank;
    double e = (double)c->o.label_smoothing, total = 0, weights = 0, t[64];
    for (int64_t r = 0; r < rows; r++) {
        double own = 1, loss;
        int64_t label = hard ? (int64_t)in[1].v[r] : 0;
        bool ignored = hard && c->o.ignore && label == c->o.ignore_label;
        bool known = !hard || (label >= 0 && label < n);
        if (known && hard && c->weights) own = in[2].v[label];
        for (int64_t i = 0; i < n; i++) {
            double w = c->weights ? in[2].v[i] : 1;
            double p = hard ? (i == label ? own : 0) : in[1].v[r * n + i];
            t[i] = (1 - e) * p + e / (double)n * w;
        }
        loss = ignored ? 0 : known ? row_loss(in[0].v + r * n, t, n) : NAN;
        if (c->o.reduction == SW_REDUCE_NONE) out[0].v[r] = loss;
        total += loss;
        weights += ignored ? 0 : own;
    }
    if (c->o.reduction == SW_REDUCE_SUM) out[0].v[0] = total;
    if (c->o.reduction == SW_REDUCE_MEAN) out[0].v[0] = weights > 0 ? total / weights : 0 * total;
}

static const double ignored[] = {-1, 2, 0, -1, 4, 4, -1};
static const double zeros[5];
static const double all_ignored[] = {-1, -1, -1};
static const double outside[] = {1, 5, -2, 0};
static const double masked_logits[] = {-INFINITY, 1, 2, 0, -INFINITY, 1};
static const double masked_labels[] = {0, 0.25, 0.75, 0.5, 0, 0.5};

/* clang-format off */
#define SHAPE(...) {sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), {__VA_ARGS__}}
#define LOGITS(...) {.shape = SHAPE(__VA_ARGS__), .lo = -5, .hi = 5, .grad = true}
#define HARD(n, ...) {.shape = SHAPE(__VA_ARGS__), .dtype = SW_I32, .lo = 0, .hi = (n) - 1}
#define LABELS(list, ...) {.shape = SHAPE(__VA_ARGS__), .dtype = SW_I32, .values = list}
#define SOFT(...) {.shape = SHAPE(__VA_ARGS__), .lo = 0, .hi = 0.2, .grad = true}
#define WEIGHTS(n) {.shape = SHAPE(n), .lo = 0.1, .hi = 2}
#define ENTROPY(title, rows, inputs, options, ...)                                                 \
    {.name = title, .build = build_entropy, .oracle = oracle_entropy, .tol = 1e-5, .batch = rows,  \
     .n_in = inputs, .in = {__VA_ARGS__}, .arg = &(const struct entropy){options}}
#define O(...) .o = {__VA_ARGS__}
#define MEAN .reduction = SW_REDUCE_MEAN
#define SUM .reduction = SW_REDUCE_SUM
#define NONE .reduction = SW_REDUCE_NONE
#define WITH_WEIGHTS(...) .weights = true, .o = {__VA_ARGS__}

const struct op_case optest_cross_entropy[] = {
    ENTROPY("mean", 0, 2, O(MEAN), LOGITS(12, 10), HARD(10, 12)),
    ENTROPY("sum", 0, 2, O(SUM), LOGITS(12, 10), HARD(10, 12)),
    ENTROPY("none", 3, 2, O(NONE), LOGITS(3, 4, 10), HARD(10, 3, 4)),
    ENTROPY("one row", 0, 2, O(MEAN), LOGITS(10), {.shape = {0}, .dtype = SW_I32, .lo = 2, .hi = 2}),
    ENTROPY("one class", 0, 2, O(MEAN), LOGITS(5, 1), LABELS(zeros, 5)),
    ENTROPY("many rows", 0, 2, O(MEAN), LOGITS(1000, 3), HARD(3, 1000)),
    ENTROPY("smoothed", 0, 2, O(MEAN, .label_smoothing = 0.1f), LOGITS(9, 33), HARD(33, 9)),
    ENTROPY("smoothed, none", 3, 2, O(NONE, .label_smoothing = 0.3f), LOGITS(9, 5), HARD(5, 9)),
    ENTROPY("weighted", 0, 3, WITH_WEIGHTS(MEAN), LOGITS(9, 5), HARD(5, 9), WEIGHTS(5)),
    ENTROPY("weighted, smoothed", 0, 3, WITH_WEIGHTS(MEAN, .label_smoothing = 0.2f), LOGITS(9, 5),
            HARD(5, 9), WEIGHTS(5)),
    ENTROPY("weighted, smoothed, none", 3, 3, WITH_WEIGHTS(NONE, .label_smoothing = 0.2f),
            LOGITS(9, 5), HARD(5, 9), WEIGHTS(5)),
    ENTROPY("ignored", 0, 2, O(MEAN, .ignore = true, .ignore_label = -1), LOGITS(7, 5),
            LABELS(ignored, 7)),
    ENTROPY("ignored class", 3, 2, O(NONE, .ignore = true, .ignore_label = 1), LOGITS(30, 3),
            HARD(3, 30)),
    ENTROPY("ignored, weighted, smoothed", 0, 3,
            WITH_WEIGHTS(MEAN, .ignore = true, .ignore_label = -1, .label_smoothing = 0.2f),
            LOGITS(7, 5), LABELS(ignored, 7), WEIGHTS(5)),
    ENTROPY("all ignored", 0, 2, O(MEAN, .ignore = true, .ignore_label = -1), LOGITS(3, 5),
            LABELS(all_ignored, 3)),
    ENTROPY("labels outside", 0, 2, O(NONE), {.shape = SHAPE(4, 5)}, LABELS(outside, 4)),
    ENTROPY("soft", 0, 2, O(MEAN), LOGITS(6, 10), SOFT(6, 10)),
    ENTROPY("soft, sum", 0, 2, O(SUM), LOGITS(2, 3, 10), SOFT(2, 3, 10)),
    ENTROPY("soft, none, smoothed", 3, 2, O(NONE, .label_smoothing = 0.3f), LOGITS(6, 10),
            SOFT(6, 10)),
    ENTROPY("soft, masked logits", 0, 2, O(NONE), {.shape = SHAPE(2, 3), .values = masked_logits},
            {.shape = SHAPE(2, 3), .values = masked_labels}),
    ENTROPY("no rows", 0, 2, O(MEAN), LOGITS(0, 5), HARD(5, 0)),
    ENTROPY("no rows, none", 0, 2, O(NONE), LOGITS(0, 5), HARD(5, 0)),
    {0}};
/* clang-format on */

/* ---- losses of elements ------------------------------------------------------------------------ */

struct elements {
    sw_reduction reduction;
    bool bce;
};

static void build_elements(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct elements *c = arg;
    out[0] = c->bce ? sw_bce_logits(g, in[0], in[1], c->reduction)
                    : sw_mse(g, in[0], in[1], c->reduction);
}

static void oracle_elements(const struct oracle_array *in, struct oracle_array *out,
                            const void *arg)
{
    const struct elements *c = arg;
    int64_t n = oracle_count(&in[0]);
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        double x = in[0].v[i], t = in[1].v[i], y = (x - t) * (x - t);
        if (c->bce) y = t * log1p(exp(-x)) + (1 - t) * (x + log1p(exp(-x)));
        if (c->reduction == SW_REDUCE_NONE) out[0].v[i] = y;
        sum += y;
    }
    if (c->reduction == SW_REDUCE_SUM) out[0].v[0] = sum;
    if (c->reduction == SW_REDUCE_MEAN) out[0].v[0] = n ? sum / (double)n : 0;
}

/* clang-format off */
#define ELEMENTS(title, is_bce, kind, rows, ...)                                                   \
    {.name = title, .build = build_elements, .oracle = oracle_elements, .tol = 1e-5, .batch = rows,\
     .n_in = 2, .arg = &(const struct elements){kind, is_bce},                                     \
     .in = {{.shape = SHAPE(__VA_ARGS__), .lo = -6, .hi = 6, .grad = true},                        \
            {.shape = SHAPE(__VA_ARGS__), .lo = 0, .hi = 1, .grad = true}}}
#define ELEMENT_CASES(is_bce)                                                                      \
    ELEMENTS("mean", is_bce, SW_REDUCE_MEAN, 0, 5, 7),                                             \
    ELEMENTS("sum", is_bce, SW_REDUCE_SUM, 0, 5, 7, 3),                                            \
    ELEMENTS("none", is_bce, SW_REDUCE_NONE, 3, 5, 37),                                            \
    ELEMENTS("mean of blocks", is_bce, SW_REDUCE_MEAN, 0, 20, 1003),                               \
    ELEMENTS("none, in blocks", is_bce, SW_REDUCE_NONE, 3, 20, 1003),                              \
    ELEMENTS("one number", is_bce, SW_REDUCE_MEAN, 0, 1),                                          \
    ELEMENTS("nothing", is_bce, SW_REDUCE_MEAN, 0, 0, 3),                                          \
    ELEMENTS("nothing, none", is_bce, SW_REDUCE_NONE, 0, 0, 3)

const struct op_case optest_mse[] = {ELEMENT_CASES(false), {0}};
const struct op_case optest_bce_logits[] = {ELEMENT_CASES(true), {0}};

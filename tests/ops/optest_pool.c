/* Cases of max_pool2d and avg_pool2d, and of the global ones.
 *
 * The oracle looks at every window.  A maximum is exact.  A mean of n numbers below 1: n roundings of
 * 2^-24 each, relative to a sum of magnitudes of at most n, divided by n: n 2^-24; the runner scales
 * by max(1, |y|). */
#include "op_test.h"

#include <math.h>

enum kind { MAX, AVG, GLOBAL_MAX, GLOBAL_AVG };

struct pool {
    enum kind kind;
    sw_pool_options o;
};

static void build(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct pool *p = arg;
    switch (p->kind) {
    case MAX: out[0] = sw_max_pool2d(g, in[0], p->o); break;
    case AVG: out[0] = sw_avg_pool2d(g, in[0], p->o); break;
    case GLOBAL_MAX: out[0] = sw_global_max_pool2d(g, in[0]); break;
    case GLOBAL_AVG: out[0] = sw_global_avg_pool2d(g, in[0]); break;
    }
}

/* Rows or columns of a window: [begin, end) inside of the input, and how many are counted. */
struct span {
    int64_t begin, end, counted;
};

static struct span span_of(const struct pool *p, int axis, int64_t size, int64_t i)
{
    if (p->kind >= GLOBAL_MAX) return (struct span){0, size, size};
    const int64_t kernel = p->o.kernel[axis];
    const int64_t stride = p->o.stride[axis] ? p->o.stride[axis] : kernel;
    int64_t first = i * stride - p->o.pad[axis], last = first + kernel;
    struct span s = {first < 0 ? 0 : first, last > size ? size : last, 0};
    s.counted = s.end - s.begin;
    if (!p->o.count_pad) return s;
    int64_t padded = size + p->o.pad[axis + 2];
    s.counted = (last < padded ? last : padded) - first;
    return s;
}

static void oracle(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const struct pool *p = arg;
    const int64_t *x = in[0].shape.dim, *y = out[0].shape.dim;
    for (int64_t e = 0; e < oracle_count(&out[0]); e++) {
        const struct span r = span_of(p, 0, x[2], e / y[3] % y[2]);
        const struct span q = span_of(p, 1, x[3], e % y[3]);
        const double *plane = in[0].v + e / y[3] / y[2] * x[2] * x[3];
        double sum = 0, most = -INFINITY;
        for (int64_t i = r.begin; i < r.end; i++)
            for (int64_t j = q.begin; j < q.end; j++) {
                sum += plane[i * x[3] + j];
                most = fmax(most, plane[i * x[3] + j]);
            }
        bool mean = p->kind == AVG || p->kind == GLOBAL_AVG;
        out[0].v[e] = mean ? sum / (double)(r.counted * q.counted) : most;
    }
}

#define S(...)                                                                                     \
    {                                                                                              \
        sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),                                        \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define PAD(p)                                                                                     \
    {                                                                                              \
        p, p, p, p                                                                                 \
    }
/* clang-format off */
#define CASE(title, kind_, x_, y_, ...)                                                            \
    {.name = title, .build = build, .oracle = oracle, .expect = y_, .n_in = 1,                     \
     .arg = &(const struct pool){.kind = kind_, .o = {__VA_ARGS__}},                                            \
     .in = {{.shape = x_, .grad = true, .separate = (kind_) % 2 ? 0 : 1e-3}},                      \
     .tol = (kind_) % 2 ? 200 * 0x1p-24 : 0, .batch = 1}
#define EMPTY(title, kind_, x_, y_, ...)                                                           \
    {.name = title, .build = build, .oracle = oracle, .expect = y_, .n_in = 1,                     \
     .arg = &(const struct pool){.kind = kind_, .o = {__VA_ARGS__}},                               \
     .in = {{.shape = x_, .grad = true}}}
#define CASES(kind)                                                                                \
    CASE("2x2", kind, S(2, 3, 8, 10), S(2, 3, 4, 5), .kernel = {2, 2}),                            \
    CASE("2x2, odd sizes", kind, S(2, 3, 7, 9), S(2, 3, 3, 4), .kernel = {2, 2}),                  \
    CASE("2x2, odd sizes, ceil", kind, S(2, 3, 7, 9), S(2, 3, 4, 5), .kernel = {2, 2}, .ceil_mode = true), \
    CASE("AlexNet: 3x3, stride 2", kind, S(2, 2, 13, 15), S(2, 2, 6, 7), .kernel = {3, 3}, .stride = {2, 2}), \
    CASE("3x3, stride 2, padding", kind, S(2, 2, 12, 40), S(2, 2, 6, 20), .kernel = {3, 3},        \
         .stride = {2, 2}, .pad = PAD(1)),                                                         \
    CASE("3x3, same", kind, S(1, 2, 9, 37), S(1, 2, 9, 37), .kernel = {3, 3}, .stride = {1, 1}, .pad = PAD(1)), \
    CASE("asymmetric padding", kind, S(1, 2, 6, 7), S(1, 2, 4, 8), .kernel = {4, 3},               \
         .stride = {2, 1}, .pad = {1, 2, 3, 1}),                                                   \
    CASE("ceil leaves out a window in the padding", kind, S(1, 2, 6, 5), S(1, 2, 3, 3), .kernel = {2, 2}, \
         .stride = {3, 2}, .pad = {1, 1, 1, 1}, .ceil_mode = true),                                \
    CASE("gaps: stride 3", kind, S(2, 2, 11, 35), S(2, 2, 4, 12), .kernel = {2, 2}, .stride = {3, 3}), \
    CASE("stride 5", kind, S(1, 2, 16, 60), S(1, 2, 3, 11), .kernel = {6, 7}, .stride = {5, 5}),   \
    CASE("the whole plane", kind, S(2, 3, 6, 5), S(2, 3, 1, 1), .kernel = {6, 5}),                 \
    CASE("large windows", kind, S(1, 2, 12, 20), S(1, 2, 4, 12), .kernel = {9, 9}, .stride = {1, 1}), \
    CASE("many planes", kind, S(3, 40, 28, 28), S(3, 40, 14, 14), .kernel = {2, 2}),               \
    EMPTY("no image", kind, S(0, 3, 8, 10), S(0, 3, 4, 5), .kernel = {2, 2})

const struct op_case optest_max_pool2d[] = {
    CASES(MAX),
    CASE("global", GLOBAL_MAX, S(2, 3, 6, 7), S(2, 3, 1, 1), .kernel = {0, 0}),
    {0}};
const struct op_case optest_avg_pool2d[] = {
    CASES(AVG),
    CASE("3x3, padding counts", AVG, S(2, 2, 12, 9), S(2, 2, 6, 5), .kernel = {3, 3}, .stride = {2, 2}, .pad = PAD(1), .count_pad = true),
    CASE("padding counts, ceil", AVG, S(2, 2, 8, 9), S(2, 2, 5, 5), .kernel = {3, 3}, .stride = {2, 2}, .pad = PAD(1), .count_pad = true, .ceil_mode = true),
    CASE("global", GLOBAL_AVG, S(2, 3, 6, 7), S(2, 3, 1, 1), .kernel = {0, 0}),
    {0}};

#define BAD(title, kind_, x_, status_, t0, t1, t2, ...)                                            \
    {.name = title, .build = build, .arg = &(const struct pool){.kind = kind_, .o = {__VA_ARGS__}}, .n_in = 1,  \
     .in = {{.shape = x_}}, .status = status_, .text = {t0, t1, t2}}
const struct op_error_case optest_errors_pool[] = {
    BAD("no kernel", MAX, S(2, 3, 8, 8), SW_ERR_ARGUMENT, "max_pool2d", "kernel (0,2)", NULL, .kernel = {0, 2}),
    BAD("negative stride", MAX, S(2, 3, 8, 8), SW_ERR_ARGUMENT, "max_pool2d", "stride (-1,2)", NULL, .kernel = {2, 2}, .stride = {-1, 2}),
    BAD("padding as large as the kernel", AVG, S(2, 3, 8, 8), SW_ERR_ARGUMENT, "avg_pool2d", "padding is 2", NULL, .kernel = {2, 2}, .pad = {0, 0, 2, 0}),
    BAD("negative padding", AVG, S(2, 3, 8, 8), SW_ERR_ARGUMENT, "avg_pool2d", "padding is -1", NULL, .kernel = {2, 2}, .pad = {0, -1, 0, 0}),
    BAD("large window", AVG, S(2, 3, 8, 3), SW_ERR_SHAPE, "avg_pool2d", "(2,3,8,3)", "window of (4,4)", .kernel = {4, 4}),
    BAD("rank", MAX, S(3, 8, 8), SW_ERR_SHAPE, "max_pool2d", "(3,8,8)", "4 dimensions", .kernel = {2, 2}),
    BAD("global rank", GLOBAL_AVG, S(3, 8, 8), SW_ERR_SHAPE, "global_avg_pool2d", "4 dimensions", NULL, .kernel = {0, 0}),
    {0}};
/* clang-format on */

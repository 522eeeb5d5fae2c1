/* resize: the definitions of PyTorch's interpolate and ONNX Resize, pixel by pixel. */
#include "op_test.h"
#include <math.h>

static void build_resize(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_resize(g, in[0], *(const sw_resize_options *)arg);
}

/* The coordinate in the input of output index i. */
static double coordinate(const sw_resize_options *o, int64_t i, int64_t n, int64_t m)
{
    if (o->mode == SW_RESIZE_NEAREST) return floor((double)i * (double)n / (double)m);
    if (o->align_corners) return m == 1 ? 0 : (double)i * (double)(n - 1) / (double)(m - 1);
    return ((double)i + 0.5) * (double)n / (double)m - 0.5;
}

static double pixel(const double *image, int64_t h, int64_t w, double y, double x)
{
    int64_t i = (int64_t)fmin(fmax(y, 0), (double)(h - 1));
    int64_t j = (int64_t)fmin(fmax(x, 0), (double)(w - 1));
    return image[i * w + j];
}

static void oracle_resize(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const sw_resize_options *o = arg;
    const int64_t *x = in[0].shape.dim, *y = out[0].shape.dim;
    for (int64_t p = 0; p < y[0] * y[1]; p++)
        for (int64_t i = 0; i < y[2]; i++)
            for (int64_t j = 0; j < y[3]; j++) {
                const double *image = in[0].v + p * x[2] * x[3];
                double r = coordinate(o, i, x[2], y[2]), c = coordinate(o, j, x[3], y[3]);
                double r0 = floor(r), c0 = floor(c), dr = r - r0, dc = c - c0;
                out[0].v[(p * y[2] + i) * y[3] + j] =
                    (1 - dr) * (1 - dc) * pixel(image, x[2], x[3], r0, c0) +
                    (1 - dr) * dc * pixel(image, x[2], x[3], r0, c0 + 1) +
                    dr * (1 - dc) * pixel(image, x[2], x[3], r0 + 1, c0) +
                    dr * dc * pixel(image, x[2], x[3], r0 + 1, c0 + 1);
            }
}

/* Each of two passes rounds a weight, two products and a sum of numbers below 1: eight roundings of
 * at most 2^-25, or 2.4e-7.  Nearest copies.  Gradients sum up to about (m/n + 2)^2 weights. */
#define RESIZE(text, how, h, w, corners)                                                           \
    .name = text, .build = build_resize, .oracle = oracle_resize, .n_in = 1,                       \
    .tol = SW_RESIZE_##how == SW_RESIZE_NEAREST ? 0 : 5e-7, .grad_tol = 1e-5,                      \
    .arg = &(const sw_resize_options)                                                              \
    {                                                                                              \
        h, w, SW_RESIZE_##how, corners                                                             \
    }

const struct op_case optest_resize[] = {
    {RESIZE("nearest, twice", NEAREST, 10, 12, false), .batch = 1, .expect = {4, {2, 3, 10, 12}},
     .in = {{.shape = {4, {2, 3, 5, 6}}, .grad = true}}},
    {RESIZE("nearest, odd", NEAREST, 7, 13, false), .batch = 1,
     .in = {{.shape = {4, {2, 1, 5, 6}}, .grad = true}}},
    {RESIZE("nearest, down", NEAREST, 3, 4, false), .batch = 1,
     .in = {{.shape = {4, {2, 1, 11, 17}}, .grad = true}}},
    {RESIZE("nearest, one pixel", NEAREST, 3, 4, false), .batch = 1,
     .in = {{.shape = {4, {2, 1, 1, 1}}, .grad = true}}},
    {RESIZE("bilinear, twice", BILINEAR, 10, 12, false), .batch = 1,
     .in = {{.shape = {4, {2, 3, 5, 6}}, .grad = true}}},
    {RESIZE("bilinear, odd", BILINEAR, 7, 23, false), .batch = 1,
     .in = {{.shape = {4, {2, 2, 5, 6}}, .grad = true}}},
    {RESIZE("bilinear, down", BILINEAR, 3, 4, false), .batch = 1,
     .in = {{.shape = {4, {2, 1, 11, 17}}, .grad = true}}},
    {RESIZE("bilinear, same", BILINEAR, 5, 6, false), .batch = 1,
     .in = {{.shape = {4, {2, 1, 5, 6}}, .grad = true}}},
    {RESIZE("bilinear, to a pixel", BILINEAR, 1, 1, false), .batch = 1,
     .in = {{.shape = {4, {2, 1, 4, 7}}, .grad = true}}},
    {RESIZE("bilinear, from a pixel", BILINEAR, 4, 3, false), .batch = 1,
     .in = {{.shape = {4, {2, 1, 1, 1}}, .grad = true}}},
    {RESIZE("corners", BILINEAR, 9, 11, true), .batch = 1,
     .in = {{.shape = {4, {2, 3, 5, 6}}, .grad = true}}},
    {RESIZE("corners, down", BILINEAR, 3, 4, true), .batch = 1,
     .in = {{.shape = {4, {2, 1, 11, 17}}, .grad = true}}},
    {RESIZE("corners, to a pixel", BILINEAR, 1, 1, true), .batch = 1,
     .in = {{.shape = {4, {2, 1, 4, 7}}, .grad = true}}},
    {RESIZE("large", BILINEAR, 150, 250, false), .batch = 1,
     .in = {{.shape = {4, {2, 3, 60, 70}}, .grad = true}}},
    {RESIZE("no pictures", BILINEAR, 4, 4, false), .in = {{.shape = {4, {0, 3, 5, 6}}}}},
    {0}};

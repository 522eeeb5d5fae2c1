/* The Winograd transforms of AVX2 and AVX-512, written on grid_avx2.h or grid_avx512.h and
 * SW_WINOGRAD_MR, the rows of a tile of products.
 *
 * A vector holds one pixel of VF_N channels, so that tiles are never gathered and products find
 * their operands in rows.  Planes are turned round on the way, VF_N pixels of VF_N channels at a
 * time, through the scratch.  A transform of a line has twelve instructions. */
#ifndef SWELL_WINOGRAD_TEMPLATE_H
#define SWELL_WINOGRAD_TEMPLATE_H

#include "kernels/winograd_kernels.h"
#include "kernels/x86/epilogue_x86.h"
#include "kernels/x86/tile_sums_x86.h"

enum { TILE = SW_WINOGRAD_TILE, TAPS = SW_WINOGRAD_TAPS, WINDOW = SW_WINOGRAD_WINDOW };

#define POINT_A  SW_WINOGRAD_A
#define POINT_B  SW_WINOGRAD_B
#define POINT_A2 (POINT_A * POINT_A)
#define POINT_B2 (POINT_B * POINT_B)
#define WEIGHT_A (1 / (2 * POINT_A2 * (POINT_A2 - POINT_B2))) /* 1 / N(A) */
#define WEIGHT_B (1 / (2 * POINT_B2 * (POINT_B2 - POINT_A2)))

/* ---- lines ------------------------------------------------------------------------------------- */

/* y = B^T d */
VEC_INLINE void input_line(vf y[WINDOW], const vf d[WINDOW])
{
    const vf a2 = vf_set(POINT_A2), b2 = vf_set(POINT_B2), sum = vf_set(POINT_A2 + POINT_B2);
    const vf product = vf_set(POINT_A2 * POINT_B2), a = vf_set(POINT_A), b = vf_set(POINT_B);
    const vf even_a = vf_fnma(b2, d[2], d[4]), odd_a = vf_fnma(b2, d[1], d[3]);
    const vf even_b = vf_fnma(a2, d[2], d[4]), odd_b = vf_fnma(a2, d[1], d[3]);
    y[0] = vf_fma(product, d[0], vf_fnma(sum, d[2], d[4]));
    y[1] = vf_fma(a, odd_a, even_a);
    y[2] = vf_fnma(a, odd_a, even_a);
    y[3] = vf_fma(b, odd_b, even_b);
    y[4] = vf_fnma(b, odd_b, even_b);
    y[5] = vf_fma(product, d[1], vf_fnma(sum, d[3], d[5]));
}

/* y = A d; tile, like taps below, a constant. */
VEC_INLINE void spread_line(vf y[WINDOW], const vf d[TILE], const int tile)
{
    const vf a = vf_set(POINT_A), b = vf_set(POINT_B);
    vf even_a = d[0], odd_a = d[1], even_b = d[0], odd_b = d[1];
    if (tile == 4) {
        const vf a2 = vf_set(POINT_A2), b2 = vf_set(POINT_B2);
        even_a = vf_fma(a2, d[2], d[0]), odd_a = vf_fma(a2, d[3], d[1]);
        even_b = vf_fma(b2, d[2], d[0]), odd_b = vf_fma(b2, d[3], d[1]);
    }
    y[0] = d[0];
    y[1] = vf_fma(a, odd_a, even_a);
    y[2] = vf_fnma(a, odd_a, even_a);
    y[3] = vf_fma(b, odd_b, even_b);
    y[4] = vf_fnma(b, odd_b, even_b);
    y[5] = d[tile - 1];
}

/* g = G^T y */
VEC_INLINE void gradient_line(vf g[TAPS], const vf y[WINDOW], const int taps)
{
    const vf wa = vf_set(WEIGHT_A), wb = vf_set(WEIGHT_B);
    const vf sum_a = vf_mul(wa, vf_add(y[1], y[2])), odd_a = vf_mul(wa, vf_sub(y[1], y[2]));
    const vf sum_b = vf_mul(wb, vf_add(y[3], y[4])), odd_b = vf_mul(wb, vf_sub(y[3], y[4]));
    g[0] = vf_fma(vf_set(1 / (POINT_A2 * POINT_B2)), y[0], vf_add(sum_a, sum_b));
    g[1] = vf_fma(vf_set(POINT_B), odd_b, vf_mul(vf_set(POINT_A), odd_a));
    if (taps == 3) {
        g[2] = vf_fma(vf_set(POINT_B2), sum_b, vf_fma(vf_set(POINT_A2), sum_a, y[5]));
        return;
    }
    g[2] = vf_fma(vf_set(POINT_B2), sum_b, vf_mul(vf_set(POINT_A2), sum_a));
    g[3] = vf_fma(vf_set(POINT_B * POINT_B2), odd_b, vf_mul(vf_set(POINT_A * POINT_A2), odd_a));
    g[4] = vf_fma(vf_set(POINT_B2 * POINT_B2), sum_b,
                  vf_fma(vf_set(POINT_A2 * POINT_A2), sum_a, y[5]));
}

/* y = G g */
VEC_INLINE void filter_line(vf y[WINDOW], const vf g[TAPS], const int taps)
{
    const vf a = vf_set(POINT_A), b = vf_set(POINT_B), a2 = vf_set(POINT_A2), b2 = vf_set(POINT_B2);
    const vf wa = vf_set(WEIGHT_A), wb = vf_set(WEIGHT_B);
    const vf two_a = taps == 3 ? g[2] : vf_fma(a2, g[4], g[2]);
    const vf two_b = taps == 3 ? g[2] : vf_fma(b2, g[4], g[2]);
    const vf even_a = vf_mul(wa, vf_fma(a2, two_a, g[0])),
             even_b = vf_mul(wb, vf_fma(b2, two_b, g[0]));
    const vf odd_a = vf_mul(wa, taps == 3 ? g[1] : vf_fma(a2, g[3], g[1]));
    const vf odd_b = vf_mul(wb, taps == 3 ? g[1] : vf_fma(b2, g[3], g[1]));
    y[0] = vf_mul(vf_set(1 / (POINT_A2 * POINT_B2)), g[0]);
    y[1] = vf_fma(a, odd_a, even_a);
    y[2] = vf_fnma(a, odd_a, even_a);
    y[3] = vf_fma(b, odd_b, even_b);
    y[4] = vf_fnma(b, odd_b, even_b);
    y[5] = g[taps - 1];
}

/* y = A^T m */
VEC_INLINE void output_line(vf y[TILE], const vf m[WINDOW], const int tile)
{
    const vf sum_a = vf_add(m[1], m[2]), odd_a = vf_sub(m[1], m[2]);
    const vf sum_b = vf_add(m[3], m[4]), odd_b = vf_sub(m[3], m[4]);
    y[0] = vf_add(m[0], vf_add(sum_a, sum_b));
    if (tile == 2) {
        y[1] = vf_fma(vf_set(POINT_B), odd_b, vf_fma(vf_set(POINT_A), odd_a, m[5]));
        return;
    }
    y[1] = vf_fma(vf_set(POINT_B), odd_b, vf_mul(vf_set(POINT_A), odd_a));
    y[2] = vf_fma(vf_set(POINT_B2), sum_b, vf_mul(vf_set(POINT_A2), sum_a));
    y[3] = vf_fma(vf_set(POINT_B * POINT_B2), odd_b,
                  vf_fma(vf_set(POINT_A * POINT_A2), odd_a, m[5]));
}

/* ---- planes and pixels ------------------------------------------------------------------------- */

/* Where the positions of the first tile are. */
VEC_INLINE void find_positions(int64_t at[SW_WINOGRAD_POSITIONS], const struct sw_winograd_place *p)
{
    for (int i = 0; i < SW_WINOGRAD_POSITIONS; i++)
        at[i] = i / p->per * p->block + i % p->per * p->width;
}

/* VF_N pixels, or `count`, of n planes that are `plane` floats apart, as vectors of channels. */
VEC_INLINE void load_pixels(vf r[VF_N], const float *x, int64_t plane, int64_t n, int64_t count)
{
    if (n == VF_N && count == VF_N) {
        UNROLL for (int i = 0; i < VF_N; i++) r[i] = vf_load(x + i * plane);
    } else {
        UNROLL for (int i = 0; i < VF_N; i++) r[i] = i < n ? vf_load_n(x + i * plane, count)
                                                           : vf_zero();
    }
    vf_transpose(r);
}

VEC_INLINE void store_zeros(float *to, int64_t pixels)
{
    for (int64_t i = 0; i < pixels; i++) vf_store(to + i * VF_N, vf_zero());
}

/* `count` pixels of n planes that are `plane` floats apart. */
static __attribute__((noinline)) void load_planes(float *to, const float *x, int64_t plane,
                                                  int64_t n, int64_t count)
{
    vf r[VF_N];
    for (int64_t p = 0; p < count; p += VF_N, to += VF_N * VF_N) {
        const int64_t some = count - p < VF_N ? count - p : VF_N;
        load_pixels(r, x + p, plane, n, some);
        if (some == VF_N) {
            UNROLL for (int i = 0; i < VF_N; i++) vf_store(to + i * VF_N, r[i]);
        } else {
            UNROLL for (int i = 0; i < VF_N; i++) if (i < some) vf_store(to + i * VF_N, r[i]);
        }
    }
}

/* Pixels p .. p+count-1 at `from`, vectors of channels, into n planes. */
static __attribute__((noinline)) void store_pixels(float *y, const float *from, int64_t plane,
                                                   int64_t n, int64_t count)
{
    vf r[VF_N];
    int64_t p = 0;
    for (; p + VF_N <= count; p += VF_N) {
        UNROLL for (int i = 0; i < VF_N; i++) r[i] = vf_load(from + (p + i) * VF_N);
        vf_transpose(r);
        UNROLL for (int i = 0; i < VF_N; i++) if (i < n) vf_store(y + i * plane + p, r[i]);
    }
    if (p == count) return;
    UNROLL for (int i = 0; i < VF_N; i++) r[i] = i < count - p ? vf_load(from + (p + i) * VF_N)
                                                               : vf_zero();
    vf_transpose(r);
    UNROLL for (int i = 0; i < VF_N; i++) if (i < n)
        vf_store_piece(y + i * plane + p, r[i], count - p);
}

/* ---- the input --------------------------------------------------------------------------------- */

/* A window's line of n pixels, 6 or a tile's, a constant. */
VEC_INLINE void window_line(vf y[WINDOW], const vf *d, const int n)
{
    if (n == WINDOW)
        input_line(y, d);
    else
        spread_line(y, d, n);
}

/* Lines of pixels down the columns: w of them, into half, [6][across]. */
VEC_INLINE void transform_down(float *half, const float *const line[WINDOW], int64_t w,
                               int64_t across, const int n)
{
    vf d[WINDOW], y[WINDOW];
    for (int64_t j = 0; j < w; j++) {
        UNROLL for (int i = 0; i < n; i++) d[i] = vf_load(line[i] + j * VF_N);
        window_line(y, d, n);
        UNROLL for (int i = 0; i < WINDOW; i++) vf_store(half + (i * across + j) * VF_N, y[i]);
    }
}

/* A row of tiles, from what stands in `half`. */
VEC_INLINE void transform_along(float *v, int64_t pitch, const int64_t at[SW_WINOGRAD_POSITIONS],
                                const float *half, int64_t tiles, int64_t across, const int n,
                                const int tile)
{
    vf d[WINDOW], y[WINDOW];
    for (int64_t i = 0; i < WINDOW; i++, at += WINDOW)
        for (int64_t q = 0; q < tiles; q++) {
            const float *from = half + (i * across + q * tile) * VF_N;
            UNROLL for (int j = 0; j < n; j++) d[j] = vf_load(from + j * VF_N);
            window_line(y, d, n);
            UNROLL for (int j = 0; j < WINDOW; j++) vf_store(v + at[j] + q * pitch, y[j]);
        }
}

/* Windows of n x n pixels in steps of a tile.  Scratch: `half`, whose border stays zero; a line of zeros
 * for those outside of the plane; the plane's lines. */
VEC_INLINE void windows(float *v, const struct sw_winograd_place *place, const float *x,
                        const struct sw_grid *g, int64_t channels, int64_t row, int64_t rows,
                        float *scratch, const int n, const int tile)
{
    const int64_t across = g->ow * tile + n - tile, top = row * tile + g->y0;
    const int64_t bottom = top + rows * tile + n - tile;
    const int64_t first = top < 0 ? 0 : top, end = bottom < g->h ? bottom : g->h;
    float *half = scratch, *zeros = half + WINDOW * across * VF_N, *lines = zeros + g->w * VF_N;
    int64_t at[SW_WINOGRAD_POSITIONS];
    find_positions(at, place);
    store_zeros(scratch, WINDOW * across + g->w);
    const int64_t all = (channels + SW_WINOGRAD_LANES - 1) / SW_WINOGRAD_LANES * SW_WINOGRAD_LANES;
    for (int64_t c = 0; c < all; c += VF_N) {
        const int64_t planes = channels - c < VF_N ? channels > c ? channels - c : 0 : VF_N;
        load_planes(lines, x + c * g->h * g->w + first * g->w, g->h * g->w, planes,
                    (end - first) * g->w);
        for (int64_t r = 0; r < rows; r++) {
            const float *line[WINDOW];
            for (int64_t i = 0, y = top + r * tile; i < n; i++, y++)
                line[i] = y < first || y >= end ? zeros : lines + (y - first) * g->w * VF_N;
            transform_down(half - g->x0 * VF_N, line, g->w, across, n);
            transform_along(v + c + r * g->ow * place->pitch, place->pitch, at, half, g->ow, across,
                            n, tile);
        }
    }
}

static void SW_ISA_NAME(sw__winograd_input_f32)(float *v, const struct sw_winograd_place *place,
                                                const float *x, const struct sw_grid *g,
                                                int64_t channels, int64_t row, int64_t rows,
                                                float *scratch)
{
    if (g->sy == 4)
        windows(v, place, x, g, channels, row, rows, scratch, WINDOW, 4);
    else
        windows(v, place, x, g, channels, row, rows, scratch, WINDOW, 2);
}

static void SW_ISA_NAME(sw__winograd_spread_f32)(float *v, const struct sw_winograd_place *place,
                                                 const float *dy, const struct sw_grid *g,
                                                 int64_t channels, int64_t row, int64_t rows,
                                                 float *scratch)
{
    if (g->sy == 4)
        windows(v, place, dy, g, channels, row, rows, scratch, 4, 4);
    else
        windows(v, place, dy, g, channels, row, rows, scratch, 2, 2);
}

/* ---- the weight -------------------------------------------------------------------------------- */

/* VF_N filters. */
VEC_INLINE void filter(float *u, int64_t position, const float *g, int64_t width, int flip,
                       const int taps)
{
    vf half[TAPS][WINDOW], line[TAPS], y[WINDOW];
    UNROLL for (int j = 0; j < taps; j++)
    {
        UNROLL for (int i = 0; i < taps; i++)
            line[i] = vf_load(g + (flip ? taps * taps - 1 - taps * i - j : taps * i + j) * width);
        filter_line(half[j], line, taps);
    }
    UNROLL for (int i = 0; i < WINDOW; i++)
    {
        UNROLL for (int j = 0; j < taps; j++) line[j] = half[j][i];
        filter_line(y, line, taps);
        UNROLL for (int j = 0; j < WINDOW; j++) vf_store(u + (i * WINDOW + j) * position, y[j]);
    }
}

static void SW_ISA_NAME(sw__winograd_weight_f32)(float *u, int64_t position, const float *g,
                                                 int64_t count, int64_t width, int taps, int flip)
{
    for (int64_t c = 0; c < count; c++)
        for (int64_t l = 0; l < width; l += VF_N) {
            if (taps == 3)
                filter(u + c * width + l, position, g + c * 9 * width + l, width, flip, 3);
            else
                filter(u + c * width + l, position, g + c * 25 * width + l, width, flip, 5);
        }
}

/* ---- the output -------------------------------------------------------------------------------- */

/* A tile into `to`, the pixels of `down` x `across` of it; lines of `w` pixels. */
VEC_INLINE void output_tile(float *to, const float *m, const int64_t at[SW_WINOGRAD_POSITIONS],
                            int64_t w, int64_t down, int64_t across, vf bias,
                            const struct sw_epilogue *e, const int tile)
{
    vf half[TILE][WINDOW], line[WINDOW], y[TILE];
    UNROLL for (int j = 0; j < WINDOW; j++)
    {
        UNROLL for (int i = 0; i < WINDOW; i++) line[i] = vf_load(m + at[i * WINDOW + j]);
        output_line(y, line, tile);
        UNROLL for (int i = 0; i < tile; i++) half[i][j] = y[i];
    }
    UNROLL for (int i = 0; i < tile; i++)
    {
        if (i >= down) break;
        output_line(y, half[i], tile);
        UNROLL for (int j = 0; j < tile; j++) if (j < across)
        {
            vf sum = vf_add(y[j], bias);
            vf_store(to + (i * w + j) * VF_N, e ? vf_activate(sum, e) : sum);
        }
    }
}

VEC_INLINE void output_rows(float *y, const float *m, const struct sw_winograd_place *place,
                            const struct sw_grid *g, int64_t channels, int64_t row, int64_t rows,
                            const struct sw_epilogue *e, float *scratch, const int tile)
{
    const int64_t first = row * tile, end = (row + rows) * tile < g->h ? (row + rows) * tile : g->h;
    int64_t at[SW_WINOGRAD_POSITIONS];
    find_positions(at, place);
    for (int64_t c = 0; c < channels; c += VF_N) {
        const int64_t n = channels - c < VF_N ? channels - c : VF_N;
        const vf bias = e && e->bias_row ? vf_load_n(e->bias_row + c, n) : vf_zero();
        for (int64_t t = 0; t < rows * g->ow; t++) {
            const int64_t top = t / g->ow * tile, left = t % g->ow * tile;
            const int64_t down = end - first - top, across = g->w - left;
            output_tile(scratch + (top * g->w + left) * VF_N, m + c + t * place->pitch, at, g->w,
                        down, across, bias, e && e->act ? e : NULL, tile);
        }
        store_pixels(y + c * g->h * g->w + first * g->w, scratch, g->h * g->w, n,
                     (end - first) * g->w);
    }
}

static void SW_ISA_NAME(sw__winograd_output_f32)(float *y, const float *m,
                                                 const struct sw_winograd_place *place,
                                                 const struct sw_grid *g, int64_t channels,
                                                 int64_t row, int64_t rows,
                                                 const struct sw_epilogue *e, float *scratch)
{
    if (g->sy == 4)
        output_rows(y, m, place, g, channels, row, rows, e, scratch, 4);
    else
        output_rows(y, m, place, g, channels, row, rows, e, scratch, 2);
}

/* ---- the weight's gradient ---------------------------------------------------------------------- */

/* `rows` x `vectors`, both constants; the last vector may be a piece. */
VEC_INLINE void outer_tile(float *c, int64_t ldc, const float *a, int64_t lda, const float *b,
                           int64_t ldb, int64_t kc, int nr, int accumulate, const int rows,
                           const int vectors)
{
    vf sum[SW_WINOGRAD_MR][2];
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vectors; v++)
        sum[i][v] = vf_zero();
    for (int64_t t = 0; t < kc; t++, a += lda, b += ldb) {
        vf bt[2];
        UNROLL for (int v = 0; v < vectors; v++)
            bt[v] = v < vectors - 1 ? vf_load(b) : vf_load_n(b + v * VF_N, nr - v * VF_N);
        UNROLL for (int i = 0; i < rows; i++)
        {
            const vf at = vf_set(a[i]);
            UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = vf_fma(at, bt[v], sum[i][v]);
        }
    }
    if (vectors == 2 && nr == 2 * VF_N) { /* the usual one, of which sums may be short */
        UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vectors; v++)
        {
            float *to = c + i * ldc + v * VF_N;
            vf_store(to, accumulate ? vf_add(vf_load(to), sum[i][v]) : sum[i][v]);
        }
        return;
    }
    _Alignas(64) float sums[SW_WINOGRAD_MR * 2 * VF_N];
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vectors; v++)
        vf_store(sums + (i * vectors + v) * VF_N, sum[i][v]);
    tile_sums(c, ldc, sums, rows, vectors * VF_N, nr, accumulate);
}

/* Every count of rows and both counts of vectors have their own loop. */
static void SW_ISA_NAME(sw__winograd_tile_f32)(float *c, int64_t ldc, const float *a, int64_t lda,
                                               const float *b, int64_t ldb, int64_t kc, int mr,
                                               int nr, int accumulate)
{
#define CASE(rows)                                                                                 \
    case rows:                                                                                     \
        if (nr > VF_N)                                                                             \
            outer_tile(c, ldc, a, lda, b, ldb, kc, nr, accumulate, rows, 2);                       \
        else                                                                                       \
            outer_tile(c, ldc, a, lda, b, ldb, kc, nr, accumulate, rows, 1);                       \
        break;
    /* clang-format off */
    switch (mr) {
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#if SW_WINOGRAD_MR > 6
        CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14)
#endif
    }
    /* clang-format on */
#undef CASE
}

/* VF_N filters. */
VEC_INLINE void filter_gradient(float *g, const float *s, int64_t position, int64_t width,
                                const int taps)
{
    vf half[TAPS][WINDOW], line[WINDOW], y[TAPS];
    UNROLL for (int j = 0; j < WINDOW; j++)
    {
        UNROLL for (int i = 0; i < WINDOW; i++) line[i] = vf_load(s + (i * WINDOW + j) * position);
        gradient_line(y, line, taps);
        UNROLL for (int i = 0; i < taps; i++) half[i][j] = y[i];
    }
    UNROLL for (int i = 0; i < taps; i++)
    {
        gradient_line(y, half[i], taps);
        UNROLL for (int j = 0; j < taps; j++) vf_store(g + (taps * i + j) * width, y[j]);
    }
}

static void SW_ISA_NAME(sw__winograd_filter_f32)(float *g, const float *s, int64_t position,
                                                 int64_t pitch, int64_t count, int64_t width,
                                                 int taps)
{
    for (int64_t c = 0; c < count; c++)
        for (int64_t l = 0; l < width; l += VF_N) {
            if (taps == 3)
                filter_gradient(g + c * 9 * width + l, s + c * pitch + l, position, width, 3);
            else
                filter_gradient(g + c * 25 * width + l, s + c * pitch + l, position, width, 5);
        }
}

/* ---- the table --------------------------------------------------------------------------------- */

void SW_ISA_NAME(sw__winograd_init)(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, winograd_input_f32, SW_ISA_NAME(sw__winograd_input_f32));
    SW_KERNEL_SET(k, winograd_weight_f32, SW_ISA_NAME(sw__winograd_weight_f32));
    SW_KERNEL_SET(k, winograd_output_f32, SW_ISA_NAME(sw__winograd_output_f32));
    SW_KERNEL_SET(k, winograd_spread_f32, SW_ISA_NAME(sw__winograd_spread_f32));
    SW_KERNEL_SET(k, winograd_tile_f32, SW_ISA_NAME(sw__winograd_tile_f32));
    SW_KERNEL_SET(k, winograd_filter_f32, SW_ISA_NAME(sw__winograd_filter_f32));
}

#endif

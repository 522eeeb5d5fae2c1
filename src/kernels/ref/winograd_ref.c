/* The reference of the Winograd transforms: the three matrices, and loops over them. */
#include "kernels/kernels.h"
#include "kernels/ref/epilogue_ref.h"

#define A  SW_WINOGRAD_A
#define B  SW_WINOGRAD_B
#define A2 (A * A)
#define B2 (B * B)
#define NA (1 / (2 * A2 * (A2 - B2))) /* 1 / N(A) */
#define NB (1 / (2 * B2 * (B2 - A2)))

enum { TILE = SW_WINOGRAD_TILE, TAPS = SW_WINOGRAD_TAPS, WINDOW = SW_WINOGRAD_WINDOW };

/* clang-format off */
static const float input[WINDOW][WINDOW] = { /* B^T */
    {A2 * B2,       0, -A2 - B2,        0, 1, 0},
    {      0, -A * B2,      -B2,        A, 1, 0},
    {      0,  A * B2,      -B2,       -A, 1, 0},
    {      0, -B * A2,      -A2,        B, 1, 0},
    {      0,  B * A2,      -A2,       -B, 1, 0},
    {      0, A2 * B2,        0, -A2 - B2, 0, 1}};
/* Powers of the points; the row of infinity is that of the last column. */
static const float filter[WINDOW][TAPS] = { /* G, of five taps */
    {1 / (A2 * B2), 0, 0, 0, 0},
    {NA,  A * NA, A2 * NA,  A * A2 * NA, A2 * A2 * NA},
    {NA, -A * NA, A2 * NA, -A * A2 * NA, A2 * A2 * NA},
    {NB,  B * NB, B2 * NB,  B * B2 * NB, B2 * B2 * NB},
    {NB, -B * NB, B2 * NB, -B * B2 * NB, B2 * B2 * NB}};
static const float output[TILE][WINDOW] = { /* A^T, of tiles of four */
    {1,      1,       1,      1,       1},
    {0,      A,      -A,      B,      -B},
    {0,     A2,      A2,     B2,      B2},
    {0, A * A2, -A * A2, B * B2, -B * B2}};
/* clang-format on */

/* The first n columns of G, [6][n], or of A; turned: transposed. */
static void columns(float *m, bool of_filters, int n, bool turned)
{
    for (int i = 0; i < WINDOW; i++)
        for (int j = 0; j < n; j++) {
            float x = i == WINDOW - 1 ? (float)(j == n - 1)
                      : of_filters    ? filter[i][j]
                                      : output[j][i];
            m[turned ? j * WINDOW + i : i * n + j] = x;
        }
}

/* y = m d m^T; m: [rows][n], d: [n][n], y: [rows][rows]. */
static void both_sides(float *y, const float *m, const float *d, int rows, int n)
{
    float half[WINDOW][WINDOW];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < n; j++) {
            half[i][j] = 0;
            for (int k = 0; k < n; k++) half[i][j] += m[i * n + k] * d[k * n + j];
        }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < rows; j++) {
            float sum = 0;
            for (int k = 0; k < n; k++) sum += half[i][k] * m[j * n + k];
            y[i * rows + j] = sum;
        }
}

static int64_t offset(const struct sw_winograd_place *p, int64_t position, int64_t tile, int64_t c)
{
    return position / p->per * p->block + position % p->per * p->width + tile * p->pitch + c;
}

/* Windows of n x n pixels through m, [6][n]. */
static void windows(float *v, const struct sw_winograd_place *place, const float *x,
                    const struct sw_grid *g, int64_t channels, int64_t row, int64_t rows,
                    const float *m, int n)
{
    const int64_t all = (channels + SW_WINOGRAD_LANES - 1) / SW_WINOGRAD_LANES * SW_WINOGRAD_LANES;
    for (int64_t t = 0; t < rows * g->ow; t++)
        for (int64_t c = 0; c < all; c++) {
            const int64_t top = (row + t / g->ow) * g->sy + g->y0, left = t % g->ow * g->sx + g->x0;
            float d[WINDOW * WINDOW] = {0}, y[WINDOW * WINDOW];
            for (int64_t i = 0; c < channels && i < n; i++)
                for (int64_t j = 0; j < n; j++)
                    if (top + i >= 0 && top + i < g->h && left + j >= 0 && left + j < g->w)
                        d[i * n + j] = x[(c * g->h + top + i) * g->w + left + j];
            both_sides(y, m, d, WINDOW, n);
            for (int p = 0; p < SW_WINOGRAD_POSITIONS; p++) v[offset(place, p, t, c)] = y[p];
        }
}

static void sw__winograd_input_f32_ref(float *v, const struct sw_winograd_place *place,
                                       const float *x, const struct sw_grid *g, int64_t channels,
                                       int64_t row, int64_t rows, float *scratch)
{
    windows(v, place, x, g, channels, row, rows, input[0], WINDOW);
}

static void sw__winograd_spread_f32_ref(float *v, const struct sw_winograd_place *place,
                                        const float *dy, const struct sw_grid *g, int64_t channels,
                                        int64_t row, int64_t rows, float *scratch)
{
    float spread[WINDOW * TILE];
    columns(spread, false, (int)g->sy, false);
    windows(v, place, dy, g, channels, row, rows, spread, (int)g->sy);
}

static void sw__winograd_weight_f32_ref(float *u, int64_t position, const float *g, int64_t count,
                                        int64_t width, int taps, int flip)
{
    const int all = taps * taps;
    float m[WINDOW * TAPS];
    columns(m, true, taps, false);
    for (int64_t c = 0; c < count; c++)
        for (int64_t l = 0; l < width; l++) {
            float d[TAPS * TAPS], y[SW_WINOGRAD_POSITIONS];
            for (int t = 0; t < all; t++)
                d[t] = g[(c * all + (flip ? all - 1 - t : t)) * width + l];
            both_sides(y, m, d, WINDOW, taps);
            for (int p = 0; p < SW_WINOGRAD_POSITIONS; p++) u[p * position + c * width + l] = y[p];
        }
}

static void sw__winograd_tile_f32_ref(float *c, int64_t ldc, const float *a, int64_t lda,
                                      const float *b, int64_t ldb, int64_t kc, int mr, int nr,
                                      int accumulate)
{
    for (int i = 0; i < mr; i++)
        for (int j = 0; j < nr; j++) {
            float sum = 0;
            for (int64_t t = 0; t < kc; t++) sum += a[t * lda + i] * b[t * ldb + j];
            c[i * ldc + j] = accumulate ? c[i * ldc + j] + sum : sum;
        }
}

static void sw__winograd_filter_f32_ref(float *g, const float *s, int64_t position, int64_t pitch,
                                        int64_t count, int64_t width, int taps)
{
    float turned[TAPS * WINDOW];
    columns(turned, true, taps, true);
    for (int64_t c = 0; c < count; c++)
        for (int64_t l = 0; l < width; l++) {
            float sums[SW_WINOGRAD_POSITIONS], y[TAPS * TAPS];
            for (int p = 0; p < SW_WINOGRAD_POSITIONS; p++)
                sums[p] = s[p * position + c * pitch + l];
            both_sides(y, turned, sums, taps, WINDOW);
            for (int t = 0; t < taps * taps; t++) g[(c * taps * taps + t) * width + l] = y[t];
        }
}

static void sw__winograd_output_f32_ref(float *y, const float *m,
                                        const struct sw_winograd_place *place,
                                        const struct sw_grid *g, int64_t channels, int64_t row,
                                        int64_t rows, const struct sw_epilogue *e, float *scratch)
{
    const int tile = (int)g->sy;
    float m_t[TILE * WINDOW];
    columns(m_t, false, tile, true);
    for (int64_t t = 0; t < rows * g->ow; t++)
        for (int64_t c = 0; c < channels; c++) {
            const int64_t top = (row + t / g->ow) * tile, left = t % g->ow * tile;
            float sums[SW_WINOGRAD_POSITIONS], out[TILE * TILE];
            for (int p = 0; p < SW_WINOGRAD_POSITIONS; p++) sums[p] = m[offset(place, p, t, c)];
            both_sides(out, m_t, sums, tile, WINDOW);
            for (int64_t i = 0; i < tile && top + i < g->h; i++)
                for (int64_t j = 0; j < tile && left + j < g->w; j++) {
                    float sum = out[i * tile + j];
                    if (e && e->bias_row) sum += e->bias_row[c];
                    y[(c * g->h + top + i) * g->w + left + j] = e ? sw__activate_ref(sum, e) : sum;
                }
        }
}

void sw__winograd_init_ref(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, winograd_input_f32, sw__winograd_input_f32_ref);
    SW_KERNEL_SET(k, winograd_weight_f32, sw__winograd_weight_f32_ref);
    SW_KERNEL_SET(k, winograd_output_f32, sw__winograd_output_f32_ref);
    SW_KERNEL_SET(k, winograd_spread_f32, sw__winograd_spread_f32_ref);
    SW_KERNEL_SET(k, winograd_tile_f32, sw__winograd_tile_f32_ref);
    SW_KERNEL_SET(k, winograd_filter_f32, sw__winograd_filter_f32_ref);
}

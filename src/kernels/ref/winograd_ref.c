/* The reference of the Winograd transforms: the three matrices, and loops over them. */
#include "kernels/kernels.h"
#include "kernels/ref/epilogue_ref.h"

#define A  SW_WINOGRAD_A
#define B  SW_WINOGRAD_B
#define A2 (A * A)
#define B2 (B * B)
#define NA (1 / (2 * A2 * (A2 - B2))) /* 1 / N(A) */
#define NB (1 / (2 * B2 * (B2 - A2)))

enum { TILE = SW_WINOGRAD_TILE, WINDOW = SW_WINOGRAD_WINDOW };

/* clang-format off */
static const float input[WINDOW][WINDOW] = { /* B^T */
    {A2 * B2,       0, -A2 - B2,        0, 1, 0},
    {      0, -A * B2,      -B2,        A, 1, 0},
    {      0,  A * B2,      -B2,       -A, 1, 0},
    {      0, -B * A2,      -A2,        B, 1, 0},
    {      0,  B * A2,      -A2,       -B, 1, 0},
    {      0, A2 * B2,        0, -A2 - B2, 0, 1}};
static const float filter[WINDOW][3] = { /* G */
    {1 / (A2 * B2), 0, 0},
    {NA,  A * NA, A2 * NA},
    {NA, -A * NA, A2 * NA},
    {NB,  B * NB, B2 * NB},
    {NB, -B * NB, B2 * NB},
    { 0,       0,       1}};
static const float output[TILE][WINDOW] = { /* A^T */
    {1,      1,       1,      1,       1, 0},
    {0,      A,      -A,      B,      -B, 0},
    {0,     A2,      A2,     B2,      B2, 0},
    {0, A * A2, -A * A2, B * B2, -B * B2, 1}};
/* clang-format on */

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
            const int64_t top = (row + t / g->ow) * TILE + g->y0, left = t % g->ow * TILE + g->x0;
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
    float spread[WINDOW][TILE];
    for (int i = 0; i < WINDOW; i++)
        for (int j = 0; j < TILE; j++) spread[i][j] = output[j][i];
    windows(v, place, dy, g, channels, row, rows, spread[0], TILE);
}

static void sw__winograd_weight_f32_ref(float *u, int64_t position, const float *g, int64_t count,
                                        int64_t width, int flip)
{
    for (int64_t c = 0; c < count; c++)
        for (int64_t l = 0; l < width; l++) {
            float taps[9], y[SW_WINOGRAD_POSITIONS];
            for (int t = 0; t < 9; t++) taps[t] = g[(c * 9 + (flip ? 8 - t : t)) * width + l];
            both_sides(y, filter[0], taps, WINDOW, 3);
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
                                        int64_t count, int64_t width)
{
    float turned[3][WINDOW];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < WINDOW; j++) turned[i][j] = filter[j][i];
    for (int64_t c = 0; c < count; c++)
        for (int64_t l = 0; l < width; l++) {
            float sums[SW_WINOGRAD_POSITIONS], y[9];
            for (int p = 0; p < SW_WINOGRAD_POSITIONS; p++)
                sums[p] = s[p * position + c * pitch + l];
            both_sides(y, turned[0], sums, 3, WINDOW);
            for (int t = 0; t < 9; t++) g[(c * 9 + t) * width + l] = y[t];
        }
}

static void sw__winograd_output_f32_ref(float *y, const float *m,
                                        const struct sw_winograd_place *place,
                                        const struct sw_grid *g, int64_t channels, int64_t row,
                                        int64_t rows, const struct sw_epilogue *e, float *scratch)
{
    for (int64_t t = 0; t < rows * g->ow; t++)
        for (int64_t c = 0; c < channels; c++) {
            const int64_t top = (row + t / g->ow) * TILE, left = t % g->ow * TILE;
            float sums[SW_WINOGRAD_POSITIONS], out[TILE * TILE];
            for (int p = 0; p < SW_WINOGRAD_POSITIONS; p++) sums[p] = m[offset(place, p, t, c)];
            both_sides(out, output[0], sums, TILE, WINDOW);
            for (int64_t i = 0; i < TILE && top + i < g->h; i++)
                for (int64_t j = 0; j < TILE && left + j < g->w; j++) {
                    float sum = out[i * TILE + j];
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

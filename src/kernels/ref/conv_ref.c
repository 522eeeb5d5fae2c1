/* The reference of the convolution kernels: plain loops that say what the slots compute.  See
 * conv_kernels.h for the grid and the contract. */
#include <swell/tensor.h>
#include "kernels/gemm_table.h"
#include "kernels/kernels.h"
#include "kernels/ref/epilogue_ref.h"

/* The source element under a tap of a pixel, 0 outside of the plane. */
static float tap(const float *plane, const struct sw_grid *g, int64_t r, int64_t q, int64_t i,
                 int64_t j)
{
    int64_t y = r * g->sy + g->y0 + i * g->dy, x = q * g->sx + g->x0 + j * g->dx;
    return y >= 0 && y < g->h && x >= 0 && x < g->w ? plane[y * g->w + x] : 0;
}

static void sw__conv_copy_f32_ref(float *dst, int64_t pitch, const float *src, int64_t row,
                                  int64_t step, int64_t rows, int64_t n)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < n; i++) dst[r * pitch + i] = src[r * row + i * step];
}

static float finished(float x, const struct sw_epilogue *e, int j)
{
    if (!e) return x;
    if (e->bias_col) x += e->bias_col[j];
    return sw__activate_ref(x, e);
}

static int whole_vectors(int channels)
{
    const int lanes = sw__direct_blocks(SW_ISA_REF)->lanes;
    return (channels + lanes - 1) / lanes * lanes;
}

static void sw__conv_direct_tile_f32_ref(float *c, int64_t ldc, const float *x,
                                         const struct sw_windows *windows, const float *w,
                                         int pixels, int channels,
                                         const struct sw_epilogue *epilogue)
{
    const int width = whole_vectors(channels);
    for (int p = 0; p < pixels; p++) {
        const float *at = x + p + (p < pixels / 2 ? 0 : windows->gap);
        for (int j = 0; j < width; j++) {
            float sum = 0;
            for (int64_t k = 0; k < windows->planes * windows->taps; k++)
                sum += at[k / windows->taps * windows->plane + windows->offset[k % windows->taps]] *
                       w[k * width + j];
            c[p * ldc + j] = j < channels ? finished(sum, epilogue, j) : sum;
        }
    }
}

static void sw__conv_direct_weight_f32_ref(float *c, int64_t ldc, const float *x,
                                           const int64_t *offset, int64_t x_row, const float *dy,
                                           int64_t rows, int64_t pixels, int taps, int channels,
                                           int accumulate)
{
    const int width = whole_vectors(channels);
    for (int t = 0; t < taps; t++)
        for (int j = 0; j < width; j++) {
            float sum = 0;
            for (int64_t p = 0; p < rows * pixels; p++)
                sum += x[offset[t] + p / pixels * x_row + p % pixels] * dy[p * width + j];
            c[t * ldc + j] = accumulate ? c[t * ldc + j] + sum : sum;
        }
}

static void sw__conv_gather_f32_ref(float *dst, int64_t pitch, const float *x,
                                    const struct sw_grid *g, int64_t k0, int64_t kc, int64_t p0,
                                    int64_t np, int64_t width)
{
    for (int64_t k = k0; k < k0 + kc; k++, dst += pitch) {
        int64_t j = k % g->nx, i = k / g->nx % g->ny, c = k / g->nx / g->ny;
        for (int64_t p = p0; p < p0 + np; p++) {
            int64_t q = p % g->ow, r = p / g->ow % g->oh, n = p / g->ow / g->oh;
            dst[p - p0] = tap(x + n * g->image + c * g->h * g->w, g, r, q, i, j);
        }
        for (int64_t p = np; p < width; p++) dst[p] = 0;
    }
}

static void sw__conv_weight_tile_f32_4x8_ref(float *c, int64_t ldc, const float *a, const float *b,
                                             int64_t kc, int mr, int nr, int accumulate)
{
    const int width = sw__gemm_blocks(SW_ISA_REF)->nr;
    for (int i = 0; i < mr; i++)
        for (int j = 0; j < nr; j++) {
            float sum = 0;
            for (int64_t p = 0; p < kc; p++) sum += a[i * SW_CONV_PITCH + p] * b[p * width + j];
            c[i * ldc + j] = accumulate ? c[i * ldc + j] + sum : sum;
        }
}

static void sw__conv_plane_f32_ref(float *y, const float *x, const struct sw_grid *g,
                                   const float *w, float bias, int accumulate)
{
    for (int64_t r = 0; r < g->oh; r++)
        for (int64_t q = 0; q < g->ow; q++, y++) {
            float sum = 0;
            for (int64_t i = 0; i < g->ny; i++)
                for (int64_t j = 0; j < g->nx; j++) sum += w[i * g->nx + j] * tap(x, g, r, q, i, j);
            *y = accumulate ? *y + sum : sum + bias;
        }
}

static void sw__conv_plane_grad_f32_ref(float *dw, const float *dy, const float *x,
                                        const struct sw_grid *g)
{
    for (int64_t i = 0; i < g->ny; i++)
        for (int64_t j = 0; j < g->nx; j++) {
            float sum = 0;
            for (int64_t r = 0; r < g->oh; r++)
                for (int64_t q = 0; q < g->ow; q++)
                    sum += dy[r * g->ow + q] * tap(x, g, r, q, i, j);
            dw[i * g->nx + j] += sum;
        }
}

static void sw__conv_add_f32_ref(float *y, const float *x, int64_t line, int64_t rows, int64_t n,
                                 const struct sw_epilogue *epilogue)
{
    for (int64_t r = 0; r < rows; r++, y += line, x += line)
        for (int64_t i = 0; i < n; i++) y[i] = sw__activate_ref(y[i] + x[i], epilogue);
}

static void sw__conv_pair_bf16_ref(uint32_t *dst, const float *a, const float *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        uint16_t pair[2] = {0};
        sw_convert(&pair[0], SW_BF16, a + i, SW_F32, 1);
        if (b) sw_convert(&pair[1], SW_BF16, b + i, SW_F32, 1);
        dst[i] = (uint32_t)pair[1] << 16 | pair[0];
    }
}

void sw__conv_init_ref(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, conv_copy_f32, sw__conv_copy_f32_ref);
    SW_KERNEL_SET(k, conv_direct_tile_f32, sw__conv_direct_tile_f32_ref);
    SW_KERNEL_SET(k, conv_direct_weight_f32, sw__conv_direct_weight_f32_ref);
    SW_KERNEL_SET(k, conv_gather_f32, sw__conv_gather_f32_ref);
    SW_KERNEL_SET(k, conv_weight_tile_f32, sw__conv_weight_tile_f32_4x8_ref);
    SW_KERNEL_SET(k, conv_plane_f32, sw__conv_plane_f32_ref);
    SW_KERNEL_SET(k, conv_plane_grad_f32, sw__conv_plane_grad_f32_ref);
    SW_KERNEL_SET(k, conv_add_f32, sw__conv_add_f32_ref);
    SW_KERNEL_SET(k, conv_pair_bf16, sw__conv_pair_bf16_ref);
}

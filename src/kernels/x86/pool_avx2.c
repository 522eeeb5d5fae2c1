/* The pooling kernels of AVX2: pool_x86.h on the vectors of grid_avx2.h. */
#include "kernels/kernels.h"
#include "kernels/x86/grid_avx2.h"
#include "kernels/x86/pool_x86.h"

static void sw__max_pool_f32_avx2(float *y, const float *x, const struct sw_grid *g)
{
    BY_STRIDE(g->sx, max_pool_by, y, x, g);
}

static void sw__max_pool_grad_f32_avx2(float *dx, const float *dy, const float *x,
                                       const struct sw_grid *g, float *scratch)
{
    if (g->ny * g->nx > SW_POOL_TAPS)
        max_pool_grad_plain(dx, dy, x, g);
    else
        BY_STRIDE(g->sx, max_pool_grad_by, dx, dy, x, g, scratch);
}

static void sw__avg_pool_f32_avx2(float *y, const float *x, const struct sw_grid *g,
                                  const float *rows, const float *cols)
{
    BY_STRIDE(g->sx, avg_pool_by, y, x, g, rows, cols);
}

static void sw__avg_pool_grad_f32_avx2(float *dx, const float *dy, const struct sw_grid *g,
                                       const float *rows, const float *cols, float *scratch)
{
    BY_STRIDE(g->sx, avg_pool_grad_by, dx, dy, g, rows, cols, scratch);
}

void sw__pool_init_avx2(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, max_pool_f32, sw__max_pool_f32_avx2);
    SW_KERNEL_SET(k, max_pool_grad_f32, sw__max_pool_grad_f32_avx2);
    SW_KERNEL_SET(k, avg_pool_f32, sw__avg_pool_f32_avx2);
    SW_KERNEL_SET(k, avg_pool_grad_f32, sw__avg_pool_grad_f32_avx2);
}

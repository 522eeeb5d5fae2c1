/* The convolution kernels of AVX-512: conv_x86.h and gather_x86.h on the vectors of grid_avx512.h. */
#include "kernels/kernels.h"
#include "kernels/x86/grid_avx512.h"
#include "kernels/x86/conv_x86.h"
#include "kernels/x86/gather_x86.h"

/* The tiles of sw__direct_table. */
#define DIRECT_PIXELS_1 DIRECT_UP_TO_14
#define DIRECT_PIXELS_2 DIRECT_UP_TO_14
#define DIRECT_PIXELS_3 DIRECT_UP_TO_9
#define DIRECT_TAPS_1   DIRECT_UP_TO_12
#define DIRECT_TAPS_2   DIRECT_UP_TO_12
#define DIRECT_TAPS_3   DIRECT_UP_TO_9
#include "kernels/x86/conv_direct_x86.h"

enum { NR = 32 };

static void sw__conv_gather_f32_avx512(float *dst, int64_t pitch, const float *x,
                                       const struct sw_grid *g, int64_t k0, int64_t kc, int64_t p0,
                                       int64_t np, int64_t width)
{
    gather(dst, pitch, x, g, k0, kc, p0, np, width);
}

/* Every count of rows and both counts of vectors have their own loop. */
static void sw__conv_weight_tile_f32_14x32_avx512(float *c, int64_t ldc, const float *a,
                                                  const float *b, int64_t kc, int mr, int nr,
                                                  int accumulate)
{
#define CASE(rows)                                                                                 \
    case rows:                                                                                     \
        if (nr > VF_N)                                                                             \
            weight_tile(c, ldc, a, b, kc, nr, accumulate, rows, 2, NR);                            \
        else                                                                                       \
            weight_tile(c, ldc, a, b, kc, nr, accumulate, rows, 1, NR);                            \
        break;
    /* clang-format off */
    switch (mr) {
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7)
        CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14)
    }
    /* clang-format on */
#undef CASE
}

static void sw__conv_plane_f32_avx512(float *y, const float *x, const struct sw_grid *g,
                                      const float *w, float bias, int accumulate)
{
    plane(y, x, g, w, bias, accumulate);
}

static void sw__conv_plane_grad_f32_avx512(float *dw, const float *dy, const float *x,
                                           const struct sw_grid *g)
{
    plane_grad(dw, dy, x, g);
}

static void sw__conv_add_f32_avx512(float *y, const float *x, int64_t line, int64_t rows, int64_t n,
                                    const struct sw_epilogue *epilogue)
{
    add_rows(y, x, line, rows, n, epilogue);
}

static void sw__conv_pair_bf16_avx512(uint32_t *dst, const float *a, const float *b, int64_t n)
{
    pair_planes(dst, a, b, n);
}

void sw__conv_init_avx512(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, conv_copy_f32, sw__conv_copy_f32_avx512);
    SW_KERNEL_SET(k, conv_direct_tile_f32, sw__conv_direct_tile_f32_avx512);
    SW_KERNEL_SET(k, conv_direct_weight_f32, sw__conv_direct_weight_f32_avx512);
    SW_KERNEL_SET(k, conv_gather_f32, sw__conv_gather_f32_avx512);
    SW_KERNEL_SET(k, conv_weight_tile_f32, sw__conv_weight_tile_f32_14x32_avx512);
    SW_KERNEL_SET(k, conv_plane_f32, sw__conv_plane_f32_avx512);
    SW_KERNEL_SET(k, conv_plane_grad_f32, sw__conv_plane_grad_f32_avx512);
    SW_KERNEL_SET(k, conv_add_f32, sw__conv_add_f32_avx512);
    SW_KERNEL_SET(k, conv_pair_bf16, sw__conv_pair_bf16_avx512);
}

/* The strip of AMX: up to 32 rows of A at a time times panels of B 32 columns wide, in tile registers
 * of 16 rows of 64 bytes.  Rows of A are read where they are or in a panel: a tile's may lie any
 * distance apart.
 *
 *     tile 4   A, rows 0..15        tiles 6, 7   B, columns 0..15 and 16..31
 *     tile 5   A, rows 16..31       tiles 0 .. 3  C: (4,6) (4,7) (5,6) (5,7)
 *
 * A step of 64 bytes of K takes four tile products of 16 cycles each, and four tile loads of 8 from
 * L1 or 19 from L2.  So the panel of A should stay in L1, and a step of B is fetched there while the
 * one before is multiplied: 1.15 times as fast as without.  A unit defines
 * AMX_PRODUCT (TDPBF16PS, TDPBUSD or TDPBSSD), and STRIP_INT8 where sums are s32.
 *
 * Tiles are configured for the rows that exist and released by each strip, so that no thread keeps
 * their state; both take about 55 ns. */
#ifndef SWELL_GEMM_AMX_TEMPLATE_H
#define SWELL_GEMM_AMX_TEMPLATE_H

#include <string.h>
#include "kernels/x86/vec_avx512.h"
#include "kernels/x86/gemm_finish_template.h"

enum { MR = 32, TILE = 16, STEP_B = 64 * NR };

/* The memory form of the tile configuration (Intel SDM 1, section 18.3). */
struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

/* The intrinsics that read memory do not say so to the compiler: what they read is written here. */
VEC_INLINE void written(void)
{
    __asm__ volatile("" ::: "memory");
}

static void configure(int m)
{
    _Alignas(64) struct tile_config config = {.palette = 1};
    const uint8_t high = (uint8_t)(m < TILE ? m : TILE), low = (uint8_t)(m > TILE ? m - TILE : 1);
    const uint8_t rows[8] = {high, high, low, low, high, low, TILE, TILE};
    for (int i = 0; i < 8; i++) config.row_bytes[i] = 64;
    memcpy(config.rows, rows, sizeof rows);
    written();
    _tile_loadconfig(&config);
}

/* Fetch eight lines of B, 64 * at bytes on. */
VEC_INLINE void fetch(const char *b, const int at)
{
    VEC_UNROLL for (int i = 0; i < 8; i++) _mm_prefetch(b + 64 * (at + i), _MM_HINT_T0);
}

/* What the rows of a strip share. */
struct strip {
    const char *a;
    int64_t row, step; /* bytes from row to row and from step to step of A */
    int64_t steps;
    int m;
};

/* The products of a panel of B, into the tiles of C; `tall`: there are rows 16.. */
VEC_INLINE void multiply(const struct strip *s, const char *b, const int tall, const int is_signed)
{
    const char *a = s->a, *low = a + TILE * s->row;
    const size_t row = (size_t)s->row;
    for (int64_t k = 0; k < s->steps; k++, a += s->step, low += s->step, b += STEP_B) {
        const char *ahead = b + STEP_B;
        _tile_loadd(4, a, row);
        _tile_loadd(6, b, 4 * NR);
        fetch(ahead, 0);
        AMX_PRODUCT(0, 4, 6, is_signed);
        _tile_loadd(7, b + 64, 4 * NR);
        fetch(ahead, 8);
        AMX_PRODUCT(1, 4, 7, is_signed);
        if (tall) _tile_loadd(5, low, row);
        fetch(ahead, 16);
        if (tall) AMX_PRODUCT(2, 5, 6, is_signed);
        fetch(ahead, 24);
        if (tall) AMX_PRODUCT(3, 5, 7, is_signed);
    }
}

VEC_INLINE void load_c(const float *c, int64_t ldc, const int tall)
{
    const size_t row = (size_t)ldc * sizeof *c;
    _tile_loadd(0, c, row);
    _tile_loadd(1, c + TILE, row);
    if (tall) _tile_loadd(2, c + TILE * ldc, row);
    if (tall) _tile_loadd(3, c + TILE * ldc + TILE, row);
}

VEC_INLINE void store_c(float *c, int64_t ldc, const int tall)
{
    const size_t row = (size_t)ldc * sizeof *c;
    _tile_stored(0, c, row);
    _tile_stored(1, c + TILE, row);
    if (tall) _tile_stored(2, c + TILE * ldc, row);
    if (tall) _tile_stored(3, c + TILE * ldc + TILE, row);
}

/* Tiles that are not whole, or not finished when they leave the registers, pass through a room. */
VEC_INLINE void strip(float *c, int64_t ldc, const struct strip *s, const char *b, int64_t n,
                      int accumulate, const struct sw_epilogue *e, const int tall,
                      const int is_signed)
{
    _Alignas(64) float room[MR * NR];
    for (int64_t j = 0; j < n; j += NR, b += s->steps * STEP_B) {
        const int64_t columns = n - j < NR ? n - j : NR;
        if (accumulate && columns == NR) {
            load_c(c + j, ldc, tall);
        } else if (accumulate) {
            memset(room, 0, sizeof room);
            for (int i = 0; i < s->m; i++)
                memcpy(room + i * NR, c + i * ldc + j, (size_t)columns * sizeof *c);
            written();
            load_c(room, NR, tall);
        } else {
            _tile_zero(0);
            _tile_zero(1);
            if (tall) _tile_zero(2);
            if (tall) _tile_zero(3);
        }
        multiply(s, b, tall, is_signed);
        if (columns == NR && !e) {
            store_c(c + j, ldc, tall);
        } else {
            store_c(room, NR, tall);
            strip_finish(c + j, ldc, room, s->m, columns, e, j);
        }
    }
}

/* The slot, with `depth` K in 64 bytes. */
VEC_INLINE void strip_amx(float *c, int64_t ldc, const void *a, int64_t lda, const void *b,
                          int64_t kc, int64_t m, int64_t n, int accumulate,
                          const struct sw_epilogue *e, const int depth, const int is_signed)
{
    struct strip s = {a, lda ? lda : 64, lda ? 64 : 64 * MR, (kc + depth - 1) / depth, 0};
    struct sw_epilogue room;
    for (int64_t i = 0; i < m; i += MR, s.a += MR * s.row, c += MR * ldc) {
        const int rows = m - i < MR ? (int)(m - i) : MR;
        if (rows != s.m) configure(rows);
        s.m = rows;
        const struct sw_epilogue *here = sw__epilogue_at(e, &room, i, 0);
        if (rows > TILE)
            strip(c, ldc, &s, b, n, accumulate, here, 1, is_signed);
        else
            strip(c, ldc, &s, b, n, accumulate, here, 0, is_signed);
    }
    _tile_release();
}

#endif

/* The limits of AMX: products of tiles of 16 rows of 64 bytes, in four independent accumulators, which
 * is what hides the latency of a product (52 cycles, one starts every 16). */
#include <immintrin.h>
#include <string.h>

#include "kernels/kernels.h"

enum { ROWS = 16, ROW_BYTES = 64, CHAINS = 4, TILES = 6 };

struct tile_config { /* Intel SDM, LDTILECFG */
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

/* Accumulators 0..3 of zeros, factors 4 and 5 of `ones`.  Tile numbers are literals, for gcc 12 pastes
 * them into the instruction. */
static void tiles_start(const void *ones)
{
    struct tile_config config = {.palette = 1};
    for (int i = 0; i < TILES; i++) {
        config.rows[i] = ROWS;
        config.row_bytes[i] = ROW_BYTES;
    }
    _tile_loadconfig(&config);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_loadd(4, ones, ROW_BYTES);
    _tile_loadd(5, ones, ROW_BYTES);
}

static void tiles_end(void *out, int64_t tile_bytes)
{
    char *to = out;
    _tile_stored(0, to, ROW_BYTES);
    _tile_stored(1, to + tile_bytes, ROW_BYTES);
    _tile_stored(2, to + 2 * tile_bytes, ROW_BYTES);
    _tile_stored(3, to + 3 * tile_bytes, ROW_BYTES);
    _tile_release();
}

static double sw__limit_dot_bf16_amx(int64_t rounds, double *sink)
{
    uint16_t ones[ROWS * ROW_BYTES / 2];
    float out[CHAINS][ROWS * ROW_BYTES / 4];
    for (int i = 0; i < ROWS * ROW_BYTES / 2; i++) ones[i] = 0x3f80;
    tiles_start(ones);
    for (int64_t r = 0; r < rounds; r++) {
        _tile_dpbf16ps(0, 4, 5);
        _tile_dpbf16ps(1, 4, 5);
        _tile_dpbf16ps(2, 4, 5);
        _tile_dpbf16ps(3, 4, 5);
    }
    tiles_end(out, sizeof out[0]);
    *sink = 0;
    for (int i = 0; i < CHAINS; i++)
        for (int j = 0; j < ROWS * ROW_BYTES / 4; j++) *sink += (double)out[i][j];
    return 2.0 * ROWS * 16 * 32 * CHAINS * (double)rounds;
}

static double sw__limit_dot_int8_amx(int64_t rounds, double *sink)
{
    uint8_t ones[ROWS * ROW_BYTES];
    int32_t out[CHAINS][ROWS * ROW_BYTES / 4];
    memset(ones, 1, sizeof ones);
    tiles_start(ones);
    for (int64_t r = 0; r < rounds; r++) {
        _tile_dpbusd(0, 4, 5);
        _tile_dpbusd(1, 4, 5);
        _tile_dpbusd(2, 4, 5);
        _tile_dpbusd(3, 4, 5);
    }
    tiles_end(out, sizeof out[0]);
    *sink = 0;
    for (int i = 0; i < CHAINS; i++)
        for (int j = 0; j < ROWS * ROW_BYTES / 4; j++) *sink += out[i][j];
    return 2.0 * ROWS * 16 * 64 * CHAINS * (double)rounds;
}

void sw__limit_init_amx(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, limit_dot_bf16, sw__limit_dot_bf16_amx);
    SW_KERNEL_SET(k, limit_dot_int8, sw__limit_dot_int8_amx);
}

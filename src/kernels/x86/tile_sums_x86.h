/* Where the sums of a tile go that the tile does not store itself: one function, not a copy in each of dozens of
 * tiles.  Written on grid_avx2.h or grid_avx512.h. */
#ifndef SWELL_TILE_SUMS_X86_H
#define SWELL_TILE_SUMS_X86_H

/* c (+)= sums, rows of `width` floats, whole vectors, of which c has the first n. */
static __attribute__((noinline, unused)) void tile_sums(float *c, int64_t ldc, const float *sums,
                                                        int rows, int width, int n, int accumulate)
{
    for (int i = 0; i < rows; i++, c += ldc, sums += width)
        for (int j = 0; j < n; j += VF_N) {
            vf sum = vf_load(sums + j);
            if (accumulate) sum = vf_add(vf_load_n(c + j, n - j), sum);
            vf_store_piece(c + j, sum, n - j);
        }
}

#endif

/* What is seen of a picture, and the numbers that the network gets.
 *
 * A view is drawn from a stream of random numbers of its own, (seed, epoch, picture), so that it depends on
 * nothing else: not on the batch, not on what was drawn before.  Rendering looks each pixel up in a table
 * of 256 numbers a channel and walks columns by a table of places, which holds crop, mirror and padding. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "train/image_set_int.h"

/* ---- random ------------------------------------------------------------------------------------------ */

/* DeVries and Taylor 2017, section 3.2: around any pixel, so that part of it may lie outside. */
static void draw_cutout(sw_view *v, const sw_augmentation *a, struct sw_rng *rng)
{
    const int x = (int)sw__rng_below(rng, (uint64_t)a->side) - a->cutout / 2;
    const int y = (int)sw__rng_below(rng, (uint64_t)a->side) - a->cutout / 2;
    v->cut_left = x > 0 ? x : 0;
    v->cut_top = y > 0 ? y : 0;
    v->cut_right = x + a->cutout < a->side ? x + a->cutout : a->side;
    v->cut_bottom = y + a->cutout < a->side ? y + a->cutout : a->side;
}

/* 2012, section 4.1: [p1 p2 p3] [a1 l1, a2 l2, a3 l3]^T with a_i from N(0, 0.1), once a picture. */
static void draw_shift(sw_view *v, const sw_augmentation *a, struct sw_rng *rng)
{
    for (int i = 0; i < 3; i++) {
        const float alpha = a->jitter * (float)sw__rng_normal(rng);
        for (int c = 0; c < 3; c++) v->shift[c] += alpha * a->principal[i][c];
    }
}

sw_view sw_view_random(const sw_augmentation *a, uint64_t seed, uint64_t epoch, uint64_t picture)
{
    const uint64_t stream = sw__hash_name("augmentation");
    struct sw_rng rng = {seed, stream + epoch, picture << 8};
    const int middle = (a->frame - a->side) / 2;
    const uint64_t places = (uint64_t)(a->frame + 2 * a->pad - a->side + 1);
    const uint64_t x = sw__rng_below(&rng, places), y = sw__rng_below(&rng, places);
    sw_view v = {.left = a->centre ? middle : (int)x - a->pad,
                 .top = a->centre ? middle : (int)y - a->pad};
    const uint32_t coin = sw__rng_u32(&rng) >> 31;
    if (a->mirror == SW_MIRROR_RANDOM) v.mirror = coin;
    if (a->mirror == SW_MIRROR_ALTERNATE)
        v.mirror = ((sw__random_u32(seed, stream - 1, picture) >> 31) + epoch) % 2;
    if (a->cutout) draw_cutout(&v, a, &rng);
    if (a->jitter > 0) draw_shift(&v, a, &rng);
    return v;
}

/* ---- test -------------------------------------------------------------------------------------------- */

int sw_views_test(const sw_augmentation *a, int kind, sw_view views[SW_MAX_VIEWS],
                  float weights[SW_MAX_VIEWS])
{
    const int room = a->frame - a->side, middle = room / 2;
    int places[9][2] = {{middle, middle}}, n = 1;
    switch (kind) {
    case 1:
    case 2: break;
    case 6:
        for (; n < 3; n++) places[n][0] = places[n][1] = middle + (n == 1 ? -1 : 1);
        break;
    case 10:
        for (; n < 5; n++) {
            places[n][0] = (n - 1) % 2 * room;
            places[n][1] = (n - 1) / 2 * room;
        }
        break;
    case 18:
        for (n = 0; n < 9; n++) {
            places[n][0] = n % 3 * room / 2;
            places[n][1] = n / 3 * room / 2;
        }
        break;
    default: return 0;
    }
    if (kind >= 10 && room < 1) return 0;
    for (int i = 0; i < kind; i++) {
        const int place = kind == 1 ? 0 : i / 2;
        views[i] = (sw_view){.left = places[place][0], .top = places[place][1], .mirror = i % 2};
        weights[i] = kind == 6 ? (i < 2 ? 0.25f : 0.125f) : 1 / (float)kind;
    }
    return kind;
}

/* ---- rendering ---------------------------------------------------------------------------------------- */

enum { SIDE_MOST = 4096 };

/* Column or row x of the padded frame in the frame, or -1: padding of the mean colour. */
static int source(const sw_augmentation *a, int x)
{
    if (x >= 0 && x < a->frame) return x;
    if (a->pad_zero) return -1;
    return x < 0 ? -x : 2 * (a->frame - 1) - x;
}

static void render_row(const uint8_t *from, const int *columns, int n, const float *table,
                       float *to)
{
    for (int x = 0; x < n; x++) to[x] = columns[x] < 0 ? 0 : table[from[columns[x]]];
}

void sw__view_render(const struct sw_frame *f, const sw_augmentation *a, const sw_view *v,
                     float *out)
{
    int columns[SIDE_MOST];
    float table[256];
    const int side = a->side;
    for (int x = 0; x < side; x++) {
        const int at = source(a, v->left + (v->mirror ? side - 1 - x : x));
        columns[x] = at < 0 ? -1 : at * f->step;
    }
    for (int c = 0; c < a->channels; c++) {
        for (int b = 0; b < 256; b++)
            table[b] = ((float)b / 255.0f + v->shift[c] - a->mean[c]) / a->deviation[c];
        for (int y = 0; y < side; y++) {
            float *to = out + ((int64_t)c * side + y) * side;
            const int at = source(a, v->top + y);
            if (at < 0)
                memset(to, 0, (size_t)side * sizeof *to);
            else
                render_row(f->at[c] + at * f->row, columns, side, table, to);
            if (y >= v->cut_top && y < v->cut_bottom && v->cut_right > v->cut_left)
                memset(to + v->cut_left, 0, (size_t)(v->cut_right - v->cut_left) * sizeof *to);
        }
    }
}

/* The reference kernels of layers on bytes: plain loops that say what the int8 slots compute. */
#include <math.h>
#include "kernels/kernels.h"

static uint8_t to_byte(float x, float low, float high, int zero)
{
    x = x > low ? x : low;
    x = x < high ? x : high;
    return (uint8_t)((int)nearbyintf(x) + zero);
}

/* The sum of one pixel and column; unsigned, so that it may wrap. */
static uint32_t product(const uint8_t *a, const int8_t *column, const struct sw_int8_strip *s,
                        int nr)
{
    uint32_t sum = 0;
    for (int64_t r = 0; r < s->runs; r++)
        for (int64_t t = 0; t < s->in_run; t++) {
            const uint8_t *at = a + r * s->run_step + t * s->tap_step;
            for (int64_t k = 0; k < s->steps; k++, column += 4 * nr)
                for (int g = 0; g < 4; g++) sum += (uint32_t)(at[4 * k + g] * column[g]);
        }
    return sum;
}

static void sw__conv_strip_u8_ref(void *y, const uint8_t *a, const int8_t *b, int64_t m, int64_t n,
                                  const struct sw_int8_strip *s)
{
    const int nr = sw__int8_blocks(SW_ISA_REF)->nr;
    const int64_t panel = s->runs * s->in_run * s->steps * 4 * nr;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            const uint32_t sum = product(a + i * s->pixel, b + j / nr * panel + j % nr * 4, s, nr);
            const float x = (float)(int32_t)(sum - (uint32_t)s->shift[j]) * s->scale[j];
            if (s->floats)
                ((float *)y)[i * s->y_pixel + j] = x;
            else
                ((uint8_t *)y)[i * s->y_pixel + j] = to_byte(x, s->low, s->high, s->zero);
        }
}

static void sw__max_u8_ref(uint8_t *y, const uint8_t *x, const struct sw_int8_taps *t, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        uint8_t most = 0;
        for (int64_t r = 0; r < t->rows; r++)
            for (int64_t c = 0; c < t->cols; c++) {
                const uint8_t v = x[r * t->row_step + c * t->col_step + i];
                if (v > most) most = v;
            }
        y[i] = most;
    }
}

static void sw__mean_u8_ref(uint8_t *y, const uint8_t *x, const struct sw_int8_taps *t, int64_t n,
                            const struct sw_int8_mean *o)
{
    for (int64_t i = 0; i < n; i++) {
        int32_t sum = 0;
        for (int64_t r = 0; r < t->rows; r++)
            for (int64_t c = 0; c < t->cols; c++)
                sum += x[r * t->row_step + c * t->col_step + i] - o->x_zero;
        y[i] = to_byte((float)sum * o->scale, o->low, o->high, o->zero);
    }
}

static void sw__add_u8_ref(uint8_t *y, const uint8_t *a, const uint8_t *b, int64_t n,
                           const struct sw_int8_add *o)
{
    for (int64_t i = 0; i < n; i++) {
        const float u = (float)(a[i] - o->a_zero) * o->a_scale;
        const float v = (float)(b[i] - o->b_zero) * o->b_scale;
        y[i] = to_byte(u + v, o->low, o->high, o->zero);
    }
}

static void sw__table_u8_ref(uint8_t *y, const uint8_t *x, const uint8_t *table, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] = table[x[i]];
}

static void sw__picture_u8_ref(uint8_t *y, const float *x, int64_t n, int64_t channels,
                               int64_t plane, float scale, int zero)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t c = 0; c < channels; c++) {
            const float t = x[c * plane + i] / scale;
            y[i * channels + c] = to_byte(isnan(t) ? 0 : t, (float)-zero, (float)(255 - zero),
                                          zero);
        }
}

static void sw__lrn_u8_ref(uint8_t *y, const uint8_t *x, int64_t pixels, int64_t n,
                           const struct sw_int8_lrn *o, float *room)
{
    (void)room;
    const struct sw_lrn_window *w = &o->window;
    for (int64_t p = 0; p < pixels; p++, x += n, y += n)
        for (int64_t c = 0; c < n; c++) {
            double sum = 0;
            for (int64_t j = c - w->before; j <= c + w->after; j++)
                if (j >= 0 && j < n) sum += (double)((x[j] - o->x_zero) * (x[j] - o->x_zero));
            const double d = (double)w->k + (double)w->alpha * sum;
            const double v = (x[c] - o->x_zero) * pow(d, -(double)w->beta) * (double)o->scale;
            y[c] = to_byte((float)v, o->low, o->high, o->zero);
        }
}

void sw__int8_init_ref(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, conv_strip_u8, sw__conv_strip_u8_ref);
    SW_KERNEL_SET(k, max_u8, sw__max_u8_ref);
    SW_KERNEL_SET(k, mean_u8, sw__mean_u8_ref);
    SW_KERNEL_SET(k, add_u8, sw__add_u8_ref);
    SW_KERNEL_SET(k, table_u8, sw__table_u8_ref);
    SW_KERNEL_SET(k, picture_u8, sw__picture_u8_ref);
    SW_KERNEL_SET(k, lrn_u8, sw__lrn_u8_ref);
}

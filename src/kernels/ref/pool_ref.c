/* The reference of the pooling kernels: plain loops that say what the slots compute.  See
 * pool_kernels.h for the contract. */
#include <math.h>
#include <string.h>
#include "kernels/kernels.h"

/* The part of a window that is inside of the plane: rows y .. y1-1, columns x .. x1-1. */
struct window {
    int64_t y, y1, x, x1;
};

static struct window window_at(const struct sw_grid *g, int64_t r, int64_t q)
{
    int64_t y = r * g->sy + g->y0, x = q * g->sx + g->x0;
    return (struct window){
        .y = y < 0 ? 0 : y,
        .y1 = y + g->ny < g->h ? y + g->ny : g->h,
        .x = x < 0 ? 0 : x,
        .x1 = x + g->nx < g->w ? x + g->nx : g->w,
    };
}

/* Where the first greatest element of a window is. */
static int64_t greatest(const float *x, const struct sw_grid *g, struct window w)
{
    int64_t best = w.y * g->w + w.x;
    for (int64_t i = w.y; i < w.y1; i++)
        for (int64_t j = w.x; j < w.x1; j++) {
            float v = x[i * g->w + j];
            if (v > x[best] || (isnan(v) && !isnan(x[best]))) best = i * g->w + j;
        }
    return best;
}

static void sw__max_pool_f32_ref(float *y, const float *x, const struct sw_grid *g)
{
    for (int64_t r = 0; r < g->oh; r++)
        for (int64_t q = 0; q < g->ow; q++) *y++ = x[greatest(x, g, window_at(g, r, q))];
}

static void sw__max_pool_grad_f32_ref(float *dx, const float *dy, const float *x,
                                      const struct sw_grid *g, float *scratch)
{
    memset(dx, 0, (size_t)(g->h * g->w) * sizeof *dx);
    for (int64_t r = 0; r < g->oh; r++)
        for (int64_t q = 0; q < g->ow; q++) dx[greatest(x, g, window_at(g, r, q))] += *dy++;
}

static void sw__avg_pool_f32_ref(float *y, const float *x, const struct sw_grid *g,
                                 const float *rows, const float *cols)
{
    for (int64_t r = 0; r < g->oh; r++)
        for (int64_t q = 0; q < g->ow; q++) {
            struct window w = window_at(g, r, q);
            float sum = 0;
            for (int64_t i = w.y; i < w.y1; i++)
                for (int64_t j = w.x; j < w.x1; j++) sum += x[i * g->w + j];
            *y++ = sum / (rows[r] * cols[q]);
        }
}

static void sw__avg_pool_grad_f32_ref(float *dx, const float *dy, const struct sw_grid *g,
                                      const float *rows, const float *cols, float *scratch)
{
    memset(dx, 0, (size_t)(g->h * g->w) * sizeof *dx);
    for (int64_t r = 0; r < g->oh; r++)
        for (int64_t q = 0; q < g->ow; q++) {
            struct window w = window_at(g, r, q);
            float d = *dy++ / (rows[r] * cols[q]);
            for (int64_t i = w.y; i < w.y1; i++)
                for (int64_t j = w.x; j < w.x1; j++) dx[i * g->w + j] += d;
        }
}

void sw__pool_init_ref(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, max_pool_f32, sw__max_pool_f32_ref);
    SW_KERNEL_SET(k, max_pool_grad_f32, sw__max_pool_grad_f32_ref);
    SW_KERNEL_SET(k, avg_pool_f32, sw__avg_pool_f32_ref);
    SW_KERNEL_SET(k, avg_pool_grad_f32, sw__avg_pool_grad_f32_ref);
}

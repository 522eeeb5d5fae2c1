/* Reference kernels of normalisation over rows and planes: the definitions, in plain loops.  Sums are
 * made in float64 and rounded once, so that these are also the most accurate kernels.  Softmax and
 * losses stand in softmax_ref.c.
 *
 *   layer norm   Ba, Kiros, Hinton 2016          RMS norm   Zhang, Sennrich 2019
 *   batch norm   Ioffe, Szegedy 2015             group norm Wu, He 2018
 *   LRN          Krizhevsky, Sutskever, Hinton 2012, section 3.3 */
#include <math.h>
#include "kernels/kernels.h"
#include "kernels/ref/norm_ref.h"

static double mean_of(const float *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)x[i];
    return sum / (double)n;
}

/* sum (x - mean)^2 */
static double squares_about(const float *x, double mean, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += ((double)x[i] - mean) * ((double)x[i] - mean);
    return sum;
}

static void sw__layernorm_f32_ref(float *y, float *mean, float *rstd, const float *x,
                                  const float *gamma, const float *beta, int64_t rows, int64_t n,
                                  float eps, int stream)
{
    for (int64_t r = 0; r < rows; r++, x += n, y += n) {
        float m = (float)mean_of(x, n);
        float s = (float)(1 / sqrt(squares_about(x, (double)m, n) / (double)n + (double)eps));
        for (int64_t i = 0; i < n; i++) {
            float v = (x[i] - m) * s;
            if (gamma) v *= gamma[i];
            if (beta) v += beta[i];
            y[i] = v;
        }
        if (mean) mean[r] = m;
        if (rstd) rstd[r] = s;
    }
}

static void sw__layernorm_backward_f32_ref(float *dx, float *dgamma, float *dbeta, const float *dy,
                                           const float *x, const float *mean, const float *rstd,
                                           const float *gamma, int64_t rows, int64_t n)
{
    for (int64_t r = 0; r < rows; r++, dy += n, x += n) {
        double sum_g = 0, sum_gx = 0;
        for (int64_t i = 0; i < n; i++) {
            float xhat = (x[i] - mean[r]) * rstd[r], g = gamma ? dy[i] * gamma[i] : dy[i];
            sum_g += (double)g;
            sum_gx += (double)g * (double)xhat;
            if (dgamma) dgamma[i] += dy[i] * xhat;
            if (dbeta) dbeta[i] += dy[i];
        }
        if (!dx) continue;
        float avg_g = (float)(sum_g / (double)n), avg_gx = (float)(sum_gx / (double)n);
        for (int64_t i = 0; i < n; i++) {
            float xhat = (x[i] - mean[r]) * rstd[r], g = gamma ? dy[i] * gamma[i] : dy[i];
            dx[i] = rstd[r] * (g - avg_g - xhat * avg_gx);
        }
        dx += n;
    }
}

static void sw__rmsnorm_f32_ref(float *y, float *rstd, const float *x, const float *gamma,
                                int64_t rows, int64_t n, float eps)
{
    for (int64_t r = 0; r < rows; r++, x += n, y += n) {
        float s = (float)(1 / sqrt(squares_about(x, 0, n) / (double)n + (double)eps));
        for (int64_t i = 0; i < n; i++) y[i] = gamma ? x[i] * s * gamma[i] : x[i] * s;
        if (rstd) rstd[r] = s;
    }
}

static void sw__rmsnorm_backward_f32_ref(float *dx, float *dgamma, const float *dy, const float *x,
                                         const float *rstd, const float *gamma, int64_t rows,
                                         int64_t n)
{
    for (int64_t r = 0; r < rows; r++, dy += n, x += n) {
        double sum_gx = 0;
        for (int64_t i = 0; i < n; i++) {
            float xhat = x[i] * rstd[r], g = gamma ? dy[i] * gamma[i] : dy[i];
            sum_gx += (double)g * (double)xhat;
            if (dgamma) dgamma[i] += dy[i] * xhat;
        }
        if (!dx) continue;
        float avg_gx = (float)(sum_gx / (double)n);
        for (int64_t i = 0; i < n; i++) {
            float g = gamma ? dy[i] * gamma[i] : dy[i];
            dx[i] = rstd[r] * (g - x[i] * rstd[r] * avg_gx);
        }
        dx += n;
    }
}

static void sw__fold_rows_f32_ref(float *y, const float *x, int64_t count, int64_t stride,
                                  int64_t n)
{
    for (int64_t j = 0; j < n; j++) {
        float sum = 0;
        for (int64_t i = 0; i < count; i++) sum += x[i * stride + j];
        y[j] = sum;
    }
}

static void sw__moments_f32_ref(float *mean, float *m2, const float *x, int64_t count,
                                int64_t stride, int64_t n)
{
    for (int64_t p = 0; p < count; p++, x += stride) {
        mean[p] = (float)mean_of(x, n);
        m2[p] = (float)squares_about(x, (double)mean[p], n);
    }
}

static void sw__plane_sums_f32_ref(float *sum_dy, float *sum_dyx, const float *dy, const float *x,
                                   float mean, int64_t count, int64_t stride, int64_t n)
{
    for (int64_t p = 0; p < count; p++, dy += stride, x += stride) {
        double s = 0, sx = 0;
        for (int64_t i = 0; i < n; i++) {
            s += (double)dy[i];
            sx += (double)dy[i] * (double)(x[i] - mean);
        }
        sum_dy[p] = (float)s;
        sum_dyx[p] = (float)sx;
    }
}

static void sw__plane_affine_f32_ref(float *y, const float *x, float mean, float scale, float shift,
                                     int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] = (x[i] - mean) * scale + shift;
}

static void sw__plane_affine_dx_f32_ref(float *dx, const float *dy, const float *x, float mean,
                                        float a, float b, float c, int64_t n)
{
    for (int64_t i = 0; i < n; i++) dx[i] = a * dy[i] + (b * (x[i] - mean) + c);
}

static void sw__row_affine_f32_ref(float *y, const float *x, const float *mean, const float *scale,
                                   const float *shift, int64_t rows, int64_t n)
{
    for (int64_t r = 0; r < rows; r++, y += n, x += n)
        for (int64_t i = 0; i < n; i++) y[i] = (x[i] - mean[i]) * scale[i] + shift[i];
}

static void sw__row_affine_dx_f32_ref(float *dx, const float *dy, const float *x, const float *mean,
                                      const float *a, const float *b, const float *c, int64_t rows,
                                      int64_t n)
{
    for (int64_t r = 0; r < rows; r++, dx += n, dy += n, x += n)
        for (int64_t i = 0; i < n; i++) dx[i] = a[i] * dy[i] + (b[i] * (x[i] - mean[i]) + c[i]);
}

/* d = k + alpha * sum x^2 at one pixel. */
static double lrn_divisor(const float *x, int64_t c, int64_t channels, int64_t stride,
                          const struct sw_lrn_window *w)
{
    double sum = 0;
    for (int64_t j = c - w->before; j <= c + w->after; j++)
        if (j >= 0 && j < channels) sum += (double)x[j * stride] * (double)x[j * stride];
    return (double)w->k + (double)w->alpha * sum;
}

static void sw__lrn_f32_ref(float *y, const float *x, int64_t channels, int64_t stride,
                            int64_t width, const struct sw_lrn_window *w)
{
    for (int64_t c = 0; c < channels; c++)
        for (int64_t i = 0; i < width; i++) {
            double d = lrn_divisor(x + i, c, channels, stride, w);
            y[c * stride + i] = (float)((double)x[c * stride + i] * pow(d, -(double)w->beta));
        }
}

/* dx_i = dy_i d_i^-beta - 2 alpha beta x_i * sum over the j that see i of dy_j x_j d_j^(-beta-1)
 * The terms of the sum wait in a ring of rows until the last channel of a window is done. */
static void sw__lrn_backward_f32_ref(float *dx, float *scratch, const float *dy, const float *x,
                                     int64_t channels, int64_t stride, int64_t width,
                                     const struct sw_lrn_window *w)
{
    float factor = 2 * w->alpha * w->beta;
    int64_t ring = sw__lrn_ring(channels, w);
    for (int64_t first = 0; first < channels + w->before; first++) {
        int64_t second = first - w->before;
        for (int64_t i = 0; i < width && first < channels; i++) {
            int64_t at = first * stride + i;
            double d = lrn_divisor(x + i, first, channels, stride, w), p = pow(d, -(double)w->beta);
            scratch[first % ring * width + i] = (float)((double)dy[at] * (double)x[at] * p / d);
            dx[at] = (float)((double)dy[at] * p);
        }
        for (int64_t i = 0; i < width && second >= 0; i++) {
            float sum = 0;
            for (int64_t j = second - w->after; j <= second + w->before; j++)
                if (j >= 0 && j < channels) sum += scratch[j % ring * width + i];
            dx[second * stride + i] -= factor * x[second * stride + i] * sum;
        }
    }
}

void sw__norm_init_ref(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, layernorm_f32, sw__layernorm_f32_ref);
    SW_KERNEL_SET(k, layernorm_backward_f32, sw__layernorm_backward_f32_ref);
    SW_KERNEL_SET(k, rmsnorm_f32, sw__rmsnorm_f32_ref);
    SW_KERNEL_SET(k, rmsnorm_backward_f32, sw__rmsnorm_backward_f32_ref);
    SW_KERNEL_SET(k, fold_rows_f32, sw__fold_rows_f32_ref);
    SW_KERNEL_SET(k, moments_f32, sw__moments_f32_ref);
    SW_KERNEL_SET(k, plane_sums_f32, sw__plane_sums_f32_ref);
    SW_KERNEL_SET(k, plane_affine_f32, sw__plane_affine_f32_ref);
    SW_KERNEL_SET(k, plane_affine_dx_f32, sw__plane_affine_dx_f32_ref);
    SW_KERNEL_SET(k, row_affine_f32, sw__row_affine_f32_ref);
    SW_KERNEL_SET(k, row_affine_dx_f32, sw__row_affine_dx_f32_ref);
    SW_KERNEL_SET(k, lrn_f32, sw__lrn_f32_ref);
    SW_KERNEL_SET(k, lrn_backward_f32, sw__lrn_backward_f32_ref);
    sw__softmax_init_ref(k);
}

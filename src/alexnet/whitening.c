/* Whitening filters: the second moments of small patches, summed in f64, and their eigenvectors by
 * Jacobi's rotations (Golub and Van Loan, section 8.5), which for a dozen dimensions are exact enough in
 * any order. */
#include "alexnet/whitening.h"

#include <math.h>
#include <string.h>

#include "base/context_int.h"

enum { MOST = SW_WHITENING_MOST, SWEEPS = 60 };

struct moments {
    int d;
    double a[MOST][MOST]; /* symmetric; its diagonal ends as eigenvalues */
    double v[MOST][MOST]; /* columns end as eigenvectors */
};

/* x: one patch, gathered as (channel, row, column). */
static void add_patch(struct moments *m, const double *x)
{
    for (int i = 0; i < m->d; i++)
        for (int j = 0; j <= i; j++) m->a[i][j] += x[i] * x[j];
}

static void add_image(struct moments *m, const float *image, int channels, int height, int width,
                      int side)
{
    double x[MOST];
    for (int top = 0; top + side <= height; top++)
        for (int left = 0; left + side <= width; left++) {
            int at = 0;
            for (int c = 0; c < channels; c++)
                for (int i = 0; i < side; i++)
                    for (int j = 0; j < side; j++)
                        x[at++] = (double)image[(c * height + top + i) * width + left + j];
            add_patch(m, x);
        }
}

/* Turn the plane (p,q) so that a[p][q] becomes 0. */
static void rotate(struct moments *m, int p, int q)
{
    double apq = m->a[p][q];
    if (apq == 0) return;
    double theta = (m->a[q][q] - m->a[p][p]) / (2 * apq);
    double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1), s = t * c;
    for (int i = 0; i < m->d; i++) {
        double x = m->a[i][p], y = m->a[i][q];
        m->a[i][p] = c * x - s * y;
        m->a[i][q] = s * x + c * y;
    }
    for (int i = 0; i < m->d; i++) {
        double x = m->a[p][i], y = m->a[q][i];
        m->a[p][i] = c * x - s * y;
        m->a[q][i] = s * x + c * y;
        x = m->v[i][p];
        y = m->v[i][q];
        m->v[i][p] = c * x - s * y;
        m->v[i][q] = s * x + c * y;
    }
}

static void find_eigenvectors(struct moments *m)
{
    for (int i = 0; i < m->d; i++)
        for (int j = 0; j < m->d; j++) {
            m->v[i][j] = i == j;
            if (j > i) m->a[i][j] = m->a[j][i];
        }
    for (int sweep = 0; sweep < SWEEPS; sweep++)
        for (int p = 0; p < m->d; p++)
            for (int q = p + 1; q < m->d; q++) rotate(m, p, q);
}

/* The column of the greatest eigenvalue that is not yet taken.  Of the two directions the one whose
 * largest part is positive, so that the result does not hang on rounding. */
static void take_greatest(struct moments *m, bool *taken, float eps, float *out)
{
    int best = -1, largest = 0;
    for (int i = 0; i < m->d; i++)
        if (!taken[i] && (best < 0 || m->a[i][i] > m->a[best][best])) best = i;
    taken[best] = true;
    for (int i = 1; i < m->d; i++)
        if (fabs(m->v[i][best]) > fabs(m->v[largest][best])) largest = i;
    double scale = 1 / sqrt(fmax(m->a[best][best], 0) + (double)eps);
    if (m->v[largest][best] < 0) scale = -scale;
    for (int i = 0; i < m->d; i++) out[i] = (float)(scale * m->v[i][best]);
}

sw_status sw__whitening_filters(sw_context *ctx, const float *images, int64_t n, int channels,
                                int height, int width, int side, float eps, float *out)
{
    struct moments m = {.d = channels * side * side};
    bool taken[MOST] = {false};
    if (n < 1 || side < 1 || height < side || width < side || m.d > MOST)
        return sw__fail(ctx, SW_ERR_ARGUMENT,
                        "whitening: %lld pictures of %d x %d x %d, patches of %d x %d",
                        (long long)n, channels, height, width, side, side);
    for (int64_t i = 0; i < n; i++)
        add_image(&m, images + i * channels * height * width, channels, height, width, side);
    double patches = (double)n * (height - side + 1) * (width - side + 1);
    for (int i = 0; i < m.d; i++)
        for (int j = 0; j <= i; j++) m.a[i][j] /= patches;
    find_eigenvectors(&m);
    for (int i = 0; i < m.d; i++) take_greatest(&m, taken, eps, out + (int64_t)i * m.d);
    return SW_OK;
}

/* Statistics of the pictures that are trained on: mean, deviation, and the principal components of colour
 * (Krizhevsky et al. 2012, section 4.1: "we perform PCA on the set of RGB pixel values"). */
#include <math.h>
#include <stdlib.h>

#include "base/size.h"
#include "train/image_set_int.h"

/* Small frames are enough, and quick: JPEGs are decoded at a reduced scale. */
enum { LOOKED_AT = 2000, LOOKED_SIDE = 64, AT_ONCE = 32 };

struct moments {
    double n, sum[3], product[3][3];
};

static void add_planes(struct moments *m, const float *x, int channels, int64_t plane)
{
    for (int64_t k = 0; k < plane; k++)
        for (int c = 0; c < channels; c++) {
            const double v = (double)x[c * plane + k];
            m->sum[c] += v;
            for (int e = 0; e <= c; e++) m->product[c][e] += v * (double)x[e * plane + k];
        }
    m->n += (double)plane;
}

/* Eigenvectors of a symmetric matrix, in the columns of v; its eigenvalues are then on its diagonal
 * (Jacobi 1846; Golub and Van Loan, section 8.5). */
static void jacobi(double a[3][3], double v[3][3])
{
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) v[i][j] = i == j;
    for (int turn = 0; turn < 60; turn++) {
        const int p = turn % 3 == 2, q = turn % 3 == 0 ? 1 : 2; /* (0,1), (0,2), (1,2) */
        if (a[p][q] == 0) continue;
        const double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        const double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
        const double c = 1 / sqrt(t * t + 1), s = t * c;
        for (int k = 0; k < 3; k++) { /* A <- A J, V <- V J */
            const double x = a[k][p], y = a[k][q], u = v[k][p], w = v[k][q];
            a[k][p] = c * x - s * y;
            a[k][q] = s * x + c * y;
            v[k][p] = c * u - s * w;
            v[k][q] = s * u + c * w;
        }
        for (int k = 0; k < 3; k++) { /* A <- J^T A */
            const double x = a[p][k], y = a[q][k];
            a[p][k] = c * x - s * y;
            a[q][k] = s * x + c * y;
        }
    }
}

static void conclude(sw_augmentation *a, const struct moments *m)
{
    double covariance[3][3] = {{0}}, vectors[3][3];
    for (int c = 0; c < a->channels; c++)
        for (int e = 0; e <= c; e++)
            covariance[c][e] = covariance[e][c] = m->product[c][e] / m->n -
                                                  m->sum[c] / m->n * (m->sum[e] / m->n);
    for (int c = 0; c < a->channels && !(a->deviation[c] > 0); c++) {
        a->mean[c] = (float)(m->sum[c] / m->n);
        a->deviation[c] = (float)sqrt(fmax(covariance[c][c], 1e-6));
    }
    jacobi(covariance, vectors);
    for (int i = 0; i < 3; i++)
        for (int c = 0; c < 3; c++) a->principal[i][c] = (float)(covariance[i][i] * vectors[c][i]);
}

sw_status sw_augmentation_measure(sw_augmentation *a, sw_image_set *set, const int64_t *index,
                                  int64_t n)
{
    struct image_set *s = sw__image_set(set);
    const int side = a->frame < LOOKED_SIDE ? a->frame : LOOKED_SIDE;
    const sw_augmentation plain = {
        .channels = a->channels, .frame = side, .side = side, .deviation = {1, 1, 1}};
    const sw_view views[AT_ONCE] = {{0}};
    const int64_t plane = (int64_t)side * side, looked = sw__min64(n, LOOKED_AT);
    float *x = sw__calloc2((size_t)(AT_ONCE * 3 * plane), sizeof *x);
    struct moments m = {0};
    int64_t chosen[AT_ONCE];
    bool good[AT_ONCE];
    sw_status status = x ? SW_OK : sw__image_set_memory(s);
    for (int64_t at = 0; status == SW_OK && at < looked; at += AT_ONCE) {
        const int64_t here = sw__min64(AT_ONCE, looked - at);
        for (int64_t i = 0; i < here; i++) chosen[i] = index[(at + i) * n / looked];
        status = sw_image_set_read(set, &plain, chosen, here, views, 1, x, good);
        for (int64_t i = 0; status == SW_OK && i < here; i++)
            if (good[i]) add_planes(&m, x + i * a->channels * plane, a->channels, plane);
    }
    if (status == SW_OK && m.n == 0)
        status = sw__fail(s->ctx, SW_ERR_FORMAT, "no picture of %lld can be read",
                          (long long)looked);
    if (status == SW_OK) conclude(a, &m);
    free(x);
    return status;
}

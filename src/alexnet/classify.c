/* Pictures through a classifier.
 *
 *     round:   pictures -> views        all threads, a picture each: decode, resize, cut
 *              views -> logits          the plan, a few at a time
 *              logits -> probabilities  softmax of each view, mean over the views of a picture
 *
 * Decoded pictures live within one thread's turn only, so a folder of huge ones takes no more memory than
 * one for each thread.  Softmax and means are in double and in the order of the views. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alexnet/classifier_int.h"
#include "base/memory.h"
#include "format/picture_decode.h"

/* A JPEG may be decoded at a smaller scale if that still has so many times the pixels that are needed a
 * side: JPEG's own scaling aliases.  SqueezeNet on 1,000 photos of 500x375, top-1 and top-5: 60.5 % and
 * 82.7 % at 1, 62.1 % and 83.7 % at 2, 62.0 % and 83.7 % when decoded whole. */
enum { ENOUGH = 2 };

/* ---- one picture -------------------------------------------------------------------------------- */

static sw_status photo_failed(sw_photo_error *error, sw_status status, const char *why)
{
    error->status = status;
    snprintf(error->why, sizeof error->why, "%s", why);
    return status;
}

static void bytes_views(const sw_preprocessing *p, const void *bytes, size_t size, const int *views,
                        int n, float *out, sw_photo_error *error)
{
    struct sw_decode d = {.bytes = bytes, .size = size, .short_side = ENOUGH * p->short_side};
    sw_status status = sw__picture_decode(&d);
    if (status != SW_OK) {
        photo_failed(error, status, d.error);
        return;
    }
    status = sw_preprocessing_apply(p, &d.out, views, n, out);
    if (status != SW_OK) photo_failed(error, status, "out of memory");
    free(d.out.rgb);
}

void sw__photo_views(const sw_preprocessing *p, const sw_photo *photo, const int *views, int n,
                     float *out, sw_photo_error *error)
{
    struct sw_mapping map;
    *error = (sw_photo_error){0};
    if (photo->picture) {
        if (sw_preprocessing_apply(p, photo->picture, views, n, out) != SW_OK)
            photo_failed(error, SW_ERR_MEMORY, "out of memory");
    } else if (photo->bytes) {
        bytes_views(p, photo->bytes, photo->size, views, n, out, error);
    } else {
        errno = 0;
        if (sw__map_file(photo->name, &map) != SW_OK) {
            photo_failed(error, SW_ERR_IO, errno ? strerror(errno) : "no file");
            return;
        }
        bytes_views(p, map.data, map.size, views, n, out, error);
        sw__unmap_file(&map);
    }
}

/* ---- a batch ------------------------------------------------------------------------------------ */

sw_status sw__classifier_run(sw_classifier *c, float *input, int n, const float **logits,
                             const float **features)
{
    const sw_preprocessing *p = &c->notes.input;
    sw_status status = sw_bind(c->plan, c->images, input,
                               SW_SHAPE(n, p->channels, p->side, p->side));
    if (status == SW_OK) status = sw_run(c->plan);
    if (status != SW_OK) return status;
    *logits = sw_plan_tensor(c->plan, c->logits).data;
    if (features) *features = sw_plan_tensor(c->plan, c->features).data;
    return SW_OK;
}

/* Whether a row is one of probabilities already, from a model whose end was not recognised: logits are not
 * all positive with a sum of 1. */
static bool is_distribution(const float *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        if (!(x[i] >= 0)) return false;
        sum += (double)x[i];
    }
    return fabs(sum - 1) < 1e-3;
}

bool sw__classifier_add(const sw_classifier *c, const float *logits, double *sum)
{
    double most = -INFINITY, total = 0;
    for (int i = 0; i < c->classes; i++) {
        if (!isfinite(logits[i])) return false;
        if ((double)logits[i] > most) most = (double)logits[i];
    }
    if (c->probabilities || is_distribution(logits, c->classes)) {
        for (int i = 0; i < c->classes; i++) sum[i] += (double)logits[i];
        return true;
    }
    for (int i = 0; i < c->classes; i++) total += exp((double)logits[i] - most);
    for (int i = 0; i < c->classes; i++) sum[i] += exp((double)logits[i] - most) / total;
    return true;
}

/* ---- answers ------------------------------------------------------------------------------------- */

static void no_answer(const sw_classifier *c, const sw_answers *a, int64_t i)
{
    if (a->classes)
        for (int k = 0; k < a->top; k++) a->classes[i * a->top + k] = (sw_class){.index = -1};
    if (a->probabilities)
        memset(a->probabilities + i * c->classes, 0, (size_t)c->classes * sizeof(float));
    if (a->features)
        memset(a->features + i * c->n_features, 0, (size_t)c->n_features * sizeof(float));
}

/* The k best by insertion; of equals the first stays before. */
static void best(const sw_classifier *c, const double *p, int k, sw_class *out)
{
    int n = 0;
    for (int i = 0; i < c->classes; i++) {
        int at = n < k ? n++ : k;
        while (at > 0 && (float)p[i] > out[at - 1].probability) {
            if (at < k) out[at] = out[at - 1];
            at--;
        }
        if (at < k)
            out[at] = (sw_class){i, (float)p[i], c->notes.labels ? c->notes.labels[i] : NULL};
    }
}

static void answer(sw_classifier *c, const sw_answers *a, int64_t i, int views)
{
    double *p = c->sums, *f = c->sums + c->classes;
    for (int k = 0; k < c->classes; k++) p[k] /= views;
    if (a->classes) best(c, p, a->top, a->classes + i * a->top);
    if (a->probabilities)
        for (int k = 0; k < c->classes; k++) a->probabilities[i * c->classes + k] = (float)p[k];
    if (a->features)
        for (int k = 0; k < c->n_features; k++)
            a->features[i * c->n_features + k] = (float)(f[k] / views);
}

/* ---- a round ------------------------------------------------------------------------------------- */

struct round {
    sw_classifier *c;
    const sw_photo *photos; /* of the whole call */
    const sw_answers *answers;
    const int *view;
    int views;
    int64_t first;
    int n;
    sw_photo_error *errors; /* (n) */
};

static void prepare(void *user, int64_t i, int thread)
{
    const struct round *r = user;
    sw__photo_views(&r->c->notes.input, &r->photos[r->first + i], r->view, r->views,
                    r->c->input + (size_t)i * (size_t)r->views * sw__classifier_view(r->c),
                    &r->errors[i]);
}

/* Move the views of good pictures together; place[k] gets the picture of the k-th. */
static int close_gaps(const struct round *r, int *place)
{
    const size_t size = (size_t)r->views * sw__classifier_view(r->c);
    int n = 0;
    for (int i = 0; i < r->n; i++) {
        if (r->errors[i].status != SW_OK) continue;
        if (n < i)
            memcpy(r->c->input + (size_t)n * size, r->c->input + (size_t)i * size,
                   size * sizeof(float));
        place[n++] = i;
    }
    return n;
}

/* All views of n pictures that lie at the start of the input, batch by batch; a picture's sums are complete
 * with its last view. */
static sw_status run_views(const struct round *r, const int *place, int n)
{
    sw_classifier *c = r->c;
    const float *logits = NULL, *features = NULL;
    const int total = n * r->views;
    for (int v = 0; v < total; v++) {
        const int in_batch = v % c->at_once, left = total - v;
        if (in_batch == 0) {
            sw_status status = sw__classifier_run(c, c->input + (size_t)v * sw__classifier_view(c),
                                                  left < c->at_once ? left : c->at_once, &logits,
                                                  c->features ? &features : NULL);
            if (status != SW_OK) return status;
        }
        const int i = place[v / r->views];
        if (v % r->views == 0)
            memset(c->sums, 0, ((size_t)c->classes + (size_t)c->n_features) * sizeof *c->sums);
        if (!sw__classifier_add(c, logits + (size_t)in_batch * (size_t)c->classes, c->sums))
            photo_failed(&r->errors[i], SW_ERR_NAN, "the model gives no numbers for it");
        for (int k = 0; k < c->n_features; k++)
            c->sums[c->classes + k] += (double)
                features[(size_t)in_batch * (size_t)c->n_features + (size_t)k];
        if (v % r->views == r->views - 1) answer(c, r->answers, r->first + i, r->views);
    }
    return SW_OK;
}

static sw_status run_round(const struct round *r, int *place)
{
    sw_context *ctx = r->c->ctx;
    sw__threads_each(ctx->threads, r->n, prepare, (void *)r);
    sw_status status = run_views(r, place, close_gaps(r, place));
    for (int i = 0; status == SW_OK && i < r->n; i++) {
        const sw_photo_error *e = &r->errors[i];
        if (r->answers->errors) r->answers->errors[r->first + i] = *e;
        if (e->status == SW_OK) continue;
        no_answer(r->c, r->answers, r->first + i);
        if (!r->answers->errors)
            status = sw__fail(ctx, e->status, "%s: %s", r->photos[r->first + i].name, e->why);
    }
    return status;
}

static sw_status check(const sw_classifier *c, const sw_photo *photos, int64_t n, int views,
                       const sw_answers *a)
{
    if (views != 1 && views != 2 && views != SW_VIEWS)
        return sw__fail(c->ctx, SW_ERR_ARGUMENT, "%d views; 1, 2 or 10 are possible", views);
    if (a->classes && (a->top < 1 || a->top > c->classes))
        return sw__fail(c->ctx, SW_ERR_ARGUMENT, "the best %d of %d classes", a->top, c->classes);
    if (a->features && !c->features)
        return sw__fail(c->ctx, SW_ERR_ARGUMENT, "%s: was opened without features", c->path);
    for (int64_t i = 0; i < n; i++)
        if (!photos[i].name)
            return sw__fail(c->ctx, SW_ERR_ARGUMENT, "picture %lld has no name", (long long)i);
    return SW_OK;
}

sw_status sw_classify(sw_classifier *c, const sw_photo *photos, int64_t n, int views,
                      const sw_answers *answers)
{
    static const int one[] = {0}, two[] = {0, 5}, ten[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    const int group = c->batch > views ? c->batch / views : 1;
    sw_status status = check(c, photos, n, views, answers);
    if (status != SW_OK) return status;
    struct round r = {.c = c,
                      .photos = photos,
                      .answers = answers,
                      .view = views == 1   ? one
                              : views == 2 ? two
                                           : ten,
                      .views = views};
    int *place = sw__calloc2((size_t)group, sizeof *place);
    r.errors = sw__calloc2((size_t)group, sizeof *r.errors);
    if (!place || !r.errors)
        status = sw__fail(c->ctx, SW_ERR_MEMORY, "out of memory for %d pictures", group);
    for (; status == SW_OK && r.first < n; r.first += group) {
        r.n = n - r.first < group ? (int)(n - r.first) : group;
        status = run_round(&r, place);
    }
    free(place);
    free(r.errors);
    return status;
}

/* Occlusion: which parts of a picture a class was seen in (Zeiler and Fergus 2014, section 4.2).
 *
 * A square slides over the input in steps of `stride`, its first and last place at the edges.  Where it lies
 * the input is 0, which is the mean colour, on which the network has no opinion.  A pixel's value is the mean
 * over all squares that covered it of how much the probability dropped, where a square counts the more the
 * nearer its centre is: so the map has no steps. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alexnet/classifier_int.h"
#include "base/memory.h"

/* Where the square stands: (places x places), the last at the edge. */
struct grid {
    int side, square, stride, places;
};

static int place(const struct grid *g, int i)
{
    const int at = i * g->stride, last = g->side - g->square;
    return at < last ? at : last;
}

/* Views with the square at places from..from+n-1. */
static void cover(const sw_classifier *c, const struct grid *g, const float *whole, int from, int n)
{
    const size_t view = sw__classifier_view(c), side = (size_t)g->side;
    for (int k = 0; k < n; k++) {
        float *out = c->input + (size_t)k * view;
        const size_t left = (size_t)place(g, (from + k) % g->places);
        const size_t top = (size_t)place(g, (from + k) / g->places);
        memcpy(out, whole, view * sizeof *out);
        for (size_t plane = 0; plane < (size_t)c->notes.input.channels; plane++)
            for (size_t y = top; y < top + (size_t)g->square; y++)
                memset(out + (plane * side + y) * side + left, 0, (size_t)g->square * sizeof *out);
    }
}

/* The probability of a class in one row of results. */
static bool probability(const sw_classifier *c, const float *logits, int index, double *out)
{
    memset(c->sums, 0, (size_t)c->classes * sizeof *c->sums);
    if (!sw__classifier_add(c, logits, c->sums)) return false;
    *out = c->sums[index];
    return true;
}

static sw_status no_numbers(const sw_classifier *c, const sw_photo *photo)
{
    return sw__fail(c->ctx, SW_ERR_NAN, "%s: the model gives no numbers for it", photo->name);
}

/* The drop at each place, into drop (places * places). */
static sw_status slide(sw_classifier *c, const struct grid *g, const sw_photo *photo,
                       const float *whole, int index, double before, double *drop)
{
    const int total = g->places * g->places;
    for (int from = 0; from < total; from += c->at_once) {
        const int n = total - from < c->at_once ? total - from : c->at_once;
        const float *logits;
        cover(c, g, whole, from, n);
        sw_status status = sw__classifier_run(c, c->input, n, &logits, NULL);
        if (status != SW_OK) return status;
        for (int k = 0; k < n; k++) {
            double p;
            if (!probability(c, logits + (size_t)k * (size_t)c->classes, index, &p))
                return no_numbers(c, photo);
            drop[from + k] = before - p;
        }
    }
    return SW_OK;
}

/* How much a square at `at` counts for pixel x of its axis. */
static double weight(const struct grid *g, int at, int x)
{
    const double half = 0.5 * g->square + 0.5, off = fabs(x + 0.5 - (at + 0.5 * g->square));
    return x >= at && x < at + g->square ? half - off : 0;
}

/* The weighted mean over the squares that cover each pixel. */
static void spread(const struct grid *g, const double *drop, float *map)
{
    for (int y = 0; y < g->side; y++)
        for (int x = 0; x < g->side; x++) {
            double sum = 0, total = 0;
            for (int i = 0; i < g->places * g->places; i++) {
                const double w = weight(g, place(g, i / g->places), y) *
                                 weight(g, place(g, i % g->places), x);
                sum += w * drop[i];
                total += w;
            }
            map[y * g->side + x] = total > 0 ? (float)(sum / total) : 0;
        }
}

/* The class in question and its probability in the whole picture, which stays in `whole`. */
static sw_status look(sw_classifier *c, const sw_photo *photo, int index, float *whole,
                      sw_class *seen)
{
    static const int centre[1] = {0};
    sw_photo_error error;
    const float *logits;
    double p = 0;
    sw__photo_views(&c->notes.input, photo, centre, 1, whole, &error);
    if (error.status != SW_OK)
        return sw__fail(c->ctx, error.status, "%s: %s", photo->name, error.why);
    sw_status status = sw__classifier_run(c, whole, 1, &logits, NULL);
    if (status != SW_OK) return status;
    if (index < 0) {
        index = 0;
        for (int i = 1; i < c->classes; i++)
            if (logits[i] > logits[index]) index = i;
    }
    if (!probability(c, logits, index, &p)) return no_numbers(c, photo);
    *seen = (sw_class){index, (float)p, c->notes.labels ? c->notes.labels[index] : NULL};
    return SW_OK;
}

sw_status sw_occlusion_map(sw_classifier *c, const sw_photo *photo,
                           const sw_occlusion_options *options, float *map, sw_class *seen)
{
    struct grid g = {c->notes.input.side, options->square, options->stride, 0};
    sw_class found;
    if (!g.square) g.square = g.side / 5 ? g.side / 5 : 1;
    if (!g.stride) g.stride = g.side / 16 ? g.side / 16 : 1;
    if (options->index >= c->classes || options->index < -1 || g.square < 1 || g.square > g.side ||
        g.stride < 1 || !photo->name)
        return sw__fail(c->ctx, SW_ERR_ARGUMENT,
                        "class %d of %d; a square of %d with a stride of %d on a side of %d",
                        options->index, c->classes, g.square, g.stride, g.side);
    g.places = (g.side - g.square + g.stride - 1) / g.stride + 1;
    float *whole = sw__aligned_alloc(sw__classifier_view(c) * sizeof *whole);
    double *drop = sw__calloc2((size_t)g.places * (size_t)g.places, sizeof *drop);
    sw_status status = whole && drop
                           ? SW_OK
                           : sw__fail(c->ctx, SW_ERR_MEMORY, "%s: out of memory", photo->name);
    if (status == SW_OK) status = look(c, photo, options->index, whole, &found);
    if (status == SW_OK)
        status = slide(c, &g, photo, whole, found.index, (double)found.probability, drop);
    if (status == SW_OK) spread(&g, drop, map);
    if (status == SW_OK && seen) *seen = found;
    sw__aligned_free(whole);
    free(drop);
    return status;
}

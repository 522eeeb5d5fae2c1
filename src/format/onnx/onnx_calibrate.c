/* Calibration: the ranges that values take on sample inputs, and the scale and zero that they get for it.
 *
 * Two passes over the samples: the extremes of each value, then a histogram between them.  The range that is
 * kept need not be all of it: a few outliers would cost all other numbers their precision.  By default it is
 * the one with the least mean squared error over the histogram, clipping included. */
#include "format/onnx/onnx_quantise.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <swell/plan.h>
#include "base/size.h"

#define SHRINKS 140 /* ranges that are tried at each end: 1, 0.995, ... */

/* ---- running the samples --------------------------------------------------------------------------------- */

static void see_extremes(struct sw_onnx_range_of *v, const sw_tensor *t)
{
    const float *x = t->data;
    const int64_t n = sw_shape_elements(&t->shape);
    float lo = v->lo, hi = v->hi, zero = 0;
    for (int64_t i = 0; i < n; i++) {
        lo = x[i] < lo ? x[i] : lo;
        hi = x[i] > hi ? x[i] : hi;
        zero += x[i] - x[i]; /* NaN where one is no finite number */
    }
    v->lo = v->lo + zero == v->lo ? lo : NAN;
    v->hi = hi;
    v->count += n;
}

static void see_numbers(struct sw_onnx_range_of *v, const sw_tensor *t)
{
    const float *x = t->data;
    const int64_t channels = t->shape.rank > 1 ? t->shape.dim[1] : 1;
    int64_t plane = 1;
    for (int i = 2; i < t->shape.rank; i++) plane *= t->shape.dim[i];
    const int64_t n = sw_shape_elements(&t->shape);
    const float bins = v->hi > v->lo ? (float)SW_RANGE_BINS / (v->hi - v->lo) : 0;
    for (int64_t at = 0; at < n; at += plane) {
        float sum = 0;
        for (int64_t i = at; i < at + plane; i++) {
            int bin = (int)((x[i] - v->lo) * bins);
            v->histogram[bin < SW_RANGE_BINS ? bin : SW_RANGE_BINS - 1]++;
            sum += x[i] * x[i];
        }
        v->energy[at / plane % channels] += (double)sum;
    }
}

/* Run all samples, in batches; see() gets each value of each run. */
static sw_status run_samples(struct sw_onnx_quantiser *q, sw_plan *p,
                             void (*see)(struct sw_onnx_range_of *, const sw_tensor *), float *kept)
{
    sw_shape shape = sw_node_shape(q->in);
    const int64_t each = sw_shape_elements(&shape) / shape.dim[0];
    sw_status status = SW_OK;
    for (int64_t at = 0; status == SW_OK && at < q->o->n_samples; at += q->batch) {
        shape.dim[0] = sw__min64(q->batch, q->o->n_samples - at);
        status = sw_bind(p, q->in, (void *)(q->o->samples + at * each), shape);
        if (status == SW_OK) status = sw_run(p);
        if (status != SW_OK) break;
        for (int64_t i = 0; see && i < q->n_values; i++) {
            if (!q->values[i].rounded) continue;
            sw_tensor t = sw_plan_tensor(p, q->g->nodes[i]);
            see(&q->values[i], &t);
        }
        if (kept)
            memcpy(kept + at * q->width, sw_plan_tensor(p, q->out[0]).data,
                   (size_t)(shape.dim[0] * q->width) * sizeof *kept);
    }
    return status;
}

static sw_status compile_measured(struct sw_onnx_quantiser *q, sw_plan **p)
{
    sw_node **outputs = sw__arena_alloc(&q->arena, (size_t)(q->n_values + 1) * sizeof *outputs);
    int n = 0;
    if (!outputs) return sw__fail(q->ctx, SW_ERR_MEMORY, "%s: out of memory", q->path);
    outputs[n++] = q->out[0];
    for (int64_t i = 0; i < q->n_values; i++)
        if (q->values[i].rounded && q->g->nodes[i]->op) outputs[n++] = q->g->nodes[i];
    return sw_compile(q->g, (sw_plan_options){.outputs = outputs, .n_outputs = n, .name = q->path},
                      p);
}

sw_status sw__quantise_measure(struct sw_onnx_quantiser *q)
{
    sw_plan *p = NULL;
    for (int64_t i = 0; i < q->n_values; i++) {
        struct sw_onnx_range_of *v = &q->values[i];
        if (!v->rounded) continue;
        const sw_shape *s = &q->g->nodes[i]->shape;
        v->channels = s->rank > 1 ? s->dim[1] : 1;
        v->histogram = sw__arena_alloc(&q->arena, SW_RANGE_BINS * sizeof *v->histogram);
        v->energy = sw__arena_alloc(&q->arena, (size_t)v->channels * sizeof *v->energy);
        if (!v->histogram || !v->energy)
            return sw__fail(q->ctx, SW_ERR_MEMORY, "%s: out of memory", q->path);
    }
    sw_status status = compile_measured(q, &p);
    if (status == SW_OK) status = run_samples(q, p, see_extremes, q->wanted);
    for (int64_t i = 0; status == SW_OK && i < q->n_values; i++) {
        const struct sw_onnx_range_of *v = &q->values[i];
        if (v->rounded && !(v->lo >= -FLT_MAX && v->hi <= FLT_MAX))
            status = sw__fail(q->ctx, SW_ERR_NAN, "%s: a value is not finite on these samples",
                              q->path);
    }
    if (status == SW_OK) status = run_samples(q, p, see_numbers, NULL);
    for (int64_t i = 0; i < q->n_values; i++)
        for (int64_t c = 0; q->values[i].rounded && c < q->values[i].channels; c++)
            q->values[i].energy[c] *= (double)q->values[i].channels /
                                      (double)sw__max64(q->values[i].count, 1);
    sw_plan_destroy(p);
    return status;
}

/* ---- ranges ---------------------------------------------------------------------------------------------- */

struct range {
    float lo, hi;
};

/* Scale and zero of a range that holds 0; 0 itself is exact. */
static float scale_of(struct range r, int *zero)
{
    float scale = (r.hi - r.lo) / 255;
    if (!(scale > 1e-30f)) scale = 1e-30f; /* nothing but zeros */
    *zero = (int)rintf(-r.lo / scale);
    *zero = *zero < 0 ? 0 : *zero > 255 ? 255 : *zero;
    return scale;
}

/* Squared error of all values of a group, each weighed by its own mean square. */
static double error_of(const struct sw_onnx_quantiser *q, int group, struct range r)
{
    int zero;
    const double scale = (double)scale_of(r, &zero);
    double sum = 0;
    for (int64_t i = 0; i < q->n_values; i++) {
        const struct sw_onnx_range_of *v = &q->values[i];
        if (!v->rounded || v->group != group) continue;
        const double width = ((double)v->hi - (double)v->lo) / SW_RANGE_BINS;
        for (int b = 0; b < SW_RANGE_BINS; b++) {
            if (!v->histogram[b]) continue;
            const double x = (double)v->lo + (b + 0.5) * width;
            const double level = fmin(fmax(rint(x / scale) + zero, 0), 255) - zero;
            const double off = x - level * scale;
            sum += (double)v->histogram[b] * off * off;
        }
    }
    return sum;
}

/* The range of a group that holds this share of the numbers at each end. */
static struct range percentile(const struct sw_onnx_quantiser *q, int group, struct range all,
                               double share)
{
    struct range r = {0, 0};
    for (int64_t i = 0; i < q->n_values; i++) {
        const struct sw_onnx_range_of *v = &q->values[i];
        if (!v->rounded || v->group != group) continue;
        const double drop = (1 - share) * (double)v->count;
        const float width = (v->hi - v->lo) / SW_RANGE_BINS;
        double sum = 0;
        int b = 0;
        for (; b < SW_RANGE_BINS && sum + (double)v->histogram[b] <= drop; b++)
            sum += (double)v->histogram[b];
        r.lo = fminf(r.lo, v->lo + (float)b * width);
        sum = 0;
        for (b = SW_RANGE_BINS; b > 0 && sum + (double)v->histogram[b - 1] <= drop; b--)
            sum += (double)v->histogram[b - 1];
        r.hi = fmaxf(r.hi, v->lo + (float)b * width);
    }
    r.lo = fmaxf(r.lo, all.lo);
    r.hi = fminf(r.hi, all.hi);
    return r;
}

/* One end after the other, twice. */
static struct range least_error(const struct sw_onnx_quantiser *q, int group, struct range all)
{
    struct range best = all;
    double least = error_of(q, group, all);
    for (int round = 0; round < 4; round++) {
        const bool high = round % 2 == 0;
        if (high ? all.hi == 0 : all.lo == 0) continue;
        for (int k = 1; k < SHRINKS; k++) {
            struct range r = best;
            const float part = 1 - 0.005f * (float)k;
            if (high)
                r.hi = all.hi * part;
            else
                r.lo = all.lo * part;
            const double e = error_of(q, group, r);
            if (e < least) {
                least = e;
                best = r;
            }
        }
    }
    return best;
}

static struct range range_of(const struct sw_onnx_quantiser *q, int group)
{
    struct range all = {0, 0}; /* 0 is in every range: padding is exact */
    for (int64_t i = 0; i < q->n_values; i++) {
        const struct sw_onnx_range_of *v = &q->values[i];
        if (!v->rounded || v->group != group) continue;
        all.lo = fminf(all.lo, v->lo);
        all.hi = fmaxf(all.hi, v->hi);
    }
    if (q->o->range == SW_RANGE_EXTREMES) return all;
    if (q->o->range == SW_RANGE_PERCENTILE) return percentile(q, group, all, 0.9999);
    return least_error(q, group, all);
}

sw_status sw__quantise_activations(struct sw_onnx_quantiser *q)
{
    for (int64_t i = 0; i < q->n_values; i++) q->bytes[i].used = false;
    for (int64_t i = 0; i < q->n_values; i++) {
        const struct sw_onnx_range_of *v = &q->values[i];
        if (!v->rounded || q->bytes[i].used) continue;
        int zero;
        float *scale = sw__arena_alloc(&q->arena, sizeof *scale);
        if (!scale) return sw__fail(q->ctx, SW_ERR_MEMORY, "%s: out of memory", q->path);
        *scale = scale_of(range_of(q, v->group), &zero);
        for (int64_t k = i; k < q->n_values; k++)
            if (q->values[k].rounded && q->values[k].group == v->group)
                q->bytes[k] = (struct sw_onnx_bytes){
                    .used = true, .type = SW_ONNX_UINT8, .n = 1, .scale = scale, .zero = zero};
    }
    return SW_OK;
}

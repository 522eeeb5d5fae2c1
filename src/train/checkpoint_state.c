/* What a checkpoint says beside its tensors, as one JSON object in the file's metadata:
 *
 *   {"version": 1, "steps": 120, "runs": 480, "micro": 0, "seed": "7", "epoch": "2", "index": "9600",
 *    "schedule": {"kind": 4, "rate": 0.001, ...}, "curves": [{"name": "loss", "points": [[1,2.3],...]}]}
 *
 * Numbers of 64 bits that may not fit a signed one are text.  Reals are written with 17 digits, so
 * they come back to the same bits; those that JSON cannot say are text too. */
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "format/json_read.h"
#include "train/trainer_int.h"

#define STATE_VERSION 1

/* ---- encode ------------------------------------------------------------------------------------ */

static json_t *real(double x)
{
    if (isfinite(x)) return json_real(x);
    return json_string(isnan(x) ? "nan" : x > 0 ? "inf" : "-inf");
}

static json_t *unsigned_text(uint64_t x)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)x);
    return json_string(text);
}

/* All of these steal the value; an object that is NULL, or a value that is, makes the result false. */
static bool put(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static bool add(json_t *array, json_t *value)
{
    return json_array_append_new(array, value) == 0;
}

static json_t *finish(json_t *x, bool ok)
{
    if (ok) return x;
    json_decref(x);
    return NULL;
}

static json_t *encode_schedule(const sw_schedule *s)
{
    json_t *o = json_object(), *milestones = json_array();
    bool ok = o && milestones;
    for (int i = 0; ok && i < s->n_milestones; i++)
        ok = add(milestones, json_integer(s->milestones[i]));
    ok = ok && json_object_set(o, "milestones", milestones) == 0 &&
         put(o, "kind", json_integer(s->kind)) && put(o, "rate", real((double)s->rate)) &&
         put(o, "warmup", json_integer(s->warmup)) && put(o, "total", json_integer(s->total)) &&
         put(o, "floor", real((double)s->floor)) && put(o, "factor", real((double)s->factor)) &&
         put(o, "patience", json_integer(s->patience)) &&
         put(o, "reported", json_boolean(s->reported)) && put(o, "best", real(s->best)) &&
         put(o, "bad", json_integer(s->bad)) && put(o, "drops", json_integer(s->drops));
    json_decref(milestones);
    return finish(o, ok);
}

static json_t *encode_curve(const struct sw_curve *c)
{
    json_t *o = json_object(), *points = json_array();
    bool ok = o && points;
    for (int64_t i = 0; ok && i < c->n; i++) {
        json_t *point = json_array();
        ok = point && add(point, json_integer(c->points[i].step)) &&
             add(point, real(c->points[i].value)) && json_array_append(points, point) == 0;
        json_decref(point);
    }
    ok = ok && put(o, "name", json_string(c->name)) && json_object_set(o, "points", points) == 0;
    json_decref(points);
    return finish(o, ok);
}

char *sw__train_state_encode(const struct sw_train_state *s)
{
    json_t *o = json_object(), *curves = json_array();
    bool ok = o && curves;
    for (int i = 0; ok && i < s->n_curves; i++) ok = add(curves, encode_curve(&s->curves[i]));
    ok = ok && put(o, "version", json_integer(STATE_VERSION)) &&
         put(o, "steps", json_integer(s->steps)) && put(o, "runs", json_integer(s->runs)) &&
         put(o, "micro", json_integer(s->micro)) && put(o, "seed", unsigned_text(s->seed)) &&
         put(o, "epoch", unsigned_text(s->position.epoch)) &&
         put(o, "index", unsigned_text(s->position.index)) &&
         put(o, "schedule", encode_schedule(&s->schedule)) &&
         json_object_set(o, "curves", curves) == 0;
    char *text = ok ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(curves);
    json_decref(o);
    return text;
}

/* ---- decode ------------------------------------------------------------------------------------ */

/* Sticky: the first thing that is missing or wrong. */
struct decode {
    char *why;
    bool failed, no_memory;
};

static void wrong(struct decode *d, const char *what)
{
    if (!d->failed) snprintf(d->why, 128, "%s is missing or wrong", what);
    d->failed = true;
}

static int64_t get_integer(struct decode *d, const json_t *o, const char *key, int64_t most)
{
    const json_t *x = json_object_get(o, key);
    if (json_is_integer(x) && json_integer_value(x) >= 0 && json_integer_value(x) <= most)
        return json_integer_value(x);
    wrong(d, key);
    return 0;
}

static uint64_t get_unsigned(struct decode *d, const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    uint64_t x = 0;
    bool right = text && *text && strlen(text) <= 20;
    for (; right && *text; text++)
        right = *text >= '0' && *text <= '9' && !__builtin_mul_overflow(x, 10u, &x) &&
                !__builtin_add_overflow(x, (uint64_t)(*text - '0'), &x);
    if (!right) wrong(d, key);
    return right ? x : 0;
}

static double get_real(struct decode *d, const json_t *x, const char *what)
{
    const char *text = json_string_value(x);
    if (json_is_number(x)) return json_number_value(x);
    if (text && strcmp(text, "nan") == 0) return NAN;
    if (text && strcmp(text, "inf") == 0) return INFINITY;
    if (text && strcmp(text, "-inf") == 0) return -INFINITY;
    wrong(d, what);
    return 0;
}

static float get_float(struct decode *d, const json_t *o, const char *key)
{
    return (float)get_real(d, json_object_get(o, key), key);
}

static void decode_schedule(struct decode *d, const json_t *o, sw_schedule *s)
{
    const json_t *milestones = json_object_get(o, "milestones");
    size_t n = json_array_size(milestones);
    if (!json_is_array(milestones) || n > SW_MAX_MILESTONES) {
        wrong(d, "milestones");
        return;
    }
    *s = (sw_schedule){.kind = (sw_schedule_kind)get_integer(d, o, "kind", SW_SCHEDULE_COSINE),
                       .rate = get_float(d, o, "rate"),
                       .warmup = get_integer(d, o, "warmup", INT64_MAX),
                       .total = get_integer(d, o, "total", INT64_MAX),
                       .floor = get_float(d, o, "floor"),
                       .factor = get_float(d, o, "factor"),
                       .n_milestones = (int)n,
                       .patience = (int)get_integer(d, o, "patience", INT_MAX),
                       .reported = json_is_true(json_object_get(o, "reported")),
                       .best = get_real(d, json_object_get(o, "best"), "best"),
                       .bad = (int)get_integer(d, o, "bad", INT_MAX),
                       .drops = (int)get_integer(d, o, "drops", INT_MAX)};
    for (size_t i = 0; i < n; i++) {
        const json_t *step = json_array_get(milestones, i);
        if (!json_is_integer(step)) wrong(d, "a milestone");
        s->milestones[i] = json_integer_value(step);
    }
}

static void decode_curve(struct decode *d, const json_t *o, struct sw_curve *c)
{
    const char *name = json_string_value(json_object_get(o, "name"));
    const json_t *points = json_object_get(o, "points");
    size_t n = json_array_size(points);
    if (!name || strlen(name) >= sizeof c->name || !json_is_array(points) || n > SW_CURVE_POINTS) {
        wrong(d, "a curve");
        return;
    }
    memcpy(c->name, name, strlen(name) + 1);
    for (size_t i = 0; i < n && !d->failed; i++) {
        const json_t *p = json_array_get(points, i), *step = json_array_get(p, 0);
        if (json_array_size(p) != 2 || !json_is_integer(step)) wrong(d, "a curve's point");
        double value = get_real(d, json_array_get(p, 1), "a curve's value");
        if (!sw__curve_append(c, json_integer_value(step), value)) d->failed = d->no_memory = true;
    }
}

static void decode_state(struct decode *d, const json_t *o, struct sw_train_state *s)
{
    const json_t *curves = json_object_get(o, "curves");
    if (get_integer(d, o, "version", STATE_VERSION) != STATE_VERSION) wrong(d, "version");
    s->steps = get_integer(d, o, "steps", INT64_MAX - 1);
    s->runs = get_integer(d, o, "runs", INT64_MAX - 1);
    s->micro = (int)get_integer(d, o, "micro", INT_MAX - 1);
    s->seed = get_unsigned(d, o, "seed");
    s->position.epoch = get_unsigned(d, o, "epoch");
    s->position.index = get_unsigned(d, o, "index");
    decode_schedule(d, json_object_get(o, "schedule"), &s->schedule);
    const char *why = d->failed ? NULL : sw__schedule_wrong(&s->schedule);
    if (why) wrong(d, "the schedule");
    if (!json_is_array(curves) || json_array_size(curves) > SW_CURVE_NAMES) wrong(d, "curves");
    for (size_t i = 0; !d->failed && i < json_array_size(curves); i++) {
        decode_curve(d, json_array_get(curves, i), &s->curves[s->n_curves++]);
        for (size_t j = 0; j < i; j++)
            if (strcmp(s->curves[j].name, s->curves[i].name) == 0) wrong(d, "a curve's name");
    }
}

sw_status sw__train_state_decode(const char *text, struct sw_train_state *s, char why[128])
{
    struct decode d = {.why = why};
    struct sw_json_error error;
    json_t *o;
    *s = (struct sw_train_state){0};
    sw_status status = sw__json_read(text, strlen(text), &o, &error);
    if (status != SW_OK) {
        snprintf(why, 128, "no JSON: %s", error.why);
        return status;
    }
    decode_state(&d, o, s);
    json_decref(o);
    if (!d.failed) return SW_OK;
    sw__train_state_free(s);
    return d.no_memory ? SW_ERR_MEMORY : SW_ERR_FORMAT;
}

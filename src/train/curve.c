/* What the caller wants to have kept with a run: curves of named numbers, and notes.
 *
 * A run may log for weeks, so a curve has a bound: when it is full every second point goes, which
 * halves its resolution and keeps its shape. */
#include <stdlib.h>
#include <string.h>
#include "base/context_int.h"
#include "format/safetensors.h"
#include "train/trainer_int.h"

void sw__train_state_free(struct sw_train_state *s)
{
    for (int i = 0; i < s->n_curves; i++) free(s->curves[i].points);
    for (int i = 0; i < s->n_notes; i++) {
        free(s->notes[i].key);
        free(s->notes[i].value);
    }
    *s = (struct sw_train_state){0};
}

/* ---- curves ------------------------------------------------------------------------------------ */

bool sw__curve_append(struct sw_curve *c, int64_t step, double value)
{
    if (c->n == SW_CURVE_POINTS) {
        c->n /= 2;
        for (int64_t i = 0; i < c->n; i++) c->points[i] = c->points[2 * i];
    }
    if (!sw__grow(&c->points, &c->capacity, c->n + 1, sizeof *c->points)) return false;
    c->points[c->n++] = (sw_curve_point){step, value};
    return true;
}

static const struct sw_curve *find_curve(const sw_trainer *t, const char *name)
{
    for (int i = 0; i < t->state.n_curves; i++)
        if (strcmp(t->state.curves[i].name, name) == 0) return &t->state.curves[i];
    return NULL;
}

sw_status sw_trainer_log(sw_trainer *t, const char *name, double value)
{
    struct sw_curve *c = (struct sw_curve *)find_curve(t, name);
    bool fresh = c == NULL;
    if (fresh) {
        if (!*name || strlen(name) >= SW_CURVE_NAME_BYTES || !sw__safetensors_utf8(name))
            return sw__fail(t->ctx, SW_ERR_ARGUMENT, "trainer: '%.80s' cannot be a curve's name",
                            name);
        if (t->state.n_curves == SW_CURVE_NAMES)
            return sw__fail(t->ctx, SW_ERR_ARGUMENT, "trainer: more than %d curves",
                            SW_CURVE_NAMES);
        c = &t->state.curves[t->state.n_curves];
        *c = (struct sw_curve){0};
        memcpy(c->name, name, strlen(name) + 1);
    }
    if (!sw__curve_append(c, t->state.steps, value))
        return sw__fail(t->ctx, SW_ERR_MEMORY, "trainer: out of memory for the curve '%s'", name);
    t->state.n_curves += fresh;
    return SW_OK;
}

const sw_curve_point *sw_trainer_curve(const sw_trainer *t, const char *name, int64_t *n)
{
    const struct sw_curve *c = find_curve(t, name);
    *n = c ? c->n : 0;
    return c ? c->points : NULL;
}

const char *sw_trainer_curve_name(const sw_trainer *t, int index)
{
    return index >= 0 && index < t->state.n_curves ? t->state.curves[index].name : NULL;
}

/* ---- notes ------------------------------------------------------------------------------------- */

static int find_note(const sw_trainer *t, const char *key)
{
    for (int i = 0; i < t->state.n_notes; i++)
        if (strcmp(t->state.notes[i].key, key) == 0) return i;
    return -1;
}

static void remove_note(sw_trainer *t, int at)
{
    struct sw_train_state *s = &t->state;
    free(s->notes[at].key);
    free(s->notes[at].value);
    s->n_notes--;
    memmove(&s->notes[at], &s->notes[at + 1], (size_t)(s->n_notes - at) * sizeof *s->notes);
}

sw_status sw_trainer_set_note(sw_trainer *t, const char *key, const char *value)
{
    int at = find_note(t, key);
    if (!value) {
        if (at >= 0) remove_note(t, at);
        return SW_OK;
    }
    if (!*key || strncmp(key, "swell.", 6) == 0 || !sw__safetensors_utf8(key) ||
        !sw__safetensors_utf8(value))
        return sw__fail(t->ctx, SW_ERR_ARGUMENT, "trainer: '%.80s' cannot be a note", key);
    if (at < 0 && t->state.n_notes == SW_NOTES)
        return sw__fail(t->ctx, SW_ERR_ARGUMENT, "trainer: more than %d notes", SW_NOTES);
    struct sw_note note = {strdup(key), strdup(value)};
    if (!note.key || !note.value) {
        free(note.key);
        free(note.value);
        return sw__fail(t->ctx, SW_ERR_MEMORY, "trainer: out of memory for the note '%.80s'", key);
    }
    if (at >= 0) {
        free(t->state.notes[at].key);
        free(t->state.notes[at].value);
    } else {
        at = t->state.n_notes++;
    }
    t->state.notes[at] = note;
    return SW_OK;
}

const char *sw_trainer_note(const sw_trainer *t, const char *key)
{
    int at = find_note(t, key);
    return at >= 0 ? t->state.notes[at].value : NULL;
}

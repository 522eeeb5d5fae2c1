/* A run to a file and back: one safetensors file with all weights and states under their own names, and
 * the rest as JSON in its metadata ("swell.state"), the caller's notes beside it.
 *
 * Saving is as atomic as base/file.h: whoever is killed while it happens finds the checkpoint before.
 * Loading looks at everything first and copies last, and nothing can fail once it copies. */
#include <stdlib.h>
#include <string.h>
#include "base/context_int.h"
#include "format/safetensors.h"
#include "train/trainer_int.h"

#define STATE_KEY "swell.state"

/* Sums of gradients matter only between the micro-batches of an update. */
static bool is_idle_sum(const sw_trainer *t, const sw_weight *w, int micro)
{
    for (int i = 0; micro == 0 && i < t->n_params && t->sums[i]; i++)
        if (t->sums[i]->weight == w) return true;
    return false;
}

/* What a checkpoint with so many micro-batches done holds: call for each; stops at a failure. */
static sw_status each_weight(const sw_trainer *t, int micro,
                             sw_status (*call)(void *user, sw_weight *w), void *user)
{
    sw_weights *sets[] = {t->ws, t->states};
    for (int s = 0; s < 2; s++)
        for (int64_t i = 0; i < sw_weights_count(sets[s]); i++) {
            sw_weight *w = sw_weights_at(sets[s], i);
            if (w->mapped || is_idle_sum(t, w, micro)) continue;
            sw_status status = call(user, w);
            if (status != SW_OK) return status;
        }
    return SW_OK;
}

/* ---- save -------------------------------------------------------------------------------------- */

struct entries {
    struct sw_safetensors_entry *list;
    int64_t n;
};

static sw_status add_entry(void *user, sw_weight *w)
{
    struct entries *e = user;
    e->list[e->n++] = (struct sw_safetensors_entry){w->name, w->tensor};
    return SW_OK;
}

sw_status sw_trainer_save(sw_trainer *t, const char *path)
{
    const char *metadata[2 * SW_NOTES + 3] = {STATE_KEY};
    const struct sw_train_state *s = &t->state;
    struct entries e = {0};
    if (t->swapped)
        return sw__fail(t->ctx, SW_ERR_STATE,
                        "save: the weights are exchanged with their averages");
    size_t most = (size_t)(sw_weights_count(t->ws) + sw_weights_count(t->states));
    char *state = sw__train_state_encode(s);
    e.list = sw__calloc2(most + 1, sizeof *e.list);
    sw_status status = SW_ERR_MEMORY;
    if (state && e.list) {
        metadata[1] = state;
        for (int i = 0; i < s->n_notes; i++) {
            metadata[2 + 2 * i] = s->notes[i].key;
            metadata[3 + 2 * i] = s->notes[i].value;
        }
        each_weight(t, s->micro, add_entry, &e);
        status = sw__safetensors_write(t->ctx, path, e.list, e.n, metadata);
    } else {
        sw__fail(t->ctx, status, "%s: out of memory", path);
    }
    free(state);
    free(e.list);
    return status;
}

/* ---- load -------------------------------------------------------------------------------------- */

struct load {
    const sw_trainer *t;
    const char *path;
    const uint8_t *data;
    struct sw_safetensors st;
    int64_t matched;
};

/* The file has this weight, and it is the same. */
static sw_status check_weight(void *user, sw_weight *w)
{
    struct load *l = user;
    char have[SW_SHAPE_TEXT], want[SW_SHAPE_TEXT];
    const struct sw_safetensor *x = sw__safetensors_find(&l->st, w->name);
    if (!x)
        return sw__fail(l->t->ctx, SW_ERR_SHAPE, "%s: has no '%.80s', which this model needs",
                        l->path, w->name);
    if (x->dtype != w->tensor.dtype || !sw_shape_equal(&x->shape, &w->tensor.shape))
        return sw__fail(l->t->ctx, SW_ERR_SHAPE, "%s: '%.80s' is %s %s, this model needs %s %s",
                        l->path, w->name, x->dtype_name, sw_shape_text(&x->shape, have),
                        sw_dtype_get(w->tensor.dtype)->name, sw_shape_text(&w->tensor.shape, want));
    l->matched++;
    return SW_OK;
}

static sw_status copy_weight(void *user, sw_weight *w)
{
    const struct load *l = user;
    const struct sw_safetensor *x = sw__safetensors_find(&l->st, w->name);
    if (x->bytes) memcpy(w->tensor.data, l->data + x->offset, x->bytes);
    sw_weight_touch(w);
    return SW_OK;
}

static sw_status find_name(void *user, sw_weight *w)
{
    return strcmp(w->name, user) == 0 ? SW_ERR_STATE : SW_OK;
}

/* A tensor that the model does not have: name the first. */
static sw_status refuse_strangers(const struct load *l, int micro)
{
    for (int64_t i = 0; i < l->st.n; i++)
        if (each_weight(l->t, micro, find_name, (void *)l->st.tensors[i].name) == SW_OK)
            return sw__fail(l->t->ctx, SW_ERR_SHAPE, "%s: holds '%.80s', which this model has not",
                            l->path, l->st.tensors[i].name);
    return SW_OK;
}

struct note_copy {
    struct sw_train_state *s;
    bool failed;
};

static void copy_note(void *user, const char *key, const char *value)
{
    struct note_copy *c = user;
    if (c->failed || strcmp(key, STATE_KEY) == 0 || c->s->n_notes == SW_NOTES) return;
    struct sw_note note = {strdup(key), strdup(value)};
    c->s->notes[c->s->n_notes++] = note;
    c->failed = !note.key || !note.value;
}

static sw_status read_state(const struct load *l, struct sw_train_state *s)
{
    const char *text = sw__safetensors_metadata(&l->st, STATE_KEY);
    char why[128];
    if (!text)
        return sw__fail(l->t->ctx, SW_ERR_FORMAT,
                        "%s: offset 8: no " STATE_KEY " in the metadata: not a checkpoint",
                        l->path);
    sw_status status = sw__train_state_decode(text, s, why);
    if (status == SW_ERR_MEMORY) return sw__fail(l->t->ctx, status, "%s: out of memory", l->path);
    if (status != SW_OK)
        return sw__fail(l->t->ctx, status, "%s: offset 8: " STATE_KEY ": %s", l->path, why);
    struct note_copy c = {s, false};
    sw__safetensors_each_metadata(&l->st, copy_note, &c);
    if (c.failed) return sw__fail(l->t->ctx, SW_ERR_MEMORY, "%s: out of memory", l->path);
    if (s->micro >= l->t->accumulate)
        return sw__fail(
            l->t->ctx, SW_ERR_STATE,
            "%s: saved after %d micro-batches of an update, this trainer makes an update "
            "of %d",
            l->path, s->micro, l->t->accumulate);
    return SW_OK;
}

sw_status sw_trainer_load(sw_trainer *t, const char *path)
{
    struct load l = {.t = t, .path = path};
    struct sw_train_state s = {0};
    struct sw_mapping map;
    if (t->swapped)
        return sw__fail(t->ctx, SW_ERR_STATE,
                        "load: the weights are exchanged with their averages");
    sw_status status = sw__safetensors_open(t->ctx, path, &map, &l.st);
    if (status != SW_OK) return status;
    l.data = map.data;
    status = read_state(&l, &s);
    if (status == SW_OK) status = each_weight(t, s.micro, check_weight, &l);
    if (status == SW_OK && l.matched < l.st.n) status = refuse_strangers(&l, s.micro);
    if (status == SW_OK) {
        struct sw_train_state old = t->state;
        each_weight(t, s.micro, copy_weight, &l);
        t->state = s;
        s = old; /* to be freed */
    }
    sw__train_state_free(&s);
    sw__safetensors_free(&l.st);
    sw__unmap_file(&map);
    return status;
}

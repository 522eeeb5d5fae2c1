/* What a model of pictures says about itself, as pairs of key and text (see.h).  Texts come from files and
 * are checked; numbers are written with as few digits as give the same float. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <swell/see.h>
#include "base/context_int.h"
#include "base/size.h"
#include "format/json_read.h"

/* One pair on its way in. */
struct pair {
    sw_context *ctx;
    const char *where, *key, *value;
};

static sw_status refuse(const struct pair *p, const char *why)
{
    return sw__fail(p->ctx, SW_ERR_FORMAT, "%s: metadata '%s' is '%.40s%s': %s", p->where, p->key,
                    p->value, strlen(p->value) > 40 ? "..." : "", why);
}

static sw_status read_integer(const struct pair *p, int lo, int hi, int *out)
{
    char *end, why[64];
    errno = 0;
    const long v = strtol(p->value, &end, 10);
    snprintf(why, sizeof why, "not a whole number from %d to %d", lo, hi);
    if (errno || end == p->value || *end || v < lo || v > hi) return refuse(p, why);
    *out = (int)v;
    return SW_OK;
}

/* The JSON array of a pair. */
static sw_status read_array(const struct pair *p, json_t **out)
{
    struct sw_json_error error;
    sw_status status = sw__json_read(p->value, strlen(p->value), out, &error);
    if (status == SW_ERR_FORMAT) return refuse(p, error.why);
    if (status != SW_OK) return sw__fail(p->ctx, status, "%s: out of memory", p->where);
    if (json_is_array(*out)) return SW_OK;
    json_decref(*out);
    return refuse(p, "no array");
}

/* One number stands for all channels. */
static sw_status read_numbers(const struct pair *p, bool positive, float out[3])
{
    json_t *array;
    float v[3];
    sw_status status = read_array(p, &array);
    if (status != SW_OK) return status;
    const size_t n = json_array_size(array);
    bool good = n == 1 || n == 3;
    for (size_t c = 0; good && c < 3; c++) {
        const json_t *number = json_array_get(array, n == 1 ? 0 : c);
        v[c] = (float)json_number_value(number);
        good = json_is_number(number) && isfinite(v[c]) && (!positive || v[c] > 0);
    }
    json_decref(array);
    if (!good) return refuse(p, positive ? "not 1 or 3 numbers above 0" : "not 1 or 3 numbers");
    memcpy(out, v, sizeof v);
    return SW_OK;
}

static sw_status read_labels(const struct pair *p, sw_image_notes *notes)
{
    json_t *array;
    sw_status status = read_array(p, &array);
    if (status != SW_OK) return status;
    const size_t n = json_array_size(array);
    const char **labels = malloc((n + 1) * sizeof *labels);
    bool texts = n > 0 && n <= SW_MAX_CLASSES;
    for (size_t i = 0; labels && texts && i < n; i++) {
        labels[i] = json_string_value(json_array_get(array, i));
        texts = labels[i] != NULL;
    }
    if (!labels)
        status = sw__fail(p->ctx, SW_ERR_MEMORY, "%s: out of memory", p->where);
    else if (!texts)
        status = refuse(p, "not 1 to 65536 texts");
    else
        status = sw_image_notes_label(p->ctx, notes, labels, (int)n);
    free(labels);
    json_decref(array);
    return status;
}

sw_status sw_image_notes_read(sw_context *ctx, const char *where, const char *key,
                              const char *value, sw_image_notes *notes)
{
    const struct pair p = {ctx, where, key, value};
    sw_preprocessing *input = &notes->input;
    if (strcmp(key, "side") == 0) return read_integer(&p, 1, SW_PREPROCESSING_SIDE, &input->side);
    if (strcmp(key, "short_side") == 0)
        return read_integer(&p, 1, SW_PREPROCESSING_SIDE, &input->short_side);
    if (strcmp(key, "channels") == 0) {
        if (strcmp(value, "1") != 0 && strcmp(value, "3") != 0)
            return refuse(&p, "neither 1 nor 3");
        input->channels = value[0] - '0';
        return SW_OK;
    }
    if (strcmp(key, "mean") == 0) return read_numbers(&p, false, input->mean);
    if (strcmp(key, "deviation") == 0) return read_numbers(&p, true, input->deviation);
    if (strcmp(key, "labels") == 0) return read_labels(&p, notes);
    if (strcmp(key, "network") == 0) {
        if (strlen(value) >= sizeof notes->network) return refuse(&p, "too long");
        strcpy(notes->network, value);
    }
    return SW_OK;
}

/* The walk over a file's pairs ends in the first error. */
struct load {
    sw_context *ctx;
    const char *path;
    sw_image_notes *notes;
    sw_status status;
};

static void load_pair(void *user, const char *key, const char *value)
{
    struct load *l = user;
    if (l->status == SW_OK) l->status = sw_image_notes_read(l->ctx, l->path, key, value, l->notes);
}

sw_status sw_image_notes_load(sw_context *ctx, const char *path, sw_image_notes *notes)
{
    struct load l = {ctx, path, notes, SW_OK};
    sw_status status = sw_weights_metadata(ctx, path, load_pair, &l);
    return status != SW_OK ? status : l.status;
}

/* One block: pointers, then texts. */
sw_status sw_image_notes_label(sw_context *ctx, sw_image_notes *notes, const char *const *labels,
                               int classes)
{
    if (classes < 1 || classes > SW_MAX_CLASSES)
        return sw__fail(ctx, SW_ERR_ARGUMENT, "%d labels; 1 to %d are possible", classes,
                        SW_MAX_CLASSES);
    size_t size = (size_t)classes * sizeof(char *);
    for (int i = 0; i < classes; i++)
        if (!sw__size_add(size, strlen(labels[i]) + 1, &size))
            return sw__fail(ctx, SW_ERR_SIZE, "labels are too long");
    char **block = malloc(size);
    if (!block) return sw__fail(ctx, SW_ERR_MEMORY, "out of memory for %d labels", classes);
    char *text = (char *)(block + classes);
    for (int i = 0; i < classes; i++) {
        const size_t n = strlen(labels[i]) + 1;
        block[i] = memcpy(text, labels[i], n);
        text += n;
    }
    free(notes->labels);
    notes->labels = block;
    notes->classes = classes;
    return SW_OK;
}

/* Fewest digits that give the same float. */
static int number_text(char *text, size_t room, float v)
{
    int n = 0;
    for (int digits = 1; digits <= 9; digits++) {
        n = snprintf(text, room, "%.*g", digits, (double)v);
        if (strtof(text, NULL) == v) break;
    }
    return n;
}

static void write_numbers(const char *key, const float *v, int n, sw_metadata_fn call, void *user)
{
    char text[96] = "[";
    size_t at = 1;
    for (int c = 0; c < n; c++) {
        if (c) text[at++] = ',';
        at += (size_t)number_text(text + at, sizeof text - at, v[c]);
    }
    memcpy(text + at, "]", 2);
    call(user, key, text);
}

static void write_integer(const char *key, int v, sw_metadata_fn call, void *user)
{
    char text[16];
    snprintf(text, sizeof text, "%d", v);
    if (v) call(user, key, text);
}

static sw_status write_labels(sw_context *ctx, const sw_image_notes *notes, sw_metadata_fn call,
                              void *user)
{
    json_t *array = json_array();
    char *text = NULL;
    int i = 0;
    if (array)
        while (i < notes->classes &&
               json_array_append_new(array, json_string(notes->labels[i])) == 0)
            i++;
    if (i == notes->classes) text = json_dumps(array, JSON_COMPACT);
    json_decref(array);
    if (!text && i < notes->classes && array)
        return sw__fail(ctx, SW_ERR_ARGUMENT, "label %d is no UTF-8 text, or memory is short", i);
    if (!text) return sw__fail(ctx, SW_ERR_MEMORY, "out of memory for %d labels", notes->classes);
    call(user, "labels", text);
    free(text);
    return SW_OK;
}

sw_status sw_image_notes_write(sw_context *ctx, const sw_image_notes *notes, sw_metadata_fn call,
                               void *user)
{
    const sw_preprocessing *p = &notes->input;
    if (notes->network[0]) call(user, "network", notes->network);
    write_integer("channels", p->channels, call, user);
    write_integer("short_side", p->short_side, call, user);
    write_integer("side", p->side, call, user);
    if (p->deviation[0] != 0) {
        write_numbers("mean", p->mean, p->channels == 1 ? 1 : 3, call, user);
        write_numbers("deviation", p->deviation, p->channels == 1 ? 1 : 3, call, user);
    }
    return notes->classes ? write_labels(ctx, notes, call, user) : SW_OK;
}

void sw_image_notes_clear(sw_image_notes *notes)
{
    free(notes->labels);
    *notes = (sw_image_notes){0};
}

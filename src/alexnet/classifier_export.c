/* A classifier as an ONNX model, in f32, with f16 weights, or in bytes.
 *
 * The model that is written ends in probabilities and says in its metadata how a picture becomes its input and
 * what its classes are called: so whoever opens it, needs nothing else. */
#include "alexnet/classifier_int.h"

#include <stdlib.h>
#include <string.h>
#include "base/memory.h"

#define MOST_PAIRS 16

/* ---- metadata --------------------------------------------------------------------------------------- */

struct pairs {
    struct sw_arena arena;
    const char *text[2 * MOST_PAIRS + 2];
    int n;
    bool full; /* no room or no memory */
};

static void add_pair(void *user, const char *key, const char *value)
{
    struct pairs *p = user;
    if (p->n == MOST_PAIRS || strcmp(key, "network") == 0) {
        p->full |= p->n == MOST_PAIRS;
        return;
    }
    p->text[2 * p->n] = sw__arena_strdup(&p->arena, key);
    p->text[2 * p->n + 1] = sw__arena_strdup(&p->arena, value);
    p->full |= !p->text[2 * p->n] || !p->text[2 * p->n + 1];
    p->n++;
}

/* ---- samples ---------------------------------------------------------------------------------------- */

struct samples {
    const sw_classifier *c;
    const sw_photo *photos;
    float *numbers;
    sw_photo_error *errors;
};

static void prepare(void *user, int64_t i, int thread)
{
    static const int centre = 0;
    const struct samples *s = user;
    sw__photo_views(&s->c->notes.input, &s->photos[i], &centre, 1,
                    s->numbers + (size_t)i * sw__classifier_view(s->c), &s->errors[i]);
}

/* The photos as inputs, those that could be read, one behind the other; *n: how many. */
static sw_status read_samples(const sw_classifier *c, const sw_classifier_export_options *o,
                              float **out, int64_t *n)
{
    const size_t each = sw__classifier_view(c);
    struct samples s = {.c = c, .photos = o->photos};
    int64_t first_bad = -1;
    s.numbers = sw__calloc2((size_t)o->n_photos, each * sizeof *s.numbers);
    s.errors = sw__calloc2((size_t)o->n_photos, sizeof *s.errors);
    sw_status status = s.numbers && s.errors
                           ? SW_OK
                           : sw__fail(c->ctx, SW_ERR_MEMORY, "%s: out of memory for %lld pictures",
                                      c->path, (long long)o->n_photos);
    if (status == SW_OK) sw__threads_each(c->ctx->threads, o->n_photos, prepare, &s);
    *n = 0;
    for (int64_t i = 0; status == SW_OK && i < o->n_photos; i++) {
        if (s.errors[i].status == SW_OK) {
            memmove(s.numbers + (size_t)*n * each, s.numbers + (size_t)i * each,
                    each * sizeof *s.numbers);
            ++*n;
        } else {
            if (first_bad < 0) first_bad = i;
            sw__log(c->ctx, SW_LOG_WARN, "%s: %s: left out", o->photos[i].name, s.errors[i].why);
        }
    }
    if (status == SW_OK && !*n)
        status = sw__fail(c->ctx, SW_ERR_ARGUMENT, "%s: no picture could be read: %s",
                          o->photos[first_bad].name, s.errors[first_bad].why);
    free(s.errors);
    *out = s.numbers;
    return status;
}

/* ---- the file --------------------------------------------------------------------------------------- */

sw_status sw_classifier_export(sw_classifier *c, const char *path,
                               const sw_classifier_export_options *options,
                               sw_onnx_quantise_report *report)
{
    struct pairs pairs = {.n = 0};
    float *samples = NULL;
    int64_t n = 0;
    sw_node *y = c->probabilities ? c->logits : sw_softmax(c->g, c->logits, 1);
    sw_name(y, "probabilities");
    sw_onnx_export_options o = {.outputs = &y,
                                .n_outputs = 1,
                                .name = c->notes.network[0] ? c->notes.network : NULL,
                                .half = options->half,
                                .metadata = pairs.text};
    sw_status status = sw_image_notes_write(c->ctx, &c->notes, add_pair, &pairs);
    if (status == SW_OK && pairs.full)
        status = sw__fail(c->ctx, SW_ERR_MEMORY, "%s: out of memory", path);
    if (status == SW_OK && options->n_photos > 0) {
        status = read_samples(c, options, &samples, &n);
        const sw_onnx_quantise_options q = {.input = c->images,
                                            .samples = samples,
                                            .n_samples = n,
                                            .range = options->range,
                                            .agreement = options->agreement};
        if (status == SW_OK) status = sw_onnx_quantise(c->g, path, o, &q, report);
    } else if (status == SW_OK)
        status = sw_onnx_export(c->g, path, o);
    free(samples);
    sw__arena_free(&pairs.arena);
    return status;
}

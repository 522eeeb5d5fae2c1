/* Language models from one type to another: GGUF to GGUF, all else as it was. */
#include "cli/convert_verb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/context_int.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/size.h"
#include "base/terminal.h"
#include "format/gguf_mixture.h"
#include "format/gguf_write.h"
#include "format/imatrix.h"
#include "gpt/importance.h"
#include "tensor/block_type.h"

enum { CHUNK = 1 << 20, QUANTIZATION_VERSION = 2, TEXT_LIMIT = 64 << 20 };

struct job {
    const struct convert *c;
    struct sw_gguf *f;
    struct sw_imatrix *important;
    struct sw_gguf_writer *w;
    struct sw_progress progress;
    sw_dtype *dtypes;
    struct source *sources;
    double done, all; /* bytes read */
};

/* A tensor and what becomes of it. */
struct source {
    struct job *job;
    const struct sw_gguf_tensor *t;
    sw_dtype to;
    const float *importance; /* of a row, of all experts' */
    int64_t n_importance;
};

/* Some rows on their way: one a call of the threads. */
struct rows {
    const struct source *s;
    int64_t begin, row, from_bytes, to_bytes;
    float *numbers; /* a row a thread */
    uint8_t *out;
};

static void convert_row(void *user, int64_t i, int thread)
{
    const struct rows *r = user;
    const struct source *s = r->s;
    const struct sw_block_type *blocks = sw__block_type(s->to);
    const uint8_t *from = (const uint8_t *)s->t->data + (r->begin + i) * r->from_bytes;
    uint8_t *to = r->out + i * r->to_bytes;
    if (!blocks) {
        sw_convert(to, s->to, from, s->t->dtype, r->row);
        return;
    }
    float *x = r->numbers + thread * r->row;
    sw_convert(x, SW_F32, from, s->t->dtype, r->row);
    const float *importance = s->importance;
    if (importance && s->n_importance > r->row) { /* the expert's own */
        const int64_t rows = s->t->shape.dim[s->t->shape.rank - 2];
        importance += (r->begin + i) / rows * r->row;
    }
    sw__block_quantise(blocks, to, x, importance, r->row);
}

static sw_status emit_rows(struct source *s, struct rows *r, int64_t rows, int64_t at_once)
{
    struct job *j = s->job;
    for (int64_t i = 0; i < rows; i += at_once) {
        const int64_t n = sw__min64(at_once, rows - i);
        r->begin = i;
        sw__threads_each(j->c->ctx->threads, n, convert_row, r);
        sw__gguf_emit(j->w, r->out, (size_t)(n * r->to_bytes));
        j->done += (double)(n * r->from_bytes);
        sw__progress_show(&j->progress, j->done / j->all, s->t->name);
    }
    return SW_OK;
}

static sw_status emit(void *user, struct sw_gguf_writer *w)
{
    struct source *s = user;
    const sw_shape *shape = &s->t->shape;
    const int64_t row = shape->rank ? shape->dim[shape->rank - 1] : 1;
    const int64_t elements = sw_shape_elements(shape), rows = row ? elements / row : 0;
    if (s->to == s->t->dtype || !elements) { /* the very bytes */
        sw__gguf_emit(w, s->t->data, (size_t)s->t->bytes);
        s->job->done += (double)s->t->bytes;
        return SW_OK;
    }
    const sw_shape one = SW_SHAPE(row);
    const int64_t at_once = sw__min64(rows, sw__max64(1, CHUNK / row));
    struct rows r = {.s = s,
                     .row = row,
                     .from_bytes = sw_shape_bytes(&one, s->t->dtype),
                     .to_bytes = sw_shape_bytes(&one, s->to)};
    r.numbers = sw__calloc2((size_t)row * sizeof(float),
                            (size_t)sw__threads_count(s->job->c->ctx->threads));
    r.out = sw__calloc2((size_t)at_once, (size_t)r.to_bytes);
    const sw_status status = r.numbers && r.out ? emit_rows(s, &r, rows, at_once)
                                                : sw__fail(s->job->c->ctx, SW_ERR_MEMORY,
                                                           "%s: out of memory", s->t->name);
    free(r.numbers);
    free(r.out);
    return status;
}

/* Where they are from. */
static const char *importances(const struct convert *c)
{
    return c->imatrix ? c->imatrix : c->calibrate;
}

/* The importances of a tensor's inputs, if they fit it. */
static int find_importance(const struct job *j, struct source *s)
{
    const sw_shape *shape = &s->t->shape;
    if (!j->important || !sw__block_type(s->to)) return 0;
    s->importance = sw__imatrix_find(j->important, s->t->name, &s->n_importance);
    if (!s->importance) return 0;
    const int64_t row = shape->dim[shape->rank - 1], experts = shape->rank > 2 ? shape->dim[0] : 1;
    if (s->n_importance == row || s->n_importance == row * experts) return 0;
    return cli_fail(j->c->verb, "%s: '%s' has %lld importances for rows of %lld", importances(j->c),
                    s->t->name, (long long)s->n_importance, (long long)row);
}

static bool is_key(const struct sw_gguf_pair *p, const char *key)
{
    return p->key_bytes == strlen(key) && memcmp(p->key, key, p->key_bytes) == 0;
}

/* Pairs that are about the file and not about the model are written anew. */
static void put_pairs(const struct job *j, const struct sw_gguf_mixture *m)
{
    static const char *const ours[] = {
        "general.alignment", "general.file_type", "general.quantization_version",
        "split.no",          "split.count",       "split.tensors.count"};
    for (int64_t i = 0; i < sw__gguf_pairs(j->f); i++) {
        const struct sw_gguf_pair *p = sw__gguf_pair(j->f, i);
        bool own = false;
        for (size_t k = 0; k < sizeof ours / sizeof *ours; k++) own = own || is_key(p, ours[k]);
        if (!own) sw__gguf_put_pair(j->w, p);
    }
    sw__gguf_put_integer(j->w, "general.quantization_version", SW_GGUF_U32, QUANTIZATION_VERSION);
    sw__gguf_put_integer(j->w, "general.file_type", SW_GGUF_U32, m->file_type);
}

static int put_tensors(struct job *j)
{
    int64_t found = 0;
    for (int64_t i = 0; i < sw__gguf_tensors(j->f); i++) {
        struct source *s = &j->sources[i];
        *s = (struct source){.job = j, .t = sw__gguf_tensor(j->f, i), .to = j->dtypes[i]};
        if (find_importance(j, s)) return 1;
        found += s->importance != NULL;
        j->all += (double)s->t->bytes;
        sw__gguf_put_made(j->w, s->t->name, s->to, s->t->shape, emit, s);
    }
    if (j->important && !found)
        return cli_fail(j->c->verb, "%s: has importances of none of the tensors that are quantised",
                        importances(j->c));
    return 0;
}

static int convert(struct job *j, const struct sw_gguf_mixture *m)
{
    const struct convert *c = j->c;
    const int64_t n = sw__gguf_tensors(j->f);
    j->dtypes = sw__calloc2((size_t)n + 1, sizeof *j->dtypes);
    j->sources = sw__calloc2((size_t)n + 1, sizeof *j->sources);
    if (!j->dtypes || !j->sources) return cli_fail(c->verb, "out of memory");
    sw__gguf_mix(j->f, m, c->pure, j->important != NULL, j->dtypes);
    sw_status status = sw__gguf_writer_create(c->ctx, &j->w);
    if (status != SW_OK) return cli_fail(c->verb, "%s", sw_error(c->ctx));
    put_pairs(j, m);
    if (put_tensors(j)) return 1;
    sw__progress_begin(&j->progress, cli_write, stderr, sw__is_terminal(2), cli_columns(stderr));
    status = sw__gguf_writer_finish(j->w, c->to);
    sw__progress_end(&j->progress);
    return status == SW_OK ? 0 : cli_fail(c->verb, "%s", sw_error(c->ctx));
}

static void measured(void *user, double part)
{
    sw__progress_show(user, part, "importances");
}

/* What matters on a text of the user's. */
static int measure_importances(struct job *j)
{
    const struct convert *c = j->c;
    char *text;
    size_t bytes;
    sw_status status = sw__file_read(c->calibrate, TEXT_LIMIT, &text, &bytes);
    if (status != SW_OK)
        return cli_fail(c->verb, "--calibrate %s: %s", c->calibrate,
                        status == SW_ERR_SIZE ? "more than 64 MB of text" : strerror(errno));
    sw__progress_begin(&j->progress, cli_write, stderr, sw__is_terminal(2), cli_columns(stderr));
    const struct sw_importance_options o = {.progress = measured, .user = &j->progress};
    status = sw__gpt_importances(c->ctx, c->from, text, bytes, o, &j->important);
    sw__progress_end(&j->progress);
    free(text);
    return status == SW_OK
               ? 0
               : cli_fail(c->verb, "--calibrate %s: %s", c->calibrate, sw_error(c->ctx));
}

int convert_gguf(const struct convert *c)
{
    struct job j = {.c = c};
    int status = 0;
    if (sw__gguf_open(c->ctx, c->from, &j.f) != SW_OK ||
        (c->imatrix && sw__imatrix_open(c->ctx, c->imatrix, &j.important) != SW_OK))
        status = cli_fail(c->verb, "%s", sw_error(c->ctx));
    if (!status && c->calibrate) status = measure_importances(&j);
    if (!status) status = convert(&j, sw__gguf_mixture_find(c->type));
    sw__gguf_writer_destroy(j.w);
    sw__imatrix_close(j.important);
    sw__gguf_close(j.f);
    free(j.dtypes);
    free(j.sources);
    return status;
}

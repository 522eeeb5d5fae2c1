/* swell info of a language model: what is in a GGUF file, and the memory that it needs for a context. */
#include "cli/info_gguf.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "base/text.h"
#include "format/gguf.h"

enum { SHOWN = 60, ARCHITECTURE = 48 };

struct totals {
    int64_t numbers, bytes, tensors;
};

struct model {
    const struct sw_gguf *f;
    char architecture[ARCHITECTURE + 1];
    int64_t context; /* that it was trained for; 0: not said */
    int64_t layers, width, vocabulary, asked;
    double kv_bytes;     /* of `asked` tokens; 0: not known */
    bool encoder;        /* embeds, and writes no text: it keeps no keys and values */
    const char *pooling; /* of its vectors; NULL: not said */
    struct totals all, of[SW_DTYPE_COUNT];
};

/* "<architecture>.<what>", or element i of an array of that name. */
static int64_t number(const struct model *m, const char *what, int64_t i, int64_t missing)
{
    char key[160];
    int64_t value;
    snprintf(key, sizeof key, "%s.%s", m->architecture, what);
    if (sw__gguf_integer(m->f, key, &value) || sw__gguf_array_integer(m->f, key, i, &value))
        return value;
    return missing;
}

/* Whether it sees a text both ways, and what llama.cpp's numbers of pooling mean. */
static void look_at_vectors(struct model *m)
{
    static const char *const kinds[] = {"none", "mean", "cls", "last", "rank"};
    char key[160];
    bool causal = strcmp(m->architecture, "bert") != 0;
    const int64_t kind = number(m, "pooling_type", 0, -1);
    snprintf(key, sizeof key, "%s.attention.causal", m->architecture);
    (void)sw__gguf_bool(m->f, key, &causal);
    m->encoder = !causal;
    if (kind >= 0) m->pooling = kind < 5 ? kinds[kind] : "unknown";
}

/* Keys and values of a token in f16, over all layers; a window is counted as if it were none. */
static double bytes_a_token(const struct model *m)
{
    const int64_t heads = number(m, "attention.head_count", 0, 0);
    double sum = 0;
    if (m->layers < 1 || m->layers > 100000 || heads < 1) return 0;
    const int64_t size = m->width / heads;
    for (int64_t i = 0; i < m->layers; i++) {
        const int64_t keys = number(m, "attention.head_count_kv", i,
                                    number(m, "attention.head_count", i, 0));
        sum += (double)keys * (double)(number(m, "attention.key_length", i, size) +
                                       number(m, "attention.value_length", i, size));
    }
    return sum > 0 ? 2 * sum : 0;
}

static void add_up(struct model *m)
{
    for (int64_t i = 0; i < sw__gguf_tensors(m->f); i++) {
        const struct sw_gguf_tensor *t = sw__gguf_tensor(m->f, i);
        struct totals *of[] = {&m->all, &m->of[t->dtype]};
        for (int k = 0; k < 2; k++) {
            of[k]->numbers += sw_shape_elements(&t->shape);
            of[k]->bytes += t->bytes;
            of[k]->tensors++;
        }
    }
}

static void look(struct model *m, const struct sw_gguf *f, int64_t context)
{
    const char *text;
    size_t bytes;
    m->f = f;
    if (sw__gguf_string(f, "general.architecture", &text, &bytes) && bytes <= ARCHITECTURE)
        memcpy(m->architecture, text, bytes);
    m->context = number(m, "context_length", 0, 0);
    m->layers = number(m, "block_count", 0, 0);
    m->width = number(m, "embedding_length", 0, 0);
    m->vocabulary = sw__gguf_array(f, "tokenizer.ggml.tokens", NULL);
    m->asked = context ? context : m->context;
    look_at_vectors(m);
    m->kv_bytes = m->encoder ? 0 : bytes_a_token(m) * (double)m->asked;
    add_up(m);
}

/* ---- text -------------------------------------------------------------------------------------- */

/* What a terminal can show of a text from a file. */
static void show_text(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes && i < SHOWN; i++)
        putchar((unsigned char)text[i] < 32 || text[i] == 127 ? ' ' : text[i]);
    if (bytes > SHOWN) printf("...");
}

static void list_pairs(const struct sw_gguf *f)
{
    for (int64_t i = 0; i < sw__gguf_pairs(f); i++) {
        const struct sw_gguf_pair *p = sw__gguf_pair(f, i);
        const char *text;
        size_t bytes;
        int64_t whole;
        double real;
        bool yes;
        show_text(p->key, p->key_bytes);
        printf(": ");
        if (p->type == SW_GGUF_ARRAY)
            printf("%lld values", (long long)p->count);
        else if (sw__gguf_pair_string(p, 0, &text, &bytes))
            show_text(text, bytes);
        else if (sw__gguf_pair_integer(p, 0, &whole))
            printf("%lld", (long long)whole);
        else if (sw__gguf_pair_real(p, 0, &real))
            printf("%g", real);
        else
            printf("%s", sw__gguf_pair_bool(p, 0, &yes) ? yes ? "true" : "false" : "above 2^63");
        printf("\n");
    }
}

static void list(const struct model *m)
{
    char shape[SW_SHAPE_TEXT], bytes[24], more[24], sum[24];
    int64_t files;
    list_pairs(m->f);
    printf("\n");
    for (int64_t i = 0; i < sw__gguf_tensors(m->f); i++) {
        const struct sw_gguf_tensor *t = sw__gguf_tensor(m->f, i);
        printf("%-36s %-6s %s\n", t->name, sw_dtype_get(t->dtype)->name,
               sw_shape_text(&t->shape, shape));
    }
    const double size = (double)sw__gguf_bytes(m->f, &files);
    printf("\n%s, %lld file%s of %s; vocabulary %lld, context %lld\n",
           *m->architecture ? m->architecture : "no architecture", (long long)files,
           files == 1 ? "" : "s", sw__bytes_text(size, bytes),
           (long long)sw__max64(m->vocabulary, 0), (long long)m->context);
    for (int d = 0; d < SW_DTYPE_COUNT; d++)
        if (m->of[d].tensors)
            printf("%-6s %5lld tensors, %s\n", sw_dtype_get((sw_dtype)d)->name,
                   (long long)m->of[d].tensors, sw__bytes_text((double)m->of[d].bytes, bytes));
    printf("%lld tensors, %lld numbers, %s\n", (long long)m->all.tensors, (long long)m->all.numbers,
           sw__bytes_text((double)m->all.bytes, bytes));
    if (m->encoder || m->pooling)
        printf("%s: vectors of %lld numbers, pooling %s\n",
               m->encoder ? "an encoder (swell embed)" : "made to embed (swell embed)",
               (long long)m->width, m->pooling ? m->pooling : "not said");
    if (m->kv_bytes > 0)
        printf("memory for a context of %lld: weights %s + keys and values (f16) %s = %s\n",
               (long long)m->asked, sw__bytes_text((double)m->all.bytes, bytes),
               sw__bytes_text(m->kv_bytes, more),
               sw__bytes_text((double)m->all.bytes + m->kv_bytes, sum));
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static json_t *tensors_json(const struct sw_gguf *f)
{
    json_t *tensors = json_array();
    for (int64_t i = 0; i < sw__gguf_tensors(f); i++) {
        const struct sw_gguf_tensor *t = sw__gguf_tensor(f, i);
        json_t *shape = json_array();
        for (int d = 0; d < t->shape.rank; d++)
            json_array_append_new(shape, json_integer(t->shape.dim[d]));
        if (json_array_append_new(tensors, json_pack("{sssssosI}", "name", t->name, "dtype",
                                                     sw_dtype_get(t->dtype)->name, "shape", shape,
                                                     "bytes", (json_int_t)t->bytes))) {
            json_decref(tensors);
            return NULL;
        }
    }
    return tensors;
}

static json_t *types_json(const struct model *m)
{
    json_t *types = json_object();
    for (int d = 0; d < SW_DTYPE_COUNT; d++)
        if (m->of[d].tensors)
            json_object_set_new(types, sw_dtype_get((sw_dtype)d)->name,
                                json_pack("{sIsIsI}", "tensors", (json_int_t)m->of[d].tensors,
                                          "numbers", (json_int_t)m->of[d].numbers, "bytes",
                                          (json_int_t)m->of[d].bytes));
    return types;
}

static int list_json(const struct verb *verb, const struct model *m)
{
    int64_t files;
    const int64_t size = sw__gguf_bytes(m->f, &files);
    json_t *tensors = tensors_json(m->f);
    json_t *root = tensors ? json_pack("{sssssssssIsIsIsIsIsIsIsIsfsoso}", "version", sw_version(),
                                       "architecture", m->architecture, "kind",
                                       m->encoder ? "encoder" : "language model", "pooling",
                                       m->pooling ? m->pooling : "", "files", (json_int_t)files,
                                       "file_bytes", (json_int_t)size, "numbers",
                                       (json_int_t)m->all.numbers, "bytes",
                                       (json_int_t)m->all.bytes, "layers", (json_int_t)m->layers,
                                       "vocabulary", (json_int_t)sw__max64(m->vocabulary, 0),
                                       "trained_context", (json_int_t)m->context, "context",
                                       (json_int_t)m->asked, "kv_bytes", m->kv_bytes, "types",
                                       types_json(m), "tensors", tensors)
                           : NULL;
    if (!root) return cli_fail(verb, "a name is no UTF-8 text, or out of memory");
    json_dumpf(root, stdout, JSON_INDENT(1));
    printf("\n");
    json_decref(root);
    return 0;
}

int info_gguf(const struct verb *verb, const char *path, int64_t context, bool json)
{
    struct sw_gguf *f = NULL;
    struct model m = {.f = NULL};
    int status = 0;
    sw_context *ctx = cli_context(verb, 1, NULL);
    if (!ctx) return 1;
    if (sw__gguf_open(ctx, path, &f) != SW_OK) status = cli_fail(verb, "%s", sw_error(ctx));
    if (!status) {
        look(&m, f, context);
        if (json)
            status = list_json(verb, &m);
        else
            list(&m);
    }
    sw__gguf_close(f);
    sw_context_destroy(ctx);
    return status;
}

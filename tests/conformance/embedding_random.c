/* Small random models that embed, for other programs to read.
 *
 *     embedding_random bert TYPE POOLING VOCABULARY.gguf OUT.gguf   a BERT with matrices of that type and the
 *                                                                   tokenizer of a file
 *     embedding_random pool POOLING IN.gguf OUT.gguf                a model that says its pooling
 *
 * POOLING is llama.cpp's number.  Matrices are N(0, 1/K) and norms bring every sum back to unit variance, so a wrong
 * equation moves a vector by tenths of its length. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swell/swell.h>

#include "base/rng.h"
#include "format/gguf.h"
#include "format/gguf_write.h"

enum { C = 256, NH = 4, FF = 512, LAYERS = 3, CONTEXT = 512, TYPES = 2, MOST_TENSORS = 64 };

struct job {
    struct sw_gguf_writer *w;
    sw_dtype dtype;
    void *kept[MOST_TENSORS]; /* until all is written */
    int n;
    bool failed;
};

static void tensor(struct job *j, const char *name, sw_dtype dtype, int64_t rows, int64_t k,
                   float mean, float deviation)
{
    const sw_shape shape = rows ? SW_SHAPE(rows, k) : SW_SHAPE(k);
    const int64_t n = sw_shape_elements(&shape);
    float *x = malloc((size_t)n * sizeof *x);
    void *y = j->kept[j->n++] = malloc((size_t)sw_shape_bytes(&shape, dtype));
    j->failed |= !x || !y;
    if (!j->failed) {
        sw__fill_normal(x, n, mean, deviation, 7, sw__hash_name(name));
        j->failed = sw_convert(y, dtype, x, SW_F32, n) != SW_OK;
        sw__gguf_put_tensor(j->w, name, dtype, shape, y);
    }
    free(x);
}

static const char *full(char out[64], int layer, const char *name, const char *kind)
{
    if (layer < 0)
        snprintf(out, 64, "%s.%s", name, kind);
    else
        snprintf(out, 64, "blk.%d.%s.%s", layer, name, kind);
    return out;
}

static void linear(struct job *j, int layer, const char *name, int64_t rows, int64_t k)
{
    char text[64];
    tensor(j, full(text, layer, name, "weight"), j->dtype, rows, k, 0, 1 / sqrtf((float)k));
    tensor(j, full(text, layer, name, "bias"), SW_F32, 0, rows, 0, 0.2f);
}

static void norm(struct job *j, int layer, const char *name)
{
    char text[64];
    tensor(j, full(text, layer, name, "weight"), SW_F32, 0, C, 1, 0.2f);
    tensor(j, full(text, layer, name, "bias"), SW_F32, 0, C, 0, 0.2f);
}

static void all_tensors(struct job *j, int64_t vocabulary)
{
    tensor(j, "token_embd.weight", j->dtype, vocabulary, C, 0, 1);
    tensor(j, "position_embd.weight", SW_F32, CONTEXT, C, 0, 0.5f);
    tensor(j, "token_types.weight", SW_F32, TYPES, C, 0, 0.5f);
    norm(j, -1, "token_embd_norm");
    for (int l = 0; l < LAYERS; l++) {
        linear(j, l, "attn_q", C, C);
        linear(j, l, "attn_k", C, C);
        linear(j, l, "attn_v", C, C);
        linear(j, l, "attn_output", C, C);
        norm(j, l, "attn_output_norm");
        linear(j, l, "ffn_up", FF, C);
        linear(j, l, "ffn_down", C, FF);
        norm(j, l, "layer_output_norm");
    }
}

static void put(struct job *j, const char *key, int64_t value)
{
    sw__gguf_put_integer(j->w, key, SW_GGUF_U32, value);
}

/* Pairs whose keys begin so, but `without`. */
static void copy_pairs(struct job *j, const struct sw_gguf *f, const char *prefix,
                       const char *without)
{
    for (int64_t i = 0; i < sw__gguf_pairs(f); i++) {
        const struct sw_gguf_pair *p = sw__gguf_pair(f, i);
        const bool left = p->key_bytes == strlen(without) &&
                          memcmp(p->key, without, p->key_bytes) == 0;
        if (!left && p->key_bytes >= strlen(prefix) && !memcmp(p->key, prefix, strlen(prefix)))
            sw__gguf_put_pair(j->w, p);
    }
}

static void put_bert(struct job *j, const struct sw_gguf *vocabulary, int pooling)
{
    sw__gguf_put_string(j->w, "general.architecture", "bert", 4);
    put(j, "bert.block_count", LAYERS);
    put(j, "bert.context_length", CONTEXT);
    put(j, "bert.embedding_length", C);
    put(j, "bert.feed_forward_length", FF);
    put(j, "bert.attention.head_count", NH);
    put(j, "bert.pooling_type", pooling);
    sw__gguf_put_real(j->w, "bert.attention.layer_norm_epsilon", 1e-12f);
    sw__gguf_put_bool(j->w, "bert.attention.causal", false);
    copy_pairs(j, vocabulary, "tokenizer.", "");
    all_tensors(j, sw__gguf_array(vocabulary, "tokenizer.ggml.tokens", NULL));
}

static void put_copy(struct job *j, const struct sw_gguf *from, int pooling)
{
    const char *architecture = "";
    size_t bytes = 0;
    char key[64];
    j->failed |= !sw__gguf_string(from, "general.architecture", &architecture, &bytes);
    snprintf(key, sizeof key, "%.*s.pooling_type", (int)bytes, architecture);
    copy_pairs(j, from, "", key);
    put(j, key, pooling);
    for (int64_t i = 0; i < sw__gguf_tensors(from); i++) {
        const struct sw_gguf_tensor *t = sw__gguf_tensor(from, i);
        sw__gguf_put_tensor(j->w, t->name, t->dtype, t->shape, t->data);
    }
}

int main(int argc, char **argv)
{
    static struct job j;
    sw_context *ctx = NULL;
    struct sw_gguf *f = NULL;
    const bool bert = argc == 6 && strcmp(argv[1], "bert") == 0;
    if (!bert && !(argc == 5 && strcmp(argv[1], "pool") == 0)) {
        fprintf(stderr, "usage: see the source\n");
        return 2;
    }
    j.dtype = bert ? sw_dtype_find(argv[2]) : SW_F32;
    if (j.dtype == SW_DTYPE_COUNT || sw_context_create(NULL, &ctx) != SW_OK) return 1;
    sw_status status = sw__gguf_open(ctx, argv[argc - 2], &f);
    if (status == SW_OK) status = sw__gguf_writer_create(ctx, &j.w);
    if (status == SW_OK && bert) put_bert(&j, f, atoi(argv[3]));
    if (status == SW_OK && !bert) put_copy(&j, f, atoi(argv[2]));
    if (status == SW_OK && !j.failed) status = sw__gguf_writer_finish(j.w, argv[argc - 1]);
    if (status != SW_OK) fprintf(stderr, "%s\n", sw_error(ctx));
    sw__gguf_writer_destroy(j.w);
    sw__gguf_close(f);
    sw_context_destroy(ctx);
    for (int i = 0; i < j.n; i++) free(j.kept[i]);
    return status != SW_OK || j.failed;
}

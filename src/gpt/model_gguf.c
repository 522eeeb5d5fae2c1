/* Sizes and tensors of a language model into GGUF (model_gguf.h): the counterpart of gguf_model.c.
 *
 * Of Llama the format has queries and keys whose features 2i and 2i + 1 turn together; folders of Hugging Face have
 * i and i + HS/2.  Rows change places while they are written. */
#include "gpt/model_gguf.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/context_int.h"
#include "base/size.h"
#include "text/tokenizer_int.h"

enum { PIECE = 4096, KEY = 96 };

struct target {
    sw_context *ctx;
    const struct sw_gpt *net;
    struct sw_gguf_writer *w;
};

/* "<architecture>.<name>" */
static const char *key_of(const struct target *t, const char *name, char key[KEY])
{
    snprintf(key, KEY, "%s.%s", t->net->architecture->name, name);
    return key;
}

static void put_size(const struct target *t, const char *name, int64_t value)
{
    char key[KEY];
    sw__gguf_put_integer(t->w, key_of(t, name, key), SW_GGUF_U32, value);
}

static void put_size_if(const struct target *t, const char *name, int64_t value)
{
    if (value > 0) put_size(t, name, value);
}

static void put_real_if(const struct target *t, const char *name, float value)
{
    char key[KEY];
    if (value != 0) sw__gguf_put_real(t->w, key_of(t, name, key), value);
}

static void put_text(const struct target *t, const char *key, const char *text)
{
    sw__gguf_put_string(t->w, key, text, strlen(text));
}

/* ---- sizes ------------------------------------------------------------------------------------- */

static void put_rope(const struct target *t)
{
    const struct sw_gpt_sizes *z = &t->net->z;
    char key[KEY];
    if (t->net->architecture->learned) return;
    put_size(t, "rope.dimension_count", z->rope_dims);
    put_size(t, "attention.key_length", z->head);
    put_size(t, "attention.value_length", z->head);
    put_real_if(t, "rope.freq_base", z->rope_base);
    if (z->rope_scale != 1 && z->rope_scale > 0) {
        put_text(t, key_of(t, "rope.scaling.type", key), "linear");
        put_real_if(t, "rope.scaling.factor", 1 / z->rope_scale);
    }
    if (z->long_original > 0) { /* the factors are tensors */
        put_size(t, "rope.scaling.original_context_length", z->long_original);
        put_real_if(t, "rope.scaling.attn_factor", z->long_magnitude);
    }
    if (z->yarn_factor > 0) {
        put_text(t, key_of(t, "rope.scaling.type", key), "yarn");
        put_real_if(t, "rope.scaling.factor", z->yarn_factor);
        put_size(t, "rope.scaling.original_context_length", z->yarn_original);
        if (z->yarn_magnitude > 0)
            put_real_if(t, "rope.scaling.attn_factor",
                        z->yarn_magnitude / (1 + 0.1f * logf(z->yarn_factor)));
    }
}

/* What makes vectors of texts. */
static void put_vectors(const struct target *t)
{
    static const int numbers[] = {
        [SW_POOLING_MEAN] = 1, [SW_POOLING_CLS] = 2, [SW_POOLING_LAST] = 3};
    const sw_pooling kind = t->net->pooling.kind;
    char key[KEY];
    if (t->net->z.both_ways) sw__gguf_put_bool(t->w, key_of(t, "attention.causal", key), false);
    if (kind == SW_POOLING_MEAN || kind == SW_POOLING_CLS || kind == SW_POOLING_LAST)
        put_size(t, "pooling_type", numbers[kind]);
    if (t->net->z.types > 0)
        sw__gguf_put_integer(t->w, "tokenizer.ggml.token_type_count", SW_GGUF_U32, t->net->z.types);
}

static void put_sizes(const struct target *t)
{
    const struct sw_gpt_sizes *z = &t->net->z;
    put_size(t, "context_length", z->context);
    put_size(t, "embedding_length", z->width);
    put_size(t, "block_count", z->layers);
    put_size(t, "feed_forward_length", z->hidden);
    put_size(t, "attention.head_count", z->heads);
    put_size(t, "attention.head_count_kv", z->kv_heads);
    put_size(t, "vocab_size", z->vocabulary);
    put_real_if(t,
                t->net->architecture->layernorm ? "attention.layer_norm_epsilon"
                                                : "attention.layer_norm_rms_epsilon",
                z->eps);
    put_size_if(t, "attention.sliding_window", z->window);
    put_real_if(t, "attn_logit_softcapping", z->attention_softcap);
    put_real_if(t, "final_logit_softcapping", z->logit_softcap);
    put_size_if(t, "expert_count", z->experts);
    put_size_if(t, "expert_used_count", z->chosen);
    put_size_if(t, "expert_feed_forward_length", z->expert_hidden);
    put_rope(t);
    put_vectors(t);
}

static float scale_of(const struct sw_gpt_sizes *z)
{
    return z->attention_scale > 0 ? z->attention_scale : 1 / sqrtf((float)z->head);
}

/* What a reader would take for granted must be so. */
static sw_status check(const struct target *t)
{
    const struct sw_gpt_sizes *z = &t->net->z;
    struct sw_gpt_sizes read = *z;
    read.attention_scale = read.local_rope_base = 0;
    read.window_period = 0;
    if (t->net->architecture->adjust) t->net->architecture->adjust(&read);
    const char *what = NULL;
    if (fabsf(scale_of(&read) / scale_of(z) - 1) > 1e-6f) what = "another scale of attention";
    if (z->window > 0 && read.window_period != z->window_period)
        what = "windows in other layers than it has";
    if (z->window > 0 && z->local_rope_base != read.local_rope_base)
        what = "another base of rope in windows";
    if (!what) return SW_OK;
    return sw__fail(t->ctx, SW_ERR_UNSUPPORTED, "GGUF cannot say of the architecture %s: %s",
                    t->net->architecture->name, what);
}

/* ---- tensors ----------------------------------------------------------------------------------- */

int64_t sw__gpt_half_of_pair(int64_t row, int64_t head)
{
    const int64_t i = row % head;
    return row - i + i / 2 + i % 2 * (head / 2);
}

bool sw__gpt_turns(const char *name)
{
    return strstr(name, ".attn_q.") || strstr(name, ".attn_k.");
}

/* A weight on its way. */
struct moved {
    const sw_weight *weight;
    sw_dtype to;
    int64_t head; /* > 0: rows of heads of this size change places */
};

/* Numbers of one dtype as another. */
static sw_status emit_as(struct sw_gguf_writer *w, const char *from, sw_dtype is, sw_dtype to,
                         int64_t n)
{
    const size_t each = (size_t)sw_shape_bytes(&SW_SHAPE(1), is);
    float piece[PIECE]; /* f32 is the widest */
    for (int64_t at = 0; at < n; at += PIECE) {
        const int64_t count = sw__min64(PIECE, n - at);
        sw_status status = sw_convert(piece, to, from + (size_t)at * each, is, count);
        if (status != SW_OK) return status;
        sw__gguf_emit(w, piece, (size_t)sw_shape_bytes(&SW_SHAPE(count), to));
    }
    return SW_OK;
}

static sw_status emit(void *user, struct sw_gguf_writer *w)
{
    const struct moved *m = user;
    const sw_tensor t = sw_weight_tensor(m->weight);
    if (!m->head) return emit_as(w, t.data, t.dtype, m->to, sw_shape_elements(&t.shape));
    const int64_t k = t.shape.rank > 1 ? t.shape.dim[1] : 1;
    const size_t bytes = (size_t)sw_shape_bytes(&SW_SHAPE(k), t.dtype);
    sw_status status = SW_OK;
    for (int64_t r = 0; r < t.shape.dim[0] && status == SW_OK; r++) {
        const char *from = (const char *)t.data + (size_t)sw__gpt_half_of_pair(r, m->head) * bytes;
        if (m->to == t.dtype)
            sw__gguf_emit(w, from, bytes);
        else
            status = emit_as(w, from, t.dtype, m->to, k);
    }
    return status;
}

static sw_dtype stored(const sw_tensor *t, bool half)
{
    if (t->shape.rank < 2) return SW_F32;
    return half && t->dtype == SW_F32 ? SW_F16 : t->dtype;
}

sw_status sw__gpt_put_gguf(sw_context *ctx, const struct sw_gpt *net, bool half,
                           struct sw_gguf_writer *w, void **held)
{
    const struct target t = {ctx, net, w};
    const int64_t n = sw_weights_count(net->ws);
    const bool turned = net->z.pairing != net->architecture->pairing && !net->architecture->learned;
    struct moved *moved = sw__calloc2((size_t)n + 1, sizeof *moved);
    *held = moved;
    sw_status status = moved ? check(&t) : sw__fail(ctx, SW_ERR_MEMORY, "gguf: out of memory");
    if (status != SW_OK) return status;
    put_text(&t, "general.architecture", net->architecture->name);
    put_sizes(&t);
    for (int64_t i = 0; i < n; i++) {
        const sw_weight *weight = sw_weights_at(net->ws, i);
        const char *name = sw_weight_name(weight);
        const sw_tensor x = sw_weight_tensor(weight);
        moved[i] = (struct moved){.weight = weight, .to = stored(&x, half)};
        if (turned && sw__gpt_turns(name)) moved[i].head = net->z.head;
        if (moved[i].to == x.dtype && !moved[i].head)
            sw__gguf_put_tensor(w, name, x.dtype, x.shape, x.data);
        else
            sw__gguf_put_made(w, name, moved[i].to, x.shape, emit, &moved[i]);
    }
    return SW_OK;
}

/* ---- a file ------------------------------------------------------------------------------------ */

/* general.file_type of what most bits are in. */
static int64_t file_type(const sw_model *m, bool half)
{
    const sw_weight *table = sw_weights_find(m->net.ws, "token_embd.weight");
    const sw_dtype dtype = table ? sw_weight_tensor(table).dtype : SW_F32;
    return dtype == SW_BF16 ? 32 : dtype == SW_F16 || half ? 1 : 0;
}

/* The folder's name; Phi-3's is known by it for how its special tokens take spaces. */
static void put_name(const sw_model *m, struct sw_gguf_writer *w)
{
    char name[128];
    size_t n = strlen(m->path);
    while (n > 1 && m->path[n - 1] == '/') n--;
    size_t at = n;
    while (at > 0 && m->path[at - 1] != '/') at--;
    snprintf(name, sizeof name, "%s%.*s",
             strcmp(m->net.architecture->name, "phi3") == 0 ? "Phi-3 " : "", (int)(n - at),
             m->path + at);
    for (char *s = name; *s; s++)
        if ((unsigned char)*s < ' ' || (unsigned char)*s > '~') *s = '_';
    sw__gguf_put_string(w, "general.name", name, strlen(name));
}

static sw_status put_tokenizer(const sw_model *m, const char *path, struct sw_gguf_writer *w)
{
    sw_tokenizer *t;
    sw_status status = sw_tokenizer_open(m->ctx, path, &t);
    if (status != SW_OK) return status;
    status = sw__tokenizer_put_gguf(m->ctx, path, t, m->net.z.vocabulary, w);
    sw_tokenizer_destroy(t);
    return status;
}

sw_status sw__gpt_write_gguf(sw_model *m, const char *tokenizer, bool half, const char *path)
{
    struct sw_gguf_writer *w;
    void *held = NULL;
    sw_status status = sw__gguf_writer_create(m->ctx, &w);
    if (status != SW_OK) return status;
    put_name(m, w);
    sw__gguf_put_integer(w, "general.file_type", SW_GGUF_U32, file_type(m, half));
    status = sw__gpt_put_gguf(m->ctx, &m->net, half, w, &held);
    if (!tokenizer && m->brings_tokenizer) tokenizer = m->path;
    if (status == SW_OK && tokenizer) status = put_tokenizer(m, tokenizer, w);
    if (m->chat_template)
        sw__gguf_put_string(w, "tokenizer.chat_template", m->chat_template,
                            strlen(m->chat_template));
    if (status == SW_OK) status = sw__gguf_writer_finish(w, path);
    sw__gguf_writer_destroy(w);
    free(held);
    return status;
}

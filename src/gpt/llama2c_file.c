/* Models of llama2.c (karpathy/llama2.c, export.py, version 0): a header of seven i32, then f32 tensors
 * in a fixed order, each for all layers at once.
 *
 *   dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size, max_seq_len
 *   token_embedding (V,C)
 *   rms_att (L,C)  wq (L,C,C)  wk (L,NKV*HS,C)  wv (L,NKV*HS,C)  wo (L,C,C)
 *   rms_ffn (L,C)  w1 (L,FF,C)  w2 (L,C,FF)  w3 (L,FF,C)
 *   rms_final (C)  cosines and sines (max_seq_len,HS/2) each, which nobody reads any more
 *   wcls (V,C), if vocab_size is negative; else it is token_embedding
 *
 * There is no mark at the beginning: it is known by its size, which the header gives exactly.  Pairs of
 * features are neighbours, base 10000, eps 1e-5: constants of run.c.  The versions 1 and 2 of the format, with a
 * header of 256 bytes, are refused. */
#include <stdio.h>
#include <string.h>

#include "base/context_int.h"
#include "base/size.h"
#include "gpt/gpt_int.h"

enum { HEADER = 7 };

struct reader {
    sw_model *m;
    size_t at; /* bytes of the file that are taken */
};

/* The next tensor, as weight `name`; the weights of the file are as many as its size says. */
static sw_status take(struct reader *r, const char *name, sw_shape shape)
{
    sw_weight *w;
    sw_model *m = r->m;
    const size_t bytes = (size_t)sw_shape_bytes(&shape, SW_F32);
    const uint8_t *data = m->map.data + r->at;
    r->at += bytes;
    return sw_weights_add_mapped(m->net.ws, name, SW_F32, shape, data, &w);
}

/* The same for each layer. */
static sw_status take_layers(struct reader *r, const char *name, sw_shape shape)
{
    char full[64];
    sw_status status = SW_OK;
    for (int64_t l = 0; status == SW_OK && l < r->m->net.z.layers; l++) {
        snprintf(full, sizeof full, "blk.%lld.%s.weight", (long long)l, name);
        status = take(r, full, shape);
    }
    return status;
}

static sw_status take_all(struct reader *r, bool own_head)
{
    const struct sw_gpt_sizes *z = &r->m->net.z;
    const int64_t c = z->width, kv = z->kv_heads * z->head, ff = z->hidden;
    sw_status status = take(r, "token_embd.weight", SW_SHAPE(z->vocabulary, c));
    if (status == SW_OK) status = take_layers(r, "attn_norm", SW_SHAPE(c));
    if (status == SW_OK) status = take_layers(r, "attn_q", SW_SHAPE(c, c));
    if (status == SW_OK) status = take_layers(r, "attn_k", SW_SHAPE(kv, c));
    if (status == SW_OK) status = take_layers(r, "attn_v", SW_SHAPE(kv, c));
    if (status == SW_OK) status = take_layers(r, "attn_output", SW_SHAPE(c, c));
    if (status == SW_OK) status = take_layers(r, "ffn_norm", SW_SHAPE(c));
    if (status == SW_OK) status = take_layers(r, "ffn_gate", SW_SHAPE(ff, c));
    if (status == SW_OK) status = take_layers(r, "ffn_down", SW_SHAPE(c, ff));
    if (status == SW_OK) status = take_layers(r, "ffn_up", SW_SHAPE(ff, c));
    if (status == SW_OK) status = take(r, "output_norm.weight", SW_SHAPE(c));
    r->at += (size_t)(z->context * z->head) * sizeof(float);
    if (status == SW_OK && own_head) status = take(r, "output.weight", SW_SHAPE(z->vocabulary, c));
    return status;
}

/* Bytes that a file of these sizes has; they are within the bounds of sw__gpt_check_sizes. */
static bool file_size(const struct sw_gpt_sizes *z, bool own_head, size_t *out)
{
    const int64_t c = z->width, kv = z->kv_heads * z->head;
    int64_t layer, all, head;
    /* below 2^43, 2^45 and 2^42 */
    layer = 2 * c + 2 * c * c + 2 * kv * c + 3 * z->hidden * c;
    head = (own_head ? 2 : 1) * z->vocabulary * c + c + z->context * z->head;
    if (!sw__i64_mul(layer, z->layers, &all) || !sw__i64_add(all, head, &all)) return false;
    return sw__size_mul((size_t)all, sizeof(float), out) &&
           sw__size_add(*out, HEADER * sizeof(int32_t), out);
}

sw_status sw__gpt_open_llama2c(sw_model *m)
{
    int32_t h[HEADER];
    size_t size = 0;
    struct sw_gpt_sizes *z = &m->net.z;
    if (m->map.size < sizeof h)
        return sw__fail(m->ctx, SW_ERR_FORMAT, "%s: %zu bytes are no model", m->path, m->map.size);
    memcpy(h, m->map.data, sizeof h);
    const bool own_head = h[5] < 0;
    *z = (struct sw_gpt_sizes){.layers = h[2],
                               .width = h[0],
                               .heads = h[3],
                               .kv_heads = h[4],
                               .head = h[3] > 0 ? h[0] / h[3] : 0,
                               .hidden = h[1],
                               .vocabulary = own_head ? -(int64_t)h[5] : h[5],
                               .context = h[6],
                               .eps = 1e-5f,
                               .pairing = SW_ROPE_INTERLEAVED,
                               .rope_base = 10000,
                               .rope_scale = 1};
    z->rope_dims = z->head;
    m->net.architecture = sw__gpt_architecture("llama");
    if (sw__gpt_check_sizes(m->ctx, m->path, z) != SW_OK || z->head * z->heads != z->width ||
        !file_size(z, own_head, &size) || size != m->map.size)
        return sw__fail(m->ctx, SW_ERR_FORMAT,
                        "%s: neither GGUF nor a model of llama2.c (version 0): its size does not "
                        "follow from its first 28 bytes",
                        m->path);
    return take_all(&(struct reader){m, sizeof h}, own_head);
}

/* Embeddings: a small random BERT against its equations in float64, in GGUF and in a folder of Hugging Face, in all
 * poolings; the same bits in any company and for any threads; a causal model against its own logits; what is
 * refused.
 *
 * Tolerance.  Sums are of at most FF = 40 products of numbers around 1, each off by less than 40 2^-24 times their sum
 * of magnitudes, 2e-5 in the worst case and a tenth of it where roundings do not all point the same way; two layers of
 * six sums each, brought back to unit variance by each norm: 2e-5. */
#include "unit.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>
#include <swell/swell.h>
#include "base/rng.h"
#include "format/gguf_write.h"
#include "format/safetensors.h"

enum { C = 24, NH = 3, HS = C / NH, FF = 40, LAYERS = 2, V = 30, CONTEXT = 150, TYPES = 2 };
enum { MOST = 64, TEXTS = 7 };
#define EPS 1e-6
#define TOL 2e-5f

static const int64_t lengths[TEXTS] = {1, 9, 150, 64, 3, 70, 2};
static char folder[] = "embed-XXXXXX";
static sw_context *ctx;

/* ---- the network --------------------------------------------------------------------------------- */

static struct tensor {
    char name[64], theirs[96]; /* GGUF's, Hugging Face's */
    int64_t rows, k;
    float *x;
} tensors[MOST];
static int n_tensors;

static void add(const char *ours, const char *theirs, int layer, const char *kind, int64_t rows,
                int64_t k)
{
    struct tensor *t = &tensors[n_tensors++];
    const bool norm = strstr(ours, "norm") && !strcmp(kind, "weight");
    snprintf(t->name, sizeof t->name, "%s.%s", ours, kind);
    if (layer >= 0) snprintf(t->name, sizeof t->name, "blk.%d.%s.%s", layer, ours, kind);
    snprintf(t->theirs, sizeof t->theirs, "embeddings.%s.%s", theirs, kind);
    if (layer >= 0)
        snprintf(t->theirs, sizeof t->theirs, "encoder.layer.%d.%s.%s", layer, theirs, kind);
    t->rows = rows;
    t->k = k;
    const int64_t n = (rows ? rows : 1) * k;
    t->x = malloc((size_t)n * sizeof *t->x);
    assert_non_null(t->x);
    const float deviation = !rows ? 0.3f : layer < 0 ? 1 : 1.5f / sqrtf((float)k);
    sw__fill_normal(t->x, n, norm ? 1 : 0, deviation, 3, sw__hash_name(t->name));
}

static void both(const char *ours, const char *theirs, int layer, int64_t rows, int64_t k)
{
    add(ours, theirs, layer, "weight", rows, k);
    add(ours, theirs, layer, "bias", 0, rows ? rows : k);
}

static void make_tensors(void)
{
    add("token_embd", "word_embeddings", -1, "weight", V, C);
    add("position_embd", "position_embeddings", -1, "weight", CONTEXT, C);
    add("token_types", "token_type_embeddings", -1, "weight", TYPES, C);
    both("token_embd_norm", "LayerNorm", -1, 0, C);
    for (int l = 0; l < LAYERS; l++) {
        both("attn_q", "attention.self.query", l, C, C);
        both("attn_k", "attention.self.key", l, C, C);
        both("attn_v", "attention.self.value", l, C, C);
        both("attn_output", "attention.output.dense", l, C, C);
        both("attn_output_norm", "attention.output.LayerNorm", l, 0, C);
        both("ffn_up", "intermediate.dense", l, FF, C);
        both("ffn_down", "output.dense", l, C, FF);
        both("layer_output_norm", "output.LayerNorm", l, 0, C);
    }
}

/* ---- the oracle ---------------------------------------------------------------------------------- */

static const float *at(int layer, const char *name, const char *kind)
{
    char full[64];
    snprintf(full, sizeof full, "%s.%s", name, kind);
    if (layer >= 0) snprintf(full, sizeof full, "blk.%d.%s.%s", layer, name, kind);
    for (int i = 0; i < n_tensors; i++)
        if (!strcmp(tensors[i].name, full)) return tensors[i].x;
    fail_msg("no %s", full);
    return NULL;
}

static void linear(double *y, const double *x, int64_t n, int layer, const char *name, int64_t rows,
                   int64_t k)
{
    const float *w = at(layer, name, "weight"), *b = at(layer, name, "bias");
    for (int64_t i = 0; i < n; i++)
        for (int64_t r = 0; r < rows; r++) {
            y[i * rows + r] = (double)b[r];
            for (int64_t j = 0; j < k; j++) y[i * rows + r] += (double)w[r * k + j] * x[i * k + j];
        }
}

static void layernorm(double *x, int64_t n, int layer, const char *name)
{
    const float *g = at(layer, name, "weight"), *b = at(layer, name, "bias");
    for (int64_t i = 0; i < n; i++, x += C) {
        double mean = 0, variance = 0;
        for (int j = 0; j < C; j++) mean += x[j] / C;
        for (int j = 0; j < C; j++) variance += (x[j] - mean) * (x[j] - mean) / C;
        for (int j = 0; j < C; j++)
            x[j] = (x[j] - mean) / sqrt(variance + EPS) * (double)g[j] + (double)b[j];
    }
}

static void attend(double *y, const double *q, const double *k, const double *v, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        for (int h = 0; h < NH; h++) {
            double p[CONTEXT], sum = 0;
            for (int64_t j = 0; j < n; j++) {
                double s = 0;
                for (int d = 0; d < HS; d++) s += q[i * C + h * HS + d] * k[j * C + h * HS + d];
                sum += p[j] = exp(s / sqrt(HS));
            }
            for (int d = 0; d < HS; d++) {
                y[i * C + h * HS + d] = 0;
                for (int64_t j = 0; j < n; j++)
                    y[i * C + h * HS + d] += p[j] / sum * v[j * C + h * HS + d];
            }
        }
}

/* Devlin et al. 2019: the vectors of n tokens. */
static void bert(double *x, const int32_t *tokens, int64_t n)
{
    static double q[CONTEXT * C], k[CONTEXT * C], v[CONTEXT * C], y[CONTEXT * C], h[CONTEXT * FF];
    for (int64_t i = 0; i < n * C; i++)
        x[i] = (double)at(-1, "token_embd", "weight")[tokens[i / C] * C + i % C] +
               (double)at(-1, "position_embd", "weight")[i] +
               (double)at(-1, "token_types", "weight")[i % C];
    layernorm(x, n, -1, "token_embd_norm");
    for (int l = 0; l < LAYERS; l++) {
        linear(q, x, n, l, "attn_q", C, C);
        linear(k, x, n, l, "attn_k", C, C);
        linear(v, x, n, l, "attn_v", C, C);
        attend(y, q, k, v, n);
        linear(q, y, n, l, "attn_output", C, C);
        for (int64_t i = 0; i < n * C; i++) x[i] += q[i];
        layernorm(x, n, l, "attn_output_norm");
        linear(h, x, n, l, "ffn_up", FF, C);
        for (int64_t i = 0; i < n * FF; i++) h[i] *= 0.5 * (1 + erf(h[i] / sqrt(2)));
        linear(q, h, n, l, "ffn_down", C, FF);
        for (int64_t i = 0; i < n * C; i++) x[i] += q[i];
        layernorm(x, n, l, "layer_output_norm");
    }
}

/* One vector of n; to length 1. */
static void pool(double *x, int64_t n, sw_pooling pooling, bool raw)
{
    const int64_t from = pooling == SW_POOLING_LAST ? n - 1 : 0;
    double sum = 0;
    for (int j = 0; j < C; j++) {
        double mean = 0;
        for (int64_t i = 0; i < n; i++) mean += x[i * C + j] / (double)n;
        x[j] = pooling == SW_POOLING_MEAN ? mean : x[from * C + j];
        sum += x[j] * x[j];
    }
    for (int j = 0; j < C && !raw; j++) x[j] /= sqrt(sum);
}

/* ---- files --------------------------------------------------------------------------------------- */

static void put(struct sw_gguf_writer *w, const char *key, int64_t value)
{
    sw__gguf_put_integer(w, key, SW_GGUF_U32, value);
}

static void write_gguf(const char *path, int heads, int pooling, const char *left_out)
{
    struct sw_gguf_writer *w;
    assert_int_equal(sw__gguf_writer_create(ctx, &w), SW_OK);
    sw__gguf_put_string(w, "general.architecture", "bert", 4);
    put(w, "bert.block_count", LAYERS);
    put(w, "bert.context_length", CONTEXT);
    put(w, "bert.embedding_length", C);
    put(w, "bert.feed_forward_length", FF);
    put(w, "bert.attention.head_count", heads);
    if (pooling >= 0) put(w, "bert.pooling_type", pooling);
    sw__gguf_put_real(w, "bert.attention.layer_norm_epsilon", (float)EPS);
    sw__gguf_put_bool(w, "bert.attention.causal", false);
    for (int i = 0; i < n_tensors; i++) {
        const struct tensor *t = &tensors[i];
        if (left_out && !strcmp(t->name, left_out)) continue;
        sw__gguf_put_tensor(w, t->name, SW_F32, t->rows ? SW_SHAPE(t->rows, t->k) : SW_SHAPE(t->k),
                            t->x);
    }
    assert_int_equal(sw__gguf_writer_finish(w, path), SW_OK);
    sw__gguf_writer_destroy(w);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

/* Names with `prefix` before them, norms in the old way if `old`. */
static void write_folder(const char *prefix, bool old)
{
    static struct sw_safetensors_entry entries[MOST];
    static char names[MOST][128];
    int n = 0;
    for (; n < n_tensors; n++) {
        const struct tensor *t = &tensors[n];
        char *norm = strstr(t->theirs, "LayerNorm.");
        const char *kind = strrchr(t->theirs, '.');
        if (old && norm) kind = strcmp(kind, ".weight") ? ".beta" : ".gamma";
        snprintf(names[n], sizeof names[0], "%s%.*s%s", prefix,
                 (int)(strrchr(t->theirs, '.') - t->theirs), t->theirs, kind);
        entries[n] = (struct sw_safetensors_entry){
            names[n], {t->x, SW_F32, t->rows ? SW_SHAPE(t->rows, t->k) : SW_SHAPE(t->k)}};
    }
    snprintf(names[n], sizeof names[0], "%spooler.dense.bias", prefix); /* left out */
    entries[n] = (struct sw_safetensors_entry){names[n], {tensors[0].x, SW_F32, SW_SHAPE(C)}};
    assert_int_equal(sw__safetensors_write(ctx, "model/model.safetensors", entries, n + 1, NULL),
                     SW_OK);
}

static const char config[] =
    "{\"model_type\": \"bert\", \"hidden_size\": 24, \"num_hidden_layers\": 2,"
    "\"num_attention_heads\": %d, \"intermediate_size\": 40, \"vocab_size\": 30,"
    "\"max_position_embeddings\": 150, \"layer_norm_eps\": 1e-6%s}";

static void write_config(int heads, const char *more)
{
    char text[1024];
    snprintf(text, sizeof text, config, heads, more);
    write_file("model/config.json", text);
}

static void write_pooling(const char *mode)
{
    char text[512];
    snprintf(text, sizeof text,
             "{\"word_embedding_dimension\": 24, \"pooling_mode_max_tokens\": false, \"%s\": true}",
             mode);
    write_file("model/1_Pooling/config.json", text);
}

#define MODULE(NAME, PATH)                                                                         \
    "{\"type\": \"sentence_transformers.models." NAME "\", \"path\": \"" PATH "\"}"

static int enter(void **state)
{
    strcpy(folder, "embed-XXXXXX");
    if (!mkdtemp(folder) || chdir(folder) || mkdir("model", 0777) ||
        mkdir("model/1_Pooling", 0777) || sw_context_create(NULL, &ctx) != SW_OK)
        return 1;
    make_tensors();
    write_gguf("bert.gguf", NH, 2, NULL);
    write_folder("", false);
    write_config(NH, "");
    write_file("model/modules.json",
               "[" MODULE("Transformer", "") ", " MODULE("Pooling", "1_Pooling") ", " MODULE(
                   "Normalize", "2_Normalize") "]");
    write_pooling("pooling_mode_mean_tokens");
    write_file("model/vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nred\ncar\n##s\nblue\n");
    return 0;
}

static int leave(void **state)
{
    static const char *const files[] = {"bert.gguf",
                                        "bad.gguf",
                                        "llama.bin",
                                        "model/config.json",
                                        "model/modules.json",
                                        "model/1_Pooling/config.json",
                                        "model/vocab.txt",
                                        "model/model.safetensors",
                                        "model/sentence_bert_config.json"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) unlink(files[i]);
    for (int i = 0; i < n_tensors; i++) free(tensors[i].x);
    sw_context_destroy(ctx);
    return rmdir("model/1_Pooling") || rmdir("model") || chdir("..") || rmdir(folder);
}

/* ---- right numbers, the same bits ---------------------------------------------------------------- */

static int32_t token(int64_t text, int64_t i)
{
    return (int32_t)(sw__random_u32(5, (uint64_t)text, (uint64_t)i) % V);
}

static void make_texts(sw_embed_input *in)
{
    static int32_t tokens[TEXTS][CONTEXT];
    for (int t = 0; t < TEXTS; t++) {
        for (int64_t i = 0; i < lengths[t]; i++) tokens[t][i] = token(t, i);
        in[t] = (sw_embed_input){tokens[t], lengths[t]};
    }
}

static sw_embedder *open_embedder(sw_context *c, const char *path, sw_embedder_options o)
{
    sw_embedder *e;
    if (sw_embedder_open(c, path, &o, &e) != SW_OK) fail_msg("%s", sw_error(c));
    return e;
}

static void near(const float *x, const double *y, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (!(fabs((double)x[i] - y[i]) < (double)TOL))
            fail_msg("%lld: %g, not %g", (long long)i, (double)x[i], y[i]);
}

static void test_oracle(void **state)
{
    static float x[TEXTS * CONTEXT * C];
    static double y[CONTEXT * C];
    sw_embed_input in[TEXTS];
    make_texts(in);
    for (int way = 0; way < 3; way++) { /* a file, a folder, and with names of other times */
        if (way == 2) write_folder("bert.", true);
        for (int p = SW_POOLING_NONE; p <= SW_POOLING_LAST; p++)
            for (int raw = 0; raw < 2; raw++) {
                sw_embedder *e = open_embedder(
                    ctx, way ? "model" : "bert.gguf",
                    (sw_embedder_options){.pooling = (sw_pooling)p, .raw = raw});
                assert_int_equal(sw_embed(e, in, TEXTS, x), SW_OK);
                const float *at_text = x;
                for (int t = 0; t < TEXTS; t++) {
                    bert(y, in[t].tokens, in[t].n);
                    const int64_t n = p == SW_POOLING_NONE ? in[t].n : 1;
                    if (n == 1) pool(y, in[t].n, (sw_pooling)p, raw);
                    for (int64_t i = 0; n > 1 && i < n; i++)
                        pool(y + i * C, 1, SW_POOLING_CLS, raw);
                    near(at_text, y, n * C);
                    at_text += n * C;
                }
                sw_embedder_destroy(e);
            }
    }
    write_folder("", false);
}

static void test_bits(void **state)
{
    static float all[TEXTS * C], other[TEXTS * C];
    sw_embed_input in[TEXTS];
    make_texts(in);
    for (int threads = 1; threads <= 3; threads++) {
        sw_context *c;
        assert_int_equal(sw_context_create(&(sw_context_options){.threads = threads}, &c), SW_OK);
        sw_embedder *e = open_embedder(c, "bert.gguf", (sw_embedder_options){0});
        assert_int_equal(sw_embed(e, in, TEXTS, threads == 1 ? all : other), SW_OK);
        if (threads > 1) assert_memory_equal(all, other, sizeof all);
        for (int t = 0; t < TEXTS; t++) {
            assert_int_equal(sw_embed(e, &in[t], 1, other), SW_OK);
            assert_memory_equal(all + t * C, other, C * sizeof *all);
        }
        assert_int_equal(sw_embed(e, in + 2, TEXTS - 2, other), SW_OK);
        assert_memory_equal(all + 2 * C, other, (TEXTS - 2) * C * sizeof *all);
        assert_int_equal(sw_embed(e, in, 0, other), SW_OK);
        sw_embedder_destroy(e);
        sw_context_destroy(c);
    }
    for (int i = 0; i < TEXTS * C; i++) assert_true(isfinite(all[i]));
}

/* More than a step takes. */
static void test_many(void **state)
{
    enum { N = 300 };
    static float x[N * C], one[C];
    static sw_embed_input in[N];
    sw_embed_input texts[TEXTS];
    make_texts(texts);
    for (int i = 0; i < N; i++) in[i] = texts[i * 5 % TEXTS];
    sw_embedder *e = open_embedder(ctx, "bert.gguf", (sw_embedder_options){0});
    assert_int_equal(sw_embed(e, in, N, x), SW_OK);
    for (int i = 0; i < N; i++) {
        assert_int_equal(sw_embed(e, &in[i], 1, one), SW_OK);
        assert_memory_equal(one, x + i * C, sizeof one);
    }
    sw_embedder_destroy(e);
}

/* ---- what files say ------------------------------------------------------------------------------ */

static sw_pooling pooling_of(const char *path)
{
    sw_embedder *e = open_embedder(ctx, path, (sw_embedder_options){0});
    const sw_pooling p = sw_embedder_get_info(e).pooling;
    sw_embedder_destroy(e);
    return p;
}

static void test_pooling_of_files(void **state)
{
    static const sw_pooling kinds[] = {SW_POOLING_MEAN, SW_POOLING_MEAN, SW_POOLING_CLS,
                                       SW_POOLING_LAST};
    for (int i = 0; i < 4; i++) {
        write_gguf("bad.gguf", NH, i, NULL);
        assert_int_equal(pooling_of("bad.gguf"), kinds[i]);
    }
    write_gguf("bad.gguf", NH, -1, NULL);
    assert_int_equal(pooling_of("bad.gguf"), SW_POOLING_MEAN);
    assert_int_equal(pooling_of("model"), SW_POOLING_MEAN);
    write_pooling("pooling_mode_lasttoken");
    assert_int_equal(pooling_of("model"), SW_POOLING_LAST);
    write_pooling("pooling_mode_cls_token");
    assert_int_equal(pooling_of("model"), SW_POOLING_CLS);
    write_file("model/sentence_bert_config.json", "{\"max_seq_length\": 20}");
    sw_embedder *e = open_embedder(ctx, "model", (sw_embedder_options){0});
    assert_int_equal(sw_embedder_get_info(e).context, 20);
    assert_int_equal(sw_embedder_get_info(e).trained_context, CONTEXT);
    assert_int_equal(sw_embedder_get_info(e).width, C);
    sw_embedder_destroy(e);
    unlink("model/sentence_bert_config.json");
    write_pooling("pooling_mode_mean_tokens");
}

/* ---- texts --------------------------------------------------------------------------------------- */

static void test_texts(void **state)
{
    static const int32_t red_cars[] = {2, 6, 7, 8, 3}; /* [CLS] red car ##s [SEP] */
    float x[2 * C], y[C];
    int32_t ids[8];
    int64_t n;
    sw_embedder *e = open_embedder(ctx, "model", (sw_embedder_options){.context = 5});
    assert_int_equal(sw_embedder_tokens(e, "Red cars", 8, ids, 8, &n), SW_OK);
    assert_int_equal(n, 5);
    assert_memory_equal(ids, red_cars, sizeof red_cars);
    assert_int_equal(sw_embed(e, &(sw_embed_input){red_cars, 5}, 1, y), SW_OK);
    assert_int_equal(sw_embed_texts(e, (const char *[]){"a", "red cars"}, 2, x), SW_OK);
    assert_memory_equal(x + C, y, sizeof y);
    assert_int_equal(sw_embed_texts(e, (const char *[]){"red cars a"}, 1, x), SW_ERR_SIZE);
    assert_non_null(strstr(sw_error(ctx), "6 tokens, the context has room for 5"));
    sw_embedder_destroy(e);
    e = open_embedder(ctx, "model", (sw_embedder_options){.context = 5, .truncate = true});
    assert_int_equal(sw_embed_texts(e, (const char *[]){"red cars a blue car"}, 1, x), SW_OK);
    assert_memory_equal(x, y, sizeof y); /* cut, and ended by [SEP] */
    sw_embedder_destroy(e);
}

/* ---- a causal model ------------------------------------------------------------------------------ */

enum { LC = 32, LFF = 48, LNH = 4, LNKV = 2, LV = 40, LCONTEXT = 100, LN = 70 };

/* The last token's vector times the head is what a session says of it. */
static void test_causal(void **state)
{
    const int32_t header[7] = {LC, LFF, 2, LNH, LNKV, -LV, LCONTEXT};
    const int64_t kv = LC / LNH * LNKV,
                  all = LV * LC + 2 * (2 * LC + 2 * LC * LC + 2 * kv * LC + 3 * LFF * LC) + LC +
                        LCONTEXT * LC / LNH + LV * LC;
    float *w = malloc((size_t)all * sizeof *w), x[2 * LC];
    FILE *f = fopen("llama.bin", "wb");
    assert_true(w && f);
    sw__fill_normal(w, all, 0, 0.3f, 9, 0);
    fwrite(header, sizeof header, 1, f);
    fwrite(w, sizeof *w, (size_t)all, f);
    assert_int_equal(fclose(f), 0);
    int32_t ids[LN];
    for (int i = 0; i < LN; i++) ids[i] = i * 7 % LV;
    sw_model *m;
    sw_session *s;
    assert_int_equal(
        sw_model_open(ctx, "llama.bin", &(sw_model_options){.kv = SW_MODEL_KV_F32}, &m), SW_OK);
    assert_int_equal(sw_session_open(m, &s), SW_OK);
    assert_int_equal(sw_session_feed(s, ids, LN), SW_OK);
    sw_embedder *e = open_embedder(ctx, "llama.bin",
                                   (sw_embedder_options){.pooling = SW_POOLING_LAST, .raw = true});
    const sw_embed_input in[2] = {{ids, 5}, {ids, LN}};
    assert_int_equal(sw_embed(e, in, 2, x), SW_OK);
    const float *head = w + all - LV * LC, *logits = sw_session_logits(s);
    for (int v = 0; v < LV; v++) {
        double sum = 0;
        for (int j = 0; j < LC; j++) sum += (double)head[v * LC + j] * (double)x[LC + j];
        assert_true(fabs(sum - (double)logits[v]) < 1e-5 * LC);
    }
    sw_embedder_destroy(e);
    sw_session_close(s);
    sw_model_destroy(m);
    free(w);
}

/* ---- refused ------------------------------------------------------------------------------------- */

static void refused(const char *path, sw_embedder_options o, const char *text)
{
    sw_embedder *e;
    assert_int_not_equal(sw_embedder_open(ctx, path, &o, &e), SW_OK);
    if (!strstr(sw_error(ctx), text)) fail_msg("'%s' is not in: %s", text, sw_error(ctx));
    assert_null(e);
}

static void test_refused_files(void **state)
{
    const sw_embedder_options o = {0};
    sw_model *m;
    refused("nothing", o, "cannot read");
    write_gguf("bad.gguf", 5, 1, NULL);
    refused("bad.gguf", o, "24 features are no multiple of 5 heads");
    write_gguf("bad.gguf", NH, 4, NULL);
    refused("bad.gguf", o, "its pooling 'rank' is not known");
    write_gguf("bad.gguf", NH, 1, "blk.1.attn_output_norm.weight");
    refused("bad.gguf", o, "there is no tensor 'blk.1.attn_output_norm.weight'");
    write_gguf("bad.gguf", NH, 1, "position_embd.weight");
    refused("bad.gguf", o, "there is no tensor 'position_embd.weight'");
    refused("bert.gguf", (sw_embedder_options){.context = CONTEXT + 1},
            "a context of 151, but it was made for 150");
    refused("bert.gguf", (sw_embedder_options){.pooling = (sw_pooling)9}, "pooling of kind 9");
    assert_int_equal(sw_model_open(ctx, "bert.gguf", NULL, &m), SW_ERR_UNSUPPORTED);
    assert_non_null(strstr(sw_error(ctx), "swell embed"));
}

static void test_refused_folders(void **state)
{
    const sw_embedder_options o = {0};
    write_config(NH, ", \"position_embedding_type\": \"relative_key\"");
    refused("model", o, "positions of the kind 'relative_key'");
    write_config(NH, ", \"is_decoder\": true");
    refused("model", o, "a bert that decodes");
    write_config(7, "");
    refused("model", o, "24 features are no multiple of 7 heads");
    write_config(NH, ", \"type_vocab_size\": 3");
    refused("model", o, "'token_types.weight' is (2,24), the network needs (3,24)");
    write_config(NH, ", \"hidden_act\": \"relu\"");
    refused("model", o, "'relu' is not the activation");
    write_config(NH, "");
    write_pooling("pooling_mode_mean_sqrt_len_tokens");
    refused("model", o, "its pooling 'mean_sqrt_len_tokens' is not known");
    write_pooling("pooling_mode_mean_tokens\": true, \"pooling_mode_lasttoken");
    refused("model", o, "and others");
    write_file("model/modules.json",
               "[" MODULE("Transformer", "") ", " MODULE("Dense", "2_Dense") "]");
    refused("model", o, "the module 'Dense' in '2_Dense' is not known");
    write_file("model/modules.json", "[" MODULE("Pooling", "../..") "]");
    refused("model", o, "a module without a folder");
    write_file("model/modules.json", "{}");
    refused("model", o, "no JSON array");
}

static void test_refused_inputs(void **state)
{
    float x[C];
    int32_t ids[CONTEXT + 1] = {0};
    int64_t n;
    sw_embedder *e = open_embedder(ctx, "bert.gguf", (sw_embedder_options){0});
    assert_int_equal(sw_embed(e, &(sw_embed_input){ids, 0}, 1, x), SW_ERR_ARGUMENT);
    assert_int_equal(sw_embed(e, &(sw_embed_input){ids, CONTEXT + 1}, 1, x), SW_ERR_SIZE);
    assert_non_null(strstr(sw_error(ctx), "text 1 has 151 tokens, the context has room for 150"));
    ids[3] = V;
    assert_int_equal(sw_embed(e, &(sw_embed_input){ids, 4}, 1, x), SW_ERR_ARGUMENT);
    assert_int_equal(sw_embedder_tokens(e, "a", 1, ids, 4, &n), SW_ERR_STATE);
    assert_int_equal(sw_embed_texts(e, (const char *[]){"a"}, 1, x), SW_ERR_STATE);
    sw_embedder_destroy(e);
    sw_embedder_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oracle),         cmocka_unit_test(test_bits),
        cmocka_unit_test(test_many),           cmocka_unit_test(test_pooling_of_files),
        cmocka_unit_test(test_texts),          cmocka_unit_test(test_causal),
        cmocka_unit_test(test_refused_files),  cmocka_unit_test(test_refused_inputs),
        cmocka_unit_test(test_refused_folders)};
    return cmocka_run_group_tests(tests, enter, leave);
}

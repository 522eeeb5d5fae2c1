/* Small random language models, for other programs to read, and what Swell makes of them.
 *
 *     language_random archs                          their names, a line each
 *     language_random write ARCH TYPE MODEL.gguf     one with matrices of that type
 *     language_random adapter ARCH ADAPTER.gguf      a low-rank change of all its matrices
 *     language_random run MODEL.gguf OUT [ADAPTER]   next-token probabilities f32 (POSITIONS,V) behind OUT's
 *                                                    header of POSITIONS, V and the POSITIONS ids, all i32
 *     language_random compare A B BOUND          whether the mean divergence of such outputs is at most BOUND nats
 *
 * Matrices are N(0, 1/K), those that end in the residual stream less; logits have a deviation of HEAD: the next
 * token then has an entropy of 2 to 3 nats of ln 320 = 5.8, a wrong equation changes the distribution by tenths
 * of nats, and the rounding of activations to bytes by less than thousandths.  The file is written here, number by
 * number, and not by Swell's writer: another reading of the format's description. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swell/swell.h>

#include "base/rng.h"

enum { V = 320, C = 256, NH = 8, NKV = 2, HS = 32, FF = 512, L = 4, CONTEXT = 256, POSITIONS = 64 };
enum { E = 8, CHOSEN = 3, MOST_TENSORS = 160, ALIGNMENT = 32 };

/* Deviation of logits; of what a branch adds to the residual stream, in embeddings. */
#define HEAD   3.1f
#define BRANCH 0.25f
/* Deviation of a router's logits. */
#define ROUTER 3.0f

struct tensor {
    char name[64];
    int64_t experts, rows, k; /* experts, rows 0: none */
    int type;
    sw_dtype dtype;
    float deviation, mean;
};

struct model {
    FILE *f;
    const char *arch;
    uint32_t original; /* positions before LongRoPE; 0: none */
    sw_dtype dtype;
    struct tensor tensors[MOST_TENSORS];
    int n, pairs;
    float embedding; /* deviation of a table's row */
    long pairs_at;
};

/* ---- the format -------------------------------------------------------------------------------- */

static void number(struct model *m, uint64_t x, int bytes)
{
    for (int i = 0; i < bytes; i++) fputc((int)(x >> (8 * i) & 255), m->f);
}

static void string(struct model *m, const char *text)
{
    number(m, strlen(text), 8);
    fputs(text, m->f);
}

enum { U32 = 4, I32 = 5, F32 = 6, BOOL = 7, STRING = 8, ARRAY = 9 };

static void key(struct model *m, const char *name, int type)
{
    char full[96];
    snprintf(full, sizeof full, "%s%s%s", strchr(name, '.') == name ? m->arch : "", "", name);
    string(m, full);
    number(m, (uint64_t)type, 4);
    m->pairs++;
}

static void put_u32(struct model *m, const char *name, uint32_t x)
{
    key(m, name, U32);
    number(m, x, 4);
}

static void put_f32(struct model *m, const char *name, float x)
{
    uint32_t bits;
    memcpy(&bits, &x, 4);
    key(m, name, F32);
    number(m, bits, 4);
}

static void put_string(struct model *m, const char *name, const char *text)
{
    key(m, name, STRING);
    string(m, text);
}

/* SentencePiece: <unk> <s> </s>, the 256 bytes, the space, and letters of their own. */
static void put_vocabulary(struct model *m)
{
    char text[16];
    put_string(m, "tokenizer.ggml.model", "llama");
    key(m, "tokenizer.ggml.tokens", ARRAY);
    number(m, STRING, 4);
    number(m, V, 8);
    for (int i = 0; i < V; i++) {
        snprintf(text, sizeof text,
                 i < 3 ? (const char *[]){"<unk>", "<s>", "</s>"}[i] : "<0x%02X>", i - 3);
        if (i >= 259) snprintf(text, sizeof text, i == 259 ? "\xe2\x96\x81" : "t%d", i);
        string(m, text);
    }
    key(m, "tokenizer.ggml.scores", ARRAY);
    number(m, F32, 4);
    number(m, V, 8);
    for (int i = 0; i < V; i++) {
        const float score = -(float)i;
        uint32_t bits;
        memcpy(&bits, &score, 4);
        number(m, bits, 4);
    }
    key(m, "tokenizer.ggml.token_type", ARRAY);
    number(m, I32, 4);
    number(m, V, 8);
    for (int i = 0; i < V; i++) number(m, i == 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1, 4);
    put_u32(m, "tokenizer.ggml.bos_token_id", 1);
    put_u32(m, "tokenizer.ggml.eos_token_id", 2);
}

/* ---- the networks ------------------------------------------------------------------------------ */

/* A matrix that gives unit variance for unit variance. */
static void matrix(struct model *m, const char *name, int64_t rows, int64_t k)
{
    struct tensor *t = &m->tensors[m->n++];
    *t = (struct tensor){.rows = rows, .k = k, .dtype = m->dtype, .deviation = 1 / sqrtf((float)k)};
    snprintf(t->name, sizeof t->name, "%s", name);
}

static void vector(struct model *m, const char *name, int64_t k, float mean, float deviation)
{
    struct tensor *t = &m->tensors[m->n++];
    *t = (struct tensor){.k = k, .dtype = SW_F32, .mean = mean, .deviation = deviation};
    snprintf(t->name, sizeof t->name, "%s", name);
}

static const char *in_layer(int layer, const char *name)
{
    static char full[8][64];
    static int turn;
    char *to = full[turn++ % 8];
    snprintf(to, sizeof full[0], "blk.%d.%s", layer, name);
    return to;
}

static bool is(const struct model *m, const char *arch)
{
    return strcmp(m->arch, arch) == 0;
}

static bool biased(const struct model *m, const char *name)
{
    return is(m, "gpt2") || is(m, "gpt-oss") ||
           (is(m, "qwen2") && strstr(name, "attn_") && !strstr(name, "output"));
}

static bool mixed(const struct model *m)
{
    return is(m, "qwen3moe") || is(m, "gpt-oss");
}

static void linear(struct model *m, int layer, const char *name, int64_t rows, int64_t k)
{
    char full[48];
    snprintf(full, sizeof full, "%s.weight", name);
    matrix(m, in_layer(layer, full), rows, k);
    if (strcmp(name, "attn_output") == 0 || strcmp(name, "ffn_down") == 0)
        m->tensors[m->n - 1].deviation *= BRANCH * m->embedding;
    if (!biased(m, name)) return;
    snprintf(full, sizeof full, "%s.bias", name);
    vector(m, in_layer(layer, full), rows, 0, 0.2f * (rows == C ? BRANCH * m->embedding : 1));
}

/* E networks one behind the other. */
static void experts(struct model *m, int layer, const char *name, int64_t rows, int64_t k)
{
    linear(m, layer, name, rows, k);
    const int n = is(m, "gpt-oss") ? 2 : 1;
    for (int i = 1; i <= n; i++) m->tensors[m->n - i].experts = E;
    if (n == 2) m->tensors[m->n - 1].rows = 0;
    m->tensors[m->n - n].deviation = 1 / sqrtf((float)k);
    if (strcmp(name, "ffn_down_exps") == 0) m->tensors[m->n - n].deviation *= BRANCH * m->embedding;
    /* What gpt-oss multiplies the gate with is up + 1. */
    if (is(m, "gpt-oss") && strcmp(name, "ffn_down_exps") == 0)
        m->tensors[m->n - n].deviation *= 0.5f;
}

static void mixture(struct model *m, int l)
{
    const sw_dtype dtype = m->dtype;
    m->dtype = SW_F32; /* llama.cpp keeps routers so */
    linear(m, l, "ffn_gate_inp", E, C);
    /* Where the last chosen and the first left out are near a tie, rounding swaps them: by this spread both have
     * little weight then. */
    for (int i = 1; i <= 2; i++)
        if (strstr(m->tensors[m->n - i].name, "ffn_gate_inp.weight"))
            m->tensors[m->n - i].deviation *= ROUTER;
    m->dtype = dtype;
    experts(m, l, "ffn_gate_exps", FF, C);
    experts(m, l, "ffn_up_exps", FF, C);
    experts(m, l, "ffn_down_exps", C, FF);
}

static void norm(struct model *m, int layer, const char *name, int64_t k)
{
    char full[48];
    snprintf(full, sizeof full, "%s.weight", name);
    /* The last one has both signs: where the head is the table of embeddings, each token would follow itself
     * otherwise. */
    const bool post = strncmp(name, "post", 4) == 0 && !is(m, "gpt-oss");
    const float mean = post ? 0.5f * BRANCH * sqrtf((float)C) * m->embedding
                       : strcmp(name, "output_norm") == 0 ? 0
                                                          : 1;
    vector(m, layer < 0 ? full : in_layer(layer, full), k, mean, mean > 0 ? 0.2f * mean : 1);
    snprintf(full, sizeof full, "%s.bias", name);
    if (is(m, "gpt2")) vector(m, layer < 0 ? full : in_layer(layer, full), k, 0, 0.2f);
}

static void layer_tensors(struct model *m, int l)
{
    const bool gemma = is(m, "gemma2") || is(m, "gemma3"), fused = is(m, "gpt2") || is(m, "phi3");
    const int64_t nkv = is(m, "gpt2") ? NH : NKV;
    norm(m, l, "attn_norm", C);
    if (fused) {
        linear(m, l, "attn_qkv", (NH + 2 * nkv) * HS, C);
    } else {
        linear(m, l, "attn_q", NH * HS, C);
        linear(m, l, "attn_k", nkv * HS, C);
        linear(m, l, "attn_v", nkv * HS, C);
    }
    if (is(m, "qwen3") || is(m, "gemma3") || is(m, "qwen3moe")) {
        norm(m, l, "attn_q_norm", HS);
        norm(m, l, "attn_k_norm", HS);
    }
    linear(m, l, "attn_output", C, NH * HS);
    if (gemma) norm(m, l, "post_attention_norm", C);
    if (is(m, "gpt-oss")) vector(m, in_layer(l, "attn_sinks.weight"), NH, 1, 1);
    norm(m, l, is(m, "gpt-oss") ? "post_attention_norm" : "ffn_norm", C);
    if (mixed(m)) {
        mixture(m, l);
        return;
    }
    if (!fused) linear(m, l, "ffn_gate", FF, C);
    linear(m, l, "ffn_up", is(m, "phi3") ? 2 * FF : FF, C);
    linear(m, l, "ffn_down", C, FF);
    if (gemma) norm(m, l, "post_ffw_norm", C);
}

static void all_tensors(struct model *m, bool tied, bool llama3)
{
    matrix(m, "token_embd.weight", V, C);
    m->embedding = m->tensors[0].deviation = tied ? HEAD / sqrtf((float)C) : 1;
    if (is(m, "gpt2")) {
        matrix(m, "position_embd.weight", CONTEXT, C);
        m->tensors[1].dtype = SW_F32;
    }
    for (int l = 0; l < L; l++) layer_tensors(m, l);
    norm(m, -1, "output_norm", C);
    if (llama3) vector(m, "rope_freqs.weight", HS / 2, 4, 1);
    if (m->original) vector(m, "rope_factors_short.weight", HS / 2, 1.5f, 0.1f);
    if (m->original) vector(m, "rope_factors_long.weight", HS / 2, 4, 0.5f);
    if (tied) return;
    matrix(m, "output.weight", V, C);
    m->tensors[m->n - 1].deviation = HEAD / sqrtf((float)C);
}

static void all_pairs(struct model *m)
{
    put_string(m, "general.architecture", m->arch);
    put_string(m, "general.name", "random");
    put_u32(m, ".context_length", CONTEXT);
    put_u32(m, ".embedding_length", C);
    put_u32(m, ".block_count", L);
    put_u32(m, ".feed_forward_length", FF);
    put_u32(m, ".attention.head_count", NH);
    put_u32(m, ".attention.head_count_kv", is(m, "gpt2") ? NH : NKV);
    if (is(m, "gpt2")) {
        put_f32(m, ".attention.layer_norm_epsilon", 1e-5f);
    } else {
        put_f32(m, ".attention.layer_norm_rms_epsilon", 1e-5f);
        put_u32(m, ".rope.dimension_count", HS);
        put_f32(m, ".rope.freq_base", 5000);
        put_u32(m, ".attention.key_length", HS);
        put_u32(m, ".attention.value_length", HS);
        put_u32(m, ".vocab_size", V);
    }
    if (is(m, "gemma2") || is(m, "gemma3") || is(m, "gpt-oss"))
        put_u32(m, ".attention.sliding_window", 16);
    if (mixed(m)) {
        put_u32(m, ".expert_count", E);
        put_u32(m, ".expert_used_count", CHOSEN);
        put_u32(m, ".expert_feed_forward_length", FF);
    }
    if (is(m, "gpt-oss")) {
        put_string(m, ".rope.scaling.type", "yarn");
        put_f32(m, ".rope.scaling.factor", 8);
        put_u32(m, ".rope.scaling.original_context_length", 32);
    }
    if (m->original) {
        put_u32(m, ".rope.scaling.original_context_length", m->original);
        put_f32(m, ".rope.scaling.attn_factor", 1.2f);
    }
    if (is(m, "gemma2")) {
        put_f32(m, ".attn_logit_softcapping", 5);
        put_f32(m, ".final_logit_softcapping", 30);
    }
    put_vocabulary(m);
}

/* ---- writing ----------------------------------------------------------------------------------- */

/* ggml's number of a dtype. */
static int file_type(sw_dtype dtype)
{
    static const struct {
        const char *name;
        int number;
    } types[] = {{"f32", 0},     {"f16", 1},     {"q4_0", 2},  {"q4_1", 3},
                 {"q5_0", 6},    {"q5_1", 7},    {"q8_0", 8},  {"q2_k", 10},
                 {"q3_k", 11},   {"q4_k", 12},   {"q5_k", 13}, {"q6_k", 14},
                 {"iq4_nl", 20}, {"iq4_xs", 23}, {"bf16", 30}, {"mxfp4", 39}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, sw_dtype_get(dtype)->name) == 0) return types[i].number;
    return -1;
}

static int64_t elements(const struct tensor *t)
{
    return (t->experts ? t->experts : 1) * (t->rows ? t->rows : 1) * t->k;
}

static int64_t bytes_of(const struct tensor *t)
{
    return sw_shape_bytes(&SW_SHAPE(elements(t) / t->k, t->k), t->dtype);
}

static void pad(struct model *m)
{
    while (ftell(m->f) % ALIGNMENT) fputc(0, m->f);
}

static int put_numbers(struct model *m, const struct tensor *t)
{
    const int64_t n = elements(t), bytes = bytes_of(t);
    float *x = malloc((size_t)n * sizeof *x);
    void *y = malloc((size_t)bytes);
    int failed = !x || !y;
    if (!failed) {
        sw__fill_normal(x, n, t->mean, t->deviation, 7, sw__hash_name(t->name));
        failed = sw_convert(y, t->dtype, x, SW_F32, n) != SW_OK;
    }
    if (!failed) fwrite(y, 1, (size_t)bytes, m->f);
    free(x);
    free(y);
    pad(m);
    return failed;
}

/* The rank of an adapter, and how much of each matrix's deviation it adds. */
enum { RANK = 4 };
#define ADDED 0.5f

static void adapter_pairs(struct model *m)
{
    put_string(m, "general.type", "adapter");
    put_string(m, "general.architecture", m->arch);
    put_string(m, "adapter.type", "lora");
    put_f32(m, "adapter.lora.alpha", 2 * RANK);
}

/* In place of the matrices of layers: their A and B, in f32. */
static void adapter_tensors(struct model *m)
{
    const int n = m->n;
    static struct tensor all[MOST_TENSORS];
    memcpy(all, m->tensors, sizeof all);
    m->n = 0;
    for (int i = 0; i < n; i++) {
        if (!all[i].rows || all[i].experts || strncmp(all[i].name, "blk.", 4) != 0) continue;
        struct tensor *a = &m->tensors[m->n++], *b = &m->tensors[m->n++];
        *a = *b = all[i];
        a->dtype = b->dtype = SW_F32;
        a->rows = b->k = RANK;
        snprintf(a->name, sizeof a->name, "%.40s.lora_a", all[i].name);
        snprintf(b->name, sizeof b->name, "%.40s.lora_b", all[i].name);
        a->deviation = 1;
        b->deviation = ADDED * all[i].deviation / (2 * sqrtf(RANK)); /* alpha / r = 2 */
    }
}

static int write_model(const char *name, const char *type, const char *path, bool adapter)
{
    static struct model m;
    m.dtype = sw_dtype_find(type);
    const bool llama3 = strcmp(name, "llama3") == 0;
    m.arch = llama3 ? "llama" : strncmp(name, "phi3", 4) == 0 ? "phi3" : name;
    /* The context is longer than that, or not. */
    m.original = strcmp(name, "phi3-long") == 0    ? 32
                 : strcmp(name, "phi3-short") == 0 ? CONTEXT
                                                   : 0;
    if (m.dtype == SW_DTYPE_COUNT || file_type(m.dtype) < 0) return 77;
    all_tensors(&m, !llama3 && !is(&m, "qwen3") && !is(&m, "phi3") && !mixed(&m), llama3);
    if (adapter) adapter_tensors(&m);
    m.f = fopen(path, "w+b");
    if (!m.f) return 1;
    fputs("GGUF", m.f);
    number(&m, 3, 4);
    number(&m, (uint64_t)m.n, 8);
    m.pairs_at = ftell(m.f);
    number(&m, 0, 8);
    (adapter ? adapter_pairs : all_pairs)(&m);
    int64_t offset = 0;
    for (int i = 0; i < m.n; i++) {
        const struct tensor *t = &m.tensors[i];
        string(&m, t->name);
        number(&m, 1 + (t->rows > 0) + (t->experts > 0), 4);
        number(&m, (uint64_t)t->k, 8);
        if (t->rows) number(&m, (uint64_t)t->rows, 8);
        if (t->experts) number(&m, (uint64_t)t->experts, 8);
        number(&m, (uint64_t)file_type(t->dtype), 4);
        number(&m, (uint64_t)offset, 8);
        offset += (bytes_of(t) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    pad(&m);
    int failed = 0;
    for (int i = 0; i < m.n; i++) failed |= put_numbers(&m, &m.tensors[i]);
    fseek(m.f, m.pairs_at, SEEK_SET);
    number(&m, (uint64_t)m.pairs, 8);
    failed |= ferror(m.f);
    return fclose(m.f) || failed;
}

/* ---- running ----------------------------------------------------------------------------------- */

static int run(const char *path, const char *out, const char *adapter)
{
    sw_context *ctx = NULL;
    sw_model *m = NULL;
    sw_session *s = NULL;
    int32_t head[2 + POSITIONS] = {POSITIONS, V}, *ids = head + 2;
    for (uint64_t i = 0; i < POSITIONS; i++)
        ids[i] = i == 0 ? 1 : 3 + (int32_t)(sw__random_u32(3, 1, i) % (V - 3));
    if (sw_context_create(NULL, &ctx) != SW_OK) return 1;
    const sw_model_adapter change = {adapter, 1};
    sw_model_options o = {.no_tokenizer = true,
                          .rows = POSITIONS,
                          .chunk = POSITIONS,
                          .adapters = &change,
                          .n_adapters = adapter != NULL};
    sw_model_part part = {.tokens = ids, .n = POSITIONS, .rows = POSITIONS};
    sw_status status = sw_model_open(ctx, path, &o, &m);
    if (status == SW_OK) status = sw_session_open(m, &s);
    part.session = s;
    if (status == SW_OK) status = sw_model_step(m, &part, 1);
    FILE *f = status == SW_OK ? fopen(out, "wb") : NULL;
    if (status != SW_OK) fprintf(stderr, "%s\n", sw_error(ctx));
    for (int i = 0; f && i < POSITIONS; i++) {
        static float p[V];
        const float *x = part.logits + i * V;
        double most = x[0], sum = 0;
        for (int j = 0; j < V; j++) most = x[j] > most ? x[j] : most;
        for (int j = 0; j < V; j++) sum += exp(x[j] - most);
        for (int j = 0; j < V; j++) p[j] = (float)(exp(x[j] - most) / sum);
        if (i == 0) fwrite(head, sizeof head, 1, f);
        fwrite(p, sizeof p, 1, f);
    }
    const int failed = !f || fclose(f);
    sw_session_close(s);
    sw_model_destroy(m);
    sw_context_destroy(ctx);
    return failed;
}

/* Whether the mean divergence of b from a is at most so many nats. */
static int compare(const char *a, const char *b, double bound)
{
    static float p[2][POSITIONS * V];
    const char *const paths[] = {a, b};
    double sum = 0;
    for (int i = 0; i < 2; i++) {
        FILE *f = fopen(paths[i], "rb");
        if (!f || fseek(f, (2 + POSITIONS) * 4, SEEK_SET) || fread(p[i], sizeof p[i], 1, f) != 1)
            return 1;
        fclose(f);
    }
    for (int i = 0; i < POSITIONS * V; i++)
        if (p[0][i] > 0)
            sum += (double)p[0][i] * log((double)p[0][i] / fmax((double)p[1][i], 1e-30));
    printf("divergence %.2e, at most %.0e\n", sum / POSITIONS, bound);
    return !(sum / POSITIONS <= bound);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "archs") == 0)
        return puts("llama llama3 gpt2 qwen2 qwen3 gemma2 gemma3 phi3 phi3-long phi3-short "
                    "qwen3moe gpt-oss") < 0;
    if (argc == 5 && strcmp(argv[1], "write") == 0)
        return write_model(argv[2], argv[3], argv[4], false);
    if (argc == 4 && strcmp(argv[1], "adapter") == 0)
        return write_model(argv[2], "f32", argv[3], true);
    if ((argc == 4 || argc == 5) && strcmp(argv[1], "run") == 0)
        return run(argv[2], argv[3], argv[4]);
    if (argc == 5 && strcmp(argv[1], "compare") == 0)
        return compare(argv[2], argv[3], atof(argv[4]));
    fprintf(stderr, "usage: see the source\n");
    return 2;
}

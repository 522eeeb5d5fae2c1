/* A model with low-rank adapters is the model whose weights were changed by hand: W + scale alpha / r B A.  The
 * two round differently, so what is asked is that they differ by less than a ten-thousandth of what the adapter
 * changes (sums of at most 64 f32 products differ by 64 ulp, 4e-6, at each of 10 layers' products). */
#include "unit.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>
#include <swell/swell.h>
#include "base/rng.h"
#include "format/safetensors.h"

enum { C = 32, FF = 64, LAYERS = 2, NH = 4, NKV = 2, V = 48, CONTEXT = 64, R = 3, N = 20 };
enum { KV = C / NH * NKV, EMBEDDING = V * C, MATRIX = C * C };

/* Where weights of llama2.c's file begin (its read_checkpoint), in floats. */
enum {
    AT_Q = EMBEDDING + LAYERS * C,
    AT_K = AT_Q + LAYERS * MATRIX,
    AT_V = AT_K + LAYERS * KV * C,
    AT_O = AT_V + LAYERS * KV * C,
    AT_FFN_NORM = AT_O + LAYERS * MATRIX,
    AT_GATE = AT_FFN_NORM + LAYERS * C,
    AT_DOWN = AT_GATE + LAYERS * FF * C,
    AT_UP = AT_DOWN + LAYERS * C * FF,
    ALL = AT_UP + LAYERS * FF * C + C + CONTEXT * (C / NH)
};

/* What the adapters change: a place in the file, the shape, the name. */
static const struct target {
    const char *name;
    int at, n, k;
} targets[] = {{"blk.0.attn_q.weight", AT_Q, C, C},
               {"blk.1.attn_v.weight", AT_V + KV *C, KV, C},
               {"blk.1.attn_output.weight", AT_O + MATRIX, C, C},
               {"blk.0.ffn_down.weight", AT_DOWN, C, FF}};
enum { TARGETS = 4 };

static char folder[] = "adapter-XXXXXX";
static float base[ALL];

static char *in_folder(const char *name)
{
    static char paths[32][64];
    static int turn;
    char *path = paths[turn++ % 32];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void write_model(const char *name, const float *weights)
{
    const int32_t header[7] = {C, FF, LAYERS, NH, NKV, V, CONTEXT};
    FILE *f = fopen(in_folder(name), "wb");
    assert_non_null(f);
    fwrite(header, sizeof header, 1, f);
    fwrite(weights, sizeof *weights, ALL, f);
    assert_int_equal(fclose(f), 0);
}

/* The numbers of A (r,k) or B (n,r) of a target in adapter `which`. */
static void fill(float *x, int64_t n, int which, int target, int b)
{
    sw__fill_normal(x, n, 0, 0.2f, 20 + (uint64_t)which, (uint64_t)(2 * target + b));
}

/* ---- GGUF, by hand --------------------------------------------------------------------------------- */

static void number(FILE *f, uint64_t x, int bytes)
{
    for (int i = 0; i < bytes; i++) fputc((int)(x >> (8 * i) & 255), f);
}

static void string(FILE *f, const char *text)
{
    number(f, strlen(text), 8);
    fputs(text, f);
}

static void pair(FILE *f, const char *key, const char *value)
{
    string(f, key);
    number(f, 8, 4);
    string(f, value);
}

static void tensor_info(FILE *f, const char *name, const char *which, int rows, int k, uint64_t *at)
{
    char full[64];
    snprintf(full, sizeof full, "%s.%s", name, which);
    string(f, full);
    number(f, 2, 4);
    number(f, (uint64_t)k, 8);
    number(f, (uint64_t)rows, 8);
    number(f, 0, 4); /* f32 */
    number(f, *at, 8);
    *at += (uint64_t)(rows * k * 4 + 31) / 32 * 32;
}

static void tensor_data(FILE *f, int which, int target, int b, int n)
{
    float x[FF * R];
    fill(x, n, which, target, b);
    while (ftell(f) % 32) fputc(0, f);
    fwrite(x, sizeof *x, (size_t)n, f);
}

/* An adapter of the targets from .. to - 1; `stray` renames one tensor. */
static const char *write_adapter(const char *name, int which, int from, int to, float alpha,
                                 const char *type, const char *arch, const char *stray)
{
    FILE *f = fopen(in_folder(name), "wb");
    uint64_t at = 0;
    uint32_t bits;
    assert_non_null(f);
    memcpy(&bits, &alpha, 4);
    fputs("GGUF", f);
    number(f, 3, 4);
    number(f, (uint64_t)(2 * (to - from)), 8);
    number(f, 4, 8);
    pair(f, "general.type", type);
    pair(f, "adapter.type", "lora");
    pair(f, "general.architecture", arch);
    string(f, "adapter.lora.alpha");
    number(f, 6, 4);
    number(f, bits, 4);
    for (int i = from; i < to; i++) {
        const char *base_name = stray && i == from ? stray : targets[i].name;
        tensor_info(f, base_name, "lora_a", R, targets[i].k, &at);
        tensor_info(f, base_name, "lora_b", targets[i].n, R, &at);
    }
    for (int i = from; i < to; i++) {
        tensor_data(f, which, i, 0, R * targets[i].k);
        tensor_data(f, which, i, 1, R * targets[i].n);
    }
    assert_int_equal(fclose(f), 0);
    return in_folder(name);
}

/* weights += scale B A for the targets from .. to - 1. */
static void change(float *weights, int which, int from, int to, double scale)
{
    float a[FF * R], b[FF * R];
    for (int i = from; i < to; i++) {
        const struct target *t = &targets[i];
        fill(a, R * t->k, which, i, 0);
        fill(b, R * t->n, which, i, 1);
        for (int row = 0; row < t->n; row++)
            for (int k = 0; k < t->k; k++) {
                double sum = 0;
                for (int r = 0; r < R; r++) sum += (double)b[row * R + r] * (double)a[r * t->k + k];
                weights[t->at + row * t->k + k] += (float)(scale * sum);
            }
    }
}

/* ---- running ----------------------------------------------------------------------------------------- */

static sw_status open_with(sw_context *ctx, const char *path, const sw_model_adapter *adapters,
                           int n, sw_model **m)
{
    const sw_model_options o = {.rows = N, .adapters = adapters, .n_adapters = n};
    return sw_model_open(ctx, path, &o, m);
}

static void logits_of(const char *name, const sw_model_adapter *adapters, int n, float *out)
{
    sw_context *ctx;
    sw_model *m;
    sw_session *s;
    int32_t tokens[N];
    for (int i = 0; i < N; i++) tokens[i] = (i * 7 + 3) % V;
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = 2}, &ctx), SW_OK);
    if (open_with(ctx, in_folder(name), adapters, n, &m) != SW_OK) fail_msg("%s", sw_error(ctx));
    assert_int_equal(sw_session_open(m, &s), SW_OK);
    sw_model_part part = {.session = s, .tokens = tokens, .n = N, .rows = N};
    assert_int_equal(sw_model_step(m, &part, 1), SW_OK);
    memcpy(out, part.logits, N * V * sizeof *out);
    sw_session_close(s);
    sw_model_destroy(m);
    sw_context_destroy(ctx);
}

static double distance(const float *a, const float *b)
{
    double sum = 0;
    for (int i = 0; i < N * V; i++) sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    return sqrt(sum);
}

static float plain[N * V], merged[N * V], adapted[N * V];

static void same_as_merged(const float *weights, const sw_model_adapter *adapters, int n)
{
    write_model("merged.bin", weights);
    logits_of("merged.bin", NULL, 0, merged);
    logits_of("base.bin", adapters, n, adapted);
    const double effect = distance(plain, merged), error = distance(adapted, merged);
    if (!(effect > 1 && error < 1e-4 * effect))
        fail_msg("the adapter changes %g, and differs by %g", effect, error);
}

static void test_merged(void **state)
{
    static float weights[ALL];
    const char *one = write_adapter("one.gguf", 1, 0, 4, 6, "adapter", "llama", NULL);
    const char *two = write_adapter("two.gguf", 2, 1, 3, 0, "adapter", "llama", NULL);
    (void)state;
    memcpy(weights, base, sizeof base);
    change(weights, 1, 0, 4, 6. / R);
    same_as_merged(weights, &(sw_model_adapter){one, 1}, 1);
    /* Two at once, of which one has a negative strength and no alpha. */
    memcpy(weights, base, sizeof base);
    change(weights, 1, 0, 4, 0.5 * 6. / R);
    change(weights, 2, 1, 3, -2);
    same_as_merged(weights, (sw_model_adapter[]){{one, 0.5f}, {two, -2}}, 2);
    /* None of it: the bits of the model. */
    logits_of("base.bin", &(sw_model_adapter){one, 0}, 1, adapted);
    assert_memory_equal(adapted, plain, sizeof plain);
}

/* ---- PEFT ---------------------------------------------------------------------------------------------- */

static const char peft_config[] =
    "{\"peft_type\":\"LORA\",\"r\":3,\"lora_alpha\":6,\"bias\":\"none\","
    "\"target_modules\":[\"q_proj\"],\"use_rslora\":false%s}";

static void write_peft_config(const char *more)
{
    FILE *f = fopen(in_folder("peft/adapter_config.json"), "wb");
    assert_non_null(f);
    fprintf(f, peft_config, more);
    assert_int_equal(fclose(f), 0);
}

/* The adapter of write_adapter(1, 0, 4), as transformers lays it out: a head's features i and i + HS/2 turn together. */
static void write_peft(sw_context *ctx, const char *first)
{
    static const char *const theirs[] = {
        "model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.v_proj",
        "model.layers.1.self_attn.o_proj", "model.layers.0.mlp.down_proj"};
    static float a[TARGETS][FF * R], b[TARGETS][FF * R], x[FF * R];
    static char names[2 * TARGETS][96];
    struct sw_safetensors_entry entries[2 * TARGETS];
    for (int i = 0; i < TARGETS; i++) {
        const struct target *t = &targets[i];
        const int hs = C / NH;
        fill(a[i], R * t->k, 1, i, 0);
        fill(x, R * t->n, 1, i, 1);
        for (int row = 0; row < t->n; row++) {
            const int in_head = row % hs;
            const int to = i > 0 ? row : row - in_head + in_head / 2 + in_head % 2 * (hs / 2);
            memcpy(b[i] + to * R, x + row * R, R * sizeof *x);
        }
        for (int k = 0; k < 2; k++)
            snprintf(names[2 * i + k], sizeof names[0], "base_model.model.%s.lora_%c.weight",
                     i == 0 && first ? first : theirs[i], k ? 'B' : 'A');
        entries[2 * i] = (struct sw_safetensors_entry){names[2 * i],
                                                       {a[i], SW_F32, SW_SHAPE(R, t->k)}};
        entries[2 * i + 1] = (struct sw_safetensors_entry){names[2 * i + 1],
                                                           {b[i], SW_F32, SW_SHAPE(t->n, R)}};
    }
    assert_int_equal(sw__safetensors_write(ctx, in_folder("peft/adapter_model.safetensors"),
                                           entries, 2 * TARGETS, NULL),
                     SW_OK);
}

static void test_peft(void **state)
{
    static float theirs[N * V];
    static const struct {
        const char *more, *first, *why;
    } bad[] = {{",\"use_dora\":true", NULL, "adapters with use_dora are not known"},
               {",\"rank_pattern\":{\"q_proj\":4}", NULL, "rank_pattern"},
               {",\"modules_to_save\":[\"lm_head\"]", NULL, "modules_to_save"},
               {"", "model.layers.9.self_attn.q_proj", "'blk.9.attn_q.weight.lora_a' has no place"},
               {"", "model.embed_tokens", "has no place"},
               {"", "vision.q_proj", "is no matrix of an adapter"},
               {",", NULL, "adapter_config.json: offset"}};
    const char *one = write_adapter("one.gguf", 1, 0, 4, 6, "adapter", "llama", NULL);
    sw_context *ctx;
    sw_model *m;
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = 1}, &ctx), SW_OK);
    assert_int_equal(mkdir(in_folder("peft"), 0777), 0);
    write_peft(ctx, NULL);
    write_peft_config("");
    logits_of("base.bin", &(sw_model_adapter){one, 0.5f}, 1, adapted);
    logits_of("base.bin", &(sw_model_adapter){in_folder("peft"), 0.5f}, 1, theirs);
    assert_memory_equal(adapted, theirs, sizeof theirs);
    logits_of("base.bin", &(sw_model_adapter){in_folder("peft/adapter_model.safetensors"), 0.5f}, 1,
              theirs);
    assert_memory_equal(adapted, theirs, sizeof theirs);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_peft(ctx, bad[i].first);
        write_peft_config(bad[i].more);
        assert_int_not_equal(
            open_with(ctx, in_folder("base.bin"), &(sw_model_adapter){in_folder("peft"), 1}, 1, &m),
            SW_OK);
        if (!strstr(sw_error(ctx), bad[i].why))
            fail_msg("'%s' without '%s'", sw_error(ctx), bad[i].why);
    }
    unlink(in_folder("peft/adapter_model.safetensors"));
    unlink(in_folder("peft/adapter_config.json"));
    rmdir(in_folder("peft"));
    sw_context_destroy(ctx);
}

static void test_refusals(void **state)
{
    sw_context *ctx;
    sw_model *m;
    (void)state;
    const struct {
        const char *path, *why;
    } bad[] = {
        {write_adapter("a.gguf", 1, 0, 1, 1, "model", "llama", NULL),
         "no adapter of the type lora"},
        {write_adapter("b.gguf", 1, 0, 1, 1, "adapter", "qwen2", NULL), "another architecture"},
        {write_adapter("c.gguf", 1, 0, 1, NAN, "adapter", "llama", NULL), "adapter.lora.alpha"},
        {write_adapter("d.gguf", 1, 0, 1, 1, "adapter", "llama", "blk.9.attn_q.weight"),
         "'blk.9.attn_q.weight.lora_a' has no place"},
        {write_adapter("e.gguf", 1, 0, 1, 1, "adapter", "llama", "blk.0.ffn_up.weight"),
         "'blk.0.ffn_up.weight.lora_a' (3,32)"},
        {in_folder("base.bin"), "base.bin"},
        {in_folder("nothing.gguf"), "No such file"}};
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = 1}, &ctx), SW_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char why[512];
        assert_int_not_equal(
            open_with(ctx, in_folder("base.bin"), &(sw_model_adapter){bad[i].path, 1}, 1, &m),
            SW_OK);
        snprintf(why, sizeof why, "%s", sw_error(ctx));
        if (!strstr(why, bad[i].why)) fail_msg("'%s' without '%s'", why, bad[i].why);
        assert_null(m);
    }
    assert_int_equal(
        open_with(ctx, in_folder("base.bin"), &(sw_model_adapter){"x", INFINITY}, 1, &m),
        SW_ERR_ARGUMENT);
    assert_int_equal(open_with(ctx, in_folder("base.bin"), NULL, 9, &m), SW_ERR_ARGUMENT);
    sw_context_destroy(ctx);
}

static int make(void **state)
{
    if (!mkdtemp(folder)) return 1;
    sw__fill_normal(base, ALL, 0, 0.3f, 11, 0);
    write_model("base.bin", base);
    logits_of("base.bin", NULL, 0, plain);
    return 0;
}

static int clear(void **state)
{
    static const char *const names[] = {"base.bin", "merged.bin", "one.gguf", "two.gguf", "a.gguf",
                                        "b.gguf",   "c.gguf",     "d.gguf",   "e.gguf"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) unlink(in_folder(names[i]));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_merged), cmocka_unit_test(test_peft),
                                       cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, make, clear);
}

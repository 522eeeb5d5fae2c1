/* Folders of Hugging Face: the network of a folder is that of llama2.c's file with the same numbers, whose rows
 * of Wq and Wk stand in the other order; names; what is refused. */
#include "unit.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>
#include <swell/swell.h>
#include "base/rng.h"
#include "format/safetensors.h"
#include "gpt/hf_names.h"

enum { C = 32, FF = 48, LAYERS = 2, NH = 4, NKV = 2, HS = C / NH, V = 40, CONTEXT = 64, N = 20 };

static char folder[] = "hf-XXXXXX";
static sw_context *ctx;

static int enter(void **state)
{
    strcpy(folder, "hf-XXXXXX");
    return !mkdtemp(folder) || chdir(folder) || mkdir("model", 0777) ||
           sw_context_create(NULL, &ctx) != SW_OK;
}

static int leave(void **state)
{
    static const char *const files[] = {
        "llama.bin",           "model/config.json",       "model/a.safetensors",
        "model/b.safetensors", "model/model.safetensors", "model/model.safetensors.index.json"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) unlink(files[i]);
    sw_context_destroy(ctx);
    return rmdir("model") || chdir("..") || rmdir(folder);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

/* ---- one network, two kinds of files ------------------------------------------------------------ */

static const char config[] =
    "{\"model_type\": \"llama\", \"hidden_size\": 32, \"num_hidden_layers\": 2,"
    "\"num_attention_heads\": 4, \"num_key_value_heads\": 2,"
    "\"intermediate_size\": 48, \"vocab_size\": 40,"
    "\"max_position_embeddings\": 64, \"rms_norm_eps\": 1e-5,"
    "\"rope_theta\": 10000.0, \"hidden_act\": \"silu\"%s}";

static void write_config(const char *more)
{
    char text[1024];
    snprintf(text, sizeof text, config, more);
    write_file("model/config.json", text);
}

/* Tensors in the order of llama2.c; its wq and wk have pair i of a head in rows 2i and 2i+1, the
 * folder's in i and i + HS/2. */
struct tensors {
    FILE *bin;
    struct sw_safetensors_entry entries[64];
    char names[64][80];
    int n;
};

static void add(struct tensors *t, const char *name, int layer, int rows, int k, int heads)
{
    const int64_t n = (int64_t)(rows ? rows : 1) * k;
    float *x = malloc((size_t)n * sizeof *x), *y = malloc((size_t)n * sizeof *y);
    assert_true(x && y);
    if (layer < 0)
        snprintf(t->names[t->n], sizeof t->names[0], "%s.weight", name);
    else
        snprintf(t->names[t->n], sizeof t->names[0], "model.layers.%d.%s.weight", layer, name);
    sw__fill_normal(x, n, rows ? 0 : 1, 0.3f, 1, sw__hash_name(t->names[t->n]));
    fwrite(x, sizeof *x, (size_t)n, t->bin);
    for (int64_t i = 0; i < n; i++) {
        int64_t row = i / k;
        if (heads) row = row / HS * HS + row % HS / 2 + row % 2 * (HS / 2);
        y[row * k + i % k] = x[i];
    }
    free(x);
    t->entries[t->n] = (struct sw_safetensors_entry){
        t->names[t->n], {y, SW_F32, rows ? SW_SHAPE(rows, k) : SW_SHAPE(k)}};
    t->n++;
}

static void each_layer(struct tensors *t, const char *name, int rows, int k, int heads)
{
    for (int l = 0; l < LAYERS; l++) add(t, name, l, rows, k, heads);
}

static void write_models(void)
{
    const int32_t header[7] = {C, FF, LAYERS, NH, NKV, -V, CONTEXT};
    const float nothing[CONTEXT * HS] = {0};
    static struct tensors t;
    memset(&t, 0, sizeof t);
    t.bin = fopen("llama.bin", "wb");
    assert_non_null(t.bin);
    fwrite(header, sizeof header, 1, t.bin);
    add(&t, "model.embed_tokens", -1, V, C, 0);
    each_layer(&t, "input_layernorm", 0, C, 0);
    each_layer(&t, "self_attn.q_proj", C, C, NH);
    each_layer(&t, "self_attn.k_proj", NKV * HS, C, NKV);
    each_layer(&t, "self_attn.v_proj", NKV * HS, C, 0);
    each_layer(&t, "self_attn.o_proj", C, C, 0);
    each_layer(&t, "post_attention_layernorm", 0, C, 0);
    each_layer(&t, "mlp.gate_proj", FF, C, 0);
    each_layer(&t, "mlp.down_proj", C, FF, 0);
    each_layer(&t, "mlp.up_proj", FF, C, 0);
    add(&t, "model.norm", -1, 0, C, 0);
    fwrite(nothing, sizeof nothing, 1, t.bin);
    add(&t, "lm_head", -1, V, C, 0);
    assert_int_equal(fclose(t.bin), 0);
    const int half = t.n / 2;
    assert_int_equal(sw__safetensors_write(ctx, "model/a.safetensors", t.entries, half, NULL),
                     SW_OK);
    assert_int_equal(
        sw__safetensors_write(ctx, "model/b.safetensors", t.entries + half, t.n - half, NULL),
        SW_OK);
    FILE *index = fopen("model/model.safetensors.index.json", "w");
    assert_non_null(index);
    fprintf(index, "{\"weight_map\": {");
    for (int i = 0; i < t.n; i++)
        fprintf(index, "%s\"%s\": \"%c.safetensors\"", i ? "," : "", t.names[i],
                i < half ? 'a' : 'b');
    fprintf(index, "}}");
    assert_int_equal(fclose(index), 0);
    write_config("");
    for (int i = 0; i < t.n; i++) free(t.entries[i].tensor.data);
}

static void logits_of(const char *path, float *out)
{
    sw_model *m;
    sw_session *s;
    int32_t ids[N];
    for (int i = 0; i < N; i++) ids[i] = i * 7 % V;
    if (sw_model_open(ctx, path, &(sw_model_options){.kv = SW_MODEL_KV_F32}, &m) != SW_OK)
        fail_msg("%s", sw_error(ctx));
    assert_int_equal(sw_session_open(m, &s), SW_OK);
    assert_int_equal(sw_session_feed(s, ids, N), SW_OK);
    memcpy(out, sw_session_logits(s), V * sizeof *out);
    sw_session_close(s);
    sw_model_destroy(m);
}

/* Dot products of 8 numbers in another order, then two layers: 1e-4 of logits around 3 is far above what
 * rounding does and far below what a wrong pair does. */
static void test_same_network(void **state)
{
    float theirs[V], ours[V], most = 0;
    write_models();
    logits_of("llama.bin", theirs);
    logits_of("model", ours);
    for (int i = 0; i < V; i++) {
        most = fmaxf(most, fabsf(theirs[i]));
        assert_true(fabsf(theirs[i] - ours[i]) < 1e-4f);
    }
    assert_true(most > 0.5f);
    /* Scaled frequencies are another network. */
    write_config(
        ",\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8.0, \"low_freq_factor\": 1.0,"
        "\"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 16}");
    logits_of("model", ours);
    bool differs = false;
    for (int i = 0; i < V; i++) differs |= fabsf(theirs[i] - ours[i]) > 1e-3f;
    assert_true(differs);
}

/* ---- refused ------------------------------------------------------------------------------------ */

static void refused(const char *text)
{
    sw_model *m;
    assert_int_not_equal(sw_model_open(ctx, "model", NULL, &m), SW_OK);
    if (!strstr(sw_error(ctx), text)) fail_msg("'%s' is not in: %s", text, sw_error(ctx));
}

static void test_refused(void **state)
{
    unlink("model/config.json");
    refused("config.json");
    write_file("model/config.json", "{\"model_type\": ");
    refused("config.json: offset");
    write_file("model/config.json", "[]");
    refused("no JSON object");
    write_file("model/config.json", "{\"model_type\": \"mamba\"}");
    refused("'mamba' is not known; these are: llama");
    write_file("model/config.json", "{\"model_type\": \"llama\"}");
    refused("layers 0");
    write_config(",\"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4.0}");
    refused("'yarn' is not known");
    write_config(",\"quantization_config\": {}");
    refused("quantised folders");
    write_config(",\"head_dim\": 16");
    refused("is (32,32), the network needs (64,32)");
    write_config("");
    unlink("model/b.safetensors");
    refused("b.safetensors: cannot read");
    write_file("model/model.safetensors.index.json", "{\"weight_map\": {\"x\": \"../x\"}}");
    refused("lies in no file of the folder");
}

static void test_names(void **state)
{
    static const struct {
        const char *theirs, *ours;
        bool gemma;
    } names[] = {
        {"model.layers.11.self_attn.k_proj.bias", "blk.11.attn_k.bias", false},
        {"model.layers.0.post_attention_layernorm.weight", "blk.0.ffn_norm.weight", false},
        {"model.layers.0.post_attention_layernorm.weight", "blk.0.post_attention_norm.weight",
         true},
        {"model.layers.3.pre_feedforward_layernorm.weight", "blk.3.ffn_norm.weight", true},
        {"transformer.h.2.attn.c_attn.weight", "blk.2.attn_qkv.weight", false},
        {"h.2.mlp.c_proj.bias", "blk.2.ffn_down.bias", false},
        {"wpe.weight", "position_embd.weight", false},
        {"bert.encoder.layer.7.output.LayerNorm.gamma", "blk.7.layer_output_norm.weight", false},
        {"embeddings.token_type_embeddings.weight", "token_types.weight", false},
        {"lm_head.weight", "output.weight", false}};
    char out[SW_HF_NAME];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(sw__hf_name(names[i].theirs, names[i].gemma, out), SW_HF_WEIGHT);
        assert_string_equal(out, names[i].ours);
    }
    static const struct {
        const char *ours, *theirs;
        enum sw_hf_family family;
    } back[] = {
        {"blk.11.attn_k.bias", "model.layers.11.self_attn.k_proj.bias", SW_HF_LLAMA},
        {"blk.0.ffn_norm.weight", "model.layers.0.post_attention_layernorm.weight", SW_HF_LLAMA},
        {"blk.0.ffn_norm.weight", "model.layers.0.pre_feedforward_layernorm.weight", SW_HF_GEMMA},
        {"blk.0.post_attention_norm.weight", "model.layers.0.post_attention_layernorm.weight",
         SW_HF_GEMMA},
        {"blk.2.ffn_up.weight", "model.layers.2.mlp.gate_up_proj.weight", SW_HF_PHI3},
        {"blk.2.ffn_up.bias", "transformer.h.2.mlp.c_fc.bias", SW_HF_GPT2},
        {"token_embd.weight", "transformer.wte.weight", SW_HF_GPT2},
        {"output.weight", "lm_head.weight", SW_HF_PHI3}};
    for (size_t i = 0; i < sizeof back / sizeof *back; i++) {
        assert_true(sw__hf_name_of(back[i].ours, back[i].family, out));
        assert_string_equal(out, back[i].theirs);
    }
    assert_false(sw__hf_name_of("blk.0.attn_sinks.weight", SW_HF_LLAMA, out));
    assert_false(sw__hf_name_of("blk.0.attn_q.weight", SW_HF_GPT2, out));
    assert_false(sw__hf_name_of("blk.0.attn_q.scale", SW_HF_LLAMA, out));
    assert_int_equal(sw__hf_name("h.0.attn.bias", false, out), SW_HF_LEFT_OUT);
    assert_int_equal(sw__hf_name("model.layers.1.mlp.experts.0.w1.weight", false, out),
                     SW_HF_UNKNOWN);
    assert_int_equal(sw__hf_name("bert.pooler.dense.bias", false, out), SW_HF_LEFT_OUT);
    assert_int_equal(sw__hf_name("classifier.weight", false, out), SW_HF_UNKNOWN);
    assert_int_equal(sw__hf_name("vision.weight", false, out), SW_HF_UNKNOWN);
    assert_int_equal(sw__hf_name("", false, out), SW_HF_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_network),
                                       cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, enter, leave);
}

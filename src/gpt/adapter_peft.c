/* Low-rank adapters of PEFT (Hugging Face): a folder of adapter_config.json and adapter_model.safetensors, whose tensors
 * are <name in transformers>.lora_A.weight (r,K) and .lora_B.weight (N,r).
 *
 *   y = W x + alpha / r B (A x), with use_rslora alpha / sqrt(r) (Kalajdzievski 2023)
 *
 * Left out, and refused by name: DoRA, biases, ranks of their own for some layers, embeddings. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <swell/train.h>

#include "base/context_int.h"
#include "base/file.h"
#include "base/folder.h"
#include "format/safetensors.h"
#include "gpt/adapter_peft.h"
#include "gpt/hf_names.h"
#include "gpt/hf_pooling.h"
#include "gpt/model_gguf.h"
#include "gpt/model_hf.h"
#include "graph/weights_int.h"

enum { PATH = 4096, NAME = 128 };
#define PREFIX "base_model.model."

static sw_status refuse(const sw_model *m, const char *folder, const char *what)
{
    return sw__fail(m->ctx, SW_ERR_UNSUPPORTED, "%s: adapters with %s are not known", folder, what);
}

static bool is_empty(const json_t *x)
{
    return !x || json_is_null(x) || json_is_false(x) ||
           (json_is_object(x) && !json_object_size(x)) || (json_is_array(x) && !json_array_size(x));
}

static sw_status read_config(const sw_model *m, struct sw_gpt_adapter *a, const char *folder,
                             float scale)
{
    static const char *const others[] = {"use_dora",        "rank_pattern", "alpha_pattern",
                                         "modules_to_save", "lora_bias",    "layer_replication"};
    json_t *c;
    sw_status status = sw__hf_json_in(m->ctx, folder, "adapter_config.json", SW_HF_CONFIG, false,
                                      &c);
    if (status != SW_OK) return status;
    const char *type = json_string_value(json_object_get(c, "peft_type"));
    const char *bias = json_string_value(json_object_get(c, "bias"));
    const double r = json_number_value(json_object_get(c, "r")),
                 alpha = json_number_value(json_object_get(c, "lora_alpha"));
    a->by_rank = !json_is_true(json_object_get(c, "use_rslora"));
    a->scale = scale * (float)(a->by_rank ? alpha : alpha / sqrt(r));
    if (!type || strcmp(type, "LORA") != 0)
        status = refuse(m, folder, "another peft_type than LORA");
    else if (!(r >= 1) || !(r <= 65536) || !isfinite(alpha) || !isfinite(a->scale))
        status = sw__fail(m->ctx, SW_ERR_FORMAT, "%s: rank %g and lora_alpha %g", folder, r, alpha);
    else if (bias && strcmp(bias, "none") != 0)
        status = refuse(m, folder, "biases");
    for (size_t i = 0; status == SW_OK && i < sizeof others / sizeof *others; i++)
        if (!is_empty(json_object_get(c, others[i]))) status = refuse(m, folder, others[i]);
    json_decref(c);
    return status;
}

/* "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight" -> "blk.0.attn_q.weight.lora_a". */
static bool our_name(const sw_model *m, const char *theirs, char out[NAME])
{
    char base[NAME], ours[SW_HF_NAME];
    const char *at = strstr(theirs, ".lora_A."), *end = NULL;
    const bool down = at != NULL;
    if (!at) at = strstr(theirs, ".lora_B.");
    if (strncmp(theirs, PREFIX, sizeof PREFIX - 1) == 0) theirs += sizeof PREFIX - 1;
    if (at && at > theirs) end = at + 8;
    if (!end || (strcmp(end, "weight") != 0 && strcmp(end, "default.weight") != 0)) return false;
    snprintf(base, sizeof base, "%.*s.weight", (int)(at - theirs), theirs);
    const bool gemma = strncmp(m->net.architecture->name, "gemma", 5) == 0;
    if (sw__hf_name(base, gemma, ours) != SW_HF_WEIGHT) return false;
    snprintf(out, NAME, "%s.lora_%c", ours, down ? 'a' : 'b');
    return true;
}

/* Rows of B in the order of the weights they are added to. */
static void turn_rows(const sw_tensor *from, uint8_t *to, int64_t head, bool to_pairs)
{
    const size_t row = (size_t)sw_shape_bytes(&SW_SHAPE(from->shape.dim[1]), from->dtype);
    for (int64_t r = 0; r < from->shape.dim[0]; r++) {
        const size_t half = (size_t)sw__gpt_half_of_pair(r, head), pair = (size_t)r;
        memcpy(to + (to_pairs ? pair : half) * row,
               (const uint8_t *)from->data + (to_pairs ? half : pair) * row, row);
    }
}

sw_status sw__gpt_add_adapter_tensor(const sw_model *m, struct sw_gpt_adapter *a, const char *name,
                                     sw_tensor t, bool halves)
{
    sw_weight *w;
    const struct sw_gpt_sizes *z = &m->net.z;
    const size_t n = strlen(name);
    const bool turned = n > 7 && strcmp(name + n - 7, ".lora_b") == 0 && sw__gpt_turns(name) &&
                        !m->net.architecture->learned && t.shape.dim[0] % z->head == 0 &&
                        halves != (z->pairing == SW_ROPE_NEOX);
    const bool aligned = (uintptr_t)t.data % (size_t)sw_dtype_get(t.dtype)->block_bytes == 0 ||
                         sw_dtype_get(t.dtype)->block_elements > 1;
    if (turned && sw_dtype_get(t.dtype)->block_elements > 1)
        return sw__fail(m->ctx, SW_ERR_UNSUPPORTED, "%s: '%s' in blocks, in another order", a->path,
                        name);
    if (!turned && aligned) return sw_weights_add_mapped(a->ws, name, t.dtype, t.shape, t.data, &w);
    sw_status status = sw_weights_add(a->ws, name, t.dtype, t.shape, &w);
    if (status != SW_OK) return status;
    if (turned)
        turn_rows(&t, sw_weight_tensor(w).data, z->head, halves);
    else
        memcpy(sw_weight_tensor(w).data, t.data, (size_t)sw_shape_bytes(&t.shape, t.dtype));
    return SW_OK;
}

static sw_status read_tensors(const sw_model *m, struct sw_gpt_adapter *a, const char *folder)
{
    char path[PATH], name[NAME];
    struct sw_mapping map;
    struct sw_safetensors st;
    snprintf(path, sizeof path, "%s/adapter_model.safetensors", folder);
    sw_status status = sw__safetensors_open(m->ctx, path, &map, &st);
    if (status != SW_OK) return status;
    for (int64_t i = 0; status == SW_OK && i < st.n; i++) {
        const struct sw_safetensor *t = &st.tensors[i];
        if (t->shape.rank != 2 || t->dtype == SW_DTYPE_COUNT || !sw_dtype_get(t->dtype)->is_float ||
            !our_name(m, t->name, name))
            status = sw__fail(m->ctx, SW_ERR_UNSUPPORTED,
                              "%s: tensor '%.80s' is no matrix of an adapter", path, t->name);
        else
            status = sw__gpt_add_adapter_tensor(
                m, a, name, (sw_tensor){(void *)(map.data + t->offset), t->dtype, t->shape}, true);
    }
    sw__safetensors_free(&st);
    if (status == SW_OK) status = sw__weights_adopt(a->ws, map);
    if (status != SW_OK) sw__unmap_file(&map);
    return status;
}

bool sw__gpt_is_peft(const char *path, char folder[SW_PEFT_PATH])
{
    static const char file[] = "adapter_model.safetensors";
    const size_t n = strlen(path), m = sizeof file - 1;
    if (n >= SW_PEFT_PATH) return false;
    strcpy(folder, path);
    if (sw__path_kind(path) == SW_PATH_FOLDER) return true;
    if (n < m || strcmp(path + n - m, file) != 0) return false;
    strcpy(folder + n - m, n > m ? "" : ".");
    return n == m || path[n - m - 1] == '/';
}

sw_status sw__gpt_open_peft(const sw_model *m, struct sw_gpt_adapter *a, const char *folder,
                            float scale)
{
    const sw_status status = read_config(m, a, folder, scale);
    return status == SW_OK ? read_tensors(m, a, folder) : status;
}

/* ---- writing ------------------------------------------------------------------------------------- */

/* The other way. */
static bool their_name(const char *ours, bool gpt2, char out[NAME])
{
    char base[NAME], theirs[SW_HF_NAME];
    const size_t n = strlen(ours);
    if (n < 8 || n >= NAME) return false;
    snprintf(base, sizeof base, "%.*s", (int)(n - 7), ours);
    if (!sw__hf_name_of(base, gpt2 ? SW_HF_GPT2 : SW_HF_LLAMA, theirs)) return false;
    snprintf(out, NAME, PREFIX "%.*s.lora_%c.weight", (int)(strlen(theirs) - 7), theirs,
             ours[n - 1] == 'a' ? 'A' : 'B');
    return true;
}

static sw_status write_config(sw_context *ctx, const char *folder, int64_t r, double alpha,
                              bool gpt2)
{
    json_t *c = json_pack("{sssssIsfsssbsbs[]sn}", "peft_type", "LORA", "task_type", "CAUSAL_LM",
                          "r", (json_int_t)r, "lora_alpha", alpha, "bias", "none", "fan_in_fan_out",
                          gpt2, "use_rslora", 0, "target_modules", "base_model_name_or_path");
    static const char *const modules[][7] = {
        {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"},
        {"c_attn", "c_proj", "c_fc"}};
    for (int i = 0; c && i < 7 && modules[gpt2][i]; i++)
        json_array_append_new(json_object_get(c, "target_modules"), json_string(modules[gpt2][i]));
    const sw_status status = c ? sw__hf_write_json(ctx, folder, "adapter_config.json", c)
                               : sw__fail(ctx, SW_ERR_MEMORY, "out of memory");
    json_decref(c);
    return status;
}

static sw_status add_written(sw_context *ctx, const struct sw_gpt *net, const sw_weight *w,
                             sw_weights *out)
{
    char name[NAME];
    sw_weight *to;
    const sw_tensor t = sw_weight_tensor(w);
    const char *ours = sw_weight_name(w);
    if (!their_name(ours, net->architecture->learned, name))
        return sw__fail(ctx, SW_ERR_UNSUPPORTED, "'%s' has no name in PEFT", ours);
    if (net->z.pairing == SW_ROPE_NEOX || net->architecture->learned || !sw__gpt_turns(ours) ||
        ours[strlen(ours) - 1] != 'b')
        return sw_weights_add_mapped(out, name, t.dtype, t.shape, t.data, &to);
    sw_status status = sw_weights_add(out, name, t.dtype, t.shape, &to);
    if (status == SW_OK) turn_rows(&t, sw_weight_tensor(to).data, net->z.head, false);
    return status;
}

sw_status sw__gpt_write_peft(sw_context *ctx, const struct sw_gpt *net, int64_t r, double alpha,
                             const char *path)
{
    static const char *const metadata[] = {"format", "pt", NULL};
    char folder[SW_PEFT_PATH];
    sw_weights *out;
    if (!sw__gpt_is_peft(path, folder))
        return sw__fail(ctx, SW_ERR_ARGUMENT, "%s: adapters are called adapter_model.safetensors",
                        path);
    sw_status status = sw_weights_create(ctx, &out);
    for (int64_t i = 0; status == SW_OK && i < sw_weights_count(net->ws); i++) {
        const sw_weight *w = sw_weights_at(net->ws, i);
        if (strstr(sw_weight_name(w), ".lora_")) status = add_written(ctx, net, w, out);
    }
    if (status == SW_OK) status = sw_weights_save(ctx, out, path, metadata);
    if (status == SW_OK) status = write_config(ctx, folder, r, alpha, net->architecture->learned);
    sw_weights_destroy(out);
    return status;
}

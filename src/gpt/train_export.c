/* From GGUF's names and layouts to those of transformers (train_export.h). */
#include "gpt/train_export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/context_int.h"

enum layout {
    AS_IT_IS,
    TRANSPOSED, /* (out,in) -> (in,out) */
    ROTATED     /* rows of a head 0 1 2 3 4 5 -> 0 2 4 1 3 5 */
};

struct name {
    const char *ours, *theirs;
    enum layout layout; /* of a matrix */
};

static const struct name gpt2_names[] = {{"token_embd", "transformer.wte", AS_IT_IS},
                                         {"position_embd", "transformer.wpe", AS_IT_IS},
                                         {"output_norm", "transformer.ln_f", AS_IT_IS},
                                         {"attn_norm", "ln_1", AS_IT_IS},
                                         {"attn_qkv", "attn.c_attn", TRANSPOSED},
                                         {"attn_output", "attn.c_proj", TRANSPOSED},
                                         {"ffn_norm", "ln_2", AS_IT_IS},
                                         {"ffn_up", "mlp.c_fc", TRANSPOSED},
                                         {"ffn_down", "mlp.c_proj", TRANSPOSED},
                                         {NULL, NULL, AS_IT_IS}};
static const struct name llama_names[] = {{"token_embd", "model.embed_tokens", AS_IT_IS},
                                          {"output_norm", "model.norm", AS_IT_IS},
                                          {"output", "lm_head", AS_IT_IS},
                                          {"attn_norm", "input_layernorm", AS_IT_IS},
                                          {"attn_q", "self_attn.q_proj", ROTATED},
                                          {"attn_k", "self_attn.k_proj", ROTATED},
                                          {"attn_v", "self_attn.v_proj", AS_IT_IS},
                                          {"attn_output", "self_attn.o_proj", AS_IT_IS},
                                          {"ffn_norm", "post_attention_layernorm", AS_IT_IS},
                                          {"ffn_gate", "mlp.gate_proj", AS_IT_IS},
                                          {"ffn_up", "mlp.up_proj", AS_IT_IS},
                                          {"ffn_down", "mlp.down_proj", AS_IT_IS},
                                          {NULL, NULL, AS_IT_IS}};

/* "blk.3.attn_qkv.bias" -> "transformer.h.3.attn.c_attn.bias"; false: there is no such name. */
static bool translate(const struct sw_gpt_net *net, const char *ours, char *theirs, size_t size,
                      enum layout *layout)
{
    const bool gpt2 = net->kind == SW_GPT_KIND_GPT2;
    char layer[64] = "";
    int number, used = 0;
    if (sscanf(ours, "blk.%d.%n", &number, &used) == 1 && used > 0) {
        snprintf(layer, sizeof layer, gpt2 ? "transformer.h.%d." : "model.layers.%d.", number);
        ours += used;
    }
    for (const struct name *n = gpt2 ? gpt2_names : llama_names; n->ours; n++) {
        const size_t length = strlen(n->ours);
        if (strncmp(ours, n->ours, length) != 0 || ours[length] != '.') continue;
        const char *what = ours + length;
        if (strcmp(what, ".weight") != 0 && strcmp(what, ".bias") != 0) continue;
        snprintf(theirs, size, "%s%s%s", layer, n->theirs, what);
        *layout = n->layout;
        return true;
    }
    return false;
}

/* Number `row`, of rows of heads of `hs` features that turn in pairs (2i, 2i + 1), where pairs are (i, i + hs/2). */
static int64_t rotated(int64_t row, int64_t hs)
{
    const int64_t head = row / hs, i = row % hs, half = hs / 2;
    return head * hs + (i < half ? 2 * i : 2 * (i - half) + 1);
}

static sw_status copy(const struct sw_gpt_net *net, sw_tensor from, enum layout layout,
                      float *values)
{
    const int64_t rows = from.shape.dim[0], columns = from.shape.rank > 1 ? from.shape.dim[1] : 1;
    float *plain = malloc((size_t)(rows * columns) * sizeof *plain);
    if (!plain) return SW_ERR_MEMORY;
    sw_status status = sw_convert(plain, SW_F32, from.data, from.dtype, rows * columns);
    for (int64_t r = 0; r < rows; r++) {
        const int64_t source = layout == ROTATED ? rotated(r, net->width / net->heads) : r;
        for (int64_t c = 0; c < columns; c++)
            values[layout == TRANSPOSED ? c * rows + r : r * columns + c] =
                plain[source * columns + c];
    }
    free(plain);
    return status;
}

static sw_status export_weight(sw_context *ctx, const struct sw_gpt_net *net, const sw_weight *w,
                               bool half, sw_weights *out)
{
    char name[128];
    enum layout layout = AS_IT_IS;
    const sw_tensor from = sw_weight_tensor(w);
    sw_weight *to;
    if (!translate(net, sw_weight_name(w), name, sizeof name, &layout))
        return sw__fail(ctx, SW_ERR_UNSUPPORTED, "'%s' has no name in transformers",
                        sw_weight_name(w));
    const bool matrix = from.shape.rank == 2;
    if (layout == ROTATED && net->halves) layout = AS_IT_IS;
    if (!matrix) layout = AS_IT_IS;
    const sw_shape shape = layout == TRANSPOSED ? SW_SHAPE(from.shape.dim[1], from.shape.dim[0])
                                                : from.shape;
    const int64_t n = sw_shape_elements(&shape);
    const sw_dtype dtype = matrix && half ? SW_F16 : SW_F32;
    sw_status status = sw_weights_add(out, name, dtype, shape, &to);
    if (status != SW_OK) return status;
    float *values = malloc((size_t)n * sizeof *values);
    status = values ? copy(net, from, layout, values) : SW_ERR_MEMORY;
    if (status == SW_OK) status = sw_convert(sw_weight_tensor(to).data, dtype, values, SW_F32, n);
    free(values);
    if (status == SW_OK) return SW_OK;
    return sw__fail(ctx, status, "'%s' cannot be converted: %s", sw_weight_name(w),
                    sw_status_text(status));
}

sw_status sw__gpt_net_export(sw_context *ctx, const sw_weights *ws, const struct sw_gpt_net *net,
                             bool half, sw_weights **out)
{
    sw_status status = sw_weights_create(ctx, out);
    for (int64_t i = 0; i < sw_weights_count(ws) && status == SW_OK; i++)
        status = export_weight(ctx, net, sw_weights_at(ws, i), half, *out);
    if (status == SW_OK) return SW_OK;
    sw_weights_destroy(*out);
    *out = NULL;
    return status;
}

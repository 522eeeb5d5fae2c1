/* The table of architectures, and what all of them demand of their sizes. */
#include <math.h>
#include <string.h>

#include "base/context_int.h"
#include "gpt/builders.h"

static const struct sw_gpt_architecture architectures[] = {
    {.name = "llama", .pairing = SW_ROPE_INTERLEAVED, .build = sw__gpt_build_llama},
    {.name = "gpt2", .layernorm = true, .learned = true, .build = sw__gpt_build_gpt2},
    {.name = "qwen2", .pairing = SW_ROPE_NEOX, .build = sw__gpt_build_llama},
    {.name = "qwen3", .pairing = SW_ROPE_NEOX, .build = sw__gpt_build_qwen3},
    {.name = "gemma2",
     .pairing = SW_ROPE_NEOX,
     .build = sw__gpt_build_gemma2,
     .adjust = sw__gpt_adjust_gemma2},
    {.name = "gemma3",
     .pairing = SW_ROPE_NEOX,
     .build = sw__gpt_build_gemma3,
     .adjust = sw__gpt_adjust_gemma3},
    {.name = "qwen3moe", .pairing = SW_ROPE_NEOX, .experts = true, .build = sw__gpt_build_qwen3moe},
    {.name = "gpt-oss",
     .pairing = SW_ROPE_NEOX,
     .experts = true,
     .build = sw__gpt_build_gpt_oss,
     .adjust = sw__gpt_adjust_gpt_oss},
    {.name = "phi3", .pairing = SW_ROPE_NEOX, .build = sw__gpt_build_phi3},
    {.name = "bert",
     .layernorm = true,
     .learned = true,
     .encoder = true,
     .build = sw__gpt_build_bert},
};
enum { COUNT = sizeof architectures / sizeof *architectures };

const struct sw_gpt_architecture *sw__gpt_architecture_at(int i)
{
    return i >= 0 && i < COUNT ? &architectures[i] : NULL;
}

const struct sw_gpt_architecture *sw__gpt_architecture(const char *name)
{
    for (int i = 0; i < COUNT; i++)
        if (strcmp(architectures[i].name, name) == 0) return &architectures[i];
    return NULL;
}

/* The largest sizes are several times those of any published model, and far from any overflow. */
#define SIZES(X)                                                                                   \
    X(layers, SW_GPT_MOST_LAYERS)                                                                  \
    X(width, 1 << 20)                                                                              \
    X(heads, 1 << 14)                                                                              \
    X(kv_heads, 1 << 14)                                                                           \
    X(head, 1 << 12)                                                                               \
    X(hidden, 1 << 22)                                                                             \
    X(vocabulary, 1 << 24)                                                                         \
    X(context, 1 << 30)

sw_status sw__gpt_check_sizes(sw_context *ctx, const char *path, const struct sw_gpt_sizes *z)
{
#define CHECK(field, most)                                                                         \
    if (z->field < 1 || z->field > (most))                                                         \
        return sw__fail(ctx, SW_ERR_FORMAT, "%s: " #field " %lld, not 1 to %d", path,              \
                        (long long)z->field, (int)(most));
    SIZES(CHECK)
#undef CHECK
    if (z->heads % z->kv_heads != 0)
        return sw__fail(ctx, SW_ERR_FORMAT,
                        "%s: %lld heads of queries are no multiple of %lld of keys and values",
                        path, (long long)z->heads, (long long)z->kv_heads);
    if (z->types < 0 || z->types > 1 << 16)
        return sw__fail(ctx, SW_ERR_FORMAT, "%s: %lld types of tokens", path, (long long)z->types);
    if (z->rope_dims < 0 || z->rope_dims > z->head || z->rope_dims % 2 != 0)
        return sw__fail(ctx, SW_ERR_FORMAT, "%s: rope turns %lld features of heads of %lld", path,
                        (long long)z->rope_dims, (long long)z->head);
    if (!(z->eps > 0) || !(z->eps < 1))
        return sw__fail(ctx, SW_ERR_FORMAT, "%s: eps %g of norms, not between 0 and 1", path,
                        (double)z->eps);
    if (!(z->rope_base >= 1) || !isfinite(z->rope_base) || !(z->rope_scale > 0) ||
        !isfinite(z->rope_scale))
        return sw__fail(ctx, SW_ERR_FORMAT, "%s: rope with base %g and scale %g", path,
                        (double)z->rope_base, (double)z->rope_scale);
    if (z->window < 0 || z->window > z->context || z->window_period < 0)
        return sw__fail(ctx, SW_ERR_FORMAT, "%s: a window of %lld, each %lldth layer without", path,
                        (long long)z->window, (long long)z->window_period);
    if (z->experts < 0 || z->experts > 4096 || z->chosen < (z->experts > 0) ||
        z->chosen > z->experts || z->expert_hidden < (z->experts > 0) || z->expert_hidden > 1 << 22)
        return sw__fail(ctx, SW_ERR_FORMAT, "%s: %lld of %lld experts, %lld wide", path,
                        (long long)z->chosen, (long long)z->experts, (long long)z->expert_hidden);
    if (z->yarn_factor < 0 || z->yarn_factor > 1e6f || (z->yarn_factor > 0 && z->yarn_original < 1))
        return sw__fail(ctx, SW_ERR_FORMAT, "%s: rope scaled %g times from %lld positions", path,
                        (double)z->yarn_factor, (long long)z->yarn_original);
    if (z->long_original < 0 || z->long_original > 1 << 30 ||
        (z->long_original > 0 && (!(z->long_magnitude > 0) || z->long_magnitude > 1e3f)))
        return sw__fail(ctx, SW_ERR_FORMAT, "%s: LongRoPE from %lld positions, magnitude %g", path,
                        (long long)z->long_original, (double)z->long_magnitude);
    return SW_OK;
}

/* Which type each tensor gets in a file of mixed types, as llama.cpp decides (its llama_tensor_get_type):
 * the output matrix in q6_k; in the mixtures S, M and L values, down projections and outputs of attention
 * with more bits, in all layers or in the first and last eighth and every third between (q, k and v in one
 * matrix count as values); MXFP4 for experts only, where there are any.  Falcon, which
 * llama.cpp treats apart, and types that Swell does not have are left out.  Rows that are no whole blocks of
 * 256 fall back to the next larger type of 32, rows of none to f16. */
#include "format/gguf_mixture.h"

#include <stdio.h>
#include <string.h>

enum {
    Q2_K = 10,
    Q3_K_S,
    Q3_K_M,
    Q3_K_L,
    Q4_K_S,
    Q4_K_M,
    Q5_K_S,
    Q5_K_M,
    Q6_K,
    IQ4_NL = 25,
    IQ4_XS = 30,
    MXFP4 = 38
};

static const struct sw_gguf_mixture mixtures[] = {
    {"F32", 0, SW_F32},
    {"F16", 1, SW_F16},
    {"BF16", 32, SW_BF16},
    {"Q8_0", 7, SW_Q8_0},
    {"Q6_K", Q6_K, SW_Q6_K},
    {"Q5_K_M", Q5_K_M, SW_Q5_K},
    {"Q5_K_S", Q5_K_S, SW_Q5_K},
    {"Q5_1", 9, SW_Q5_1},
    {"Q5_0", 8, SW_Q5_0},
    {"Q4_K_M", Q4_K_M, SW_Q4_K},
    {"Q4_K_S", Q4_K_S, SW_Q4_K},
    {"Q4_1", 3, SW_Q4_1},
    {"Q4_0", 2, SW_Q4_0},
    {"IQ4_NL", IQ4_NL, SW_IQ4_NL},
    {"IQ4_XS", IQ4_XS, SW_IQ4_XS},
    {"MXFP4", MXFP4, SW_MXFP4},
    {"Q3_K_L", Q3_K_L, SW_Q3_K},
    {"Q3_K_M", Q3_K_M, SW_Q3_K},
    {"Q3_K_S", Q3_K_S, SW_Q3_K},
    {"Q2_K", Q2_K, SW_Q2_K},
};

const struct sw_gguf_mixture *sw__gguf_mixture_at(int i)
{
    return i >= 0 && (size_t)i < sizeof mixtures / sizeof *mixtures ? &mixtures[i] : NULL;
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

const struct sw_gguf_mixture *sw__gguf_mixture_find(const char *name)
{
    const struct sw_gguf_mixture *m;
    for (int i = 0; (m = sw__gguf_mixture_at(i)); i++) {
        size_t at = 0;
        while (m->name[at] && m->name[at] == upper(name[at])) at++;
        if (!m->name[at] && !name[at]) return m;
    }
    return NULL;
}

/* What a choice depends on besides the tensor. */
struct model {
    int type; /* file_type */
    bool important;
    int64_t layers, experts, shared; /* shared: query heads a head of keys */
};

static bool has(const char *name, const char *part)
{
    return strstr(name, part) != NULL;
}

static bool first_eighth(const struct model *m, int64_t i)
{
    return i < m->layers / 8;
}

/* The first and the last eighth, and every third layer between. */
static bool more_bits(const struct model *m, int64_t i)
{
    return first_eighth(m, i) || i >= 7 * m->layers / 8 || (i - m->layers / 8) % 3 == 2;
}

static sw_dtype of_values(const struct model *m, int64_t i, sw_dtype d)
{
    if (m->type == Q2_K) d = m->shared >= 4 ? SW_Q4_K : SW_Q3_K;
    if (m->type == Q3_K_M) d = i < 2 ? SW_Q5_K : SW_Q4_K;
    if (m->type == Q3_K_L) d = SW_Q5_K;
    if ((m->type == IQ4_NL || m->type == IQ4_XS) && m->shared >= 4) d = SW_Q5_K;
    if ((m->type == Q4_K_M || m->type == Q5_K_M) && more_bits(m, i)) d = SW_Q6_K;
    if (m->type == Q4_K_S && i < 4) d = SW_Q5_K;
    return m->experts == 8 ? SW_Q8_0 : d;
}

static sw_dtype of_downs(const struct model *m, int64_t i, sw_dtype d)
{
    if (m->type == Q2_K) d = SW_Q3_K;
    if (m->type == Q3_K_M) d = i < m->layers / 16 ? SW_Q5_K : SW_Q4_K;
    if (m->type == Q3_K_L) d = SW_Q5_K;
    if ((m->type == Q4_K_M || m->type == Q5_K_M) && more_bits(m, i)) d = SW_Q6_K;
    if (!first_eighth(m, i)) return d;
    if ((m->type == IQ4_NL || m->type == IQ4_XS) && !m->important) d = SW_Q5_K;
    if (m->type == Q4_K_S) d = SW_Q5_K;
    if (d == SW_Q4_0 && m->important) d = SW_Q4_1;
    if (d == SW_Q5_0 && m->important) d = SW_Q5_1;
    return d;
}

static sw_dtype of_attention_output(const struct model *m, sw_dtype d)
{
    if (m->experts == 8)
        return m->type == Q2_K || m->type == Q3_K_S || m->type == Q3_K_M || m->type == Q4_K_S ||
                       m->type == Q4_K_M || m->type == IQ4_NL || m->type == IQ4_XS
                   ? SW_Q5_K
                   : d;
    if (m->type == Q2_K) return SW_Q3_K;
    if (m->type == Q3_K_M) return SW_Q4_K;
    return m->type == Q3_K_L ? SW_Q5_K : d;
}

/* A matrix whose rows are no whole blocks. */
static sw_dtype that_fits(sw_dtype d, int64_t row)
{
    if (row % sw_dtype_get(d)->block_elements == 0) return d;
    switch (d) {
    case SW_Q2_K:
    case SW_Q3_K:
    case SW_IQ4_XS: d = SW_IQ4_NL; break;
    case SW_Q4_K: d = SW_Q5_0; break;
    case SW_Q5_K: d = SW_Q5_1; break;
    case SW_Q6_K: d = SW_Q8_0; break;
    default: break;
    }
    return row % sw_dtype_get(d)->block_elements == 0 ? d : SW_F16;
}

static bool ends(const char *name, const char *end)
{
    const size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

/* A matrix that products are made with. */
static bool is_matrix(const struct sw_gguf_tensor *t)
{
    return t->shape.rank >= 2 && ends(t->name, "weight") && !has(t->name, "_norm.weight") &&
           !has(t->name, "ffn_gate_inp") && strcmp(t->name, "position_embd.weight") != 0 &&
           strcmp(t->name, "token_types.weight") != 0;
}

static sw_dtype of_matrix(const struct model *m, const char *name, bool output, sw_dtype d,
                          int64_t row)
{
    const bool blocks = sw_dtype_get(d)->block_elements > 1;
    int layer = 0;
    if (!blocks) return d;
    if (m->type == MXFP4 && m->experts > 0) d = has(name, "_exps.") ? d : SW_Q8_0;
    (void)sscanf(name, "blk.%d.", &layer);
    if (output) return row % 256 ? SW_Q8_0 : d == SW_Q8_0 ? d : SW_Q6_K;
    if (has(name, "attn_v.weight") || has(name, "attn_qkv.weight")) return of_values(m, layer, d);
    if (has(name, "attn_k.weight")) return m->experts == 8 ? SW_Q8_0 : d;
    if (has(name, "ffn_down")) return of_downs(m, layer, d);
    if (has(name, "attn_output.weight")) return of_attention_output(m, d);
    return d;
}

/* "<architecture>.<what>", 0 when it is not said. */
static int64_t size_of(const struct sw_gguf *f, const char *what)
{
    const char *name;
    char key[128];
    size_t bytes;
    int64_t value;
    if (!sw__gguf_string(f, "general.architecture", &name, &bytes) || bytes > 64) return 0;
    snprintf(key, sizeof key, "%.*s.%s", (int)bytes, name, what);
    return sw__gguf_integer(f, key, &value) || sw__gguf_array_integer(f, key, 0, &value) ? value
                                                                                         : 0;
}

void sw__gguf_mix(const struct sw_gguf *f, const struct sw_gguf_mixture *mixture, bool pure,
                  bool important, sw_dtype *dtypes)
{
    struct model m = {.type = mixture->file_type, .important = important};
    const int64_t heads = size_of(f, "attention.head_count"),
                  keys = size_of(f, "attention.head_count_kv");
    const bool tied = !sw__gguf_find_tensor(f, "output.weight");
    m.layers = size_of(f, "block_count");
    m.experts = size_of(f, "expert_count");
    m.shared = heads > 0 && keys > 0 ? heads / keys : 1;
    for (int64_t i = 0; i < sw__gguf_tensors(f); i++) {
        const struct sw_gguf_tensor *t = sw__gguf_tensor(f, i);
        dtypes[i] = t->shape.rank < 2 && sw_dtype_get(t->dtype)->is_float ? SW_F32 : t->dtype;
        if (!is_matrix(t)) continue;
        const int64_t row = t->shape.dim[t->shape.rank - 1];
        const bool output = strcmp(t->name, tied ? "token_embd.weight" : "output.weight") == 0;
        const sw_dtype d = pure ? mixture->dtype
                                : of_matrix(&m, t->name, output, mixture->dtype, row);
        dtypes[i] = that_fits(d, row);
    }
}

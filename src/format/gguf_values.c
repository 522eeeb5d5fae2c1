/* Asking a GGUF model for what its metadata says, by key or, for vocabularies, pair by pair. */
#include "format/gguf_int.h"

#include <string.h>

const struct sw_gguf_pair *sw__gguf_find(const struct sw_gguf *f, const char *key)
{
    return sw__gguf_part_find(&f->parts[0], key);
}

int64_t sw__gguf_pairs(const struct sw_gguf *f)
{
    return f->parts[0].n_pairs;
}

const struct sw_gguf_pair *sw__gguf_pair(const struct sw_gguf *f, int64_t i)
{
    return i >= 0 && i < f->parts[0].n_pairs ? &f->parts[0].pairs[i] : NULL;
}

int64_t sw__gguf_tensors(const struct sw_gguf *f)
{
    return f->n_tensors;
}

const struct sw_gguf_tensor *sw__gguf_tensor(const struct sw_gguf *f, int64_t i)
{
    return i >= 0 && i < f->n_tensors ? &f->tensors[i] : NULL;
}

/* ---- one element ------------------------------------------------------------------------------- */

/* The bytes of element i as a number; false outside. */
static bool bits_of(const struct sw_gguf_pair *p, int64_t i, uint64_t *out)
{
    const size_t bytes = sw__gguf_type_bytes(p->element);
    if (i < 0 || i >= p->count) return false;
    *out = sw__gguf_load(p->value + (size_t)i * bytes, bytes);
    return true;
}

bool sw__gguf_pair_integer(const struct sw_gguf_pair *p, int64_t i, int64_t *out)
{
    uint64_t bits;
    if (!bits_of(p, i, &bits)) return false;
    switch (p->element) {
    case SW_GGUF_U8:
    case SW_GGUF_U16:
    case SW_GGUF_U32: *out = (int64_t)bits; return true;
    case SW_GGUF_I8: *out = (int8_t)bits; return true;
    case SW_GGUF_I16: *out = (int16_t)bits; return true;
    case SW_GGUF_I32: *out = (int32_t)bits; return true;
    case SW_GGUF_I64: *out = (int64_t)bits; return true;
    case SW_GGUF_U64:
        if (bits > INT64_MAX) return false;
        *out = (int64_t)bits;
        return true;
    default: return false;
    }
}

bool sw__gguf_pair_real(const struct sw_gguf_pair *p, int64_t i, double *out)
{
    uint64_t bits;
    if (!bits_of(p, i, &bits)) return false;
    if (p->element == SW_GGUF_F64) {
        memcpy(out, &bits, sizeof *out);
        return true;
    }
    if (p->element != SW_GGUF_F32) return false;
    const uint32_t half = (uint32_t)bits;
    float value;
    memcpy(&value, &half, sizeof value);
    *out = value;
    return true;
}

bool sw__gguf_pair_bool(const struct sw_gguf_pair *p, int64_t i, bool *out)
{
    uint64_t bits;
    if (p->element != SW_GGUF_BOOL || !bits_of(p, i, &bits)) return false;
    *out = bits != 0;
    return true;
}

bool sw__gguf_pair_string(const struct sw_gguf_pair *p, int64_t i, const char **text, size_t *bytes)
{
    if (p->element != SW_GGUF_STRING || i < 0 || i >= p->count) return false;
    const uint8_t *at = p->value + p->strings[i];
    *bytes = (size_t)sw__gguf_load(at, 8);
    *text = (const char *)at + 8;
    return true;
}

/* ---- by key ------------------------------------------------------------------------------------ */

/* The pair of a key if it is an array, or if it is none. */
static const struct sw_gguf_pair *find(const struct sw_gguf *f, const char *key, bool array)
{
    const struct sw_gguf_pair *p = sw__gguf_find(f, key);
    return p && (p->type == SW_GGUF_ARRAY) == array ? p : NULL;
}

bool sw__gguf_integer(const struct sw_gguf *f, const char *key, int64_t *out)
{
    const struct sw_gguf_pair *p = find(f, key, false);
    return p && sw__gguf_pair_integer(p, 0, out);
}

bool sw__gguf_real(const struct sw_gguf *f, const char *key, double *out)
{
    const struct sw_gguf_pair *p = find(f, key, false);
    return p && sw__gguf_pair_real(p, 0, out);
}

bool sw__gguf_bool(const struct sw_gguf *f, const char *key, bool *out)
{
    const struct sw_gguf_pair *p = find(f, key, false);
    return p && sw__gguf_pair_bool(p, 0, out);
}

bool sw__gguf_string(const struct sw_gguf *f, const char *key, const char **text, size_t *bytes)
{
    const struct sw_gguf_pair *p = find(f, key, false);
    return p && sw__gguf_pair_string(p, 0, text, bytes);
}

int64_t sw__gguf_array(const struct sw_gguf *f, const char *key, enum sw_gguf_type *element)
{
    const struct sw_gguf_pair *p = find(f, key, true);
    if (p && element) *element = p->element;
    return p ? p->count : -1;
}

bool sw__gguf_array_integer(const struct sw_gguf *f, const char *key, int64_t i, int64_t *out)
{
    const struct sw_gguf_pair *p = find(f, key, true);
    return p && sw__gguf_pair_integer(p, i, out);
}

bool sw__gguf_array_real(const struct sw_gguf *f, const char *key, int64_t i, double *out)
{
    const struct sw_gguf_pair *p = find(f, key, true);
    return p && sw__gguf_pair_real(p, i, out);
}

bool sw__gguf_array_bool(const struct sw_gguf *f, const char *key, int64_t i, bool *out)
{
    const struct sw_gguf_pair *p = find(f, key, true);
    return p && sw__gguf_pair_bool(p, i, out);
}

bool sw__gguf_array_string(const struct sw_gguf *f, const char *key, int64_t i, const char **text,
                           size_t *bytes)
{
    const struct sw_gguf_pair *p = find(f, key, true);
    return p && sw__gguf_pair_string(p, i, text, bytes);
}

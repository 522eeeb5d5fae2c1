/* Any bytes through the GGUF reader.  What it accepts must be true: every tensor inside the file, as
 * long as its shape says, found by its name; every value readable. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "format/gguf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int right)
{
    if (!right) abort();
}

static size_t read_pair(const struct sw_gguf_pair *p)
{
    size_t sum = 0, bytes;
    const char *text;
    for (int64_t i = 0; i < p->count; i++) {
        int64_t whole;
        double real;
        bool yes;
        const int kinds = sw__gguf_pair_integer(p, i, &whole) + sw__gguf_pair_real(p, i, &real) +
                          sw__gguf_pair_bool(p, i, &yes) +
                          sw__gguf_pair_string(p, i, &text, &bytes);
        require(kinds == 1 || (kinds == 0 && p->element == SW_GGUF_U64));
        for (size_t b = 0; p->element == SW_GGUF_STRING && b < bytes; b++) sum += (uint8_t)text[b];
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sw_context *ctx;
    struct sw_gguf *f;
    size_t sum = 0;
    if (!ctx) require(sw_context_create(&(sw_context_options){.threads = 1}, &ctx) == SW_OK);
    sw_status status = sw__gguf_parse(ctx, "fuzz", data, size, &f);
    if (status != SW_OK) {
        require(status == SW_ERR_FORMAT || status == SW_ERR_UNSUPPORTED || status == SW_ERR_MEMORY);
        require(!f && strncmp(sw_error(ctx), "fuzz: ", 6) == 0);
        return 0;
    }
    for (int64_t i = 0; i < sw__gguf_pairs(f); i++) sum += read_pair(sw__gguf_pair(f, i));
    for (int64_t i = 0; i < sw__gguf_tensors(f); i++) {
        const struct sw_gguf_tensor *t = sw__gguf_tensor(f, i);
        const uint8_t *bytes = t->data;
        require(sw_shape_bytes(&t->shape, t->dtype) == t->bytes);
        require(sw__gguf_find_tensor(f, t->name) == t);
        for (int64_t b = 0; b < t->bytes; b++) sum += bytes[b];
    }
    require(sum + 1 > 0);
    sw__gguf_close(f);
    return 0;
}

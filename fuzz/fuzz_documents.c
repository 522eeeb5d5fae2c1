/* Texts and JSON lines to documents and to tokens of characters: whatever the file holds, what comes out lies inside
 * of it, an alphabet of the same documents has all their characters, and its tokens are the text again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "train/alphabet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    sw_context *ctx;
    struct sw_alphabet alphabet;
};

static sw_status gather(void *user, const struct sw_document *d)
{
    struct run *r = user;
    return sw__alphabet_gather(r->ctx, &r->alphabet, d);
}

static sw_status encode(void *user, const struct sw_document *d)
{
    struct run *r = user;
    int32_t *ids = malloc((d->text_bytes + 1) * sizeof *ids);
    size_t at, back = 0;
    if (!ids) return SW_ERR_MEMORY;
    const int64_t n = sw__alphabet_encode(&r->alphabet, d->text, d->text_bytes, ids, &at);
    if (n < 0) abort();
    for (int64_t i = 0; i < n; i++) {
        char text[4];
        const int bytes = sw__alphabet_text(&r->alphabet, ids[i], text);
        if (bytes <= 0 || memcmp(d->text + back, text, (size_t)bytes) != 0) abort();
        back += (size_t)bytes;
    }
    if (back != d->text_bytes) abort();
    free(ids);
    return SW_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sw_context *ctx;
    static const char *const names[] = {"x.txt", "x.jsonl"};
    if (!ctx && sw_context_create(&(sw_context_options){.threads = 1}, &ctx) != SW_OK) return 0;
    for (int i = 0; i < 2; i++) {
        struct run r = {.ctx = ctx};
        const char *text = (const char *)data;
        if (sw__documents_read(ctx, names[i], text, size, gather, &r) == SW_OK &&
            sw__alphabet_complete(ctx, &r.alphabet) == SW_OK)
            sw__documents_read(ctx, names[i], text, size, encode, &r);
        sw__alphabet_free(&r.alphabet);
    }
    return 0;
}

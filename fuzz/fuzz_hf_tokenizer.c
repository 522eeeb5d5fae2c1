/* tokenizer.json of any bytes; what is taken must encode and decode. */
#include <stdlib.h>
#include "text/tokenizer_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char text[] = "Hello, <s>w\xc3\xb6rld\xff 12\n\n  don't \xe4\xb8\xad\xe6\x96\x87";
    static sw_context *ctx;
    sw_tokenizer *t;
    int32_t ids[256];
    char back[1024];
    int64_t count;
    size_t bytes;
    if (!ctx && sw_context_create(&(sw_context_options){.threads = 1}, &ctx) != SW_OK) return 0;
    if (sw__tokenizer_from_hf(ctx, "fuzz.json", NULL, data, size, &t) != SW_OK) return 0;
    const sw_tokenize_options all = {.special = true, .begin = true, .end = true};
    if (sw_tokenize(t, text, sizeof text - 1, all, ids, 256, &count) == SW_OK)
        sw_detokenize(t, ids, count < 256 ? count : 256, true, back, sizeof back, &bytes);
    sw_tokenizer_destroy(t);
    return 0;
}

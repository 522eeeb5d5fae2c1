/* Vocabularies of any bytes in the plain formats: the first byte picks tiktoken's ranks, llama2.c's tokenizer.bin,
 * BERT's vocab.txt, or the metadata of a GGUF file. */
#include <stdlib.h>
#include <string.h>
#include "format/gguf.h"
#include "text/tokenizer_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sw_status from_gguf(sw_context *ctx, const uint8_t *data, size_t size, sw_tokenizer **t)
{
    struct sw_gguf *f;
    uint8_t *aligned = aligned_alloc(8, size + 8 - size % 8);
    sw_status status = SW_ERR_MEMORY;
    if (!aligned) return status;
    memcpy(aligned, data, size);
    status = sw__gguf_parse(ctx, "fuzz.gguf", aligned, size, &f);
    if (status == SW_OK) {
        status = sw__tokenizer_from_gguf(ctx, "fuzz.gguf", f, t);
        sw__gguf_close(f);
    }
    free(aligned);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char text[] = "Hello, <s>w\xc3\xb6rld\xff 12\n\n  don't";
    static sw_context *ctx;
    sw_tokenizer *t;
    int32_t ids[256];
    int64_t count;
    sw_status status;
    if (!ctx && sw_context_create(&(sw_context_options){.threads = 1}, &ctx) != SW_OK) return 0;
    if (size < 1) return 0;
    switch (data[0] % 4) {
    case 0: status = sw__tokenizer_from_tiktoken(ctx, "fuzz", data + 1, size - 1, &t); break;
    case 1: status = sw__tokenizer_from_llama2c(ctx, "fuzz", data + 1, size - 1, &t); break;
    case 2: status = sw__tokenizer_from_vocab_txt(ctx, "fuzz", data + 1, size - 1, &t); break;
    default: status = from_gguf(ctx, data + 1, size - 1, &t);
    }
    if (status != SW_OK) return 0;
    const sw_tokenize_options all = {.special = true, .begin = true, .end = true};
    sw_tokenize(t, text, sizeof text - 1, all, ids, 256, &count);
    sw_tokenizer_destroy(t);
    return 0;
}

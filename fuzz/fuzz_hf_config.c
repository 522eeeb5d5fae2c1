/* Settings of a folder of Hugging Face that are any bytes: config.json, tokenizer_config.json, generation_config.json,
 * 1_Pooling's and adapter_config.json have the input, tokenizer.json is a good one.  There are no weights, so a config
 * that is taken ends at their absence. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "gpt/adapter_peft.h"
#include "gpt/gpt_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char tokenizer[] =
    "{\"added_tokens\":[{\"id\":3,\"content\":\"<s>\",\"special\":true}],\"model\":{\"type\":"
    "\"BPE\","
    "\"unk_token\":\"a\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\"]}}";
static char folder[] = "/tmp/swell_fuzz_hf_config_XXXXXX";
static const char *const files[] = {"config.json", "tokenizer_config.json",
                                    "generation_config.json", "adapter_config.json"};

static void put(const char *name, const void *bytes, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    if (!f) return;
    if (size) fwrite(bytes, 1, size, f);
    fclose(f);
}

static void clear(void)
{
    char path[128];
    for (int i = 0; i < 5; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, i < 4 ? files[i] : "tokenizer.json");
        unlink(path);
    }
    rmdir(folder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sw_context *ctx;
    sw_model *m, base = {0};
    sw_tokenizer *t;
    if (!ctx) {
        if (sw_context_create(&(sw_context_options){.threads = 1}, &ctx) != SW_OK ||
            !mkdtemp(folder))
            abort();
        atexit(clear);
        put("tokenizer.json", tokenizer, sizeof tokenizer - 1);
    }
    for (int i = 0; i < 4; i++) put(files[i], data, size);
    if (sw__gpt_open_weights(ctx, folder, &m) == SW_OK) abort(); /* of what? */
    if (sw_tokenizer_open(ctx, folder, &t) == SW_OK) {
        if (sw_tokenizer_eos(t) >= sw_tokenizer_size(t)) abort();
        sw_tokenizer_destroy(t);
    }
    base.ctx = ctx;
    base.path = folder;
    base.net.architecture = sw__gpt_architecture("llama");
    struct sw_gpt_adapter a = {.path = folder};
    if (sw__gpt_open_peft(&base, &a, folder, 1) == SW_OK) abort();
    return 0;
}

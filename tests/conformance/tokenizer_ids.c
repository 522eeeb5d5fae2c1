/* llama.cpp's own tests of its tokenizers: for each vocabulary texts (.inp, between lines __ggml_vocab_test__) and
 * their ids (.out, one text a line).
 * The same of each vocabulary written into another GGUF.
 * usage: tokenizer_ids FOLDER; exit status 77 when there is no such folder. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swell/tokenizer.h>
#include <unistd.h>
#include "base/file.h"
#include "format/gguf_write.h"
#include "text/tokenizer_int.h"

static const char *const vocabularies[] = {"gpt-2", "llama-spm", "phi-3", "falcon", "bert-bge"};
static const char separator[] = "\n__ggml_vocab_test__\n";

static char *read_all(const char *folder, const char *name, const char *end)
{
    char path[512], *text = NULL;
    size_t size;
    snprintf(path, sizeof path, "%s/ggml-vocab-%s.gguf%s", folder, name, end);
    return sw__file_read(path, 1 << 20, &text, &size) == SW_OK ? text : NULL;
}

/* One text, one line of ids.  Whether they agree. */
static int same(const sw_tokenizer *t, const char *name, const char *text, size_t size, char *line)
{
    static int32_t ids[4096];
    static char back[8192];
    int64_t count, i = 0;
    size_t bytes;
    if (sw_tokenize(t, text, size, (sw_tokenize_options){0}, ids, 4096, &count) != SW_OK) return 0;
    char *at = line, *next;
    for (;; i++, at = next) {
        const long expected = strtol(at, &next, 10);
        if (next == at) break;
        if (i >= count || ids[i] != expected) {
            fprintf(stderr, "%s: '%.*s': id %lld is %d, not %ld\n", name, (int)size, text,
                    (long long)i, i < count ? ids[i] : -1, expected);
            return 0;
        }
    }
    if (i != count) {
        fprintf(stderr, "%s: '%.*s': %lld ids, not %lld\n", name, (int)size, text, (long long)count,
                (long long)i);
        return 0;
    }
    if (strcmp(sw_tokenizer_kind(t), "bert") == 0) return 1;
    if (sw_detokenize(t, ids, count, false, back, sizeof back, &bytes) == SW_OK && bytes == size &&
        memcmp(back, text, size) == 0)
        return 1;
    fprintf(stderr, "%s: '%.*s' does not come back\n", name, (int)size, text);
    return 0;
}

/* The tokenizer as another file has it; `name` keeps what Phi-3's special tokens do. */
static sw_tokenizer *written(sw_context *ctx, const char *name, const sw_tokenizer *t)
{
    char path[64];
    struct sw_gguf_writer *w;
    sw_tokenizer *out = NULL;
    snprintf(path, sizeof path, "/tmp/swell_tokenizer_ids_%ld", (long)getpid());
    if (sw__gguf_writer_create(ctx, &w) != SW_OK) return NULL;
    sw__gguf_put_string(w, "general.name", name, strlen(name));
    if (sw__tokenizer_put_gguf(ctx, name, t, sw_tokenizer_size(t) + 3, w) == SW_OK &&
        sw__gguf_writer_finish(w, path) == SW_OK)
        sw_tokenizer_open(ctx, path, &out);
    sw__gguf_writer_destroy(w);
    unlink(path);
    if (!out) fprintf(stderr, "%s: %s\n", name, sw_error(ctx));
    return out;
}

static int check(sw_context *ctx, const char *folder, const char *name)
{
    char path[512], *text = read_all(folder, name, ".inp"), *ids = read_all(folder, name, ".out");
    int cases = 0, wrong = 0;
    sw_tokenizer *t = NULL;
    snprintf(path, sizeof path, "%s/ggml-vocab-%s.gguf", folder, name);
    if (!text || !ids || sw_tokenizer_open(ctx, path, &t) != SW_OK) {
        fprintf(stderr, "%s: %s\n", name, t ? "no test" : sw_error(ctx));
        return 0;
    }
    sw_tokenizer *again = written(ctx, name, t);
    if (!again) return 0;
    for (char *at = text, *line = ids, *end; (end = strstr(at, separator)) != NULL;
         at = end + strlen(separator), cases++) {
        char *line_end = strchr(line, '\n');
        if (!line_end) break;
        *line_end = 0;
        wrong += !same(t, name, at, (size_t)(end - at), line);
        wrong += !same(again, name, at, (size_t)(end - at), line);
        line = line_end + 1;
    }
    printf("%s: %d texts, %d wrong\n", name, cases, wrong);
    sw_tokenizer_destroy(t);
    sw_tokenizer_destroy(again);
    free(text);
    free(ids);
    return cases >= 40 && !wrong;
}

int main(int argc, char **argv)
{
    sw_context *ctx;
    char *there = argc > 1 ? read_all(argv[1], "gpt-2", ".inp") : NULL;
    int good = 0;
    if (!there) {
        printf("no vocabularies of llama.cpp in %s: skipped\n", argc > 1 ? argv[1] : "nowhere");
        return 77;
    }
    free(there);
    if (sw_context_create(&(sw_context_options){.threads = 1}, &ctx) != SW_OK) return 1;
    for (int i = 0; i < 5; i++) good += check(ctx, argv[1], vocabularies[i]);
    sw_context_destroy(ctx);
    return good != 5;
}

/* Which kind of tokenizer a file is, by its first bytes and its name. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/context_int.h"
#include "base/folder.h"
#include "base/memory.h"
#include "format/gguf.h"
#include "text/tokenizer_int.h"

enum { PATH = 4096 };

static bool ends_with(const char *path, const char *end)
{
    const size_t n = strlen(path), m = strlen(end);
    return n >= m && strcmp(path + n - m, end) == 0;
}

static sw_status read_gguf(sw_context *ctx, const char *path, sw_tokenizer **out)
{
    struct sw_gguf *f;
    sw_status status = sw__gguf_open(ctx, path, &f);
    if (status != SW_OK) return status;
    status = sw__tokenizer_from_gguf(ctx, path, f, out);
    sw__gguf_close(f);
    return status;
}

/* The folder of a file into `folder` of PATH bytes. */
static const char *folder_of(const char *path, char *folder)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return ".";
    if (slash == path) return "/";
    snprintf(folder, PATH, "%.*s", (int)(slash - path), path);
    return folder;
}

static sw_status read_file(sw_context *ctx, const char *path, const uint8_t *data, size_t size,
                           sw_tokenizer **out)
{
    char folder[PATH];
    size_t first = 0;
    if (size >= 4 && memcmp(data, "GGUF", 4) == 0) return read_gguf(ctx, path, out);
    while (first < size && memchr(" \t\r\n", data[first], 4)) first++;
    if (first < size && data[first] == '{')
        return sw__tokenizer_from_hf(ctx, path, folder_of(path, folder), data, size, out);
    if (ends_with(path, ".bin")) return sw__tokenizer_from_llama2c(ctx, path, data, size, out);
    if (ends_with(path, ".tiktoken"))
        return sw__tokenizer_from_tiktoken(ctx, path, data, size, out);
    if (ends_with(path, ".txt")) return sw__tokenizer_from_vocab_txt(ctx, path, data, size, out);
    return sw__fail(
        ctx, SW_ERR_UNSUPPORTED,
        "%s: no tokenizer: neither GGUF, tokenizer.json, .tiktoken, llama2.c's .bin nor "
        "BERT's vocab.txt",
        path);
}

sw_status sw_tokenizer_open(sw_context *ctx, const char *path, sw_tokenizer **out)
{
    static const char *const in_folder[] = {"tokenizer.json", "vocab.txt"};
    struct sw_mapping map;
    char inside[PATH];
    *out = NULL;
    if (strlen(path) > PATH - 64)
        return sw__fail(ctx, SW_ERR_ARGUMENT, "%.80s...: too long a path", path);
    if (sw__path_kind(path) == SW_PATH_FOLDER) {
        for (int i = 0; i < 2; i++) {
            snprintf(inside, sizeof inside, "%s/%s", path, in_folder[i]);
            if (sw__path_kind(inside) == SW_PATH_FILE) return sw_tokenizer_open(ctx, inside, out);
        }
        return sw__fail(ctx, SW_ERR_IO, "%s: neither tokenizer.json nor vocab.txt in this folder",
                        path);
    }
    sw_status status = sw__map_file(path, &map);
    if (status != SW_OK) return sw__fail(ctx, status, "%s: cannot read: %s", path, strerror(errno));
    status = read_file(ctx, path, map.data, map.size, out);
    sw__unmap_file(&map);
    return status;
}

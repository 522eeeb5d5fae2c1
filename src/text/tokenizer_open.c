/* Which kind of tokenizer a file is, by its first bytes and its name. */
#include <errno.h>
#include <stdlib.h>
#include "base/context_int.h"
#include "base/memory.h"
#include "format/gguf.h"
#include "text/tokenizer_int.h"

static bool ends_with(const char *path, const char *end)
{
    const size_t n = strlen(path), m = strlen(end);
    return n >= m && strcmp(path + n - m, end) == 0;
}

static sw_status read_file(sw_context *ctx, const char *path, const struct sw_mapping *map,
                           sw_tokenizer **out)
{
    if (map->size >= 4 && memcmp(map->data, "GGUF", 4) == 0) {
        struct sw_gguf *f;
        sw_status status = sw__gguf_open(ctx, path, &f);
        if (status != SW_OK) return status;
        status = sw__tokenizer_from_gguf(ctx, path, f, out);
        sw__gguf_close(f);
        return status;
    }
    if (ends_with(path, ".bin"))
        return sw__tokenizer_from_llama2c(ctx, path, map->data, map->size, out);
    return sw__fail(ctx, SW_ERR_UNSUPPORTED,
                    "%s: no tokenizer: neither GGUF nor tokenizer.bin of llama2.c", path);
}

sw_status sw_tokenizer_open(sw_context *ctx, const char *path, sw_tokenizer **out)
{
    struct sw_mapping map;
    *out = NULL;
    sw_status status = sw__map_file(path, &map);
    if (status != SW_OK) return sw__fail(ctx, status, "%s: cannot read: %s", path, strerror(errno));
    status = read_file(ctx, path, &map, out);
    sw__unmap_file(&map);
    return status;
}

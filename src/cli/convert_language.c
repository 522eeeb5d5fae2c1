/* Language models between GGUF and folders of Hugging Face.
 *
 * A folder that is to be quantised becomes a GGUF of its own types first, beside the file that is asked for, and that
 * is read again: quantising knows one kind of source. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"
#include "cli/convert_verb.h"
#include "gpt/model_gguf.h"
#include "gpt/model_hf.h"

enum { PATH = 4096 };

static int failed(const struct convert *c)
{
    return cli_fail(c->verb, "%s", sw_error(c->ctx));
}

/* A file of a folder means the folder. */
static const char *source(const struct convert *c, char folder[PATH])
{
    const char *slash = strrchr(c->from, '/');
    if (!convert_ends(c->from, ".safetensors")) return c->from;
    snprintf(folder, PATH, "%.*s", slash ? (int)(slash - c->from) : 1, slash ? c->from : ".");
    return folder;
}

static int to_gguf(const struct convert *c, const char *path)
{
    sw_model *m;
    char folder[PATH];
    if (sw__gpt_open_weights(c->ctx, source(c, folder), &m) != SW_OK) return failed(c);
    const sw_status status = sw__gpt_write_gguf(m, c->tokenizer, c->half, path);
    sw_model_destroy(m);
    return status == SW_OK ? 0 : failed(c);
}

static int to_quantised(const struct convert *c)
{
    const size_t size = strlen(c->to) + 32;
    char *between = malloc(size);
    if (!between) return cli_fail(c->verb, "out of memory");
    snprintf(between, size, "%s.whole-%ld.gguf", c->to, (long)getpid());
    int status = to_gguf(c, between);
    struct convert second = *c;
    second.from = between;
    if (!status) status = convert_gguf(&second);
    unlink(between);
    free(between);
    return status;
}

static int to_folder(const struct convert *c)
{
    sw_model *m;
    if (sw__gpt_open_weights(c->ctx, c->from, &m) != SW_OK) return failed(c);
    if (mkdir(c->to, 0777) != 0 && sw__path_kind(c->to) != SW_PATH_FOLDER) {
        sw_model_destroy(m);
        return cli_fail(c->verb, "%s: cannot be made: %s", c->to, strerror(errno));
    }
    const sw_status status = sw__gpt_write_hf(m, c->half, c->to);
    sw_model_destroy(m);
    return status == SW_OK ? 0 : failed(c);
}

int convert_language(const struct convert *c)
{
    if (!convert_ends(c->to, ".gguf")) return to_folder(c);
    if (convert_ends(c->from, ".gguf")) return convert_gguf(c);
    return c->type ? to_quantised(c) : to_gguf(c, c->to);
}

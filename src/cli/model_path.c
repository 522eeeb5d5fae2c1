/* Models by name: beside the program, wherever it was put. */
#include "cli/model_path.h"

#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/folder.h"

enum { PLACES = 3 };

/* <folder>/<name><suffix> if that is a file; malloc'ed. */
static char *look(const char *folder, const char *name, const char *suffix)
{
    const size_t size = strlen(folder) + strlen(name) + strlen(suffix) + 2;
    char *path = malloc(size);
    if (!path) return NULL;
    snprintf(path, size, "%s/%s%s", folder, name, suffix);
    if (sw__path_kind(path) == SW_PATH_FILE) return path;
    free(path);
    return NULL;
}

/* The folders, in their order; "" where there is none. */
static void places(char folder[PLACES][PATH_MAX])
{
    char program[PATH_MAX];
    const char *named = getenv("SWELL_MODELS");
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    for (int i = 0; i < PLACES; i++) folder[i][0] = 0;
    if (named) snprintf(folder[0], PATH_MAX, "%s", named);
    if (n <= 0) return;
    program[n] = 0;
    const char *here = dirname(program);
    if (strlen(here) + 32 > PATH_MAX) return;
    snprintf(folder[1], PATH_MAX, "%.*s/../share/swell/models", PATH_MAX - 32, here);
    snprintf(folder[2], PATH_MAX, "%.*s/../../models", PATH_MAX - 32, here);
}

char *model_path(const struct verb *verb, const char *name, const char *otherwise)
{
    static const char *const suffixes[] = {"", ".safetensors", ".onnx", ".pth", ".gguf"};
    char folder[PLACES][PATH_MAX], *path = NULL;
    if (name && (strchr(name, '/') || sw__path_kind(name) == SW_PATH_FILE)) path = strdup(name);
    places(folder);
    for (int i = 0; !path && i < PLACES; i++)
        for (size_t k = 0; folder[i][0] && !path && k < sizeof suffixes / sizeof *suffixes; k++)
            path = look(folder[i], name ? name : otherwise, suffixes[k]);
    if (!path && name) path = strdup(name);
    if (path) return path;
    cli_fail(verb, "there is no %s in $SWELL_MODELS, %s or %s: name a model with --model FILE",
             otherwise, folder[1], folder[2]);
    return NULL;
}

/* Documents of text files, of folders, of JSON lines (documents.h). */
#include "train/documents.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/context_int.h"
#include "base/folder.h"
#include "base/memory.h"
#include "format/json_read.h"

enum { MOST_FOLDERS = 16 /* one in the other */ };

struct visit {
    sw_context *ctx;
    sw_document_fn call;
    void *user;
    int64_t files;
};

static bool ends_with(const char *name, const char *end)
{
    const size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

static bool is_lines(const char *name)
{
    return ends_with(name, ".jsonl") || ends_with(name, ".ndjson");
}

static bool is_text(const char *name)
{
    return ends_with(name, ".txt") || ends_with(name, ".text") || ends_with(name, ".md");
}

/* ---- JSON lines ----------------------------------------------------------------------------------- */

static sw_status bad_line(const struct visit *v, const struct sw_document *d, const char *why)
{
    return sw__fail(v->ctx, SW_ERR_FORMAT, "%s: line %lld: %s", d->file, (long long)d->line, why);
}

static sw_status read_object(const struct visit *v, struct sw_document *d, const json_t *object)
{
    const json_t *text = json_object_get(object, "text");
    const json_t *prompt = json_object_get(object, "prompt");
    const json_t *completion = json_object_get(object, "completion");
    if (!json_is_object(object)) return bad_line(v, d, "no object");
    if (json_is_string(text) && !prompt && !completion) {
        d->text = json_string_value(text);
        d->text_bytes = json_string_length(text);
    } else if (!text && json_is_string(prompt) && json_is_string(completion)) {
        d->completion = true;
        d->prompt = json_string_value(prompt);
        d->prompt_bytes = json_string_length(prompt);
        d->text = json_string_value(completion);
        d->text_bytes = json_string_length(completion);
    } else
        return bad_line(v, d,
                        "neither a string \"text\" nor strings \"prompt\" and \"completion\"");
    return d->text_bytes + d->prompt_bytes > 0 ? v->call(v->user, d) : SW_OK;
}

static sw_status read_line(const struct visit *v, const char *file, int64_t line, const char *text,
                           size_t size)
{
    struct sw_document d = {.file = file, .line = line};
    struct sw_json_error error;
    json_t *object = NULL;
    sw_status status = sw__json_read(text, size, &object, &error);
    if (status == SW_ERR_MEMORY) return sw__fail(v->ctx, status, "%s: out of memory", file);
    if (status != SW_OK)
        return sw__fail(v->ctx, SW_ERR_FORMAT, "%s: line %lld, byte %zu: %s", file, (long long)line,
                        error.offset, error.why);
    status = read_object(v, &d, object);
    json_decref(object);
    return status;
}

static bool is_blank(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!strchr(" \t\r", text[i]) || !text[i]) return false;
    return true;
}

static sw_status read_lines(const struct visit *v, const char *file, const char *data, size_t size)
{
    sw_status status = SW_OK;
    int64_t line = 1;
    for (size_t at = 0; at < size && status == SW_OK; line++) {
        const char *end = memchr(data + at, '\n', size - at);
        const size_t n = end ? (size_t)(end - data) - at : size - at;
        if (!is_blank(data + at, n)) status = read_line(v, file, line, data + at, n);
        at += n + 1;
    }
    return status;
}

/* ---- text ------------------------------------------------------------------------------------------ */

/* Where `what` begins in text, or size. */
static size_t find(const char *text, size_t size, const char *what)
{
    const size_t n = strlen(what);
    for (size_t at = 0; at + n <= size; at++) {
        const char *p = memchr(text + at, what[0], size - at - n + 1);
        if (!p) return size;
        at = (size_t)(p - text);
        if (memcmp(p, what, n) == 0) return at;
    }
    return size;
}

/* Line ends around the mark are its own. */
static void trim(const char **text, size_t *size, bool before, bool after)
{
    while (before && *size && (**text == '\n' || **text == '\r')) {
        ++*text;
        --*size;
    }
    while (after && *size && ((*text)[*size - 1] == '\n' || (*text)[*size - 1] == '\r')) --*size;
}

static sw_status read_text(const struct visit *v, const char *file, const char *data, size_t size)
{
    sw_status status = SW_OK;
    int64_t line = 1;
    for (size_t at = 0; at < size && status == SW_OK;) {
        struct sw_document d = {.file = file, .line = line, .text = data + at};
        const size_t n = find(data + at, size - at, SW_END_OF_TEXT);
        d.text_bytes = n;
        trim(&d.text, &d.text_bytes, at > 0, n < size - at);
        if (d.text_bytes) status = v->call(v->user, &d);
        for (size_t i = at; i < at + n; i++) line += data[i] == '\n';
        at += n + strlen(SW_END_OF_TEXT);
    }
    return status;
}

sw_status sw__documents_read(sw_context *ctx, const char *name, const char *data, size_t size,
                             sw_document_fn call, void *user)
{
    const struct visit v = {ctx, call, user, 0};
    return is_lines(name) ? read_lines(&v, name, data, size) : read_text(&v, name, data, size);
}

/* ---- files and folders ----------------------------------------------------------------------------- */

static sw_status visit_file(struct visit *v, const char *path)
{
    struct sw_mapping map;
    if (sw__map_file(path, &map) != SW_OK)
        return sw__fail(v->ctx, SW_ERR_IO, "%s: %s", path, strerror(errno));
    v->files++;
    sw_status status = sw__documents_read(v->ctx, path, (const char *)map.data, map.size, v->call,
                                          v->user);
    sw__unmap_file(&map);
    return status;
}

static sw_status visit_folder(struct visit *v, const char *path, int depth);

static sw_status visit_entry(struct visit *v, const char *folder, const char *name, bool file,
                             int depth)
{
    const size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    if (!path) return sw__fail(v->ctx, SW_ERR_MEMORY, "%s: out of memory", folder);
    snprintf(path, size, "%s/%s", folder, name);
    sw_status status = file ? visit_file(v, path) : visit_folder(v, path, depth + 1);
    free(path);
    return status;
}

static sw_status visit_folder(struct visit *v, const char *path, int depth)
{
    sw_status status = SW_OK;
    if (depth > MOST_FOLDERS)
        return sw__fail(v->ctx, SW_ERR_FORMAT, "%s: more than %d folders, one in the other", path,
                        MOST_FOLDERS);
    for (int folders = 0; folders < 2 && status == SW_OK; folders++) {
        struct sw_folder list;
        status = sw__folder_list(path, folders ? SW_PATH_FOLDER : SW_PATH_FILE, &list);
        if (status == SW_ERR_IO) sw__fail(v->ctx, status, "%s: %s", path, strerror(errno));
        if (status == SW_ERR_MEMORY) sw__fail(v->ctx, status, "%s: out of memory", path);
        for (int64_t i = 0; i < list.count && status == SW_OK; i++)
            if (folders || is_text(list.names[i]) || is_lines(list.names[i]))
                status = visit_entry(v, path, list.names[i], !folders, depth);
        sw__folder_free(&list);
    }
    return status;
}

sw_status sw__documents_visit(sw_context *ctx, const char *path, sw_document_fn call, void *user)
{
    struct visit v = {ctx, call, user, 0};
    if (sw__path_kind(path) != SW_PATH_FOLDER) return visit_file(&v, path);
    sw_status status = visit_folder(&v, path, 1);
    if (status == SW_OK && v.files == 0)
        return sw__fail(ctx, SW_ERR_FORMAT, "%s: no .txt, .md or .jsonl file in this folder", path);
    return status;
}

/* hf:owner/name: one request lists a model's files with sizes and sums, then some of them are chosen.
 *
 * The list is GET <base>/api/models/<owner>/<name>/revision/<revision>?blobs=true, whose "siblings" are
 * objects with "rfilename", "size", and for large files "lfs": {"sha256", "size"}; a file is at
 * <base>/<owner>/<name>/resolve/<revision>/<file>.  Names from there are not trusted: a file has a path
 * without "..", of printable characters, and lands in the folder that the user sees. */
#include "cli/hub.h"

#include <ctype.h>
#include <curl/curl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/download.h"
#include "format/json_read.h"

#define HUB "https://huggingface.co"

enum { MOST_FILES = 10000 };

bool hub_names(const char *word)
{
    return strncmp(word, "hf:", 3) == 0;
}

/* A word of a name: letters, digits, '-', '_', '.', not beginning with '.'. */
static bool plain_word(const char *text, size_t n)
{
    if (n == 0 || n > 96 || text[0] == '.') return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("-_.", text[i])) return false;
    return true;
}

/* A file in the model's folder or in one below it. */
static bool plain_path(const char *name)
{
    const size_t n = strlen(name);
    if (n == 0 || n > 512 || name[0] == '/' || name[n - 1] == '/') return false;
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)name[i];
        if (c < 32 || c == 127 || c == '\\') return false;
        if (c == '.' && (i == 0 || name[i - 1] == '/')) return false; /* hidden, "." and ".." */
    }
    return !strstr(name, "//");
}

/* "hf:owner/name@revision:file"; *file: what is behind the colon, or NULL. */
static bool take_apart(const struct verb *verb, const char *word, struct hub_model *m,
                       const char **file)
{
    const char *at = word + 3;
    const size_t owner = strcspn(at, "/");
    const char *rest = at + owner + (at[owner] == '/');
    const size_t name = strcspn(rest, "@:"), revision = strcspn(rest + name, ":");
    *file = rest[name + revision] == ':' ? rest + name + revision + 1 : NULL;
    bool right = at[owner] == '/' && plain_word(at, owner) && plain_word(rest, name) &&
                 (revision == 0 || plain_word(rest + name + 1, revision - 1)) &&
                 (!*file || plain_path(*file));
    if (!right) {
        cli_fail(verb, "%s: not hf:owner/name, hf:owner/name:file or hf:owner/name@revision:file",
                 word);
        return false;
    }
    snprintf(m->owner, sizeof m->owner, "%.*s", (int)owner, at);
    snprintf(m->name, sizeof m->name, "%.*s", (int)name, rest);
    snprintf(m->revision, sizeof m->revision, "%.*s", revision ? (int)revision - 1 : 4,
             revision ? rest + name + 1 : "main");
    return true;
}

/* <base>/<owner>/<name>/resolve/<revision>/<file>, escaped, malloc'ed. */
static char *file_url(const char *base, const struct hub_model *m, const char *file)
{
    char *escaped = curl_easy_escape(NULL, file, 0), *url = NULL;
    if (!escaped) return NULL;
    const size_t size = strlen(base) + strlen(escaped) + 400;
    url = malloc(size);
    if (url) {
        int n = snprintf(url, size, "%s/%s/%s/resolve/%s/", base, m->owner, m->name, m->revision);
        for (const char *c = escaped; *c; c++) /* folders stay folders */
            if (strncmp(c, "%2F", 3) == 0) {
                url[n++] = '/';
                c += 2;
            } else {
                url[n++] = *c;
            }
        url[n] = 0;
    }
    curl_free(escaped);
    return url;
}

static bool is_sha256(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdefABCDEF") == 64;
}

static bool add_file(const char *base, struct hub_model *m, json_t *sibling)
{
    struct hub_file *file = &m->files[m->count];
    json_t *lfs = json_object_get(sibling, "lfs");
    const char *sum = json_string_value(json_object_get(lfs, "sha256"));
    json_t *size = json_object_get(sibling, "size");
    const char *name = json_string_value(json_object_get(sibling, "rfilename"));
    file->name = strdup(name);
    file->url = file_url(base, m, name);
    file->size = json_is_integer(size) && json_integer_value(size) >= 0 ? json_integer_value(size)
                                                                        : -1;
    snprintf(file->sha256, sizeof file->sha256, "%s", sum && is_sha256(sum) ? sum : "");
    m->count++;
    return file->name && file->url;
}

static bool ends_with(const char *name, const char *end)
{
    const size_t n = strlen(name), k = strlen(end);
    return n >= k && strcasecmp(name + n - k, end) == 0;
}

/* Whether `name` is number 2 or more of the parts of a split file. */
static bool later_part(const char *name)
{
    int part, parts;
    const char *at = strstr(name, "-of-");
    return at && at - name > 5 && sscanf(at - 5, "%5d-of-%5d", &part, &parts) == 2 && part > 1;
}

/* Whether two names are parts of one split file, or the same. */
static bool same_model(const char *a, const char *b)
{
    const char *of = strstr(a, "-of-");
    if (strcmp(a, b) == 0) return true;
    if (!of || of - a < 5 || strlen(a) != strlen(b)) return false;
    const size_t before = (size_t)(of - a) - 5;
    return strncmp(a, b, before) == 0 && strcmp(of, b + (of - a)) == 0;
}

/* Letters and digits of `part` in this order somewhere in `name`, whatever their case. */
static bool holds(const char *name, const char *part)
{
    const size_t n = strlen(part);
    for (; *name; name++)
        if (strncasecmp(name, part, n) == 0) return true;
    return n == 0;
}

/* Files of a safetensors model that something reads. */
static bool of_a_folder(const char *name)
{
    static const char *const names[] = {
        "config.json",     "generation_config.json",  "tokenizer.json", "tokenizer_config.json",
        "tokenizer.model", "special_tokens_map.json", "vocab.json",     "vocab.txt",
        "merges.txt"};
    if (strchr(name, '/')) return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) return true;
    if (strncmp(name, "consolidated", 12) == 0) return false; /* the same weights once more */
    return ends_with(name, ".safetensors") || ends_with(name, ".safetensors.index.json");
}

/* Up to a dozen of the names, for an error. */
static void list_names(json_t *siblings, const char *end, char *text, size_t size)
{
    size_t i, n = 0, used = 0;
    json_t *sibling;
    text[0] = 0;
    json_array_foreach(siblings, i, sibling)
    {
        const char *name = json_string_value(json_object_get(sibling, "rfilename"));
        if (!name || !ends_with(name, end) || later_part(name) || !plain_path(name)) continue;
        if (++n > 12 || used + strlen(name) + 8 > size) {
            snprintf(text + used, size - used, ", ...");
            return;
        }
        used += (size_t)snprintf(text + used, size - used, "%s%s", n > 1 ? ", " : "", name);
    }
}

/* The one GGUF model whose name holds `part`: an exact name wins; NULL and how many there are otherwise. */
static const char *one_gguf(json_t *siblings, const char *part, int *count)
{
    const char *found = NULL;
    size_t i;
    json_t *sibling;
    *count = 0;
    json_array_foreach(siblings, i, sibling)
    {
        const char *name = json_string_value(json_object_get(sibling, "rfilename"));
        if (!name || !ends_with(name, ".gguf") || later_part(name) || !holds(name, part)) continue;
        if (holds(name, "mmproj")) continue; /* eyes of a model, none by itself */
        found = name;
        ++*count;
    }
    return *count == 1 ? found : NULL;
}

static bool has_file(json_t *siblings, const char *file)
{
    size_t i;
    json_t *sibling;
    json_array_foreach(siblings, i, sibling)
    {
        const char *name = json_string_value(json_object_get(sibling, "rfilename"));
        if (name && strcmp(name, file) == 0) return true;
    }
    return false;
}

/* What is to be fetched: a file's name, or NULL for a folder's.  False after a line. */
static bool choose(const struct verb *verb, const char *word, json_t *siblings, const char *file,
                   const char **chosen)
{
    char names[1024];
    int count, all;
    *chosen = file;
    if (file && has_file(siblings, file)) return true;
    *chosen = one_gguf(siblings, file ? file : "", &count);
    if (*chosen) return true;
    if (!file && count == 0) return true;
    if (!file && (*chosen = one_gguf(siblings, "Q4_K_M", &all)) != NULL) {
        fprintf(stderr, "swell %s: %s: of %d models the Q4_K_M; ':NAME' behind it names another\n",
                verb->name, word, count);
        return true;
    }
    list_names(siblings, file && count == 0 ? "" : ".gguf", names, sizeof names);
    if (count == 0)
        cli_fail(verb, "%s: there is no such file; there are %s", word, names);
    else
        cli_fail(verb, "%s: %d models: name one with ':NAME' behind it: %s", word, count, names);
    return false;
}

/* The files that were chosen, from the list. */
static bool collect(const struct verb *verb, const char *word, const char *base, json_t *siblings,
                    const char *chosen, struct hub_model *m)
{
    size_t i;
    json_t *sibling;
    bool weights = false;
    m->folder = !chosen;
    m->files = calloc(json_array_size(siblings) + 1, sizeof *m->files);
    json_array_foreach(siblings, i, sibling)
    {
        const char *name = json_string_value(json_object_get(sibling, "rfilename"));
        if (!name || !m->files) continue;
        if (chosen ? !same_model(chosen, name) : !of_a_folder(name)) continue;
        if (!plain_path(name)) {
            cli_fail(verb, "%s: the hub names a file that is no plain path", word);
            return false;
        }
        if (!add_file(base, m, sibling)) break;
        weights |= ends_with(name, ".safetensors");
    }
    if (!m->files || (m->count > 0 && !m->files[m->count - 1].url)) {
        cli_fail(verb, "%s: out of memory", word);
        return false;
    }
    if (chosen || weights) return true;
    char names[1024];
    list_names(siblings, "", names, sizeof names);
    cli_fail(verb, "%s: neither .gguf nor .safetensors; ':FILE' behind it names one of %s", word,
             names);
    return false;
}

bool hub_find(const struct verb *verb, const char *word, const char *base, const char *token,
              struct hub_model *out)
{
    const char *file, *chosen = NULL;
    char url[1024];
    size_t size;
    memset(out, 0, sizeof *out);
    if (!base || !base[0]) base = HUB;
    if (strlen(base) > 500) {
        cli_fail(verb, "SWELL_HUB is longer than 500 characters");
        return false;
    }
    if (!take_apart(verb, word, out, &file)) return false;
    snprintf(url, sizeof url, "%s/api/models/%s/%s/revision/%s?blobs=true", base, out->owner,
             out->name, out->revision);
    char *text = download_text(verb, url, token, &size);
    if (!text) return false;
    json_t *root = NULL;
    struct sw_json_error error;
    const sw_status status = sw__json_read(text, size, &root, &error);
    free(text);
    json_t *siblings = json_object_get(root, "siblings");
    bool found = false;
    if (status != SW_OK)
        cli_fail(verb, "%s: at byte %zu: %s", url, error.offset, error.why);
    else if (!json_is_array(siblings) || json_array_size(siblings) > MOST_FILES)
        cli_fail(verb, "%s: no list of files", url);
    else
        found = choose(verb, word, siblings, file, &chosen) &&
                collect(verb, word, base, siblings, chosen, out);
    json_decref(root);
    return found;
}

void hub_free(struct hub_model *m)
{
    for (int64_t i = 0; m->files && i < m->count; i++) {
        free(m->files[i].name);
        free(m->files[i].url);
    }
    free(m->files);
    m->files = NULL;
    m->count = 0;
}

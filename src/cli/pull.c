/* swell pull: a model from the web into a file, whole or not at all. */
#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/folder.h"
#include "base/terminal.h"
#include "base/text.h"
#include "cli/download.h"
#include "cli/flag_table.h"
#include "cli/hub.h"

static const char help[] =
    "usage: swell pull hf:OWNER/NAME[@REVISION][:FILE] | URL ... [options]\n\n"
    "Fetch models: a GGUF file, a folder of safetensors with its tokenizer, or any file by its "
    "URL.  What is\n"
    "interrupted goes on where it stopped.  Sizes and SHA-256 sums are checked, and a file appears "
    "under its\n"
    "name only when it is whole.\n\n"
    "  hf:OWNER/NAME         the GGUF model there (of several the Q4_K_M, all parts of a split "
    "one), else the\n"
    "                        safetensors model, into a folder NAME\n"
    "  hf:OWNER/NAME:FILE    one file, or the one GGUF model whose name holds FILE, such as "
    "Q8_0\n\n"
    "  --out PATH            the file, or an existing folder (default: $SWELL_MODELS if set, else "
    "here)\n"
    "  --sha256 HEX          what the one file must have\n"
    "  --json                a line for each file: {\"file\":...,\"bytes\":...,\"sha256\":...}\n\n"
    "SWELL_HUB is the base URL of another hub, HF_TOKEN a token for models that ask for one; "
    "https_proxy and\n"
    "no_proxy say what goes through a proxy.\n\n"
    "examples:\n"
    "  swell pull hf:Qwen/Qwen2.5-0.5B-Instruct-GGUF:q4_k_m\n"
    "  swell pull hf:HuggingFaceTB/SmolLM2-135M --out models/\n"
    "  swell pull https://example.org/model.gguf --sha256 $SUM\n";

struct pull {
    const struct verb *verb;
    const char *out, *sha256, *token;
    bool json;
};

static const struct flag flags[] = {
    {"out", FLAG_TEXT, offsetof(struct pull, out), 0, 0, NULL, NULL},
    {"sha256", FLAG_TEXT, offsetof(struct pull, sha256), 0, 0, NULL, NULL},
    {"json", FLAG_YES, offsetof(struct pull, json), 0, 0, NULL, NULL}};

static void report(const struct pull *p, const struct download *d)
{
    char size[24];
    if (p->json) {
        json_t *line = json_pack("{s:s, s:I, s:s, s:I, s:b}", "file", d->path, "bytes",
                                 (json_int_t)d->bytes, "sha256", d->sum, "resumed",
                                 (json_int_t)d->resumed, "there", d->there);
        char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
        if (text) puts(text);
        free(text);
        json_decref(line);
        return;
    }
    printf("%s  %s%s%s\n", d->path, sw__bytes_text((double)d->bytes, size),
           d->there         ? ", there already"
           : d->resumed > 0 ? ", resumed"
                            : "",
           d->sha256[0] ? ", SHA-256 right" : ", SHA-256 not known");
}

/* The folder that files go into, and the name that --out gives to the one file, or NULL. */
static const char *folder_of(const struct pull *p, const char **name)
{
    const char *models = getenv("SWELL_MODELS");
    *name = NULL;
    if (!p->out) return models && models[0] ? models : ".";
    if (sw__path_kind(p->out) == SW_PATH_FOLDER) return p->out;
    *name = p->out;
    return NULL;
}

static bool make_folder(const struct pull *p, const char *path)
{
    if (mkdir(path, 0777) == 0 || (errno == EEXIST && sw__path_kind(path) == SW_PATH_FOLDER))
        return true;
    cli_fail(p->verb, "%s: %s", path, strerror(errno));
    return false;
}

static bool fetch(const struct pull *p, struct download d)
{
    if (p->sha256) d.sha256 = p->sha256;
    d.token = p->token;
    if (!download_file(p->verb, &d, !p->json)) return false;
    report(p, &d);
    return true;
}

static bool pull_hub(const struct pull *p, const char *word)
{
    struct hub_model m;
    const char *name, *folder = folder_of(p, &name);
    char path[PATH_MAX], into[PATH_MAX];
    bool right = hub_find(p->verb, word, getenv("SWELL_HUB"), p->token, &m);
    if (right && name && m.count > 1 && !m.folder) {
        cli_fail(p->verb, "%s: %lld parts of one model: --out %s is no folder", word,
                 (long long)m.count, name);
        right = false;
    }
    if (right && p->sha256 && m.count > 1) {
        cli_fail(p->verb, "%s: --sha256 is of one file, here are %lld", word, (long long)m.count);
        right = false;
    }
    snprintf(into, sizeof into, "%s", folder ? folder : ".");
    if (right && m.folder) {
        if (name)
            snprintf(into, sizeof into, "%s", name);
        else
            snprintf(into, sizeof into, "%s/%s", folder, m.name);
        right = make_folder(p, into);
    }
    for (int64_t i = 0; right && i < m.count; i++) {
        const struct hub_file *file = &m.files[i];
        const char *last = strrchr(file->name, '/');
        int n = name && !m.folder
                    ? snprintf(path, sizeof path, "%s", name)
                    : snprintf(path, sizeof path, "%s/%s", into, last ? last + 1 : file->name);
        if (n < 0 || n >= (int)sizeof path) {
            cli_fail(p->verb, "%s: the path is too long", file->name);
            right = false;
            break;
        }
        right = fetch(
            p, (struct download){
                   .url = file->url, .path = path, .sha256 = file->sha256, .size = file->size});
    }
    hub_free(&m);
    return right;
}

/* The last part of an URL's path, as a file's name; false: there is none. */
static bool url_name(const char *url, char *name, size_t size)
{
    const char *end = url + strcspn(url, "?#"), *at = end;
    const char *host = strstr(url, "://");
    while (at > url && at[-1] != '/') at--;
    if (!host || at <= host + 3 || at == end) return false;
    int n;
    char *plain = curl_easy_unescape(NULL, at, (int)(end - at), &n);
    bool right = plain && n > 0 && (size_t)n < size && (int)strlen(plain) == n &&
                 !strchr(plain, '/') && plain[0] != '.';
    for (int i = 0; right && i < n; i++) right = (unsigned char)plain[i] >= 32 && plain[i] != 127;
    if (right) snprintf(name, size, "%s", plain);
    curl_free(plain);
    return right;
}

static bool pull_url(const struct pull *p, const char *url)
{
    const char *name, *folder = folder_of(p, &name);
    char path[PATH_MAX], last[256];
    if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0) {
        cli_fail(p->verb, "%s: neither hf:OWNER/NAME nor an http or https URL", url);
        return false;
    }
    if (name) {
        snprintf(path, sizeof path, "%s", name);
    } else if (!url_name(url, last, sizeof last)) {
        cli_fail(p->verb, "%s: ends in no file's name: say one with --out", url);
        return false;
    } else {
        snprintf(path, sizeof path, "%s/%s", folder, last);
    }
    return fetch(p, (struct download){.url = url, .path = path, .sha256 = "", .size = -1});
}

static int run(const struct verb *verb, int argc, char **argv)
{
    struct pull p = {.verb = verb};
    int first;
    const int status = flags_and_words(verb, flags, sizeof flags / sizeof *flags, &p, argc, argv,
                                       &first);
    if (status >= 0) return status;
    if (first == argc) return cli_fail(verb, "what to fetch? See 'swell help pull'");
    if (p.sha256 && (strlen(p.sha256) != 64 || strspn(p.sha256, "0123456789abcdefABCDEF") != 64))
        return cli_fail(verb, "--sha256 %s: not 64 hexadecimal digits", p.sha256);
    if (p.sha256 && argc - first > 1)
        return cli_fail(verb, "--sha256 is of one file, not of %d", argc - first);
    p.token = getenv("HF_TOKEN");
    if (p.token && !p.token[0]) p.token = NULL;
    sw__interrupt_catch();
    if (!download_begin(verb)) return 1;
    bool right = true;
    for (int i = first; right && i < argc; i++)
        right = hub_names(argv[i]) ? pull_hub(&p, argv[i]) : pull_url(&p, argv[i]);
    download_end();
    return right ? 0 : 1;
}

const struct verb verb_pull = {"pull", "fetch a model from the web, resumed and checked", help,
                               run};

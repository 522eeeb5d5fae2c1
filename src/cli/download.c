/* Files from the web by libcurl: resumed, checked, renamed.
 *
 * What has come lies in <path>.part, and the server's name for that state of the file (its ETag) in
 * <path>.etag.  A later run asks for the rest of the same state (If-Range, RFC 9110 section 13.1.5); a server
 * whose file has changed since, or that cannot send parts, sends all of it and the part is begun anew.  A
 * part without an ETag is continued only if the SHA-256 is known, which tells in the end.
 *
 * Proxies and their exceptions are libcurl's ($https_proxy, $no_proxy, ...), and so are certificates.
 * libcurl sends a token to the host of the URL only, not to where that redirects. */
#include "cli/download.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/progress.h"
#include "base/terminal.h"
#include "base/text.h"
#include "format/sha256.h"

enum {
    ATTEMPTS = 5,
    DOCUMENT = 8 << 20, /* bytes of the largest document */
    ETAG = 256
};

/* One request under way. */
struct fetch {
    struct download *d;
    CURL *curl;
    FILE *part;
    char etag[ETAG];    /* of the answer, or "" */
    int64_t from;       /* the part had so many bytes when it began */
    int64_t written;    /* bytes of the part now */
    bool begun;         /* the answer's first bytes have come */
    int error;          /* errno of a failed write */
    const char *refuse; /* why the answer is of no use, or NULL */
    bool bar;
    struct sw_progress progress;
};

bool download_begin(const struct verb *verb)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) return true;
    cli_fail(verb, "libcurl could not be started");
    return false;
}

void download_end(void)
{
    curl_global_cleanup();
}

/* `path` with `suffix`, malloc'ed; NULL without memory. */
static char *beside(const char *path, const char *suffix)
{
    const size_t size = strlen(path) + strlen(suffix) + 1;
    char *name = malloc(size);
    if (name) snprintf(name, size, "%s%s", path, suffix);
    return name;
}

static CURL *request(const char *url, const char *token)
{
    CURL *curl = curl_easy_init();
    if (!curl) return NULL;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 10L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 30L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, 60L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "swell/" SWELL_VERSION);
    if (token) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, token);
    }
    return curl;
}

/* ---- answers --------------------------------------------------------------------------------- */

static long status_of(CURL *curl)
{
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

/* Headers of each answer on the way: only the last one's ETag counts. */
static size_t take_header(char *line, size_t size, size_t n, void *user)
{
    struct fetch *f = user;
    static const char name[] = "etag:";
    size *= n;
    if (size > 5 && memcmp(line, "HTTP/", 5) == 0) f->etag[0] = 0;
    if (size < sizeof name || strncasecmp(line, name, sizeof name - 1) != 0) return size;
    const char *from = line + sizeof name - 1, *end = line + size;
    while (from < end && *from == ' ') from++;
    while (end > from && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' ')) end--;
    const bool weak = end - from > 2 && memcmp(from, "W/", 2) == 0; /* names no bytes */
    if (!weak && end - from < ETAG)
        snprintf(f->etag, sizeof f->etag, "%.*s", (int)(end - from), from);
    return size;
}

/* Before the first bytes of an answer are written: does it go on where the part ends? */
static bool begin_answer(struct fetch *f)
{
    const long status = status_of(f->curl);
    f->begun = true;
    if (status == 206 && f->from > 0) return true;
    if (status != 200) {
        f->refuse = "no file";
        return false;
    }
    if (f->from > 0 && ftruncate(fileno(f->part), 0) != 0) {
        f->error = errno;
        return false;
    }
    rewind(f->part);
    f->from = f->written = 0;
    return true;
}

static size_t take_bytes(char *data, size_t size, size_t n, void *user)
{
    struct fetch *f = user;
    size *= n;
    if (!f->begun && !begin_answer(f)) return 0;
    if (f->d->size >= 0 && f->written + (int64_t)size > f->d->size) {
        f->refuse = "it is longer than it should be";
        return 0;
    }
    if (fwrite(data, 1, size, f->part) != size) {
        f->error = errno;
        return 0;
    }
    f->written += (int64_t)size;
    return size;
}

static int show(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
    struct fetch *f = user;
    (void)up_total, (void)up;
    if (sw__interrupted()) return 1;
    const double whole = f->d->size >= 0 ? (double)f->d->size : (double)(total + f->from);
    if (!f->bar || now == 0 || f->written == f->from) return 0;
    curl_off_t speed = 0;
    char text[128], so_far[24], all[24], second[24];
    curl_easy_getinfo(f->curl, CURLINFO_SPEED_DOWNLOAD_T, &speed);
    const char *name = strrchr(f->d->path, '/');
    snprintf(text, sizeof text, "%.40s  %s of %s, %s/s", name ? name + 1 : f->d->path,
             sw__bytes_text((double)f->written, so_far),
             whole > 0 ? sw__bytes_text(whole, all) : "?", sw__bytes_text((double)speed, second));
    sw__progress_show(&f->progress, whole > 0 ? 0.9999 * (double)f->written / whole : 0, text);
    return 0;
}

/* What an HTTP status means for who asked. */
static const char *advice(long status, const char *token)
{
    switch (status) {
    case 401:
    case 403:
        return token ? "the token of $HF_TOKEN does not open it"
                     : "it asks for a token: set HF_TOKEN, and accept the model's terms there";
    case 404: return "there is no such file";
    case 429: return "the server wants fewer requests: try again later";
    default: return status >= 500 ? "the server failed" : "the server refused";
    }
}

static bool passing(CURLcode code, long status)
{
    switch (code) {
    case CURLE_OK:
    case CURLE_WRITE_ERROR: return status >= 500 && status != 501;
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM: return true;
    default: return false;
    }
}

/* ---- one file -------------------------------------------------------------------------------- */

static void read_etag(const char *name, char etag[ETAG])
{
    FILE *file = fopen(name, "r");
    etag[0] = 0;
    if (!file) return;
    if (!fgets(etag, ETAG, file)) etag[0] = 0;
    etag[strcspn(etag, "\r\n")] = 0;
    fclose(file);
}

static bool write_etag(const char *name, const char *etag)
{
    if (!etag[0]) return remove(name) == 0 || errno == ENOENT;
    FILE *file = fopen(name, "w");
    if (!file) return false;
    const bool whole = fputs(etag, file) >= 0;
    return fclose(file) == 0 && whole;
}

/* One request for what is missing.  The code of libcurl; *status: HTTP's. */
static CURLcode ask(struct fetch *f, const char *etag_name, long *status)
{
    struct download *d = f->d;
    char etag[ETAG], range[64], condition[ETAG + 16];
    struct curl_slist *headers = NULL;
    *status = 0;
    f->begun = false;
    f->etag[0] = 0;
    read_etag(etag_name, etag);
    if (!etag[0] && !d->sha256[0]) f->written = 0;
    if (fseek(f->part, (long)f->written, SEEK_SET) != 0 ||
        ftruncate(fileno(f->part), (off_t)f->written) != 0) {
        f->error = errno;
        return CURLE_WRITE_ERROR;
    }
    f->from = f->written;
    f->curl = request(d->url, d->token);
    if (!f->curl) return CURLE_OUT_OF_MEMORY;
    if (f->from > 0) {
        snprintf(range, sizeof range, "%lld-", (long long)f->from);
        curl_easy_setopt(f->curl, CURLOPT_RANGE, range);
        snprintf(condition, sizeof condition, "If-Range: %s", etag);
        if (etag[0]) headers = curl_slist_append(headers, condition);
    }
    curl_easy_setopt(f->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(f->curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(f->curl, CURLOPT_HEADERDATA, f);
    curl_easy_setopt(f->curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(f->curl, CURLOPT_WRITEDATA, f);
    curl_easy_setopt(f->curl, CURLOPT_XFERINFOFUNCTION, show);
    curl_easy_setopt(f->curl, CURLOPT_XFERINFODATA, f);
    curl_easy_setopt(f->curl, CURLOPT_NOPROGRESS, 0L);
    if (f->bar)
        sw__progress_begin(&f->progress, cli_write, stderr, sw__is_terminal(2),
                           cli_columns(stderr));
    const CURLcode code = curl_easy_perform(f->curl);
    if (f->bar) sw__progress_end(&f->progress);
    *status = status_of(f->curl);
    if (f->begun && f->etag[0] && !write_etag(etag_name, f->etag)) f->error = errno;
    curl_slist_free_all(headers);
    curl_easy_cleanup(f->curl);
    f->curl = NULL;
    if (fflush(f->part) != 0) f->error = errno;
    return code;
}

/* Whether this answer gave the whole file: else *again says whether to ask once more. */
static bool judge(const struct verb *verb, struct fetch *f, CURLcode code, long status, bool *again)
{
    const struct download *d = f->d;
    *again = false;
    if (f->error) {
        cli_fail(verb, "%s.part: %s", d->path, strerror(f->error));
    } else if (code == CURLE_ABORTED_BY_CALLBACK) {
        cli_fail(verb, "stopped: %lld bytes are in %s.part, and the same command goes on",
                 (long long)f->written, d->path);
    } else if (status == 416 &&
               f->from > 0) { /* no bytes behind those: whole, or of another file */
        if (d->size < 0 || f->written == d->size) return true;
        f->written = 0;
        *again = true;
    } else if (passing(code, status)) {
        *again = true;
    } else if (code == CURLE_OK && (status == 200 || status == 206)) {
        if (d->size < 0 || f->written == d->size) return true;
        cli_fail(verb, "%s: %lld bytes came of %lld", d->url, (long long)f->written,
                 (long long)d->size);
    } else if (f->refuse && status >= 200 && status < 300) {
        cli_fail(verb, "%s: %s", d->url, f->refuse);
    } else if (status >= 300 && (code == CURLE_OK || code == CURLE_WRITE_ERROR)) {
        cli_fail(verb, "%s: %s (HTTP %ld)", d->url, advice(status, d->token), status);
    } else {
        cli_fail(verb, "%s: %s", d->url, curl_easy_strerror(code));
    }
    return false;
}

/* Ask, and ask again where the line broke, a little later each time. */
static bool fetch_all(const struct verb *verb, struct fetch *f, const char *etag_name)
{
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        long status;
        bool again;
        const int64_t before = f->written;
        const CURLcode code = ask(f, etag_name, &status);
        if (attempt == 0) f->d->resumed = f->from;
        if (judge(verb, f, code, status, &again)) return true;
        if (!again) return false;
        if (attempt + 1 == ATTEMPTS)
            cli_fail(verb, "%s: %s, %d times; the same command goes on at byte %lld", f->d->url,
                     code != CURLE_OK ? curl_easy_strerror(code) : advice(status, NULL), ATTEMPTS,
                     (long long)f->written);
        else if (f->written <= before)
            for (int i = 0; i < 2 << attempt && !sw__interrupted(); i++) usleep(250000);
        if (f->written > before) attempt = 0; /* it got on */
    }
    return false;
}

/* The SHA-256 and size of a file, into the download. */
static bool sum_file(const struct verb *verb, struct download *d, const char *name, bool bar)
{
    static char room[1 << 20];
    struct sw_sha256 s;
    struct sw_progress progress;
    struct stat info;
    FILE *file = fopen(name, "rb");
    if (!file || fstat(fileno(file), &info) != 0) {
        cli_fail(verb, "%s: %s", name, strerror(errno));
        if (file) fclose(file);
        return false;
    }
    bar = bar && info.st_size > 64 << 20;
    if (bar)
        sw__progress_begin(&progress, cli_write, stderr, sw__is_terminal(2), cli_columns(stderr));
    sw__sha256_begin(&s);
    for (size_t n; (n = fread(room, 1, sizeof room, file)) > 0 && !sw__interrupted();) {
        sw__sha256_add(&s, room, n);
        if (bar) sw__progress_show(&progress, (double)s.size / (double)info.st_size, "checking");
    }
    if (bar) sw__progress_end(&progress);
    const bool whole = !ferror(file) && feof(file);
    d->bytes = (int64_t)s.size;
    sw__sha256_end(&s, d->sum);
    fclose(file);
    if (!whole) cli_fail(verb, "%s: %s", name, sw__interrupted() ? "stopped" : "cannot be read");
    return whole;
}

static bool as_asked(const struct download *d)
{
    return (!d->sha256[0] || strcasecmp(d->sum, d->sha256) == 0) &&
           (d->size < 0 || d->bytes == d->size);
}

/* The whole part is right: to its place, for good. */
static bool put_in_place(const struct verb *verb, const struct download *d, const char *part_name)
{
    FILE *part = fopen(part_name, "rb");
    const bool synced = part && fsync(fileno(part)) == 0;
    if (part) fclose(part);
    if (synced && rename(part_name, d->path) == 0) return true;
    cli_fail(verb, "%s: %s", d->path, strerror(errno));
    return false;
}

/* With a part open at its end. */
static bool run_fetch(const struct verb *verb, struct fetch *f, const char *part_name,
                      const char *etag_name)
{
    struct download *d = f->d;
    bool whole = fetch_all(verb, f, etag_name);
    if (fclose(f->part) != 0 && whole) {
        cli_fail(verb, "%s: %s", part_name, strerror(errno));
        whole = false;
    }
    if (!whole && f->written == 0) {
        remove(part_name);
        remove(etag_name);
    }
    if (!whole || !sum_file(verb, d, part_name, f->bar)) return false;
    if (!as_asked(d)) {
        remove(part_name);
        remove(etag_name);
        cli_fail(verb, "%s: SHA-256 is %s, not %s: what came is thrown away", d->url, d->sum,
                 d->sha256);
        return false;
    }
    if (!put_in_place(verb, d, part_name)) return false;
    remove(etag_name);
    return true;
}

bool download_file(const struct verb *verb, struct download *d, bool progress)
{
    struct fetch f = {.d = d, .bar = progress};
    d->resumed = 0;
    d->there = access(d->path, F_OK) == 0;
    if (d->there) {
        if (!sum_file(verb, d, d->path, progress)) return false;
        if (as_asked(d)) return true;
        cli_fail(verb, "%s is there and is another file: move it away, or name another with --out",
                 d->path);
        return false;
    }
    char *part_name = beside(d->path, ".part"), *etag_name = beside(d->path, ".etag");
    bool done = false;
    if (part_name && etag_name) f.part = fopen(part_name, "ab");
    if (f.part) {
        fclose(f.part);
        f.part = fopen(part_name, "r+b");
    }
    if (!f.part) {
        cli_fail(verb, "%s.part: %s", d->path, strerror(errno));
    } else {
        struct stat info;
        if (fstat(fileno(f.part), &info) == 0) f.written = info.st_size;
        done = run_fetch(verb, &f, part_name, etag_name);
    }
    free(part_name);
    free(etag_name);
    return done;
}

/* ---- documents ------------------------------------------------------------------------------- */

struct document {
    char *text;
    size_t size, room;
    bool too_long;
};

static size_t take_text(char *data, size_t size, size_t n, void *user)
{
    struct document *t = user;
    size *= n;
    if (t->size + size > DOCUMENT) {
        t->too_long = true;
        return 0;
    }
    if (t->size + size + 1 > t->room) {
        const size_t room = 2 * (t->size + size + 1);
        char *text = realloc(t->text, room);
        if (!text) return 0;
        t->text = text;
        t->room = room;
    }
    memcpy(t->text + t->size, data, size);
    t->size += size;
    t->text[t->size] = 0;
    return size;
}

char *download_text(const struct verb *verb, const char *url, const char *token, size_t *size)
{
    struct document t = {0};
    CURL *curl = request(url, token);
    CURLcode code = CURLE_OUT_OF_MEMORY;
    long status = 0;
    if (curl) {
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_text);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, &t);
        code = curl_easy_perform(curl);
        status = status_of(curl);
        curl_easy_cleanup(curl);
    }
    if (code == CURLE_OK && status == 200 && t.text) {
        *size = t.size;
        return t.text;
    }
    free(t.text);
    if (t.too_long)
        cli_fail(verb, "%s: longer than %d bytes", url, DOCUMENT);
    else if (code == CURLE_OK)
        cli_fail(verb, "%s: %s (HTTP %ld)", url,
                 status == 200 ? "nothing came" : advice(status, token), status);
    else
        cli_fail(verb, "%s: %s", url, curl_easy_strerror(code));
    return NULL;
}

/* CSV as in RFC 4180: fields between commas, in quotes where they hold commas or quotes (written twice)
 * or lines.  Here a line has two fields, a picture's path and its label.  A first line whose fields are
 * words such as "path" or "label" is a header.  Empty lines count nothing; a byte order mark neither. */
#include "format/csv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/context_int.h"

enum { FIELD_MOST = 4096 };

struct reader {
    sw_context *ctx;
    const char *name, *p, *end;
    int64_t line;
    struct sw_csv *out;
};

static sw_status wrong(const struct reader *r, const char *what)
{
    return sw__fail(r->ctx, SW_ERR_FORMAT, "%s: line %lld: %s", r->name, (long long)r->line, what);
}

/* One field up to a comma, a line's end or the end; *out lives in the arena. */
static sw_status read_field(struct reader *r, const char **out)
{
    char text[FIELD_MOST + 1];
    size_t n = 0;
    const bool quoted = r->p < r->end && *r->p == '"';
    bool open = quoted;
    if (quoted) r->p++;
    for (; r->p < r->end; r->p++) {
        if (open && *r->p == '"') {
            if (r->p + 1 < r->end && r->p[1] == '"')
                r->p++; /* one of two */
            else {
                open = false;
                continue;
            }
        } else if (!open && (*r->p == ',' || *r->p == '\n' || *r->p == '\r')) {
            break;
        } else if (quoted && !open) {
            return wrong(r, "text behind the closing quote");
        }
        if (*r->p == '\0') return wrong(r, "a zero byte: this is no text");
        if (n == FIELD_MOST) return wrong(r, "a field of more than 4096 bytes");
        if (*r->p == '\n') r->line++;
        text[n++] = *r->p;
    }
    if (open) return wrong(r, "a quote is not closed");
    text[n] = '\0';
    *out = sw__arena_strdup(&r->out->text, text);
    return *out ? SW_OK : sw__fail(r->ctx, SW_ERR_MEMORY, "%s: out of memory", r->name);
}

static bool is_word(const char *text, const char *const *words)
{
    for (; *words; words++) {
        size_t i = 0;
        while (text[i] && tolower((unsigned char)text[i]) == (*words)[i]) i++;
        if (!text[i] && !(*words)[i]) return true;
    }
    return false;
}

static bool is_header(const struct sw_csv_row *row)
{
    static const char *const paths[] = {"path",      "file",  "filename", "file_name",  "filepath",
                                        "filepaths", "image", "images",   "image_path", NULL};
    static const char *const labels[] = {"label",    "labels", "class", "class_name",
                                         "category", "target", NULL};
    return is_word(row->path, paths) && is_word(row->label, labels);
}

static sw_status read_row(struct reader *r)
{
    struct sw_csv_row row;
    sw_status status = read_field(r, &row.path);
    if (status != SW_OK) return status;
    if (r->p == r->end || *r->p != ',') return wrong(r, "no comma: path,label is expected");
    r->p++;
    status = read_field(r, &row.label);
    if (status != SW_OK) return status;
    if (r->p < r->end && *r->p == ',')
        return wrong(r, "more than two fields: path,label is expected");
    if (r->out->count == 0 && r->line == 1 && is_header(&row)) return SW_OK;
    if (!*row.path) return wrong(r, "an empty path");
    if (!*row.label) return wrong(r, "an empty label");
    if (!sw__grow(&r->out->rows, &r->out->capacity, r->out->count + 1, sizeof row))
        return sw__fail(r->ctx, SW_ERR_MEMORY, "%s: out of memory", r->name);
    r->out->rows[r->out->count++] = row;
    return SW_OK;
}

sw_status sw__csv_parse(sw_context *ctx, const char *name, const char *bytes, size_t size,
                        struct sw_csv *out)
{
    struct reader r = {ctx, name, bytes, bytes + size, 1, out};
    sw_status status = SW_OK;
    *out = (struct sw_csv){0};
    if (size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) r.p += 3;
    while (status == SW_OK && r.p < r.end) {
        if (*r.p == '\n') {
            r.line++;
            r.p++;
        } else if (*r.p == '\r') {
            r.p++;
        } else {
            status = read_row(&r);
        }
    }
    return status;
}

void sw__csv_free(struct sw_csv *csv)
{
    free(csv->rows);
    sw__arena_free(&csv->text);
    *csv = (struct sw_csv){0};
}

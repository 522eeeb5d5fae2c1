/* JSON (RFC 8259) to jansson's values, by recursive descent.
 *
 * jansson has a parser, but when memory is short it is none (2.14, load.c: lex_save): where the buffer of a
 * token cannot grow, it drops the character and goes on, so that "false" becomes "fale", 120 becomes 12, and an
 * escape cut in two ends the process by an assertion.  Here every allocation that fails ends the parse.
 *
 * Left out: reals beyond a double and integers beyond 64 bits are refused; so are values nested deeper than
 * DEPTH, names that stand twice in an object, and U+0000 in strings. */
#include "format/json_read.h"

#include <errno.h>
#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/utf8.h"

enum { DEPTH = 256, NUMBER = 320 };

struct reader {
    const char *start, *at, *end;
    char *text; /* room for any string of the source, decoded */
    int depth;
    sw_status status;
    struct sw_json_error *error;
};

static json_t *read_value(struct reader *r);

static json_t *refuse(struct reader *r, const char *why)
{
    if (r->status != SW_OK) return NULL;
    r->status = SW_ERR_FORMAT;
    r->error->offset = (size_t)(r->at - r->start);
    snprintf(r->error->why, sizeof r->error->why, "%s", why);
    return NULL;
}

/* A value of jansson's, where NULL means that memory was short. */
static json_t *made(struct reader *r, json_t *value)
{
    if (!value && r->status == SW_OK) {
        r->status = SW_ERR_MEMORY;
        snprintf(r->error->why, sizeof r->error->why, "out of memory");
    }
    return value;
}

static void skip_spaces(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
}

static bool take(struct reader *r, char c)
{
    skip_spaces(r);
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

/* ---- strings ----------------------------------------------------------------------------------- */

/* Four hexadecimal digits; -1: they are none. */
static long hex4(struct reader *r)
{
    long v = 0;
    if (r->end - r->at < 4) return -1;
    for (int i = 0; i < 4; i++) {
        const char c = r->at[i];
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0) return -1;
        v = v * 16 + digit;
    }
    r->at += 4;
    return v;
}

/* What stands behind \u: one or two sixteen-bit units. */
static bool unicode(struct reader *r, size_t *n)
{
    long c = hex4(r);
    if (c >= 0xD800 && c < 0xDC00) {
        const bool pair = r->end - r->at >= 2 && r->at[0] == '\\' && r->at[1] == 'u';
        if (pair) r->at += 2;
        const long low = pair ? hex4(r) : -1;
        c = low >= 0xDC00 && low < 0xE000 ? 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00) : -1;
    }
    if (c <= 0 || (c >= 0xDC00 && c < 0xE000)) return refuse(r, "\\u and no character") != NULL;
    *n += sw__utf8_write(r->text + *n, (int32_t)c);
    return true;
}

static bool escape(struct reader *r, size_t *n)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char c = r->at < r->end ? *r->at : 0;
    const char *known = c ? strchr(from, c) : NULL;
    if (!known && c != 'u') return refuse(r, "an unknown escape") != NULL;
    r->at++;
    if (c == 'u') return unicode(r, n);
    r->text[(*n)++] = to[known - from];
    return true;
}

/* Behind the first quote: decode into r->text, which is never too small, as an escape is longer than what it
 * stands for. */
static bool read_text(struct reader *r, size_t *n)
{
    for (*n = 0; r->at < r->end && *r->at != '"';) {
        if (*r->at == '\\') {
            r->at++;
            if (!escape(r, n)) return false;
            continue;
        }
        const size_t size = sw__utf8_size(r->at, (size_t)(r->end - r->at));
        if (!size || (unsigned char)*r->at < 0x20)
            return refuse(r, size ? "a control character in a string"
                                  : "bytes that are no UTF-8") != NULL;
        memcpy(r->text + *n, r->at, size);
        *n += size;
        r->at += size;
    }
    if (r->at == r->end) return refuse(r, "a string without end") != NULL;
    r->at++;
    r->text[*n] = 0;
    return true;
}

/* ---- numbers ----------------------------------------------------------------------------------- */

static void digits(struct reader *r)
{
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') r->at++;
}

/* The grammar of RFC 8259; *real: it has a fraction or an exponent. */
static bool number_ends(struct reader *r, bool *real)
{
    if (*r->at == '-') r->at++;
    const char *whole = r->at;
    digits(r);
    if (r->at == whole || (*whole == '0' && r->at > whole + 1)) return false;
    *real = false;
    if (r->at < r->end && *r->at == '.') {
        const char *fraction = ++r->at;
        *real = true;
        digits(r);
        if (r->at == fraction) return false;
    }
    if (r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
        *real = true;
        r->at++;
        if (r->at < r->end && (*r->at == '+' || *r->at == '-')) r->at++;
        const char *exponent = r->at;
        digits(r);
        if (r->at == exponent) return false;
    }
    return true;
}

static json_t *read_number(struct reader *r)
{
    char text[NUMBER];
    const char *from = r->at;
    bool real;
    if (!number_ends(r, &real)) return refuse(r, "no value");
    const size_t n = (size_t)(r->at - from);
    if (n >= sizeof text) return refuse(r, "a number of too many digits");
    memcpy(text, from, n);
    text[n] = 0;
    errno = 0;
    if (!real) {
        const long long v = strtoll(text, NULL, 10);
        return errno ? refuse(r, "an integer beyond 64 bits") : made(r, json_integer(v));
    }
    char *point = strchr(text, '.');
    if (point) *point = *localeconv()->decimal_point;
    const double v = strtod(text, NULL);
    return isfinite(v) ? made(r, json_real(v)) : refuse(r, "a number beyond a double");
}

/* ---- values -------------------------------------------------------------------------------------- */

static json_t *read_word(struct reader *r, const char *word, json_t *value)
{
    const size_t n = strlen(word);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0) return refuse(r, "no value");
    r->at += n;
    return value; /* jansson's constants are not counted */
}

static json_t *read_array(struct reader *r)
{
    json_t *array = made(r, json_array());
    if (!array || take(r, ']')) return array;
    do {
        json_t *value = read_value(r);
        if (value && json_array_append_new(array, value) != 0) made(r, NULL);
    } while (r->status == SW_OK && take(r, ','));
    if (r->status == SW_OK && !take(r, ']')) refuse(r, "neither , nor ] in an array");
    return array;
}

/* "name": value */
static void read_member(struct reader *r, json_t *object)
{
    size_t n;
    if (!take(r, '"')) {
        refuse(r, "no name in an object");
        return;
    }
    if (!read_text(r, &n)) return;
    if (json_object_get(object, r->text)) {
        refuse(r, "a duplicate name in an object");
        return;
    }
    char *name = malloc(n + 1);
    if (!name) {
        made(r, NULL);
        return;
    }
    memcpy(name, r->text, n + 1);
    json_t *value = take(r, ':') ? read_value(r) : refuse(r, "no : behind a name");
    if (value && json_object_set_new_nocheck(object, name, value) != 0) made(r, NULL);
    free(name);
}

static json_t *read_object(struct reader *r)
{
    json_t *object = made(r, json_object());
    if (!object || take(r, '}')) return object;
    do {
        read_member(r, object);
    } while (r->status == SW_OK && take(r, ','));
    if (r->status == SW_OK && !take(r, '}')) refuse(r, "neither , nor } in an object");
    return object;
}

/* NULL: r->status says why. */
static json_t *read_value(struct reader *r)
{
    json_t *value = NULL;
    size_t n;
    skip_spaces(r);
    if (r->at == r->end) return refuse(r, "the text ends too early");
    if (++r->depth > DEPTH) return refuse(r, "values too deep inside each other");
    switch (*r->at) {
    case '{':
    case '[': value = *r->at++ == '{' ? read_object(r) : read_array(r); break;
    case '"':
        r->at++;
        if (read_text(r, &n)) value = made(r, json_stringn_nocheck(r->text, n));
        break;
    case 't': value = read_word(r, "true", json_true()); break;
    case 'f': value = read_word(r, "false", json_false()); break;
    case 'n': value = read_word(r, "null", json_null()); break;
    default: value = read_number(r);
    }
    r->depth--;
    if (r->status == SW_OK) return value;
    json_decref(value);
    return NULL;
}

sw_status sw__json_read(const char *text, size_t size, struct json_t **out,
                        struct sw_json_error *error)
{
    struct reader r = {.start = text, .at = text, .end = text + size, .error = error};
    *error = (struct sw_json_error){0};
    *out = NULL;
    r.text = malloc(size + 1);
    if (!r.text) made(&r, NULL);
    json_t *value = r.text ? read_value(&r) : NULL;
    skip_spaces(&r);
    if (value && r.at < r.end) refuse(&r, "something behind the value");
    free(r.text);
    if (r.status == SW_OK) {
        *out = value;
        return SW_OK;
    }
    json_decref(value);
    return r.status;
}

/* Regular expressions as grammars match them, that is, as a whole: the regular part of ECMAScript's (ECMA-262,
 * section 22.2, with the flag u), which JSON Schema uses too.
 *
 *     characters, .  [a-z] [^a-z]  \d \w \s \D \W \S  \t \n \r \f \v \xHH \uHHHH \u{H...}  ( ) (?: ) (?<name> )  |
 *     * + ? {m} {m,} {m,n}, each also lazy (with a ? behind), which matches the same texts
 *     ^ and $ at the ends of the expression or of its alternatives
 *
 * What is not regular (look-around, back references) and what depends on tables of Unicode (\p) or on context
 * (\b) is refused by name and position. */
#include <stdlib.h>
#include <string.h>
#include "base/utf8.h"
#include "text/grammar_source.h"

enum { MAX_REPEAT = 100000, MAX_CLASS = 4096 };

struct parser {
    struct sw_source *s;
    const char *text;
    size_t n, at;
    const char *where;
    int depth;
    bool search, json;
    struct sw_range *ranges; /* of the class at hand */
    int64_t n_ranges;
};

static struct sw_tree *refuse(struct parser *p, sw_status status, size_t at, const char *why)
{
    return sw__source_fail(p->s, status, "%s: position %zu: %s", p->where, at, why);
}

static struct sw_tree *malformed(struct parser *p, const char *why)
{
    return refuse(p, SW_ERR_FORMAT, p->at, why);
}

static struct sw_tree *unsupported(struct parser *p, const char *what)
{
    return refuse(p, SW_ERR_UNSUPPORTED, p->at, what);
}

static bool ahead(const struct parser *p, const char *what)
{
    const size_t n = strlen(what);
    return p->n - p->at >= n && memcmp(p->text + p->at, what, n) == 0;
}

static bool take(struct parser *p, char c)
{
    if (p->at == p->n || p->text[p->at] != c) return false;
    p->at++;
    return true;
}

/* ---- characters and classes -------------------------------------------------------------------- */

static bool put_range(struct parser *p, uint32_t low, uint32_t high)
{
    if (p->n_ranges >= MAX_CLASS) return malformed(p, "a class of too many parts") != NULL;
    p->ranges[p->n_ranges++] = (struct sw_range){low, high};
    return true;
}

static const struct sw_range digits[] = {{'0', '9'}};
static const struct sw_range words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
static const struct sw_range spaces[] = {
    {9, 13},          {' ', ' '},       {0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A},
    {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

/* The ranges of \d and the like, or all others.  False: no such class. */
static bool put_named(struct parser *p, char name)
{
    const struct sw_range *r;
    int n;
    switch (name) {
    case 'd':
    case 'D':
        r = digits;
        n = COUNT(digits);
        break;
    case 'w':
    case 'W':
        r = words;
        n = COUNT(words);
        break;
    default: r = spaces; n = COUNT(spaces);
    }
    uint32_t from = 0;
    for (int i = 0; i < n; i++) {
        if (name >= 'a') {
            if (!put_range(p, r[i].low, r[i].high)) return false;
        } else if (!put_range(p, from, r[i].low - 1)) {
            return false;
        }
        from = r[i].high + 1;
    }
    return name >= 'a' || put_range(p, from, SW_MAX_CODE_POINT);
}

/* Up to `most` hexadecimal digits, at least `least`. */
static bool hex(struct parser *p, int least, int most, uint32_t *out)
{
    int n = 0;
    *out = 0;
    for (; n < most && p->at < p->n; n++) {
        const char *set = "0123456789abcdef0123456789ABCDEF";
        const char c = p->text[p->at];
        const char *digit = c ? strchr(set, c) : NULL;
        if (!digit) break;
        *out = *out << 4 | (uint32_t)((digit - set) & 15);
        p->at++;
    }
    return n >= least;
}

static bool code_point(struct parser *p, uint32_t *out)
{
    const size_t n = sw__utf8_next(p->text + p->at, p->n - p->at, out);
    if (n == 0) return malformed(p, "bytes that are no UTF-8") != NULL;
    p->at += n;
    return true;
}

static bool checked(struct parser *p, uint32_t c)
{
    if (c <= SW_MAX_CODE_POINT && (c < 0xD800 || c > 0xDFFF)) return true;
    return malformed(p, "an escape that is no character") != NULL;
}

/* Behind a backslash: one character.  Classes were looked for before. */
static bool escape(struct parser *p, uint32_t *out)
{
    static const char from[] = "tnrfv0", to[] = "\t\n\r\f\v\0";
    if (p->at == p->n) return malformed(p, "a backslash at the end") != NULL;
    const char c = p->text[p->at];
    if (c >= '1' && c <= '9') return unsupported(p, "back references are not supported") != NULL;
    if (c == 'b' || c == 'B')
        return unsupported(p, "word boundaries (\\b, \\B) are not supported") != NULL;
    if (c == 'p' || c == 'P')
        return unsupported(p, "classes of Unicode (\\p, \\P) are not supported") != NULL;
    if (c == 'c' || c == 'k')
        return unsupported(p, "the escapes \\c and \\k are not supported") != NULL;
    const char *known = c ? strchr(from, c) : NULL;
    if (known) {
        p->at++;
        *out = (uint32_t)to[known - from];
        return true;
    }
    if (take(p, 'x')) return hex(p, 2, 2, out) || malformed(p, "\\x without two digits");
    if (take(p, 'u')) {
        if (take(p, '{'))
            return ((hex(p, 1, 6, out) && take(p, '}')) ||
                    malformed(p, "\\u{ without digits and }")) &&
                   checked(p, *out);
        return (hex(p, 4, 4, out) || malformed(p, "\\u without four digits")) && checked(p, *out);
    }
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return malformed(p, "an unknown escape") != NULL;
    return code_point(p, out);
}

static bool named_class(const struct parser *p)
{
    const char c = p->n - p->at >= 2 && p->text[p->at] == '\\' ? p->text[p->at + 1] : 0;
    return c && strchr("dDwWsS", c) != NULL;
}

/* One character of a class. */
static bool class_character(struct parser *p, uint32_t *out)
{
    if (!take(p, '\\')) return code_point(p, out);
    if (take(p, 'b')) {
        *out = '\b';
        return true;
    }
    return escape(p, out);
}

static bool class_part(struct parser *p)
{
    uint32_t low, high;
    if (named_class(p)) {
        p->at += 2;
        return put_named(p, p->text[p->at - 1]);
    }
    if (!class_character(p, &low)) return false;
    high = low;
    if (ahead(p, "-") && !ahead(p, "-]")) {
        p->at++;
        if (p->at == p->n || named_class(p)) return malformed(p, "a range without an end") != NULL;
        if (!class_character(p, &high)) return false;
        if (high < low) return malformed(p, "a range whose end is before its beginning") != NULL;
    }
    return put_range(p, low, high);
}

static struct sw_tree *read_class(struct parser *p)
{
    const size_t begin = p->at;
    const bool negated = take(p, '^');
    p->n_ranges = 0;
    while (p->at < p->n && p->text[p->at] != ']')
        if (!class_part(p)) return NULL;
    if (!take(p, ']')) return refuse(p, SW_ERR_FORMAT, begin, "a class without ]");
    if (p->n_ranges == 0) return refuse(p, SW_ERR_FORMAT, begin, "an empty class");
    return sw__tree_chars(p->s, p->ranges, p->n_ranges, negated, p->json);
}

static struct sw_tree *one_character(struct parser *p, uint32_t c)
{
    return sw__tree_chars(p->s, &(struct sw_range){c, c}, 1, false, p->json);
}

static struct sw_tree *any_text(struct parser *p)
{
    return sw__tree_repeat(p->s, sw__tree_chars(p->s, NULL, 0, true, p->json), 0, -1);
}

/* ---- structure --------------------------------------------------------------------------------- */

static struct sw_tree *alternatives(struct parser *p);

static struct sw_tree *group(struct parser *p)
{
    const size_t begin = p->at - 1;
    if (take(p, '?')) {
        if (ahead(p, "=") || ahead(p, "!"))
            return refuse(p, SW_ERR_UNSUPPORTED, begin, "look-ahead is not supported");
        if (ahead(p, "<=") || ahead(p, "<!"))
            return refuse(p, SW_ERR_UNSUPPORTED, begin, "look-behind is not supported");
        if (take(p, '<')) {
            while (p->at < p->n && p->text[p->at] != '>') p->at++;
            if (!take(p, '>')) return refuse(p, SW_ERR_FORMAT, begin, "a name without >");
        } else if (!take(p, ':')) {
            return refuse(p, SW_ERR_UNSUPPORTED, begin, "flags in a group are not supported");
        }
    }
    struct sw_tree *t = alternatives(p);
    if (t && !take(p, ')')) return refuse(p, SW_ERR_FORMAT, begin, "a group without )");
    return t;
}

static struct sw_tree *atom(struct parser *p)
{
    static const struct sw_range lines[] = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};
    uint32_t c;
    if (take(p, '(')) return group(p);
    if (take(p, '[')) return read_class(p);
    if (take(p, '.')) return sw__tree_chars(p->s, lines, 3, true, p->json);
    if (named_class(p)) {
        p->at += 2;
        p->n_ranges = 0;
        if (!put_named(p, p->text[p->at - 1])) return NULL;
        return sw__tree_chars(p->s, p->ranges, p->n_ranges, false, p->json);
    }
    if (strchr("*+?{", p->text[p->at])) return malformed(p, "nothing to repeat");
    if (strchr("]}", p->text[p->at])) return malformed(p, "a bracket that closes nothing");
    if (strchr("^$", p->text[p->at]))
        return unsupported(p, "^ and $ are supported at the ends of the expression only");
    if (take(p, '\\')) return escape(p, &c) ? one_character(p, c) : NULL;
    return code_point(p, &c) ? one_character(p, c) : NULL;
}

static bool number(struct parser *p, int64_t *out)
{
    const size_t begin = p->at;
    *out = 0;
    while (p->at < p->n && p->text[p->at] >= '0' && p->text[p->at] <= '9') {
        *out = *out * 10 + (p->text[p->at++] - '0');
        if (*out > MAX_REPEAT) return refuse(p, SW_ERR_SIZE, begin, "a count above 100000") != NULL;
    }
    return p->at > begin;
}

/* False: no quantifier, or an error. */
static bool quantifier(struct parser *p, int64_t *min, int64_t *max)
{
    const size_t begin = p->at;
    *min = 0;
    *max = -1;
    if (take(p, '*')) return true;
    if (take(p, '+')) {
        *min = 1;
        return true;
    }
    if (take(p, '?')) {
        *max = 1;
        return true;
    }
    if (!take(p, '{')) return false;
    bool good = number(p, min);
    *max = *min;
    if (good && take(p, ',')) {
        *max = -1;
        if (p->at < p->n && p->text[p->at] != '}') good = number(p, max) && *max >= *min;
    }
    if (good && take(p, '}')) return true;
    return refuse(p, SW_ERR_FORMAT, begin, "no count {m,n}") != NULL;
}

static struct sw_tree *repeated(struct parser *p)
{
    int64_t min, max;
    struct sw_tree *t = atom(p);
    if (!t || !quantifier(p, &min, &max)) return t;
    take(p, '?');
    if (ahead(p, "+")) return unsupported(p, "possessive repetition is not supported");
    if (p->at < p->n && strchr("*?{", p->text[p->at])) return malformed(p, "nothing to repeat");
    return sw__tree_repeat(p->s, t, min, max);
}

/* Up to | or ) or the end. */
static struct sw_tree *sequence(struct parser *p)
{
    struct sw_tree_items items = {0};
    const bool outer = p->depth == 1;
    const bool begins = outer && take(p, '^');
    bool ends = false;
    if (outer && p->search && !begins) sw__tree_push(p->s, &items, any_text(p));
    while (p->s->status == SW_OK && p->at < p->n && !ahead(p, "|") && !ahead(p, ")")) {
        if (outer && ahead(p, "$") && (p->at + 1 == p->n || p->text[p->at + 1] == '|')) {
            ends = take(p, '$');
            continue;
        }
        sw__tree_push(p->s, &items, repeated(p));
    }
    if (outer && p->search && !ends) sw__tree_push(p->s, &items, any_text(p));
    struct sw_tree *t = p->s->status == SW_OK ? sw__tree_seq(p->s, items.at, items.n) : NULL;
    free(items.at);
    return t;
}

static struct sw_tree *alternatives(struct parser *p)
{
    struct sw_tree_items items = {0};
    struct sw_tree *t = NULL;
    if (++p->depth > SW_TREE_DEPTH)
        return refuse(p, SW_ERR_SIZE, p->at, "groups too deep inside each other");
    do {
        sw__tree_push(p->s, &items, sequence(p));
    } while (p->s->status == SW_OK && take(p, '|'));
    p->depth--;
    if (p->s->status == SW_OK) t = sw__tree_alt(p->s, items.at, items.n);
    free(items.at);
    return t;
}

struct sw_tree *sw__regex_tree(struct sw_source *s, const char *text, size_t n, bool search,
                               bool json, const char *where)
{
    struct parser p = {
        .s = s, .text = text, .n = n, .where = where, .search = search, .json = json};
    p.ranges = sw__source_alloc(s, MAX_CLASS, sizeof *p.ranges);
    if (!p.ranges) return NULL;
    struct sw_tree *t = alternatives(&p);
    return t && p.at < p.n ? malformed(&p, "a ) that closes nothing") : t;
}

void sw__regex_parse(struct sw_source *s, const char *text, size_t n)
{
    if (sw__source_rule(s, "the expression") < 0) return;
    struct sw_tree *t = sw__regex_tree(s, text, n, false, false, "regex");
    s->rules[0].tree = t;
}

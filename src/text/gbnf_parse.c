/* GBNF, the grammars of llama.cpp (its grammars/README.md).
 *
 *     name ::= "text" [a-z] [^a-z] . other-rule ( grouped ) | alternative      # comment
 *     each may have * + ? {m} {m,} {m,n} {,n} behind it
 *     escapes in texts and classes: \n \r \t \\ \" \[ \] \xHH \uHHHH \UHHHHHHHH
 *
 * A rule ends at the end of its line, except inside of ( ), behind ::= and beside |.  The text is what
 * the rule `root` makes.  Characters are code points.  Left recursion is refused when the grammar is
 * measured; names of tokens (<...>) are refused here. */
#include <stdlib.h>
#include <string.h>
#include "base/utf8.h"
#include "text/grammar_source.h"

enum { MAX_CLASS = 4096, MAX_REPEAT = 100000 };

struct parser {
    struct sw_source *s;
    const char *text;
    size_t n, at;
    int depth;
    int32_t line;
    int32_t *table; /* rules by the hash of their names, -1: empty */
    int64_t slots;
    struct sw_range *ranges;
};

static struct sw_tree *refuse(struct parser *p, sw_status status, const char *why)
{
    int line = 1;
    for (size_t i = 0; i < p->at && i < p->n; i++) line += p->text[i] == '\n';
    return sw__source_fail(p->s, status, "grammar: line %d: %s", line, why);
}

static struct sw_tree *malformed(struct parser *p, const char *why)
{
    return refuse(p, SW_ERR_FORMAT, why);
}

static bool take(struct parser *p, char c)
{
    if (p->at == p->n || p->text[p->at] != c) return false;
    p->at++;
    return true;
}

/* Spaces and comments; line ends too where they mean nothing. */
static void skip(struct parser *p, bool lines)
{
    for (; p->at < p->n; p->at++) {
        const char c = p->text[p->at];
        if (c == '#') {
            while (p->at < p->n && p->text[p->at] != '\n' && p->text[p->at] != '\r') p->at++;
            if (p->at == p->n) return;
        }
        const char here = p->text[p->at];
        if (here == ' ' || here == '\t') continue;
        if (lines && (here == '\n' || here == '\r')) continue;
        return;
    }
}

/* ---- names ------------------------------------------------------------------------------------- */

static bool name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

static size_t name_size(const struct parser *p)
{
    size_t n = 0;
    while (p->at + n < p->n && name_character(p->text[p->at + n])) n++;
    return n;
}

static bool grow_table(struct parser *p)
{
    const int64_t slots = p->slots ? 4 * p->slots : 256;
    int32_t *table = malloc((size_t)slots * sizeof *table);
    if (!table) return false;
    memset(table, 0xFF, (size_t)slots * sizeof *table);
    free(p->table);
    p->table = table;
    p->slots = slots;
    for (int32_t i = 0; i < p->s->n; i++) {
        uint64_t h = 5381;
        for (const char *c = p->s->rules[i].name; *c; c++) h = h * 33 + (uint8_t)*c;
        while (table[h % (uint64_t)slots] >= 0) h++;
        table[h % (uint64_t)slots] = i;
    }
    return true;
}

/* The number of the rule of this name, made if it is new; -1: out of memory. */
static int32_t find_rule(struct parser *p, const char *name, size_t n)
{
    if (2 * (p->s->n + 1) > p->slots && !grow_table(p)) {
        sw__source_fail(p->s, SW_ERR_MEMORY, "grammar: out of memory");
        return -1;
    }
    uint64_t h = 5381;
    for (size_t i = 0; i < n; i++) h = h * 33 + (uint8_t)name[i];
    for (;; h++) {
        int32_t *slot = &p->table[h % (uint64_t)p->slots];
        if (*slot >= 0) {
            const char *other = p->s->rules[*slot].name;
            if (strlen(other) == n && memcmp(other, name, n) == 0) return *slot;
            continue;
        }
        char *copy = sw__source_alloc(p->s, n + 1, 1);
        if (!copy) return -1;
        memcpy(copy, name, n);
        const int32_t rule = sw__source_rule(p->s, copy);
        if (rule >= 0) *slot = rule;
        return rule;
    }
}

/* ---- characters -------------------------------------------------------------------------------- */

static bool hex(struct parser *p, int n, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < n; i++) {
        static const char set[] = "0123456789abcdef0123456789ABCDEF";
        const char c = p->at < p->n ? p->text[p->at] : 0;
        const char *digit = c ? strchr(set, c) : NULL;
        if (!digit) return malformed(p, "an escape of too few hexadecimal digits") != NULL;
        *out = *out << 4 | (uint32_t)((digit - set) & 15);
        p->at++;
    }
    if (*out > SW_MAX_CODE_POINT || (*out >= 0xD800 && *out <= 0xDFFF))
        return malformed(p, "an escape that is no character") != NULL;
    return true;
}

static bool character(struct parser *p, uint32_t *out)
{
    static const char from[] = "nrt\\\"[]-^", to[] = "\n\r\t\\\"[]-^";
    if (!take(p, '\\')) {
        const size_t n = sw__utf8_next(p->text + p->at, p->n - p->at, out);
        p->at += n;
        return n > 0 || malformed(p, "bytes that are no UTF-8") != NULL;
    }
    const char c = p->at < p->n ? p->text[p->at] : 0;
    const char *known = c ? strchr(from, c) : NULL;
    p->at++;
    if (known) {
        *out = (uint32_t)(uint8_t)to[known - from];
        return true;
    }
    if (c == 'x') return hex(p, 2, out);
    if (c == 'u') return hex(p, 4, out);
    if (c == 'U') return hex(p, 8, out);
    p->at--;
    return malformed(p, "an unknown escape") != NULL;
}

static struct sw_tree *read_text(struct parser *p)
{
    struct sw_tree_items items = {0};
    struct sw_tree *t = NULL;
    uint32_t c;
    while (p->s->status == SW_OK && p->at < p->n && p->text[p->at] != '"')
        if (character(p, &c))
            sw__tree_push(p->s, &items,
                          sw__tree_chars(p->s, &(struct sw_range){c, c}, 1, false, false));
    if (p->s->status == SW_OK)
        t = take(p, '"') ? sw__tree_seq(p->s, items.at, items.n)
                         : malformed(p, "a text without its closing \"");
    free(items.at);
    return t;
}

static struct sw_tree *read_class(struct parser *p)
{
    const bool negated = take(p, '^');
    int64_t n = 0;
    while (p->at < p->n && p->text[p->at] != ']') {
        struct sw_range r;
        if (n == MAX_CLASS) return malformed(p, "a class of too many parts");
        if (!character(p, &r.low)) return NULL;
        r.high = r.low;
        if (p->n - p->at >= 2 && p->text[p->at] == '-' && p->text[p->at + 1] != ']') {
            p->at++;
            if (!character(p, &r.high)) return NULL;
            if (r.high < r.low) return malformed(p, "a range whose end is before its beginning");
        }
        p->ranges[n++] = r;
    }
    if (!take(p, ']')) return malformed(p, "a class without ]");
    if (n == 0 && !negated) return malformed(p, "an empty class");
    return sw__tree_chars(p->s, p->ranges, n, negated, false);
}

/* ---- structure --------------------------------------------------------------------------------- */

static struct sw_tree *alternatives(struct parser *p, bool nested);

static struct sw_tree *symbol(struct parser *p)
{
    const size_t n = name_size(p);
    if (n > 0) {
        const int32_t rule = find_rule(p, p->text + p->at, n);
        p->at += n;
        return sw__tree_call(p->s, rule);
    }
    if (take(p, '"')) return read_text(p);
    if (take(p, '[')) return read_class(p);
    if (take(p, '.')) return sw__tree_chars(p->s, NULL, 0, true, false);
    if (take(p, '(')) {
        skip(p, true);
        struct sw_tree *t = alternatives(p, true);
        return t && !take(p, ')') ? malformed(p, "a group without )") : t;
    }
    if (take(p, '<') || take(p, '!'))
        return refuse(p, SW_ERR_UNSUPPORTED, "tokens by name (<...>) are not supported");
    return malformed(p, "neither a text, a class, a group nor a rule");
}

static bool number(struct parser *p, int64_t *out)
{
    const size_t begin = p->at;
    for (*out = 0; p->at < p->n && p->text[p->at] >= '0' && p->text[p->at] <= '9'; p->at++) {
        *out = *out * 10 + (p->text[p->at] - '0');
        if (*out > MAX_REPEAT) return refuse(p, SW_ERR_SIZE, "a count above 100000") != NULL;
    }
    return p->at > begin;
}

/* Behind a {. */
static struct sw_tree *counted(struct parser *p, struct sw_tree *t)
{
    int64_t min = 0, max = 0;
    skip(p, true);
    const bool some = number(p, &min);
    skip(p, true);
    if (take(p, ',')) {
        skip(p, true);
        if (!number(p, &max)) max = -1;
        if (!some && max < 0) return malformed(p, "no count {m,n}");
        skip(p, true);
    } else {
        max = min;
        if (!some) return malformed(p, "no count {m,n}");
    }
    if (!take(p, '}')) return malformed(p, "no count {m,n}");
    if (max >= 0 && max < min) return malformed(p, "a count {m,n} with n below m");
    return sw__tree_repeat(p->s, t, min, max);
}

static struct sw_tree *repeated(struct parser *p)
{
    struct sw_tree *t = symbol(p);
    for (int times = 0; t; times++) {
        if (times > SW_TREE_DEPTH) return malformed(p, "too many counts behind each other");
        if (take(p, '*'))
            t = sw__tree_repeat(p->s, t, 0, -1);
        else if (take(p, '+'))
            t = sw__tree_repeat(p->s, t, 1, -1);
        else if (take(p, '?'))
            t = sw__tree_repeat(p->s, t, 0, 1);
        else if (take(p, '{'))
            t = counted(p, t);
        else
            break;
    }
    return t;
}

static bool sequence_ends(const struct parser *p)
{
    const char c = p->at < p->n ? p->text[p->at] : '\n';
    return c == '|' || c == ')' || c == '\n' || c == '\r';
}

static struct sw_tree *sequence(struct parser *p, bool nested)
{
    struct sw_tree_items items = {0};
    for (;;) {
        skip(p, nested);
        if (p->s->status != SW_OK || sequence_ends(p)) break;
        sw__tree_push(p->s, &items, repeated(p));
    }
    struct sw_tree *t = p->s->status == SW_OK ? sw__tree_seq(p->s, items.at, items.n) : NULL;
    free(items.at);
    return t;
}

/* Whether the next line goes on with |. */
static bool goes_on(struct parser *p)
{
    const size_t at = p->at;
    skip(p, true);
    if (p->at < p->n && p->text[p->at] == '|') return true;
    p->at = at;
    return false;
}

static struct sw_tree *alternatives(struct parser *p, bool nested)
{
    struct sw_tree_items items = {0};
    struct sw_tree *t = NULL;
    if (++p->depth > SW_TREE_DEPTH)
        return refuse(p, SW_ERR_SIZE, "groups too deep inside each other");
    do {
        skip(p, true);
        sw__tree_push(p->s, &items, sequence(p, nested));
    } while (p->s->status == SW_OK && goes_on(p) && take(p, '|'));
    p->depth--;
    if (p->s->status == SW_OK) t = sw__tree_alt(p->s, items.at, items.n);
    free(items.at);
    return t;
}

static void read_rule(struct parser *p)
{
    const size_t n = name_size(p);
    if (n == 0) {
        malformed(p, "no name of a rule");
        return;
    }
    const int32_t rule = find_rule(p, p->text + p->at, n);
    p->at += n;
    skip(p, false);
    if (p->n - p->at < 3 || memcmp(p->text + p->at, "::=", 3) != 0) {
        malformed(p, "no ::= behind the name of a rule");
        return;
    }
    p->at += 3;
    struct sw_tree *t = alternatives(p, false);
    if (p->s->status != SW_OK) return;
    if (p->at < p->n && p->text[p->at] != '\n' && p->text[p->at] != '\r')
        malformed(p, "a ) that closes nothing");
    else if (p->s->rules[rule].tree)
        sw__source_fail(p->s, SW_ERR_FORMAT, "grammar: rule '%.80s' stands twice",
                        p->s->rules[rule].name);
    else
        p->s->rules[rule].tree = t;
}

void sw__gbnf_parse(struct sw_source *s, const char *text, size_t n)
{
    struct parser p = {.s = s, .text = text, .n = n};
    p.ranges = sw__source_alloc(s, MAX_CLASS, sizeof *p.ranges);
    if (p.ranges) find_rule(&p, "root", 4); /* rule 0 */
    for (skip(&p, true); s->status == SW_OK && p.at < n; skip(&p, true)) read_rule(&p);
    for (int64_t i = 0; s->status == SW_OK && i < s->n; i++)
        if (!s->rules[i].tree)
            sw__source_fail(s, SW_ERR_FORMAT, "grammar: there is no rule '%.80s'",
                            s->rules[i].name);
    free(p.table);
}

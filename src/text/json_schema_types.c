/* Strings, arrays and objects of a JSON schema. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "text/json_schema_int.h"

enum { MAX_COUNT = 100000 };

/* A count keyword; absent: `otherwise`.  False: refused. */
static bool count(struct sw_schema_reader *r, json_t *schema, const char *keyword,
                  const char *where, int64_t otherwise, int64_t *out)
{
    const json_t *value = json_object_get(schema, keyword);
    *out = otherwise;
    if (!value) return true;
    const double x = json_number_value(value);
    if (!json_is_number(value) || x < 0 || x != (double)(int64_t)x)
        return sw__schema_refuse(r, SW_ERR_FORMAT, where, "%s is no count", keyword) != NULL;
    if (x > MAX_COUNT)
        return sw__schema_refuse(r, SW_ERR_SIZE, where, "%s %.0f is above %d", keyword, x,
                                 MAX_COUNT) != NULL;
    *out = (int64_t)x;
    return true;
}

/* ---- strings ----------------------------------------------------------------------------------- */

/* One character as JSON writes it; escapes of surrogates and of U+0000 are left out. */
static const char character[] =
    "[^\"\\\\\\x00-\\x1f]|\\\\(?:[\"\\\\/bfnrt]|u(?:0(?:0(?:0[1-9a-fA-F]|"
    "[1-9a-fA-F][0-9a-fA-F])|[1-9a-fA-F][0-9a-fA-F]{2})|"
    "[1-9a-cA-Ce-fE-F][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}))";

/* X(format, expression): what is made is valid, not all that is valid is made. */

#define DATE                                                                                       \
    "[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|" \
    "30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
#define HOUR  "(?:[01][0-9]|2[0-3])"
#define TIME  HOUR ":[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,6})?(?:Z|[-+]" HOUR ":[0-5][0-9])"
#define OCTET "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
#define LABEL "[a-z0-9](?:[a-z0-9-]{0,20}[a-z0-9])?"
#define FORMATS(X)                                                                                 \
    X("date", DATE)                                                                                \
    X("time", TIME)                                                                                \
    X("date-time", DATE "T" TIME)                                                                  \
    X("duration", "P(?:[0-9]{1,4}W|[0-9]{1,4}D(?:T[0-9]{1,3}H)?|T[0-9]{1,4}[HMS])")                \
    X("uuid", "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")                      \
    X("email",                                                                                     \
      "[A-Za-z0-9]{1,20}(?:[._+-][A-Za-z0-9]{1,20}){0,2}@" LABEL "(?:\\." LABEL ")?\\.[a-z]{2,6}") \
    X("hostname", LABEL "(?:\\." LABEL "){0,3}")                                                   \
    X("ipv4", OCTET "(?:\\." OCTET "){3}")                                                         \
    X("ipv6", "(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}")                                                \
    X("uri", "https?://" LABEL "(?:\\." LABEL "){1,3}(?:/[A-Za-z0-9._~-]{0,30}){0,6}")

static struct sw_tree *quoted(struct sw_schema_reader *r, struct sw_tree *body)
{
    struct sw_tree *quote = sw__tree_text(r->s, "\"");
    return sw__tree_seq(r->s, (struct sw_tree *[]){quote, body, quote}, 3);
}

static struct sw_tree *of_format(struct sw_schema_reader *r, const json_t *format,
                                 const char *where)
{
    static const char *const known[][2] = {
#define FORMAT_ROW(name, expression) {name, expression},
        FORMATS(FORMAT_ROW)
#undef FORMAT_ROW
    };
    const char *name = json_string_value(format);
    for (size_t i = 0; name && i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i][0]) == 0)
            return quoted(
                r, sw__regex_tree(r->s, known[i][1], strlen(known[i][1]), false, false, name));
    return sw__schema_refuse(r, SW_ERR_UNSUPPORTED, where, "format '%.40s' is not supported",
                             name ? name : "?");
}

/* The rule of a body of min to max characters. */
static struct sw_tree *body(struct sw_schema_reader *r, int64_t min, int64_t max)
{
    for (int64_t i = 0; i < r->n_strings; i++)
        if (r->strings[i].min == min && r->strings[i].max == max)
            return sw__tree_call(r->s, r->strings[i].rule);
    struct sw_tree *one = sw__regex_tree(r->s, character, sizeof character - 1, false, false, "");
    struct sw_tree *all = sw__tree_repeat(r->s, one, min, max);
    const int32_t rule = all ? sw__source_rule(r->s, "a string") : -1;
    if (rule < 0) return NULL;
    r->s->rules[rule].tree = all;
    if (!sw__grow(&r->strings, &r->strings_room, r->n_strings + 1, sizeof *r->strings))
        return sw__source_fail(r->s, SW_ERR_MEMORY, "grammar: out of memory");
    r->strings[r->n_strings++] = (struct sw_string_rule){min, max, rule};
    return sw__tree_call(r->s, rule);
}

struct sw_tree *sw__schema_string(struct sw_schema_reader *r, json_t *schema, const char *where)
{
    const json_t *pattern = json_object_get(schema, "pattern");
    const json_t *format = json_object_get(schema, "format");
    int64_t min, max;
    if (!count(r, schema, "minLength", where, 0, &min) ||
        !count(r, schema, "maxLength", where, -1, &max))
        return NULL;
    if ((pattern || format) && ((pattern && format) || min > 0 || max >= 0))
        return sw__schema_refuse(
            r, SW_ERR_UNSUPPORTED, where,
            "only one of pattern, format and limits of the length is supported");
    if (format) return of_format(r, format, where);
    if (pattern) {
        const char *below = sw__schema_below(r, where, "pattern");
        if (!json_is_string(pattern))
            return sw__schema_refuse(r, SW_ERR_FORMAT, where, "pattern is no string");
        return quoted(r, sw__regex_tree(r->s, json_string_value(pattern),
                                        json_string_length(pattern), true, true, below));
    }
    if (max >= 0 && max < min) return sw__schema_nothing(r);
    return quoted(r, body(r, min, max));
}

/* ---- arrays ------------------------------------------------------------------------------------ */

/* A comma, and one space if the model likes. */
static struct sw_tree *comma(struct sw_schema_reader *r)
{
    return sw__tree_seq(r->s,
                        (struct sw_tree *[]){sw__tree_text(r->s, ","),
                                             sw__tree_repeat(r->s, sw__tree_text(r->s, " "), 0, 1)},
                        2);
}

static struct sw_tree *between(struct sw_schema_reader *r, const char *open, struct sw_tree *list,
                               const char *close)
{
    return sw__tree_seq(
        r->s, (struct sw_tree *[]){sw__tree_text(r->s, open), list, sw__tree_text(r->s, close)}, 3);
}

struct places {
    struct sw_tree_items items;
    uint8_t *entry;
    int64_t entry_room;
};

static void place(struct sw_schema_reader *r, struct places *p, struct sw_tree *tree,
                  enum sw_entry entry)
{
    if (!sw__grow(&p->entry, &p->entry_room, p->items.n + 1, 1)) {
        sw__source_fail(r->s, SW_ERR_MEMORY, "grammar: out of memory");
        return;
    }
    p->entry[p->items.n] = (uint8_t)entry;
    sw__tree_push(r->s, &p->items, tree);
}

static struct sw_tree *end_places(struct sw_schema_reader *r, struct places *p, const char *open,
                                  const char *close)
{
    struct sw_tree *t = NULL;
    if (r->s->status == SW_OK)
        t = between(r, open, sw__tree_list(r->s, p->items.at, p->entry, p->items.n, comma(r)),
                    close);
    free(p->items.at);
    free(p->entry);
    return t;
}

/* Behind the places of prefixItems. */
static void place_items(struct sw_schema_reader *r, struct places *p, json_t *items, int64_t prefix,
                        int64_t min, int64_t max, const char *where)
{
    const char *below = sw__schema_below(r, where, "items");
    if (json_is_false(items)) {
        if (min > prefix) place(r, p, sw__schema_nothing(r), SW_ENTRY_REQUIRED);
        return;
    }
    if (!items && prefix > 0) max = min > prefix ? min : prefix; /* as short as can be */
    struct sw_tree *one = items && below ? sw__schema_call(r, items, below) : sw__schema_any(r);
    for (int64_t i = prefix; i < min && r->s->status == SW_OK; i++)
        place(r, p, one, SW_ENTRY_REQUIRED);
    for (int64_t i = min > prefix ? min : prefix; i < max && r->s->status == SW_OK; i++)
        place(r, p, one, SW_ENTRY_LAST);
    if (max < 0) place(r, p, one, SW_ENTRY_MANY);
}

struct sw_tree *sw__schema_array(struct sw_schema_reader *r, json_t *schema, const char *where)
{
    const json_t *prefix = json_object_get(schema, "prefixItems");
    json_t *items = json_object_get(schema, "items");
    const int64_t n = (int64_t)json_array_size(prefix);
    struct places p = {0};
    int64_t min, max;
    if (!count(r, schema, "minItems", where, 0, &min) ||
        !count(r, schema, "maxItems", where, -1, &max))
        return NULL;
    if (prefix && !json_is_array(prefix))
        return sw__schema_refuse(r, SW_ERR_FORMAT, where, "prefixItems is no list");
    if (max >= 0 && max < min) return sw__schema_nothing(r);
    if (!sw__schema_work(r, where, (max > min ? max : min) / 16)) return NULL;
    const char *below = sw__schema_below(r, where, "prefixItems");
    for (int64_t i = 0; below && i < n && (max < 0 || i < max) && r->s->status == SW_OK; i++) {
        char number[24];
        snprintf(number, sizeof number, "%lld", (long long)i);
        const char *here = sw__schema_below(r, below, number);
        place(r, &p, sw__schema_tree(r, json_array_get(prefix, (size_t)i), here),
              i < min ? SW_ENTRY_REQUIRED : SW_ENTRY_LAST);
    }
    if (r->s->status == SW_OK && (max < 0 || n < max))
        place_items(r, &p, items, n, min, max, where);
    return end_places(r, &p, "[", "]");
}

/* ---- objects ----------------------------------------------------------------------------------- */

/* The name as JSON writes it, without quotes. */
static const char *written(struct sw_schema_reader *r, const char *name)
{
    json_t *value = json_string_nocheck(name);
    char *text = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
    char *copy = text ? sw__source_alloc(r->s, strlen(text), 1) : NULL;
    if (copy) memcpy(copy, text + 1, strlen(text) - 2);
    if (!text) sw__source_fail(r->s, SW_ERR_MEMORY, "grammar: out of memory");
    free(text);
    json_decref(value);
    return copy;
}

static struct sw_tree *member(struct sw_schema_reader *r, struct sw_tree *name,
                              struct sw_tree *value)
{
    return sw__tree_seq(
        r->s,
        (struct sw_tree *[]){sw__tree_text(r->s, "\""), name, sw__tree_text(r->s, "\":"),
                             sw__tree_repeat(r->s, sw__tree_text(r->s, " "), 0, 1), value},
        5);
}

static bool is_required(const json_t *required, const char *name)
{
    for (size_t i = 0; i < json_array_size(required); i++) {
        const char *other = json_string_value(json_array_get(required, i));
        if (other && strcmp(other, name) == 0) return true;
    }
    return false;
}

static void place_property(struct sw_schema_reader *r, struct places *p, const char *name,
                           struct sw_tree *value, bool required, const char **names)
{
    const char *text = written(r, name);
    if (!text || r->s->status != SW_OK) return;
    names[p->items.n] = text;
    place(r, p, member(r, sw__tree_text(r->s, text), value),
          required ? SW_ENTRY_REQUIRED : SW_ENTRY_OPTIONAL);
}

/* The rule of a name that the schema does not list. */
static struct sw_tree *other_name(struct sw_schema_reader *r)
{
    static const char name[] = "[^\"\\\\\\x00-\\x1f]*";
    if (r->key < 0) {
        struct sw_tree *t = sw__regex_tree(r->s, name, sizeof name - 1, false, false, "");
        const int32_t rule = t ? sw__source_rule(r->s, "a name") : -1;
        if (rule < 0) return NULL;
        r->s->rules[rule].tree = t;
        r->s->rules[rule].key = true;
        r->key = rule;
    }
    return sw__tree_call(r->s, r->key);
}

/* Check the forms of the keywords; how many places there may be. */
static bool check_object(struct sw_schema_reader *r, json_t *schema, const char *where,
                         size_t *places)
{
    const json_t *properties = json_object_get(schema, "properties");
    const json_t *required = json_object_get(schema, "required");
    if (properties && !json_is_object(properties))
        return sw__schema_refuse(r, SW_ERR_FORMAT, where, "properties is no object") != NULL;
    if (required && !json_is_array(required))
        return sw__schema_refuse(r, SW_ERR_FORMAT, where, "required is no list") != NULL;
    for (size_t i = 0; i < json_array_size(required); i++)
        if (!json_is_string(json_array_get(required, i)))
            return sw__schema_refuse(r, SW_ERR_FORMAT, where, "required has no strings") != NULL;
    *places = json_object_size(properties) + json_array_size(required);
    return sw__schema_work(r, where, (int64_t)(*places * (json_array_size(required) / 32 + 1)));
}

struct sw_tree *sw__schema_object(struct sw_schema_reader *r, json_t *schema, const char *where)
{
    json_t *properties = json_object_get(schema, "properties"), *value;
    const json_t *required = json_object_get(schema, "required");
    json_t *more = json_object_get(schema, "additionalProperties");
    struct places p = {0};
    const char *name;
    size_t room = 0;
    if (!check_object(r, schema, where, &room)) return NULL;
    const char **names = sw__source_alloc(r->s, room + 1, sizeof *names);
    const char *below = sw__schema_below(r, where, "properties");
    const char *below_more = sw__schema_below(r, where, "additionalProperties");
    if (!names || !below || !below_more) return NULL;
    json_object_foreach(properties, name, value)
    {
        if (r->s->status != SW_OK) break;
        const bool needed = is_required(required, name);
        if (json_is_false(value) && !needed) continue;
        place_property(r, &p, name, sw__schema_tree(r, value, sw__schema_below(r, below, name)),
                       needed, names);
    }
    for (size_t i = 0; i < json_array_size(required) && r->s->status == SW_OK; i++) {
        name = json_string_value(json_array_get(required, i));
        if (json_object_get(properties, name)) continue;
        bool before = false;
        for (size_t k = 0; k < i; k++)
            before |= strcmp(name, json_string_value(json_array_get(required, k))) == 0;
        if (!before)
            place_property(r, &p, name,
                           more ? sw__schema_tree(r, more, below_more) : sw__schema_any(r), true,
                           names);
    }
    const bool any = !properties && !required && !more;
    if (!any && (!more || json_is_false(more))) return end_places(r, &p, "{", "}");
    /* Names that the schema lists but forbids are taken too. */
    int64_t taken = p.items.n;
    json_object_foreach(properties, name, value)
    {
        if (json_is_false(value) && r->s->status == SW_OK && !is_required(required, name))
            names[taken++] = written(r, name);
    }
    struct sw_tree *one = any ? sw__schema_any(r) : sw__schema_call(r, more, below_more);
    if (r->s->status == SW_OK) place(r, &p, member(r, other_name(r), one), SW_ENTRY_MANY);
    struct sw_tree *t = end_places(r, &p, "{", "}");
    const int32_t rule = t ? sw__source_rule(r->s, where) : -1;
    if (rule < 0) return NULL;
    r->s->rules[rule].tree = t;
    r->s->rules[rule].names = names;
    return sw__tree_call(r->s, rule);
}

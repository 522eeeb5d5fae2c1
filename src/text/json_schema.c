/* JSON Schema (2020-12) as a grammar: references, alternatives, the choice of the type.
 *
 * A schema becomes a tree that stands where it is used, but for those that are referred to, items of
 * arrays, and string bodies: these are rules.  allOf and keywords beside a reference are merged into one
 * schema first (json_schema_merge.c).  Alternatives of oneOf must be seen to exclude each other.
 *
 * The grammar makes a part of what the schema allows: names in the order of the schema, no spaces but
 * one behind ':' and ',', nothing that the schema does not speak of.  What it cannot honour is
 * refused with the keyword and a JSON pointer, never ignored; annotations are. */
#include "text/json_schema_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "format/json_read.h"

enum { MAX_WORK = 200000, MAX_ALTERNATIVES = 1024 };

struct sw_tree *sw__schema_refuse(struct sw_schema_reader *r, sw_status status, const char *where,
                                  const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return sw__source_fail(r->s, status, "json schema: %.160s: %s", where ? where : "?", text);
}

const char *sw__schema_below(struct sw_schema_reader *r, const char *where, const char *name)
{
    size_t n = strlen(where) + 2;
    for (const char *c = name; *c; c++) n += 1 + (*c == '~' || *c == '/');
    char *text = sw__source_alloc(r->s, n, 1);
    if (!text) return NULL;
    char *to = text + sprintf(text, "%s/", where);
    for (const char *c = name; *c; c++) {
        *to++ = *c == '~' || *c == '/' ? '~' : *c;
        if (*c == '~' || *c == '/') *to++ = *c == '~' ? '0' : '1';
    }
    return text;
}

bool sw__schema_work(struct sw_schema_reader *r, const char *where, int64_t amount)
{
    if (r->s->status != SW_OK) return false;
    r->work += amount < MAX_WORK ? (int)amount : MAX_WORK;
    if (r->work <= MAX_WORK) return true;
    return sw__schema_refuse(r, SW_ERR_SIZE, where, "the schema is too large when written out") !=
           NULL;
}

struct sw_tree *sw__schema_nothing(struct sw_schema_reader *r)
{
    return sw__tree_alt(r->s, NULL, 0);
}

/* ---- rules ------------------------------------------------------------------------------------- */

struct sw_tree *sw__schema_call(struct sw_schema_reader *r, json_t *schema, const char *where)
{
    for (int64_t i = 0; i < r->n_rules; i++)
        if (r->rules[i].schema == schema) return sw__tree_call(r->s, r->rules[i].rule);
    if (!sw__schema_work(r, where, 1 + r->n_rules / 64)) return NULL;
    if (!sw__grow(&r->rules, &r->rules_room, r->n_rules + 1, sizeof *r->rules))
        return sw__source_fail(r->s, SW_ERR_MEMORY, "grammar: out of memory");
    const int32_t rule = sw__source_rule(r->s, where);
    if (rule < 0) return NULL;
    r->rules[r->n_rules++] = (struct sw_schema_rule){schema, where, rule};
    return sw__tree_call(r->s, rule);
}

struct sw_tree *sw__schema_any(struct sw_schema_reader *r)
{
    if (r->any < 0) {
        json_t *types = json_pack("{s:[s,s,s,s,s,s]}", "type", "object", "array", "string",
                                  "number", "boolean", "null");
        if (!types || json_array_append_new(r->made, types) != 0)
            return sw__source_fail(r->s, SW_ERR_MEMORY, "grammar: out of memory");
        struct sw_tree *call = sw__schema_call(r, types, "any value");
        if (!call) return NULL;
        r->any = call->rule;
    }
    return sw__tree_call(r->s, r->any);
}

/* ---- constants --------------------------------------------------------------------------------- */

static struct sw_tree *constant(struct sw_schema_reader *r, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    if (!text) return sw__source_fail(r->s, SW_ERR_MEMORY, "grammar: out of memory");
    struct sw_tree *t = sw__tree_text(r->s, text);
    free(text);
    return t;
}

static struct sw_tree *constants(struct sw_schema_reader *r, json_t *schema, const char *where)
{
    static const char *const others[] = {"minimum",          "maximum",   "exclusiveMinimum",
                                         "exclusiveMaximum", "minLength", "maxLength",
                                         "pattern",          "format",    "items",
                                         "prefixItems",      "minItems",  "maxItems",
                                         "properties",       "required",  "additionalProperties"};
    const json_t *list = json_object_get(schema, "enum"), *one = json_object_get(schema, "const");
    const int types = sw__schema_valid_types(schema);
    struct sw_tree_items items = {0};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (json_object_get(schema, others[i]))
            return sw__schema_refuse(r, SW_ERR_UNSUPPORTED, where,
                                     "'%s' beside enum or const is not supported", others[i]);
    const size_t n = list ? json_array_size(list) : 1;
    for (size_t i = 0; i < n && sw__schema_work(r, where, 1); i++) {
        const json_t *value = list ? json_array_get(list, i) : one;
        if (types & sw__schema_value_type(value) && (!one || json_equal(value, one)))
            sw__tree_push(r->s, &items, constant(r, value));
    }
    struct sw_tree *t = r->s->status == SW_OK ? sw__tree_alt(r->s, items.at, items.n) : NULL;
    free(items.at);
    return t;
}

/* ---- one schema -------------------------------------------------------------------------------- */

/* Without anyOf and oneOf. */
static struct sw_tree *by_type(struct sw_schema_reader *r, json_t *schema, const char *where)
{
    struct sw_tree *t[8];
    int n = 0;
    if (json_object_get(schema, "enum") || json_object_get(schema, "const"))
        return constants(r, schema, where);
    const int types = sw__schema_made_types(schema);
    if (types == SW_JSON_ALL && !json_object_get(schema, "type")) return sw__schema_any(r);
    if (types & SW_JSON_OBJECT) t[n++] = sw__schema_object(r, schema, where);
    if (types & SW_JSON_ARRAY) t[n++] = sw__schema_array(r, schema, where);
    if (types & SW_JSON_STRING) t[n++] = sw__schema_string(r, schema, where);
    if (types & SW_JSON_INTEGER)
        t[n++] = sw__schema_number(r, schema, where, !(types & SW_JSON_FRACTION));
    if (types & SW_JSON_BOOLEAN) {
        t[n++] = sw__tree_text(r->s, "true");
        t[n++] = sw__tree_text(r->s, "false");
    }
    if (types & SW_JSON_NULL) t[n++] = sw__tree_text(r->s, "null");
    return sw__tree_alt(r->s, t, n);
}

/* Alternatives of oneOf exclude each other, as far as is seen. */
static bool check_disjoint(struct sw_schema_reader *r, json_t *const *part, size_t n,
                           const char *where)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++) {
            if (!sw__schema_work(r, where, 4)) return false;
            if (sw__schema_disjoint(r, part[i], part[k], where, 0)) continue;
            sw__schema_refuse(r, SW_ERR_UNSUPPORTED, where,
                              "alternatives %zu and %zu of oneOf are not seen to exclude each "
                              "other (by type, constants or a required name); anyOf would do",
                              i, k);
            return false;
        }
    return true;
}

static struct sw_tree *alternatives(struct sw_schema_reader *r, json_t *schema, const char *where,
                                    const char *keyword)
{
    const json_t *list = json_object_get(schema, keyword);
    json_t *rest = sw__schema_without(r, schema, keyword);
    const size_t n = json_array_size(list);
    const char *below = sw__schema_below(r, where, keyword);
    struct sw_tree_items items = {0};
    struct sw_tree *t = NULL;
    if (!rest || !below || n == 0 || n > MAX_ALTERNATIVES)
        return sw__schema_refuse(r, SW_ERR_FORMAT, where, "%s has %zu alternatives", keyword, n);
    json_t **part = sw__source_alloc(r->s, n, sizeof *part);
    for (size_t i = 0; part && i < n && r->s->status == SW_OK; i++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", i);
        const char *place = sw__schema_below(r, below, number);
        json_t *one = json_array_get(list, i);
        if (json_object_size(rest) > 0) one = sw__schema_merge(r, rest, one, place);
        part[i] = one;
        if (one && place) sw__tree_push(r->s, &items, sw__schema_tree(r, one, place));
    }
    if (r->s->status == SW_OK && strcmp(keyword, "oneOf") == 0) check_disjoint(r, part, n, where);
    if (r->s->status == SW_OK) t = sw__tree_alt(r->s, items.at, items.n);
    free(items.at);
    return t;
}

static struct sw_tree *flat_tree(struct sw_schema_reader *r, json_t *schema, const char *where)
{
    if (json_is_true(schema)) return sw__schema_any(r);
    if (json_is_false(schema)) return sw__schema_nothing(r);
    if (json_object_get(schema, "anyOf")) return alternatives(r, schema, where, "anyOf");
    if (json_object_get(schema, "oneOf")) return alternatives(r, schema, where, "oneOf");
    return by_type(r, schema, where);
}

/* A reference and nothing beside it that matters. */
static bool only_reference(struct sw_schema_reader *r, const json_t *schema)
{
    static const char *const kept[] = {"title", "description", "default",  "examples",
                                       "$defs", "definitions", "$comment", "deprecated"};
    size_t n = json_object_size(schema);
    if (!json_object_get(schema, "$ref")) return false;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        n -= json_object_get(schema, kept[i]) != NULL;
    return n == 1;
}

struct sw_tree *sw__schema_tree(struct sw_schema_reader *r, json_t *schema, const char *where)
{
    struct sw_tree *t = NULL;
    if (!schema || !where || !sw__schema_work(r, where, 1)) return NULL;
    if (++r->depth > SW_TREE_DEPTH / 3)
        return sw__schema_refuse(r, SW_ERR_SIZE, where,
                                 "schemas too deep inside each other (a $ref with keywords beside "
                                 "it that leads back?)");
    if (only_reference(r, schema)) {
        const char *target;
        json_t *found = sw__schema_check(r, schema, where)
                            ? sw__schema_resolve(r, json_object_get(schema, "$ref"), where, &target)
                            : NULL;
        if (found) t = sw__schema_call(r, found, target);
    } else {
        json_t *flat = sw__schema_flatten(r, schema, where);
        if (flat) t = flat_tree(r, flat, where);
    }
    r->depth--;
    return t;
}

/* ---- all --------------------------------------------------------------------------------------- */

static void read_schema(struct sw_source *s, json_t *root)
{
    struct sw_schema_reader r = {.s = s, .root = root, .any = -1, .key = -1};
    r.made = json_array();
    if (!r.made) sw__source_fail(s, SW_ERR_MEMORY, "grammar: out of memory");
    if (r.made) sw__schema_call(&r, root, "#"); /* rule 0 */
    while (s->status == SW_OK && r.compiled < r.n_rules) {
        const struct sw_schema_rule rule = r.rules[r.compiled++];
        struct sw_tree *t = sw__schema_tree(&r, rule.schema, rule.where);
        s->rules[rule.rule].tree = t;
    }
    free(r.rules);
    free(r.strings);
    json_decref(r.made);
}

void sw__json_schema_parse(struct sw_source *s, const char *text, size_t n)
{
    struct sw_json_error error;
    json_t *root;
    const sw_status status = sw__json_read(text, n, &root, &error);
    if (status != SW_OK) {
        sw__source_fail(s, status, "json schema: position %zu: %s", error.offset, error.why);
        return;
    }
    read_schema(s, root);
    json_decref(root);
}

void sw__json_object_parse(struct sw_source *s)
{
    static const char any_object[] = "{\"type\":\"object\"}";
    sw__json_schema_parse(s, any_object, sizeof any_object - 1);
}

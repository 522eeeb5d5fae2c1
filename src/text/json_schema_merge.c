/* Keywords, references, and one schema of two.
 *
 * A schema that fulfils both: types and constants that both allow, the sharper of two bounds, names of
 * either with both their schemas.  Schemas inside are not merged but written as {"allOf": [a, b]}, which is
 * merged when it is read.  Alternatives on both sides become all pairs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "text/json_schema_int.h"

enum { MAX_PAIRS = 1024, MAX_DISJOINT_DEPTH = 8 };

/* ---- keywords ---------------------------------------------------------------------------------- */

static const char *const annotations[] = {"title",
                                          "description",
                                          "default",
                                          "examples",
                                          "deprecated",
                                          "readOnly",
                                          "writeOnly",
                                          "$comment",
                                          "$schema",
                                          "$id",
                                          "$defs",
                                          "definitions",
                                          "example",
                                          "contentEncoding",
                                          "contentMediaType",
                                          "markdownDescription"};
static const char *const honoured[] = {
    "type",    "enum",        "const",    "properties", "required",         "additionalProperties",
    "items",   "prefixItems", "minItems", "maxItems",   "minLength",        "maxLength",
    "pattern", "format",      "minimum",  "maximum",    "exclusiveMinimum", "exclusiveMaximum",
    "anyOf",   "oneOf",       "allOf",    "$ref"};

static bool listed(const char *const *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], name) == 0) return true;
    return false;
}
#define LISTED(list, name) listed(list, sizeof(list) / sizeof *(list), name)

static bool check_types(struct sw_schema_reader *r, const json_t *type, const char *where)
{
    static const char *const known[] = {"null",   "boolean", "integer", "number",
                                        "string", "array",   "object"};
    if (!type) return true;
    const size_t n = json_is_array(type) ? json_array_size(type) : 1;
    for (size_t i = 0; i < n; i++) {
        const char *name = json_string_value(json_is_array(type) ? json_array_get(type, i) : type);
        if (!name || !LISTED(known, name))
            return sw__schema_refuse(r, SW_ERR_FORMAT, where, "type '%.40s' is none",
                                     name ? name : "?") != NULL;
    }
    return true;
}

bool sw__schema_check(struct sw_schema_reader *r, json_t *schema, const char *where)
{
    const char *name;
    json_t *value;
    if (json_is_boolean(schema)) return true;
    if (!json_is_object(schema))
        return sw__schema_refuse(r, SW_ERR_FORMAT, where,
                                 "no schema: neither an object nor a "
                                 "boolean") != NULL;
    json_object_foreach(schema, name, value)
    {
        if (LISTED(annotations, name) || LISTED(honoured, name)) continue;
        if (strcmp(name, "uniqueItems") == 0 && json_is_false(value)) continue;
        return sw__schema_refuse(r, SW_ERR_UNSUPPORTED, where, "keyword '%.60s' is not supported",
                                 name) != NULL;
    }
    const json_t *list = json_object_get(schema, "enum");
    if (list && !json_is_array(list))
        return sw__schema_refuse(r, SW_ERR_FORMAT, where, "enum is no list") != NULL;
    return check_types(r, json_object_get(schema, "type"), where);
}

/* ---- types ------------------------------------------------------------------------------------- */

static int type_bits(const char *name)
{
    static const struct {
        const char *name;
        int bits;
    } rows[] = {{"null", SW_JSON_NULL},       {"boolean", SW_JSON_BOOLEAN},
                {"integer", SW_JSON_INTEGER}, {"number", SW_JSON_INTEGER | SW_JSON_FRACTION},
                {"string", SW_JSON_STRING},   {"array", SW_JSON_ARRAY},
                {"object", SW_JSON_OBJECT}};
    for (size_t i = 0; name && i < sizeof rows / sizeof *rows; i++)
        if (strcmp(name, rows[i].name) == 0) return rows[i].bits;
    return 0;
}

int sw__schema_value_type(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_NULL: return SW_JSON_NULL;
    case JSON_TRUE:
    case JSON_FALSE: return SW_JSON_BOOLEAN;
    case JSON_INTEGER: return SW_JSON_INTEGER;
    case JSON_REAL:
        return json_real_value(value) == floor(json_real_value(value)) ? SW_JSON_INTEGER
                                                                       : SW_JSON_FRACTION;
    case JSON_STRING: return SW_JSON_STRING;
    case JSON_ARRAY: return SW_JSON_ARRAY;
    case JSON_OBJECT: return SW_JSON_OBJECT;
    }
    return 0;
}

int sw__schema_valid_types(const json_t *schema)
{
    const json_t *type = json_object_get(schema, "type"), *one = json_object_get(schema, "const");
    const json_t *list = json_object_get(schema, "enum");
    int bits = type ? 0 : SW_JSON_ALL, values = list ? 0 : SW_JSON_ALL;
    if (json_is_false(schema)) return 0;
    if (type && !json_is_array(type)) bits = type_bits(json_string_value(type));
    for (size_t i = 0; i < json_array_size(type); i++)
        bits |= type_bits(json_string_value(json_array_get(type, i)));
    for (size_t i = 0; i < json_array_size(list); i++)
        values |= sw__schema_value_type(json_array_get(list, i));
    return bits & values & (one ? sw__schema_value_type(one) : SW_JSON_ALL);
}

/* Without a type, keywords tell what is meant. */
int sw__schema_made_types(const json_t *schema)
{
    static const struct {
        const char *keyword;
        int bits;
    } rows[] = {{"properties", SW_JSON_OBJECT},
                {"required", SW_JSON_OBJECT},
                {"additionalProperties", SW_JSON_OBJECT},
                {"items", SW_JSON_ARRAY},
                {"prefixItems", SW_JSON_ARRAY},
                {"minItems", SW_JSON_ARRAY},
                {"maxItems", SW_JSON_ARRAY},
                {"minLength", SW_JSON_STRING},
                {"maxLength", SW_JSON_STRING},
                {"pattern", SW_JSON_STRING},
                {"format", SW_JSON_STRING},
                {"minimum", SW_JSON_INTEGER | SW_JSON_FRACTION},
                {"maximum", SW_JSON_INTEGER | SW_JSON_FRACTION},
                {"exclusiveMinimum", SW_JSON_INTEGER | SW_JSON_FRACTION},
                {"exclusiveMaximum", SW_JSON_INTEGER | SW_JSON_FRACTION}};
    int bits = 0;
    const bool told = json_object_get(schema, "type") || json_object_get(schema, "enum") ||
                      json_object_get(schema, "const");
    if (told) return sw__schema_valid_types(schema);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (json_object_get(schema, rows[i].keyword)) bits |= rows[i].bits;
    return bits ? bits : sw__schema_valid_types(schema);
}

/* ---- references -------------------------------------------------------------------------------- */

/* The member or element that a part of a pointer names. */
static json_t *step_down(json_t *at, const char *part, size_t n)
{
    char name[512], *to = name;
    if (n >= sizeof name) return NULL;
    for (size_t i = 0; i < n; i++) {
        const bool escaped = part[i] == '~' && i + 1 < n;
        if (escaped) i++;
        *to++ = !escaped ? part[i] : part[i] == '0' ? '~' : '/';
    }
    *to = 0;
    if (!json_is_array(at)) return json_object_get(at, name);
    char *end;
    const unsigned long long i = strtoull(name, &end, 10);
    return *end || end == name ? NULL : json_array_get(at, (size_t)i);
}

json_t *sw__schema_resolve(struct sw_schema_reader *r, json_t *reference, const char *where,
                           const char **target)
{
    const char *text = json_string_value(reference);
    json_t *at = r->root;
    if (text && *text == '#' && (text[1] == 0 || text[1] == '/')) {
        for (const char *c = text + 1; at && *c == '/';) {
            const size_t n = strcspn(++c, "/");
            at = step_down(at, c, n);
            c += n;
        }
        char *copy = sw__source_alloc(r->s, strlen(text) + 1, 1);
        if (!copy) return NULL;
        *target = strcpy(copy, text);
        if (at) return at;
        sw__schema_refuse(r, SW_ERR_FORMAT, where, "$ref '%.100s' points nowhere", text);
        return NULL;
    }
    sw__schema_refuse(r, SW_ERR_UNSUPPORTED, where,
                      "$ref '%.100s': only pointers into the schema (#/...) are supported",
                      text ? text : "?");
    return NULL;
}

/* ---- merging ----------------------------------------------------------------------------------- */

static void no_memory(struct sw_schema_reader *r)
{
    sw__source_fail(r->s, SW_ERR_MEMORY, "grammar: out of memory");
}

/* Both take `value`, which is NULL if it could not be made. */
static void put(struct sw_schema_reader *r, json_t *object, const char *name, json_t *value)
{
    if (json_object_set_new(object, name, value) != 0) no_memory(r);
}

static void append(struct sw_schema_reader *r, json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0) no_memory(r);
}

static json_t *types_list(struct sw_schema_reader *r, int bits)
{
    static const char *const names[] = {"null",   "boolean", "integer", "number",
                                        "string", "array",   "object"};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const int own = type_bits(names[i]);
        const bool number = bits & SW_JSON_FRACTION && strcmp(names[i], "integer") == 0;
        if ((bits & own) == own && !number) append(r, list, json_string(names[i]));
    }
    return list;
}

static json_t *keep(struct sw_schema_reader *r, json_t *made)
{
    if (made && json_array_append_new(r->made, made) == 0) return made;
    sw__source_fail(r->s, SW_ERR_MEMORY, "grammar: out of memory");
    return NULL;
}

json_t *sw__schema_without(struct sw_schema_reader *r, json_t *schema, const char *keyword)
{
    json_t *copy = keep(r, json_copy(schema));
    if (!copy) return NULL;
    json_object_del(copy, keyword);
    for (size_t i = 0; i < sizeof annotations / sizeof *annotations; i++)
        json_object_del(copy, annotations[i]);
    return copy;
}

static json_t *both(json_t *a, json_t *b)
{
    if (!a || (b && json_is_true(a))) return json_incref(b);
    if (!b || json_is_true(b)) return json_incref(a);
    if (json_is_false(a) || json_is_false(b)) return json_false();
    return json_equal(a, b) ? json_incref(a) : json_pack("{s:[O,O]}", "allOf", a, b);
}

static void merge_inner(struct sw_schema_reader *r, json_t *to, json_t *a, json_t *b,
                        const char *keyword)
{
    json_t *x = json_object_get(a, keyword), *y = json_object_get(b, keyword);
    if (x || y) put(r, to, keyword, both(x, y));
}

/* What `schema` says of a name: its property, else what other names must be; NULL: nothing. */
static json_t *says(json_t *schema, const char *name)
{
    json_t *own = json_object_get(json_object_get(schema, "properties"), name);
    return own ? own : json_object_get(schema, "additionalProperties");
}

static void merge_objects(struct sw_schema_reader *r, json_t *to, json_t *a, json_t *b)
{
    json_t *of[2] = {a, b}, *value;
    const char *name;
    json_t *properties = json_object();
    for (int i = 0; i < 2; i++)
        json_object_foreach(json_object_get(of[i], "properties"), name, value)
        {
            if (!json_object_get(properties, name))
                put(r, properties, name, both(says(a, name), says(b, name)));
        }
    json_t *ra = json_object_get(a, "required"), *rb = json_object_get(b, "required");
    if (ra || rb) {
        json_t *required = json_array();
        for (size_t i = 0; i < json_array_size(ra); i++)
            append(r, required, json_incref(json_array_get(ra, i)));
        for (size_t i = 0; i < json_array_size(rb); i++)
            append(r, required, json_incref(json_array_get(rb, i)));
        put(r, to, "required", required);
    }
    if (json_object_get(a, "properties") || json_object_get(b, "properties"))
        put(r, to, "properties", properties);
    else
        json_decref(properties);
    merge_inner(r, to, a, b, "additionalProperties");
}

/* The sharper of two bounds; sign 1: the larger one. */
static void merge_bound(struct sw_schema_reader *r, json_t *to, json_t *a, json_t *b,
                        const char *keyword, int sign)
{
    json_t *x = json_object_get(a, keyword), *y = json_object_get(b, keyword);
    if (x && y)
        put(r, to, keyword,
            json_incref((json_number_value(x) - json_number_value(y)) * sign >= 0 ? x : y));
}

static void merge_constants(struct sw_schema_reader *r, json_t *to, json_t *a, json_t *b)
{
    json_t *x = json_object_get(a, "enum"), *y = json_object_get(b, "enum");
    json_t *c = json_object_get(a, "const"), *d = json_object_get(b, "const");
    if (c && d && !json_equal(c, d)) put(r, to, "enum", json_array());
    if (!x || !y) return;
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(x); i++)
        for (size_t k = 0; k < json_array_size(y); k++)
            if (json_equal(json_array_get(x, i), json_array_get(y, k))) {
                append(r, list, json_incref(json_array_get(x, i)));
                break;
            }
    put(r, to, "enum", list);
}

/* Alternatives on both sides. */
static bool merge_alternatives(struct sw_schema_reader *r, json_t *to, json_t *a, json_t *b,
                               const char *keyword, const char *where)
{
    json_t *x = json_object_get(a, keyword), *y = json_object_get(b, keyword);
    if (!x || !y || json_equal(x, y)) return true;
    const size_t n = json_array_size(x), m = json_array_size(y);
    if (n > MAX_PAIRS || m > MAX_PAIRS || n * m > MAX_PAIRS ||
        !sw__schema_work(r, where, (int64_t)(n * m)))
        return sw__schema_refuse(r, SW_ERR_SIZE, where, "too many pairs of alternatives") != NULL;
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < m; k++)
            append(r, list, both(json_array_get(x, i), json_array_get(y, k)));
    put(r, to, keyword, list);
    return true;
}

/* Keywords of one value, on both sides and not alike. */
static bool check_equal(struct sw_schema_reader *r, json_t *a, json_t *b, const char *where)
{
    static const char *const single[] = {"pattern", "format", "prefixItems"};
    for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
        json_t *x = json_object_get(a, single[i]), *y = json_object_get(b, single[i]);
        if (x && y && !json_equal(x, y))
            return sw__schema_refuse(r, SW_ERR_UNSUPPORTED, where,
                                     "two different '%s' at once are not supported",
                                     single[i]) != NULL;
    }
    return true;
}

static json_t *merge_flat(struct sw_schema_reader *r, json_t *a, json_t *b, const char *where)
{
    static const char *const lower[] = {"minimum", "exclusiveMinimum", "minLength", "minItems"};
    static const char *const upper[] = {"maximum", "exclusiveMaximum", "maxLength", "maxItems"};
    if (json_is_true(a)) return b;
    if (json_is_true(b) || json_is_false(a)) return a;
    if (json_is_false(b)) return b;
    json_t *to = keep(r, json_copy(b));
    if (!to || !check_equal(r, a, b, where)) return NULL;
    if (json_object_update_missing(to, a) != 0) no_memory(r);
    if (json_object_get(a, "type") && json_object_get(b, "type"))
        put(r, to, "type", types_list(r, sw__schema_valid_types(a) & sw__schema_valid_types(b)));
    for (size_t i = 0; i < 4; i++) {
        merge_bound(r, to, a, b, lower[i], 1);
        merge_bound(r, to, a, b, upper[i], -1);
    }
    merge_objects(r, to, a, b);
    merge_constants(r, to, a, b);
    merge_inner(r, to, a, b, "items");
    if (!merge_alternatives(r, to, a, b, "anyOf", where) ||
        !merge_alternatives(r, to, a, b, "oneOf", where))
        return NULL;
    return r->s->status == SW_OK ? to : NULL;
}

json_t *sw__schema_merge(struct sw_schema_reader *r, json_t *a, json_t *b, const char *where)
{
    if (!sw__schema_work(r, where, 4)) return NULL;
    json_t *x = sw__schema_flatten(r, a, where), *y = x ? sw__schema_flatten(r, b, where) : NULL;
    return y ? merge_flat(r, x, y, where) : NULL;
}

json_t *sw__schema_flatten(struct sw_schema_reader *r, json_t *schema, const char *where)
{
    if (!sw__schema_work(r, where, 1) || !sw__schema_check(r, schema, where)) return NULL;
    json_t *reference = json_object_get(schema, "$ref"), *all = json_object_get(schema, "allOf");
    if (!reference && !all) return schema;
    if (++r->depth > SW_TREE_DEPTH / 3) {
        sw__schema_refuse(r, SW_ERR_SIZE, where, "allOf or $ref that leads back to itself");
        return NULL;
    }
    json_t *flat = sw__schema_without(r, schema, "$ref");
    if (flat) json_object_del(flat, "allOf");
    if (flat && reference) {
        const char *target;
        json_t *found = sw__schema_resolve(r, reference, where, &target);
        flat = found ? sw__schema_merge(r, found, flat, where) : NULL;
    }
    for (size_t i = 0; flat && i < json_array_size(all); i++)
        flat = sw__schema_merge(r, flat, json_array_get(all, i), where);
    r->depth--;
    return flat;
}

/* ---- alternatives that exclude each other ------------------------------------------------------ */

static bool names_constants(const json_t *schema)
{
    return json_object_get(schema, "enum") || json_object_get(schema, "const");
}

static bool has_constant(const json_t *schema, const json_t *value)
{
    const json_t *list = json_object_get(schema, "enum"), *one = json_object_get(schema, "const");
    if (one) return json_equal(one, value);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_array_get(list, i), value)) return true;
    return false;
}

static bool constants_differ(const json_t *a, const json_t *b)
{
    const json_t *list = json_object_get(a, "enum"), *one = json_object_get(a, "const");
    if (one) return !has_constant(b, one);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (has_constant(b, json_array_get(list, i))) return false;
    return true;
}

static bool requires(const json_t *schema, const char *name)
{
    const json_t *required = json_object_get(schema, "required");
    for (size_t i = 0; i < json_array_size(required); i++) {
        const char *other = json_string_value(json_array_get(required, i));
        if (other && strcmp(other, name) == 0) return true;
    }
    return false;
}

/* Whether an object that is made for a is never valid for b: it lacks a name that b requires, or has one that b
 * forbids. */
static bool made_fails(json_t *a, json_t *b)
{
    const json_t *more = json_object_get(a, "additionalProperties");
    const bool closed = json_object_get(a, "properties") && (!more || json_is_false(more));
    const json_t *required = json_object_get(b, "required");
    for (size_t i = 0; closed && i < json_array_size(required); i++) {
        const char *name = json_string_value(json_array_get(required, i));
        if (name && !json_object_get(json_object_get(a, "properties"), name) && !requires(a, name))
            return true;
    }
    required = json_object_get(a, "required");
    for (size_t i = 0; i < json_array_size(required); i++) {
        const char *name = json_string_value(json_array_get(required, i));
        if (name && json_is_false(says(b, name))) return true;
    }
    return false;
}

static bool objects_disjoint(struct sw_schema_reader *r, json_t *a, json_t *b, const char *where,
                             int depth)
{
    const char *name;
    json_t *x;
    json_object_foreach(json_object_get(a, "properties"), name, x)
    {
        json_t *y = json_object_get(json_object_get(b, "properties"), name);
        if (!y || (!requires(a, name) && !requires(b, name))) continue;
        if (sw__schema_disjoint(r, x, y, where, depth + 1)) return true;
    }
    return made_fails(a, b) && made_fails(b, a);
}

bool sw__schema_disjoint(struct sw_schema_reader *r, json_t *a, json_t *b, const char *where,
                         int depth)
{
    if (depth > MAX_DISJOINT_DEPTH || !sw__schema_work(r, where, 1)) return false;
    a = a ? sw__schema_flatten(r, a, where) : NULL;
    b = a && b ? sw__schema_flatten(r, b, where) : NULL;
    if (!a || !b) return false;
    if (names_constants(a) && names_constants(b)) return constants_differ(a, b);
    const int common = (sw__schema_made_types(a) & sw__schema_valid_types(b)) |
                       (sw__schema_made_types(b) & sw__schema_valid_types(a));
    if (common == 0) return true;
    if (names_constants(a) || names_constants(b)) return false;
    return common == SW_JSON_OBJECT && objects_disjoint(r, a, b, where, depth);
}

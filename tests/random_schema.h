/* Random JSON schemas of what the library supports, for tests. */
#ifndef SWELL_TESTS_RANDOM_SCHEMA_H
#define SWELL_TESTS_RANDOM_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include "base/rng.h"

static inline int schema_pick(struct sw_rng *rng, int n)
{
    return (int)sw__rng_below(rng, (uint64_t)n);
}

static inline json_t *random_schema(struct sw_rng *rng, int depth);

static inline json_t *random_string_schema(struct sw_rng *rng)
{
    static const char *const formats[] = {"date",     "time", "date-time", "uuid", "email",
                                          "hostname", "ipv4", "ipv6",      "uri",  "duration"};
    static const char *const patterns[] = {
        "^[A-Z]{2}-[0-9]{3}$",   "^(yes|no)$", "b+", "^\\S+$", "[\"\\\\/]{2}$",
        "^\\w{1,8}( \\w{1,8})?$"};
    json_t *s = json_pack("{s:s}", "type", "string");
    const int kind = schema_pick(rng, 10);
    if (kind == 0) json_object_set_new(s, "format", json_string(formats[schema_pick(rng, 10)]));
    if (kind == 1) json_object_set_new(s, "pattern", json_string(patterns[schema_pick(rng, 6)]));
    if (kind == 2 || kind == 3)
        json_object_set_new(s, "minLength", json_integer(schema_pick(rng, 5)));
    if (kind == 3 || kind == 4)
        json_object_set_new(s, "maxLength", json_integer(4 + schema_pick(rng, 60)));
    return s;
}

static inline json_t *random_number_schema(struct sw_rng *rng)
{
    json_t *s = json_pack("{s:s}", "type", schema_pick(rng, 2) ? "integer" : "number");
    const int low = schema_pick(rng, 400) - 300;
    if (schema_pick(rng, 3) == 0)
        json_object_set_new(s, schema_pick(rng, 2) ? "minimum" : "exclusiveMinimum",
                            json_integer(low));
    if (schema_pick(rng, 3) == 0)
        json_object_set_new(
            s, schema_pick(rng, 2) ? "maximum" : "exclusiveMaximum",
            json_integer(low + 2 + schema_pick(rng, schema_pick(rng, 2) ? 5 : 5000)));
    return s;
}

static inline json_t *random_constant(struct sw_rng *rng)
{
    switch (schema_pick(rng, 6)) {
    case 0: return json_null();
    case 1: return json_boolean(schema_pick(rng, 2));
    case 2: return json_integer(schema_pick(rng, 2000) - 1000);
    case 3: return json_pack("{s:i,s:[b,n]}", "a\"b", schema_pick(rng, 9), "c", 1);
    default: {
        static const char *const words[] = {"red",        "green", "a \"quoted\" word",
                                            "\xc3\xa4\n", "",      "x/y"};
        return json_string(words[schema_pick(rng, 6)]);
    }
    }
}

static inline json_t *random_array_schema(struct sw_rng *rng, int depth)
{
    json_t *s = json_pack("{s:s}", "type", "array");
    const int min = schema_pick(rng, 3);
    if (schema_pick(rng, 4) == 0) {
        json_t *prefix = json_array();
        for (int n = 1 + schema_pick(rng, 3); n > 0; n--)
            json_array_append_new(prefix, random_schema(rng, depth - 1));
        json_object_set_new(s, "prefixItems", prefix);
    }
    if (schema_pick(rng, 6)) json_object_set_new(s, "items", random_schema(rng, depth - 1));
    if (schema_pick(rng, 2)) json_object_set_new(s, "minItems", json_integer(min));
    if (schema_pick(rng, 3) == 0)
        json_object_set_new(s, "maxItems", json_integer(min + schema_pick(rng, 4)));
    return s;
}

static inline json_t *random_object_schema(struct sw_rng *rng, int depth)
{
    static const char *const names[] = {"name",  "id",   "items",    "a\"b\\",
                                        "value", "kind", "\xc3\xa4", "b"};
    json_t *s = json_pack("{s:s}", "type", "object"), *properties = json_object();
    json_t *required = json_array();
    for (int i = 0; i < 8; i++) {
        if (schema_pick(rng, 3)) continue;
        json_object_set_new(properties, names[i], random_schema(rng, depth - 1));
        if (schema_pick(rng, 2)) json_array_append_new(required, json_string(names[i]));
    }
    json_object_set_new(s, "properties", properties);
    json_object_set_new(s, "required", required);
    if (schema_pick(rng, 3) == 0)
        json_object_set_new(s, "additionalProperties", json_boolean(schema_pick(rng, 2)));
    else if (schema_pick(rng, 4) == 0)
        json_object_set_new(s, "additionalProperties", random_schema(rng, depth - 1));
    return s;
}

static inline json_t *random_alternatives(struct sw_rng *rng, int depth)
{
    json_t *list = json_array();
    if (schema_pick(rng, 3) == 0) { /* of different kinds */
        for (int i = 0; i < 3; i++) {
            json_t *one = random_object_schema(rng, depth - 1);
            char kind[2] = {(char)('p' + i), 0};
            json_object_set_new(json_object_get(one, "properties"), "kind",
                                json_pack("{s:s}", "const", kind));
            json_object_set_new(one, "required", json_pack("[s]", "kind"));
            json_array_append_new(list, one);
        }
        return json_pack("{s:o}", "oneOf", list);
    }
    for (int n = 1 + schema_pick(rng, 3); n > 0; n--)
        json_array_append_new(list, random_schema(rng, depth - 1));
    return json_pack("{s:o}", "anyOf", list);
}

static inline json_t *random_schema(struct sw_rng *rng, int depth)
{
    const int kind = schema_pick(rng, depth > 0 ? 16 : 9);
    if (kind < 3) return random_string_schema(rng);
    if (kind < 5) return random_number_schema(rng);
    if (kind == 5) return json_pack("{s:[s,s]}", "type", "boolean", "null");
    if (kind == 6) return json_pack("{s:o}", "const", random_constant(rng));
    if (kind == 7) {
        json_t *list = json_array();
        for (int i = 0; i < 4; i++) {
            json_t *value = random_constant(rng);
            bool twice = false;
            for (size_t k = 0; k < json_array_size(list); k++)
                twice |= json_equal(json_array_get(list, k), value);
            if (twice)
                json_decref(value);
            else
                json_array_append_new(list, value);
        }
        return json_pack("{s:o}", "enum", list);
    }
    if (kind == 8) return json_pack("{s:s,s:s}", "$ref", "#/$defs/tree", "description", "a tree");
    if (kind < 11) return random_array_schema(rng, depth);
    if (kind == 11) return random_alternatives(rng, depth);
    if (kind == 12)
        return json_pack("{s:[o,{s:{s:{s:s}},s:[s]}]}", "allOf", random_object_schema(rng, depth),
                         "properties", "extra", "type", "boolean", "required", "extra");
    if (kind == 13) return json_object();
    return random_object_schema(rng, depth);
}

/* Schema number n; free with json_decref. */
static inline json_t *numbered_schema(uint64_t n)
{
    struct sw_rng rng = {.seed = n, .stream = 99};
    json_t *s = random_schema(&rng, 3);
    json_object_set_new(s, "$defs",
                        json_pack("{s:{s:s,s:{s:{s:s},s:{s:s,s:{s:s}}},s:[s],s:b}}", "tree", "type",
                                  "object", "properties", "value", "type", "integer", "children",
                                  "type", "array", "items", "$ref", "#/$defs/tree", "required",
                                  "value", "additionalProperties", 0));
    return s;
}

#endif

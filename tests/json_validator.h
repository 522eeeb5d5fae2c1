/* A validator of JSON schemas for tests: straight from the specification (2020-12), by recursion.  Formats and
 * patterns are not looked at. */
#ifndef SWELL_TESTS_JSON_VALIDATOR_H
#define SWELL_TESTS_JSON_VALIDATOR_H

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

static inline bool json_is_valid(json_t *root, json_t *schema, json_t *value);

static inline bool json_type_is(const json_t *value, const char *type)
{
    const double x = json_number_value(value);
    if (strcmp(type, "integer") == 0) return json_is_number(value) && x == floor(x);
    if (strcmp(type, "number") == 0) return json_is_number(value);
    if (strcmp(type, "string") == 0) return json_is_string(value);
    if (strcmp(type, "boolean") == 0) return json_is_boolean(value);
    if (strcmp(type, "null") == 0) return json_is_null(value);
    if (strcmp(type, "array") == 0) return json_is_array(value);
    return strcmp(type, "object") == 0 && json_is_object(value);
}

static inline bool json_number_is_valid(json_t *schema, const json_t *value)
{
    const double x = json_number_value(value);
    const json_t *bound;
    if ((bound = json_object_get(schema, "minimum")) && x < json_number_value(bound)) return false;
    if ((bound = json_object_get(schema, "maximum")) && x > json_number_value(bound)) return false;
    bound = json_object_get(schema, "exclusiveMinimum");
    if (bound && x <= json_number_value(bound)) return false;
    bound = json_object_get(schema, "exclusiveMaximum");
    return !bound || x < json_number_value(bound);
}

static inline bool json_size_is_valid(json_t *schema, size_t size, const char *min, const char *max)
{
    const json_t *bound = json_object_get(schema, min);
    if (bound && (json_int_t)size < json_integer_value(bound)) return false;
    bound = json_object_get(schema, max);
    return !bound || (json_int_t)size <= json_integer_value(bound);
}

static inline bool json_array_is_valid(json_t *root, json_t *schema, json_t *value)
{
    json_t *prefix = json_object_get(schema, "prefixItems");
    json_t *items = json_object_get(schema, "items");
    for (size_t i = 0; i < json_array_size(value); i++) {
        json_t *one = i < json_array_size(prefix) ? json_array_get(prefix, i) : items;
        if (one && !json_is_valid(root, one, json_array_get(value, i))) return false;
    }
    return json_size_is_valid(schema, json_array_size(value), "minItems", "maxItems");
}

static inline bool json_object_is_valid(json_t *root, json_t *schema, json_t *value)
{
    json_t *properties = json_object_get(schema, "properties"), *one;
    json_t *more = json_object_get(schema, "additionalProperties");
    json_t *required = json_object_get(schema, "required");
    const char *name;
    for (size_t i = 0; i < json_array_size(required); i++)
        if (!json_object_get(value, json_string_value(json_array_get(required, i)))) return false;
    json_object_foreach(value, name, one)
    {
        json_t *own = json_object_get(properties, name);
        if (!own) own = more;
        if (own && !json_is_valid(root, own, one)) return false;
    }
    return true;
}

static inline size_t json_characters(const char *text)
{
    size_t n = 0;
    for (; *text; text++) n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

static inline bool json_alternatives_are_valid(json_t *root, json_t *schema, json_t *value)
{
    static const char *const keywords[] = {"allOf", "anyOf", "oneOf"};
    for (int k = 0; k < 3; k++) {
        json_t *list = json_object_get(schema, keywords[k]);
        size_t valid = 0;
        if (!list) continue;
        for (size_t i = 0; i < json_array_size(list); i++)
            valid += json_is_valid(root, json_array_get(list, i), value);
        if (k == 0 ? valid < json_array_size(list) : k == 1 ? valid == 0 : valid != 1) return false;
    }
    return true;
}

static inline bool json_is_valid(json_t *root, json_t *schema, json_t *value)
{
    json_t *type = json_object_get(schema, "type"), *list = json_object_get(schema, "enum");
    json_t *one = json_object_get(schema, "const"), *reference = json_object_get(schema, "$ref");
    if (json_is_boolean(schema)) return json_is_true(schema);
    if (reference) { /* "#" or "#/$defs/name" */
        const char *name = strrchr(json_string_value(reference), '/');
        json_t *target = name ? json_object_get(json_object_get(root, "$defs"), name + 1) : root;
        if (!target || !json_is_valid(root, target, value)) return false;
    }
    bool fits = !type;
    if (json_is_string(type)) fits = json_type_is(value, json_string_value(type));
    for (size_t i = 0; i < json_array_size(type); i++)
        fits |= json_type_is(value, json_string_value(json_array_get(type, i)));
    if (!fits) return false;
    fits = !list;
    for (size_t i = 0; i < json_array_size(list); i++)
        fits |= json_equal(json_array_get(list, i), value);
    if (!fits || (one && !json_equal(one, value))) return false;
    if (json_is_number(value) && !json_number_is_valid(schema, value)) return false;
    if (json_is_string(value) &&
        !json_size_is_valid(schema, json_characters(json_string_value(value)), "minLength",
                            "maxLength"))
        return false;
    if (json_is_array(value) && !json_array_is_valid(root, schema, value)) return false;
    if (json_is_object(value) && !json_object_is_valid(root, schema, value)) return false;
    return json_alternatives_are_valid(root, schema, value);
}

#endif

/* What the parts of the reader of JSON schemas share. */
#ifndef SWELL_TEXT_JSON_SCHEMA_INT_H
#define SWELL_TEXT_JSON_SCHEMA_INT_H

#include <jansson.h>
#include "text/grammar_source.h"

enum sw_json_types {
    SW_JSON_NULL = 1,
    SW_JSON_BOOLEAN = 2,
    SW_JSON_INTEGER = 4,  /* numbers without fraction */
    SW_JSON_FRACTION = 8, /* the others; "number" is both */
    SW_JSON_STRING = 16,
    SW_JSON_ARRAY = 32,
    SW_JSON_OBJECT = 64,
    SW_JSON_ALL = 127,
};

/* A schema that has a rule of its own. */
struct sw_schema_rule {
    json_t *schema;
    const char *where;
    int32_t rule;
};

/* A string body of these lengths. */
struct sw_string_rule {
    int64_t min, max;
    int32_t rule;
};

struct sw_schema_reader {
    struct sw_source *s;
    json_t *root;
    json_t *made;                 /* an array of the schemas that merging has made */
    struct sw_schema_rule *rules; /* the first `compiled` have their trees */
    int64_t n_rules, rules_room, compiled;
    struct sw_string_rule *strings;
    int64_t n_strings, strings_room;
    int32_t any, key; /* rules of any value and of a name; -1: not yet */
    int depth, work;
};

/* NULL, with a text that begins with the place. */
struct sw_tree *sw__schema_refuse(struct sw_schema_reader *r, sw_status status, const char *where,
                                  const char *format, ...) __attribute__((format(printf, 4, 5)));
/* `where`/`name` as a JSON pointer; NULL: out of memory. */
const char *sw__schema_below(struct sw_schema_reader *r, const char *where, const char *name);
/* Counts what is done; false, refused, when it gets too much. */
bool sw__schema_work(struct sw_schema_reader *r, const char *where, int64_t amount);

/* The tree of a schema; the rule of one; the rule of any value. */
struct sw_tree *sw__schema_tree(struct sw_schema_reader *r, json_t *schema, const char *where);
struct sw_tree *sw__schema_call(struct sw_schema_reader *r, json_t *schema, const char *where);
struct sw_tree *sw__schema_any(struct sw_schema_reader *r);
/* What no text fits. */
struct sw_tree *sw__schema_nothing(struct sw_schema_reader *r);

/* ---- one schema without allOf, anyOf, references (json_schema_types.c, json_schema_numbers.c) -- */

struct sw_tree *sw__schema_string(struct sw_schema_reader *r, json_t *schema, const char *where);
struct sw_tree *sw__schema_array(struct sw_schema_reader *r, json_t *schema, const char *where);
struct sw_tree *sw__schema_object(struct sw_schema_reader *r, json_t *schema, const char *where);
struct sw_tree *sw__schema_number(struct sw_schema_reader *r, json_t *schema, const char *where,
                                  bool integer);

/* ---- keywords and merging (json_schema_merge.c) ------------------------------------------------ */

/* Refuses what is not known.  False: refused. */
bool sw__schema_check(struct sw_schema_reader *r, json_t *schema, const char *where);
/* The schema a reference points to; NULL: refused. */
json_t *sw__schema_resolve(struct sw_schema_reader *r, json_t *reference, const char *where,
                           const char **target);
/* A schema that is fulfilled by what fulfils both; owned by r.  NULL: refused. */
json_t *sw__schema_merge(struct sw_schema_reader *r, json_t *a, json_t *b, const char *where);
/* The schema without allOf and references; owned by r or the source itself.  NULL: refused. */
json_t *sw__schema_flatten(struct sw_schema_reader *r, json_t *schema, const char *where);
/* A copy without one keyword, owned by r. */
json_t *sw__schema_without(struct sw_schema_reader *r, json_t *schema, const char *keyword);
/* The types of texts that are made for it; those that are valid for it. */
int sw__schema_value_type(const json_t *value);
int sw__schema_made_types(const json_t *schema);
int sw__schema_valid_types(const json_t *schema);
/* Whether what is made for one never is valid for the other. */
bool sw__schema_disjoint(struct sw_schema_reader *r, json_t *a, json_t *b, const char *where,
                         int depth);

#endif

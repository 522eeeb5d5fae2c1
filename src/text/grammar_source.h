/* A grammar as its front ends write it: rules, each a tree.
 *
 * Constructors take NULL for an operand that could not be made and return NULL then, so that only the
 * end asks: sw__source_status. */
#ifndef SWELL_TEXT_GRAMMAR_SOURCE_H
#define SWELL_TEXT_GRAMMAR_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swell/context.h>
#include "base/memory.h"

enum { SW_MAX_CODE_POINT = 0x10FFFF, SW_TREE_DEPTH = 300 };

enum sw_tree_kind {
    SW_TREE_BYTES,  /* these bytes */
    SW_TREE_CHARS,  /* one character of the ranges, in UTF-8 */
    SW_TREE_SEQ,    /* all children in order */
    SW_TREE_ALT,    /* one of the children */
    SW_TREE_REPEAT, /* the child, min to max times; max -1: any number */
    SW_TREE_CALL,   /* what rule `rule` makes */
    SW_TREE_LIST,   /* those children that are there, in order, with `separator` between two */
};

/* First and last code point. */
struct sw_range {
    uint32_t low, high;
};

enum sw_entry {
    SW_ENTRY_REQUIRED,
    SW_ENTRY_OPTIONAL,
    SW_ENTRY_LAST, /* optional; if it is absent so are all behind it */
    SW_ENTRY_MANY, /* any number of times */
};

struct sw_tree {
    enum sw_tree_kind kind;
    int32_t n, min, max, rule;
    struct sw_tree **child;
    struct sw_tree *separator;
    const uint8_t *entry; /* enum sw_entry of each child of a list */
    const char *bytes;
    const struct sw_range *ranges;
    bool json; /* characters stand in a JSON string: '"', '\' and controls are escaped */
};

struct sw_source_rule {
    struct sw_tree *tree;
    const char *name;
    bool key; /* a name in an object, which may not be one that stood there before */
    /* Of an object that calls such a rule: names that are taken, as written in JSON; ends with NULL. */
    const char *const *names;
};

struct sw_source {
    sw_context *ctx;
    struct sw_arena arena;
    struct sw_source_rule *rules; /* rule 0 is the text */
    int64_t n, room;
    sw_status status; /* the first error */
};

void sw__source_free(struct sw_source *s);
/* Fail with a text, once: the first one stays.  Returns NULL. */
struct sw_tree *sw__source_fail(struct sw_source *s, sw_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Memory of the arena; NULL with the status set. */
void *sw__source_alloc(struct sw_source *s, size_t a, size_t b);

/* A new rule without a tree; -1: out of memory. */
int32_t sw__source_rule(struct sw_source *s, const char *name);

struct sw_tree *sw__tree_bytes(struct sw_source *s, const char *bytes, size_t n); /* copied */
struct sw_tree *sw__tree_text(struct sw_source *s, const char *text);
/* n ranges in any order; negated: all other characters. */
struct sw_tree *sw__tree_chars(struct sw_source *s, const struct sw_range *ranges, int64_t n,
                               bool negated, bool json);
struct sw_tree *sw__tree_seq(struct sw_source *s, struct sw_tree *const *child, int64_t n);
struct sw_tree *sw__tree_alt(struct sw_source *s, struct sw_tree *const *child, int64_t n);
struct sw_tree *sw__tree_list(struct sw_source *s, struct sw_tree *const *child,
                              const uint8_t *entry, int64_t n, struct sw_tree *separator);
struct sw_tree *sw__tree_repeat(struct sw_source *s, struct sw_tree *child, int64_t min,
                                int64_t max);
struct sw_tree *sw__tree_call(struct sw_source *s, int32_t rule);

/* A growing list of trees or ranges, for parsers. */
struct sw_tree_items {
    struct sw_tree **at;
    int64_t n, room;
};
void sw__tree_push(struct sw_source *s, struct sw_tree_items *items, struct sw_tree *tree);

/* The front ends: each makes rule 0 and what it needs. */
void sw__regex_parse(struct sw_source *s, const char *text, size_t n);
void sw__gbnf_parse(struct sw_source *s, const char *text, size_t n);
void sw__json_schema_parse(struct sw_source *s, const char *text, size_t n);
void sw__json_object_parse(struct sw_source *s);

/* A regular expression as a tree.  search: what is before and behind it is free, but for ^ and $;
 * else the whole text matches.  `json`: the text stands in a JSON string.  `where` begins the texts of
 * errors. */
struct sw_tree *sw__regex_tree(struct sw_source *s, const char *text, size_t n, bool search,
                               bool json, const char *where);

#endif

/* Python's pickle, read without Python: a file becomes a tree of values, and nothing is ever called.
 * (Python documentation, pickletools; protocols 0 to 5 as far as PyTorch writes them.) */
#ifndef SWELL_FORMAT_PICKLE_H
#define SWELL_FORMAT_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swell/status.h>
#include "base/memory.h"

enum sw_pickle_kind {
    SW_PICKLE_NONE,
    SW_PICKLE_BOOL,       /* integer: 0 or 1 */
    SW_PICKLE_INT,        /* integer */
    SW_PICKLE_FLOAT,      /* real */
    SW_PICKLE_TEXT,       /* text, size: inside the file, not ended by a zero */
    SW_PICKLE_GLOBAL,     /* text: "module.name" */
    SW_PICKLE_LIST,       /* items, n; a tuple, list or set */
    SW_PICKLE_DICT,       /* items: key, value, key, value ...; n of both together */
    SW_PICKLE_CALL,       /* text: "module.name" of what would be called; items[0]: its arguments */
    SW_PICKLE_PERSISTENT, /* items[0]: the name of something outside the pickle */
    SW_PICKLE_OPAQUE      /* an object of no interest */
};

struct sw_pickle_value {
    enum sw_pickle_kind kind;
    int64_t integer;
    double real;
    const char *text;
    size_t size;
    struct sw_pickle_value **items;
    int64_t n, capacity;
};

#define SW_PICKLE_ERROR 256

/* One pickle that begins at bytes[*at]; *at is behind its end afterwards.  A call is kept as a value if
 * `known` accepts its name, and refused otherwise.  All memory comes from the arena; texts point into
 * the file.  Values may be shared, and a hostile file may even make a circle of them: whoever walks the
 * tree keeps count.  SW_ERR_FORMAT or SW_ERR_MEMORY with "offset 8: <why>" in error[SW_PICKLE_ERROR]. */
typedef enum sw_pickle_call {
    SW_CALL_REFUSE,
    SW_CALL_KEEP,
    SW_CALL_DICT,
    SW_CALL_OPAQUE
} sw_pickle_call;
sw_status sw__pickle_read(struct sw_arena *arena, const uint8_t *bytes, size_t size, size_t *at,
                          sw_pickle_call (*known)(const char *name), struct sw_pickle_value **out,
                          char *error);

/* Whether the value is this text. */
bool sw__pickle_is(const struct sw_pickle_value *v, const char *text);
/* The value behind a key, or NULL. */
const struct sw_pickle_value *sw__pickle_get(const struct sw_pickle_value *dict, const char *key);

#endif

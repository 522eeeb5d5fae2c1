/* What is done to a text before it is cut into words: Unicode normal forms, lower case, replacements. */
#ifndef SWELL_TEXT_NORMALISER_H
#define SWELL_TEXT_NORMALISER_H

#include <stdbool.h>
#include <stddef.h>
#include <swell/status.h>

enum sw_normaliser_kind {
    SW_NORMAL_NFC,
    SW_NORMAL_NFD,
    SW_NORMAL_NFKC,
    SW_NORMAL_NFKD,
    SW_NORMAL_LOWERCASE,
    SW_NORMAL_STRIP_ACCENTS, /* \p{Mn} left out */
    SW_NORMAL_REPLACE,       /* from -> to */
    SW_NORMAL_PREPEND,       /* to before a text that is not empty */
    SW_NORMAL_STRIP_LEFT,    /* spaces */
    SW_NORMAL_STRIP_RIGHT,
};

struct sw_normaliser_step {
    enum sw_normaliser_kind kind;
    char *from, *to; /* owned */
};

enum { SW_NORMALISER_STEPS = 16 };

struct sw_normaliser {
    struct sw_normaliser_step step[SW_NORMALISER_STEPS];
    int count;
};

/* False: out of memory, or more than 16 steps.  from and to are copied; NULL where the kind has none. */
bool sw__normaliser_add(struct sw_normaliser *n, enum sw_normaliser_kind kind, const char *from,
                        const char *to);
void sw__normaliser_free(struct sw_normaliser *n);

/* A new text, which the caller frees; NULL: out of memory.  Bytes that are no UTF-8 stay as they are. */
char *sw__normalise(const struct sw_normaliser *n, const char *text, size_t size, size_t *out_size);

#endif

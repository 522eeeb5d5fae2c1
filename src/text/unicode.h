/* What kind of character: as the regular expressions of pre-tokenisers ask. */
#ifndef SWELL_TEXT_UNICODE_H
#define SWELL_TEXT_UNICODE_H

#include <stdint.h>

enum sw_character_class {
    SW_UPPER = 1,        /* \p{Lu} \p{Lt} */
    SW_LOWER = 2,        /* \p{Ll} */
    SW_OTHER = 4,        /* \p{Lm} \p{Lo} */
    SW_LETTER = 7,       /* \p{L} */
    SW_MARK = 8,         /* \p{M} */
    SW_NUMBER = 16,      /* \p{N} */
    SW_SPACE = 32,       /* \s: White_Space */
    SW_PUNCTUATION = 64, /* \p{P} */
    SW_CONTROL = 128,    /* \p{C}: control, format, unassigned, private use */
};

/* The bits of a code point. */
uint8_t sw__character_class(int32_t c);

/* The same of ASCII, for loops. */
extern const uint8_t sw__ascii_class[128];

#endif

/* One character of UTF-8 (RFC 3629) from text that may be anything. */
#ifndef SWELL_TEXT_UTF8_READ_H
#define SWELL_TEXT_UTF8_READ_H

#include <stddef.h>
#include <stdint.h>

/* Its bytes, 0 if there is none; n may be 0. */
static inline size_t sw__utf8_read(const char *text, size_t n, uint32_t *out)
{
    const unsigned char *s = (const unsigned char *)text;
    if (n == 0) return 0;
    const size_t size = s[0] < 0x80                   ? 1
                        : s[0] >= 0xC2 && s[0] < 0xE0 ? 2
                        : s[0] >= 0xE0 && s[0] < 0xF0 ? 3
                        : s[0] >= 0xF0 && s[0] < 0xF5 ? 4
                                                      : 0;
    if (size == 0 || size > n) return 0;
    uint32_t c = size == 1 ? s[0] : s[0] & (0x7Fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((s[i] & 0xC0) != 0x80) return 0;
        c = c << 6 | (s[i] & 0x3F);
    }
    if ((size == 3 && (c < 0x800 || (c >= 0xD800 && c < 0xE000))) ||
        (size == 4 && (c < 0x10000 || c > 0x10FFFF)))
        return 0;
    *out = c;
    return size;
}

#endif

/* UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef SWELL_BASE_UTF8_H
#define SWELL_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character that begins at s, of which `left` >= 1 bytes are there; 0: there is none. */
static inline size_t sw__utf8_size(const char *at, size_t left)
{
    const unsigned char *s = (const unsigned char *)at;
    if (s[0] < 0x80) return 1;
    if (s[0] < 0xC2 || s[0] > 0xF4) return 0;
    const size_t n = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    if (left < n) return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80) return 0;
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
        (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
        return 0;
    return n;
}

/* The character of n = sw__utf8_size bytes. */
static inline int32_t sw__utf8_read(const char *at, size_t n)
{
    const unsigned char *s = (const unsigned char *)at;
    if (n == 1) return s[0];
    if (n == 2) return (s[0] & 0x1F) << 6 | (s[1] & 0x3F);
    if (n == 3) return (s[0] & 0x0F) << 12 | (s[1] & 0x3F) << 6 | (s[2] & 0x3F);
    return (s[0] & 0x07) << 18 | (s[1] & 0x3F) << 12 | (s[2] & 0x3F) << 6 | (s[3] & 0x3F);
}

/* The character that begins a text that may be anything; its bytes, 0 if there is none (left may be 0). */
static inline size_t sw__utf8_next(const char *text, size_t left, uint32_t *out)
{
    const size_t n = left > 0 ? sw__utf8_size(text, left) : 0;
    if (n > 0) *out = (uint32_t)sw__utf8_read(text, n);
    return n;
}

/* Write a character; its bytes, 1 to 4. */
static inline size_t sw__utf8_write(char *to, int32_t c)
{
    static const int mark[] = {0, 0, 0xC0, 0xE0, 0xF0};
    const size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; c >>= 6) to[i] = (char)(0x80 | (c & 0x3F));
    to[0] = (char)(mark[n] | c);
    return n;
}

#endif

/* How files write tokens.  SentencePiece writes U+2581 for a space and "<0x0A>" for a byte.
 *
 * Byte-level BPE writes bytes in an alphabet (GPT-2's encoder.py, bytes_to_unicode): what is visible in
 * Latin-1 stands for itself, the other bytes, in order, for U+0100 and up.  So a space is U+0120. */
#include <stdlib.h>
#include "base/utf8.h"
#include "text/tokenizer_int.h"

static bool visible(int byte)
{
    return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

/* The invisible bytes are 0 to 0x20, 0x7F to 0xA0 and 0xAD. */
static int byte_of(int32_t c)
{
    if (c < 0x100) return visible(c) ? c : -1;
    const int32_t i = c - 0x100;
    return i <= 0x20 ? i : i <= 0x20 + 34 ? i - 0x21 + 0x7F : i == 0x43 ? 0xAD : -1;
}

static int32_t character_of(int byte)
{
    if (visible(byte)) return byte;
    return byte <= 0x20 ? 0x100 + byte : byte == 0xAD ? 0x143 : 0x100 + 0x21 + byte - 0x7F;
}

int64_t sw__byte_alphabet_decode(const char *text, size_t size, char *out)
{
    int64_t bytes = 0;
    for (size_t at = 0, n; at < size; at += n) {
        n = sw__utf8_size(text + at, size - at);
        const int byte = n ? byte_of(sw__utf8_read(text + at, n)) : -1;
        if (byte < 0) return -1;
        out[bytes++] = (char)byte;
    }
    return bytes;
}

size_t sw__byte_alphabet_encode(const char *bytes, size_t size, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < size; i++)
        n += sw__utf8_write(out + n, character_of((unsigned char)bytes[i]));
    return n;
}

bool sw__token_put_spaces(char *text, size_t *bytes)
{
    size_t n = 0;
    bool any = false;
    for (size_t i = 0; i < *bytes;) {
        if (*bytes - i >= 3 && memcmp(text + i, "\xe2\x96\x81", 3) == 0) {
            text[n++] = ' ';
            i += 3;
            any = true;
        } else {
            text[n++] = text[i++];
        }
    }
    *bytes = n;
    return any;
}

int sw__token_of_byte(const char *text, size_t bytes)
{
    char digits[3] = {0}, *end;
    if (bytes != 6 || memcmp(text, "<0x", 3) != 0 || text[5] != '>') return -1;
    memcpy(digits, text + 3, 2);
    const long value = strtol(digits, &end, 16);
    return *end || digits[0] == '-' || digits[0] == '+' || digits[0] == ' ' ? -1 : (int)value;
}

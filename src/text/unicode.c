/* Classes of characters by utf8proc's Unicode categories. */
#include "text/unicode.h"

#include <utf8proc.h>

#define U SW_UPPER
#define L SW_LOWER
#define N SW_NUMBER
#define S SW_SPACE
#define P SW_PUNCTUATION
#define C SW_CONTROL
#define T (SW_SPACE | SW_CONTROL)
const uint8_t sw__ascii_class[128] = {
    C, C, C, C, C, C, C, C, C, T, T, T, T, T, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C,
    S, P, P, P, 0, P, P, P, P, P, P, 0, P, P, P, P, N, N, N, N, N, N, N, N, N, N, P, P, 0, 0, 0, P,
    P, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, P, P, P, 0, P,
    0, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, P, 0, P, 0, C,
};
#undef U
#undef L
#undef N
#undef S
#undef P
#undef C
#undef T

uint8_t sw__character_class(int32_t c)
{
    static const uint8_t of[] = {
        [UTF8PROC_CATEGORY_CN] = SW_CONTROL,     [UTF8PROC_CATEGORY_LU] = SW_UPPER,
        [UTF8PROC_CATEGORY_LL] = SW_LOWER,       [UTF8PROC_CATEGORY_LT] = SW_UPPER,
        [UTF8PROC_CATEGORY_LM] = SW_OTHER,       [UTF8PROC_CATEGORY_LO] = SW_OTHER,
        [UTF8PROC_CATEGORY_MN] = SW_MARK,        [UTF8PROC_CATEGORY_MC] = SW_MARK,
        [UTF8PROC_CATEGORY_ME] = SW_MARK,        [UTF8PROC_CATEGORY_ND] = SW_NUMBER,
        [UTF8PROC_CATEGORY_NL] = SW_NUMBER,      [UTF8PROC_CATEGORY_NO] = SW_NUMBER,
        [UTF8PROC_CATEGORY_PC] = SW_PUNCTUATION, [UTF8PROC_CATEGORY_PD] = SW_PUNCTUATION,
        [UTF8PROC_CATEGORY_PS] = SW_PUNCTUATION, [UTF8PROC_CATEGORY_PE] = SW_PUNCTUATION,
        [UTF8PROC_CATEGORY_PI] = SW_PUNCTUATION, [UTF8PROC_CATEGORY_PF] = SW_PUNCTUATION,
        [UTF8PROC_CATEGORY_PO] = SW_PUNCTUATION, [UTF8PROC_CATEGORY_ZS] = SW_SPACE,
        [UTF8PROC_CATEGORY_ZL] = SW_SPACE,       [UTF8PROC_CATEGORY_ZP] = SW_SPACE,
        [UTF8PROC_CATEGORY_CC] = SW_CONTROL,     [UTF8PROC_CATEGORY_CF] = SW_CONTROL,
        [UTF8PROC_CATEGORY_CS] = SW_CONTROL,     [UTF8PROC_CATEGORY_CO] = SW_CONTROL,
    };
    if (c < 128) return sw__ascii_class[c];
    if (c == 0x85) return SW_SPACE | SW_CONTROL; /* the next line: White_Space, though no \p{Z} */
    return of[utf8proc_category(c)];
}

/* Which algorithm computes a convolution fastest: W Winograd, D direct, P product
 * (conv_choice.h).  Written by `make tune` (bench/tune/conv_tune.c), last on
 * Intel Xeon; not edited by hand.
 *
 * Rows are channels of x, columns those of y, letters sizes of the image. */
#include "graph/ops/conv_choice.h"

/* clang-format off */
const char sw__conv_table[CONV_LEVELS][CONV_PASSES][CONV_KINDS][CONV_CHANNELS]
                         [CONV_CHANNELS][CONV_SPOTS + 1] = {
    {
       {
        {/* avx2, forward, 3x3 for Winograd; sizes 5 9 13 7 19 56 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPW", "PPPPPP", "PPPPPP"}, /* 4 */
         {"PPPWWW", "PWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 24 */
         {"PWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 48 */
         {"PWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 96 */
         {"PWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 192 */
         {"PPPWWP", "PWWWWW", "WWWWWW", "DWWWWW", "WWWWWW", "DWWWWW"}, /* 448 */
        },
        {/* avx2, forward, one tap; sizes 4 7 10 14 28 56 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 4 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 24 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 48 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 96 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 192 */
         {"PPPPPP", "PDDPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 448 */
        },
        {/* avx2, forward, few taps; sizes 4 7 10 14 28 56 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 4 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 24 */
         {"PPPPPP", "PDPPDD", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 48 */
         {"PPPPPP", "PDPPPP", "PPPPPP", "PPDPPD", "PPPPPP", "PPDPPP"}, /* 96 */
         {"PPPPPP", "PPPPDD", "PPDPPP", "PPDPPP", "PPDDDD", "PPPPPP"}, /* 192 */
         {"PPPPPP", "PDPDDD", "PDDPPP", "PDDDDD", "PPDDPP", "PPPPPP"}, /* 448 */
        },
        {/* avx2, forward, few taps, strided; sizes 4 7 10 14 28 56 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 4 */
         {"PPPPPP", "PDPDDD", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 24 */
         {"PPPPPP", "PDDDDD", "PPDDPD", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 48 */
         {"PPPPPP", "PDPDPD", "PPDDDD", "PDDPPP", "PPDPPP", "PPDPPP"}, /* 96 */
         {"PPPPPP", "PDPDDD", "PDDDPP", "PDPDPP", "PPDPPP", "PPPPPP"}, /* 192 */
         {"PPPPPP", "PDDPPP", "PDDDPP", "PDDDDD", "PPDPPP", "PPDPPP"}, /* 448 */
        },
        {/* avx2, forward, many taps; sizes 4 7 10 14 28 56 */
         {"PPPPPP", "PDPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 4 */
         {"PPWWPP", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 24 */
         {"WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 48 */
         {"WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 96 */
         {"WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 192 */
         {"WPWPPP", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 448 */
        },
        {/* avx2, forward, many taps, strided; sizes 4 7 10 14 28 56 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDPPP", "PPPPPP", "PPPPPP"}, /* 4 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "PDDPPP", "PPPPPP", "PPDPDD"}, /* 24 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "PDDDDD", "PPDDDD"}, /* 48 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "PPDPPP"}, /* 96 */
         {"DDDDDP", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "PPDDDD"}, /* 192 */
         {"DDDDPP", "DDPPPP", "DDDDDD", "DDDDDD", "DDDDDD", "PDDDDD"}, /* 448 */
        },
       },
       {
        {/* avx2, by data, 3x3 for Winograd; sizes 5 9 13 7 19 56 */
         {"PPPPPP", "PWWWWW", "PWWWWW", "PWWWWW", "PWWWWW", "PWPWWW"}, /* 4 */
         {"PPPPPP", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "PWWWWW"}, /* 24 */
         {"PPPWPP", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 48 */
         {"PPPWPW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 96 */
         {"PPPWPW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 192 */
         {"PPPPPW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "DWWWWW"}, /* 448 */
        },
        {/* avx2, by data, one tap; sizes 4 7 10 14 28 56 */
         {"DDDPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 4 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PDDPPP"}, /* 24 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PDPPPP", "PDPPPP"}, /* 48 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 96 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 192 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 448 */
        },
        {/* avx2, by data, few taps; sizes 4 7 10 14 28 56 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 4 */
         {"PPPPDP", "PPPDDD", "PPPPDD", "PDPDDD", "PDPDDD", "PDPDDD"}, /* 24 */
         {"PPPPPP", "PPPPPD", "PPDPDP", "PPDDDD", "PPDDDD", "PPDDDP"}, /* 48 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPDPPP", "PPDDDP", "PDDDDD"}, /* 96 */
         {"PPPPPP", "PPPPPP", "PPDPPP", "PPDPDD", "PPDDDD", "PPDDDD"}, /* 192 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPDPPP", "PPDPPP", "PPDPPP"}, /* 448 */
        },
        {/* avx2, by data, few taps, strided; sizes 4 7 10 14 28 56 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 4 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 24 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 48 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 96 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 192 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 448 */
        },
        {/* avx2, by data, many taps; sizes 4 7 10 14 28 56 */
         {"PPPPPP", "WPWWPP", "WWWWWW", "WWWWWW", "WWWWWW", "WPWPPP"}, /* 4 */
         {"PDDDDD", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 24 */
         {"PPDPPP", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 48 */
         {"PPPPPP", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 96 */
         {"PPPPPP", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 192 */
         {"PPPPPP", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 448 */
        },
        {/* avx2, by data, many taps, strided; sizes 4 7 10 14 28 56 */
         {"DDDDDD", "PDDDDD", "PDDDDD", "PDDDDD", "PDDDDD", "PDDDDD"}, /* 4 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 24 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 48 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 96 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 192 */
         {"PPPPPD", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 448 */
        },
       },
       {
        {/* avx2, by weights, 3x3 for Winograd; sizes 5 9 13 7 19 56 */
         {"DDDWDD", "DDDWDD", "DDDWWD", "DDDWDD", "DDDWDD", "DDDWWD"}, /* 4 */
         {"DDDWWW", "WWWWWW", "DWWWWW", "DWWWWW", "DWWWWW", "DWWWWW"}, /* 24 */
         {"DDWDWW", "DWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "DWWWWW"}, /* 48 */
         {"DDDDWW", "DWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 96 */
         {"DDDDWW", "DWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 192 */
         {"DDDDWW", "DWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 448 */
        },
        {/* avx2, by weights, one tap; sizes 4 7 10 14 28 56 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 4 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 24 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 48 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 96 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 192 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 448 */
        },
        {/* avx2, by weights, few taps; sizes 4 7 10 14 28 56 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 4 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 24 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 48 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 96 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 192 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 448 */
        },
        {/* avx2, by weights, few taps, strided; sizes 4 7 10 14 28 56 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 4 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 24 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 48 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 96 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 192 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 448 */
        },
        {/* avx2, by weights, many taps; sizes 4 7 10 14 28 56 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 4 */
         {"DDDDDD", "WDDDDD", "WDWWWW", "WDWWWW", "WDWWWW", "WDWWWW"}, /* 24 */
         {"DDDDDD", "WDWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 48 */
         {"WDDDDD", "WDWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 96 */
         {"DDDDDW", "WDWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 192 */
         {"DDDDWW", "WDWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 448 */
        },
        {/* avx2, by weights, many taps, strided; sizes 4 7 10 14 28 56 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 4 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 24 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 48 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 96 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 192 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 448 */
        },
       },
    },
    {
       {
        {/* avx512, forward, 3x3 for Winograd; sizes 5 9 13 7 19 56 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 4 */
         {"PPPPPP", "PWWWWW", "PWWWWW", "PWWWWW", "WWWWWW", "DWWWWW"}, /* 24 */
         {"PPPPWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "DWWWWW"}, /* 48 */
         {"PPWWWW", "WWWWWW", "WWWWWW", "DWWWWW", "DWWWWW", "DWWWWW"}, /* 96 */
         {"PPPWWW", "WWWWWW", "DWWWWW", "DWWWWW", "DWWWWW", "DWWWWW"}, /* 192 */
         {"PPPPPP", "PWWWWW", "DDWWWW", "DDWWWW", "DWWWWW", "DWWWWW"}, /* 448 */
        },
        {/* avx512, forward, one tap; sizes 4 7 10 14 28 56 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPD", "PPPPPD", "PPPPPD"}, /* 4 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 24 */
         {"PPPPPP", "PPPPPP", "PDPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 48 */
         {"PPPPPP", "PPPPPP", "DDDPPP", "PDPPPP", "PDPPPP", "PPPPPP"}, /* 96 */
         {"PPPPPP", "PDDDPP", "DDDDPP", "PDDPPP", "PDPPPP", "PDPPPP"}, /* 192 */
         {"PPPPPP", "PDDDPP", "DDDDPP", "PDDDPP", "PDDDPP", "PDPPPP"}, /* 448 */
        },
        {/* avx512, forward, few taps; sizes 4 7 10 14 28 56 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 4 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 24 */
         {"PPPPPP", "PPPPPP", "PDPPPD", "PPPPPP", "PDPPPP", "PDDPPP"}, /* 48 */
         {"PPPPPP", "PPPPPP", "PDPPDD", "PDPDDP", "PDDPPP", "PDPPPP"}, /* 96 */
         {"PPPPPP", "PPPPPP", "PDPDDD", "DDDDDD", "DDDDDD", "PDDDDD"}, /* 192 */
         {"PPPPPP", "PPPPPP", "PDPDDP", "DDDDDD", "PDDDDD", "PDDDDD"}, /* 448 */
        },
        {/* avx512, forward, few taps, strided; sizes 4 7 10 14 28 56 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 4 */
         {"PPPPPP", "PPPDPP", "PDPDDD", "PDDDDP", "PDPPPP", "DDDPPP"}, /* 24 */
         {"PPPPPP", "PPPDDP", "PDDDDD", "PDDDPP", "PDDDPP", "PDDDPP"}, /* 48 */
         {"PPPPPP", "PDDDPP", "PDDDDD", "DDDDDP", "DDDDDP", "PDPDPP"}, /* 96 */
         {"PPPPPP", "PPDDPP", "DDDDDD", "DDDDDD", "DDDDDD", "PDDDDD"}, /* 192 */
         {"PPPPPP", "PDDDPP", "DDDDDP", "DDDDDD", "PDDDDD", "PDDDDD"}, /* 448 */
        },
        {/* avx512, forward, many taps; sizes 4 7 10 14 28 56 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PDPPPP", "PDPPPP", "PDPPPP"}, /* 4 */
         {"PPPPPP", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 24 */
         {"PPWWPP", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 48 */
         {"PPWWWP", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 96 */
         {"PPWPPP", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 192 */
         {"PPPPPP", "WWWWWW", "WWWWWW", "WDWWWW", "WWWWWW", "WWWWWW"}, /* 448 */
        },
        {/* avx512, forward, many taps, strided; sizes 4 7 10 14 28 56 */
         {"PDDDDP", "DDDDDD", "DDDDDD", "DDDDDD", "PDDDDP", "PDDDPP"}, /* 4 */
         {"DDDDDP", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDPP"}, /* 24 */
         {"DDDDDP", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "PDDDDD"}, /* 48 */
         {"DDDDDP", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 96 */
         {"DDDDDP", "DDDDDD", "DDPDPP", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 192 */
         {"DDDDPP", "DDDDPP", "DPPPPP", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 448 */
        },
       },
       {
        {/* avx512, by data, 3x3 for Winograd; sizes 5 9 13 7 19 56 */
         {"PPPPPP", "PPPPPP", "PPWWWW", "PPPWWW", "PPPWWW", "PPPPPP"}, /* 4 */
         {"PPPPPP", "PWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "PWWWWW"}, /* 24 */
         {"PPPPPP", "PWWWWW", "WWWWWW", "WWWWWW", "DWWWWW", "DDWWWW"}, /* 48 */
         {"PPPPPP", "PWWWWW", "WWWWWW", "DWWWWW", "DWWWWW", "DDWWWW"}, /* 96 */
         {"PPPPPP", "WWWWWW", "WWWWWW", "DWWWWW", "DWWWWW", "DWWWWW"}, /* 192 */
         {"PPPPPP", "DWWWWW", "DWWWWW", "DWWWWW", "DWWWWW", "DWWWWW"}, /* 448 */
        },
        {/* avx512, by data, one tap; sizes 4 7 10 14 28 56 */
         {"PDDPPP", "PDPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 4 */
         {"PPPPPP", "PDPPPP", "PPPPPP", "PDPPPP", "PPPPPP", "PPDPPP"}, /* 24 */
         {"DPPPPP", "DDPPPP", "DDPPPP", "DDDPPP", "DDDDPP", "DDDDPP"}, /* 48 */
         {"PPPPPD", "PPPPPP", "PDPPPP", "PDPDPP", "DDDDPP", "DDDDPP"}, /* 96 */
         {"PPPPPD", "PPPPPP", "PDPPPP", "PDPPPP", "PDDPPP", "DDDDPP"}, /* 192 */
         {"PPPPPD", "PPPPPP", "PPPPPP", "PDPPPP", "PDPPPP", "PDDPPP"}, /* 448 */
        },
        {/* avx512, by data, few taps; sizes 4 7 10 14 28 56 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 4 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 24 */
         {"PPPPPP", "PPPPPP", "PDPDDD", "PPPPPD", "PDPDDD", "PDPDDP"}, /* 48 */
         {"PPPPPP", "PDDDPP", "PDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 96 */
         {"PPPPPP", "PDDDPP", "DDDDPP", "DDDDDD", "DDDDDD", "PDDDDD"}, /* 192 */
         {"PPPPPP", "PDPPPP", "DDDDPP", "DDDDDD", "PDDDDD", "PDDDDD"}, /* 448 */
        },
        {/* avx512, by data, few taps, strided; sizes 4 7 10 14 28 56 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 4 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 24 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 48 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 96 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 192 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 448 */
        },
        {/* avx512, by data, many taps; sizes 4 7 10 14 28 56 */
         {"PPPPPP", "PPPPPP", "PPWWPP", "PPWWPP", "PPWPPP", "PPPPPP"}, /* 4 */
         {"DPPPPP", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 24 */
         {"DDDDDP", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "PWWWWW"}, /* 48 */
         {"DDPPPP", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "PDWWWW"}, /* 96 */
         {"DDDPPP", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 192 */
         {"PDPPPP", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 448 */
        },
        {/* avx512, by data, many taps, strided; sizes 4 7 10 14 28 56 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "PDDDDD", "PDDDDD", "DDDDDD"}, /* 4 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPD", "PPPPPD", "PPPPPP"}, /* 24 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 48 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 96 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 192 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 448 */
        },
       },
       {
        {/* avx512, by weights, 3x3 for Winograd; sizes 5 9 13 7 19 56 */
         {"DDDWDD", "DDDWDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 4 */
         {"WWWWWW", "DWWWWW", "DWWDWW", "DWWWWW", "DWWWWW", "DWWWWW"}, /* 24 */
         {"DWWWWW", "DWWWWW", "DWWWWW", "DWWWWW", "DWWWWW", "DWWWWW"}, /* 48 */
         {"WWWWWW", "DWWWWW", "DWWWWW", "DWWWWW", "DWWWWW", "DWWWWW"}, /* 96 */
         {"DWWWWW", "DWWWWW", "DWWWWW", "DWWWWW", "WWWWWW", "DWWWWW"}, /* 192 */
         {"DWWWWW", "DWWWWW", "DWWWWW", "DWWWWW", "DWWWWW", "WWWWWW"}, /* 448 */
        },
        {/* avx512, by weights, one tap; sizes 4 7 10 14 28 56 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 4 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 24 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 48 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 96 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 192 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 448 */
        },
        {/* avx512, by weights, few taps; sizes 4 7 10 14 28 56 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 4 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 24 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 48 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 96 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 192 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 448 */
        },
        {/* avx512, by weights, few taps, strided; sizes 4 7 10 14 28 56 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 4 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 24 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 48 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 96 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 192 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 448 */
        },
        {/* avx512, by weights, many taps; sizes 4 7 10 14 28 56 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 4 */
         {"WDWWDD", "WDWWWW", "DDWWWW", "WDWWWW", "WDWWWW", "WDWWWW"}, /* 24 */
         {"WDWWWW", "WDWWWW", "WDWWWW", "WDWWWW", "WDWWWW", "WDWWWW"}, /* 48 */
         {"WDWWWW", "WDWWWW", "WDWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 96 */
         {"WDWWWW", "WWWWWW", "WDWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 192 */
         {"WWWWWW", "WWWWWW", "WDWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 448 */
        },
        {/* avx512, by weights, many taps, strided; sizes 4 7 10 14 28 56 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 4 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 24 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 48 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 96 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 192 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 448 */
        },
       },
    },
};
/* clang-format on */

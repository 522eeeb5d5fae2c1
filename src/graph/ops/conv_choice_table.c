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
         {"PPPPPP", "PPDDDD", "DPPPPD", "DPPWPW", "DPPPPP", "DPPPPW"}, /* 4 */
         {"PPPWWW", "PWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 24 */
         {"PWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "DWWWWW"}, /* 48 */
         {"PWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "DWWWWW"}, /* 96 */
         {"PWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "DWWWWW", "DWWWWW"}, /* 192 */
         {"PPPWPP", "PWWWWW", "DWWWWW", "DWWWWW", "DWWWWW", "DPWPWW"}, /* 448 */
        },
        {/* avx2, forward, one tap; sizes 4 7 10 14 28 56 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPD", "PPPPPD", "PPPPPD"}, /* 4 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 24 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 48 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 96 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 192 */
         {"PPPPPP", "PPPPPD", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 448 */
        },
        {/* avx2, forward, few taps; sizes 4 7 10 14 28 56 */
         {"PPPPPP", "PDPDDD", "PPPPPP", "PPPPPD", "PPPPPD", "PPPPDP"}, /* 4 */
         {"PPPPPP", "PDPDDD", "PPDDDD", "PPDPPP", "PPPPPP", "PPPPPP"}, /* 24 */
         {"PPPPPP", "PDPDDD", "PPDPDD", "PPDPDD", "PPDPPP", "PPDPPP"}, /* 48 */
         {"PPPPPP", "PDPDDD", "PPDDDD", "PPDPDD", "PDDDDP", "PPDPPP"}, /* 96 */
         {"PPPPPP", "PDPDDD", "PPDDDD", "PDDDDP", "PDDDDD", "PPPPPP"}, /* 192 */
         {"PPPPPP", "PDPDDD", "PDDDDP", "PDDDDD", "PPDPPP", "PPDPPP"}, /* 448 */
        },
        {/* avx2, forward, few taps, strided; sizes 4 7 10 14 28 56 */
         {"PPPPDP", "PDDDDD", "PDDDPD", "PDDPPD", "PPPPPD", "PPPPPD"}, /* 4 */
         {"PPPPPP", "PDDDDD", "PDDDDD", "PDDDDP", "PDDPPP", "PPDPPP"}, /* 24 */
         {"PPPPPP", "PDDDDD", "PDDDDD", "PDDDPP", "DDDPPP", "DDDDPP"}, /* 48 */
         {"PPPPPP", "PDDDDD", "PDDDDD", "DDDPPP", "DDDDDP", "DDDDPP"}, /* 96 */
         {"PPPPPP", "PDDDDD", "PDDDPP", "DDDDDP", "DDDDDD", "PDDPPP"}, /* 192 */
         {"PPPPPP", "PDDDDP", "DDDDDP", "DDDDDD", "DDDDPP", "PDDPPP"}, /* 448 */
        },
        {/* avx2, forward, many taps; sizes 4 7 10 14 28 56 */
         {"PPPPPP", "PDDDDD", "PDDDDD", "PPDPDD", "PPDPPP", "PPPPPP"}, /* 4 */
         {"PPPPPP", "PDDDDD", "PDDDDD", "PDDDDD", "PPDDDP", "PDDDDP"}, /* 24 */
         {"PPPPPP", "PDDDDD", "PDDDDD", "PDDDDD", "DDDDDP", "PPDDPP"}, /* 48 */
         {"PPPPPP", "PDDDDD", "PDDDDD", "DDDDDD", "PDDDDD", "PPDPPP"}, /* 96 */
         {"PPPPPP", "DDDDDD", "PDDDDD", "PDDDDD", "PPDDDD", "PPDPPP"}, /* 192 */
         {"PPPPPP", "DDDDDD", "PDDDDD", "PPDDDD", "PPDDDD", "PPPPPP"}, /* 448 */
        },
        {/* avx2, forward, many taps, strided; sizes 4 7 10 14 28 56 */
         {"PDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 4 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 24 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "PDDDDD"}, /* 48 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "PDDDDD"}, /* 96 */
         {"DDDDDP", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 192 */
         {"DDDDPP", "DDPPPP", "PDDDDD", "DDDDDD", "DDDDDD", "PPDDDD"}, /* 448 */
        },
       },
       {
        {/* avx2, by data, 3x3 for Winograd; sizes 5 9 13 7 19 56 */
         {"PPPPDP", "PWWWWW", "PWWWWW", "PWWWWW", "PWWWWW", "PPPWWP"}, /* 4 */
         {"DDDDDD", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "PWWWWW"}, /* 24 */
         {"DDDWPD", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 48 */
         {"DPPWPW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "DWWWWW"}, /* 96 */
         {"DPPWPW", "WWWWWW", "WWWWWW", "WWWWWW", "DWWWWW", "DWWWWW"}, /* 192 */
         {"DPPPPW", "WWWWWW", "WWWWWW", "WWWWWW", "DWWWWW", "DPWPWW"}, /* 448 */
        },
        {/* avx2, by data, one tap; sizes 4 7 10 14 28 56 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 4 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPD", "PPPPPP"}, /* 24 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 48 */
         {"PPPPPD", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 96 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 192 */
         {"PPPPPD", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 448 */
        },
        {/* avx2, by data, few taps; sizes 4 7 10 14 28 56 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 4 */
         {"PDDDDD", "PDPDDD", "PDPDDD", "PDDDDD", "PDDDDD", "PDPDDD"}, /* 24 */
         {"PDDDDD", "PPDDDD", "PPDDDP", "PPDDDD", "PPDDDD", "PDDDDP"}, /* 48 */
         {"PDDPPD", "PPDPPP", "PPDPPD", "PPDPPD", "PDDDDP", "PDDDDD"}, /* 96 */
         {"PPPPPD", "PPPPPP", "PPDPPP", "PDDPDP", "PDDDDD", "PPDDDD"}, /* 192 */
         {"PPPPPD", "PPPPPP", "PPDPPP", "PPDPPP", "PPDPPP", "PPDPPP"}, /* 448 */
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
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 4 */
         {"PDDDDD", "PDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 24 */
         {"PDDDDD", "PDDDDD", "PDDDDD", "PDDDDD", "PDDDDD", "PDDDDD"}, /* 48 */
         {"PDDDDD", "PDDDDD", "PDDDDD", "DDDDDD", "PDDDDD", "PPDDDD"}, /* 96 */
         {"PPPDPP", "PDDDDP", "DDDDDD", "PDDDDD", "PPDDDD", "PPDDDD"}, /* 192 */
         {"PPDPPP", "PDDDDD", "PDDDDD", "PPDPDD", "PPDPPP", "PPPPPP"}, /* 448 */
        },
        {/* avx2, by data, many taps, strided; sizes 4 7 10 14 28 56 */
         {"DDDDDD", "PDDDDD", "PDDDDD", "PDDDDD", "PDDDDD", "PDDDDD"}, /* 4 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 24 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 48 */
         {"PPPPPD", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 96 */
         {"PPPPPD", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 192 */
         {"PPPPPD", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 448 */
        },
       },
       {
        {/* avx2, by weights, 3x3 for Winograd; sizes 5 9 13 7 19 56 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 4 */
         {"DDDDDD", "DDDWWW", "DWWWWW", "DWWWWW", "DWWWWW", "DWWWWW"}, /* 24 */
         {"DDDDWW", "DWWWWW", "DWWWWW", "WWWWWW", "DWWWWW", "DWWWWW"}, /* 48 */
         {"DDDWWW", "DDWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 96 */
         {"DDDDDW", "DWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 192 */
         {"DDDDDW", "DWWWWW", "DWWWWW", "WWWWWW", "DWWWWW", "DDWWWW"}, /* 448 */
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
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 24 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 48 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 96 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 192 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 448 */
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
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPDDP", "PPPDPP"}, /* 4 */
         {"PPPPPP", "PWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW"}, /* 24 */
         {"PPPWWW", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "DWWWWW"}, /* 48 */
         {"PPPWWW", "WWWWWW", "WWWWWW", "WWWWWW", "DWWWWW", "DWWWWW"}, /* 96 */
         {"PPPWWW", "WWWWWW", "WWWWWW", "DWWWWW", "DWWWWW", "PWWWWW"}, /* 192 */
         {"PPPPPP", "PWWWWW", "DWWWWW", "DWWWWW", "PWWWWW", "PPDPWW"}, /* 448 */
        },
        {/* avx512, forward, one tap; sizes 4 7 10 14 28 56 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPD"}, /* 4 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 24 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 48 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 96 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 192 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 448 */
        },
        {/* avx512, forward, few taps; sizes 4 7 10 14 28 56 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PDPPPP"}, /* 4 */
         {"PPPPPP", "PPPPPP", "PDPPDD", "PDDDPP", "PDDDPP", "PDPPPP"}, /* 24 */
         {"PPPPPP", "PPPPPP", "PDPDDD", "PDDDDD", "PDDDPP", "PDDDPP"}, /* 48 */
         {"PPPPPP", "PPPPPP", "PDDDDD", "PDDDDD", "PDDDDD", "PDDDDD"}, /* 96 */
         {"PPPPPP", "PPPPPD", "PDDDDD", "PDDDDD", "PDDDDD", "PPDDDD"}, /* 192 */
         {"PPPPPP", "PPPPPP", "PDPDDP", "PDDDDD", "PPDDDD", "PPPDDD"}, /* 448 */
        },
        {/* avx512, forward, few taps, strided; sizes 4 7 10 14 28 56 */
         {"PPPPPP", "PPPPPP", "PDDDPP", "PDDDPP", "PDDPPP", "PDPPPP"}, /* 4 */
         {"PPPPPP", "PPPDPP", "PDDDDD", "PDDDDP", "PDDDPP", "PDDDPP"}, /* 24 */
         {"PPPPPP", "PDDDDP", "PDDDDD", "PDDDDP", "DDDDDP", "DDDDDP"}, /* 48 */
         {"PPPPPP", "PDDDDP", "PDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 96 */
         {"PPPPPP", "PDDDDP", "PDDDDD", "DDDDDD", "DDDDDD", "PDDDDD"}, /* 192 */
         {"PPPPPP", "PDDDPP", "PDDDDP", "PDDDDD", "PDDDDD", "PPDDDD"}, /* 448 */
        },
        {/* avx512, forward, many taps; sizes 4 7 10 14 28 56 */
         {"PPPPPP", "PPPPPP", "PDPDDD", "PDDDPP", "PDDPPP", "PDPPPP"}, /* 4 */
         {"PPPPPP", "PPPPDD", "PDDDDD", "PDDDDD", "PDDDPD", "PDDDDD"}, /* 24 */
         {"PPPPPP", "PPDPDD", "PDDDDD", "PDDDDD", "PDDDDD", "PDDDDD"}, /* 48 */
         {"PPPPPP", "PDDDDD", "PDDDDD", "PDDDDD", "PDDDDD", "PPPDDD"}, /* 96 */
         {"PPPPPP", "PPPPDD", "PDDDDD", "PDDDDD", "PPDDDD", "PPPDDD"}, /* 192 */
         {"PPPPPP", "PPPPDP", "PDPPPP", "PPDDDD", "PPDDDD", "PPDDDD"}, /* 448 */
        },
        {/* avx512, forward, many taps, strided; sizes 4 7 10 14 28 56 */
         {"PDDDDP", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDP", "DDDDPP"}, /* 4 */
         {"DDDDPP", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 24 */
         {"DDDDPP", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "PDDDDD"}, /* 48 */
         {"DDDDDP", "DDDDDD", "DDDDDD", "DDDDDD", "PDDDDD", "PDDDDD"}, /* 96 */
         {"DDDDPP", "DDDDDD", "DDDDDD", "PDDDDD", "PDDDDD", "PDDDDD"}, /* 192 */
         {"DDDDPP", "PPDDPP", "PPPPPP", "PPDDDD", "PDDDDD", "PDDDDD"}, /* 448 */
        },
       },
       {
        {/* avx512, by data, 3x3 for Winograd; sizes 5 9 13 7 19 56 */
         {"PPPPPP", "PPPPPP", "PPPWWW", "PPPWWW", "PPPWWW", "PPPPPP"}, /* 4 */
         {"PPPPPP", "PWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "PWWWWW"}, /* 24 */
         {"DPPDPP", "WWWWWW", "WWWWWW", "WWWWWW", "WWWWWW", "DWWWWW"}, /* 48 */
         {"DPPDPP", "WWWWWW", "WWWWWW", "WWWWWW", "DWWWWW", "DWWWWW"}, /* 96 */
         {"DPPDDP", "WWWWWW", "WWWWWW", "DWWWWW", "DWWWWW", "PPWWWW"}, /* 192 */
         {"DPPDPP", "WWWWWW", "DWWWWW", "DWWWWW", "PWWWWW", "PPDPWW"}, /* 448 */
        },
        {/* avx512, by data, one tap; sizes 4 7 10 14 28 56 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 4 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 24 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 48 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 96 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 192 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 448 */
        },
        {/* avx512, by data, few taps; sizes 4 7 10 14 28 56 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 4 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 24 */
         {"PDPPPP", "PPPPDD", "PDPDDD", "PDPDDD", "PDPDDD", "PDPDDP"}, /* 48 */
         {"PDPPPP", "PDDDPP", "PDDDDD", "PDDDDD", "PDDDDD", "PDDDDD"}, /* 96 */
         {"PDPPPP", "PDDDPP", "PDDDPP", "PDDDDD", "PDDDDD", "PPDDDD"}, /* 192 */
         {"PDPPPP", "PDPPPP", "PDDDPP", "PDDDDD", "PPDDDD", "PPDDDD"}, /* 448 */
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
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 4 */
         {"PPPPPP", "PDPPPD", "PDDDDD", "PDPDDD", "PDPDDD", "PPPPPP"}, /* 24 */
         {"PDDDDD", "PDDDDD", "PDDDDD", "PDDDDD", "PDDDDD", "PDPPPP"}, /* 48 */
         {"PDDDPP", "PDDDDD", "PDDDDD", "PDDDDD", "PDDDDD", "PPDDDD"}, /* 96 */
         {"PDDPPP", "PDDDPD", "PDDDDD", "PDDDDD", "PPDDDD", "PPDDDD"}, /* 192 */
         {"PDPPPP", "PDDDDD", "PDDDDD", "PPPDDD", "PPPDDD", "PPDDDD"}, /* 448 */
        },
        {/* avx512, by data, many taps, strided; sizes 4 7 10 14 28 56 */
         {"PDDDDD", "PDDDDD", "PDDDDD", "PDDDDD", "PDDDDD", "PDDDDD"}, /* 4 */
         {"PPPPPP", "PPPPPP", "PPPPPD", "PPPPPD", "PPPPPD", "PPPPPP"}, /* 24 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 48 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 96 */
         {"PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 192 */
         {"PPPPPD", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP", "PPPPPP"}, /* 448 */
        },
       },
       {
        {/* avx512, by weights, 3x3 for Winograd; sizes 5 9 13 7 19 56 */
         {"DDDWDD", "DDDWDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 4 */
         {"DDWWWW", "DWWWWW", "DWWWWW", "DWWWWW", "DWWWWW", "DWWWWW"}, /* 24 */
         {"DWWDWW", "DWWWWW", "DWWWWW", "DWWWWW", "DWWWWW", "DWWWWW"}, /* 48 */
         {"DWWWWW", "DWWWWW", "DWWWWW", "DWWWWW", "DWWWWW", "DWWWWW"}, /* 96 */
         {"DWWWWW", "DWWWWW", "DWWWWW", "DWWWWW", "WWWWWW", "DWWWWW"}, /* 192 */
         {"DDDWWW", "DWWWWW", "DWWWWW", "DWWWWW", "DWWWWW", "DWWWWW"}, /* 448 */
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
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 24 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 48 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 96 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 192 */
         {"DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD", "DDDDDD"}, /* 448 */
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

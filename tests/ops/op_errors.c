/* The error tables of all families. */
#include "op_test.h"

/* clang-format off */
#define ERROR_FAMILIES(X)                                                                          \
    X(matmul)                                                                                      \
    X(moe_linear)                                                                                  \
    X(linear_int8)                                                                                 \
    X(conv_u8)                                                                                     \
    X(binary)                                                                                      \
    X(unary)                                                                                       \
    X(cast)                                                                                        \
    X(reduce)                                                                                      \
    X(scan)                                                                                        \
    X(attention)                                                                                   \
    X(rope)                                                                                        \
    X(move)                                                                                        \
    X(update)                                                                                      \
    X(norm)                                                                                        \
    X(conv)                                                                                        \
    X(pool)
/* clang-format on */

#define ERROR_TABLE(family) extern const struct op_error_case optest_errors_##family[];
ERROR_FAMILIES(ERROR_TABLE)
#undef ERROR_TABLE

const struct op_error_table op_error_tables[] = {
#define ERROR_ROW(family) {#family, optest_errors_##family},
    ERROR_FAMILIES(ERROR_ROW)
#undef ERROR_ROW
        {NULL, NULL}};

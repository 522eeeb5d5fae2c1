/* Status codes.  Every call that can fail returns one; the text of what went wrong, with names and
 * numbers, is in the context (sw_error).  SW_OK is zero, errors are negative. */
#ifndef SWELL_STATUS_H
#define SWELL_STATUS_H

#include <swell/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, value, text): the one place where a status is defined. */
#define SW_STATUS_LIST(X)                                                                          \
    X(SW_OK, 0, "success")                                                                         \
    X(SW_ERR_MEMORY, -1, "out of memory")                                                          \
    X(SW_ERR_ARGUMENT, -2, "invalid argument")                                                     \
    X(SW_ERR_SHAPE, -3, "shapes do not fit")                                                       \
    X(SW_ERR_DTYPE, -4, "data type does not fit")                                                  \
    X(SW_ERR_SIZE, -5, "size too large")                                                           \
    X(SW_ERR_UNSUPPORTED, -6, "not supported")                                                     \
    X(SW_ERR_IO, -7, "input or output failed")                                                     \
    X(SW_ERR_FORMAT, -8, "malformed file")                                                         \
    X(SW_ERR_STATE, -9, "call not allowed in this state")                                          \
    X(SW_ERR_NAN, -10, "not a number in the data")                                                 \
    X(SW_ERR_CANCELLED, -11, "cancelled")

typedef enum sw_status {
#define SW_STATUS_ENUM(name, value, text) name = value,
    SW_STATUS_LIST(SW_STATUS_ENUM)
#undef SW_STATUS_ENUM
} sw_status;

/* The text of a status, for example "out of memory".  Never NULL; unknown values say so. */
SW_API const char *sw_status_text(sw_status status);

/* The name of a status, for example "SW_ERR_MEMORY".  Never NULL. */
SW_API const char *sw_status_name(sw_status status);

#ifdef __cplusplus
}
#endif
#endif

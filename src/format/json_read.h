/* JSON from a file or a peer, strictly; a lack of memory is an error like another. */
#ifndef SWELL_FORMAT_JSON_READ_H
#define SWELL_FORMAT_JSON_READ_H

#include <stddef.h>
#include <swell/status.h>

struct json_t;

struct sw_json_error {
    size_t offset; /* in the text */
    char why[112];
};

/* Strict: no name twice, no NUL in strings, nothing but spaces behind the value.  SW_ERR_FORMAT or
 * SW_ERR_MEMORY with *error filled.  Free with json_decref. */
sw_status sw__json_read(const char *text, size_t size, struct json_t **out,
                        struct sw_json_error *error);

#endif

/* JSON through jansson, twice.
 *
 * When the buffer of a token cannot grow, jansson (2.14, load.c: lex_save) drops the character and goes
 * on: "false" becomes "fale", and 120 may become 12, without an error.  And some failed allocations
 * come out as syntax errors.  So a text is parsed two times, and only what both give is believed; where
 * they differ memory was short. */
#include "format/json_read.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

sw_status sw__json_read(const char *text, size_t size, struct json_t **out,
                        struct sw_json_error *error)
{
    json_error_t why;
    json_t *first = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
    json_t *second = json_loadb(text, size, JSON_REJECT_DUPLICATES, first ? NULL : &why);
    *out = NULL;
    *error = (struct sw_json_error){.why = "out of memory"};
    if (first && second && json_equal(first, second)) {
        json_decref(second);
        *out = first;
        return SW_OK;
    }
    bool differ = first || second;
    json_decref(first);
    json_decref(second);
    if (differ || json_error_code(&why) == json_error_out_of_memory) return SW_ERR_MEMORY;
    error->offset = why.position > 0 ? (size_t)why.position : 0;
    snprintf(error->why, sizeof error->why, "%.*s", (int)sizeof error->why - 1, why.text);
    return SW_ERR_FORMAT;
}

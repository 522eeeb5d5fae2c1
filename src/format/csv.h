/* Lists of labelled pictures: text lines `path,label` (RFC 4180). */
#ifndef SWELL_FORMAT_CSV_H
#define SWELL_FORMAT_CSV_H

#include <stddef.h>
#include <stdint.h>
#include <swell/context.h>

#include "base/memory.h"

struct sw_csv_row {
    const char *path, *label;
};

struct sw_csv {
    struct sw_csv_row *rows;
    int64_t count, capacity;
    struct sw_arena text; /* the strings */
};

/* From memory; `name` is for errors.  SW_ERR_FORMAT names the line.  Free with sw__csv_free, after a
 * failure too. */
sw_status sw__csv_parse(sw_context *ctx, const char *name, const char *bytes, size_t size,
                        struct sw_csv *out);
void sw__csv_free(struct sw_csv *csv);

#endif

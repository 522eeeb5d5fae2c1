/* Lists of pictures from memory: any bytes give rows of two strings or one line of error. */
#include <stdlib.h>
#include <string.h>
#include <swell/context.h>

#include "format/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sw_context *ctx;
    struct sw_csv csv;
    if (!ctx && sw_context_create(&(sw_context_options){.threads = 1}, &ctx) != SW_OK) return 0;
    if (sw__csv_parse(ctx, "input", (const char *)data, size, &csv) == SW_OK)
        for (int64_t i = 0; i < csv.count; i++)
            if (!strlen(csv.rows[i].path) || !strlen(csv.rows[i].label)) abort();
    sw__csv_free(&csv);
    return 0;
}

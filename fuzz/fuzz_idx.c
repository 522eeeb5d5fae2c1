/* IDX files from memory: any bytes give a data set or one line of error. */
#include <stdlib.h>
#include <swell/context.h>

#include "format/idx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sw_context *ctx;
    struct sw_idx x;
    if (!ctx && sw_context_create(&(sw_context_options){.threads = 1}, &ctx) != SW_OK) return 0;
    for (int rank = 1; rank <= 4; rank++)
        if (sw__idx_parse(ctx, "input", data, size, rank, &x) == SW_OK) {
            volatile uint8_t sum = 0;
            for (size_t i = 0; i < x.size; i++) sum = (uint8_t)(sum + x.data[i]);
            free(x.data);
        }
    return 0;
}

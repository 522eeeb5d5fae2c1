/* Any bytes through the reader of importance matrices.  What it accepts is a number from 0 on. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "format/imatrix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sw_context *ctx;
    struct sw_imatrix *m;
    int64_t n;
    if (!ctx && sw_context_create(&(sw_context_options){.threads = 1}, &ctx) != SW_OK) abort();
    const sw_status status = sw__imatrix_parse(ctx, "fuzz", data, size, &m);
    if (status != SW_OK) {
        if (m || !*sw_error(ctx)) abort();
        return 0;
    }
    const float *v = sw__imatrix_find(m, "a", &n);
    for (int64_t i = 0; v && i < n; i++)
        if (!(v[i] >= 0) || isinf(v[i])) abort();
    if (sw__imatrix_count(m) < 1) abort();
    sw__imatrix_close(m);
    return 0;
}

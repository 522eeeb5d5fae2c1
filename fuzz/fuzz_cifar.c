/* CIFAR's binary batches from memory: records whose labels are in range, or one line of error. */
#include <stdlib.h>
#include <swell/context.h>

#include "format/cifar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sw_context *ctx;
    struct sw_cifar c;
    uint64_t sum = 0;
    if (!ctx && sw_context_create(&(sw_context_options){.threads = 1}, &ctx) != SW_OK) return 0;
    if (sw__cifar_parse(ctx, "input", data, size, &c) != SW_OK) return 0;
    for (int64_t i = 0; i < c.count; i++) {
        const uint8_t *x = sw__cifar_image(&c, i);
        for (int j = 0; j < SW_CIFAR_BYTES; j++) sum += x[j];
        if (sw__cifar_label(&c, i) >= c.classes) abort();
    }
    if (sum > (uint64_t)size * 255) abort(); /* every byte is one of the input's */
    return 0;
}

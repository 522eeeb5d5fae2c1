/* CIFAR's binaries have no header: records of a label and 3,072 bytes of picture, planes of red, green
 * and blue.  CIFAR-10 has one byte of label, CIFAR-100 two (coarse, fine); the fine one is used.  The size
 * of the file tells which, and where both divide it, the labels do. */
#include "format/cifar.h"

#include "base/context_int.h"

enum { RECORD_10 = 1 + SW_CIFAR_BYTES, RECORD_100 = 2 + SW_CIFAR_BYTES };

/* The first record whose label is out of range, or -1. */
static int64_t first_wrong(const struct sw_cifar *c)
{
    for (int64_t i = 0; i < c->count; i++)
        if (sw__cifar_label(c, i) >= c->classes) return i;
    return -1;
}

sw_status sw__cifar_parse(sw_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                          struct sw_cifar *out)
{
    const struct sw_cifar ten = {(int64_t)(size / RECORD_10), 10, bytes, 0, 1, RECORD_10};
    const struct sw_cifar hundred = {(int64_t)(size / RECORD_100), 100, bytes, 1, 2, RECORD_100};
    const bool is_ten = size % RECORD_10 == 0, is_hundred = size % RECORD_100 == 0;
    *out = (struct sw_cifar){0};
    if (size == 0 || (!is_ten && !is_hundred))
        return sw__fail(ctx, SW_ERR_FORMAT,
                        "%s: %zu bytes are no records of CIFAR-10 (%d) or CIFAR-100 (%d)", name,
                        size, RECORD_10, RECORD_100);
    *out = is_ten && (!is_hundred || first_wrong(&ten) < 0) ? ten : hundred;
    int64_t wrong = first_wrong(out);
    if (wrong < 0) return SW_OK;
    return sw__fail(ctx, SW_ERR_FORMAT, "%s: offset %lld: label %d of CIFAR-%d", name,
                    (long long)(wrong * out->record + out->label_at), sw__cifar_label(out, wrong),
                    out->classes);
}

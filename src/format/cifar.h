/* CIFAR's binary batches (Krizhevsky 2009; cs.toronto.edu/~kriz/cifar.html, "binary version"). */
#ifndef SWELL_FORMAT_CIFAR_H
#define SWELL_FORMAT_CIFAR_H

#include <stddef.h>
#include <stdint.h>
#include <swell/context.h>

enum { SW_CIFAR_SIDE = 32, SW_CIFAR_BYTES = 3 * 32 * 32 };

/* Records inside the bytes of a file. */
struct sw_cifar {
    int64_t count;
    int classes; /* 10 or 100 */
    const uint8_t *bytes;
    int label_at, image_at, record; /* offsets in a record, and its size */
};

/* From memory; `name` is for errors.  SW_ERR_FORMAT: the size is no number of records, or a label is
 * out of range. */
sw_status sw__cifar_parse(sw_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                          struct sw_cifar *out);

static inline int sw__cifar_label(const struct sw_cifar *c, int64_t i)
{
    return c->bytes[i * c->record + c->label_at];
}

/* (3,32,32) */
static inline const uint8_t *sw__cifar_image(const struct sw_cifar *c, int64_t i)
{
    return c->bytes + i * c->record + c->image_at;
}

#endif

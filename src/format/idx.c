/* IDX files: two zero bytes, the type (8: unsigned byte), the number of dimensions, each dimension as
 * four bytes big-endian, then the data, row-major.  Other types exist and no data set uses them:
 * refused by name.  Plain or gzip, told apart by the first two bytes through zlib.
 *
 * The whole file is read first, growing as bytes really arrive, and then parsed: so a header can
 * claim what it wants. */
#include "format/idx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <swell/data.h>
#include <zlib.h>

#include "base/context_int.h"
#include "base/memory.h"
#include "base/size.h"

/* Larger than any data set of this format by far. */
#define IDX_LIMIT ((int64_t)4 << 30)

static const char *type_name(int type)
{
    switch (type) {
    case 0x09: return "signed bytes";
    case 0x0B: return "16-bit integers";
    case 0x0C: return "32-bit integers";
    case 0x0D: return "32-bit floats";
    case 0x0E: return "64-bit floats";
    default: return "an unknown type";
    }
}

sw_status sw__idx_parse(sw_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                        int rank, struct sw_idx *out)
{
    *out = (struct sw_idx){.rank = rank};
    size_t header = 4 + 4 * (size_t)rank;
    if (size < 4)
        return sw__fail(ctx, SW_ERR_FORMAT, "%s: offset %zu: the file ends in its header", name,
                        size);
    if (bytes[0] || bytes[1])
        return sw__fail(ctx, SW_ERR_FORMAT, "%s: offset 0: not an IDX file (it begins %02x %02x)",
                        name, bytes[0], bytes[1]);
    if (bytes[2] != 0x08)
        return sw__fail(ctx, SW_ERR_FORMAT, "%s: offset 2: holds %s, not unsigned bytes", name,
                        type_name(bytes[2]));
    if (bytes[3] != rank)
        return sw__fail(ctx, SW_ERR_FORMAT, "%s: offset 3: has %d dimensions, not %d", name,
                        bytes[3], rank);
    if (size < header)
        return sw__fail(ctx, SW_ERR_FORMAT, "%s: offset %zu: the file ends in its header", name,
                        size);
    int64_t total = 1;
    for (int i = 0; i < rank; i++) {
        const uint8_t *p = bytes + 4 + 4 * i;
        out->dim[i] = (int64_t)((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
                                p[3]);
        if (!sw__i64_mul(total, out->dim[i], &total) || total > IDX_LIMIT)
            return sw__fail(ctx, SW_ERR_FORMAT, "%s: offset %d: dimension %d of %lld is absurd",
                            name, 4 + 4 * i, i, (long long)out->dim[i]);
    }
    if ((uint64_t)total != size - header)
        return sw__fail(ctx, SW_ERR_FORMAT,
                        "%s: offset %zu: %zu bytes of data follow, %lld expected", name, header,
                        size - header, (long long)total);
    out->data = malloc((size_t)total + 1);
    if (!out->data) return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", name);
    memcpy(out->data, bytes + header, (size_t)total);
    out->size = (size_t)total;
    return SW_OK;
}

/* All bytes of a plain or gzip file. */
static sw_status inflate_file(sw_context *ctx, const char *path, uint8_t **out, size_t *size)
{
    uint8_t *bytes = NULL;
    int64_t capacity = 0;
    size_t n = 0;
    sw_status status = SW_OK;
    int code = Z_OK;
    errno = 0;
    gzFile file = gzopen(path, "rb");
    if (!file)
        return sw__fail(ctx, errno ? SW_ERR_IO : SW_ERR_MEMORY, "%s: %s", path,
                        errno ? strerror(errno) : "out of memory");
    for (;;) {
        if (!sw__grow(&bytes, &capacity, (int64_t)n + (1 << 16), 1)) {
            status = sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", path);
            goto done;
        }
        int got = gzread(file, bytes + n, (unsigned)sw__min64(capacity - (int64_t)n, 1 << 20));
        if (got < 0) {
            const char *why = gzerror(file, &code);
            status = sw__fail(ctx, code == Z_ERRNO ? SW_ERR_IO : SW_ERR_FORMAT,
                              "%s: offset %zu: %s", path, n,
                              code == Z_ERRNO ? strerror(errno) : why);
            goto done;
        }
        n += (size_t)got;
        if (got == 0) break;
        if ((int64_t)n > IDX_LIMIT) {
            status = sw__fail(ctx, SW_ERR_FORMAT, "%s: larger than any IDX file should be", path);
            goto done;
        }
    }
    gzerror(file, &code);
    if (code == Z_BUF_ERROR)
        status = sw__fail(ctx, SW_ERR_FORMAT, "%s: offset %zu: the gzip stream ends too early",
                          path, n);
done:
    gzclose(file);
    if (status != SW_OK) {
        free(bytes);
        bytes = NULL;
    }
    *out = bytes;
    *size = n;
    return status;
}

sw_status sw__idx_load(sw_context *ctx, const char *path, int rank, struct sw_idx *out)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    *out = (struct sw_idx){0};
    sw_status status = inflate_file(ctx, path, &bytes, &size);
    if (status == SW_OK) status = sw__idx_parse(ctx, path, bytes, size, rank, out);
    free(bytes);
    return status;
}

/* ---- the pair as a data set ------------------------------------------------------------------------ */

static sw_status check_pair(sw_context *ctx, const char *images, const struct sw_idx *x,
                            const char *labels, const struct sw_idx *y)
{
    if (x->dim[0] != y->dim[0])
        return sw__fail(ctx, SW_ERR_FORMAT, "%s has %lld pictures, %s has %lld labels", images,
                        (long long)x->dim[0], labels, (long long)y->dim[0]);
    if (x->dim[0] < 1 || x->dim[1] < 1 || x->dim[2] < 1 || x->dim[1] > 4096 || x->dim[2] > 4096)
        return sw__fail(ctx, SW_ERR_FORMAT, "%s: %lld pictures of %lld x %lld are no data set",
                        images, (long long)x->dim[0], (long long)x->dim[1], (long long)x->dim[2]);
    return SW_OK;
}

sw_status sw_dataset_load_idx(sw_context *ctx, const char *images, const char *labels,
                              sw_dataset **out)
{
    struct sw_idx x, y = {0};
    *out = NULL;
    sw_status status = sw__idx_load(ctx, images, 3, &x);
    if (status == SW_OK) status = sw__idx_load(ctx, labels, 1, &y);
    if (status == SW_OK) status = check_pair(ctx, images, &x, labels, &y);
    sw_dataset *d = status == SW_OK ? sw__calloc2(1, sizeof *d) : NULL;
    if (status == SW_OK && !d) status = sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", images);
    if (status != SW_OK) {
        free(x.data);
        free(y.data);
        return status;
    }
    *d = (sw_dataset){.count = x.dim[0],
                      .channels = 1,
                      .height = (int)x.dim[1],
                      .width = (int)x.dim[2],
                      .images = x.data,
                      .labels = y.data};
    for (int64_t i = 0; i < d->count; i++)
        if (d->labels[i] >= d->classes) d->classes = d->labels[i] + 1;
    *out = d;
    return SW_OK;
}

void sw_dataset_destroy(sw_dataset *d)
{
    if (!d) return;
    free((void *)d->images);
    free((void *)d->labels);
    free(d);
}

void sw_dataset_batch(const sw_dataset *d, const int64_t *index, int64_t n, float mean,
                      float deviation, float *out, int32_t *labels)
{
    const int64_t size = (int64_t)d->channels * d->height * d->width;
    float table[256];
    for (int v = 0; v < 256; v++) table[v] = ((float)v / 255.0f - mean) / deviation;
    for (int64_t i = 0; i < n; i++) {
        const uint8_t *x = d->images + index[i] * size;
        for (int64_t j = 0; j < size; j++) out[i * size + j] = table[x[j]];
        if (labels) labels[i] = d->labels[index[i]];
    }
}

/* NumPy's file format, version 1.0 (numpy.lib.format): a magic, the length of the header, a Python literal
 * that says dtype and shape, padded to a multiple of 64 bytes, then the numbers in C order.
 *
 * The header has a fixed size here, so that it can be written again when the number of rows is known.  What
 * is left out: every dtype but f32, every rank but 2, reading. */
#include "format/npy.h"

#include <errno.h>
#include <string.h>

enum { HEADER = 128 };

static void header(const struct sw_npy *npy, char text[HEADER])
{
    const uint16_t one = 1;
    const char order = *(const char *)&one ? '<' : '>'; /* of this machine's bytes */
    const int fixed = 10, length = HEADER - fixed;
    memset(text, ' ', HEADER);
    memcpy(text, "\x93NUMPY\x01\x00", 8);
    text[8] = (char)(length & 255);
    text[9] = (char)(length >> 8);
    int n = snprintf(text + fixed, (size_t)length,
                     "{'descr': '%cf4', 'fortran_order': False, 'shape': (%lld, %lld), }", order,
                     (long long)npy->rows, (long long)npy->columns);
    text[fixed + n] = ' ';
    text[HEADER - 1] = '\n';
}

sw_status sw__npy_create(const char *path, int64_t columns, struct sw_npy *out)
{
    char text[HEADER];
    *out = (struct sw_npy){.columns = columns};
    sw_status status = sw__file_create(path, &out->file);
    if (status != SW_OK) return status;
    header(out, text);
    sw__file_write(&out->file, text, HEADER);
    return SW_OK;
}

void sw__npy_row(struct sw_npy *npy, const float *row)
{
    sw__file_write(&npy->file, row, (size_t)npy->columns * sizeof *row);
    npy->rows++;
}

sw_status sw__npy_commit(struct sw_npy *npy)
{
    char text[HEADER];
    header(npy, text);
    if (!npy->file.error && fseek(npy->file.stream, 0, SEEK_SET) != 0) npy->file.error = errno;
    sw__file_write(&npy->file, text, HEADER);
    return sw__file_commit(&npy->file);
}

void sw__npy_abandon(struct sw_npy *npy)
{
    sw__file_abandon(&npy->file);
}

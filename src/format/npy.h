/* NumPy's .npy files: a matrix of f32, written row by row. */
#ifndef SWELL_FORMAT_NPY_H
#define SWELL_FORMAT_NPY_H

#include <stdint.h>

#include "base/file.h"

struct sw_npy {
    struct sw_file file;
    int64_t rows, columns;
};

/* Begin a file of rows of `columns` numbers; how many rows, nobody need know yet.  Errors and errno as
 * sw__file_create. */
sw_status sw__npy_create(const char *path, int64_t columns, struct sw_npy *out);
/* Sticky, as sw__file_write. */
void sw__npy_row(struct sw_npy *npy, const float *row);
/* Put the number of rows into the header and the file in its place, whole or not at all.  Frees the handle. */
sw_status sw__npy_commit(struct sw_npy *npy);
/* Remove what was written and free the handle. */
void sw__npy_abandon(struct sw_npy *npy);

#endif

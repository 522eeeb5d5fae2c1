/* Pictures that explain: a network's first filters, a map of what mattered, a sheet of neighbours. */
#ifndef SWELL_CLI_SEE_DRAWINGS_H
#define SWELL_CLI_SEE_DRAWINGS_H

#include "cli/see_files.h"
#include "cli/see_report.h"

/* The kernels (O,C,H,W), C 1 or 3, side by side, each scaled to its own largest magnitude: grey is 0.
 * Krizhevsky et al. 2012, figure 3.  SW_ERR_UNSUPPORTED for other C; SW_ERR_IO ... */
sw_status see_draw_filters(sw_context *ctx, const sw_tensor *filters, const char *path);

/* The photo, and beside it the same under the map (side,side): from dark over red to yellow where the class
 * was seen, blue where it was hidden. */
sw_status see_draw_map(sw_context *ctx, const sw_picture *photo, const sw_preprocessing *p,
                       const float *map, const char *path);

/* A sheet of rows: a picture, and its `across` neighbours (figure 4). */
struct see_sheet {
    sw_picture *page;
    int rows, across;
};
sw_status see_sheet_create(sw_context *ctx, int rows, int across, struct see_sheet *sheet);
/* Put a picture into column 0 (the one in question) or 1.. of a row. */
sw_status see_sheet_put(sw_context *ctx, struct see_sheet *sheet, int row, int column,
                        const sw_picture *photo);
#define SEE_THUMBNAIL 128
#define SEE_ROW       (SEE_THUMBNAIL + 6) /* pixels of a row */

#endif

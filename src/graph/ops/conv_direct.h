/* Direct convolution: Y[row][pixel] = act(sum over k of w[row][k] * X[k][pixel] + bias), where X is
 * read where it lies, in a padded copy of some rows of the image (conv_direct_tile_f32).
 *
 * Vectors run over rows of the weight (out-channels), numbers of the image are broadcast: the weight
 * is packed in panels of whole vectors, and results are transposed on their way out.  The forward
 * pass and the gradient of the input differ in the grid and in the weight only.
 *
 * The gradient of the input of a strided convolution: pixels with the same residue (conv_shape.h)
 * form a phase.  Here phases are out-channels, all computed from the same window of dy, in which a
 * phase has zeros for taps that it has not: a convolution without stride, whose results are spread
 * over dx.  Good where channels are few and most taps are there.
 *
 * Where the weight is small, a task has an image, a group and a band of rows of the grid, which it
 * copies into its scratch, and does all out-channels.  A large weight would be read by every task: then
 * images are copied by a phase before (or read in place, where no copy is needed), and tasks are some
 * panels of the weight by some bands.  Sums run over all of k in order, in one accumulator: their
 * bits depend on the image and the weight only. */
#ifndef SWELL_OPS_CONV_DIRECT_H
#define SWELL_OPS_CONV_DIRECT_H

#include "graph/ops/conv_shape.h"
#include "kernels/conv_kernels.h"

/* A packed weight: groups after each other; panels of two vectors, the last of one to three; a panel
 * is [k][width].  The gradient's rows are (in-channel, residue down, residue across), its k (out-
 * channel, tap down, tap across). */
void sw__conv_direct_pack_forward(const struct sw_kernels *k, const struct conv_attr *attr,
                                  const sw_shape *w, struct sw_pack *out);
void sw__conv_direct_pack_backward(const struct sw_kernels *k, const struct conv_attr *attr,
                                   const sw_shape *w, struct sw_pack *out);

/* A padded copy of rows of the images: parts of a row one after the other, its columns by their number
 * modulo the stride.  Of windows of one row, or column, only what they read is there. */
struct conv_copy {
    int64_t top, left;  /* row and column of the first window's first element in the source */
    int64_t down, wide; /* rows of a window; columns of a part */
    int64_t step;       /* rows of the source from one of the copy to the next */
    int64_t parts;      /* of a row */
    int64_t pitch;      /* floats of a row */
    int64_t row_floats; /* from a row of the grid to the next */
};
struct conv_copy sw__conv_copy(const struct sw_grid *g);
/* offset[ny*nx]: from a pixel to its taps. */
void sw__conv_copy_offsets(const struct conv_copy *copy, const struct sw_grid *g, int64_t *offset);
/* Rows of the copy for `rows` rows of the grid. */
int64_t sw__conv_copy_rows(const struct conv_copy *copy, const struct sw_grid *g, int64_t rows);
/* `planes` planes at x, for `rows` rows of the grid from `first` on, to dst: [plane][row][pitch]. */
void sw__conv_copy_run(const struct sw_kernels *k, const struct conv_copy *copy,
                       const struct sw_grid *g, float *dst, const float *x, int64_t planes,
                       int64_t first, int64_t rows);

struct conv_direct {
    const struct sw_kernels *kernels;
    struct sw_grid grid;
    struct conv_copy copy;
    int64_t images, groups;
    int64_t planes, x_group; /* of a group; floats to those of the next */
    int64_t rows;            /* of the weight, of a group */
    /* Row v of the weight, pixel (r, q): channel v / (step*step'), residues (y, x): element
     * (y0 + r*step[0] + y, x0 + q*step[1] + x) of a plane of h x w, if it is there. */
    struct {
        int64_t h, w, y0, x0, step[2];
    } to;
    enum { DIRECT_OWN, DIRECT_SHARED, DIRECT_IN_PLACE } source; /* copies, or none */
    int64_t band, bands;   /* rows of the grid; bands of an image */
    int64_t chunk;         /* rows of the grid whose sums are together in the scratch */
    int64_t across, down;  /* parts of all bands, and of all panels, that are tasks */
    int64_t pieces;        /* of the planes of a band, that are tasks of the phase before */
    int64_t copies, tasks; /* of the phase before, and of the convolution */
    int64_t room;          /* floats of the scratch for a copy */
    size_t workspace;      /* of the phase before, at these sizes or smaller ones */
    size_t scratch;
};

/* The forward pass and the gradient of the input (dilation 1 where the stride is not). */
struct conv_direct sw__conv_direct_forward(const struct sw_kernels *k, const struct conv_attr *attr,
                                           const struct conv_dims *d);
struct conv_direct sw__conv_direct_backward(const struct sw_kernels *k,
                                            const struct conv_attr *attr,
                                            const struct conv_dims *d);

/* For steps with operands x (or dy) and weight: tasks and memory of the step, of two phases, and its run.
 * pack: of a weight that changes in every run.  e: its bias_row is by channel of group 0, or NULL. */
void sw__conv_direct_prepare(struct sw_step *s, const struct conv_direct *p,
                             const struct sw_pack *pack);
void sw__conv_direct_run(const struct sw_step *s, const struct conv_direct *p,
                         const struct sw_pack *pack, const struct sw_epilogue *e, int phase,
                         int64_t begin, int64_t end, float *scratch);

/* Vectors of panel p of a weight with so many rows, and how many panels there are. */
int64_t sw__conv_direct_panels(const struct sw_kernels *k, int64_t rows);
int64_t sw__conv_direct_vectors(const struct sw_kernels *k, int64_t rows, int64_t p);

#endif

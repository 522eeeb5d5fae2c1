/* Adding rows by number: what scatter_add does, and what the gradients of gather and embedding are.
 *
 *     y = x, or zeros;  for each i in order:  y[o, ids[i], :] += u[o, i, :]      axes (outer, rows, inner)
 *
 * A task owns a block of rows (and of columns, when rows are long) and walks all ids in order, so
 * duplicates add in a fixed order and no two tasks write the same element. */
#ifndef SWELL_ROW_OPS_H
#define SWELL_ROW_OPS_H

#include "graph/op.h"

struct sw_row_adder {
    int64_t outer, rows, inner, n; /* n ids */
    bool wrap;                     /* negative ids count from the end */
    int64_t rows_a_task, cols_a_task;
    int64_t row_tasks, col_tasks, tasks;
};

/* Cut into tasks. */
void sw__row_adder_plan(struct sw_row_adder *a);
/* x is NULL for zeros, or y itself: then y holds x already. */
void sw__row_adder_run(const struct sw_row_adder *a, const struct sw_kernels *k, float *y,
                       const float *x, const int32_t *ids, const float *u, int64_t begin,
                       int64_t end);

/* The gradient of a gather along `axis` or of an embedding: rows of dy added up by id, of the shape
 * of x, whose values are not read. */
sw_node *sw__gather_grad(sw_graph *g, sw_node *dy, sw_node *ids, sw_node *x, int axis, bool wrap);

#endif

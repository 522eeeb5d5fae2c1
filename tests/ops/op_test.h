/* Tests of ops: one table of cases an op, checked for everything that must hold of every op.
 *
 * A case gives inputs, the graph made by the public builder, and an oracle: the same function in
 * float64, plain loops, written from the definition and not from the code under test.  The runner
 * then checks, on every ISA that this CPU has (above AVX-512 the best one, and all if `every_isa`):
 *   - forward: |y - oracle| <= tol * scale, scale = max(1, |oracle|max of the output)
 *     (or exact, for integers, when tol is 0)
 *   - gradient: for L = sum_i r_i y_i with fixed random r, sw_grad's dL/dx against central
 *     differences of the ORACLE's L (float64, step 1e-5 * max(1,|x|)), for every differentiable
 *     input, all elements of small ones and a sample of large ones: grad_tol, relative to the
 *     largest difference
 *   - the same bits with 1, 2, 3 and 7 threads, forward and gradient
 *   - the same bits with fusion off, unless `fusion_differs`
 *   - rows: if `batch` is not 0, the result of the first row alone has the same bits as in the
 *     whole (every input with bit i of `batch` set is cut to 1 along axis 0, output 0 too)
 *   - recompute in backward gives the same bits
 *
 *     const struct op_case optest_relu[] = {
 *         {.name = "relu", .build = build_relu, .oracle = oracle_relu, .n_in = 1,
 *          .in = {{.shape = {2, {5, 7}}, .lo = -2, .hi = 2, .grad = true}}, .tol = 0, .batch = 1},
 *         {0}};
 */
#ifndef SWELL_TESTS_OP_TEST_H
#define SWELL_TESTS_OP_TEST_H

#include <swell/swell.h>

#define OP_MAX_INPUTS  10
#define OP_MAX_OUTPUTS 4

/* A float64 array, row-major. */
struct oracle_array {
    sw_shape shape;
    double *v;
};

struct op_input {
    sw_shape shape;
    sw_dtype dtype; /* SW_F32 is the zero value */
    double lo, hi;  /* random values in [lo, hi]; both 0: [-1, 1]; integers: lo..hi inclusive */
    const double *values; /* or exactly these */
    bool grad;            /* differentiable here: check the gradient */
    bool weight;          /* pass it as a param (packed and shared) instead of an input */
    bool state;           /* pass it as a state (ops that mutate) */
    double separate;      /* keep all values at least this far from each other and from 0 (kinks) */
};

struct op_case {
    const char *name;
    /* Build the op on the inputs, return the node(s): out[0..n_out-1] (n_out 0 means 1). */
    void (*build)(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg);
    /* Fill out[o].v (allocated by the runner with the shapes that the graph inferred). */
    void (*oracle)(const struct oracle_array *in, struct oracle_array *out, const void *arg);
    /* Check shapes independently: the expected shape of output 0; rank -1: not checked. */
    sw_shape expect;
    const void *arg; /* handed to both */
    int n_in, n_out;
    struct op_input in[OP_MAX_INPUTS];
    double tol;      /* forward; 0: exact */
    double grad_tol; /* 0 means 2e-3: f32 results against float64 differences */
    unsigned batch;  /* bit i: input i has the batch on axis 0 */
    bool fusion_differs;
    bool every_isa; /* runs kernels of the ISAs above AVX-512: integer or bf16 products */
    /* States after the run are compared too: expected values go to after[i] for inputs with state
     * set.  NULL: not checked. */
    void (*oracle_after)(const struct oracle_array *in, struct oracle_array *after,
                         const void *arg);
};

/* Small helpers for oracles. */
int64_t oracle_count(const struct oracle_array *a);
/* Row-major strides of a shape, with 0 where the dimension is 1 (broadcasting), aligned to `rank`. */
void oracle_strides(const sw_shape *shape, int rank, int64_t *strides);

/* Errors: the builder must poison the graph with this status, and the text must contain each of the
 * given pieces (the op's name, the shapes). */
struct op_error_case {
    const char *name;
    void (*build)(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg);
    const void *arg;
    int n_in;
    struct op_input in[OP_MAX_INPUTS];
    sw_status status;
    const char *text[4];
};
/* Each file of cases has one table, const struct op_error_case optest_errors_<family>[], ended by {0}
 * and named in op_errors.c. */
extern const struct op_error_table {
    const char *family;
    const struct op_error_case *cases;
} op_error_tables[]; /* ended by a family NULL */

#endif

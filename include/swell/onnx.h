/* ONNX models (onnx.ai), opset 7 to 17: read a file, ask what is in it, append it to a graph.
 *
 *     sw_onnx *m;
 *     sw_node *in[8] = {0}, *out[8];                       // as many as the model has
 *     sw_onnx_open(ctx, "squeezenet1.0.onnx", &m);
 *     sw_onnx_build(m, g, ws, 1, in, out);                 // weights go into ws, by their names
 *     sw_onnx_close(m);                                    // graph and weights live on
 *     sw_compile(g, (sw_plan_options){.outputs = out, .n_outputs = 1}, &plan);
 *     sw_bind(plan, in[0], picture, SW_SHAPE(1, 3, 224, 224));
 *
 * What ONNX calls int64 and the like is i32 in a plan (a constant that does not fit is refused), bool is
 * u8 with 0 and 1, double is f32 (what follows from constants alone is computed in double all the same).  An operator that is not known, or not in this opset, is refused by its name; a
 * later opset serves where its operators did not change. */
#ifndef SWELL_ONNX_H
#define SWELL_ONNX_H

#include <swell/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sw_onnx sw_onnx;

/* Read a model; files with its weights are looked for in its own folder.  Nothing is computed yet.
 * SW_ERR_IO, SW_ERR_FORMAT, SW_ERR_MEMORY, with one line that names file, place and reason. */
SW_API sw_status sw_onnx_open(sw_context *ctx, const char *path, sw_onnx **out);
/* The same from memory that stays the caller's and outlives the model; `name` is for errors.  Weights
 * must be in it. */
SW_API sw_status sw_onnx_parse(sw_context *ctx, const char *name, const void *data, size_t size,
                               sw_onnx **out);
/* NULL is fine.  Graphs that were built from it stay. */
SW_API void sw_onnx_close(sw_onnx *m);

/* An input or output of the model.  Texts belong to the model. */
typedef struct sw_onnx_value {
    const char *name;
    const char *type;                /* as ONNX says it: "float", "int64" ... */
    sw_dtype dtype;                  /* in a plan; SW_DTYPE_COUNT: Swell has no tensors of it */
    sw_shape shape;                  /* rank -1: not known; a dimension of -1: open */
    const char *symbol[SW_MAX_RANK]; /* the name of an open dimension ("batch"), or "" */
} sw_onnx_value;

/* Inputs are those that have no value in the file. */
SW_API int sw_onnx_input_count(const sw_onnx *m);
SW_API int sw_onnx_output_count(const sw_onnx *m);
/* i inside 0..count-1. */
SW_API sw_onnx_value sw_onnx_input(const sw_onnx *m, int i);
SW_API sw_onnx_value sw_onnx_output(const sw_onnx *m, int i);

typedef struct sw_onnx_info {
    int64_t ir_version;
    int64_t opset;                                                 /* of ONNX's own operators */
    const char *producer, *producer_version, *graph, *description; /* "" when not given */
    int64_t nodes, initializers;
    int metadata; /* pairs of metadata_props */
} sw_onnx_info;
SW_API sw_onnx_info sw_onnx_get_info(const sw_onnx *m);
/* A value of metadata_props, where exporters put labels and preprocessing; NULL: no such key. */
SW_API const char *sw_onnx_metadata(const sw_onnx *m, const char *key);
/* Pair number i, inside 0..metadata-1. */
SW_API void sw_onnx_metadata_at(const sw_onnx *m, int i, const char **key, const char **value);

/* Fix the value of an input: graphs built from here on hold it as a constant.  For what decides over
 * shapes (the shape operand of a Reshape): a graph has to know that.  `data` is of ONNX's type (int64_t
 * for int64), dense; it is copied. */
SW_API sw_status sw_onnx_fix(sw_onnx *m, int input, sw_shape shape, const void *data);
/* The input whose value the last sw_onnx_build would have needed, or -1. */
SW_API int sw_onnx_wanted(const sw_onnx *m);

/* Append the model to a graph.  in[i] is the node to take for input i; NULL: one is made, with the
 * shape of the file, where an open first dimension becomes `batch`; plans take any batch up to it.  The
 * first dimension of a given node may differ from the file's: it is taken for the batch.  A fixed input
 * keeps NULL.  out gets a node for each output.  Weights are added to ws under their names
 * in the file, or taken from it when they are there already (a second graph of the same model).  A batch
 * normalisation behind a convolution is folded into its weight.
 * SW_ERR_UNSUPPORTED, SW_ERR_FORMAT, SW_ERR_SHAPE, ... with one line that names file, node, operator,
 * opset and reason; the graph is of no more use then. */
SW_API sw_status sw_onnx_build(sw_onnx *m, sw_graph *g, sw_weights *ws, int64_t batch, sw_node **in,
                               sw_node **out);

/* Add the file's own tensors of floats (initializers) to a set, under their names and as they are stored;
 * nothing is folded.  SW_ERR_ARGUMENT: the set has a weight of that name; errors of sw_onnx_build.  Some may
 * have been added on failure. */
SW_API sw_status sw_onnx_weights(sw_onnx *m, sw_weights *ws);

/* The numbers of an output that the last sw_onnx_build found to depend on no input, in ONNX's type
 * (int64_t for int64), and their shape; NULL: it is computed at run time.  Valid till the next build.
 * Its node is NULL when the numbers have no place in a plan (beyond the range of f32 or i32). */
SW_API const void *sw_onnx_known(const sw_onnx *m, int output, sw_shape *shape);

/* ---- writing ------------------------------------------------------------------------------------ */

typedef struct sw_onnx_export_options {
    sw_node *const *outputs; /* values that the model gives back, of one graph */
    int n_outputs;
    const char *name; /* of the graph in the file; NULL: "swell" */
    bool half;        /* f32 weights of two and more dimensions are stored as f16 */
    bool fixed_batch; /* the declared batch is the only one; else inputs begin with "batch" */
    const char *const *metadata; /* pairs of key and value ended by NULL, or NULL */
    int64_t
        external_bytes; /* more of weights than this go to "<path>.data"; 0: about 2 GB, the limit */
} sw_onnx_export_options;

/* Write what the outputs depend on as an ONNX model of opset 13 (17 where it has a layer norm), whole or
 * not at all.  Inputs, weights and named values keep their names; weights have the values of now.
 * Dropout is left out.  SW_ERR_UNSUPPORTED names an op that has no form in ONNX, or a weight beyond f16;
 * SW_ERR_SHAPE an op that binds the graph to the declared batch; SW_ERR_IO, SW_ERR_MEMORY. */
SW_API sw_status sw_onnx_export(sw_graph *g, const char *path, sw_onnx_export_options options);

typedef enum sw_onnx_range {
    SW_RANGE_LEAST_ERROR, /* of all ranges the one with the least mean squared error */
    SW_RANGE_PERCENTILE,  /* the widest that leaves out one number of 10,000 at each end */
    SW_RANGE_EXTREMES     /* all that was seen */
} sw_onnx_range;

typedef struct sw_onnx_quantise_options {
    sw_node *input;       /* the graph's only input, f32 (N,...) */
    const float *samples; /* n_samples of it, as the model will see them */
    int64_t n_samples;
    sw_onnx_range range;
    double
        agreement; /* layers stay in f32, the most sensitive first, until the greatest number of output 0
                         is the same on this share of the samples; 0: all layers go to bytes */
} sw_onnx_quantise_options;

/* What became of it, measured on the samples. */
typedef struct sw_onnx_quantise_report {
    int layers, whole; /* convolutions and products; of them in f32 */
    double agreement;  /* share of samples with the same greatest number of output 0 */
    double noise;      /* of output 0: squared error, relative to its square */
} sw_onnx_quantise_report;

/* Write a model whose convolutions and products with constant weights work on bytes, in ONNX's form for
 * that (QuantizeLinear and DequantizeLinear around the operators): values u8 with a scale and a zero each,
 * weights i8 with a scale for each output, biases i32.  Normalisations behind convolutions are folded
 * first.  *report may be NULL.  Errors of sw_onnx_export; SW_ERR_NAN: a sample gives no number;
 * SW_ERR_UNSUPPORTED: no layer to quantise. */
SW_API sw_status sw_onnx_quantise(sw_graph *g, const char *path, sw_onnx_export_options options,
                                  const sw_onnx_quantise_options *q,
                                  sw_onnx_quantise_report *report);

#ifdef __cplusplus
}
#endif
#endif

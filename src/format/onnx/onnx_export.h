/* Inside the exporter: values, the op at hand, and what exporters of ops are written with.
 *
 * An exporter turns one op of a graph into nodes of the file:
 *
 *     static void rsqrt(struct sw_onnx_export *ex)
 *     {
 *         char *root = sw__onnx_new(ex);
 *         sw__onnx_put(ex, "Sqrt", 1, (char *[]){sw__onnx_arg(ex, 0)}, root);
 *         sw__onnx_put(ex, "Reciprocal", 1, (char *[]){root}, sw__onnx_result(ex, 0));
 *     }
 *
 * The first failure sticks (sw__onnx_put_fail); what is put after it is thrown away. */
#ifndef SWELL_FORMAT_ONNX_EXPORT_H
#define SWELL_FORMAT_ONNX_EXPORT_H

#include <swell/onnx.h>
#include "format/onnx/onnx_file.h"
#include "graph/graph_int.h"
#include "graph/op_list.h"

/* How a value is stored in bytes: q = x / scale + zero.  A weight has its bytes here too. */
struct sw_onnx_bytes {
    bool used;
    int type;           /* SW_ONNX_UINT8, INT8, INT32 */
    int64_t n;          /* scales: 1, or one for each index of the axis */
    const float *scale; /* n of them */
    int zero;
    int axis;
    const void *data; /* of a weight */
};

/* A value of the graph, in the file. */
struct sw_onnx_export_value {
    bool live;  /* an output depends on it */
    char *name; /* what its readers read */
    char *made; /* what its maker writes: another name where it is rounded to bytes in between */
    int type;   /* enum sw_onnx_type; a comparison is bool here and u8 in plans */
    sw_shape other; /* with one picture more */
};

struct sw_onnx_export {
    sw_context *ctx;
    const sw_graph *g;
    const char *path; /* for errors */
    const sw_onnx_export_options *o;
    const struct sw_onnx_bytes *bytes; /* by node; NULL: all stays as it is */
    sw_status status;
    struct sw_arena arena;
    struct sw_onnx_export_value *values; /* by node */
    int64_t batch;                       /* that the inputs declare; 0: none */
    const char *prefix;                  /* of new names: no name of the graph begins with it */
    int64_t counter;                     /* of new names */
    int opset;
    const struct sw_op *op; /* at hand */
    const struct sw_onnx_exporter *exporter;
    Onnx__NodeProto **nodes;
    int64_t n_nodes, nodes_capacity;
    Onnx__TensorProto **tensors;
    int64_t n_tensors, tensors_capacity;
    Onnx__NodeProto spare_node; /* what a failed call returns */
    char spare_name[1];
};

/* One op.  `type` is for exporters of several. */
struct sw_onnx_exporter {
    const struct sw_op_class *cls;
    void (*put)(struct sw_onnx_export *ex);
    const char *type;
};
extern const struct sw_onnx_exporter sw__onnx_export_elements[], sw__onnx_export_images[],
    sw__onnx_export_moves[], sw__onnx_export_products[];

/* ---- errors ------------------------------------------------------------------------------------ */

/* "<path>: <op> '<name>': <why>" */
void sw__onnx_put_fail(struct sw_onnx_export *ex, sw_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Memory of the export, zeroed; NULL after a failure. */
void *sw__onnx_put_alloc(struct sw_onnx_export *ex, size_t size);

/* ---- values of the op at hand ------------------------------------------------------------------- */

/* Operand i; NULL where it is absent. */
const sw_node *sw__onnx_operand(const struct sw_onnx_export *ex, int i);
/* Its name; "" where it is absent. */
char *sw__onnx_arg(struct sw_onnx_export *ex, int i);
/* Its name as a value of this type: a Cast goes in between where it is of another. */
char *sw__onnx_arg_as(struct sw_onnx_export *ex, int i, int type);
int sw__onnx_arg_type(const struct sw_onnx_export *ex, int i);
/* The name that result o is written to; it is of the type that plans have unless one is given. */
char *sw__onnx_result(struct sw_onnx_export *ex, int o);
char *sw__onnx_result_as(struct sw_onnx_export *ex, int o, int type);
/* Result o is operand i. */
void sw__onnx_alias(struct sw_onnx_export *ex, int o, int i);
/* Whether dimension d of a node follows the batch. */
bool sw__onnx_open(const struct sw_onnx_export *ex, const sw_node *x, int d);
/* A name that is nowhere else. */
char *sw__onnx_new(struct sw_onnx_export *ex);
/* The type of ONNX that a dtype of plans has, SW_ONNX_NONE for block types. */
int sw__onnx_type_of(sw_dtype dtype);

/* ---- nodes ------------------------------------------------------------------------------------- */

/* A node with n operands and one result; attributes and further results may follow. */
Onnx__NodeProto *sw__onnx_put(struct sw_onnx_export *ex, const char *type, int n, char *const *in,
                              char *out);
void sw__onnx_put_result(struct sw_onnx_export *ex, Onnx__NodeProto *node, char *out);
void sw__onnx_set_i(struct sw_onnx_export *ex, Onnx__NodeProto *node, const char *name,
                    int64_t value);
void sw__onnx_set_f(struct sw_onnx_export *ex, Onnx__NodeProto *node, const char *name,
                    float value);
void sw__onnx_set_s(struct sw_onnx_export *ex, Onnx__NodeProto *node, const char *name,
                    const char *value);
void sw__onnx_set_ints(struct sw_onnx_export *ex, Onnx__NodeProto *node, const char *name, int n,
                       const int64_t *values);
/* x as another type. */
char *sw__onnx_put_cast(struct sw_onnx_export *ex, char *x, int type);

/* ---- constants --------------------------------------------------------------------------------- */

/* A constant; `data` is copied.  Returns its name. */
char *sw__onnx_put_constant(struct sw_onnx_export *ex, int type, sw_shape shape, const void *data);
char *sw__onnx_put_int64(struct sw_onnx_export *ex, int n, const int64_t *values); /* a vector */
char *sw__onnx_put_scalar(struct sw_onnx_export *ex, float value);
/* n times the same number. */
char *sw__onnx_put_fill(struct sw_onnx_export *ex, int64_t n, float value);
/* A constant whose memory outlives the export. */
void sw__onnx_put_tensor(struct sw_onnx_export *ex, char *name, int type, sw_shape shape,
                         const void *data);
/* The leaf x as an initializer, as `bytes` says. */
void sw__onnx_put_leaf(struct sw_onnx_export *ex, const sw_node *x);
/* x, rounded to bytes and back: from its name `made` to its `name`. */
void sw__onnx_put_rounding(struct sw_onnx_export *ex, const sw_node *x);

/* ---- the parts of the export --------------------------------------------------------------------- */

/* Names for all live values. */
void sw__onnx_export_names(struct sw_onnx_export *ex);
/* Fill `model` from what was put; everything belongs to the arena. */
void sw__onnx_export_message(struct sw_onnx_export *ex, Onnx__ModelProto *model);

/* Where a message goes: the file `path`, and weights beside it when there is too much of them. */
sw_status sw__onnx_export_write(struct sw_onnx_export *ex, Onnx__ModelProto *model);

/* sw_onnx_export with values stored in bytes. */
sw_status sw__onnx_export_bytes(sw_graph *g, const char *path, const sw_onnx_export_options *o,
                                const struct sw_onnx_bytes *bytes);
/* The file's bytes in memory; free() them. */
sw_status sw__onnx_export_memory(sw_graph *g, const char *name, const sw_onnx_export_options *o,
                                 const struct sw_onnx_bytes *bytes, uint8_t **data, size_t *size);

#endif

/* Inside the importer: values, the node at hand, and what handlers are written with.
 *
 * A value is known now (constant: shapes and what computes them, weights) or at run time (a node of the
 * graph).  A handler turns one ONNX node into calls of the graph's builders:
 *
 *     static void elu(struct sw_onnx_import *im)          // alpha (exp x - 1) below zero
 *     {
 *         sw_node *x = sw__onnx_f32(im, 0);
 *         ...
 *         sw__onnx_emit(im, 0, sw__onnx_in_type(im, 0), y);
 *     }
 *
 * As with the builders the first error sticks: sw__onnx_refuse poisons the graph, and every call after
 * it does nothing. */
#ifndef SWELL_FORMAT_ONNX_IMPORT_H
#define SWELL_FORMAT_ONNX_IMPORT_H

#include <swell/onnx.h>
#include <swell/ops.h>
#include "format/onnx/onnx_file.h"

enum { SW_ONNX_BY_NONE = -2, SW_ONNX_BY_FILE = -1 }; /* makers that are no node */

struct sw_onnx_import_value {
    const char *name;
    int made_by;         /* node; -1: input or initializer; -2: nothing yet */
    int readers, reader; /* how many read it, outputs of the model counted; one of them */
    int input;           /* the model's input of this name, or -1 */
    bool ready;          /* its maker has run */
    int type;            /* enum sw_onnx_type */
    bool constant;       /* `host` holds it */
    bool file;           /* an initializer: a weight when a float */
    struct sw_onnx_tensor host;
    uint64_t open; /* bit i: element i of host is the size of the open batch */
    sw_node *node; /* at run time; of a constant: made when wanted */
    int root;      /* a small input that it depends on, or -1: what to fix to know it */
    sw_node *f32;  /* the same of a float constant, as f32 */
    struct sw_onnx_bytes *bytes; /* what it is made of, when that is known (onnx_bytes.h) */
    int later; /* 1 + the node that makes it once its numbers are asked for; or 0 */
};

struct sw_onnx_import {
    sw_onnx *m;
    sw_graph *g; /* what the builders append to: the caller's, or a small one while folding */
    sw_weights *ws;
    int64_t batch;
    bool batch_open;       /* an input has an open first dimension, or another than in the file */
    int64_t literal;       /* the file's own first dimension where another was given, or -1 */
    struct sw_arena arena; /* constants */
    int64_t left;          /* bytes that constants may still take: files do not say how much */
    struct sw_onnx_import_value *values; /* by name */
    int64_t n_values;
    bool settling; /* numbers are asked for: nothing is put off */
    bool folding;  /* constants become constants of a small graph that is run at once */
    const Onnx__NodeProto *node;
    const struct sw_onnx_operator *op;
    int at;                           /* number of the node */
    bool *done;                       /* nodes that went into another one */
    struct sw_onnx_import_value none; /* what stands for a missing operand after a refusal */
};

/* One operator.  `since`: the first opset whose meaning the handler knows; `until`: the last, 0 where no
 * later one changed it.  Attributes that are not listed are refused, so a later opset cannot slip in a
 * new one. */
struct sw_onnx_operator {
    const char *name;
    short since, until;
    unsigned char inputs, outputs; /* at most; 255: any number */
    unsigned char which;           /* for a handler of several operators */
    void (*build)(struct sw_onnx_import *im);
    bool (*fold)(
        struct sw_onnx_import *im); /* all it reads is constant: true when done.  NULL: by run */
    const char *attributes;         /* "axis keepdims", or NULL */
};
/* The operator of ONNX's own domain, or NULL. */
const struct sw_onnx_operator *sw__onnx_operator(const char *name);
extern const struct sw_onnx_operator sw__onnx_math_ops[], sw__onnx_activation_ops[],
    sw__onnx_conv_ops[], sw__onnx_shape_ops[], sw__onnx_index_ops[], sw__onnx_reduce_ops[],
    sw__onnx_norm_ops[], sw__onnx_repeat_ops[], sw__onnx_resize_ops[], sw__onnx_quant_ops[],
    sw__onnx_loss_ops[], sw__onnx_gather_ops[], sw__onnx_function_ops[], sw__onnx_einsum_ops[];

/* Take the node at hand as a part of a quantised network, whose results are bytes or made when somebody asks
 * for their numbers; false: it is none. */
bool sw__onnx_quantised(struct sw_onnx_import *im);
/* The numbers of a value that was put off, now. */
void sw__onnx_settle(struct sw_onnx_import *im, struct sw_onnx_import_value *v);
/* Run the handler of the node at hand, or fold it. */
void sw__onnx_make(struct sw_onnx_import *im);

/* All names of the model as values.  Two makers of one are an error. */
sw_status sw__onnx_connect(struct sw_onnx_import *im);

/* ---- errors ------------------------------------------------------------------------------------ */

/* Poison the graph: "<why>"; the driver puts file, node, operator and opset in front. */
sw_node *sw__onnx_refuse(struct sw_onnx_import *im, sw_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool sw__onnx_failed(const struct sw_onnx_import *im);

/* Poison the graph with the text that the context has: what failed is another graph. */
void sw__onnx_repeat(struct sw_onnx_import *im, sw_status status);

/* ---- inputs ------------------------------------------------------------------------------------ */

bool sw__onnx_has(const struct sw_onnx_import *im, int i); /* an empty name is an absent input */
struct sw_onnx_import_value *sw__onnx_value(struct sw_onnx_import *im, int i);
int sw__onnx_in_type(struct sw_onnx_import *im, int i);
sw_shape sw__onnx_in_shape(struct sw_onnx_import *im, int i);
/* At run time, in the dtype of a plan. */
sw_node *sw__onnx_in(struct sw_onnx_import *im, int i);
/* A float of any width as f32; integers too when they fit f32 exactly (u8, i8, bool). */
sw_node *sw__onnx_f32(struct sw_onnx_import *im, int i);
/* f32 for floats, i32 for integers of any width and bool. */
sw_node *sw__onnx_number(struct sw_onnx_import *im, int i);
/* The value now, or NULL after a refusal that names the input. */
const struct sw_onnx_tensor *sw__onnx_constant(struct sw_onnx_import *im, int i);
/* The same as integers, at most `most`; the number of them, -1 after a refusal. */
int sw__onnx_integers(struct sw_onnx_import *im, int i, int64_t *out, int most);
/* One number; `missing` when the input is absent. */
double sw__onnx_scalar(struct sw_onnx_import *im, int i, double missing);

/* ---- attributes -------------------------------------------------------------------------------- */

const Onnx__AttributeProto *sw__onnx_attribute(const struct sw_onnx_import *im, const char *name);
int64_t sw__onnx_attr_i(struct sw_onnx_import *im, const char *name, int64_t missing);
float sw__onnx_attr_f(struct sw_onnx_import *im, const char *name, float missing);
/* Whether a text attribute (absent: `missing`) is `text`. */
bool sw__onnx_attr_is(struct sw_onnx_import *im, const char *name, const char *missing,
                      const char *text);
/* How many there are, -1 when absent; more than `most` is refused. */
int sw__onnx_attr_ints(struct sw_onnx_import *im, const char *name, int64_t *out, int most);
/* An int of the file that must fit an int. */
int sw__onnx_int(struct sw_onnx_import *im, int64_t value, const char *what);
/* An axis of a value of rank `rank`, negative from the end; 0 after a refusal. */
int sw__onnx_axis(struct sw_onnx_import *im, int64_t axis, int rank);

/* ---- outputs ----------------------------------------------------------------------------------- */

/* Whether somebody reads output o. */
bool sw__onnx_wants(struct sw_onnx_import *im, int o);
/* Output o is x, of an ONNX type; x comes in the dtype that plans use for it, or in f32 or i32. */
void sw__onnx_emit(struct sw_onnx_import *im, int o, int type, sw_node *x);
/* The same, x being in that dtype already. */
void sw__onnx_emit_node(struct sw_onnx_import *im, int o, int type, sw_node *x);
/* The same for a result of i32 arithmetic that may have left the range of its type: it wraps. */
void sw__onnx_emit_wrapped(struct sw_onnx_import *im, int o, int type, sw_node *x);
/* Output o is known now.  The numbers stay where they are. */
void sw__onnx_emit_constant(struct sw_onnx_import *im, int o, struct sw_onnx_tensor t,
                            uint64_t open);
/* Output o is made when its numbers are asked for; bytes: NULL, or what it is made of. */
void sw__onnx_emit_later(struct sw_onnx_import *im, int o, int type,
                         const struct sw_onnx_bytes *bytes);
/* The value of output o; NULL: nameless. */
struct sw_onnx_import_value *sw__onnx_made(struct sw_onnx_import *im, int o);
/* The value of a name, or NULL. */
struct sw_onnx_import_value *sw__onnx_find(const struct sw_onnx_import *im, const char *name);
/* The result of node number `at` is the one just made: it has nothing left to do. */
void sw__onnx_swallow(struct sw_onnx_import *im, int at);
/* Output o is input i. */
void sw__onnx_emit_input(struct sw_onnx_import *im, int o, int i);
/* Memory for n numbers of a constant; NULL after a refusal: too many. */
void *sw__onnx_constant_alloc(struct sw_onnx_import *im, int type, int64_t n);

/* ---- constants --------------------------------------------------------------------------------- */

/* Element i of a constant. */
double sw__onnx_get_f(const struct sw_onnx_tensor *t, int64_t i);
int64_t sw__onnx_get_i(const struct sw_onnx_tensor *t, int64_t i);
void sw__onnx_put_f(int type, void *data, int64_t i, double value);  /* rounds; floats */
void sw__onnx_put_i(int type, void *data, int64_t i, int64_t value); /* integers: wraps */
bool sw__onnx_is_float(int type);
/* Whether its numbers have a place in a plan. */
bool sw__onnx_representable(const struct sw_onnx_tensor *t);
/* A constant as a node of the graph: a weight of the set, or a constant of the graph. */
sw_node *sw__onnx_constant_node(struct sw_onnx_import *im, struct sw_onnx_import_value *v);
sw_node *sw__onnx_constant_f32(struct sw_onnx_import *im, struct sw_onnx_import_value *v);
/* f32 numbers as the weight `name` (folded ones), or as a constant of the graph while folding. */
sw_node *sw__onnx_weight(struct sw_onnx_import *im, const char *name, sw_dtype dtype,
                         sw_shape shape, const void *data);
/* Compute a node whose inputs are all constant by a small graph that is run at once.  False: its
 * results are too large to be kept, nothing is done. */
bool sw__onnx_fold_by_run(struct sw_onnx_import *im);

/* The Mul at hand as one op that it is the last node of (silu, gelu), or NULL. */
sw_node *sw__onnx_known_product(struct sw_onnx_import *im);

/* ---- pieces of graphs that several handlers use ------------------------------------------------- */

sw_node *sw__onnx_floor(sw_graph *g, sw_node *x);
sw_node *sw__onnx_round(sw_graph *g, sw_node *x);           /* to even */
sw_node *sw__onnx_shift(sw_graph *g, sw_node *x, float by); /* x + by */
sw_node *sw__onnx_i32(sw_graph *g, int32_t value);          /* a scalar */
sw_node *sw__onnx_not(sw_graph *g, sw_node *u8);
/* x with a shape where the batch stays open: the first dimension becomes -1 if it is the batch. */
sw_node *sw__onnx_reshape(struct sw_onnx_import *im, sw_node *x, sw_shape shape);

#endif

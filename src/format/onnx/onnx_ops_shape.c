/* ONNX operators that make shapes and change them: no number is computed here.
 *
 * The size of an open batch must not be frozen into a Reshape.  So Shape marks it (`open`), what moves
 * single numbers keeps the mark, and Reshape leaves that dimension to be found from the others. */
#include <string.h>

#include "base/size.h"
#include "format/onnx/onnx_import.h"

/* ---- constants ---------------------------------------------------------------------------------- */

static void attribute_tensor(struct sw_onnx_import *im, const Onnx__AttributeProto *a,
                             struct sw_onnx_tensor *out)
{
    char why[SW_ONNX_WHY];
    const ProtobufCBinaryData *raw = a->t ? &a->t->raw_data : NULL;
    const uint8_t *data = a->t && a->t->has_raw_data && !raw->data ? (const uint8_t *)"" : NULL;
    if (raw && raw->data) data = raw->data;
    sw_status status = !raw ? SW_ERR_FORMAT
                            : sw__onnx_tensor_read(im->m, a->t, data, raw->len, &im->arena, out,
                                                   why);
    if (status != SW_OK)
        sw__onnx_refuse(im, status, "attribute '%s': %s", a->name, raw ? why : "no tensor");
}

static void constant(struct sw_onnx_import *im)
{
    struct sw_onnx_tensor t = {0};
    if (im->node->n_attribute != 1 || !im->node->attribute[0]->name) {
        sw__onnx_refuse(im, SW_ERR_FORMAT, "not one value");
        return;
    }
    const Onnx__AttributeProto *a = im->node->attribute[0];
    bool ints = strstr(a->name, "int") != NULL, list = a->name[strlen(a->name) - 1] == 's';
    if (strcmp(a->name, "value") == 0) {
        attribute_tensor(im, a, &t);
        sw__onnx_emit_constant(im, 0, t, 0);
        return;
    }
    t.type = ints ? SW_ONNX_INT64 : SW_ONNX_FLOAT;
    t.n = !list ? 1 : (int64_t)(ints ? a->n_ints : a->n_floats);
    t.shape = (sw_shape){list, {t.n}};
    void *data = sw__onnx_constant_alloc(im, t.type, t.n);
    for (int64_t i = 0; data && i < t.n; i++)
        if (ints)
            sw__onnx_put_i(t.type, data, i, list ? a->ints[i] : a->i);
        else
            sw__onnx_put_f(t.type, data, i, (double)(list ? a->floats[i] : a->f));
    t.data = data;
    sw__onnx_emit_constant(im, 0, t, 0);
}

static bool fold_constant(struct sw_onnx_import *im)
{
    constant(im);
    return true;
}

/* A tensor of one value, whose shape is operand 0.  Above what is kept as a constant: an expansion. */
static void constant_of_shape(struct sw_onnx_import *im)
{
    float zero = 0;
    int64_t dims[SW_MAX_RANK];
    struct sw_onnx_tensor one = {SW_ONNX_FLOAT, {1, {1}}, 1, &zero}, t;
    const Onnx__AttributeProto *a = sw__onnx_attribute(im, "value");
    if (a) attribute_tensor(im, a, &one);
    int rank = sw__onnx_integers(im, 0, dims, SW_MAX_RANK);
    if (one.n != 1) sw__onnx_refuse(im, SW_ERR_FORMAT, "%lld values", (long long)one.n);
    if (sw__onnx_failed(im)) return;
    t = one;
    t.shape = sw_shape_make(rank, dims);
    t.n = sw_shape_elements(&t.shape);
    if (t.n < 0) sw__onnx_refuse(im, SW_ERR_SIZE, "dimensions that are none, or absurdly large");
    char *data = sw__onnx_constant_alloc(im, t.type, t.n);
    size_t bytes = (size_t)sw__onnx_type(t.type)->bytes;
    for (int64_t i = 0; data && i < t.n; i++) memcpy(data + (size_t)i * bytes, one.data, bytes);
    t.data = data;
    sw__onnx_emit_constant(im, 0, t, 0);
}

static bool fold_constant_of_shape(struct sw_onnx_import *im)
{
    constant_of_shape(im);
    return true;
}

static void emit_shape(struct sw_onnx_import *im, const int64_t *dims, int n, uint64_t open,
                       bool list)
{
    struct sw_onnx_tensor t = {SW_ONNX_INT64, {list, {n}}, n, NULL};
    void *data = sw__onnx_constant_alloc(im, t.type, n);
    if (data && n) memcpy(data, dims, (size_t)n * sizeof *dims);
    t.data = data;
    sw__onnx_emit_constant(im, 0, t, open);
}

static bool fold_shape(struct sw_onnx_import *im)
{
    sw_shape s = sw__onnx_in_shape(im, 0);
    int64_t start = sw__onnx_attr_i(im, "start", 0), end = sw__onnx_attr_i(im, "end", s.rank);
    if (start < 0) start += s.rank;
    if (end < 0) end += s.rank;
    start = sw__max64(0, sw__min64(start, s.rank));
    end = sw__max64(start, sw__min64(end, s.rank));
    bool open = im->batch_open && !sw__onnx_value(im, 0)->constant && start == 0 && s.rank &&
                s.dim[0] == im->batch;
    emit_shape(im, s.dim + start, (int)(end - start), open, true);
    return true;
}

static void shape(struct sw_onnx_import *im)
{
    fold_shape(im);
}

static bool fold_size(struct sw_onnx_import *im)
{
    sw_shape s = sw__onnx_in_shape(im, 0);
    int64_t n = sw_shape_elements(&s);
    emit_shape(im, &n, 1, 0, false);
    return true;
}

static void size(struct sw_onnx_import *im)
{
    fold_size(im);
}

static bool fold_range(struct sw_onnx_import *im)
{
    const struct sw_onnx_tensor *t = sw__onnx_constant(im, 0);
    double from = sw__onnx_scalar(im, 0, 0), to = sw__onnx_scalar(im, 1, 0);
    double step = sw__onnx_scalar(im, 2, 1), count = step != 0 ? (to - from) / step : -1;
    if (!t || sw__onnx_failed(im)) return false;
    if (!(count < 1e9)) sw__onnx_refuse(im, SW_ERR_SIZE, "a range without end");
    int64_t n = count > 0 ? (int64_t)count + ((double)(int64_t)count < count) : 0;
    struct sw_onnx_tensor y = {t->type, {1, {n}}, n, NULL};
    void *data = sw__onnx_failed(im) ? NULL : sw__onnx_constant_alloc(im, y.type, n);
    for (int64_t i = 0; data && i < n; i++)
        if (sw__onnx_is_float(y.type))
            sw__onnx_put_f(y.type, data, i, from + (double)i * step);
        else
            sw__onnx_put_i(y.type, data, i, (int64_t)from + i * (int64_t)step);
    y.data = data;
    sw__onnx_emit_constant(im, 0, y, 0);
    return true;
}

static void range(struct sw_onnx_import *im)
{
    for (int i = 0; i < 3; i++) sw__onnx_constant(im, i); /* names the one that is not known */
}

/* ---- other types -------------------------------------------------------------------------------- */

/* Towards zero, as C does. */
static sw_node *truncate(sw_graph *g, sw_node *x)
{
    sw_node *down = sw__onnx_floor(g, sw_abs(g, x));
    return sw_where(g, sw_less(g, x, sw_scalar(g, 0)), sw_neg(g, down), down);
}

static int cast_type(struct sw_onnx_import *im)
{
    int type = sw__onnx_has(im, 1) ? sw__onnx_in_type(im, 1)
                                   : sw__onnx_int(im, sw__onnx_attr_i(im, "to", 0), "a type");
    if (!sw__onnx_type(type)->bytes || sw__onnx_type(type)->bytes > 8 || type == SW_ONNX_COMPLEX64)
        sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "to type %d (%s)", type, sw__onnx_type(type)->name);
    if (type == SW_ONNX_BFLOAT16 && im->m->opset < 19) /* ONNX's own tests cut, others round */
        sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "to bfloat16, before ONNX said how it rounds");
    return type;
}

static void cast(struct sw_onnx_import *im)
{
    sw_graph *g = im->g;
    int from = sw__onnx_in_type(im, 0), to = cast_type(im);
    if (sw__onnx_failed(im)) return;
    if (from == to) {
        sw__onnx_emit_input(im, 0, 0);
        return;
    }
    sw_node *x = sw__onnx_number(im, 0);
    bool float_from = sw__onnx_is_float(from), float_to = sw__onnx_is_float(to);
    if (to == SW_ONNX_BOOL)
        x = float_from ? sw_not_equal(g, x, sw_scalar(g, 0))
                       : sw_not_equal(g, x, sw__onnx_i32(g, 0));
    else if (float_from && !float_to)
        x = sw_cast(g, truncate(g, x), SW_I32);
    else if (float_to && !float_from)
        x = sw_cast(g, x, SW_F32);
    if (float_from)
        sw__onnx_emit(im, 0, to, x);
    else
        sw__onnx_emit_wrapped(im, 0, to, x);
}

static bool fold_cast(struct sw_onnx_import *im)
{
    const struct sw_onnx_import_value *x = sw__onnx_value(im, 0);
    struct sw_onnx_tensor y = x->host;
    y.type = cast_type(im);
    bool bad = sw__onnx_failed(im) || sw__onnx_type(x->type)->bytes > 8 ||
               x->type == SW_ONNX_COMPLEX64;
    void *data = bad ? NULL : sw__onnx_constant_alloc(im, y.type, y.n);
    for (int64_t i = 0; data && i < y.n; i++)
        if (y.type == SW_ONNX_BOOL)
            sw__onnx_put_i(y.type, data, i, sw__onnx_get_f(&x->host, i) != 0);
        else if (sw__onnx_is_float(y.type))
            sw__onnx_put_f(y.type, data, i, sw__onnx_get_f(&x->host, i));
        else
            sw__onnx_put_i(y.type, data, i, sw__onnx_get_i(&x->host, i));
    y.data = data;
    sw__onnx_emit_constant(im, 0, y, x->open);
    return true;
}

/* ---- other shapes of the same numbers -------------------------------------------------------------- */

/* Output 0 is input 0 with another shape; `open`: the dimension to be found at run time, or -1. */
static void emit_reshaped(struct sw_onnx_import *im, sw_shape shape, int open)
{
    const struct sw_onnx_import_value *v = sw__onnx_value(im, 0);
    if (sw__onnx_failed(im)) return;
    if (!v->constant) {
        if (open >= 0 && !im->folding) shape.dim[open] = -1;
        sw__onnx_emit_node(im, 0, v->type, sw__onnx_reshape(im, v->node, shape));
        return;
    }
    struct sw_onnx_tensor t = v->host;
    t.shape = shape;
    if (sw_shape_elements(&shape) != t.n)
        sw__onnx_refuse(im, SW_ERR_SHAPE, "%lld elements cannot take this shape", (long long)t.n);
    sw__onnx_emit_constant(im, 0, t, v->open);
}

/* The dimension of -1 from the others; false after a refusal. */
static bool resolve(struct sw_onnx_import *im, const sw_shape *from, sw_shape *to, int *found)
{
    int64_t all = sw_shape_elements(from), known = 1;
    char a[SW_SHAPE_TEXT], b[SW_SHAPE_TEXT];
    bool right = true;
    *found = -1;
    for (int i = 0; right && i < to->rank; i++)
        if (to->dim[i] == -1 && *found < 0)
            *found = i;
        else
            right = to->dim[i] >= 0 && sw__i64_mul(known, to->dim[i], &known);
    if (right && *found >= 0) right = known > 0 && all % known == 0;
    if (right && *found >= 0) to->dim[*found] = all / known;
    if (!right || sw_shape_elements(to) != all)
        sw__onnx_refuse(im, SW_ERR_SHAPE, "%s cannot become %s", sw_shape_text(from, a),
                        sw_shape_text(to, b));
    return !sw__onnx_failed(im);
}

static bool batch_first(struct sw_onnx_import *im, const sw_shape *s)
{
    return im->batch_open && s->rank && s->dim[0] == im->batch;
}

static void reshape(struct sw_onnx_import *im)
{
    int64_t dims[SW_MAX_RANK];
    sw_shape from = sw__onnx_in_shape(im, 0);
    int rank = sw__onnx_integers(im, 1, dims, SW_MAX_RANK), found, open = -1;
    if (rank < 0) return;
    sw_shape to = sw_shape_make(rank, dims);
    bool keep_zero = sw__onnx_attr_i(im, "allowzero", 0) != 0;
    uint64_t marks = sw__onnx_value(im, 1)->open;
    for (int i = 0; i < rank; i++) {
        if (dims[i] == 0 && !keep_zero) {
            if (i >= from.rank) sw__onnx_refuse(im, SW_ERR_SHAPE, "dimension %d copies none", i);
            to.dim[i] = i < from.rank ? from.dim[i] : 0;
            if (i == 0 && batch_first(im, &from)) open = 0;
        }
        if (i == 0 && dims[0] >= 0 && dims[0] == im->literal && batch_first(im, &from)) {
            to.dim[0] = im->batch; /* written for another batch: "1, -1" */
            open = 0;
        }
        if (marks >> i & 1 && open < 0) open = i;
    }
    if (!sw__onnx_failed(im) && resolve(im, &from, &to, &found))
        emit_reshaped(im, to, open >= 0 ? open : found);
}

static void flatten(struct sw_onnx_import *im)
{
    sw_shape s = sw__onnx_in_shape(im, 0), y = {2, {1, 1}};
    int64_t axis = sw__onnx_attr_i(im, "axis", 1);
    if (axis != s.rank) axis = sw__onnx_axis(im, axis, s.rank);
    for (int i = 0; i < s.rank; i++) y.dim[i >= axis] *= s.dim[i];
    bool zero = sw_shape_elements(&y) == 0;
    emit_reshaped(im, y, zero ? -1 : axis == 0);
}

/* Axes are an attribute, from opset 13 on an operand; -1: neither. */
static int read_axes(struct sw_onnx_import *im, int64_t *axes)
{
    return sw__onnx_has(im, 1) ? sw__onnx_integers(im, 1, axes, SW_MAX_RANK)
                               : sw__onnx_attr_ints(im, "axes", axes, SW_MAX_RANK);
}

static int marked(struct sw_onnx_import *im, const int64_t *axes, int n, int rank, bool *mark)
{
    for (int i = 0; i < SW_MAX_RANK; i++) mark[i] = false;
    for (int i = 0; i < n; i++) {
        int axis = sw__onnx_axis(im, axes[i], rank);
        if (mark[axis]) sw__onnx_refuse(im, SW_ERR_FORMAT, "axis %d twice", axis);
        mark[axis] = true;
    }
    return sw__onnx_failed(im) ? -1 : n;
}

static void squeeze(struct sw_onnx_import *im)
{
    int64_t axes[SW_MAX_RANK];
    bool gone[SW_MAX_RANK];
    sw_shape s = sw__onnx_in_shape(im, 0), y = {0};
    int n = read_axes(im, axes);
    if (marked(im, axes, n, s.rank, gone) < 0 && sw__onnx_failed(im)) return;
    for (int i = 0; i < s.rank; i++) {
        if (n < 0) gone[i] = s.dim[i] == 1;
        if (gone[i] && s.dim[i] != 1)
            sw__onnx_refuse(im, SW_ERR_SHAPE, "axis %d has size %lld", i, (long long)s.dim[i]);
        if (!gone[i]) y.dim[y.rank++] = s.dim[i];
    }
    emit_reshaped(im, y, y.rank && !gone[0] && batch_first(im, &s) ? 0 : -1);
}

static void unsqueeze(struct sw_onnx_import *im)
{
    int64_t axes[SW_MAX_RANK];
    bool new[SW_MAX_RANK];
    sw_shape s = sw__onnx_in_shape(im, 0), y = {0};
    int n = read_axes(im, axes), from = 0, open = -1;
    if (n < 0 || s.rank + n > SW_MAX_RANK)
        sw__onnx_refuse(im, SW_ERR_FORMAT, "no axes, or too many");
    if (sw__onnx_failed(im) || marked(im, axes, n, s.rank + n, new) < 0) return;
    for (y.rank = 0; y.rank < s.rank + n; y.rank++) {
        if (!new[y.rank] && from == 0 && batch_first(im, &s)) open = y.rank;
        y.dim[y.rank] = new[y.rank] ? 1 : s.dim[from++];
    }
    emit_reshaped(im, y, open);
}

static void identity(struct sw_onnx_import *im)
{
    sw__onnx_emit_input(im, 0, 0);
}

/* The same handler for constants: it takes them as they are. */
#define FOLDS_ITSELF(name)                                                                         \
    static bool fold_##name(struct sw_onnx_import *im)                                             \
    {                                                                                              \
        name(im);                                                                                  \
        return true;                                                                               \
    }
FOLDS_ITSELF(reshape)
FOLDS_ITSELF(flatten)
FOLDS_ITSELF(squeeze)
FOLDS_ITSELF(unsqueeze)
FOLDS_ITSELF(identity)

const struct sw_onnx_operator sw__onnx_shape_ops[] = {
    {"Constant", 1, 0, 0, 1, 0, constant, fold_constant,
     "value value_int value_ints value_float value_floats"},
    {"ConstantOfShape", 9, 0, 1, 1, 0, constant_of_shape, fold_constant_of_shape, "value"},
    {"Shape", 1, 0, 1, 1, 0, shape, fold_shape, "start end"},
    {"Size", 1, 0, 1, 1, 0, size, fold_size, NULL},
    {"Range", 11, 0, 3, 1, 0, range, fold_range, NULL},
    {"Cast", 6, 0, 1, 1, 0, cast, fold_cast, "to"},
    {"CastLike", 15, 0, 2, 1, 0, cast, fold_cast, NULL},
    {"Reshape", 5, 0, 2, 1, 0, reshape, fold_reshape, "allowzero"},
    {"Flatten", 1, 0, 1, 1, 0, flatten, fold_flatten, "axis"},
    {"Squeeze", 1, 0, 2, 1, 0, squeeze, fold_squeeze, "axes"},
    {"Unsqueeze", 1, 0, 2, 1, 0, unsqueeze, fold_unsqueeze, "axes"},
    {"Identity", 1, 0, 1, 1, 0, identity, fold_identity, NULL},
    {0}};

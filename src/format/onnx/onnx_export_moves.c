/* Data movement, to ONNX.  Shapes are constants; where one follows the batch it is -1 or 0 there, or is
 * computed from Shape. */
#include <limits.h>
#include <string.h>

#include "format/onnx/onnx_export.h"
#include "graph/ops/attributes.h"

/* The result's type is the operand's: bool stays bool. */
static char *moved(struct sw_onnx_export *ex, int o)
{
    return sw__onnx_result_as(ex, o, sw__onnx_arg_type(ex, 0));
}

static void put_reshape(struct sw_onnx_export *ex, int rank, const int64_t *to)
{
    for (int i = 0; i < rank; i++)
        if (to[i] == 0 && ex->op->out[0]->shape.dim[i] == 0)
            sw__onnx_put_fail(ex, SW_ERR_UNSUPPORTED, "a shape of nothing");
    char *in[] = {sw__onnx_arg(ex, 0), sw__onnx_put_int64(ex, rank, to)};
    sw__onnx_put(ex, "Reshape", 2, in, moved(ex, 0));
}

static void reshape(struct sw_onnx_export *ex)
{
    const struct reshape_attr *attr = ex->op->attr;
    put_reshape(ex, attr->shape.rank, attr->shape.dim);
}

/* Axes before the merged ones are copied (0), the merged one is what is left (-1). */
static void flatten(struct sw_onnx_export *ex)
{
    const struct flatten_attr *attr = ex->op->attr;
    const sw_node *x = sw__onnx_operand(ex, 0), *y = ex->op->out[0];
    const int rank = x->shape.rank, first = attr->first < 0 ? attr->first + rank : attr->first;
    int64_t to[SW_MAX_RANK];
    if (first == 1 && y->shape.rank == 2) {
        char *in = sw__onnx_arg(ex, 0);
        sw__onnx_set_i(ex, sw__onnx_put(ex, "Flatten", 1, &in, moved(ex, 0)), "axis", 1);
        return;
    }
    for (int i = 0; i < y->shape.rank; i++) {
        to[i] = i < first ? 0 : i == first ? -1 : y->shape.dim[i];
        if (i > first && sw__onnx_open(ex, y, i))
            sw__onnx_put_fail(ex, SW_ERR_UNSUPPORTED, "axis %d follows the batch", i);
    }
    put_reshape(ex, y->shape.rank, to);
}

static void expand(struct sw_onnx_export *ex)
{
    const struct expand_attr *attr = ex->op->attr;
    int64_t to[SW_MAX_RANK];
    for (int i = 0; i < attr->shape.rank; i++)
        to[i] = attr->shape.dim[i] < 0 ? 1 : attr->shape.dim[i];
    char *in[] = {sw__onnx_arg(ex, 0), sw__onnx_put_int64(ex, attr->shape.rank, to)};
    sw__onnx_put(ex, "Expand", 2, in, moved(ex, 0));
}

static void transpose(struct sw_onnx_export *ex)
{
    const struct transpose_attr *attr = ex->op->attr;
    char *x = sw__onnx_arg(ex, 0);
    int64_t axes[SW_MAX_RANK];
    for (int i = 0; i < attr->n; i++) axes[i] = attr->axes[i];
    sw__onnx_set_ints(ex, sw__onnx_put(ex, "Transpose", 1, &x, moved(ex, 0)), "perm", attr->n,
                      axes);
}

static void concat(struct sw_onnx_export *ex)
{
    const struct concat_attr *attr = ex->op->attr;
    char *in[SW_MAX_INPUTS];
    int type = sw__onnx_arg_type(ex, 0);
    for (int i = 1; i < attr->n; i++) /* bool and u8 together are u8 */
        if (sw__onnx_arg_type(ex, i) != type) type = sw__onnx_type_of(ex->op->out[0]->dtype);
    for (int i = 0; i < attr->n; i++) in[i] = sw__onnx_arg_as(ex, i, type);
    sw__onnx_set_i(ex, sw__onnx_put(ex, "Concat", attr->n, in, sw__onnx_result_as(ex, 0, type)),
                   "axis", attr->axis);
}

static void split(struct sw_onnx_export *ex)
{
    const struct split_attr *attr = ex->op->attr;
    char *in[] = {sw__onnx_arg(ex, 0), sw__onnx_put_int64(ex, attr->n, attr->size)};
    Onnx__NodeProto *node = NULL;
    for (int i = 0; i < attr->n; i++) {
        bool live = ex->values[ex->op->out[i]->id].live;
        char *name = live ? moved(ex, i) : sw__onnx_new(ex);
        if (node)
            sw__onnx_put_result(ex, node, name);
        else
            node = sw__onnx_put(ex, "Split", 2, in, name);
    }
    sw__onnx_set_i(ex, node, "axis", attr->axis);
}

static void put_slice(struct sw_onnx_export *ex, int axis, int64_t begin, int64_t end, int64_t step)
{
    const int64_t one_axis = axis;
    char *in[] = {sw__onnx_arg(ex, 0), sw__onnx_put_int64(ex, 1, &begin),
                  sw__onnx_put_int64(ex, 1, &end), sw__onnx_put_int64(ex, 1, &one_axis),
                  sw__onnx_put_int64(ex, 1, &step)};
    sw__onnx_put(ex, "Slice", 5, in, moved(ex, 0));
}

static void slice(struct sw_onnx_export *ex)
{
    const sw_slice_options *o = &((const struct slice_attr *)ex->op->attr)->o;
    put_slice(ex, o->axis, o->begin, o->end, o->step ? o->step : 1);
}

static void flip(struct sw_onnx_export *ex)
{
    put_slice(ex, ((const struct flip_attr *)ex->op->attr)->axis, -1, INT64_MIN, -1);
}

static void pad(struct sw_onnx_export *ex)
{
    static const char *const modes[] = {"constant", "reflect", "edge"};
    const sw_pad_options *o = &((const struct pad_attr *)ex->op->attr)->o;
    const sw_node *x = sw__onnx_operand(ex, 0);
    const int rank = x->shape.rank, type = sw__onnx_arg_type(ex, 0);
    int64_t pads[2 * SW_MAX_RANK];
    uint8_t value[8] = {0};
    for (int i = 0; i < rank; i++) {
        pads[i] = o->before[i];
        pads[rank + i] = o->after[i];
    }
    char *in[] = {sw__onnx_arg(ex, 0), sw__onnx_put_int64(ex, 2 * rank, pads), ex->spare_name};
    if (o->mode == SW_PAD_CONSTANT) {
        sw_convert(value, x->dtype, &o->value, SW_F32, 1);
        if (type == SW_ONNX_BOOL) value[0] = value[0] != 0;
        in[2] = sw__onnx_put_constant(ex, type, (sw_shape){0}, value);
    }
    sw__onnx_set_s(ex, sw__onnx_put(ex, "Pad", 3, in, moved(ex, 0)), "mode", modes[o->mode]);
}

static void gather(struct sw_onnx_export *ex)
{
    const struct gather_attr *attr = ex->op->attr;
    char *in[] = {sw__onnx_arg(ex, 0), sw__onnx_arg(ex, 1)};
    sw__onnx_set_i(ex, sw__onnx_put(ex, "Gather", 2, in, moved(ex, 0)), "axis", attr->axis);
}

/* Rows of a table, widened to f32. */
static void embedding(struct sw_onnx_export *ex)
{
    char *in[] = {sw__onnx_arg(ex, 0), sw__onnx_arg(ex, 1)}, *y = sw__onnx_result(ex, 0);
    bool wide = sw__onnx_arg_type(ex, 0) == SW_ONNX_FLOAT;
    char *rows = wide ? y : sw__onnx_new(ex);
    sw__onnx_put(ex, "Gather", 2, in, rows);
    if (!wide) sw__onnx_set_i(ex, sw__onnx_put(ex, "Cast", 1, &rows, y), "to", SW_ONNX_FLOAT);
}

/* The sizes are said in pixels, which is exact; those of batch and channels come from Shape when open. */
static void resize(struct sw_onnx_export *ex)
{
    const sw_resize_options *o = &((const struct resize_attr *)ex->op->attr)->o;
    const sw_node *x = sw__onnx_operand(ex, 0);
    const bool nearest = o->mode == SW_RESIZE_NEAREST;
    const int64_t zero = 0, two = 2,
                  all[] = {x->shape.dim[0], x->shape.dim[1], o->height, o->width};
    char *name = sw__onnx_arg(ex, 0), *sizes = sw__onnx_new(ex);
    if (sw__onnx_open(ex, x, 0)) {
        char *shape = sw__onnx_new(ex), *front = sw__onnx_new(ex);
        sw__onnx_put(ex, "Shape", 1, &name, shape);
        char *cut[] = {shape, sw__onnx_put_int64(ex, 1, &zero), sw__onnx_put_int64(ex, 1, &two)};
        sw__onnx_put(ex, "Slice", 3, cut, front);
        char *parts[] = {front, sw__onnx_put_int64(ex, 2, &all[2])};
        sw__onnx_set_i(ex, sw__onnx_put(ex, "Concat", 2, parts, sizes), "axis", 0);
    } else
        sizes = sw__onnx_put_int64(ex, 4, all);
    char *in[] = {name, ex->spare_name, ex->spare_name, sizes};
    Onnx__NodeProto *node = sw__onnx_put(ex, "Resize", 4, in, sw__onnx_result(ex, 0));
    sw__onnx_set_s(ex, node, "mode", nearest ? "nearest" : "linear");
    sw__onnx_set_s(ex, node, "coordinate_transformation_mode",
                   nearest            ? "asymmetric"
                   : o->align_corners ? "align_corners"
                                      : "half_pixel");
    if (nearest) sw__onnx_set_s(ex, node, "nearest_mode", "floor");
}

const struct sw_onnx_exporter sw__onnx_export_moves[] = {{&sw__op_reshape, reshape, NULL},
                                                         {&sw__op_flatten, flatten, NULL},
                                                         {&sw__op_expand, expand, NULL},
                                                         {&sw__op_transpose, transpose, NULL},
                                                         {&sw__op_concat, concat, NULL},
                                                         {&sw__op_split, split, NULL},
                                                         {&sw__op_slice, slice, NULL},
                                                         {&sw__op_flip, flip, NULL},
                                                         {&sw__op_pad, pad, NULL},
                                                         {&sw__op_gather, gather, NULL},
                                                         {&sw__op_embedding, embedding, NULL},
                                                         {&sw__op_resize, resize, NULL},
                                                         {0}};

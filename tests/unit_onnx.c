/* ONNX models written here with protobuf-c: what is refused and with which line, weights and external files,
 * a folded normalisation, an open batch. */
#include "unit.h"

#include <onnx.pb-c.h>
#include <math.h>
#include <swell/swell.h>
#include "format/sha1.h"
#include <unistd.h>

static sw_context *ctx;

static int setup(void **state)
{
    return sw_context_create(&(sw_context_options){.threads = 1}, &ctx) == SW_OK ? 0 : -1;
}

static int teardown(void **state)
{
    sw_context_destroy(ctx);
    return 0;
}

/* ---- a writer ----------------------------------------------------------------------------------- */

#define MOST 12

/* A model under construction: messages and the arrays that they point to. */
struct model {
    Onnx__ModelProto model;
    Onnx__GraphProto graph;
    Onnx__OperatorSetIdProto opset, *opsets[1];
    Onnx__NodeProto node[MOST], *nodes[MOST];
    Onnx__TensorProto tensor[MOST], *tensors[MOST];
    Onnx__ValueInfoProto value[MOST], *inputs[MOST], *outputs[MOST];
    Onnx__TypeProto type[MOST];
    Onnx__TypeProto__Tensor tensor_type[MOST];
    Onnx__TensorShapeProto shape[MOST];
    Onnx__TensorShapeProto__Dimension dim[MOST][4], *dims[MOST][4];
    Onnx__StringStringEntryProto entry[MOST], *entries[MOST];
    char *names[MOST][8];
    char text[MOST][8][16];
    size_t n_values, n_names;
    uint8_t *bytes;
    size_t size;
};

static void start(struct model *m, int64_t opset)
{
    memset(m, 0, sizeof *m);
    onnx__model_proto__init(&m->model);
    onnx__graph_proto__init(&m->graph);
    onnx__operator_set_id_proto__init(&m->opset);
    m->model.graph = &m->graph;
    m->model.has_ir_version = true;
    m->model.ir_version = 8;
    m->opset.has_version = true;
    m->opset.version = opset;
    m->opsets[0] = &m->opset;
    m->model.opset_import = m->opsets;
    m->model.n_opset_import = 1;
    m->graph.node = m->nodes;
    m->graph.initializer = m->tensors;
    m->graph.input = m->inputs;
    m->graph.output = m->outputs;
}

/* "a b c" as names. */
static char **split(struct model *m, const char *words, size_t *n)
{
    size_t row = m->n_names++;
    *n = 0;
    for (int length; sscanf(words, " %15[^ ]%n", m->text[row][*n], &length) == 1; words += length) {
        m->names[row][*n] = m->text[row][*n];
        ++*n;
    }
    return m->names[row];
}

static Onnx__NodeProto *node(struct model *m, const char *op, const char *in, const char *out)
{
    size_t i = m->graph.n_node++;
    onnx__node_proto__init(&m->node[i]);
    m->nodes[i] = &m->node[i];
    m->node[i].op_type = (char *)op;
    m->node[i].input = split(m, in, &m->node[i].n_input);
    m->node[i].output = split(m, out, &m->node[i].n_output);
    return &m->node[i];
}

static Onnx__TensorProto *tensor(struct model *m, const char *name, int64_t *dims, size_t rank,
                                 int type, const void *data, size_t bytes)
{
    size_t i = m->graph.n_initializer++;
    Onnx__TensorProto *t = &m->tensor[i];
    onnx__tensor_proto__init(t);
    m->tensors[i] = t;
    t->name = (char *)name;
    t->dims = dims;
    t->n_dims = rank;
    t->has_data_type = true;
    t->data_type = type;
    t->has_raw_data = data != NULL;
    t->raw_data.data = (uint8_t *)data;
    t->raw_data.len = bytes;
    return t;
}

/* dims: -1 is the open dimension "n" */
static Onnx__ValueInfoProto *value(struct model *m, const char *name, int type, size_t rank,
                                   const int64_t *dims)
{
    size_t i = m->n_values++;
    onnx__value_info_proto__init(&m->value[i]);
    onnx__type_proto__init(&m->type[i]);
    onnx__type_proto__tensor__init(&m->tensor_type[i]);
    onnx__tensor_shape_proto__init(&m->shape[i]);
    m->value[i].name = (char *)name;
    m->value[i].type = &m->type[i];
    m->type[i].tensor_type = &m->tensor_type[i];
    m->tensor_type[i].has_elem_type = true;
    m->tensor_type[i].elem_type = type;
    m->tensor_type[i].shape = &m->shape[i];
    m->shape[i].n_dim = rank;
    m->shape[i].dim = m->dims[i];
    for (size_t d = 0; d < rank; d++) {
        onnx__tensor_shape_proto__dimension__init(&m->dim[i][d]);
        m->dims[i][d] = &m->dim[i][d];
        m->dim[i][d].has_dim_value = dims[d] >= 0;
        m->dim[i][d].dim_value = dims[d];
        if (dims[d] < 0) m->dim[i][d].dim_param = "n";
    }
    return &m->value[i];
}

static void input(struct model *m, const char *name, size_t rank, const int64_t *dims)
{
    m->inputs[m->graph.n_input++] = value(m, name, 1, rank, dims);
}

static void output(struct model *m, const char *name)
{
    m->outputs[m->graph.n_output++] = value(m, name, 1, 0, NULL);
}

static void pack(struct model *m)
{
    m->size = onnx__model_proto__get_packed_size(&m->model);
    m->bytes = malloc(m->size);
    assert_non_null(m->bytes);
    onnx__model_proto__pack(&m->model, m->bytes);
}

/* ---- refusals ----------------------------------------------------------------------------------- */

static void has_text(const char *why)
{
    if (!strstr(sw_error(ctx), why)) fail_msg("\"%s\" is not in \"%s\"", why, sw_error(ctx));
    assert_null(strchr(sw_error(ctx), '\n'));
}

/* The model is refused, with this in the line. */
static void refused(struct model *m, sw_status status, const char *why)
{
    sw_onnx *x;
    sw_graph *g;
    sw_weights *ws;
    sw_node *in[MOST] = {NULL}, *out[MOST];
    pack(m);
    assert_int_equal(sw_onnx_parse(ctx, "m.onnx", m->bytes, m->size, &x), SW_OK);
    assert_int_equal(sw_graph_create(ctx, &g), SW_OK);
    assert_int_equal(sw_weights_create(ctx, &ws), SW_OK);
    assert_int_equal(sw_onnx_build(x, g, ws, 1, in, out), status);
    has_text(why);
    has_text("m.onnx: ");
    sw_graph_destroy(g);
    sw_weights_destroy(ws);
    sw_onnx_close(x);
    free(m->bytes);
}

static const int64_t square[] = {2, 2};

static void start_square(struct model *m, int64_t opset)
{
    start(m, opset);
    input(m, "x", 2, square);
    output(m, "y");
}

static void refuses_nodes(void **state)
{
    struct model m;
    start_square(&m, 13);
    node(&m, "Frobnicate", "x", "y")->name = "n1";
    refused(&m, SW_ERR_UNSUPPORTED, "node 'n1' (Frobnicate, opset 13): this operator is not known");
    start_square(&m, 13);
    node(&m, "Relu", "x", "y")->domain = "com.acme";
    refused(&m, SW_ERR_UNSUPPORTED,
            "node 'y' (Relu, opset 13): operators of the domain 'com.acme'");
    start_square(&m, 16);
    node(&m, "Mish", "x", "y");
    refused(&m, SW_ERR_UNSUPPORTED, "(Mish, opset 16): this operator is known from opset 18");
    start_square(&m, 99);
    node(&m, "Relu", "x", "y");
    refused(&m, SW_ERR_UNSUPPORTED, "(Relu, opset 99): this operator is known from opset 6 to");
    start_square(&m, 13);
    node(&m, "Add", "x b", "a");
    node(&m, "Add", "a x", "b");
    node(&m, "Relu", "b", "y");
    refused(&m, SW_ERR_FORMAT, "node 'a' (Add, opset 13): it reads 'b', which no node before it");
    start_square(&m, 13);
    node(&m, "Add", "x nobody", "y");
    refused(&m, SW_ERR_FORMAT, "it reads 'nobody', which nothing makes");
    start_square(&m, 13);
    node(&m, "Relu", "x", "y");
    node(&m, "Abs", "x", "y");
    refused(&m, SW_ERR_FORMAT, "'y' is made twice");
    start_square(&m, 13);
    node(&m, "Relu", "x", "z");
    refused(&m, SW_ERR_FORMAT, "output 'y' is made by no node");
    start_square(&m, 13);
    node(&m, "Relu", "x x", "y");
    refused(&m, SW_ERR_UNSUPPORTED, "2 operands and 1 results are too many");
    start_square(&m, 13);
    node(&m, "Reshape", "x x", "y");
    refused(&m, SW_ERR_UNSUPPORTED, "the value of 'x' must be known before the model runs");
}

static void refuses_attributes(void **state)
{
    struct model m;
    Onnx__AttributeProto a = ONNX__ATTRIBUTE_PROTO__INIT, *list[] = {&a};
    for (int kind = 0; kind < 2; kind++) {
        start_square(&m, 13);
        Onnx__NodeProto *n = node(&m, "Softmax", "x", "y");
        a.name = kind ? "axis" : "colour";
        a.has_type = true;
        a.type = 3;
        n->attribute = list;
        n->n_attribute = 1;
        if (kind)
            refused(&m, SW_ERR_FORMAT, "attribute 'axis': not an integer");
        else
            refused(&m, SW_ERR_UNSUPPORTED, "its attribute 'colour' is not known");
    }
}

static void refuses_tensors(void **state)
{
    struct model m;
    int64_t three[] = {3}, giant[] = {(int64_t)1 << 40, (int64_t)1 << 40}, negative[] = {-1};
    int64_t sizes[] = {(int64_t)1 << 30, (int64_t)1 << 10}, two[] = {2};
    start_square(&m, 13);
    tensor(&m, "t", three, 1, 1, "12345", 5);
    node(&m, "Add", "x t", "y");
    refused(&m, SW_ERR_FORMAT,
            "initializer 't': 5 bytes of data, but its shape needs 3 of 4 bytes");
    start_square(&m, 13);
    tensor(&m, "t", three, 1, 1, NULL, 0);
    node(&m, "Add", "x t", "y");
    refused(&m, SW_ERR_FORMAT, "initializer 't': 0 numbers, but its shape has 3");
    start_square(&m, 13);
    tensor(&m, "t", giant, 2, 1, "1234", 4);
    node(&m, "Add", "x t", "y");
    refused(&m, SW_ERR_FORMAT, "dimensions that are none, or absurdly large");
    start_square(&m, 13);
    tensor(&m, "t", negative, 1, 1, "1234", 4);
    node(&m, "Add", "x t", "y");
    refused(&m, SW_ERR_FORMAT, "dimensions that are none, or absurdly large");
    start_square(&m, 13);
    tensor(&m, "t", two, 1, 7, sizes, sizeof sizes);
    node(&m, "ConstantOfShape", "t", "y");
    refused(&m, SW_ERR_SIZE, "(ConstantOfShape, opset 13): it makes a constant of 1099511627776");
}

static void refuses_bytes(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *why;
    } cases[] = {
        {"", 0, "the file is empty"},
        {"This is no model.", 17, "no such kind of field"},
        {"\x08\x08", 2, "no graph"},
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, "a number of too many bytes"},
        {"\x3a\x05\x12", 3, "a field is longer than what holds it"},
        {"\x3a\x03\x12\x01", 4, "a field is longer than what holds it"},
        {"\x08", 1, "a number is cut short"},
        {"\x38\x01", 2, "a field of another type than ONNX's"},
        {"\x12\x02"
         "a\0",
         4, "a NUL inside a name"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sw_onnx *m;
        assert_int_equal(sw_onnx_parse(ctx, "file", cases[i].bytes, cases[i].size, &m),
                         SW_ERR_FORMAT);
        assert_null(m);
        has_text(cases[i].why);
        has_text("file: offset ");
    }
    sw_onnx *m;
    assert_int_equal(sw_onnx_open(ctx, "/nowhere/at/all.onnx", &m), SW_ERR_IO);
    has_text("/nowhere/at/all.onnx: cannot read: No such file");
}

/* ---- external data ------------------------------------------------------------------------------- */

static void write_file(const char *folder, const char *name, const void *bytes, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
}

/* y = x + t with t in another file; the sum of the first row, or the refusal's text. */
static void external(const char *folder, const char *location, const char *offset,
                     const char *length, const char *checksum, const char *why)
{
    struct model m;
    char path[128];
    const char *pairs[] = {"location", location, "offset",   offset,
                           "length",   length,   "checksum", checksum};
    size_t n_pairs = checksum ? 4 : 3;
    int64_t two[] = {2};
    float x[4] = {1, 2, 3, 4};
    sw_onnx *model;
    sw_graph *g;
    sw_weights *ws;
    sw_plan *p;
    sw_node *in[1] = {NULL}, *out[1];
    start_square(&m, 13);
    Onnx__TensorProto *t = tensor(&m, "t", two, 1, 1, NULL, 0);
    for (size_t i = 0; i < n_pairs; i++) {
        onnx__string_string_entry_proto__init(&m.entry[i]);
        m.entries[i] = &m.entry[i];
        m.entry[i].key = (char *)pairs[2 * i];
        m.entry[i].value = (char *)pairs[2 * i + 1];
    }
    t->external_data = m.entries;
    t->n_external_data = n_pairs;
    t->has_data_location = true;
    t->data_location = 1;
    node(&m, "Add", "x t", "y");
    pack(&m);
    write_file(folder, "m.onnx", m.bytes, m.size);
    snprintf(path, sizeof path, "%s/m.onnx", folder);
    assert_int_equal(sw_onnx_open(ctx, path, &model), SW_OK);
    assert_int_equal(sw_graph_create(ctx, &g), SW_OK);
    assert_int_equal(sw_weights_create(ctx, &ws), SW_OK);
    sw_status status = sw_onnx_build(model, g, ws, 1, in, out);
    sw_onnx_close(model);
    if (why) {
        assert_int_not_equal(status, SW_OK);
        has_text("m.onnx: initializer 't': ");
        has_text(why);
    } else {
        assert_int_equal(status, SW_OK);
        assert_int_equal(sw_compile(g, (sw_plan_options){.outputs = out, .n_outputs = 1}, &p),
                         SW_OK);
        assert_int_equal(sw_bind(p, in[0], x, SW_SHAPE(2, 2)), SW_OK);
        assert_int_equal(sw_run(p), SW_OK);
        const float *y = sw_plan_tensor(p, out[0]).data;
        assert_true(y[0] == 11 && y[1] == 22 && y[2] == 13 && y[3] == 24);
        assert_non_null(sw_weights_find(ws, "t"));
        sw_plan_destroy(p);
    }
    sw_graph_destroy(g);
    sw_weights_destroy(ws);
    free(m.bytes);
}

static void external_data(void **state)
{
    char folder[] = "/tmp/unit_onnx_XXXXXX", path[64];
    const float numbers[] = {5, 10, 20};
    assert_non_null(mkdtemp(folder));
    write_file(folder, "t.bin", numbers, sizeof numbers);
    external(folder, "t.bin", "4", "8", NULL, NULL);
    external(folder, "t.bin", "4", "4", NULL, "4 bytes of data");
    external(folder, "t.bin", "5", "8", NULL,
             "length '8' is not inside 't.bin', which has 12 bytes");
    external(folder, "t.bin", "13", "0", NULL,
             "offset '13' is not inside 't.bin', which has 12 bytes");
    external(folder, "t.bin", "-4", "8", NULL, "offset '-4' is not inside");
    external(folder, "t.bin", "4x", "8", NULL, "offset '4x' is not inside");
    char sum[41];
    sw__sha1((const uint8_t *)numbers, sizeof numbers, sum);
    external(folder, "t.bin", "4", "8", sum, NULL);
    sum[39] ^= 1;
    external(folder, "t.bin", "4", "8", sum, "'t.bin' is damaged: its SHA-1 is ");
    external(folder, "none.bin", "0", "8", NULL, "cannot read its file 'none.bin': No such file");
    external(folder, "../t.bin", "0", "8", NULL, "'../t.bin' is no file below the model's folder");
    external(folder, "a/../../t.bin", "0", "8", NULL, "is no file below");
    external(folder, "/etc/passwd", "0", "8", NULL, "is no file below");
    external(folder, "", "0", "8", NULL, "is no file below");
    snprintf(path, sizeof path, "%s/t.bin", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/m.onnx", folder);
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
}

/* FIPS 180-4's examples, and lengths round a block. */
static void checksums(void **state)
{
    static const struct {
        const char *text;
        const char *sum;
    } cases[] = {{"", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
                 {"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
                 {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                  "84983e441c3bd26ebaae4aa1f95129e5e54670f1"}};
    char sum[41];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sw__sha1((const uint8_t *)cases[i].text, strlen(cases[i].text), sum);
        assert_string_equal(sum, cases[i].sum);
    }
    uint8_t *many = malloc(1000000);
    assert_non_null(many);
    memset(many, 'a', 1000000);
    sw__sha1(many, 1000000, sum);
    assert_string_equal(sum, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    free(many);
}

/* ---- what is built ------------------------------------------------------------------------------- */

static void run_model(struct model *m, float *x, sw_shape shape, int64_t batch, int n_out,
                      float *const *y, const char *weight, bool has_weight)
{
    sw_onnx *model;
    sw_graph *g;
    sw_weights *ws;
    sw_plan *p;
    sw_node *in[1] = {NULL}, *out[2];
    assert_int_equal(sw_onnx_parse(ctx, "m.onnx", m->bytes, m->size, &model), SW_OK);
    assert_int_equal(sw_graph_create(ctx, &g), SW_OK);
    assert_int_equal(sw_weights_create(ctx, &ws), SW_OK);
    sw_status status = sw_onnx_build(model, g, ws, batch, in, out);
    if (status != SW_OK) fail_msg("%s", sw_error(ctx));
    assert_int_equal(sw_compile(g, (sw_plan_options){.outputs = out, .n_outputs = n_out}, &p),
                     SW_OK);
    assert_int_equal(sw_bind(p, in[0], x, shape), SW_OK);
    status = sw_run(p);
    if (status != SW_OK) fail_msg("%s", sw_error(ctx));
    for (int i = 0; i < n_out; i++) {
        sw_tensor t = sw_plan_tensor(p, out[i]);
        memcpy(y[i], t.data, (size_t)sw_shape_elements(&t.shape) * sizeof(float));
    }
    if (weight) assert_int_equal(sw_weights_find(ws, weight) != NULL, has_weight);
    sw_plan_destroy(p);
    sw_graph_destroy(g);
    sw_weights_destroy(ws);
    sw_onnx_close(model);
}

/* The same numbers whether the normalisation goes into the convolution or not: it cannot where the
 * convolution's result is an output too. */
static void folds_norm(void **state)
{
    float w[2 * 3], x[3 * 4], s[] = {1.5f, -2}, b[] = {0.25f, 1}, mean[] = {0.5f, -1},
                              v[] = {2, 0.5f};
    float folded[8], apart[8], conv[8];
    int64_t wd[] = {2, 3, 1, 1}, two[] = {2};
    const int64_t image[] = {1, 3, 2, 2};
    for (int i = 0; i < 6; i++) w[i] = (float)(i - 2) / 3;
    for (int i = 0; i < 12; i++) x[i] = (float)(i * 7 % 5) / 4;
    for (int both = 0; both < 2; both++) {
        struct model m;
        start(&m, 13);
        input(&m, "x", 4, image);
        output(&m, "y");
        if (both) output(&m, "c");
        tensor(&m, "w", wd, 4, 1, w, sizeof w);
        tensor(&m, "s", two, 1, 1, s, sizeof s);
        tensor(&m, "b", two, 1, 1, b, sizeof b);
        tensor(&m, "mean", two, 1, 1, mean, sizeof mean);
        tensor(&m, "v", two, 1, 1, v, sizeof v);
        node(&m, "Conv", "x w", "c");
        node(&m, "BatchNormalization", "c s b mean v", "y");
        pack(&m);
        run_model(&m, x, SW_SHAPE(1, 3, 2, 2), 1, both ? 2 : 1,
                  (float *[]){both ? apart : folded, conv}, "mean", both);
        free(m.bytes);
    }
    /* Each is a sum of three products, scaled and shifted: about ten roundings of numbers below 8. */
    for (int i = 0; i < 8; i++) {
        double c = 0;
        for (int k = 0; k < 3; k++) c += (double)w[i / 4 * 3 + k] * (double)x[k * 4 + i % 4];
        double y = (c - (double)mean[i / 4]) / sqrt((double)v[i / 4] + 1e-5) * (double)s[i / 4] +
                   (double)b[i / 4];
        assert_true(fabs((double)folded[i] - y) < 10 * 8 * 6e-8);
        assert_true(fabs((double)apart[i] - y) < 10 * 8 * 6e-8);
    }
}

/* Reshape to (Shape(x)[0], -1), as exporters write it: built for 3, run with fewer. */
static void open_batch(void **state)
{
    struct model m;
    const int64_t dims[] = {-1, 2, 2};
    int64_t one[] = {1}, zero = 0, rest = -1;
    float x[12], y[12];
    Onnx__AttributeProto axis = ONNX__ATTRIBUTE_PROTO__INIT, *list[] = {&axis};
    axis.name = "axis";
    axis.has_i = axis.has_type = true;
    axis.type = 2;
    for (int i = 0; i < 12; i++) x[i] = (float)i;
    start(&m, 13);
    input(&m, "x", 3, dims);
    output(&m, "y");
    tensor(&m, "zero", one, 0, 7, &zero, 8);
    tensor(&m, "axes", one, 1, 7, &zero, 8);
    tensor(&m, "rest", one, 1, 7, &rest, 8);
    node(&m, "Shape", "x", "s");
    node(&m, "Gather", "s zero", "n");
    node(&m, "Unsqueeze", "n axes", "u");
    Onnx__NodeProto *concat = node(&m, "Concat", "u rest", "t");
    concat->attribute = list;
    concat->n_attribute = 1;
    node(&m, "Reshape", "x t", "r");
    node(&m, "Neg", "r", "y");
    pack(&m);
    for (int64_t n = 1; n <= 3; n++) {
        memset(y, 0, sizeof y);
        run_model(&m, x, SW_SHAPE(n, 2, 2), 3, 1, (float *[]){y}, NULL, false);
        for (int i = 0; i < 12; i++) assert_true(y[i] == (i < 4 * n ? -x[i] : 0));
    }
    free(m.bytes);
}

/* x sigmoid(x), and gelu in the orders that exporters write, are one step each. */
static void known_products(void **state)
{
    static const char *const nodes[][5][3] = {{{"Sigmoid", "x", "s"}, {"Mul", "s x", "y"}},
                                              {{"Div", "x root", "d"},
                                               {"Erf", "d", "e"},
                                               {"Add", "e one", "a"},
                                               {"Mul", "x a", "p"},
                                               {"Mul", "p half", "y"}},
                                              {{"Mul", "x over", "d"},
                                               {"Erf", "d", "e"},
                                               {"Add", "one e", "a"},
                                               {"Mul", "half x", "p"},
                                               {"Mul", "a p", "y"}},
                                              {{"Div", "x one", "d"},
                                               {"Erf", "d", "e"},
                                               {"Add", "e one", "a"},
                                               {"Mul", "x a", "p"},
                                               {"Mul", "p half", "y"}}};
    float root = 1.41421356f, over = 0.70710678f, one = 1, half = 0.5f;
    float x[4] = {-2, -0.25f, 0.5f, 3};
    for (int k = 0; k < 4; k++) {
        struct model m;
        sw_onnx *model;
        sw_graph *g;
        sw_weights *ws;
        sw_plan *p;
        sw_node *in[1] = {NULL}, *out[1];
        start_square(&m, 13);
        tensor(&m, "root", NULL, 0, 1, &root, 4);
        tensor(&m, "over", NULL, 0, 1, &over, 4);
        tensor(&m, "one", NULL, 0, 1, &one, 4);
        tensor(&m, "half", NULL, 0, 1, &half, 4);
        for (int i = 0; i < 5 && nodes[k][i][0]; i++)
            node(&m, nodes[k][i][0], nodes[k][i][1], nodes[k][i][2]);
        pack(&m);
        assert_int_equal(sw_onnx_parse(ctx, "m.onnx", m.bytes, m.size, &model), SW_OK);
        assert_int_equal(sw_graph_create(ctx, &g), SW_OK);
        assert_int_equal(sw_weights_create(ctx, &ws), SW_OK);
        if (sw_onnx_build(model, g, ws, 1, in, out) != SW_OK) fail_msg("%s", sw_error(ctx));
        assert_int_equal(sw_compile(g, (sw_plan_options){.outputs = out, .n_outputs = 1}, &p),
                         SW_OK);
        assert_int_equal(sw_bind(p, in[0], x, SW_SHAPE(2, 2)), SW_OK);
        assert_int_equal(sw_run(p), SW_OK);
        if (k < 3)
            assert_int_equal(sw_plan_get_stats(p).steps, 1);
        else
            assert_true(sw_plan_get_stats(p).steps > 5); /* another function: not mistaken */
        for (int i = 0; i < 4; i++) {
            double v = (double)x[i], z = k < 3 ? v * sqrt(0.5) : v;
            double want = k ? v * 0.5 * (1 + erf(z)) : v / (1 + exp(-v));
            double got = (double)((const float *)sw_plan_tensor(p, out[0]).data)[i];
            assert_true(fabs(got - want) < 1e-6);
        }
        sw_plan_destroy(p);
        sw_graph_destroy(g);
        sw_weights_destroy(ws);
        sw_onnx_close(model);
        free(m.bytes);
    }
}

/* y(k,h,b) = sum over c and w of x(b,c,h,w) v(k,c): rows, columns, a contracted and a summed label. */
static void einsum(void **state)
{
    struct model m;
    const int64_t dims[] = {2, 2, 2, 3};
    int64_t vd[] = {3, 2};
    float x[24], v[6] = {1, -2, 0.5f, 3, -1, 2}, y[12];
    Onnx__AttributeProto a = ONNX__ATTRIBUTE_PROTO__INIT, *list[] = {&a};
    a.name = "equation";
    a.has_s = a.has_type = true;
    a.type = 3;
    a.s.data = (uint8_t *)"bchw, kc -> khb";
    a.s.len = strlen((char *)a.s.data);
    for (int i = 0; i < 24; i++) x[i] = (float)(i * 5 % 7) - 3;
    start(&m, 13);
    input(&m, "x", 4, dims);
    output(&m, "y");
    tensor(&m, "v", vd, 2, 1, v, sizeof v);
    Onnx__NodeProto *n = node(&m, "Einsum", "x v", "y");
    n->attribute = list;
    n->n_attribute = 1;
    pack(&m);
    run_model(&m, x, SW_SHAPE(2, 2, 2, 3), 1, 1, (float *[]){y}, NULL, false);
    for (int k = 0; k < 3; k++)
        for (int h = 0; h < 2; h++)
            for (int b = 0; b < 2; b++) {
                float sum = 0; /* halves below 2^24: exact in any order */
                for (int c = 0; c < 2; c++)
                    for (int w = 0; w < 3; w++)
                        sum += x[((b * 2 + c) * 2 + h) * 3 + w] * v[k * 2 + c];
                assert_true(y[(k * 2 + h) * 2 + b] == sum);
            }
    free(m.bytes);
    a.s.data = (uint8_t *)"bbhw, kc -> khb";
    start(&m, 13);
    input(&m, "x", 4, dims);
    output(&m, "y");
    tensor(&m, "v", vd, 2, 1, v, sizeof v);
    n = node(&m, "Einsum", "x v", "y");
    n->attribute = list;
    n->n_attribute = 1;
    refused(&m, SW_ERR_UNSUPPORTED, "(Einsum, opset 13): a label twice in one term");
}

/* Rows of an open batch apart: (n,2,2) to (-1,2) has twice as many. */
static void open_rows(void **state)
{
    struct model m;
    const int64_t dims[] = {-1, 2, 2};
    int64_t two[] = {2}, to[] = {-1, 2};
    float x[12], y[12];
    for (int i = 0; i < 12; i++) x[i] = (float)i;
    start(&m, 13);
    input(&m, "x", 3, dims);
    output(&m, "y");
    tensor(&m, "to", two, 1, 7, to, sizeof to);
    node(&m, "Reshape", "x to", "r");
    node(&m, "Neg", "r", "y");
    pack(&m);
    for (int64_t n = 1; n <= 3; n++) {
        memset(y, 0, sizeof y);
        run_model(&m, x, SW_SHAPE(n, 2, 2), 3, 1, (float *[]){y}, NULL, false);
        for (int i = 0; i < 12; i++) assert_true(y[i] == (i < 4 * n ? -x[i] : 0));
    }
    free(m.bytes);
}

/* A model written for one picture, with "1, -1" in it, takes three when the given node does. */
static void other_batch(void **state)
{
    struct model m;
    const int64_t dims[] = {1, 2, 2};
    int64_t two[] = {2}, to[] = {1, -1};
    float x[12];
    sw_onnx *model;
    sw_graph *g;
    sw_weights *ws;
    sw_plan *p;
    sw_node *in[1], *out[1];
    for (int i = 0; i < 12; i++) x[i] = (float)i;
    start(&m, 13);
    input(&m, "x", 3, dims);
    output(&m, "y");
    tensor(&m, "to", two, 1, 7, to, sizeof to);
    node(&m, "Reshape", "x to", "r");
    node(&m, "Neg", "r", "y");
    pack(&m);
    assert_int_equal(sw_onnx_parse(ctx, "m.onnx", m.bytes, m.size, &model), SW_OK);
    assert_int_equal(sw_graph_create(ctx, &g), SW_OK);
    assert_int_equal(sw_weights_create(ctx, &ws), SW_OK);
    in[0] = sw_input(g, "x", SW_F32, SW_SHAPE(3, 2, 2));
    assert_int_equal(sw_onnx_build(model, g, ws, 1, in, out), SW_OK);
    assert_int_equal(sw_compile(g, (sw_plan_options){.outputs = out, .n_outputs = 1}, &p), SW_OK);
    for (int64_t n = 3; n >= 1; n--) {
        assert_int_equal(sw_bind(p, in[0], x, SW_SHAPE(n, 2, 2)), SW_OK);
        assert_int_equal(sw_run(p), SW_OK);
        sw_tensor y = sw_plan_tensor(p, out[0]);
        assert_true(sw_shape_equal(&y.shape, &SW_SHAPE(n, 4)));
        for (int i = 0; i < 4 * n; i++) assert_true(((float *)y.data)[i] == -x[i]);
    }
    sw_plan_destroy(p);
    sw_graph_destroy(g);
    assert_int_equal(sw_graph_create(ctx, &g), SW_OK);
    in[0] = sw_input(g, "x", SW_F32, SW_SHAPE(1, 2, 3));
    assert_int_equal(sw_onnx_build(model, g, ws, 1, in, out), SW_ERR_UNSUPPORTED);
    has_text("m.onnx: input 'x': the file has (1,2,2), the given node (1,2,3)");
    sw_graph_destroy(g);
    sw_weights_destroy(ws);
    sw_onnx_close(model);
    free(m.bytes);
}

static void describes(void **state)
{
    struct model m;
    const int64_t dims[] = {-1, 3};
    sw_onnx *x;
    start(&m, 17);
    input(&m, "x", 2, dims);
    output(&m, "y");
    node(&m, "Relu", "x", "y");
    m.model.producer_name = "unit";
    onnx__string_string_entry_proto__init(&m.entry[0]);
    m.entries[0] = &m.entry[0];
    m.entry[0].key = "labels";
    m.entry[0].value = "cat,dog";
    m.model.metadata_props = m.entries;
    m.model.n_metadata_props = 1;
    pack(&m);
    assert_int_equal(sw_onnx_parse(ctx, "m.onnx", m.bytes, m.size, &x), SW_OK);
    sw_onnx_info info = sw_onnx_get_info(x);
    assert_int_equal(info.opset, 17);
    assert_int_equal(info.nodes, 1);
    assert_string_equal(info.producer, "unit");
    assert_string_equal(sw_onnx_metadata(x, "labels"), "cat,dog");
    assert_null(sw_onnx_metadata(x, "mean"));
    sw_onnx_value v = sw_onnx_input(x, 0);
    assert_string_equal(v.name, "x");
    assert_string_equal(v.type, "float");
    assert_int_equal(v.shape.rank, 2);
    assert_int_equal(v.shape.dim[0], -1);
    assert_int_equal(v.shape.dim[1], 3);
    assert_string_equal(v.symbol[0], "n");
    sw_onnx_close(x);
    free(m.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_nodes),   cmocka_unit_test(refuses_attributes),
        cmocka_unit_test(refuses_tensors), cmocka_unit_test(refuses_bytes),
        cmocka_unit_test(external_data),   cmocka_unit_test(folds_norm),
        cmocka_unit_test(open_batch),      cmocka_unit_test(open_rows),
        cmocka_unit_test(other_batch),     cmocka_unit_test(known_products),
        cmocka_unit_test(einsum),          cmocka_unit_test(describes),
        cmocka_unit_test(checksums),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

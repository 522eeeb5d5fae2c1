/* Classifiers: a network's file gives what its graph gives, an ONNX file what its equations give in double;
 * the same bits alone and among others; views are means; what is no classifier is refused with a line. */
#include "unit.h"

#include <math.h>
#include <swell/swell.h>
#include <unistd.h>

static sw_context *ctx;
static char dir[] = "/tmp/swell-classifier-XXXXXX";

static int setup(void **state)
{
    return mkdtemp(dir) && sw_context_create(&(sw_context_options){.threads = 2}, &ctx) == SW_OK
               ? 0
               : -1;
}

static int teardown(void **state)
{
    sw_context_destroy(ctx);
    return rmdir(dir);
}

static const char *path(const char *name)
{
    static char text[4][128];
    static int at;
    at = (at + 1) % 4;
    snprintf(text[at], sizeof text[at], "%s/%s", dir, name);
    return text[at];
}

static sw_picture *picture(int width, int height, unsigned seed)
{
    sw_picture *p;
    assert_int_equal(sw_picture_create(ctx, width, height, &p), SW_OK);
    for (int i = 0; i < 3 * width * height; i++) {
        seed = seed * 1664525 + 1013904223;
        p->rgb[i] = (uint8_t)(seed >> 24);
    }
    return p;
}

static void close_to(float value, double wanted, double tolerance)
{
    if (!(fabs((double)value - wanted) <= tolerance))
        fail_msg("%.9g, not %.9g", (double)value, wanted);
}

/* ---- a convnet in a file ------------------------------------------------------------------------- */

enum { SIDE = 12, CLASSES = 10, HIDDEN = 128 };
static const char *const pairs[] = {
    "network",    "convnet",
    "channels",   "3",
    "side",       "12",
    "short_side", "14",
    "mean",       "[0.25]",
    "deviation",  "[0.5,0.25,1]",
    "labels",     "[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\",\"j\"]",
    NULL};

/* Random weights, also as halves: then the numbers of ws are rounded to what the file holds. */
static sw_weights *convnet(sw_dtype dtype, const char *file)
{
    sw_weights *ws, *out;
    sw_graph *g;
    assert_int_equal(sw_weights_create(ctx, &ws), SW_OK);
    assert_int_equal(sw_weights_create(ctx, &out), SW_OK);
    assert_int_equal(sw_graph_create(ctx, &g), SW_OK);
    sw_node *x = sw_input(g, "x", SW_F32, SW_SHAPE(1, 3, SIDE, SIDE));
    sw_image_network_find("convnet")->logits(g, ws, x, &(sw_image_options){.classes = CLASSES});
    assert_int_equal(sw_graph_status(g), SW_OK);
    for (int64_t i = 0; i < sw_weights_count(ws); i++) {
        sw_tensor t = sw_weight_tensor(sw_weights_at(ws, i)), h;
        sw_weight *w;
        const int64_t n = sw_shape_elements(&t.shape);
        assert_int_equal(
            sw_weights_add(out, sw_weight_name(sw_weights_at(ws, i)), dtype, t.shape, &w), SW_OK);
        h = sw_weight_tensor(w);
        assert_int_equal(sw_convert(h.data, dtype, t.data, SW_F32, n), SW_OK);
        assert_int_equal(sw_convert(t.data, SW_F32, h.data, dtype, n), SW_OK);
    }
    assert_int_equal(sw_weights_save(ctx, out, file, pairs), SW_OK);
    sw_graph_destroy(g);
    sw_weights_destroy(out);
    return ws;
}

/* Logits and hidden units of a prepared picture, by the graph itself. */
static void by_graph(sw_weights *ws, float *input, float *logits, float *hidden)
{
    sw_graph *g;
    sw_plan *plan;
    sw_node *features, *out[2];
    const sw_image_network *n = sw_image_network_find("convnet");
    assert_int_equal(sw_graph_create(ctx, &g), SW_OK);
    sw_node *x = sw_input(g, "x", SW_F32, SW_SHAPE(1, 3, SIDE, SIDE));
    out[0] = n->logits(g, ws, x, &(sw_image_options){.features = &features});
    out[1] = features;
    assert_int_equal(sw_graph_fold_norms(g), SW_OK); /* as the classifier does */
    assert_int_equal(sw_compile(g, (sw_plan_options){.outputs = out, .n_outputs = 2}, &plan),
                     SW_OK);
    assert_int_equal(sw_bind(plan, x, input, SW_SHAPE(1, 3, SIDE, SIDE)), SW_OK);
    assert_int_equal(sw_run(plan), SW_OK);
    memcpy(logits, sw_plan_tensor(plan, out[0]).data, CLASSES * sizeof *logits);
    memcpy(hidden, sw_plan_tensor(plan, out[1]).data, HIDDEN * sizeof *hidden);
    sw_plan_destroy(plan);
    sw_graph_destroy(g);
}

static void softmax(const float *logits, double *p)
{
    double sum = 0;
    for (int i = 0; i < CLASSES; i++) sum += exp((double)logits[i]);
    for (int i = 0; i < CLASSES; i++) p[i] = exp((double)logits[i]) / sum;
}

static void a_network(sw_dtype dtype, int views)
{
    static const int all[SW_VIEWS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, mirrored[2] = {0, 5};
    const char *file = path("net.safetensors");
    const sw_preprocessing p = {3, 14, 12, {0.25f, 0.25f, 0.25f}, {0.5f, 0.25f, 1}};
    sw_weights *ws = convnet(dtype, file);
    sw_picture *photo = picture(40, 29, 7);
    sw_classifier *c;
    sw_class top[CLASSES];
    float inputs[SW_VIEWS][3 * SIDE * SIDE], logits[CLASSES], hidden[HIDDEN];
    float probabilities[CLASSES], features[HIDDEN];
    double mean[CLASSES] = {0}, mean_hidden[HIDDEN] = {0}, one[CLASSES];
    assert_int_equal(sw_classifier_open(ctx, file, &(sw_classifier_options){.features = true}, &c),
                     SW_OK);
    const sw_classifier_info info = sw_classifier_get_info(c);
    assert_string_equal(info.network, "convnet");
    assert_int_equal(info.classes, CLASSES);
    assert_int_equal(info.features, HIDDEN);
    assert_string_equal(info.labels[9], "j");
    assert_memory_equal(&info.input, &p, sizeof p);
    assert_int_equal(info.filters.shape.dim[0], 32);
    assert_memory_equal(info.filters.data,
                        sw_weight_tensor(sw_weights_find(ws, "conv1.weight")).data,
                        32 * 27 * sizeof(float));
    const sw_answers a = {
        .top = CLASSES, .classes = top, .probabilities = probabilities, .features = features};
    assert_int_equal(sw_classify(c, &(sw_photo){.name = "x", .picture = photo}, 1, views, &a),
                     SW_OK);
    assert_int_equal(
        sw_preprocessing_apply(&p, photo, views == 2 ? mirrored : all, views, inputs[0]), SW_OK);
    for (int v = 0; v < views; v++) {
        by_graph(ws, inputs[v], logits, hidden);
        softmax(logits, one);
        for (int i = 0; i < CLASSES; i++) mean[i] += one[i] / views;
        for (int i = 0; i < HIDDEN; i++) mean_hidden[i] += (double)hidden[i] / views;
    }
    /* The same logits: what is left is one rounding to float. */
    for (int i = 0; i < CLASSES; i++) close_to(probabilities[i], mean[i], 1.2e-7 * mean[i]);
    for (int i = 0; i < HIDDEN; i++) close_to(features[i], mean_hidden[i], 1.2e-7 * mean_hidden[i]);
    for (int i = 0; i < CLASSES; i++) {
        assert_true(top[i].probability == probabilities[top[i].index]);
        assert_true(i == 0 || top[i].probability <= top[i - 1].probability);
        assert_int_equal(top[i].label[0], 'a' + top[i].index);
    }
    sw_classifier_destroy(c);
    sw_picture_destroy(photo);
    sw_weights_destroy(ws);
    unlink(file);
}

static void single(void **state)
{
    a_network(SW_F32, 1);
    a_network(SW_F16, 1);
    a_network(SW_BF16, 2);
}

static void ten_views(void **state)
{
    a_network(SW_F32, 10);
}

/* Alone, among others, in any batch: the same bits; who cannot be read does not disturb the others. */
static void batches(void **state)
{
    enum { N = 7, BAD = 3 };
    const char *file = path("net.safetensors");
    sw_weights *ws = convnet(SW_F32, file);
    sw_picture *pictures[N];
    sw_photo photos[N];
    float alone[N][CLASSES], among[N][CLASSES], features[N][HIDDEN];
    sw_photo_error errors[N];
    sw_class top[N][2];
    sw_classifier *c;
    for (int i = 0; i < N; i++) {
        pictures[i] = picture(14 + i, 30 - i, (unsigned)i);
        photos[i] = (sw_photo){.name = "picture", .picture = pictures[i]};
    }
    photos[BAD] = (sw_photo){.name = "text.jpg", .bytes = "no picture at all", .size = 17};
    for (int views = 1; views <= 10; views += 9)
        for (int batch = 1; batch <= 12; batch += batch < 4 ? 1 : 8) {
            sw_classifier_options o = {.batch = batch, .features = true};
            assert_int_equal(sw_classifier_open(ctx, file, &o, &c), SW_OK);
            if (batch == 1)
                for (int i = 0; i < N; i++)
                    if (i != BAD)
                        assert_int_equal(sw_classify(c, &photos[i], 1, views,
                                                     &(sw_answers){.probabilities = alone[i]}),
                                         SW_OK);
            const sw_answers a = {.top = 2,
                                  .classes = top[0],
                                  .probabilities = among[0],
                                  .features = features[0],
                                  .errors = errors};
            assert_int_equal(sw_classify(c, photos, N, views, &a), SW_OK);
            for (int i = 0; i < N; i++) {
                assert_int_equal(errors[i].status, i == BAD ? SW_ERR_FORMAT : SW_OK);
                if (i == BAD)
                    assert_int_equal(top[i][1].index, -1);
                else
                    assert_memory_equal(among[i], alone[i], sizeof alone[i]);
            }
            assert_non_null(strstr(errors[BAD].why, "JPEG, PNG and WebP are read"));
            assert_true(among[BAD][4] == 0 && features[BAD][4] == 0);
            const sw_answers strict = {.probabilities = among[0]};
            assert_int_equal(sw_classify(c, photos, N, views, &strict), SW_ERR_FORMAT);
            assert_non_null(strstr(sw_error(ctx), "text.jpg: "));
            sw_classifier_destroy(c);
        }
    for (int i = 0; i < N; i++) sw_picture_destroy(pictures[i]);
    sw_weights_destroy(ws);
    unlink(file);
}

/* ---- ONNX, written byte by byte ------------------------------------------------------------------- */

struct bytes {
    uint8_t data[4096];
    size_t n;
};

static void varint(struct bytes *b, uint64_t v)
{
    for (; v >= 128; v >>= 7) b->data[b->n++] = (uint8_t)(v | 128);
    b->data[b->n++] = (uint8_t)v;
}

static void integer(struct bytes *b, unsigned field, uint64_t v)
{
    varint(b, field << 3);
    varint(b, v);
}

static void field(struct bytes *b, unsigned number, const void *data, size_t size)
{
    varint(b, number << 3 | 2);
    varint(b, size);
    memcpy(b->data + b->n, data, size);
    b->n += size;
}

static void text(struct bytes *b, unsigned number, const char *s)
{
    field(b, number, s, strlen(s));
}

static void node(struct bytes *graph, const char *op, const char *in, const char *in2,
                 const char *in3, const char *out)
{
    struct bytes n = {.n = 0};
    text(&n, 1, in);
    if (in2) text(&n, 1, in2);
    if (in3) text(&n, 1, in3);
    text(&n, 2, out);
    text(&n, 4, op);
    field(graph, 1, n.data, n.n);
}

static void tensor(struct bytes *graph, const char *name, int64_t rows, int64_t columns,
                   const float *data)
{
    struct bytes t = {.n = 0};
    integer(&t, 1, (uint64_t)rows);
    if (columns) integer(&t, 1, (uint64_t)columns);
    integer(&t, 2, 1);
    text(&t, 8, name);
    field(&t, 9, data, (size_t)(rows * (columns ? columns : 1)) * sizeof *data);
    field(graph, 5, t.data, t.n);
}

/* type 1: float; a dimension of 0 is open */
static void value(struct bytes *graph, unsigned number, const char *name, unsigned type,
                  const int *dims, int rank)
{
    struct bytes shape = {.n = 0}, tensor_type = {.n = 0}, v = {.n = 0}, outer = {.n = 0};
    for (int i = 0; i < rank; i++) {
        struct bytes d = {.n = 0};
        if (dims[i])
            integer(&d, 1, (uint64_t)dims[i]);
        else
            text(&d, 2, "n");
        field(&shape, 1, d.data, d.n);
    }
    integer(&tensor_type, 1, type);
    field(&tensor_type, 2, shape.data, shape.n);
    field(&outer, 1, tensor_type.data, tensor_type.n);
    text(&v, 1, name);
    field(&v, 2, outer.data, outer.n);
    field(graph, number, v.data, v.n);
}

static void pair(struct bytes *model, const char *key, const char *value_)
{
    struct bytes e = {.n = 0};
    text(&e, 1, key);
    text(&e, 2, value_);
    field(model, 14, e.data, e.n);
}

static const float rows[3][4] = {{1, -2, 0.5f, 0.25f}, {-1, 3, 1, -0.5f}, {2, 0, -3, 0.125f}};

/* logits = mean of each plane times rows (3,4), plus one more; `end`: an operator behind, or NULL. */
static const char *write_onnx(const int dims[4], int rank, unsigned type, const char *end,
                              const char *const *metadata)
{
    static const int out[2] = {0, 4};
    static const float bias[4] = {0.5f, 0, -1, 2};
    struct bytes graph = {.n = 0}, model = {.n = 0}, opset = {.n = 0};
    const char *file = path("model.onnx");
    node(&graph, "GlobalAveragePool", "x", NULL, NULL, "mean");
    node(&graph, "Flatten", "mean", NULL, NULL, "flat");
    node(&graph, "Gemm", "flat", "w", "b", end ? "logits" : "y");
    if (end) node(&graph, end, "logits", NULL, NULL, "y");
    text(&graph, 2, "g");
    tensor(&graph, "w", 3, 4, rows[0]);
    tensor(&graph, "b", 4, 0, bias);
    value(&graph, 11, "x", type, dims, rank);
    value(&graph, 12, "y", 1, out, 2);
    integer(&model, 1, 8);
    field(&model, 7, graph.data, graph.n);
    integer(&opset, 2, 13);
    field(&model, 8, opset.data, opset.n);
    for (; metadata && *metadata; metadata += 2) pair(&model, metadata[0], metadata[1]);
    FILE *f = fopen(file, "wb");
    assert_int_equal(fwrite(model.data, 1, model.n, f), model.n);
    fclose(f);
    return file;
}

/* In double. */
static void onnx_oracle(const sw_picture *photo, const sw_preprocessing *p, double *out,
                        double *features)
{
    static const double bias[4] = {0.5, 0, -1, 2};
    const int left = (photo->width - p->side) / 2, top = (photo->height - p->side) / 2;
    double mean[3] = {0}, sum = 0;
    for (int y = 0; y < p->side; y++)
        for (int x = 0; x < p->side; x++)
            for (int c = 0; c < 3; c++)
                mean[c] += photo->rgb[3 * ((top + y) * photo->width + left + x) + c] / 255.0;
    for (int c = 0; c < 3; c++)
        features[c] = (mean[c] / (p->side * p->side) - (double)p->mean[c]) /
                      (double)p->deviation[c];
    for (int k = 0; k < 4; k++) {
        double v = bias[k];
        for (int c = 0; c < 3; c++) v += features[c] * (double)rows[c][k];
        out[k] = exp(v);
        sum += out[k];
    }
    for (int k = 0; k < 4; k++) out[k] /= sum;
}

static void onnx_models(void **state)
{
    static const char *const said[] = {"side",       "8",
                                       "short_side", "10",
                                       "mean",       "[0.1,0.2,0.3]",
                                       "deviation",  "[0.5]",
                                       "labels",     "[\"N\",\"E\",\"S\",\"W\"]",
                                       NULL};
    static const char *const ends[] = {NULL, "Softmax", "LogSoftmax"};
    static const int open_[4] = {0, 3, 0, 0}, one[4] = {1, 3, 8, 8};
    sw_picture *photo = picture(12, 10, 3); /* no resizing: its short side is the model's */
    double wanted[4], features[3];
    for (int fixed = 0; fixed < 2; fixed++)
        for (int e = 0; e < 3; e++) {
            const char *file = write_onnx(fixed ? one : open_, 4, 1, ends[e], said);
            sw_classifier_options o = {.batch = 3, .features = true};
            sw_photo photos[5];
            sw_class best[5];
            float p[5][4], f[5][3];
            sw_classifier *c;
            if (sw_classifier_open(ctx, file, &o, &c) != SW_OK) fail_msg("%s", sw_error(ctx));
            sw_classifier_info info = sw_classifier_get_info(c);
            assert_int_equal(info.input.side, 8);
            assert_int_equal(info.input.short_side, 10);
            assert_int_equal(info.features, 3);
            assert_null(info.filters.data);
            for (int i = 0; i < 5; i++) photos[i] = (sw_photo){.name = "p", .picture = photo};
            const sw_answers a = {
                .top = 1, .classes = best, .probabilities = p[0], .features = f[0]};
            assert_int_equal(sw_classify(c, photos, 5, 1, &a), SW_OK);
            onnx_oracle(photo, &info.input, wanted, features);
            /* 64 values of at most 2 in a mean, three products: some 80 roundings of 2^-24 of at most 10. */
            for (int k = 0; k < 4; k++) close_to(p[4][k], wanted[k], 5e-5);
            assert_string_equal(best[4].label, &"N\0E\0S\0W"[2 * best[4].index]);
            for (int k = 0; k < 3; k++) close_to(f[4][k], features[k], 1e-5);
            sw_classifier_destroy(c);
            unlink(file);
        }
    sw_picture_destroy(photo);
}

/* What the options say goes first, where it fits the file. */
static void options(void **state)
{
    static const char *const four[] = {"1", "2", "3", "4", "5"};
    static const int open_[4] = {0, 3, 0, 0}, fixed[4] = {1, 3, 8, 8};
    sw_classifier *c;
    const char *file = write_onnx(open_, 4, 1, NULL, NULL);
    sw_classifier_options o = {
        .input = {.side = 20, .short_side = 30}, .labels = four, .classes = 4};
    assert_int_equal(sw_classifier_open(ctx, file, &o, &c), SW_OK);
    assert_int_equal(sw_classifier_get_info(c).input.side, 20);
    assert_int_equal(sw_classifier_get_info(c).input.short_side, 30);
    assert_string_equal(sw_classifier_get_info(c).labels[3], "4");
    sw_classifier_destroy(c);
    assert_int_equal(sw_classifier_open(ctx, file, NULL, &c), SW_OK);
    assert_int_equal(sw_classifier_get_info(c).input.side, 224);
    assert_null(sw_classifier_get_info(c).labels);
    sw_photo photo = {.name = "p", .bytes = "", .size = 0};
    float p[4];
    sw_class best[4];
    assert_int_equal(sw_classify(c, &photo, 1, 3, &(sw_answers){.probabilities = p}),
                     SW_ERR_ARGUMENT);
    assert_int_equal(sw_classify(c, &photo, 1, 1, &(sw_answers){.top = 5, .classes = best}),
                     SW_ERR_ARGUMENT);
    assert_int_equal(sw_classify(c, &photo, 1, 1, &(sw_answers){.features = p}), SW_ERR_ARGUMENT);
    assert_int_equal(sw_classify(c, NULL, 0, 1, &(sw_answers){.probabilities = p}), SW_OK);
    sw_classifier_destroy(c);
    o.classes = 5;
    assert_int_equal(sw_classifier_open(ctx, file, &o, &c), SW_ERR_ARGUMENT);
    assert_non_null(strstr(sw_error(ctx), "5 labels for 4 classes"));
    file = write_onnx(fixed, 4, 1, NULL, NULL);
    o.classes = 4;
    assert_int_equal(sw_classifier_open(ctx, file, &o, &c), SW_ERR_ARGUMENT);
    assert_non_null(strstr(sw_error(ctx), "8 pixels a side, not 20"));
    unlink(file);
}

static void refused(const char *file, const sw_classifier_options *o, sw_status status,
                    const char *why)
{
    sw_classifier *c;
    assert_int_equal(sw_classifier_open(ctx, file, o, &c), status);
    assert_null(c);
    if (!strstr(sw_error(ctx), why)) fail_msg("%s", sw_error(ctx));
    unlink(file);
}

static void refusals(void **state)
{
    static const int flat[4] = {1, 3, 8, 9}, deep[4] = {1, 5, 8, 8}, line[4] = {1, 8},
                     good[4] = {0, 3, 8, 8};
    static const char *const three[] = {"labels", "[\"a\",\"b\",\"c\"]", NULL};
    static const char *const bad[] = {"side", "eight", NULL};
    const char *const whys = "not (N,C,S,S)";
    refused(write_onnx(flat, 4, 1, NULL, NULL), NULL, SW_ERR_UNSUPPORTED, whys);
    refused(write_onnx(deep, 4, 1, NULL, NULL), NULL, SW_ERR_UNSUPPORTED, whys);
    refused(write_onnx(line, 2, 1, NULL, NULL), NULL, SW_ERR_UNSUPPORTED, whys);
    refused(write_onnx(good, 4, 7, NULL, NULL), NULL, SW_ERR_UNSUPPORTED, "input is of int64");
    refused(write_onnx(good, 4, 1, NULL, three), NULL, SW_ERR_FORMAT, "3 labels for 4 classes");
    refused(write_onnx(good, 4, 1, NULL, bad), NULL, SW_ERR_FORMAT, "metadata 'side' is 'eight'");
    refused(path("none.onnx"), NULL, SW_ERR_IO, "none.onnx: cannot read");
    refused(path("none.pth"), NULL, SW_ERR_IO, "none.pth: cannot read");
    refused(path("x"), &(sw_classifier_options){.batch = 9999}, SW_ERR_ARGUMENT, "a batch of 9999");
    sw_weights *ws;
    sw_weight *w;
    assert_int_equal(sw_weights_create(ctx, &ws), SW_OK);
    assert_int_equal(sw_weights_add(ws, "fc.weight", SW_F32, SW_SHAPE(2, 3), &w), SW_OK);
    assert_int_equal(sw_weights_save(ctx, ws, path("w.safetensors"), NULL), SW_OK);
    refused(path("w.safetensors"), NULL, SW_ERR_UNSUPPORTED, "of no network that is built in");
    sw_weights_destroy(ws);
}

/* ---- labels, occlusion ----------------------------------------------------------------------------- */

static void labels(void **state)
{
    static const struct {
        const char *name, *first, *last;
        int count;
    } lists[] = {{"imagenet", "tench", "toilet tissue", 1000},
                 {"cifar10", "airplane", "truck", 10},
                 {"cifar100", "apple", "worm", 100},
                 {"fashion-mnist", "T-shirt/top", "Ankle boot", 10}};
    for (int k = 0; k < 4; k++) {
        int n = 0;
        const char *const *list = sw_labels_find(lists[k].name, &n);
        assert_int_equal(n, lists[k].count);
        assert_string_equal(list[0], lists[k].first);
        assert_string_equal(list[n - 1], lists[k].last);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < i; j++) assert_string_not_equal(list[i], list[j]);
        for (int i = 1; k == 2 && i < n; i++) assert_true(strcmp(list[i - 1], list[i]) < 0);
    }
    int n;
    assert_null(sw_labels_find("imagenet21k", &n));
    const char *file = path("labels.txt");
    sw_image_notes notes = {0};
    FILE *f = fopen(file, "wb");
    fputs("red\r\n\ngreen and blue\n\n", f);
    fclose(f);
    assert_int_equal(sw_image_notes_label_file(ctx, file, &notes), SW_OK);
    assert_int_equal(notes.classes, 3);
    assert_string_equal(notes.labels[0], "red");
    assert_string_equal(notes.labels[1], "");
    assert_string_equal(notes.labels[2], "green and blue");
    sw_image_notes_clear(&notes);
    f = fopen(file, "wb");
    fwrite("a\0b\n", 1, 4, f);
    fclose(f);
    assert_int_equal(sw_image_notes_label_file(ctx, file, &notes), SW_ERR_FORMAT);
    fclose(fopen(file, "wb"));
    assert_int_equal(sw_image_notes_label_file(ctx, file, &notes), SW_ERR_FORMAT);
    unlink(file);
    assert_int_equal(sw_image_notes_label_file(ctx, file, &notes), SW_ERR_IO);
}

/* A model that knows how red its input is, and one red patch: there the map is highest. */
static void occlusion(void **state)
{
    static const int dims[4] = {0, 3, 8, 8};
    static const char *const said[] = {"short_side", "8", "mean", "[0]", "deviation", "[1]", NULL};
    const char *file = write_onnx(dims, 4, 1, NULL, said);
    sw_picture *photo;
    sw_classifier *c;
    sw_class seen;
    float map[8][8];
    assert_int_equal(sw_picture_create(ctx, 8, 8, &photo), SW_OK);
    for (int y = 2; y < 4; y++)
        for (int x = 5; x < 7; x++) photo->rgb[3 * (8 * y + x)] = 255;
    assert_int_equal(sw_classifier_open(ctx, file, &(sw_classifier_options){.batch = 5}, &c),
                     SW_OK);
    const sw_photo p = {.name = "p", .picture = photo};
    /* Class 0 rises with red: rows[0][0] is 1, and the others' gain is smaller. */
    const sw_occlusion_options o = {.index = 0, .square = 2, .stride = 1};
    assert_int_equal(sw_occlusion_map(c, &p, &o, map[0], &seen), SW_OK);
    assert_int_equal(seen.index, 0);
    for (int y = 0; y < 8; y++)
        for (int x = 0; x < 8; x++) {
            const bool on = y >= 2 && y < 4 && x >= 5 && x < 7;
            const bool near_ = y >= 1 && y < 5 && x >= 4 && x < 8;
            if (on) assert_true(map[y][x] > 0);
            if (!near_) close_to(map[y][x], 0, 1e-6);
            assert_true(map[y][x] <= map[2][5] + 1e-7f);
        }
    /* The best class, the default square. */
    assert_int_equal(sw_occlusion_map(c, &p, &(sw_occlusion_options){.index = -1}, map[0], &seen),
                     SW_OK);
    assert_int_equal(seen.index, 3); /* the largest bias */
    /* Squares that leave gaps: what none covered is 0. */
    const sw_occlusion_options gaps = {.index = 0, .square = 1, .stride = 3};
    assert_int_equal(sw_occlusion_map(c, &p, &gaps, map[0], NULL), SW_OK);
    assert_true(map[1][1] == 0 && map[3][6] > 0);
    assert_int_equal(sw_occlusion_map(c, &p, &(sw_occlusion_options){.index = 4}, map[0], NULL),
                     SW_ERR_ARGUMENT);
    assert_int_equal(sw_occlusion_map(c, &p, &(sw_occlusion_options){.square = 9}, map[0], NULL),
                     SW_ERR_ARGUMENT);
    sw_classifier_destroy(c);
    sw_picture_destroy(photo);
    unlink(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single),  cmocka_unit_test(ten_views),   cmocka_unit_test(batches),
        cmocka_unit_test(options), cmocka_unit_test(onnx_models), cmocka_unit_test(refusals),
        cmocka_unit_test(labels),  cmocka_unit_test(occlusion),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

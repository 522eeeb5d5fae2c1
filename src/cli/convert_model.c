/* The ways of `swell convert`: what is read, and how it is written. */
#include "cli/convert_verb.h"

#include <stdlib.h>
#include <string.h>

#include "base/folder.h"
#include "base/memory.h"

static int failed(const struct convert *c)
{
    return cli_fail(c->verb, "%s", sw_error(c->ctx));
}

static int no_memory(const struct convert *c)
{
    return cli_fail(c->verb, "out of memory");
}

/* ---- pairs of metadata ---------------------------------------------------------------------------- */

/* Copies, ended by NULL for whoever writes them. */
struct pairs {
    char **text;
    int64_t n, capacity; /* texts */
    bool failed;
};

static int64_t find_pair(const struct pairs *p, const char *key)
{
    for (int64_t i = 0; i < p->n; i += 2)
        if (strcmp(p->text[i], key) == 0) return i;
    return -1;
}

/* Keys of a checkpoint ("swell.steps") say nothing about the model. */
static void set_pair(void *user, const char *key, const char *value)
{
    struct pairs *p = user;
    const int64_t at = find_pair(p, key);
    if (p->failed || strncmp(key, "swell.", 6) == 0) return;
    if (at < 0 && !sw__grow(&p->text, &p->capacity, p->n + 3, sizeof *p->text)) {
        p->failed = true;
        return;
    }
    char *copy = strdup(value), *name = at < 0 ? strdup(key) : NULL;
    p->failed = !copy || (at < 0 && !name);
    if (p->failed) {
        free(copy);
        free(name);
    } else if (at >= 0) {
        free(p->text[at + 1]);
        p->text[at + 1] = copy;
    } else {
        p->text[p->n++] = name;
        p->text[p->n++] = copy;
        p->text[p->n] = NULL;
    }
}

static void free_pairs(struct pairs *p)
{
    for (int64_t i = 0; i < p->n; i++) free(p->text[i]);
    free(p->text);
}

static const char *const *pairs_of(const struct pairs *p)
{
    return (const char *const *)p->text;
}

/* The pairs of the file and the labels of --labels. */
static int read_pairs(const struct convert *c, const sw_onnx *m, struct pairs *p)
{
    sw_image_notes notes = {.classes = 0};
    sw_status status = SW_OK;
    for (int i = 0; m && i < sw_onnx_get_info(m).metadata; i++) {
        const char *key, *value;
        sw_onnx_metadata_at(m, i, &key, &value);
        set_pair(p, key, value);
    }
    if (!m && convert_ends(c->from, ".safetensors"))
        status = sw_weights_metadata(c->ctx, c->from, set_pair, p);
    if (status == SW_OK && c->labels) status = sw_image_notes_label_file(c->ctx, c->labels, &notes);
    if (status == SW_OK && c->labels) status = sw_image_notes_write(c->ctx, &notes, set_pair, p);
    sw_image_notes_clear(&notes);
    if (status != SW_OK) return failed(c);
    return p->failed ? no_memory(c) : 0;
}

/* ---- ONNX to ONNX ----------------------------------------------------------------------------------- */

/* An output keeps the name that the file gives it. */
static void name_outputs(const sw_onnx *m, sw_node **out)
{
    for (int i = 0; i < sw_onnx_output_count(m); i++) {
        bool again = false;
        for (int k = 0; k < i; k++) again |= out[k] == out[i];
        if (!again && out[i] && !sw_node_weight(out[i])) sw_name(out[i], sw_onnx_output(m, i).name);
    }
}

static int export_graph(const struct convert *c, sw_onnx *m, sw_graph *g, sw_weights *ws,
                        const struct pairs *p)
{
    const int inputs = sw_onnx_input_count(m), outputs = sw_onnx_output_count(m);
    sw_node **nodes = sw__calloc2((size_t)(inputs + outputs) + 1, sizeof *nodes);
    sw_node **out = nodes + inputs;
    bool open = false;
    if (!nodes) return no_memory(c);
    for (int i = 0; i < inputs; i++) {
        const sw_shape s = sw_onnx_input(m, i).shape;
        open |= s.rank > 0 && s.dim[0] < 0;
    }
    int status = 0;
    if (sw_onnx_build(m, g, ws, open ? 2 : 1, nodes, out) != SW_OK) status = failed(c);
    for (int i = 0; !status && i < outputs; i++)
        if (!out[i])
            status = cli_fail(c->verb, "%s: output '%s' depends on no input", c->from,
                              sw_onnx_output(m, i).name);
    if (!status) name_outputs(m, out);
    const sw_onnx_export_options o = {.outputs = out,
                                      .n_outputs = outputs,
                                      .name = sw_onnx_get_info(m).graph,
                                      .half = c->half,
                                      .fixed_batch = !open,
                                      .metadata = pairs_of(p)};
    if (!status && sw_onnx_export(g, c->to, o) != SW_OK) status = failed(c);
    free(nodes);
    return status;
}

int convert_graph(const struct convert *c)
{
    struct pairs pairs = {0};
    sw_onnx *m = NULL;
    sw_graph *g = NULL;
    sw_weights *ws = NULL;
    int status = sw_onnx_open(c->ctx, c->from, &m) == SW_OK ? 0 : failed(c);
    if (!status &&
        (sw_graph_create(c->ctx, &g) != SW_OK || sw_weights_create(c->ctx, &ws) != SW_OK))
        status = failed(c);
    if (!status) status = read_pairs(c, m, &pairs);
    if (!status) status = export_graph(c, m, g, ws, &pairs);
    free_pairs(&pairs);
    sw_graph_destroy(g);
    sw_weights_destroy(ws);
    sw_onnx_close(m);
    return status;
}

/* ---- classifiers -------------------------------------------------------------------------------------- */

static bool is_picture(const char *name)
{
    static const char *const ends[] = {".jpg", ".jpeg", ".png", ".webp"};
    const size_t n = strlen(name);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const size_t m = strlen(ends[i]);
        if (n > m && strcasecmp(name + n - m, ends[i]) == 0) return true;
    }
    return false;
}

struct photos {
    sw_photo *list;
    int64_t n, capacity;
};

static int add_photos(const struct convert *c, const char *folder, struct photos *p)
{
    struct sw_folder files = {0};
    int status = 0;
    if (sw__folder_list(folder, SW_PATH_FILE, &files) != SW_OK)
        status = cli_fail(c->verb, "%s: cannot be read as a folder", folder);
    for (int64_t i = 0; !status && i < files.count; i++) {
        if (!is_picture(files.names[i])) continue;
        const size_t size = strlen(folder) + strlen(files.names[i]) + 2;
        char *path = sw__grow(&p->list, &p->capacity, p->n + 1, sizeof *p->list) ? malloc(size)
                                                                                 : NULL;
        if (!path) {
            status = no_memory(c);
            break;
        }
        snprintf(path, size, "%s/%s", folder, files.names[i]);
        p->list[p->n++] = (sw_photo){.name = path};
    }
    sw__folder_free(&files);
    return status;
}

/* Pictures in the folder and in its folders; of all, `images` that lie evenly among them. */
static int find_photos(const struct convert *c, struct photos *p)
{
    struct sw_folder folders = {0};
    int status = add_photos(c, c->calibrate, p);
    if (!status && sw__folder_list(c->calibrate, SW_PATH_FOLDER, &folders) != SW_OK)
        status = cli_fail(c->verb, "%s: cannot be read as a folder", c->calibrate);
    for (int64_t i = 0; !status && i < folders.count; i++) {
        const size_t size = strlen(c->calibrate) + strlen(folders.names[i]) + 2;
        char *path = malloc(size);
        if (path) snprintf(path, size, "%s/%s", c->calibrate, folders.names[i]);
        status = path ? add_photos(c, path, p) : no_memory(c);
        free(path);
    }
    sw__folder_free(&folders);
    if (!status && !p->n)
        status = cli_fail(c->verb, "%s: no pictures (.jpg, .png, .webp) in it or its folders",
                          c->calibrate);
    return status;
}

static int64_t thin_out(struct photos *p, int64_t images)
{
    if (p->n <= images) return p->n;
    for (int64_t i = 0; i < images; i++) {
        const sw_photo chosen = p->list[i * p->n / images];
        p->list[i * p->n / images] = p->list[i];
        p->list[i] = chosen;
    }
    return images;
}

static void report_bytes(const struct convert *c, const sw_onnx_quantise_report *r, int64_t images)
{
    printf("%s: %d of %d layers on bytes; the first answer is that of f32 on %.1f %% of %lld "
           "pictures\n",
           c->to, r->layers - r->whole, r->layers, 100 * r->agreement, (long long)images);
}

int convert_classifier(const struct convert *c)
{
    struct photos photos = {0};
    sw_image_notes labels = {.classes = 0};
    sw_classifier *model = NULL;
    sw_onnx_quantise_report report;
    int status = 0;
    if (c->labels && sw_image_notes_label_file(c->ctx, c->labels, &labels) != SW_OK)
        status = failed(c);
    const sw_classifier_options o = {.batch = 2, /* not one: so shapes say where the batch is */
                                     .keep_norms = true,
                                     .network = c->network,
                                     .labels = (const char *const *)labels.labels,
                                     .classes = labels.classes};
    if (!status && sw_classifier_open(c->ctx, c->from, &o, &model) != SW_OK) status = failed(c);
    if (!status && c->int8) status = find_photos(c, &photos);
    const sw_classifier_export_options e = {.half = c->half,
                                            .photos = photos.list,
                                            .n_photos = c->int8 ? thin_out(&photos, c->images) : 0,
                                            .range = c->range,
                                            .agreement = c->agreement};
    if (!status && sw_classifier_export(model, c->to, &e, &report) != SW_OK) status = failed(c);
    if (!status && c->int8) report_bytes(c, &report, e.n_photos);
    for (int64_t i = 0; i < photos.n; i++) free((char *)photos.list[i].name);
    free(photos.list);
    sw_image_notes_clear(&labels);
    sw_classifier_destroy(model);
    return status;
}

/* ---- weights ------------------------------------------------------------------------------------------- */

/* A set of the same names with f32 weights of two and more dimensions as f16. */
static int halve(const struct convert *c, const sw_weights *from, sw_weights *to)
{
    for (int64_t i = 0; i < sw_weights_count(from); i++) {
        const sw_weight *w = sw_weights_at(from, i);
        const sw_tensor t = sw_weight_tensor(w);
        const bool half = t.dtype == SW_F32 && t.shape.rank >= 2;
        const int64_t n = sw_shape_elements(&t.shape);
        sw_weight *copy;
        for (int64_t k = 0; half && k < n; k++) {
            const float x = ((const float *)t.data)[k];
            if ((x >= 65520 || x <= -65520) && x - x == 0)
                return cli_fail(c->verb, "%s: '%s' holds %g, which is beyond f16", c->from,
                                sw_weight_name(w), (double)x);
        }
        if (sw_weights_add(to, sw_weight_name(w), half ? SW_F16 : t.dtype, t.shape, &copy) != SW_OK)
            return failed(c);
        sw_convert(sw_weight_tensor(copy).data, half ? SW_F16 : t.dtype, t.data, t.dtype, n);
    }
    return 0;
}

/* Which network it is goes into the pairs, where it can be told. */
static int note_network(const struct convert *c, const sw_weights *ws, struct pairs *p)
{
    sw_image_sizes sizes;
    const sw_image_network *n = c->network ? sw_image_network_find(c->network)
                                           : sw_image_network_of(ws, &sizes);
    if (c->network && !n->fits(ws, &sizes))
        return cli_fail(c->verb, "%s: its tensors are not those of '%s'", c->from, c->network);
    if (n && (c->network || find_pair(p, "network") < 0)) set_pair(p, "network", n->name);
    return p->failed ? no_memory(c) : 0;
}

int convert_weights(const struct convert *c)
{
    struct pairs pairs = {0};
    sw_onnx *m = NULL;
    sw_weights *ws = NULL, *half = NULL;
    int status = 0;
    if (sw_weights_create(c->ctx, &ws) != SW_OK || sw_weights_create(c->ctx, &half) != SW_OK)
        status = failed(c);
    if (!status && convert_ends(c->from, ".onnx")) {
        if (sw_onnx_open(c->ctx, c->from, &m) != SW_OK || sw_onnx_weights(m, ws) != SW_OK)
            status = failed(c);
    } else if (!status && sw_weights_load(c->ctx, ws, c->from, false, NULL) != SW_OK)
        status = failed(c);
    if (!status && !sw_weights_count(ws))
        status = cli_fail(c->verb, "%s: it holds no tensors of floats", c->from);
    if (!status) status = read_pairs(c, m, &pairs);
    if (!status) status = note_network(c, ws, &pairs);
    if (!status && c->half) status = halve(c, ws, half);
    if (!status && sw_weights_save(c->ctx, c->half ? half : ws, c->to, pairs_of(&pairs)) != SW_OK)
        status = failed(c);
    free_pairs(&pairs);
    sw_weights_destroy(ws);
    sw_weights_destroy(half);
    sw_onnx_close(m);
    return status;
}

/* swell see: what is in a picture. */
#include "cli/see_drawings.h"
#include "cli/see_neighbours.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/terminal.h"
#include "cli/model_path.h"
#include "format/npy.h"

static const char help[] =
    "usage: swell see PICTURE ... [options]\n"
    "\n"
    "Says what is in pictures: JPEG, PNG and WebP of any size, turned as their camera says.\n"
    "PICTURE is a file, a folder (its pictures and those of folders in it, sorted), a pattern\n"
    "like 'holiday/*.jpg', or - for one picture on standard input.\n"
    "\n"
    "  --model M         .onnx (any classifier), .safetensors or torchvision's .pth; a file, or "
    "the\n"
    "                    name of a model that comes along.  Without it: a small one that knows "
    "ten\n"
    "                    things\n"
    "  --top N           how many classes (default 5)\n"
    "  --crops N         parts of the picture to look at: 1 (the centre, default), 2 (mirrored "
    "too)\n"
    "                    or 10 (corners and centre, mirrored): slower, a little better\n"
    "  --json            a line a picture: "
    "{\"file\":\"a.jpg\",\"top\":[{\"class\":0,\"label\":\"tench\",\"p\":0.97}]}\n"
    "\n"
    "what the model does not say itself, or says wrongly:\n"
    "  --labels L        imagenet, cifar10, cifar100, fashion-mnist, or a text file, one label a "
    "line\n"
    "  --mean A,B,C      with --deviation: input = (byte / 255 - mean) / deviation, by channels\n"
    "  --deviation A,B,C (default ImageNet's: 0.485,0.456,0.406 and 0.229,0.224,0.225)\n"
    "  --short-side N    resize until the shorter side has N pixels (default 256 for sides up to "
    "it)\n"
    "  --side N          then cut a square of N pixels out (default 224)\n"
    "\n"
    "what the network sees:\n"
    "  --features F.npy  what the last layer reads (fc7 in AlexNet), one row of f32 a picture that "
    "could\n"
    "                    be read, in the order of the output\n"
    "  --neighbours DIR  the pictures of a folder that are nearest by features\n"
    "  --nearest N       how many of them (default 6)\n"
    "  --out F.png       draw them beside each picture, on a sheet\n"
    "  --explain F.png   draw which parts of the one picture speak for its class: a square slides "
    "over it,\n"
    "                    and where the probability drops it is hot (and blue where it rises)\n"
    "  --filters F.png   draw the kernels of the first layer; needs no picture\n"
    "\n"
    "  --batch N         views that are prepared together (default: as many as there are, at most "
    "16)\n"
    "  --threads N       default: all cores\n"
    "\n"
    "A picture that cannot be read is reported and passed over.  Exit status 1: none could be "
    "read, or\n"
    "something else went wrong.\n"
    "\n"
    "examples:\n"
    "  swell see photo.jpg\n"
    "  swell see holiday/ --model squeezenet1.0.onnx --json\n"
    "  swell see photo.jpg --model alexnet-owt-7be5be79.pth --crops 10 --explain why.png\n"
    "  swell see cat.jpg --model resnet50.onnx --neighbours holiday/ --out sheet.png\n"
    "  curl -s https://example.org/a.webp | swell see - --top 1\n";

enum {
    MODEL = 1000,
    TOP,
    CROPS,
    JSON,
    LABELS,
    MEAN,
    DEVIATION,
    SHORT_SIDE,
    SIDE,
    FEATURES,
    NEIGHBOURS,
    NEAREST,
    OUT,
    EXPLAIN,
    FILTERS,
    BATCH,
    THREADS
};

static const struct option options[] = {{"model", required_argument, NULL, MODEL},
                                        {"top", required_argument, NULL, TOP},
                                        {"crops", required_argument, NULL, CROPS},
                                        {"json", no_argument, NULL, JSON},
                                        {"labels", required_argument, NULL, LABELS},
                                        {"mean", required_argument, NULL, MEAN},
                                        {"deviation", required_argument, NULL, DEVIATION},
                                        {"short-side", required_argument, NULL, SHORT_SIDE},
                                        {"side", required_argument, NULL, SIDE},
                                        {"features", required_argument, NULL, FEATURES},
                                        {"neighbours", required_argument, NULL, NEIGHBOURS},
                                        {"nearest", required_argument, NULL, NEAREST},
                                        {"out", required_argument, NULL, OUT},
                                        {"explain", required_argument, NULL, EXPLAIN},
                                        {"filters", required_argument, NULL, FILTERS},
                                        {"batch", required_argument, NULL, BATCH},
                                        {"threads", required_argument, NULL, THREADS},
                                        {"help", no_argument, NULL, 'h'},
                                        {0}};

enum { BATCH_DEFAULT = 16, SHEET_ROWS = 200 };

/* All that one call is about. */
struct see {
    const struct verb *verb;
    /* as asked for */
    const char *model, *labels, *features, *neighbours, *out, *explain, *filters;
    int64_t top, crops, nearest, batch, threads;
    sw_preprocessing input;
    int n_mean, n_deviation; /* numbers given */
    struct see_style style;
    struct see_files files;
    /* as opened */
    sw_context *ctx;
    char *model_file;
    sw_image_notes notes; /* labels of a file */
    sw_classifier *classifier;
    struct sw_npy npy;
    struct see_neighbours near;
    struct see_sheet sheet;
    int row; /* of the sheet */
};

static int failed(const struct see *s)
{
    return cli_fail(s->verb, "%s", sw_error(s->ctx));
}

/* ---- options --------------------------------------------------------------------------------------- */

/* "A" or "A,B,C" */
static bool numbers(const struct verb *verb, const char *option, float out[3], int *count)
{
    const char *at = optarg;
    for (*count = 0; *count < 3; ++*count) {
        char *end;
        const double v = strtod(at, &end);
        if (end == at || !isfinite(v) || (*end != ',' && *end != 0)) break;
        out[*count] = (float)v;
        at = end + 1;
        if (*end) continue;
        ++*count;
        break;
    }
    if ((*count == 1 || *count == 3) && at[-1] == 0) {
        if (*count == 1) out[1] = out[2] = out[0];
        return true;
    }
    cli_fail(verb, "--%s %s: not one number or three, as in 0.485,0.456,0.406", option, optarg);
    return false;
}

static bool side(const struct verb *verb, const char *option, int *out)
{
    int64_t v;
    if (!cli_integer(verb, option, 1, SW_PREPROCESSING_SIDE, &v)) return false;
    *out = (int)v;
    return true;
}

static bool take(struct see *s, int c)
{
    const struct verb *v = s->verb;
    switch (c) {
    case MODEL: s->model = optarg; return true;
    case TOP: return cli_integer(v, "top", 1, SW_MAX_CLASSES, &s->top);
    case CROPS: return cli_integer(v, "crops", 1, SW_VIEWS, &s->crops);
    case JSON: s->style.json = true; return true;
    case LABELS: s->labels = optarg; return true;
    case MEAN: return numbers(v, "mean", s->input.mean, &s->n_mean);
    case DEVIATION: return numbers(v, "deviation", s->input.deviation, &s->n_deviation);
    case SHORT_SIDE: return side(v, "short-side", &s->input.short_side);
    case SIDE: return side(v, "side", &s->input.side);
    case FEATURES: s->features = optarg; return true;
    case NEIGHBOURS: s->neighbours = optarg; return true;
    case NEAREST: return cli_integer(v, "nearest", 1, 100, &s->nearest);
    case OUT: s->out = optarg; return true;
    case EXPLAIN: s->explain = optarg; return true;
    case FILTERS: s->filters = optarg; return true;
    case BATCH: return cli_integer(v, "batch", 1, 1024, &s->batch);
    default: return cli_integer(v, "threads", 1, 256, &s->threads);
    }
}

/* What does not go together. */
static int check(const struct see *s)
{
    if (s->crops != 1 && s->crops != 2 && s->crops != SW_VIEWS)
        return cli_fail(s->verb, "--crops %lld: 1, 2 or 10", (long long)s->crops);
    if (!s->n_mean != !s->n_deviation)
        return cli_fail(s->verb, "--mean and --deviation go together");
    for (int c = 0; s->n_deviation && c < 3; c++)
        if (s->input.deviation[c] <= 0) return cli_fail(s->verb, "--deviation: it is above 0");
    if (!s->neighbours && (s->out || s->nearest))
        return cli_fail(s->verb, "%s needs --neighbours DIR", s->out ? "--out" : "--nearest");
    if (!s->files.count && !s->filters)
        return cli_fail(s->verb, "name a picture, a folder, or - ; see 'swell help see'");
    if (!s->files.count && (s->features || s->neighbours || s->explain))
        return cli_fail(s->verb, "%s needs a picture",
                        s->features     ? "--features"
                        : s->neighbours ? "--neighbours"
                                        : "--explain");
    if (s->explain && s->files.count != 1)
        return cli_fail(s->verb, "--explain takes one picture, not %lld",
                        (long long)s->files.count);
    if ((s->explain || s->out) && s->files.count && strcmp(s->files.paths[0], "-") == 0)
        return cli_fail(s->verb, "%s draws a file, not standard input",
                        s->explain ? "--explain" : "--out");
    if (s->out && s->files.count > SHEET_ROWS)
        return cli_fail(s->verb, "--out: a sheet holds %d pictures, not %lld", SHEET_ROWS,
                        (long long)s->files.count);
    return 0;
}

/* ---- the model ------------------------------------------------------------------------------------- */

/* What the model that comes along can do, and how to have a better one. */
static void introduce(const struct see *s)
{
    const sw_classifier_info info = sw_classifier_get_info(s->classifier);
    fprintf(stderr, "swell see: the model that comes along knows %d things in %d x %d pixels",
            info.classes, info.input.side, info.input.side);
    for (int i = 0; info.labels && i < info.classes; i++)
        fprintf(stderr, "%s%s", i ? ", " : ": ", info.labels[i]);
    fprintf(stderr, "\nswell see: for ImageNet's thousand name another: --model FILE, any "
                    "classifier as .onnx or "
                    "torchvision's .pth\n");
}

static int open_classifier(struct see *s)
{
    const int64_t views = s->files.count * s->crops;
    sw_classifier_options o = {.features = s->features || s->neighbours, .input = s->input};
    o.batch = s->batch                                               ? (int)s->batch
              : s->explain || s->neighbours || views > BATCH_DEFAULT ? BATCH_DEFAULT
                                                                     : (int)(views ? views : 1);
    if (s->labels) {
        o.labels = sw_labels_find(s->labels, &o.classes);
        if (!o.labels) {
            if (sw_image_notes_label_file(s->ctx, s->labels, &s->notes) != SW_OK)
                return cli_fail(s->verb, "--labels %s", sw_error(s->ctx));
            o.labels = (const char *const *)s->notes.labels;
            o.classes = s->notes.classes;
        }
    }
    s->model_file = model_path(s->verb, s->model, "cifar10.safetensors");
    if (!s->model_file) return 1;
    if (sw_classifier_open(s->ctx, s->model_file, &o, &s->classifier) != SW_OK) return failed(s);
    s->batch = o.batch;
    const sw_classifier_info info = sw_classifier_get_info(s->classifier);
    if (s->n_mean && (s->n_mean > info.input.channels || s->n_deviation > info.input.channels))
        return cli_fail(s->verb, "--mean, --deviation: three numbers, but its pictures are grey");
    if (s->top > info.classes) s->top = info.classes;
    if (!s->model) introduce(s);
    return 0;
}

/* ---- outputs ---------------------------------------------------------------------------------------- */

static int draw_filters(const struct see *s)
{
    const sw_tensor filters = sw_classifier_get_info(s->classifier).filters;
    if (!filters.data) return cli_fail(s->verb, "--filters: the model has no convolution");
    sw_status status = see_draw_filters(s->ctx, &filters, s->filters);
    if (status == SW_ERR_UNSUPPORTED)
        return cli_fail(s->verb, "--filters: kernels of (%lld,%lld,%lld,%lld) cannot be drawn",
                        (long long)filters.shape.dim[0], (long long)filters.shape.dim[1],
                        (long long)filters.shape.dim[2], (long long)filters.shape.dim[3]);
    return status == SW_OK ? 0 : failed(s);
}

static int explain(const struct see *s)
{
    const sw_preprocessing p = sw_classifier_get_info(s->classifier).input;
    const sw_photo photo = {.name = s->files.paths[0]};
    const sw_occlusion_options o = {.index = -1};
    float *map = malloc((size_t)p.side * (size_t)p.side * sizeof *map);
    sw_picture *picture = NULL;
    if (!map) return cli_fail(s->verb, "out of memory");
    sw_status status = sw_occlusion_map(s->classifier, &photo, &o, map, NULL);
    if (status == SW_OK) status = sw_picture_load(s->ctx, photo.name, 512, &picture);
    if (status == SW_OK) status = see_draw_map(s->ctx, picture, &p, map, s->explain);
    sw_picture_destroy(picture);
    free(map);
    return status == SW_OK ? 0 : failed(s);
}

static bool put(struct see *s, int column, const char *path)
{
    sw_picture *photo = NULL;
    sw_status status = sw_picture_load(s->ctx, path, 2 * SEE_THUMBNAIL, &photo);
    if (status == SW_OK) status = see_sheet_put(s->ctx, &s->sheet, s->row, column, photo);
    sw_picture_destroy(photo);
    if (status != SW_OK) failed(s);
    return status == SW_OK;
}

/* see_found_fn: report, and what else is wanted of a picture. */
static bool found(void *user, const char *path, const sw_class *top, const float *features)
{
    struct see *s = user;
    struct see_seen seen = {.path = path, .top = top, .n = (int)s->top};
    if (s->neighbours) {
        seen.n_neighbours = see_neighbours_find(&s->near, path, features);
        seen.neighbours = s->near.nearest;
    }
    see_report(stdout, &seen, &s->style);
    if (s->features) sw__npy_row(&s->npy, features);
    if (!s->out) return true;
    bool good = put(s, 0, path);
    for (int i = 0; good && i < seen.n_neighbours; i++)
        good = put(s, 1 + i, seen.neighbours[i].path);
    s->row++;
    return good;
}

/* ---- all of it -------------------------------------------------------------------------------------- */

static int begin_outputs(struct see *s, const struct see_scan *scan)
{
    const sw_classifier_info info = sw_classifier_get_info(s->classifier);
    if (s->neighbours &&
        !see_neighbours_open(&s->near, scan, s->neighbours, s->nearest ? (int)s->nearest : 6))
        return 1;
    if (s->out && see_sheet_create(s->ctx, (int)s->files.count, s->near.most, &s->sheet) != SW_OK)
        return failed(s);
    if (s->features && sw__npy_create(s->features, info.features, &s->npy) != SW_OK)
        return cli_fail(s->verb, "--features %s: %s", s->features, strerror(errno));
    return 0;
}

/* Files appear when all went well. */
static int end_outputs(struct see *s, bool good)
{
    int status = 0;
    if (s->npy.file.stream && !good) sw__npy_abandon(&s->npy);
    if (s->npy.file.stream && good && sw__npy_commit(&s->npy) != SW_OK)
        status = cli_fail(s->verb, "--features %s: %s", s->features, strerror(errno));
    if (s->sheet.page && good) {
        s->sheet.page->height -= (s->sheet.rows - s->row) * SEE_ROW; /* those that could be read */
        if (sw_picture_save(s->ctx, s->sheet.page, s->out) != SW_OK) status = failed(s);
    }
    sw_picture_destroy(s->sheet.page);
    return status;
}

static int look(struct see *s)
{
    const int64_t group = s->batch / s->crops;
    struct see_scan scan = {.verb = s->verb,
                            .ctx = s->ctx,
                            .classifier = s->classifier,
                            .views = (int)s->crops,
                            .top = (int)s->top,
                            .group = group > 1 ? (int)group : 1,
                            .features = s->features || s->neighbours,
                            .found = found,
                            .user = s};
    sw__interrupt_catch();
    int status = begin_outputs(s, &scan);
    const bool whole = status == 0 && see_scan(&scan, &s->files);
    if (status == 0 && scan.bad && s->files.count > 1)
        cli_fail(s->verb, "%lld of %lld pictures could not be read", (long long)scan.bad,
                 (long long)(scan.good + scan.bad));
    if (whole && scan.good && s->explain) status = explain(s);
    if (end_outputs(s, whole && scan.good) != 0 || !whole || !scan.good) status = 1;
    return sw__interrupted() ? 130 : status;
}

static int run(const struct verb *verb, int argc, char **argv)
{
    struct see s = {.verb = verb, .top = 5, .crops = 1};
    int status = 0;
    for (int c; (c = cli_option(verb, argc, argv, options, &status)) != -1;) {
        if (c == '?') return status;
        if (!take(&s, c)) return 1;
    }
    for (; status == 0 && optind < argc; optind++)
        if (!see_files_add(verb, &s.files, argv[optind])) status = 1;
    if (status == 0) status = check(&s);
    if (status == 0 && !(s.ctx = cli_context(verb, (int)s.threads, NULL))) status = 1;
    s.style.colour = cli_colour(stdout);
    if (status == 0) status = open_classifier(&s);
    if (status == 0 && s.filters) status = draw_filters(&s);
    if (status == 0 && s.files.count) status = look(&s);
    see_neighbours_close(&s.near);
    sw_classifier_destroy(s.classifier);
    sw_image_notes_clear(&s.notes);
    sw_context_destroy(s.ctx);
    see_files_free(&s.files);
    free(s.model_file);
    return status;
}

const struct verb verb_see = {"see", "what is in a picture", help, run};

/* swell train convnet: the main job of `make run`.
 *
 * read the data -> build the training graph -> step, with a progress line -> measure on the test set
 * with an inference graph on the same weights -> show ten pictures.
 *
 * With --epochs everything is a function of the seed.  With --seconds the schedule follows the clock,
 * so the weights depend on the machine; that is why a resumed run needs --epochs. */
#include "cli/train_convnet.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/progress.h"
#include "base/terminal.h"
#include "cli/curve_picture.h"
#include "cli/pictures.h"

#define FASHION "/usr/share/datasets/fashion-mnist"

enum { TEST_BATCH = 250, SHOWN = 10 };

/* Of Fashion-MNIST's pixels; near enough for MNIST. */
static const float MEAN = 0.286f, DEVIATION = 0.353f;

struct job {
    const struct verb *verb;
    const char *data, *out, *checkpoint, *resume, *curve;
    double seconds, rate;
    int64_t epochs, limit, batch, seed, threads, every;
    bool json, bf16;

    sw_context *ctx;
    sw_weights *ws;
    sw_graph *graph, *test_graph;
    sw_dataset *train, *test;
    sw_trainer *trainer;
    sw_plan *test_plan;
    sw_node *images, *labels, *logits, *test_images, *test_logits;
    float *batch_images;
    int32_t *batch_labels;
    int64_t *index;

    struct sw_progress progress;
    double started;
    float loss, accuracy; /* smoothed over about fifty steps */
    int64_t pictures;     /* seen in this process */
    struct curve_point *points;
    int64_t n_points, points_capacity;
};

static const char *const fashion[] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                      "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

static const char *class_name(const struct job *j, int label, char text[16])
{
    if (strstr(j->data, "fashion") && label < 10) return fashion[label];
    snprintf(text, 16, "%d", label);
    return text;
}

/* ---- options ------------------------------------------------------------------------------------- */

enum {
    DATA = 1000,
    SECONDS,
    EPOCHS,
    LIMIT,
    BATCH,
    RATE,
    SEED,
    THREADS,
    BF16,
    OUT,
    CHECKPOINT,
    EVERY,
    RESUME,
    CURVE,
    JSON
};

static const struct option options[] = {{"data", required_argument, NULL, DATA},
                                        {"seconds", required_argument, NULL, SECONDS},
                                        {"epochs", required_argument, NULL, EPOCHS},
                                        {"limit", required_argument, NULL, LIMIT},
                                        {"batch", required_argument, NULL, BATCH},
                                        {"rate", required_argument, NULL, RATE},
                                        {"seed", required_argument, NULL, SEED},
                                        {"threads", required_argument, NULL, THREADS},
                                        {"bf16", no_argument, NULL, BF16},
                                        {"out", required_argument, NULL, OUT},
                                        {"checkpoint", required_argument, NULL, CHECKPOINT},
                                        {"every", required_argument, NULL, EVERY},
                                        {"resume", required_argument, NULL, RESUME},
                                        {"curve", required_argument, NULL, CURVE},
                                        {"json", no_argument, NULL, JSON},
                                        {"help", no_argument, NULL, 'h'},
                                        {0}};

/* One option; false after a line that says what is wrong. */
static bool take_option(struct job *j, int c)
{
    switch (c) {
    case DATA: j->data = optarg; return true;
    case SECONDS: return cli_real(j->verb, "seconds", 0.1, 1e7, &j->seconds);
    case EPOCHS: return cli_integer(j->verb, "epochs", 1, 1000000, &j->epochs);
    case LIMIT: return cli_integer(j->verb, "limit", 1, INT32_MAX, &j->limit);
    case BATCH: return cli_integer(j->verb, "batch", 2, 4096, &j->batch);
    case RATE: return cli_real(j->verb, "rate", 1e-9, 100, &j->rate);
    case SEED: return cli_integer(j->verb, "seed", 0, INT64_MAX, &j->seed);
    case THREADS: return cli_integer(j->verb, "threads", 1, 256, &j->threads);
    case BF16: j->bf16 = true; return true;
    case OUT: j->out = optarg; return true;
    case CHECKPOINT: j->checkpoint = optarg; return true;
    case EVERY: return cli_integer(j->verb, "every", 1, INT32_MAX, &j->every);
    case RESUME: j->resume = optarg; return true;
    case CURVE: j->curve = optarg; return true;
    default: j->json = true; return true;
    }
}

/* -1: go on; else the exit status. */
static int read_options(struct job *j, int argc, char **argv)
{
    int status = 0;
    for (int c; (c = cli_option(j->verb, argc, argv, options, &status)) != -1;) {
        if (c == '?') return status;
        if (!take_option(j, c)) return 1;
    }
    if (optind < argc) return cli_fail(j->verb, "'%s' is no option", argv[optind]);
    if (j->seconds > 0 && j->epochs > 0)
        return cli_fail(j->verb, "--seconds and --epochs exclude each other");
    if (j->resume && !j->epochs)
        return cli_fail(j->verb, "--resume needs --epochs: a schedule by the clock cannot go on");
    if (j->every && !j->checkpoint) return cli_fail(j->verb, "--every needs --checkpoint FILE");
    if (!j->seconds && !j->epochs) j->seconds = 60;
    return -1;
}

/* ---- data ---------------------------------------------------------------------------------------- */

/* DIR/<stem>.gz or DIR/<stem>, whichever is there. */
static void find_file(const char *dir, const char *stem, char path[512])
{
    snprintf(path, 512, "%s/%s.gz", dir, stem);
    FILE *f = fopen(path, "rb");
    if (!f) snprintf(path, 512, "%s/%s", dir, stem);
    if (f) fclose(f);
}

static int load_pair(struct job *j, const char *images, const char *labels, sw_dataset **out)
{
    char a[512], b[512];
    if (strlen(j->data) > 400) return cli_fail(j->verb, "--data: the name is too long");
    find_file(j->data, images, a);
    find_file(j->data, labels, b);
    if (sw_dataset_load_idx(j->ctx, a, b, out) == SW_OK) return 0;
    return cli_fail(j->verb, "%s%s", sw_error(j->ctx),
                    strcmp(j->data, FASHION) == 0
                        ? " (Debian's package dataset-fashion-mnist has it; or give --data DIR)"
                        : "");
}

static int load_data(struct job *j)
{
    int status = load_pair(j, "train-images-idx3-ubyte", "train-labels-idx1-ubyte", &j->train);
    if (!status)
        status = load_pair(j, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", &j->test);
    if (status) return status;
    if (j->train->height != j->test->height || j->train->width != j->test->width ||
        j->test->classes > j->train->classes)
        return cli_fail(j->verb, "%s: training and test pictures are of different kinds", j->data);
    if (j->train->height < 4 || j->train->width < 4)
        return cli_fail(j->verb, "%s: pictures of %d x %d are too small", j->data, j->train->height,
                        j->train->width);
    if (!j->limit || j->limit > j->train->count) j->limit = j->train->count;
    if (j->batch > j->limit)
        return cli_fail(j->verb, "--batch %lld: there are only %lld pictures", (long long)j->batch,
                        (long long)j->limit);
    return 0;
}

/* ---- graphs -------------------------------------------------------------------------------------- */

static int build(struct job *j)
{
    const sw_dataset *d = j->train;
    int largest = (int)(j->batch > TEST_BATCH ? j->batch : TEST_BATCH);
    sw_shape one = SW_SHAPE(j->batch, d->channels, d->height, d->width), many = one;
    many.dim[0] = TEST_BATCH;
    if (sw_weights_create(j->ctx, &j->ws) != SW_OK || sw_graph_create(j->ctx, &j->graph) != SW_OK ||
        sw_graph_create(j->ctx, &j->test_graph) != SW_OK)
        return cli_fail(j->verb, "%s", sw_error(j->ctx));
    sw_weights_seed(j->ws, (uint64_t)j->seed);
    if (j->bf16) {
        sw_graph_compute(j->graph, SW_BF16);
        sw_graph_compute(j->test_graph, SW_BF16);
    }
    j->images = sw_input(j->graph, "images", SW_F32, one);
    j->labels = sw_input(j->graph, "labels", SW_I32, SW_SHAPE(j->batch));
    const sw_image_network *net = sw_image_network_find("convnet");
    j->logits = net->logits(j->graph, j->ws, j->images,
                            &(sw_image_options){.classes = d->classes, .training = true});
    sw_node *loss = sw_cross_entropy(j->graph, j->logits, j->labels, (sw_cross_entropy_options){0});
    j->test_images = sw_input(j->test_graph, "images", SW_F32, many);
    j->test_logits = net->logits(j->test_graph, j->ws, j->test_images,
                                 &(sw_image_options){.classes = d->classes});
    sw_trainer_options o = {.optimizer = {.kind = SW_ADAMW, .weight_decay = 0.01f},
                            .schedule = {.kind = SW_SCHEDULE_CONSTANT, .rate = (float)j->rate},
                            .outputs = &j->logits,
                            .n_outputs = 1,
                            .seed = (uint64_t)j->seed};
    if (sw_trainer_create(j->graph, j->ws, loss, o, &j->trainer) != SW_OK ||
        sw_compile(j->test_graph,
                   (sw_plan_options){.outputs = &j->test_logits, .n_outputs = 1, .name = "test"},
                   &j->test_plan) != SW_OK)
        return cli_fail(j->verb, "%s", sw_error(j->ctx));
    j->batch_images = malloc((size_t)(largest * d->channels * d->height * d->width) *
                             sizeof(float));
    j->batch_labels = malloc((size_t)largest * sizeof(int32_t));
    j->index = malloc((size_t)largest * sizeof(int64_t));
    if (!j->batch_images || !j->batch_labels || !j->index)
        return cli_fail(j->verb, "out of memory");
    if (sw_bind(sw_trainer_plan(j->trainer), j->images, j->batch_images, one) != SW_OK ||
        sw_bind(sw_trainer_plan(j->trainer), j->labels, j->batch_labels, SW_SHAPE(j->batch)) !=
            SW_OK)
        return cli_fail(j->verb, "%s", sw_error(j->ctx));
    if (j->resume && sw_trainer_load(j->trainer, j->resume) != SW_OK)
        return cli_fail(j->verb, "%s", sw_error(j->ctx));
    return 0;
}

/* ---- training ------------------------------------------------------------------------------------ */

/* The next batch of the epoch's order.  The pictures as they are: mirrored ones cost a point of accuracy
 * in the few epochs of a minute, for shoes all look to the left. */
static void next_batch(struct job *j)
{
    sw_data_position *at = sw_trainer_position(j->trainer);
    if ((int64_t)at->index + j->batch > j->limit) {
        at->epoch++;
        at->index = 0;
    }
    for (int64_t i = 0; i < j->batch; i++)
        j->index[i] = (int64_t)sw_shuffled((uint64_t)j->limit, (uint64_t)j->seed, at->epoch,
                                           at->index + (uint64_t)i);
    sw_dataset_batch(j->train, j->index, j->batch, MEAN, DEVIATION, j->batch_images,
                     j->batch_labels);
    at->index += (uint64_t)j->batch;
}

/* How much of the run is done, 0 to 1. */
static double done(const struct job *j)
{
    if (j->seconds > 0) return fmin((sw__clock_seconds() - j->started) / j->seconds, 1);
    int64_t total = j->epochs * (j->limit / j->batch);
    return fmin((double)sw_trainer_steps(j->trainer) / (double)total, 1);
}

/* Up in a line over the first tenth, then half a cosine down to zero. */
static double rate_at(double fraction)
{
    if (fraction < 0.1) return 0.05 + 0.95 * fraction / 0.1;
    return 0.5 * (1 + cos(M_PI * (fraction - 0.1) / 0.9));
}

static float batch_accuracy(struct job *j)
{
    sw_tensor t = sw_plan_tensor(sw_trainer_plan(j->trainer), j->logits);
    const float *x = t.data;
    int64_t right = 0, classes = t.shape.dim[1];
    for (int64_t i = 0; i < j->batch; i++) {
        int best = 0;
        for (int c = 1; c < classes; c++)
            if (x[i * classes + c] > x[i * classes + best]) best = c;
        right += best == j->batch_labels[i];
    }
    return (float)right / (float)j->batch;
}

static int keep_point(struct job *j)
{
    if (j->n_points == j->points_capacity) {
        int64_t capacity = j->points_capacity ? 2 * j->points_capacity : 256;
        struct curve_point *p = realloc(j->points, (size_t)capacity * sizeof *p);
        if (!p) return cli_fail(j->verb, "out of memory");
        j->points = p;
        j->points_capacity = capacity;
    }
    j->points[j->n_points++] = (struct curve_point){
        sw__clock_seconds() - j->started, sw_trainer_steps(j->trainer), j->loss, j->accuracy};
    return 0;
}

static void report(struct job *j, float loss, float accuracy)
{
    char text[160];
    float mix = sw_trainer_steps(j->trainer) < 50 ? 0.2f : 0.02f;
    bool first = j->pictures == j->batch;
    j->loss = first ? loss : j->loss + mix * (loss - j->loss);
    j->accuracy = first ? accuracy : j->accuracy + mix * (accuracy - j->accuracy);
    double speed = (double)j->pictures / (sw__clock_seconds() - j->started);
    if (!j->json) {
        snprintf(text, sizeof text, "loss %.3f  accuracy %.1f %%  %.0f images/s", (double)j->loss,
                 100 * (double)j->accuracy, speed);
        sw__progress_show(&j->progress, done(j), text);
    } else if (sw_trainer_steps(j->trainer) % 50 == 0) {
        printf("{\"step\":%lld,\"epoch\":%llu,\"loss\":%.6g,\"accuracy\":%.6g,\"rate\":%.6g,"
               "\"images_per_second\":%.1f}\n",
               (long long)sw_trainer_steps(j->trainer),
               (unsigned long long)sw_trainer_position(j->trainer)->epoch, (double)j->loss,
               (double)j->accuracy, (double)sw_trainer_rate(j->trainer), speed);
        fflush(stdout);
    }
}

static int save_checkpoint(struct job *j)
{
    if (!j->checkpoint || sw_trainer_save(j->trainer, j->checkpoint) == SW_OK) return 0;
    return cli_fail(j->verb, "%s", sw_error(j->ctx));
}

static int one_step(struct job *j)
{
    float loss;
    sw_trainer_schedule(j->trainer)->rate = (float)(j->rate * rate_at(done(j)));
    next_batch(j);
    if (sw_trainer_step(j->trainer, &loss) != SW_OK)
        return cli_fail(j->verb, "step %lld: %s; a smaller --rate may help",
                        (long long)sw_trainer_steps(j->trainer), sw_error(j->ctx));
    j->pictures += j->batch;
    report(j, loss, batch_accuracy(j));
    if (sw_trainer_steps(j->trainer) % 20 == 0 && keep_point(j)) return 1;
    if (j->every && sw_trainer_steps(j->trainer) % j->every == 0) return save_checkpoint(j);
    return 0;
}

static int train(struct job *j)
{
    int status = 0;
    sw__interrupt_catch();
    sw__progress_begin(&j->progress, cli_write, stderr, sw__is_terminal(2), cli_columns(stderr));
    j->started = sw__clock_seconds();
    while (!status && done(j) < 1 && !sw__interrupted()) status = one_step(j);
    sw__progress_end(&j->progress);
    if (!status) status = save_checkpoint(j);
    if (status || !sw__interrupted()) return status;
    fprintf(stderr, "interrupted after %lld steps%s%s\n", (long long)sw_trainer_steps(j->trainer),
            j->checkpoint ? "; go on with --resume " : "", j->checkpoint ? j->checkpoint : "");
    return 130;
}

/* ---- test and show ------------------------------------------------------------------------------- */

/* Softmax of one row; the best class. */
static int best_class(const float *x, int n, float *probability)
{
    int best = 0;
    double sum = 0;
    for (int c = 1; c < n; c++)
        if (x[c] > x[best]) best = c;
    for (int c = 0; c < n; c++) sum += exp((double)x[c] - (double)x[best]);
    *probability = (float)(1 / sum);
    return best;
}

/* Classify test pictures first..first+n-1 into answer[] and probability[]. */
static int classify(struct job *j, int64_t first, int64_t n, int *answer, float *probability)
{
    const sw_dataset *d = j->test;
    for (int64_t i = 0; i < n; i++) j->index[i] = first + i;
    sw_dataset_batch(d, j->index, n, MEAN, DEVIATION, j->batch_images, NULL);
    if (sw_bind(j->test_plan, j->test_images, j->batch_images,
                SW_SHAPE(n, d->channels, d->height, d->width)) != SW_OK ||
        sw_run(j->test_plan) != SW_OK)
        return cli_fail(j->verb, "%s", sw_error(j->ctx));
    const float *x = sw_plan_tensor(j->test_plan, j->test_logits).data;
    for (int64_t i = 0; i < n; i++)
        answer[i] = best_class(x + i * j->train->classes, j->train->classes, &probability[i]);
    return 0;
}

static int measure(struct job *j, double *accuracy)
{
    int answer[TEST_BATCH];
    float probability[TEST_BATCH];
    int64_t right = 0;
    for (int64_t first = 0; first < j->test->count; first += TEST_BATCH) {
        int64_t n = j->test->count - first < TEST_BATCH ? j->test->count - first : TEST_BATCH;
        if (classify(j, first, n, answer, probability)) return 1;
        for (int64_t i = 0; i < n; i++) right += answer[i] == j->test->labels[first + i];
    }
    *accuracy = (double)right / (double)j->test->count;
    return 0;
}

static int show(struct job *j)
{
    struct picture p[SHOWN];
    char names[2 * SHOWN][16];
    int answer[SHOWN], n = j->test->count < SHOWN ? (int)j->test->count : SHOWN;
    float probability[SHOWN];
    if (classify(j, 0, n, answer, probability)) return 1;
    for (int i = 0; i < n; i++)
        p[i] = (struct picture){.pixels = j->test->images +
                                          (int64_t)i * j->test->height * j->test->width,
                                .height = j->test->height,
                                .width = j->test->width,
                                .label = class_name(j, j->test->labels[i], names[2 * i]),
                                .predicted = class_name(j, answer[i], names[2 * i + 1]),
                                .probability = probability[i],
                                .right = answer[i] == j->test->labels[i]};
    printf("\n");
    pictures_draw(stdout, p, n, cli_columns(stdout), cli_colour(stdout));
    return 0;
}

static int finish(struct job *j)
{
    const char *metadata[] = {"network", "convnet", NULL};
    double accuracy, seconds = sw__clock_seconds() - j->started;
    if (measure(j, &accuracy)) return 1;
    if (j->json)
        printf(
            "{\"steps\":%lld,\"seconds\":%.1f,\"images_per_second\":%.1f,\"test_accuracy\":%.4f}\n",
            (long long)sw_trainer_steps(j->trainer), seconds, (double)j->pictures / seconds,
            accuracy);
    else
        printf("%lld steps, %.1f epochs in %.0f s, %.0f images/s; accuracy on %lld test pictures: "
               "%.2f %%\n",
               (long long)sw_trainer_steps(j->trainer),
               (double)sw_trainer_steps(j->trainer) * (double)j->batch / (double)j->limit, seconds,
               (double)j->pictures / seconds, (long long)j->test->count, 100 * accuracy);
    if (j->out && sw_weights_save(j->ctx, j->ws, j->out, metadata) != SW_OK)
        return cli_fail(j->verb, "%s", sw_error(j->ctx));
    if (j->curve && !curve_write_svg(j->curve, "convnet", j->points, j->n_points))
        return cli_fail(j->verb, "%s: %s", j->curve, strerror(errno));
    return j->json ? 0 : show(j);
}

static void release(struct job *j)
{
    sw_plan_destroy(j->test_plan);
    sw_trainer_destroy(j->trainer);
    sw_graph_destroy(j->graph);
    sw_graph_destroy(j->test_graph);
    sw_weights_destroy(j->ws);
    sw_dataset_destroy(j->train);
    sw_dataset_destroy(j->test);
    sw_context_destroy(j->ctx);
    free(j->batch_images);
    free(j->batch_labels);
    free(j->index);
    free(j->points);
}

int train_convnet(const struct verb *verb, int argc, char **argv)
{
    struct job j = {.verb = verb, .data = FASHION, .batch = 64, .rate = 0.003, .seed = 1};
    int status = read_options(&j, argc, argv);
    if (status >= 0) return status;
    j.ctx = cli_context(verb, (int)j.threads, NULL);
    if (!j.ctx) return 1;
    status = load_data(&j);
    if (!status) status = build(&j);
    if (!status) status = train(&j);
    if (!status) status = finish(&j);
    release(&j);
    return status;
}

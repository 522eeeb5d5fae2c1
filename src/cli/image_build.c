/* Graphs and trainer of an image job, on one set of weights; weights of others; weights to a file.
 *
 * The test graph is built first: it makes all weights, which may then be replaced by those of --from, and
 * be frozen, before the trainer looks which ones it is to move. */
#include <stdlib.h>
#include <string.h>

#include "cli/image_job.h"

enum { TEST_BATCH = 128, PREPARED_WITH = 5000, PREPARED_NUMBERS = 1 << 26 };

static int fail(const struct image_job *j)
{
    return cli_fail(j->verb, "%s", sw_error(j->ctx));
}

static sw_shape input_shape(const struct image_job *j, int64_t n)
{
    const sw_augmentation *a = &j->seen;
    return SW_SHAPE(n, a->channels, a->side, a->side);
}

static sw_node *logits(struct image_job *j, sw_graph *g, sw_node *images, bool training)
{
    if (j->f.bf16) sw_graph_compute(g, SW_BF16);
    const sw_image_options o = {.classes = j->classes, .training = training};
    return j->network->logits(g, j->ws, images, &o);
}

static int build_test(struct image_job *j)
{
    j->test_batch = TEST_BATCH;
    if (sw_weights_create(j->ctx, &j->ws) != SW_OK ||
        sw_graph_create(j->ctx, &j->test_graph) != SW_OK)
        return fail(j);
    sw_weights_seed(j->ws, (uint64_t)j->f.seed);
    j->test_images = sw_input(j->test_graph, "images", SW_F32, input_shape(j, j->test_batch));
    j->test_logits = logits(j, j->test_graph, j->test_images, false);
    const sw_plan_options o = {.outputs = &j->test_logits, .n_outputs = 1, .name = "test"};
    return sw_compile(j->test_graph, o, &j->test_plan) == SW_OK ? 0 : fail(j);
}

/* ---- weights of others -------------------------------------------------------------------------------------- */

/* Whether w belongs to the last layer: its first dimension is the classes, and no weight behind it has
 * another. */
static bool is_head(const struct image_job *j, const sw_weight *w)
{
    bool head = false;
    for (int64_t i = 0; i < sw_weights_count(j->ws); i++) {
        const sw_weight *x = sw_weights_at(j->ws, i);
        const sw_tensor t = sw_weight_tensor(x);
        const bool last = t.shape.rank > 0 && t.shape.dim[0] == j->classes;
        if (!last) head = false;
        if (x == w) head = last;
    }
    return head;
}

/* One weight from the file's set, to f32; one of the last layer may be missing or of another size. */
static int take_weight(struct image_job *j, sw_weight *w, const sw_weights *loaded, int64_t *taken)
{
    char have[SW_SHAPE_TEXT], want[SW_SHAPE_TEXT];
    const sw_weight *x = sw_weights_find(loaded, sw_weight_name(w));
    const sw_tensor to = sw_weight_tensor(w);
    const bool head = is_head(j, w);
    if (!x && head) return 0;
    if (!x)
        return cli_fail(j->verb, "%s: has no '%s', which '%s' needs", j->f.from, sw_weight_name(w),
                        j->network->name);
    const sw_tensor from = sw_weight_tensor(x);
    if (!sw_shape_equal(&from.shape, &to.shape)) {
        if (head) return 0;
        return cli_fail(j->verb, "%s: '%s' is %s, '%s' needs %s", j->f.from, sw_weight_name(w),
                        sw_shape_text(&from.shape, have), j->network->name,
                        sw_shape_text(&to.shape, want));
    }
    if (sw_convert(to.data, to.dtype, from.data, from.dtype, sw_shape_elements(&to.shape)) != SW_OK)
        return cli_fail(j->verb, "%s: '%s' cannot be converted", j->f.from, sw_weight_name(w));
    sw_weight_touch(w);
    ++*taken;
    return 0;
}

static int take_weights(struct image_job *j)
{
    sw_weights *loaded = NULL;
    int64_t taken = 0;
    int status = sw_weights_create(j->ctx, &loaded) == SW_OK &&
                         sw_weights_load(j->ctx, loaded, j->f.from, false, NULL) == SW_OK
                     ? 0
                     : fail(j);
    for (int64_t i = 0; !status && i < sw_weights_count(j->ws); i++)
        status = take_weight(j, sw_weights_at(j->ws, i), loaded, &taken);
    sw_weights_destroy(loaded);
    for (int64_t i = 0; !status && j->f.freeze && i < sw_weights_count(j->ws); i++) {
        sw_weight *w = sw_weights_at(j->ws, i);
        if (!is_head(j, w)) sw_weight_set_trainable(w, false);
    }
    if (!status && !j->f.run.json)
        fprintf(stderr, "%s: %lld of %lld weights taken%s\n", j->f.from, (long long)taken,
                (long long)sw_weights_count(j->ws),
                taken < sw_weights_count(j->ws) ? "; the last layer is new" : "");
    return status;
}

/* ---- what depends on the pictures --------------------------------------------------------------------------- */

/* The network's own start (whitening), from pictures as the network sees them, centred. */
static int prepare(struct image_job *j)
{
    const int64_t size = (int64_t)j->seen.channels * j->seen.side * j->seen.side;
    int64_t n = j->train.count < PREPARED_WITH ? j->train.count : PREPARED_WITH;
    if (n > PREPARED_NUMBERS / size) n = PREPARED_NUMBERS / size;
    float *x = malloc((size_t)(n * size) * sizeof *x);
    sw_view *views = malloc((size_t)n * sizeof *views);
    bool *good = calloc((size_t)n, sizeof *good);
    float weight[SW_MAX_VIEWS];
    sw_view centre[SW_MAX_VIEWS];
    int64_t read = 0;
    int status = x && views && good ? 0 : cli_fail(j->verb, "out of memory");
    sw_views_test(&j->seen, 1, centre, weight);
    for (int64_t i = 0; !status && i < n; i++) views[i] = centre[0];
    if (!status &&
        sw_image_set_read(j->set, &j->seen, j->train.index, n, views, 1, x, good) != SW_OK)
        status = fail(j);
    for (int64_t i = 0; !status && i < n; i++)
        if (good[i]) memmove(x + read++ * size, x + i * size, (size_t)size * sizeof *x);
    if (!status && j->network->prepare(j->ctx, j->ws, x, read, j->seen.side, j->seen.side) != SW_OK)
        status = fail(j);
    free(x);
    free(views);
    free(good);
    return status;
}

/* ---- training ------------------------------------------------------------------------------------------------ */

static sw_optimizer_options optimizer(const struct image_job *j)
{
    const struct image_flags *f = &j->f;
    return (sw_optimizer_options){.kind = (sw_optimizer_kind)f->optimizer,
                                  .momentum = f->momentum > 0 ? (float)f->momentum : -1,
                                  .nesterov = f->nesterov,
                                  .weight_decay = (float)f->decay,
                                  .decay_all = f->decay_all,
                                  .bias_rate = (float)f->bias_rate,
                                  .ema_decay = (float)f->ema};
}

static int build_training(struct image_job *j)
{
    const int64_t n = j->f.batch;
    const bool mixed = j->f.mixup > 0;
    if (sw_graph_create(j->ctx, &j->graph) != SW_OK) return fail(j);
    j->images = sw_input(j->graph, "images", SW_F32, input_shape(j, n));
    j->labels = mixed ? sw_input(j->graph, "labels", SW_F32, SW_SHAPE(n, j->classes))
                      : sw_input(j->graph, "labels", SW_I32, SW_SHAPE(n));
    j->logits = logits(j, j->graph, j->images, !j->f.freeze);
    const sw_cross_entropy_options smooth = {.label_smoothing = (float)j->f.smoothing};
    sw_node *loss = sw_cross_entropy(j->graph, j->logits, j->labels, smooth);
    sw_trainer_options o = {.optimizer = optimizer(j),
                            .schedule = image_schedule(j),
                            .outputs = &j->logits,
                            .n_outputs = 1,
                            .seed = (uint64_t)j->f.seed};
    if (sw_trainer_create(j->graph, j->ws, loss, o, &j->trainer) != SW_OK) return fail(j);
    sw_plan *p = sw_trainer_plan(j->trainer);
    const int64_t most = n > j->test_batch ? n : j->test_batch;
    const sw_shape shape = input_shape(j, most);
    j->pixels = malloc((size_t)sw_shape_elements(&shape) * sizeof(float));
    j->label = malloc((size_t)n * sizeof(int32_t));
    j->probabilities = malloc((size_t)(n * j->classes) * sizeof(float));
    if (!j->pixels || !j->label || !j->probabilities) return cli_fail(j->verb, "out of memory");
    if (sw_bind(p, j->images, j->pixels, input_shape(j, n)) != SW_OK) return fail(j);
    const sw_status status = mixed
                                 ? sw_bind(p, j->labels, j->probabilities, SW_SHAPE(n, j->classes))
                                 : sw_bind(p, j->labels, j->label, SW_SHAPE(n));
    return status == SW_OK ? 0 : fail(j);
}

int image_build(struct image_job *j)
{
    if (j->f.epochs > 0) j->run.total = j->f.epochs * (j->train.count / j->f.batch);
    if (build_test(j)) return 1;
    if (j->f.from && take_weights(j)) return 1;
    if (!j->f.from && !j->f.run.resume && j->network->prepare && prepare(j)) return 1;
    if (build_training(j)) return 1;
    j->run.verb = j->verb;
    j->run.ctx = j->ctx;
    j->run.trainer = j->trainer;
    j->run.o = j->f.run;
    j->run.schedule = image_schedule(j);
    char *recipe = image_recipe_text(j);
    if (!recipe) return cli_fail(j->verb, "out of memory");
    const int status = training_resume(&j->run, recipe, "swell train alexnet");
    free(recipe);
    return status;
}

/* ---- weights to a file ----------------------------------------------------------------------------------------- */

enum { PAIRS = 32 };

struct pairs {
    const char *list[2 * PAIRS + 1];
    int n;
    bool failed;
};

static void keep_pair(void *user, const char *key, const char *value)
{
    struct pairs *p = user;
    char *copies[2] = {strdup(key), strdup(value)};
    if (p->n == PAIRS || !copies[0] || !copies[1]) p->failed = true;
    if (p->failed) {
        free(copies[0]);
        free(copies[1]);
        return;
    }
    p->list[2 * p->n] = copies[0];
    p->list[2 * p->n++ + 1] = copies[1];
}

/* What the model says about itself. */
static int describe(struct image_job *j, struct pairs *p)
{
    const sw_augmentation *a = &j->seen;
    sw_image_notes notes = {.input = {a->channels, a->frame, a->side, {0}, {0}}};
    snprintf(notes.network, sizeof notes.network, "%s", j->network->name);
    memcpy(notes.input.mean, a->mean, sizeof a->mean);
    memcpy(notes.input.deviation, a->deviation, sizeof a->deviation);
    int status = 0;
    if (sw_image_notes_label(j->ctx, &notes, j->names, j->classes) != SW_OK ||
        sw_image_notes_write(j->ctx, &notes, keep_pair, p) != SW_OK)
        status = fail(j);
    sw_image_notes_clear(&notes);
    const char *recipe = sw_trainer_note(j->trainer, "recipe");
    if (!status && recipe) keep_pair(p, "recipe", recipe);
    return status || !p->failed ? status : cli_fail(j->verb, "out of memory");
}

/* The weights with matrices and filters as f16; vectors are few and stay as they are. */
static int to_half(struct image_job *j, sw_weights **out)
{
    if (sw_weights_create(j->ctx, out) != SW_OK) return fail(j);
    for (int64_t i = 0; i < sw_weights_count(j->ws); i++) {
        const sw_weight *w = sw_weights_at(j->ws, i);
        const sw_tensor from = sw_weight_tensor(w);
        const sw_dtype dtype = from.shape.rank > 1 ? SW_F16 : from.dtype;
        sw_weight *copy;
        if (sw_weights_add(*out, sw_weight_name(w), dtype, from.shape, &copy) != SW_OK)
            return fail(j);
        const sw_tensor to = sw_weight_tensor(copy);
        if (sw_convert(to.data, dtype, from.data, from.dtype, sw_shape_elements(&from.shape)) !=
            SW_OK)
            return cli_fail(j->verb, "'%s' cannot be converted", sw_weight_name(w));
    }
    return 0;
}

int image_save(struct image_job *j)
{
    struct pairs p = {.n = 0};
    sw_weights *half = NULL;
    if (!j->f.out) return 0;
    int status = describe(j, &p);
    if (!status && j->f.half) status = to_half(j, &half);
    if (!status && sw_weights_save(j->ctx, half ? half : j->ws, j->f.out, p.list) != SW_OK)
        status = fail(j);
    for (int i = 0; i < 2 * p.n; i++) free((char *)p.list[i]);
    sw_weights_destroy(half);
    return status;
}

void image_release(struct image_job *j)
{
    sw_plan_destroy(j->test_plan);
    sw_trainer_destroy(j->trainer);
    sw_graph_destroy(j->graph);
    sw_graph_destroy(j->test_graph);
    sw_weights_destroy(j->ws);
    image_data_close(j);
    sw_context_destroy(j->ctx);
    free(j->pixels);
    free(j->label);
    free(j->probabilities);
}

/* Checkpoints: a run that was saved and loaded ends with the same bits as one that was not; a file
 * that does not fit, or a disk that is full, changes nothing. */
#include "unit.h"

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/file.h"
#include "small_nets.h"

static char folder[] = "checkpoint-XXXXXX";

static int enter(void **state)
{
    strcpy(folder, "checkpoint-XXXXXX");
    return !mkdtemp(folder) || chdir(folder);
}

static int leave(void **state)
{
    return chdir("..") || rmdir(folder); /* fails if a test left anything */
}

static sw_trainer_options options_of(sw_optimizer_kind kind, int accumulate)
{
    return (sw_trainer_options){
        .optimizer = {.kind = kind, .weight_decay = 1e-3f, .clip_norm = 1, .ema_decay = 0.9f},
        .schedule = {.kind = SW_SCHEDULE_PLATEAU, .rate = 0.01f, .patience = 2},
        .accumulate = accumulate,
        .seed = UINT64_MAX - 3};
}

static void create(struct small_net *n, enum small_kind kind, sw_trainer_options o)
{
    char error[512] = "";
    if (small_net_create(n, kind, 1, 6, o, error) != SW_OK) fail_msg("%s", error);
}

/* Micro-batches from..to-1, with reports to the schedule and points of a curve on the way. */
static void train(struct small_net *n, int from, int to)
{
    float loss;
    for (int i = from; i < to; i++) {
        if (small_net_step(n, &loss) != SW_OK) fail_msg("%s", sw_error(n->ctx));
        assert_int_equal(sw_trainer_log(n->t, "loss", (double)loss), SW_OK);
        if (i % 3 == 0) sw_schedule_report(sw_trainer_schedule(n->t), i < 4 ? (double)loss : 9);
    }
}

static void save(struct small_net *n, const char *path)
{
    if (sw_trainer_save(n->t, path) != SW_OK) fail_msg("%s", sw_error(n->ctx));
}

static char *file_bytes(const char *path, size_t *size)
{
    char *text;
    assert_int_equal(sw__file_read(path, 1 << 24, &text, size), SW_OK);
    return text;
}

static bool same_files(const char *a, const char *b)
{
    size_t n, m;
    char *x = file_bytes(a, &n), *y = file_bytes(b, &m);
    bool same = n == m && memcmp(x, y, n) == 0;
    free(x);
    free(y);
    return same;
}

/* Straight through, and in two parts by two trainers: the files at the end are the same bytes,
 * weights, moments, averages, schedule, curve and all. */
static void resumes_to_the_same_bits(void **state)
{
    for (int kind = 0; kind < SMALL_KINDS; kind++)
        for (int o = SW_SGD; o <= SW_MUON; o += 1)
            for (int accumulate = 1; accumulate <= 3; accumulate += 2) {
                sw_trainer_options options = options_of((sw_optimizer_kind)o, accumulate);
                struct small_net n;
                create(&n, (enum small_kind)kind, options);
                sw_trainer_set_note(n.t, "model", "small");
                train(&n, 0, 15);
                save(&n, "straight");
                small_net_destroy(&n);
                for (int cut = 4; cut <= 6; cut++) { /* in the middle of an update too */
                    create(&n, (enum small_kind)kind, options);
                    sw_trainer_set_note(n.t, "model", "small");
                    train(&n, 0, cut);
                    save(&n, "part");
                    small_net_destroy(&n);
                    sw_trainer_options fresh = options;
                    fresh.seed = 1; /* the file knows better */
                    fresh.schedule = (sw_schedule){.rate = 1};
                    create(&n, (enum small_kind)kind, fresh);
                    train(&n, 0, 2); /* whatever it was */
                    if (sw_trainer_load(n.t, "part") != SW_OK) fail_msg("%s", sw_error(n.ctx));
                    assert_true(sw_trainer_seed(n.t) == options.seed);
                    assert_string_equal(sw_trainer_note(n.t, "model"), "small");
                    assert_int_equal(sw_trainer_position(n.t)->index, cut * 6);
                    save(&n, "again");
                    assert_true(same_files("part", "again"));
                    train(&n, cut, 15);
                    save(&n, "part");
                    small_net_destroy(&n);
                    if (!same_files("straight", "part"))
                        fail_msg("net %d, optimiser %d, %d micro-batches, cut at %d", kind, o,
                                 accumulate, cut);
                }
            }
    unlink("straight");
    unlink("part");
    unlink("again");
}

/* Numbers that JSON does not know, and steps beyond 2^53. */
static void odd_numbers_come_back(void **state)
{
    static const double values[] = {NAN, INFINITY, -INFINITY, -0.0, 1e-310, 0.1, 3, 1e300};
    struct small_net n;
    int64_t count;
    create(&n, SMALL_CONV, options_of(SW_SGD, 1));
    for (int i = 0; i < 8; i++)
        assert_int_equal(sw_trainer_log(n.t, "odd \"x\"", values[i]), SW_OK);
    sw_trainer_position(n.t)->epoch = UINT64_MAX;
    sw_trainer_position(n.t)->index = (UINT64_C(1) << 53) + 1;
    sw_trainer_schedule(n.t)->best = -INFINITY;
    save(&n, "a");
    *sw_trainer_position(n.t) = (sw_data_position){0};
    assert_int_equal(sw_trainer_load(n.t, "a"), SW_OK);
    const sw_curve_point *p = sw_trainer_curve(n.t, "odd \"x\"", &count);
    assert_int_equal(count, 8);
    for (int i = 1; i < 8; i++) assert_memory_equal(&p[i].value, &values[i], sizeof(double));
    assert_true(isnan(p[0].value));
    assert_true(sw_trainer_position(n.t)->epoch == UINT64_MAX);
    assert_true(sw_trainer_position(n.t)->index == (UINT64_C(1) << 53) + 1);
    assert_true(sw_trainer_schedule(n.t)->best == -INFINITY);
    small_net_destroy(&n);
    unlink("a");
}

/* ---- what does not fit ------------------------------------------------------------------------- */

/* Loading fails with this status and text, and a save before and after gives the same file. */
static void refuse(struct small_net *n, const char *path, sw_status status, const char *text)
{
    save(n, "before");
    sw_status got = sw_trainer_load(n->t, path);
    char error[512];
    strcpy(error, sw_error(n->ctx));
    if (got != status || !strstr(error, text) || strncmp(error, path, strlen(path)) != 0)
        fail_msg("%s: \"%s\", not \"%s\"", sw_status_name(got), error, text);
    save(n, "after");
    assert_true(same_files("before", "after"));
    unlink("before");
    unlink("after");
}

static void another_model(void **state)
{
    struct small_net conv, attention, n;
    create(&conv, SMALL_CONV, options_of(SW_ADAMW, 1));
    create(&attention, SMALL_ATTENTION, options_of(SW_ADAMW, 1));
    train(&conv, 0, 2);
    save(&conv, "conv");
    save(&attention, "attention");
    refuse(&attention, "conv", SW_ERR_SHAPE, "has no 'wte'");
    refuse(&conv, "attention", SW_ERR_SHAPE, "has no 'c1.weight'");
    create(&n, SMALL_CONV, options_of(SW_SGD, 1));
    save(&n, "sgd");
    refuse(&n, "conv", SW_ERR_SHAPE, "/velocity'");
    sw_weight *w;
    assert_int_equal(sw_weights_add(n.ws, "more", SW_F32, SW_SHAPE(3), &w), SW_OK);
    refuse(&n, "sgd", SW_ERR_SHAPE, "has no 'more'");
    save(&n, "more");
    small_net_destroy(&n);
    create(&n, SMALL_CONV, options_of(SW_SGD, 1));
    refuse(&n, "more", SW_ERR_SHAPE, "holds 'more'");
    assert_int_equal(sw_weights_add(n.ws, "more", SW_F32, SW_SHAPE(3, 1), &w), SW_OK);
    refuse(&n, "more", SW_ERR_SHAPE, "'more' is F32 (3), this model needs f32 (3,1)");
    small_net_destroy(&n);
    create(&n, SMALL_CONV, options_of(SW_ADAMW, 3));
    train(&n, 0, 2);
    save(&n, "micro");
    refuse(&conv, "micro", SW_ERR_STATE, "2 micro-batches");
    assert_int_equal(sw_trainer_load(n.t, "conv"), SW_OK); /* no update was under way */
    small_net_destroy(&n);
    small_net_destroy(&conv);
    small_net_destroy(&attention);
    static const char *const left[] = {"conv", "attention", "sgd", "more", "micro"};
    for (int i = 0; i < 5; i++) assert_int_equal(unlink(left[i]), 0);
}

/* The state's JSON with one piece replaced by another of the same length. */
static void put_damaged(const char *from, const char *to, const char *piece, const char *by)
{
    size_t size;
    char *text = file_bytes(from, &size), *at = NULL;
    assert_int_equal(strlen(piece), strlen(by));
    for (size_t i = 0; i + strlen(piece) <= size && !at; i++)
        if (memcmp(text + i, piece, strlen(piece)) == 0) at = text + i;
    if (!at) fail_msg("%s is not in the file", piece);
    memcpy(at, by, strlen(by));
    FILE *f = fopen(to, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, size, f), size);
    fclose(f);
    free(text);
}

static void damaged_files(void **state)
{
    static const struct {
        const char *piece, *by, *text;
    } cases[] = {
        {"\\\"version\\\":1", "\\\"version\\\":7", "version"},
        {"\\\"steps\\\":3", "\\\"steps\\\":x", "no JSON"},
        {"\\\"steps\\\"", "\\\"stepz\\\"", "steps"},
        {"\\\"micro\\\":0", "\\\"micro\\\":\\", "no JSON"},
        {"\\\"seed\\\":\\\"1844", "\\\"seed\\\":\\\"-844", "seed"},
        {"\\\"seed\\\":\\\"1844", "\\\"seed\\\":\\\"9944", "seed"},
        {"\\\"epoch\\\":\\\"0", "\\\"epoch\\\":\\\"x", "epoch"},
        {"\\\"kind\\\":2", "\\\"kind\\\":9", "kind"},
        {"\\\"rate\\\":0.0", "\\\"rate\\\":-.0", "no JSON"},
        {"\\\"rate\\\":0.00", "\\\"rate\\\":-0.0", "the schedule"},
        {"\\\"points\\\"", "\\\"pointz\\\"", "a curve"},
        {"\\\"name\\\"", "\\\"nome\\\"", "a curve"},
        {"[[1,", "[[z,", "no JSON"},
        {"swell.state", "swell.spate", "not a checkpoint"},
    };
    struct small_net n;
    create(&n, SMALL_CONV, options_of(SW_SGD, 1));
    train(&n, 0, 3);
    save(&n, "good");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_damaged("good", "bad", cases[i].piece, cases[i].by);
        refuse(&n, "bad", SW_ERR_FORMAT, cases[i].text);
    }
    assert_int_equal(truncate("bad", 5000), 0);
    refuse(&n, "bad", SW_ERR_FORMAT, "offset ");
    assert_int_equal(truncate("bad", 3), 0);
    refuse(&n, "bad", SW_ERR_FORMAT, "offset 3");
    refuse(&n, "none", SW_ERR_IO, "No such file");
    refuse(&n, ".", SW_ERR_IO, "directory");
    assert_int_equal(sw_weights_save(n.ctx, n.ws, "bad", NULL), SW_OK);
    refuse(&n, "bad", SW_ERR_FORMAT, "not a checkpoint");
    small_net_destroy(&n);
    unlink("good");
    unlink("bad");
}

/* ---- a full disk ------------------------------------------------------------------------------- */

static int entries(void)
{
    DIR *dir = opendir(".");
    int count = 0;
    assert_non_null(dir);
    while (readdir(dir)) count++;
    closedir(dir);
    return count - 2; /* . and .. */
}

static void full_disk(void **state)
{
    static const rlim_t limits[] = {0, 100, 4096, 9000};
    struct small_net n;
    struct rlimit old, tight;
    size_t size, after;

    signal(SIGXFSZ, SIG_IGN);
    create(&n, SMALL_CONV, options_of(SW_ADAMW, 1));
    train(&n, 0, 2);
    save(&n, "a");
    char *before = file_bytes("a", &size);
    assert_true(size > 9000);
    train(&n, 2, 4);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    for (int i = 0; i < 4; i++) {
        tight = old;
        tight.rlim_cur = limits[i];
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
        sw_status status = sw_trainer_save(n.t, "a");
        setrlimit(RLIMIT_FSIZE, &old);
        assert_int_equal(status, SW_ERR_IO);
        assert_string_equal(sw_error(n.ctx), "a: cannot write: File too large");
        char *now = file_bytes("a", &after);
        assert_true(size == after && memcmp(before, now, size) == 0);
        free(now);
        assert_int_equal(entries(), 1); /* no temporary file was left */
    }
    free(before);
    train(&n, 4, 5); /* the run is none the worse */
    save(&n, "a");
    assert_int_equal(sw_trainer_save(n.t, "/dev/full"), SW_ERR_IO);
    assert_int_equal(sw_trainer_save(n.t, "no/such/folder"), SW_ERR_IO);
    small_net_destroy(&n);
    unlink("a");
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter, leave)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(resumes_to_the_same_bits),
        IN_FOLDER(odd_numbers_come_back),
        IN_FOLDER(another_model),
        IN_FOLDER(damaged_files),
        IN_FOLDER(full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

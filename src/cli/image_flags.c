/* Options of training a network of pictures: one table, a line an option. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/folder.h"
#include "cli/image_job.h"

enum flag_kind { TEXT, WHOLE, REAL, CHOICE, YES, EPOCHS };

struct flag {
    const char *name;
    enum flag_kind kind;
    size_t at; /* in struct image_flags */
    double lo, hi;
    const char *const *choices; /* the value is the place in the list */
};

static const char *const recipes[] = {"paper", "today", NULL};
static const char *const optimizers[] = {"sgd", "adam", "adamw", "muon", NULL};
static const char *const schedules[] = {"constant", "step", "plateau", "linear", "cosine", NULL};
static const char *const mirrors[] = {"none", "random", "alternate", NULL};
static const char *const pads[] = {"reflect", "zero", NULL};
static const char *const normals[] = {"network", "measured", NULL};

const struct image_flags image_flags_none = {.recipe = -1,
                                             .epochs = -1,
                                             .batch = -1,
                                             .seed = -1,
                                             .limit = -1,
                                             .threads = -1,
                                             .every = -1,
                                             .val_every = -1,
                                             .seconds = -1,
                                             .rate = -1,
                                             .momentum = -1,
                                             .decay = -1,
                                             .bias_rate = -1,
                                             .warmup = -1,
                                             .floor = -1,
                                             .factor = -1,
                                             .smoothing = -1,
                                             .ema = -1,
                                             .mixup = -1,
                                             .jitter = -1,
                                             .val_fraction = -1,
                                             .patience = -1,
                                             .optimizer = -1,
                                             .schedule = -1,
                                             .mirror = -1,
                                             .short_side = -1,
                                             .crop = -1,
                                             .pad = -1,
                                             .cutout = -1,
                                             .crops = -1};

#define AT(field) offsetof(struct image_flags, field)
static const struct flag flags[] = {
    {"data", TEXT, AT(data), 0, 0, NULL},
    {"val", TEXT, AT(val), 0, 0, NULL},
    {"network", TEXT, AT(network), 0, 0, NULL},
    {"from", TEXT, AT(from), 0, 0, NULL},
    {"checkpoint", TEXT, AT(checkpoint), 0, 0, NULL},
    {"resume", TEXT, AT(resume), 0, 0, NULL},
    {"out", TEXT, AT(out), 0, 0, NULL},
    {"curve", TEXT, AT(curve), 0, 0, NULL},
    {"log", TEXT, AT(log), 0, 0, NULL},
    {"confusion", TEXT, AT(confusion), 0, 0, NULL},
    {"recipe", CHOICE, AT(recipe), 0, 0, recipes},
    {"epochs", WHOLE, AT(epochs), 0, 1e6, NULL},
    {"seconds", REAL, AT(seconds), 0.1, 1e7, NULL},
    {"batch", WHOLE, AT(batch), 2, 4096, NULL},
    {"seed", WHOLE, AT(seed), 0, 9e15, NULL},
    {"limit", WHOLE, AT(limit), 1, 1e12, NULL},
    {"threads", WHOLE, AT(threads), 1, 256, NULL},
    {"every", WHOLE, AT(every), 1, 1e9, NULL},
    {"val-every", WHOLE, AT(val_every), 1, 1e6, NULL},
    {"val-fraction", REAL, AT(val_fraction), 0, 0.9, NULL},
    {"optimizer", CHOICE, AT(optimizer), 0, 0, optimizers},
    {"rate", REAL, AT(rate), 1e-9, 100, NULL},
    {"momentum", REAL, AT(momentum), 0, 0.9999, NULL},
    {"nesterov", YES, AT(nesterov), 0, 0, NULL},
    {"decay", REAL, AT(decay), 0, 10, NULL},
    {"decay-all", YES, AT(decay_all), 0, 0, NULL},
    {"bias-rate", REAL, AT(bias_rate), 1e-3, 1e4, NULL},
    {"schedule", CHOICE, AT(schedule), 0, 0, schedules},
    {"warmup", REAL, AT(warmup), 0, 1e6, NULL},
    {"floor", REAL, AT(floor), 0, 1, NULL},
    {"factor", REAL, AT(factor), 1e-6, 1, NULL},
    {"steps-at", EPOCHS, AT(steps_at), 0, 1e6, NULL},
    {"patience", WHOLE, AT(patience), 1, 1e6, NULL},
    {"label-smoothing", REAL, AT(smoothing), 0, 0.9, NULL},
    {"ema", REAL, AT(ema), 0, 0.999999, NULL},
    {"short-side", WHOLE, AT(short_side), 1, SW_PREPROCESSING_SIDE, NULL},
    {"crop", WHOLE, AT(crop), 1, SW_PREPROCESSING_SIDE, NULL},
    {"pad", WHOLE, AT(pad), 0, 1024, NULL},
    {"pad-mode", CHOICE, AT(pad_zero), 0, 0, pads},
    {"mirror", CHOICE, AT(mirror), 0, 0, mirrors},
    {"cutout", WHOLE, AT(cutout), 0, SW_PREPROCESSING_SIDE, NULL},
    {"mixup", REAL, AT(mixup), 0, 100, NULL},
    {"jitter", REAL, AT(jitter), 0, 10, NULL},
    {"normalise", CHOICE, AT(measured), 0, 0, normals},
    {"crops", WHOLE, AT(crops), 1, SW_MAX_VIEWS, NULL},
    {"bf16", YES, AT(bf16), 0, 0, NULL},
    {"freeze", YES, AT(freeze), 0, 0, NULL},
    {"half", YES, AT(half), 0, 0, NULL},
    {"json", YES, AT(json), 0, 0, NULL},
};
enum { FLAGS = sizeof flags / sizeof *flags, FIRST = 1000 };

/* The place of a word in a list; false after a line that lists them. */
static bool take_choice(const struct verb *verb, const struct flag *f, int64_t *value)
{
    char all[128] = "";
    size_t n = 0;
    for (int i = 0; f->choices[i]; i++) {
        if (strcmp(optarg, f->choices[i]) == 0) {
            *value = i;
            return true;
        }
        n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", i ? ", " : "", f->choices[i]);
    }
    cli_fail(verb, "--%s %s: it can be %s", f->name, optarg, all);
    return false;
}

/* "60,80,90.5": epochs, rising. */
static bool take_epochs(const struct verb *verb, const struct flag *f, struct image_flags *to)
{
    const char *p = optarg;
    char *end;
    to->n_steps_at = 0;
    for (;; p = end + 1) {
        const double x = strtod(p, &end);
        const double last = to->n_steps_at ? to->steps_at[to->n_steps_at - 1] : 0;
        if (end == p || !(x > last && x <= f->hi) || to->n_steps_at == SW_MAX_MILESTONES ||
            (*end && *end != ',')) {
            cli_fail(verb, "--%s %s: at most %d rising epochs are expected, as in 60,80,90",
                     f->name, optarg, SW_MAX_MILESTONES);
            return false;
        }
        to->steps_at[to->n_steps_at++] = x;
        if (!*end) return true;
    }
}

static bool take(struct image_job *j, const struct flag *f)
{
    char *at = (char *)&j->f + f->at;
    int64_t value = 0;
    switch (f->kind) {
    case TEXT: *(const char **)(void *)at = optarg; return true;
    case WHOLE:
        return cli_integer(j->verb, f->name, (int64_t)f->lo, (int64_t)f->hi, (int64_t *)(void *)at);
    case REAL: return cli_real(j->verb, f->name, f->lo, f->hi, (double *)(void *)at);
    case EPOCHS: return take_epochs(j->verb, f, &j->f);
    case YES: *(bool *)at = true; return true;
    case CHOICE: break;
    }
    if (!take_choice(j->verb, f, &value)) return false;
    if (f->at == AT(pad_zero) || f->at == AT(measured))
        *(bool *)at = value;
    else
        *(int64_t *)(void *)at = value;
    return true;
}

/* Files are written when hours of training are over: find out now that they cannot be. */
static int check_files(const struct image_job *j)
{
    const struct image_flags *f = &j->f;
    const struct {
        const char *option, *path;
    } files[] = {{"out", f->out},
                 {"checkpoint", f->checkpoint},
                 {"curve", f->curve},
                 {"confusion", f->confusion}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char folder[4096];
        errno = 0;
        if (!files[i].path) continue;
        const char *slash = strrchr(files[i].path, '/');
        const int n = slash ? (int)(slash - files[i].path) + 1 : 2;
        if (n >= (int)sizeof folder)
            return cli_fail(j->verb, "--%s: the name is too long", files[i].option);
        snprintf(folder, sizeof folder, "%.*s", n, slash ? files[i].path : "./");
        if (access(folder, W_OK) != 0 || sw__path_kind(files[i].path) == SW_PATH_FOLDER)
            return cli_fail(j->verb, "--%s %s: cannot be written: %s", files[i].option,
                            files[i].path, errno ? strerror(errno) : "a folder");
    }
    return -1;
}

/* What excludes or needs each other. */
static int check(const struct image_job *j)
{
    const struct image_flags *f = &j->f;
    if (f->seconds > 0 && f->epochs >= 0)
        return cli_fail(j->verb, "--seconds and --epochs exclude each other");
    if (f->resume && f->epochs < 0)
        return cli_fail(j->verb, "--resume needs --epochs: a schedule by the clock cannot go on");
    if (f->every > 0 && !f->checkpoint) return cli_fail(j->verb, "--every needs --checkpoint FILE");
    if (f->half && !f->out) return cli_fail(j->verb, "--half needs --out FILE");
    if (f->freeze && !f->from) return cli_fail(j->verb, "--freeze needs --from WEIGHTS");
    if (f->val && f->val_fraction >= 0)
        return cli_fail(j->verb, "--val and --val-fraction exclude each other");
    if (f->crops > 0 && f->crops != 1 && f->crops != 2 && f->crops != 6 && f->crops != 10 &&
        f->crops != 18)
        return cli_fail(j->verb, "--crops %lld: 1, 2, 6, 10 or 18", (long long)f->crops);
    return check_files(j);
}

int image_flags_read(struct image_job *j, int argc, char **argv)
{
    struct option options[FLAGS + 2] = {{0}};
    int status = 0;
    for (int i = 0; i < FLAGS; i++)
        options[i] = (struct option){
            flags[i].name, flags[i].kind == YES ? no_argument : required_argument, NULL, FIRST + i};
    options[FLAGS] = (struct option){"help", no_argument, NULL, 'h'};
    for (int c; (c = cli_option(j->verb, argc, argv, options, &status)) != -1;) {
        if (c == '?') return status;
        if (!take(j, &flags[c - FIRST])) return 1;
    }
    if (optind < argc) return cli_fail(j->verb, "'%s' is no option", argv[optind]);
    return check(j);
}

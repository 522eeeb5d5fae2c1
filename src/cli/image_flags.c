/* Options of training a network of pictures: one table, a line an option. */
#include <stdlib.h>

#include "cli/flag_table.h"
#include "cli/image_job.h"

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
                                             .run = {.every = -1, .seconds = -1},
                                             .val_every = -1,
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

/* "60,80,90.5": epochs, rising. */
static bool take_epochs(const struct verb *verb, const struct flag *f, void *user)
{
    struct image_flags *to = user;
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

#define AT(field) offsetof(struct image_flags, field)
static const struct flag flags[] = {
    {"data", FLAG_TEXT, AT(data), 0, 0, NULL, NULL},
    {"val", FLAG_TEXT, AT(val), 0, 0, NULL, NULL},
    {"network", FLAG_TEXT, AT(network), 0, 0, NULL, NULL},
    {"from", FLAG_TEXT, AT(from), 0, 0, NULL, NULL},
    {"checkpoint", FLAG_TEXT, AT(run.checkpoint), 0, 0, NULL, NULL},
    {"resume", FLAG_TEXT, AT(run.resume), 0, 0, NULL, NULL},
    {"out", FLAG_TEXT, AT(out), 0, 0, NULL, NULL},
    {"curve", FLAG_TEXT, AT(run.curve), 0, 0, NULL, NULL},
    {"log", FLAG_TEXT, AT(run.log), 0, 0, NULL, NULL},
    {"confusion", FLAG_TEXT, AT(confusion), 0, 0, NULL, NULL},
    {"recipe", FLAG_CHOICE, AT(recipe), 0, 0, recipes, NULL},
    {"epochs", FLAG_WHOLE, AT(epochs), 0, 1e6, NULL, NULL},
    {"seconds", FLAG_REAL, AT(run.seconds), 0.1, 1e7, NULL, NULL},
    {"batch", FLAG_WHOLE, AT(batch), 2, 4096, NULL, NULL},
    {"seed", FLAG_WHOLE, AT(seed), 0, 9e15, NULL, NULL},
    {"limit", FLAG_WHOLE, AT(limit), 1, 1e12, NULL, NULL},
    {"threads", FLAG_WHOLE, AT(threads), 1, 256, NULL, NULL},
    {"every", FLAG_WHOLE, AT(run.every), 1, 1e9, NULL, NULL},
    {"val-every", FLAG_WHOLE, AT(val_every), 1, 1e6, NULL, NULL},
    {"val-fraction", FLAG_REAL, AT(val_fraction), 0, 0.9, NULL, NULL},
    {"optimizer", FLAG_CHOICE, AT(optimizer), 0, 0, optimizers, NULL},
    {"rate", FLAG_REAL, AT(rate), 1e-9, 100, NULL, NULL},
    {"momentum", FLAG_REAL, AT(momentum), 0, 0.9999, NULL, NULL},
    {"nesterov", FLAG_YES, AT(nesterov), 0, 0, NULL, NULL},
    {"decay", FLAG_REAL, AT(decay), 0, 10, NULL, NULL},
    {"decay-all", FLAG_YES, AT(decay_all), 0, 0, NULL, NULL},
    {"bias-rate", FLAG_REAL, AT(bias_rate), 1e-3, 1e4, NULL, NULL},
    {"schedule", FLAG_CHOICE, AT(schedule), 0, 0, schedules, NULL},
    {"warmup", FLAG_REAL, AT(warmup), 0, 1e6, NULL, NULL},
    {"floor", FLAG_REAL, AT(floor), 0, 1, NULL, NULL},
    {"factor", FLAG_REAL, AT(factor), 1e-6, 1, NULL, NULL},
    {"steps-at", FLAG_OTHER, AT(steps_at), 0, 1e6, NULL, take_epochs},
    {"patience", FLAG_WHOLE, AT(patience), 1, 1e6, NULL, NULL},
    {"label-smoothing", FLAG_REAL, AT(smoothing), 0, 0.9, NULL, NULL},
    {"ema", FLAG_REAL, AT(ema), 0, 0.999999, NULL, NULL},
    {"short-side", FLAG_WHOLE, AT(short_side), 1, SW_PREPROCESSING_SIDE, NULL, NULL},
    {"crop", FLAG_WHOLE, AT(crop), 1, SW_PREPROCESSING_SIDE, NULL, NULL},
    {"pad", FLAG_WHOLE, AT(pad), 0, 1024, NULL, NULL},
    {"pad-mode", FLAG_EITHER, AT(pad_zero), 0, 0, pads, NULL},
    {"mirror", FLAG_CHOICE, AT(mirror), 0, 0, mirrors, NULL},
    {"cutout", FLAG_WHOLE, AT(cutout), 0, SW_PREPROCESSING_SIDE, NULL, NULL},
    {"mixup", FLAG_REAL, AT(mixup), 0, 100, NULL, NULL},
    {"jitter", FLAG_REAL, AT(jitter), 0, 10, NULL, NULL},
    {"normalise", FLAG_EITHER, AT(measured), 0, 0, normals, NULL},
    {"crops", FLAG_WHOLE, AT(crops), 1, SW_MAX_VIEWS, NULL, NULL},
    {"bf16", FLAG_YES, AT(bf16), 0, 0, NULL, NULL},
    {"freeze", FLAG_YES, AT(freeze), 0, 0, NULL, NULL},
    {"half", FLAG_YES, AT(half), 0, 0, NULL, NULL},
    {"json", FLAG_YES, AT(run.json), 0, 0, NULL, NULL},
};
enum { FLAGS = sizeof flags / sizeof *flags };

/* What excludes or needs each other. */
static int check(const struct image_job *j)
{
    const struct image_flags *f = &j->f;
    if (f->run.seconds > 0 && f->epochs >= 0)
        return cli_fail(j->verb, "--seconds and --epochs exclude each other");
    if (f->run.resume && f->epochs < 0)
        return cli_fail(j->verb, "--resume needs --epochs: a schedule by the clock cannot go on");
    if (f->half && !f->out) return cli_fail(j->verb, "--half needs --out FILE");
    if (f->freeze && !f->from) return cli_fail(j->verb, "--freeze needs --from WEIGHTS");
    if (f->val && f->val_fraction >= 0)
        return cli_fail(j->verb, "--val and --val-fraction exclude each other");
    if (f->crops > 0 && f->crops != 1 && f->crops != 2 && f->crops != 6 && f->crops != 10 &&
        f->crops != 18)
        return cli_fail(j->verb, "--crops %lld: 1, 2, 6, 10 or 18", (long long)f->crops);
    if (!flags_writable(j->verb, "out", f->out) ||
        !flags_writable(j->verb, "confusion", f->confusion))
        return 1;
    return training_check(j->verb, &f->run);
}

int image_flags_read(struct image_job *j, int argc, char **argv)
{
    const int status = flags_read(j->verb, flags, FLAGS, &j->f, argc, argv);
    return status >= 0 ? status : check(j);
}

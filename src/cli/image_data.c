/* Which pictures are trained on, which are measured on, and what is seen of them.
 *
 *   --val DIR, or the second split of --data    measured on between epochs and at the end
 *   --val-fraction F                            a part of the training pictures between epochs; at the end the
 *                                               second split, where there is one
 *   neither                                     a tenth of the training pictures */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/image_job.h"

static int fail(const struct image_job *j)
{
    return cli_fail(j->verb, "%s", sw_error(j->ctx));
}

/* ---- sets ------------------------------------------------------------------------------------------------ */

static int open_sets(struct image_job *j)
{
    sw_image_set_options o = {.split = SW_SPLIT_TRAIN};
    if (sw_image_set_open(j->ctx, j->f.data, o, &j->set) != SW_OK) return fail(j);
    o.like = j->set;
    o.split = SW_SPLIT_TEST;
    const char *path = j->f.val ? j->f.val : j->f.data;
    if (sw_image_set_open(j->ctx, path, o, &j->second) != SW_OK) return fail(j);
    if (j->second || !j->f.val) return 0;
    o.split = SW_SPLIT_TRAIN; /* --val is a set of one split */
    return sw_image_set_open(j->ctx, path, o, &j->second) == SW_OK ? 0 : fail(j);
}

/* Files of IDX, and of CIFAR without its list of names, hold numbers only. */
static void name_classes(struct image_job *j)
{
    const sw_image_set *set = j->set;
    const char *list = NULL;
    int count = 0;
    j->classes = set->classes;
    j->names = set->names;
    if (set->paths || strcmp(set->names[0], "0") != 0) return;
    if (set->channels == 3)
        list = set->classes == 10 ? "cifar10" : "cifar100";
    else if (strstr(j->f.data, "fashion"))
        list = "fashion-mnist";
    const char *const *names = list ? sw_labels_find(list, &count) : NULL;
    if (names && count == j->classes) j->names = names;
}

/* ---- parts ------------------------------------------------------------------------------------------------ */

static int all_of(struct image_job *j, sw_image_set *set, struct image_part *part)
{
    *part = (struct image_part){set, malloc((size_t)set->count * sizeof(int64_t)), set->count};
    if (!part->index) return cli_fail(j->verb, "out of memory");
    for (int64_t i = 0; i < set->count; i++) part->index[i] = i;
    return 0;
}

/* The pictures in a random order that depends on the seed only: its first part is measured on, and of the
 * rest --limit many are trained on. */
static int divide(struct image_job *j, double fraction)
{
    const int64_t n = j->set->count;
    const int64_t aside = fraction > 0 ? (int64_t)fmax(1, floor(fraction * (double)n)) : 0;
    if (all_of(j, j->set, &j->train)) return 1;
    const uint64_t order = UINT64_MAX; /* no epoch */
    for (int64_t i = 0; i < n; i++)
        j->train.index[i] = (int64_t)sw_shuffled((uint64_t)n, (uint64_t)j->f.seed, order,
                                                 (uint64_t)i);
    if (aside > 0) {
        j->val = (struct image_part){j->set, malloc((size_t)aside * sizeof(int64_t)), aside};
        if (!j->val.index) return cli_fail(j->verb, "out of memory");
        memcpy(j->val.index, j->train.index + n - aside, (size_t)aside * sizeof(int64_t));
        j->train.count = n - aside;
    }
    if (j->f.limit > 0 && j->f.limit < j->train.count) j->train.count = j->f.limit;
    return j->train.count > 0 ? 0
                              : cli_fail(j->verb, "%s: no pictures left to train on", j->f.data);
}

static int make_parts(struct image_job *j)
{
    double fraction = j->f.val_fraction;
    if (fraction < 0) fraction = j->second ? 0 : 0.1;
    if (divide(j, fraction)) return 1;
    if (j->second && all_of(j, j->second, &j->test)) return 1;
    if (!j->test.count) j->test = j->val; /* shared; see image_data_close */
    if (!j->val.count) j->val = j->test;
    if (!j->val.count && j->f.schedule == SW_SCHEDULE_PLATEAU)
        return cli_fail(j->verb, "--schedule plateau needs pictures to measure on: --val, or "
                                 "--val-fraction above 0");
    return 0;
}

/* ---- what is seen ------------------------------------------------------------------------------------------ */

/* Sides, mean and deviation: from the options, else from --from, else from the network, else as usual. */
static int prepare_input(struct image_job *j, sw_preprocessing *p)
{
    const sw_image_network *n = j->network;
    const struct image_flags *f = &j->f;
    const int square = j->set->width == j->set->height ? j->set->width : 0; /* in memory */
    *p = j->notes.input;
    p->channels = n->channels;
    p->side = n->side;
    if (f->crop > 0) p->side = (int)f->crop;
    if (!p->side) p->side = square ? square : 224;
    if (n->side && p->side != n->side)
        return cli_fail(j->verb, "--crop %d: '%s' takes %d x %d pixels", p->side, n->name, n->side,
                        n->side);
    if (p->side < 4)
        return cli_fail(j->verb, "%s: pictures of %d x %d are too small", f->data, p->side,
                        p->side);
    if (f->short_side > 0)
        p->short_side = (int)f->short_side;
    else if (square >= p->side)
        p->short_side = square; /* as they are */
    else if (p->short_side < p->side)
        p->short_side = 0;
    if (p->deviation[0] == 0) {
        memcpy(p->mean, n->mean, sizeof p->mean);
        memcpy(p->deviation, n->deviation, sizeof p->deviation);
    }
    const char *where = f->short_side > 0 ? "--short-side" : "--crop";
    return sw_preprocessing_complete(j->ctx, where, p, NULL) == SW_OK ? 0 : fail(j);
}

static int choose_views(struct image_job *j)
{
    const struct image_flags *f = &j->f;
    sw_augmentation *a = &j->seen;
    sw_preprocessing p;
    sw_view views[SW_MAX_VIEWS];
    float weights[SW_MAX_VIEWS];
    if (prepare_input(j, &p)) return 1;
    *a = (sw_augmentation){.channels = p.channels,
                           .frame = p.short_side,
                           .side = p.side,
                           .pad = (int)f->pad,
                           .pad_zero = f->pad_zero,
                           .mirror = (sw_mirror)f->mirror,
                           .cutout = (int)f->cutout,
                           .jitter = (float)f->jitter};
    memcpy(a->mean, p.mean, sizeof p.mean);
    if (!f->measured) memcpy(a->deviation, p.deviation, sizeof p.deviation);
    if (a->pad >= a->frame)
        return cli_fail(j->verb, "--pad %d: pictures have %d pixels a side", a->pad, a->frame);
    if (a->cutout > a->side)
        return cli_fail(j->verb, "--cutout %d: the network sees %d pixels a side", a->cutout,
                        a->side);
    if (!sw_views_test(a, (int)f->crops, views, weights))
        return cli_fail(j->verb,
                        "--crops %lld: the crop is as large as the picture; --crops 6, or "
                        "a larger --short-side",
                        (long long)f->crops);
    if (!f->measured && a->jitter == 0) return 0;
    return sw_augmentation_measure(a, j->set, j->train.index, j->train.count) == SW_OK ? 0
                                                                                       : fail(j);
}

int image_data_open(struct image_job *j)
{
    if (open_sets(j)) return 1;
    name_classes(j);
    if (make_parts(j) || image_recipe_batch(j) || choose_views(j)) return 1;
    return 0;
}

void image_data_close(struct image_job *j)
{
    if (j->val.index != j->test.index) free(j->val.index);
    free(j->test.index);
    free(j->train.index);
    sw_image_set_destroy(j->set);
    sw_image_set_destroy(j->second);
    sw_image_notes_clear(&j->notes);
}

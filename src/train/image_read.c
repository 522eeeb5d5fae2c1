/* Batches of pictures, read and rendered by all threads of the context between two steps of training.
 *
 * On threads of the plan rather than beside them: a decoder that ran next to the step would take its
 * cycles from it, as both use every core.  So a batch costs the time of its pictures on one core divided
 * by the number of cores, and nothing has to be tuned.
 *
 * A picture that cannot be read is warned of once and then known.  In training its place is taken by the
 * next in the epoch's order that can be read; so what a batch holds depends on the files, the seed and
 * the place only, and a resumed run meets the same batches. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "train/image_set_int.h"

enum { WARNINGS = 10, SIDE_MOST = 4096 };

void sw__image_set_warn(struct image_set *s, int64_t i, const char *why)
{
    s->shown.bad++;
    if (s->shown.bad <= WARNINGS)
        sw__log(s->ctx, SW_LOG_WARN, "%s: %s; left out", s->paths[i], why);
    if (s->shown.bad == WARNINGS) sw__log(s->ctx, SW_LOG_WARN, "more such pictures go unmentioned");
}

struct batch {
    struct image_set *s;
    const sw_augmentation *a;
    const int64_t *index;
    const sw_view *views;
    int each;
    float *out;
    uint8_t *state;  /* (n): 0, or minus the status */
    double *seconds; /* (threads) */
};

static bool is_broken(const struct image_set *s, int64_t i)
{
    return s->broken && s->broken[i];
}

static void read_one(void *user, int64_t i, int thread)
{
    const struct batch *b = user;
    const int64_t size = (int64_t)b->a->channels * b->a->side * b->a->side;
    const double start = sw__clock_seconds();
    char why[SW_PICTURE_ERROR];
    struct sw_frame f;
    sw_status status = SW_ERR_FORMAT;
    if (!is_broken(b->s, b->index[i])) status = sw__image_frame(b->s, b->index[i], b->a, &f, why);
    b->state[i] = (uint8_t)-status;
    if (status != SW_OK) return;
    for (int v = 0; v < b->each; v++)
        sw__view_render(&f, b->a, &b->views[i * b->each + v], b->out + (i * b->each + v) * size);
    free(f.own);
    b->seconds[thread] += sw__clock_seconds() - start;
}

static const char *augmentation_wrong(const sw_augmentation *a)
{
    if (a->channels != 1 && a->channels != 3) return "1 or 3 channels are possible";
    if (a->frame < 1 || a->frame > SIDE_MOST) return "the frame's side must be 1 to 4096";
    if (a->pad < 0 || a->pad >= a->frame) return "the padding must be less than the frame";
    if (a->side < 1 || a->side > a->frame + 2 * a->pad || a->side > SIDE_MOST)
        return "the square is larger than the frame with its padding";
    if (a->cutout < 0 || a->cutout > a->side) return "cutout is larger than the square";
    if (!(a->jitter >= 0)) return "jitter below 0";
    return NULL;
}

/* A picture has just turned out to be bad: know it from now on.  Its reason is found by another try, as threads
 * keep none. */
static sw_status know_broken(struct image_set *s, const sw_augmentation *a, int64_t i)
{
    char why[SW_PICTURE_ERROR] = "it changed";
    struct sw_frame f;
    if (is_broken(s, i)) return SW_OK;
    if (!s->broken) s->broken = sw__calloc2((size_t)s->shown.count, sizeof *s->broken);
    if (!s->broken) return sw__image_set_memory(s);
    s->broken[i] = true;
    if (sw__image_frame(s, i, a, &f, why) == SW_OK) free(f.own);
    sw__image_set_warn(s, i, why);
    return SW_OK;
}

sw_status sw_image_set_read(sw_image_set *set, const sw_augmentation *a, const int64_t *index,
                            int64_t n, const sw_view *views, int each, float *out, bool *good)
{
    struct image_set *s = sw__image_set(set);
    const int threads = sw__threads_count(s->ctx->threads);
    const char *wrong = augmentation_wrong(a);
    if (wrong) return sw__fail(s->ctx, SW_ERR_ARGUMENT, "augmentation: %s", wrong);
    struct batch b = {s, a, index, views, each, out, NULL, NULL};
    b.state = sw__calloc2((size_t)n + 1, 1);
    b.seconds = sw__calloc2((size_t)threads, sizeof *b.seconds);
    sw_status status = b.state && b.seconds ? SW_OK : sw__image_set_memory(s);
    if (status == SW_OK) sw__threads_each(s->ctx->threads, n, read_one, &b);
    for (int t = 0; status == SW_OK && t < threads; t++) set->seconds += b.seconds[t];
    for (int64_t i = 0; status == SW_OK && i < n; i++) {
        if (b.state[i] == (uint8_t)-SW_ERR_MEMORY)
            status = sw__image_set_memory(s);
        else if (b.state[i])
            status = know_broken(s, a, index[i]);
        if (status == SW_OK && b.state[i] && !good)
            status = sw__fail(s->ctx, SW_ERR_FORMAT, "%s: cannot be read", s->paths[index[i]]);
        if (good) good[i] = !b.state[i];
    }
    free(b.state);
    free(b.seconds);
    return status;
}

/* ---- the order of training ------------------------------------------------------------------------------ */

/* The picture at a place of the epoch's order, or the next that is not known to be broken; -1: none. */
static int64_t picture_at(const sw_image_order *o, uint64_t epoch, uint64_t place)
{
    for (int64_t tried = 0; tried < o->count; tried++, place++) {
        const uint64_t n = (uint64_t)o->count;
        const int64_t i = o->index[sw_shuffled(n, o->seed, epoch, place % n)];
        if (!is_broken(sw__image_set(o->set), i)) return i;
    }
    return -1;
}

/* Choose pictures for the places of a batch: index and views (n).  SW_ERR_FORMAT when there is none. */
static sw_status choose(const sw_image_order *o, const sw_augmentation *a, uint64_t epoch,
                        uint64_t first, int64_t n, int64_t *index, sw_view *views)
{
    for (int64_t i = 0; i < n; i++) {
        index[i] = picture_at(o, epoch, first + (uint64_t)i);
        if (index[i] < 0)
            return sw__fail(sw__image_set(o->set)->ctx, SW_ERR_FORMAT,
                            "no picture of %lld can be read", (long long)o->count);
        views[i] = sw_view_random(a, o->seed, epoch, (uint64_t)index[i]);
    }
    return SW_OK;
}

sw_status sw_image_order_read(const sw_image_order *o, const sw_augmentation *a, uint64_t epoch,
                              uint64_t first, int64_t n, float *out, int32_t *labels)
{
    struct image_set *s = sw__image_set(o->set);
    int64_t *index = sw__calloc2((size_t)n + 1, sizeof *index);
    sw_view *views = sw__calloc2((size_t)n + 1, sizeof *views);
    bool *good = sw__calloc2((size_t)n + 1, sizeof *good), all = false;
    sw_status status = index && views && good ? SW_OK : sw__image_set_memory(s);
    /* Again while new bad pictures turn up: each time fewer are left. */
    while (status == SW_OK && !all) {
        status = choose(o, a, epoch, first, n, index, views);
        if (status == SW_OK) status = sw_image_set_read(o->set, a, index, n, views, 1, out, good);
        all = true;
        for (int64_t i = 0; i < n; i++) all &= good[i];
    }
    for (int64_t i = 0; status == SW_OK && i < n; i++) labels[i] = o->set->labels[index[i]];
    free(index);
    free(views);
    free(good);
    return status;
}

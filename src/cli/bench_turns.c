/* Measuring by turns.
 *
 * In each round every rival has one turn: a rest, for the threads of the one before spin for a while
 * after their work and would take its cores; a start, when threads are woken and moved to cores of
 * their own; then runs, whose median is the turn's figure.  The median over the rounds counts.  Before
 * that all rivals compute the row once, and the results are compared. */
#include "cli/bench_turns.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"

enum { MOST_RIVALS = 6, MOST_ROUNDS = 99, MOST_RUNS = 4096 };
#define OUR_REST      0.01 /* our threads spin that long at most */
#define START_SECONDS 0.02
#define TURN_SECONDS  0.03
#define LONG_RUN      0.02 /* seconds; such runs need no start, and fewer rounds */

struct rival {
    const struct peer *peer; /* NULL: ours */
    const char *name;
    void *work; /* the peer's, or struct bench_work */
    double rest, turn[MOST_ROUNDS];
};

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int64_t n)
{
    qsort(x, (size_t)n, sizeof *x, ascending);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

static void pause_for(double seconds)
{
    struct timespec t = {0, (long)(seconds * 1e9)};
    nanosleep(&t, NULL);
}

static bool run(const struct rival *r)
{
    if (!r->peer) return sw_run(((const struct bench_work *)r->work)->plan) == SW_OK;
    r->peer->run(r->work);
    return true;
}

/* Seconds of a run; negative: it failed. */
static double one_turn(const struct rival *r)
{
    double runs[MOST_RUNS], start = sw__clock_seconds(), last = start, now = start;
    int count = 0;
    do {
        if (!run(r)) return -1;
        now = sw__clock_seconds();
        runs[0] = now - last;
        last = now;
    } while (now - start < START_SECONDS);
    if (runs[0] > LONG_RUN) count = 1;
    start = now;
    while (count < MOST_RUNS && (now - start < TURN_SECONDS || count < 3) &&
           !(count > 0 && runs[0] > 2 * TURN_SECONDS)) {
        if (!run(r)) return -1;
        now = sw__clock_seconds();
        runs[count++] = now - last;
        last = now;
    }
    return median(runs, count);
}

/* ---- the same results ----------------------------------------------------------------------------- */

/* Integers are equal.  Floats of magnitude at most 1, K products summed in any order: each sum is
 * within K 2^-24 sum|ab| at the very worst, and of random signs far below; 2^-20 K is 64 half-ulps of
 * the expected sum|ab| = K / 4. */
static bool same(const struct peer_case *c, const void *ours, const void *theirs, int64_t n,
                 double terms)
{
    const float *x = ours, *y = theirs;
    const int32_t *i = ours, *j = theirs;
    for (int64_t e = 0; e < n; e++)
        if (c->c == SW_I32 ? i[e] != j[e]
                           : !(fabs((double)x[e] - (double)y[e]) <= 0x1p-20 * terms + 1e-5))
            return false;
    return true;
}

static int check(const struct verb *verb, const struct bench_work *w, const struct rival *r)
{
    const sw_tensor t = sw_plan_tensor(w->plan, w->outputs[0]);
    const int64_t n = sw_shape_elements(&t.shape);
    void *theirs = sw__aligned_alloc((size_t)n * 4);
    if (!theirs) return cli_fail(verb, "out of memory");
    r->peer->result(r->work, theirs);
    bool right = t.dtype == w->row.c.c &&
                 same(&w->row.c, t.data, theirs, n, w->row.operations / 2 / (double)n);
    sw__aligned_free(theirs);
    if (right) return 0;
    return cli_fail(verb, "%s %s %s: the results of swell and %s differ", w->row.name, w->row.dtype,
                    w->row.shape, r->name);
}

/* ---- a row ---------------------------------------------------------------------------------------- */

static int open_ours(const struct verb *verb, const struct bench_row *row, sw_context *ctx,
                     struct bench_work *w, struct rival *r)
{
    *r = (struct rival){.name = "swell", .work = w, .rest = OUR_REST};
    if (bench_work_open(w, row, ctx) == SW_OK && sw_run(w->plan) == SW_OK) return 0;
    return cli_fail(verb, "%s %s %s: %s", row->name, row->dtype, row->shape,
                    *sw_error(ctx) ? sw_error(ctx) : "out of memory");
}

static int open_peers(const struct verb *verb, const struct bench_work *w,
                      const struct bench_rivals *rivals, struct rival *r, int *n)
{
    for (const struct peer *const *p = rivals->peers; p && *p && *n < MOST_RIVALS; p++) {
        const bool asked = w->row.c.op != PEER_NONE && !w->row.scaling;
        void *work = asked ? (*p)->create(&w->row.c) : NULL;
        if (!work) continue;
        r[*n] = (struct rival){.peer = *p, .name = (*p)->name, .work = work, .rest = (*p)->rest};
        if (check(verb, w, &r[(*n)++])) return 1;
    }
    return 0;
}

static int64_t rounds_of(const struct bench_rivals *rivals, double seconds)
{
    return rivals->rounds ? rivals->rounds : seconds > 2 * LONG_RUN ? 3 : 5;
}

/* The limits of memory as they are now; the median of all rounds counts. */
struct traffic {
    double read[MOST_ROUNDS], copy[MOST_ROUNDS], triad[MOST_ROUNDS];
};

static int measure_traffic(const struct verb *verb, sw_context *ctx, struct traffic *t,
                           int64_t round)
{
    struct sw_limits l;
    if (sw__limits_memory(ctx, &l) != SW_OK) return cli_fail(verb, "%s", sw_error(ctx));
    t->read[round] = l.read_bytes;
    t->copy[round] = l.copy_bytes;
    t->triad[round] = l.triad_bytes;
    return 0;
}

static int take_turns(const struct verb *verb, const struct bench_work *w,
                      const struct bench_rivals *rivals, struct rival *r, int n,
                      struct bench_times *times)
{
    const bool bytes = w->row.unit == BENCH_BYTES;
    const bool flops = w->row.unit == BENCH_FLOPS_F32;
    struct traffic t;
    double now[MOST_ROUNDS];
    int64_t rounds = 1;
    double rest = n > 1 ? r[n - 1].rest : 0;
    for (int64_t round = 0; round < rounds; round++) {
        if (bytes && measure_traffic(verb, w->ctx, &t, round)) return 1;
        for (int i = 0; i < n; i++) {
            pause_for(rest);
            rest = n > 1 ? r[i].rest : 0;
            r[i].turn[round] = one_turn(&r[i]);
            if (r[i].turn[round] < 0) return cli_fail(verb, "%s", sw_error(w->ctx));
            if (i == 0 && flops) now[round] = sw__limits_f32_now(w->ctx);
            if (i == 0 && round == 0) rounds = rounds_of(rivals, r[0].turn[0]);
        }
    }
    if (bytes)
        times->memory = (struct sw_limits){.read_bytes = median(t.read, rounds),
                                           .copy_bytes = median(t.copy, rounds),
                                           .triad_bytes = median(t.triad, rounds)};
    if (flops) times->f32_flops = median(now, rounds);
    times->ours = median(r[0].turn, rounds);
    for (int i = 1; i < n; i++) {
        double seconds = median(r[i].turn, rounds);
        if (times->peer > 0 && times->peer <= seconds) continue;
        times->peer = seconds;
        times->peer_name = r[i].name;
    }
    return 0;
}

int bench_measure(const struct verb *verb, const struct bench_row *row,
                  const struct bench_rivals *rivals, struct bench_times *times)
{
    struct bench_work ours = {0}, alone = {0};
    struct rival r[MOST_RIVALS];
    int n = 1, status = open_ours(verb, row, rivals->ctx, &ours, &r[0]);
    *times = (struct bench_times){0};
    if (!status && row->scaling) {
        status = open_ours(verb, row, rivals->single, &alone, &r[n]);
        r[n++].name = "one thread";
    }
    if (!status) status = open_peers(verb, &ours, rivals, r, &n);
    pin_new(rivals->pinned); /* a peer makes its threads when it first runs */
    if (!status) status = take_turns(verb, &ours, rivals, r, n, times);
    for (int i = 0; i < n; i++)
        if (r[i].peer) r[i].peer->destroy(r[i].work);
    bench_work_close(&alone);
    bench_work_close(&ours);
    return status;
}

/* conv_tune FILE [ISA [PART]]: measure every algorithm that may compute a convolution, at every entry of
 * the table that chooses among them (conv_choice.h), and write the table.  PART is a text that the pass
 * and the kind of filter hold ("forward, one tap"): all else stays.
 *
 * An entry is measured as a plan of one op on one thread, which other programs disturb least, with one
 * image and with some; the algorithms run by turns and the least times count.  An entry stays as it is
 * unless another algorithm is faster by more than MARGIN, so that a table that was measured again on
 * the same machine differs in few places. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swell/swell.h>

#include "base/clock.h"
#include "base/memory.h"
#include "graph/ops/conv_choice.h"
#include "graph/ops/conv_grad.h"

#define MARGIN 1.1 /* of a score: 5 % of each time */

enum { ROUNDS = 3, MOST_IMAGES = 16, WAYS = 3 };
static const double turn_seconds = 1e-3;
static const double some_flops = 4e9; /* about so many for some images */
static const double most_flops = 2e9; /* of one; larger ones take the entry before */

static const enum conv_way ways[WAYS] = {CONV_WINOGRAD, CONV_DIRECT, CONV_PRODUCT};
static const char *const levels[CONV_LEVELS] = {"avx2", "avx512"};

/* A representative of each kind. */
static const struct {
    int kernel, stride, dilation, pad;
} filters[CONV_KINDS] = {
    [CONV_FOR_WINOGRAD] = {3, 1, 1, 1}, [CONV_ONE_TAP] = {1, 1, 1, 0},
    [CONV_FEW_TAPS] = {3, 1, 2, 2},     [CONV_FEW_TAPS_STRIDED] = {3, 2, 1, 1},
    [CONV_MANY_TAPS] = {5, 1, 1, 2},    [CONV_MANY_TAPS_STRIDED] = {7, 2, 1, 3},
};

struct table {
    char letter[CONV_LEVELS][CONV_PASSES][CONV_KINDS][CONV_CHANNELS][CONV_CHANNELS][CONV_SPOTS + 1];
};

struct tune {
    sw_context *ctx;
    float *values; /* every operand, of up to `most` numbers */
    int64_t most;
};

static void stop(const char *what)
{
    fprintf(stderr, "conv_tune: %s\n", what);
    exit(1);
}

static void must(const struct tune *t, sw_status status)
{
    if (status != SW_OK) stop(sw_error(t->ctx));
}

/* ---- one convolution ------------------------------------------------------------------------------ */

struct layer {
    struct conv_attr attr;
    struct conv_dims dims;
};

static struct layer layer_of(const struct conv_key *k, int64_t images)
{
    const int64_t size = sw__conv_sizes[k->kind][k->spot], stride = filters[k->kind].stride;
    const int64_t c = sw__conv_channels[k->in], o = sw__conv_channels[k->out];
    const int64_t pad = filters[k->kind].pad, kernel = filters[k->kind].kernel;
    const int64_t dilation = filters[k->kind].dilation;
    return (struct layer){.attr = {.stride = {stride, stride},
                                   .dilation = {dilation, dilation},
                                   .pad = {pad, pad, pad, pad},
                                   .groups = 1,
                                   .rank = 4,
                                   .compute = SW_F32},
                          .dims = {.n = images,
                                   .groups = 1,
                                   .c = c,
                                   .in = {size * stride, size * stride},
                                   .o = o,
                                   .out = {size, size},
                                   .kernel = {kernel, kernel},
                                   .cg = c,
                                   .og = o}};
}

static double flops(const struct layer *l)
{
    const struct conv_dims *d = &l->dims;
    return 2.0 * (double)(d->n * d->c * d->o) * (double)(d->out[0] * d->out[1]) *
           (double)(d->kernel[0] * d->kernel[1]);
}

struct work {
    sw_weights *ws;
    sw_graph *g;
    sw_plan *plan;
    double seconds; /* the least of all turns; 0: not allowed */
};

static sw_node *input(struct tune *t, const struct work *w, const char *name, sw_shape shape)
{
    if (sw_shape_elements(&shape) > t->most) stop("a layer is larger than foreseen");
    return sw_input(w->g, name, SW_F32, shape);
}

static void open(struct tune *t, struct work *w, enum conv_pass pass, const struct layer *l)
{
    const struct conv_dims *d = &l->dims;
    const sw_shape xs = SW_SHAPE(d->n, d->c, d->in[0], d->in[1]);
    const sw_shape ys = SW_SHAPE(d->n, d->o, d->out[0], d->out[1]);
    must(t, sw_weights_create(t->ctx, &w->ws));
    must(t, sw_graph_create(t->ctx, &w->g));
    sw_node *x = input(t, w, "x", xs), *dy = input(t, w, "dy", ys);
    sw_node *k = sw_param(w->g, w->ws, "w", SW_F32,
                          SW_SHAPE(d->o, d->c, d->kernel[0], d->kernel[1]), sw_init_uniform(-1, 1));
    sw_node *y = pass == CONV_FORWARD ? sw__conv_forward(w->g, &l->attr, x, k, NULL)
                 : pass == CONV_DATA  ? sw__conv_grad_input(w->g, &l->attr, dy, k, x)
                                      : sw__conv_grad_weight(w->g, &l->attr, x, dy, k);
    must(t, sw_graph_status(w->g));
    must(t, sw_compile(w->g, (sw_plan_options){.outputs = &y, .n_outputs = 1}, &w->plan));
    if (pass != CONV_DATA) must(t, sw_bind(w->plan, x, t->values, xs));
    if (pass != CONV_FORWARD) must(t, sw_bind(w->plan, dy, t->values, ys));
    must(t, sw_run(w->plan));
}

static void close(struct work *w)
{
    sw_plan_destroy(w->plan);
    sw_graph_destroy(w->g);
    sw_weights_destroy(w->ws);
}

/* One turn: the least time of a run. */
static double turn(struct tune *t, const struct work *w)
{
    const double start = sw__clock_seconds();
    double last = start, least = 0;
    do {
        must(t, sw_run(w->plan));
        const double now = sw__clock_seconds();
        if (least == 0 || now - last < least) least = now - last;
        last = now;
    } while (last - start < turn_seconds);
    return least;
}

/* seconds[] of each way by turns, 0 where it is not allowed. */
static void measure(struct tune *t, const struct conv_key *k, int64_t images, double seconds[WAYS])
{
    const enum conv_pass pass = (enum conv_pass)k->pass;
    struct work work[WAYS] = {0};
    struct layer l = layer_of(k, images);
    for (int i = 0; i < WAYS; i++) {
        seconds[i] = 0;
        l.attr.way = ways[i];
        if (sw__conv_allows(pass, ways[i], &l.attr, &l.dims)) open(t, &work[i], pass, &l);
    }
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < WAYS; i++) {
            if (!work[i].plan) continue;
            const double s = turn(t, &work[i]);
            if (seconds[i] == 0 || s < seconds[i]) seconds[i] = s;
        }
    for (int i = 0; i < WAYS; i++) close(&work[i]);
}

/* ---- an entry ------------------------------------------------------------------------------------- */

/* The least score wins, which is the time of one image by that of some; 0: not allowed. */
static char better(const double score[WAYS], char now)
{
    int best = -1, kept = -1;
    for (int i = 0; i < WAYS; i++) {
        if (score[i] == 0) continue;
        if (best < 0 || score[i] < score[best]) best = i;
        if ((char)ways[i] == now) kept = i;
    }
    return kept >= 0 && score[kept] <= MARGIN * score[best] ? now : (char)ways[best];
}

static int64_t some_images(const struct tune *t, const struct layer *l)
{
    const struct conv_dims *d = &l->dims;
    const int64_t numbers = d->c * d->in[0] * d->in[1] + d->o * d->out[0] * d->out[1];
    const int64_t by_flops = (int64_t)(some_flops / flops(l)), fit = t->most / numbers;
    const int64_t n = by_flops < fit ? by_flops : fit;
    return n < 1 ? 1 : n > MOST_IMAGES ? MOST_IMAGES : n;
}

static char entry(struct tune *t, const struct conv_key *k, char now)
{
    double one[WAYS], some[WAYS], score[WAYS];
    const struct layer l = layer_of(k, 1);
    int allowed = 0, only = 0;
    for (int i = 0; i < WAYS; i++)
        if (sw__conv_allows((enum conv_pass)k->pass, ways[i], &l.attr, &l.dims)) {
            allowed++;
            only = i;
        }
    if (allowed == 1) return (char)ways[only];
    const int64_t images = some_images(t, &l);
    measure(t, k, 1, one);
    measure(t, k, images, some);
    for (int i = 0; i < WAYS; i++) score[i] = one[i] * some[i];
    return better(score, now);
}

static void measure_row(struct tune *t, struct conv_key k, char row[CONV_SPOTS + 1])
{
    for (k.spot = 0; k.spot < CONV_SPOTS; k.spot++) {
        const struct layer l = layer_of(&k, 1);
        row[k.spot] = flops(&l) > most_flops ? row[k.spot - 1] : entry(t, &k, row[k.spot]);
    }
}

static const char *const passes[CONV_PASSES] = {"forward", "by data", "by weights"};
static const char *const kinds[CONV_KINDS] = {"3x3 for Winograd", "one tap",
                                              "few taps",         "few taps, strided",
                                              "many taps",        "many taps, strided"};

static bool is_part(const char *part, int pass, int kind)
{
    char name[64];
    snprintf(name, sizeof name, "%s, %s", passes[pass], kinds[kind]);
    return !part || strstr(name, part);
}

static void measure_kind(struct tune *t, struct table *table, struct conv_key k)
{
    for (k.in = 0; k.in < CONV_CHANNELS; k.in++)
        for (k.out = 0; k.out < CONV_CHANNELS; k.out++)
            measure_row(t, k, table->letter[k.level][k.pass][k.kind][k.in][k.out]);
}

static void measure_level(struct table *table, int level, const char *part)
{
    struct tune t = {.most = 1 << 23};
    const sw_context_options o = {.threads = 1, .cpu = levels[level]};
    if (sw_context_create(&o, &t.ctx) != SW_OK) {
        fprintf(stderr, "conv_tune: this CPU has no %s: its entries stay\n", levels[level]);
        return;
    }
    t.values = sw__aligned_alloc((size_t)t.most * sizeof *t.values);
    if (!t.values) stop("out of memory");
    for (int64_t i = 0; i < t.most; i++) t.values[i] = (float)(i % 251) / 251 - 0.5f;
    for (int pass = 0; pass < CONV_PASSES; pass++)
        for (int kind = 0; kind < CONV_KINDS; kind++)
            if (is_part(part, pass, kind))
                measure_kind(&t, table,
                             (struct conv_key){.level = level, .pass = pass, .kind = kind});
    sw__aligned_free(t.values);
    sw_context_destroy(t.ctx);
}

/* ---- the file ------------------------------------------------------------------------------------- */

static void write_kind(FILE *f, const struct table *t, int level, int pass, int kind)
{
    fprintf(f, "        {/* %s, %s, %s; sizes", levels[level], passes[pass], kinds[kind]);
    for (int i = 0; i < CONV_SPOTS; i++) fprintf(f, " %d", sw__conv_sizes[kind][i]);
    fprintf(f, " */\n");
    for (int in = 0; in < CONV_CHANNELS; in++) {
        fprintf(f, "         {");
        for (int out = 0; out < CONV_CHANNELS; out++)
            fprintf(f, "\"%s\"%s", t->letter[level][pass][kind][in][out],
                    out + 1 < CONV_CHANNELS ? ", " : "");
        fprintf(f, "}, /* %d */\n", sw__conv_channels[in]);
    }
    fprintf(f, "        },\n");
}

static void write_table(FILE *f, const struct table *t)
{
    fprintf(f,
            "/* Which algorithm computes a convolution fastest: W Winograd, D direct, P product\n"
            " * (conv_choice.h).  Written by `make tune` (bench/tune/conv_tune.c), last on\n"
            " * %s; not edited by hand.\n"
            " *\n"
            " * Rows are channels of x, columns those of y, letters sizes of the image. */\n"
            "#include \"graph/ops/conv_choice.h\"\n\n"
            "/* clang-format off */\n"
            "const char sw__conv_table[CONV_LEVELS][CONV_PASSES][CONV_KINDS][CONV_CHANNELS]\n"
            "                         [CONV_CHANNELS][CONV_SPOTS + 1] = {\n",
            sw__cpu()->name);
    for (int level = 0; level < CONV_LEVELS; level++) {
        fprintf(f, "    {\n");
        for (int pass = 0; pass < CONV_PASSES; pass++) {
            fprintf(f, "       {\n");
            for (int kind = 0; kind < CONV_KINDS; kind++) write_kind(f, t, level, pass, kind);
            fprintf(f, "       },\n");
        }
        fprintf(f, "    },\n");
    }
    fprintf(f, "};\n/* clang-format on */\n");
}

int main(int argc, char **argv)
{
    static struct table table;
    if (argc < 2 || argc > 4)
        stop("usage: conv_tune FILE [ISA [PART]]: measure all, or one ISA, or a part of it, and "
             "write "
             "the table");
    memcpy(&table, sw__conv_table, sizeof table);
    for (int level = 0; level < CONV_LEVELS; level++)
        if (argc == 2 || strcmp(argv[2], levels[level]) == 0)
            measure_level(&table, level, argc > 3 ? argv[3] : NULL);
    FILE *f = fopen(argv[1], "w");
    if (!f) stop("cannot write the file");
    write_table(f, &table);
    if (fclose(f)) stop("cannot write the file");
    return 0;
}

/* The runner of op tests: see op_test.h for what is checked. */
#include "op_test.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/rng.h"
#include "graph/graph_int.h"
#include "graph/op_list.h"
#include "graph/plan_int.h"

#define OP_TABLE(name) extern const struct op_case optest_##name[];
SW_OP_LIST(OP_TABLE)
#undef OP_TABLE

static const struct {
    const char *name;
    const struct op_case *cases;
} tables[] = {
#define OP_ROW(name) {#name, optest_##name},
    SW_OP_LIST(OP_ROW)
#undef OP_ROW
};

/* Gradient-only ops, and whether some gradient test ran them. */
static struct {
    const char *name, *forward;
    bool ran;
} backward_ops[] = {
#define OP_BACKWARD(name, fwd) {#name, #fwd, false},
    SW_BACKWARD_OP_LIST(OP_BACKWARD)
#undef OP_BACKWARD
        {NULL, NULL, true}};

static int64_t failures, checks;
static const char *filter;

static void fail(const char *op, const struct op_case *c, const char *format, ...)
{
    va_list args;
    if (++failures > 40) return;
    printf("FAIL %s / %s: ", op, c->name);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
}

static void *need(void *p)
{
    if (!p) {
        printf("the test itself is out of memory\n");
        exit(1);
    }
    return p;
}

/* ---- helpers for oracles ----------------------------------------------------------------------- */

int64_t oracle_count(const struct oracle_array *a)
{
    return sw_shape_elements(&a->shape);
}

void oracle_strides(const sw_shape *shape, int rank, int64_t *strides)
{
    int64_t stride = 1;
    for (int i = 0; i < rank; i++) strides[i] = 0;
    for (int i = shape->rank - 1, j = rank - 1; i >= 0 && j >= 0; i--, j--) {
        strides[j] = shape->dim[i] == 1 ? 0 : stride;
        stride *= shape->dim[i];
    }
}

/* ---- inputs ------------------------------------------------------------------------------------ */

struct data {
    struct oracle_array v[OP_MAX_INPUTS]; /* rounded to the dtype */
    void *raw[OP_MAX_INPUTS];             /* in the dtype */
    size_t bytes[OP_MAX_INPUTS];
};

static bool is_integer(sw_dtype t)
{
    return t == SW_I32 || t == SW_I8 || t == SW_U8;
}

static void fill_input(const struct op_input *in, int number, uint64_t seed, double *v, int64_t n)
{
    struct sw_rng rng = {seed, (uint64_t)number + 1, 0};
    double lo = in->lo, hi = in->hi;
    if (lo == 0 && hi == 0) {
        lo = -1;
        hi = 1;
    }
    for (int64_t i = 0; i < n; i++) {
        if (in->values)
            v[i] = in->values[i];
        else if (is_integer(in->dtype))
            v[i] = lo + (double)sw__rng_below(&rng, (uint64_t)(hi - lo) + 1);
        else
            v[i] = lo + (hi - lo) * (double)sw__rng_u32(&rng) * 0x1p-32;
    }
    if (in->separate <= 0 || in->values) return;
    /* Distinct multiples of `separate` in a random order, shifted off zero. */
    for (int64_t i = 0; i < n; i++) v[i] = ((double)(i - n / 2) + 0.5) * in->separate;
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = (int64_t)sw__rng_below(&rng, (uint64_t)i + 1);
        double t = v[i];
        v[i] = v[j];
        v[j] = t;
    }
}

static void data_make(const struct op_case *c, struct data *d)
{
    for (int i = 0; i < c->n_in; i++) {
        const struct op_input *in = &c->in[i];
        int64_t n = sw_shape_elements(&in->shape);
        float *f = need(malloc((size_t)n * sizeof *f + 1));
        d->v[i].shape = in->shape;
        d->v[i].v = need(malloc((size_t)n * sizeof(double) + 1));
        d->bytes[i] = (size_t)sw_shape_bytes(&in->shape, in->dtype);
        d->raw[i] = need(malloc(d->bytes[i] + 1));
        fill_input(in, i, 7, d->v[i].v, n);
        if (in->dtype == SW_I32) {
            for (int64_t j = 0; j < n; j++) ((int32_t *)d->raw[i])[j] = (int32_t)d->v[i].v[j];
        } else {
            for (int64_t j = 0; j < n; j++) f[j] = (float)d->v[i].v[j];
            sw_convert(d->raw[i], in->dtype, f, SW_F32, n);
            sw_convert(f, SW_F32, d->raw[i], in->dtype, n);
            for (int64_t j = 0; j < n; j++) d->v[i].v[j] = (double)f[j];
        }
        free(f);
    }
}

static void data_free(const struct op_case *c, struct data *d)
{
    for (int i = 0; i < c->n_in; i++) {
        free(d->v[i].v);
        free(d->raw[i]);
    }
}

/* ---- one run on the engine --------------------------------------------------------------------- */

struct setup {
    const char *cpu;
    int threads;
    bool no_fusion, gradient, first_row;
    sw_recompute recompute;
};

struct result {
    void *out[OP_MAX_OUTPUTS];
    sw_tensor t[OP_MAX_OUTPUTS];
    float *grad[OP_MAX_INPUTS];
    void *after[OP_MAX_INPUTS];
};

static void result_free(struct result *r)
{
    for (int i = 0; i < OP_MAX_OUTPUTS; i++) free(r->out[i]);
    for (int i = 0; i < OP_MAX_INPUTS; i++) {
        free(r->grad[i]);
        free(r->after[i]);
    }
    memset(r, 0, sizeof *r);
}

static int outputs_of(const struct op_case *c)
{
    return c->n_out ? c->n_out : 1;
}

/* The fixed weights r of the scalar L = sum r*y. */
static float loss_weight(int output, int64_t i)
{
    return sw__uniform_of(sw__random_u32(99, (uint64_t)output, (uint64_t)i)) * 2 - 1;
}

static sw_node *build_loss(sw_graph *g, sw_node *const *out, int n)
{
    sw_node *loss = NULL;
    for (int o = 0; o < n; o++) {
        sw_shape shape = sw_node_shape(out[o]);
        int64_t count = sw_shape_elements(&shape);
        if (sw_node_dtype(out[o]) != SW_F32 || count <= 0) continue;
        float *r = need(malloc((size_t)count * sizeof *r));
        for (int64_t i = 0; i < count; i++) r[i] = loss_weight(o, i);
        sw_node *part = sw_sum(g, sw_mul(g, out[o], sw_const(g, SW_F32, shape, r)),
                               (sw_reduce_options){.n_axes = 0});
        free(r);
        loss = loss ? sw_add(g, loss, part) : part;
    }
    return loss;
}

static void note_backward(const sw_plan *p)
{
    for (int64_t i = 0; i < p->n_ops; i++) {
        const struct sw_op_class *cls = p->ops[i].cls;
        if (!p->ops[i].runs && !(cls->flags & SW_OP_VIEW)) continue; /* a view has no step */
        for (size_t b = 0; backward_ops[b].name; b++)
            if (strcmp(backward_ops[b].name, cls->name) == 0) backward_ops[b].ran = true;
    }
}

static void *copy_of(const void *p, size_t n)
{
    void *c = need(malloc(n + 1));
    if (n) memcpy(c, p, n);
    return c;
}

/* One context for each ISA and number of threads, made at first use: a new pool of threads for each of
 * the thousands of runs would cost more than the runs. */
static sw_context *contexts[SW_ISA_COUNT][8];

static sw_context *context_for(const struct setup *s)
{
    sw_context **ctx = &contexts[sw__isa_find(s->cpu)][s->threads];
    if (!*ctx) sw_context_create(&(sw_context_options){.threads = s->threads, .cpu = s->cpu}, ctx);
    return need(*ctx);
}

static void contexts_free(void)
{
    for (int i = 0; i < SW_ISA_COUNT; i++)
        for (int j = 0; j < 8; j++) sw_context_destroy(contexts[i][j]);
}

/* Build, compile, bind, run, copy the results out.  False: an error (reported). */
static bool run_case(const char *op, const struct op_case *c, const struct data *d,
                     const struct setup *s, struct result *r)
{
    sw_context *ctx = context_for(s);
    sw_weights *ws = NULL;
    sw_graph *g = NULL;
    sw_plan *p = NULL;
    sw_node *in[OP_MAX_INPUTS] = {0}, *out[OP_MAX_OUTPUTS] = {0}, *wanted[16], *grads[16], *wrt[16];
    int n_wrt = 0, wrt_input[16], n_out = outputs_of(c), n_wanted = 0;
    bool ok = false;
    memset(r, 0, sizeof *r);
    sw_weights_create(ctx, &ws);
    sw_graph_create(ctx, &g);
    for (int i = 0; i < c->n_in; i++) {
        char name[16];
        snprintf(name, sizeof name, "in%d", i);
        if (c->in[i].weight || c->in[i].state) {
            in[i] = (c->in[i].weight ? sw_param : sw_state)(g, ws, name, c->in[i].dtype,
                                                            c->in[i].shape, sw_init_zeros());
            if (sw_graph_status(g) == SW_OK)
                sw_weight_set(sw_node_weight(in[i]), d->raw[i], d->bytes[i]);
        } else {
            in[i] = sw_input(g, name, c->in[i].dtype, c->in[i].shape);
        }
        if (c->in[i].grad) {
            wrt[n_wrt] = in[i];
            wrt_input[n_wrt++] = i;
        }
    }
    c->build(g, in, out, c->arg);
    for (int i = 0; i < n_out; i++) wanted[n_wanted++] = out[i];
    if (s->gradient && n_wrt) {
        sw_node *loss = sw_graph_status(g) == SW_OK ? build_loss(g, out, n_out) : NULL;
        if (loss) sw_grad(g, loss, wrt, n_wrt, grads);
        for (int i = 0; i < n_wrt && loss; i++) wanted[n_wanted++] = grads[i];
    }
    sw_plan_options o = {.outputs = wanted,
                         .n_outputs = n_wanted,
                         .no_fusion = s->no_fusion,
                         .recompute = s->recompute,
                         .name = op};
    if (sw_graph_status(g) != SW_OK || sw_compile(g, o, &p) != SW_OK) {
        fail(op, c, "%s (%s): %s", p ? "compile" : "build", s->cpu, sw_error(ctx));
        goto done;
    }
    note_backward(p);
    sw_plan_seed(p, 5, 3);
    for (int i = 0; i < c->n_in; i++) {
        sw_shape shape = c->in[i].shape;
        if (c->in[i].weight || c->in[i].state || !in[i]) continue;
        if (s->first_row && (c->batch >> i & 1)) shape.dim[0] = 1;
        if (p->value_of[in[i]->id] >= 0 && sw_bind(p, in[i], d->raw[i], shape) != SW_OK) {
            fail(op, c, "bind: %s", sw_error(ctx));
            goto done;
        }
    }
    if (sw_run(p) != SW_OK) {
        fail(op, c, "run (%s): %s", s->cpu, sw_error(ctx));
        goto done;
    }
    for (int i = 0; i < n_out; i++) {
        r->t[i] = sw_plan_tensor(p, out[i]);
        r->out[i] = copy_of(r->t[i].data, (size_t)sw_shape_bytes(&r->t[i].shape, r->t[i].dtype));
    }
    for (int i = 0; s->gradient && i < n_wrt && n_wanted > n_out; i++) {
        sw_tensor t = sw_plan_tensor(p, grads[i]);
        r->grad[wrt_input[i]] = copy_of(t.data, (size_t)sw_shape_bytes(&t.shape, t.dtype));
    }
    for (int i = 0; i < c->n_in; i++)
        if (c->in[i].state)
            r->after[i] = copy_of(sw_weight_tensor(sw_node_weight(in[i])).data, d->bytes[i]);
    ok = true;
done:
    sw_plan_destroy(p);
    sw_graph_destroy(g);
    sw_weights_destroy(ws);
    return ok;
}

/* ---- comparisons ------------------------------------------------------------------------------- */

static double element(const void *data, sw_dtype t, int64_t i)
{
    if (t == SW_I32) return ((const int32_t *)data)[i];
    float block[256] = {0};
    const sw_dtype_info *info = sw_dtype_get(t);
    const int64_t n = info->block_elements;
    sw_convert(block, SW_F32, (const char *)data + i / n * info->block_bytes, t, n);
    return (double)block[i % n];
}

static void compare(const char *op, const struct op_case *c, const char *what, const char *cpu,
                    const void *got, sw_dtype type, const double *want, int64_t n, double tol)
{
    double scale = 1, worst = 0;
    int64_t at = -1;
    checks++;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(want[i]) && fabs(want[i]) > scale) scale = fabs(want[i]);
    for (int64_t i = 0; i < n; i++) {
        double y = element(got, type, i), e;
        if (isnan(want[i]) || isinf(want[i]))
            e = (isnan(want[i]) ? isnan(y) : y == want[i]) ? 0 : INFINITY;
        else
            e = isnan(y)
                    ? INFINITY
                    : fabs(y - (tol == 0 && type == SW_F32 ? (double)(float)want[i] : want[i]));
        if (e > worst || at < 0) {
            worst = e;
            at = i;
        }
    }
    if (n > 0 && worst > tol * scale)
        fail(op, c, "%s on %s: element %lld is %.9g, oracle %.9g, error %.3g over %.3g", what, cpu,
             (long long)at, element(got, type, at), want[at], worst, tol * scale);
}

static void same_bits(const char *op, const struct op_case *c, const struct setup *s,
                      const struct result *a, const struct result *b, const char *what)
{
    checks++;
    for (int i = 0; i < outputs_of(c); i++)
        if (memcmp(a->out[i], b->out[i], (size_t)sw_shape_bytes(&a->t[i].shape, a->t[i].dtype)) !=
            0)
            fail(op, c, "output %d has other bits %s (%s)", i, what, s->cpu);
    for (int i = 0; i < c->n_in; i++)
        if (a->grad[i] && b->grad[i] &&
            memcmp(a->grad[i], b->grad[i],
                   (size_t)sw_shape_elements(&c->in[i].shape) * sizeof(float)) != 0)
            fail(op, c, "gradient of input %d has other bits %s (%s)", i, what, s->cpu);
    for (int i = 0; i < c->n_in; i++)
        if (a->after[i] && b->after[i] &&
            memcmp(a->after[i], b->after[i],
                   (size_t)sw_shape_bytes(&c->in[i].shape, c->in[i].dtype)) != 0)
            fail(op, c, "state %d has other bits after the run %s (%s)", i, what, s->cpu);
}

/* ---- gradient against central differences of the oracle ---------------------------------------- */

static double oracle_loss(const struct op_case *c, const struct oracle_array *in,
                          struct oracle_array *out)
{
    double sum = 0;
    c->oracle(in, out, c->arg);
    for (int o = 0; o < outputs_of(c); o++)
        for (int64_t i = 0; i < oracle_count(&out[o]); i++)
            sum += (double)loss_weight(o, i) * out[o].v[i];
    return sum;
}

static void check_gradient(const char *op, const struct op_case *c, const struct data *d,
                           const struct setup *s, const struct result *r, struct oracle_array *out)
{
    for (int k = 0; k < c->n_in; k++) {
        if (!c->in[k].grad || !r->grad[k]) continue;
        int64_t n = sw_shape_elements(&c->in[k].shape), step = n > 200 ? n / 100 : 1;
        double worst = 0, largest = 1, got = 0, want = 0;
        int64_t at = 0;
        checks++;
        for (int64_t i = 0; i < n; i += step) {
            double x = d->v[k].v[i], h = 1e-5 * fmax(1, fabs(x));
            d->v[k].v[i] = x + h;
            double up = oracle_loss(c, d->v, out);
            d->v[k].v[i] = x - h;
            double down = oracle_loss(c, d->v, out);
            d->v[k].v[i] = x;
            double slope = (up - down) / (2 * h), g = (double)r->grad[k][i];
            if (fabs(slope) > largest) largest = fabs(slope);
            double e = isnan(g) ? INFINITY : fabs(slope - g);
            if (e > worst) {
                worst = e;
                at = i;
                got = g;
                want = slope;
            }
        }
        double tol = c->grad_tol > 0 ? c->grad_tol : 2e-3;
        if (worst > tol * largest)
            fail(op, c, "gradient of input %d on %s: element %lld is %.7g, differences say %.7g", k,
                 s->cpu, (long long)at, got, want);
    }
}

/* ---- a case ------------------------------------------------------------------------------------ */

static void check_oracle(const char *op, const struct op_case *c, struct data *d,
                         const struct setup *s, const struct result *r)
{
    struct oracle_array out[OP_MAX_OUTPUTS], after[OP_MAX_INPUTS];
    int n_out = outputs_of(c);
    for (int i = 0; i < n_out; i++) {
        out[i].shape = r->t[i].shape;
        out[i].v = need(calloc((size_t)oracle_count(&out[i]) + 1, sizeof(double)));
    }
    if (c->expect.rank && !sw_shape_equal(&c->expect, &r->t[0].shape)) {
        char a[SW_SHAPE_TEXT], b[SW_SHAPE_TEXT];
        fail(op, c, "shape %s, expected %s", sw_shape_text(&r->t[0].shape, a),
             sw_shape_text(&c->expect, b));
    } else {
        c->oracle(d->v, out, c->arg);
        for (int i = 0; i < n_out; i++)
            compare(op, c, "output", s->cpu, r->out[i], r->t[i].dtype, out[i].v,
                    oracle_count(&out[i]), c->tol);
        for (int i = 0; c->oracle_after && i < c->n_in; i++) {
            after[i] = d->v[i];
            after[i].v = copy_of(d->v[i].v, (size_t)oracle_count(&d->v[i]) * sizeof(double));
        }
        if (c->oracle_after) c->oracle_after(d->v, after, c->arg);
        for (int i = 0; c->oracle_after && i < c->n_in; i++) {
            if (c->in[i].state)
                compare(op, c, "state after", s->cpu, r->after[i], c->in[i].dtype, after[i].v,
                        oracle_count(&after[i]), c->tol);
            free(after[i].v);
        }
        check_gradient(op, c, d, s, r, out);
    }
    for (int i = 0; i < n_out; i++) free(out[i].v);
}

static void check_row(const char *op, const struct op_case *c, const struct data *d,
                      const struct setup *s, const struct result *whole)
{
    struct setup one = *s;
    struct result r;
    one.first_row = true;
    one.gradient = false;
    checks++;
    if (run_case(op, c, d, &one, &r))
        for (int i = 0; i < outputs_of(c); i++) {
            sw_shape shape = r.t[i].shape;
            if (shape.rank != whole->t[i].shape.rank || !shape.rank) continue;
            if (memcmp(r.out[i], whole->out[i], (size_t)sw_shape_bytes(&shape, r.t[i].dtype)) != 0)
                fail(op, c, "the first row alone has other bits than in the whole (%s)", s->cpu);
        }
    result_free(&r);
}

static void variant(const char *op, const struct op_case *c, const struct data *d,
                    const struct setup *s, const struct result *whole, const char *what)
{
    struct result r;
    if (run_case(op, c, d, s, &r)) same_bits(op, c, s, whole, &r, what);
    result_free(&r);
}

static void test_case(const char *op, const struct op_case *c)
{
    struct data d = {0};
    data_make(c, &d);
    const int best = sw__cpu()->best;
    for (int isa = 0; isa <= best; isa++) {
        if (isa > SW_ISA_AVX512 && isa < best && !c->every_isa) continue;
        struct setup s = {.cpu = sw__isa_name((enum sw_isa)isa), .threads = 1, .gradient = true};
        struct result r;
        if (run_case(op, c, &d, &s, &r)) {
            check_oracle(op, c, &d, &s, &r);
            for (int t = 2; t <= 7; t = t == 2 ? 3 : t + 4) {
                struct setup many = s;
                char what[32];
                many.threads = t;
                snprintf(what, sizeof what, "with %d threads", t);
                variant(op, c, &d, &many, &r, what);
            }
            struct setup other = s;
            other.no_fusion = true;
            if (!c->fusion_differs) variant(op, c, &d, &other, &r, "without fusion");
            other.no_fusion = false;
            other.recompute = SW_RECOMPUTE_CHEAP;
            variant(op, c, &d, &other, &r, "with recompute (cheap)");
            other.recompute = SW_RECOMPUTE_KEPT;
            variant(op, c, &d, &other, &r, "with recompute (kept)");
            if (c->batch) check_row(op, c, &d, &s, &r);
        }
        result_free(&r);
    }
    data_free(c, &d);
}

/* ---- errors ------------------------------------------------------------------------------------ */

static void test_error(const struct op_error_case *c)
{
    const struct op_case as_case = {.name = c->name};
    sw_context *ctx;
    sw_weights *ws;
    sw_graph *g;
    sw_node *in[OP_MAX_INPUTS] = {0}, *out[OP_MAX_OUTPUTS] = {0};
    sw_context_create(&(sw_context_options){.threads = 1}, &ctx);
    sw_weights_create(ctx, &ws);
    sw_graph_create(ctx, &g);
    for (int i = 0; i < c->n_in; i++)
        in[i] = c->in[i].weight || c->in[i].state
                    ? sw_state(g, ws, i ? "in1" : "in0", c->in[i].dtype, c->in[i].shape,
                               sw_init_zeros())
                    : sw_input(g, "in", c->in[i].dtype, c->in[i].shape);
    c->build(g, in, out, c->arg);
    checks++;
    if (sw_graph_status(g) != c->status)
        fail("errors", &as_case, "status %s, expected %s (%s)", sw_status_name(sw_graph_status(g)),
             sw_status_name(c->status), sw_error(ctx));
    for (int i = 0; i < 4 && c->text[i]; i++)
        if (!strstr(sw_error(ctx), c->text[i]))
            fail("errors", &as_case, "\"%s\" is not in \"%s\"", c->text[i], sw_error(ctx));
    sw_graph_destroy(g);
    sw_weights_destroy(ws);
    sw_context_destroy(ctx);
}

/* Whether an op is among those of this run: its name begins with the filter, and its number is in the
 * part. */
static bool chosen(size_t number, int part, int parts)
{
    return strncmp(tables[number].name, filter, strlen(filter)) == 0 &&
           (int)(number % (size_t)parts) == part;
}

/* An op made by gradient rules must have run if the op that is to run it was among the chosen. */
static void check_backward_ops(int part, int parts)
{
    for (size_t b = 0; backward_ops[b].name; b++)
        for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
            if (strcmp(tables[i].name, backward_ops[b].forward) != 0 || !chosen(i, part, parts))
                continue;
            if (backward_ops[b].ran) break;
            failures++;
            printf("FAIL %s: no gradient test of %s ran it\n", backward_ops[b].name,
                   backward_ops[b].forward);
        }
}

/* op_test [OP [K/N]]: all ops, or those whose name begins with OP ("" for all), of these the K-th of N
 * parts; "errors" for the error cases, which the first part has too. */
int main(int argc, char **argv)
{
    int ops = 0, part = 0, parts = 1;
    filter = argc > 1 ? argv[1] : "";
    if (argc > 2 && (sscanf(argv[2], "%d/%d", &part, &parts) != 2 || part < 1 || part > parts)) {
        printf("usage: op_test [OP [K/N]]\n");
        return 1;
    }
    part -= argc > 2;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        if (!chosen(i, part, parts)) continue;
        ops++;
        if (!tables[i].cases[0].name) {
            failures++;
            printf("FAIL %s: no case\n", tables[i].name);
        }
        for (const struct op_case *c = tables[i].cases; c->name; c++) test_case(tables[i].name, c);
    }
    bool errors = (!*filter && part == 0) || strcmp(filter, "errors") == 0;
    for (size_t i = 0; errors && op_error_tables[i].family; i++)
        for (const struct op_error_case *c = op_error_tables[i].cases; c->name; c++) test_error(c);
    check_backward_ops(part, parts);
    contexts_free();
    printf("%d ops, %lld checks, %lld failures\n", ops, (long long)checks, (long long)failures);
    return failures ? 1 : 0;
}

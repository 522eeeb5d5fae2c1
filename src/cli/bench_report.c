/* Figures of the rows, against peers and limits, as a table and as JSON. */
#include "cli/bench_report.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/cpu.h"

/* What fits into one second-level cache stays there from run to run.  Else bytes that are read and
 * written go at the speed of a copy, of a triad (two read, one written), and
 * what is read beyond that at the speed of reading. */
static double memory_seconds(const struct bench_row *row, const struct sw_limits *l)
{
    const double copied = fmin(row->read, row->written), more = row->read - copied;
    if (row->read + row->written <= (double)sw__cpu()->l2 && l->cache_bytes > 0)
        return (row->read + row->written) / l->cache_bytes;
    if (row->written > 0 && row->read == 2 * row->written)
        return (row->read + row->written) / l->triad_bytes;
    return 2 * copied / l->copy_bytes + more / l->read_bytes;
}

static double arithmetic_seconds(const struct bench_row *row, const struct sw_limits *l)
{
    switch (row->unit) {
    case BENCH_FLOPS_F32: return row->operations / l->f32_flops;
    case BENCH_FLOPS_BF16: return row->operations / l->bf16_flops;
    case BENCH_OPS_INT8: return row->operations / l->int8_ops;
    default: return 0;
    }
}

struct bench_figure bench_figure(const struct bench_row *row, const struct bench_times *times,
                                 const struct sw_limits *limits)
{
    struct bench_figure f = {.row = row, .times = *times};
    const struct sw_limits *memory = times->memory.read_bytes > 0 ? &times->memory : limits;
    const double least = fmax(arithmetic_seconds(row, limits), memory_seconds(row, memory));
    f.rate = row->unit == BENCH_SECONDS ? times->ours
             : row->unit == BENCH_BYTES ? (row->read + row->written) / times->ours
                                        : row->operations / times->ours;
    if (times->peer > 0) f.ratio = times->peer / times->ours;
    if (row->unit != BENCH_SECONDS) f.share = least / times->ours;
    if (times->f32_flops > 0) f.same_clock = row->operations / times->f32_flops / times->ours;
    return f;
}

static const char *unit_name(const struct bench_row *row)
{
    static const char *const names[] = {"GFLOP/s", "GFLOP/s", "GOP/s", "GB/s", "us"};
    return names[row->unit];
}

/* In the row's unit. */
static double ours_of(const struct bench_figure *f)
{
    return f->row->unit == BENCH_SECONDS ? f->rate * 1e6 : f->rate * 1e-9;
}

static double peer_of(const struct bench_figure *f)
{
    return f->row->unit == BENCH_SECONDS ? ours_of(f) * f->ratio : ours_of(f) / f->ratio;
}

/* ---- table ------------------------------------------------------------------------------------------ */

void bench_print_head(FILE *to, const sw_context *ctx, const struct sw_limits *l)
{
    fprintf(to,
            "%s, %d threads, kernels for %s\nlimits: f32 %.0f and bf16 %.0f GFLOP/s, int8 %.0f "
            "GOP/s; memory read %.1f, copied %.1f, triad %.1f GB/s\n\n",
            sw__cpu()->name, sw_context_threads(ctx), sw_context_cpu(ctx), l->f32_flops * 1e-9,
            l->bf16_flops * 1e-9, l->int8_ops * 1e-9, l->read_bytes * 1e-9, l->copy_bytes * 1e-9,
            l->triad_bytes * 1e-9);
    fprintf(to, "%-26s %-6s %-28s %9s %-8s %9s %-10s %6s %7s %7s\n", "kernel", "dtype", "shape",
            "swell", "", "peer", "", "ratio", "limit", "clock");
}

void bench_print_row(FILE *to, const struct bench_figure *f)
{
    const struct bench_row *r = f->row;
    fprintf(to, "%-26s %-6s %-28s %9.1f %-8s", r->name, r->dtype, r->shape, ours_of(f),
            unit_name(r));
    if (f->ratio > 0)
        fprintf(to, " %9.1f %-10s %6.2f", peer_of(f), f->times.peer_name, f->ratio);
    else
        fprintf(to, " %9s %-10s %6s", "-", "", "-");
    if (f->share > 0)
        fprintf(to, " %5.0f %%", 100 * f->share);
    else
        fprintf(to, " %7s", "-");
    if (f->same_clock > 0)
        fprintf(to, " %5.0f %%\n", 100 * f->same_clock);
    else
        fprintf(to, " %7s\n", "-");
    fflush(to);
}

struct summary {
    int64_t count;
    double logs, worst;
    const struct bench_row *where;
};

static void take(struct summary *s, double value, const struct bench_row *row)
{
    if (value <= 0) return;
    s->logs += log(value);
    if (s->count++ == 0 || value < s->worst) {
        s->worst = value;
        s->where = row;
    }
}

static void print_group(FILE *to, const char *group, const char *dtype, const struct summary *ratio,
                        const struct summary *share)
{
    fprintf(to, "%-9s %-6s", group, dtype);
    if (ratio->count)
        fprintf(to, " %3lld ratios: geometric mean %.2f, worst %.2f (%s %s);",
                (long long)ratio->count, exp(ratio->logs / (double)ratio->count), ratio->worst,
                ratio->where->name, ratio->where->shape);
    if (share->count)
        fprintf(to, " of the limit: geometric mean %.0f %%, worst %.0f %% (%s %s)",
                100 * exp(share->logs / (double)share->count), 100 * share->worst,
                share->where->name, share->where->shape);
    fputc('\n', to);
}

void bench_print_summary(FILE *to, const struct bench_figure *f, int64_t n)
{
    fputc('\n', to);
    for (int64_t i = 0; i < n; i++) {
        const struct bench_row *first = f[i].row;
        struct summary ratio = {0}, share = {0};
        bool before = false;
        for (int64_t j = 0; j < n; j++) {
            const struct bench_row *r = f[j].row;
            if (strcmp(r->group, first->group) != 0 || strcmp(r->dtype, first->dtype) != 0)
                continue;
            before |= j < i;
            take(&ratio, f[j].ratio, r);
            take(&share, f[j].share, r);
        }
        if (!before && ratio.count + share.count > 0)
            print_group(to, first->group, first->dtype, &ratio, &share);
    }
}

/* ---- JSON ------------------------------------------------------------------------------------------- */

static json_t *number(double x)
{
    return x > 0 && isfinite(x) ? json_real(x) : json_null();
}

bool bench_print_json(FILE *to, const struct bench_figure *f, const char *isa)
{
    const struct bench_row *r = f->row;
    const bool peer = f->ratio > 0;
    json_t *o = json_pack(
        "{ss ss ss ss ss so so ss? so so so so so}", "name", r->name, "dtype", r->dtype, "isa", isa,
        "shape", r->shape, "unit", unit_name(r), "ours", number(ours_of(f)), "peer",
        number(peer ? peer_of(f) : 0), "peer_name", peer ? f->times.peer_name : NULL, "ratio",
        number(f->ratio), "share", number(f->share), "same_clock", number(f->same_clock), "seconds",
        number(f->times.ours), "intensity", number(r->operations / (r->read + r->written)));
    if (!o) return false;
    bool written = json_dumpf(o, to, JSON_COMPACT | JSON_REAL_PRECISION(6)) == 0;
    json_decref(o);
    return written;
}

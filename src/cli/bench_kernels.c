/* swell bench kernels: every kernel beside other libraries, and beside the limits of this machine. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/terminal.h"
#include "cli/bench_report.h"
#include "cli/peer_load.h"
#include "cli/roofline.h"
#include "cli/verbs.h"

static const char help[] =
    "usage: swell bench kernels [options]\n"
    "\n"
    "Measure kernels as plans of one op, by turns with other libraries where there are any: "
    "medians,\n"
    "the ratio to the fastest of them, and the share of what this machine's limits of arithmetic "
    "and\n"
    "memory allow, cool; the column clock is the share of the f32 limit right after our turn, for\n"
    "clocks fall under load.  Results that differ from the others' are an error.\n"
    "\n"
    "  --only GROUP,...     of: gemm, conv, layers, attention, decode, matvec, memory, dispatch,\n"
    "                       scaling\n"
    "  --gemm MxKxN         products of this one size\n"
    "  --name TEXT          rows whose name, dtype and shape, as printed, hold TEXT\n"
    "  --peers FILE         the module of other libraries, which 'make bench' builds\n"
    "  --threads N          default: all cores\n"
    "  --cpu ISA            at most these instructions, for all: ref, avx2, avx512, ...\n"
    "  --rounds N           turns of each (default 5, and 3 for long runs)\n"
    "  --roofline FILE.svg  draw the limits with every kernel under them\n"
    "  --list               name the rows, measure nothing\n"
    "  --json               an array of objects: name, dtype, isa, shape, ours, peer, ...\n"
    "\n"
    "examples:\n"
    "  swell bench kernels --only gemm --name 1024x1024x1024\n"
    "  swell bench kernels --peers build/release/bench/libswell_peers.so --roofline roofline.svg\n";

enum { ONLY = 1000, GEMM, NAME, PEERS, THREADS, CPU, ROUNDS, ROOFLINE, LIST, JSON };

static const struct option options[] = {{"only", required_argument, NULL, ONLY},
                                        {"gemm", required_argument, NULL, GEMM},
                                        {"name", required_argument, NULL, NAME},
                                        {"peers", required_argument, NULL, PEERS},
                                        {"threads", required_argument, NULL, THREADS},
                                        {"cpu", required_argument, NULL, CPU},
                                        {"rounds", required_argument, NULL, ROUNDS},
                                        {"roofline", required_argument, NULL, ROOFLINE},
                                        {"list", no_argument, NULL, LIST},
                                        {"json", no_argument, NULL, JSON},
                                        {"help", no_argument, NULL, 'h'},
                                        {0}};

static const struct group {
    const char *name;
    void (*rows)(struct bench_rows *rows);
} groups[] = {{"gemm", bench_gemm_rows},      {"conv", bench_conv_rows},
              {"layers", bench_layers_rows},  {"attention", bench_attention_rows},
              {"decode", bench_decode_rows},  {"matvec", bench_matvec_rows},
              {"memory", bench_memory_rows},  {"dispatch", bench_dispatch_rows},
              {"scaling", bench_scaling_rows}};

enum { GROUPS = sizeof groups / sizeof *groups };

struct kernels {
    const char *only, *name, *peers, *cpu, *roofline;
    int64_t threads, rounds;
    bool list, json;
    struct bench_rows rows;
    struct bench_figure *figures;
    int64_t n_figures;
};

/* ---- which rows ------------------------------------------------------------------------------------ */

/* Whether the name is in the list "a,b,c"; NULL: everything is. */
static bool listed(const char *list, const char *name)
{
    const size_t n = strlen(name);
    if (!list) return true;
    for (const char *at = list; (at = strstr(at, name)); at++)
        if ((at == list || at[-1] == ',') && (at[n] == 0 || at[n] == ',')) return true;
    return false;
}

static bool known_groups(const struct verb *verb, const char *list)
{
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        const size_t n = strcspn(at, ",");
        int i = 0;
        while (i < GROUPS && (strlen(groups[i].name) != n || strncmp(groups[i].name, at, n) != 0))
            i++;
        if (i < GROUPS) continue;
        cli_fail(verb, "--only: there is no group '%.*s'; see 'swell help bench kernels'", (int)n,
                 at);
        return false;
    }
    return true;
}

static bool known_cpu(const struct verb *verb, const char *name)
{
    if (sw__isa_find(name) != SW_ISA_COUNT) return true;
    cli_fail(verb, "--cpu %s: not one of " SW_ISA_NAMES, name);
    return false;
}

/* --gemm, from optarg. */
static bool read_size(const struct verb *verb, struct bench_rows *rows)
{
    long long m, k, n;
    int used = 0;
    if (sscanf(optarg, "%6lldx%6lldx%6lld%n", &m, &k, &n, &used) == 3 && !optarg[used] && m > 0 &&
        k > 0 && n > 0) {
        rows->m = m;
        rows->k = k;
        rows->n = n;
        return true;
    }
    cli_fail(verb, "--gemm %s: not MxKxN, whole numbers from 1 to 999999", optarg);
    return false;
}

static int choose_rows(const struct verb *verb, struct kernels *k)
{
    struct bench_rows *rows = &k->rows;
    char text[160];
    int64_t kept = 0;
    for (int i = 0; i < GROUPS; i++)
        if (listed(k->only, groups[i].name)) groups[i].rows(rows);
    if (rows->no_memory) return cli_fail(verb, "out of memory");
    for (int64_t i = 0; i < rows->count; i++) {
        const struct bench_row *r = &rows->row[i];
        snprintf(text, sizeof text, "%s %s %s", r->name, r->dtype, r->shape);
        if (!k->name || strstr(text, k->name)) rows->row[kept++] = *r;
    }
    rows->count = kept;
    return kept ? 0
                : cli_fail(verb, "--name %s: no row is called that; --list names them", k->name);
}

/* -1: go on; else the exit status. */
static int read_options(const struct verb *verb, struct kernels *k, int argc, char **argv)
{
    int status = 0;
    for (int c; (c = cli_option(verb, argc, argv, options, &status)) != -1;) {
        bool good = true;
        switch (c) {
        case ONLY: good = known_groups(verb, k->only = optarg); break;
        case GEMM: good = read_size(verb, &k->rows); break;
        case NAME: k->name = optarg; break;
        case PEERS: k->peers = optarg; break;
        case THREADS: good = cli_integer(verb, "threads", 1, 256, &k->threads); break;
        case CPU: good = known_cpu(verb, k->cpu = optarg); break;
        case ROUNDS: good = cli_integer(verb, "rounds", 1, 99, &k->rounds); break;
        case ROOFLINE: k->roofline = optarg; break;
        case LIST: k->list = true; break;
        case JSON: k->json = true; break;
        default: return status;
        }
        if (!good) return 1;
    }
    if (optind != argc) return cli_fail(verb, "what is '%s'?", argv[optind]);
    return -1;
}

/* ---- the run --------------------------------------------------------------------------------------- */

/* Seconds that a row may take, roughly, for the bar. */
static double weight(const struct bench_row *row)
{
    return 1 + row->operations * 1e-10;
}

static void show(struct sw_progress *p, const struct kernels *k, int64_t i)
{
    char text[160];
    double done = 0, all = 0;
    for (int64_t j = 0; j < k->rows.count; j++) {
        all += weight(&k->rows.row[j]);
        if (j < i) done += weight(&k->rows.row[j]);
    }
    const struct bench_row *r = &k->rows.row[i];
    snprintf(text, sizeof text, "%s %s %s", r->name, r->dtype, r->shape);
    sw__progress_show(p, done / all, text);
}

static int measure_rows(const struct verb *verb, struct kernels *k,
                        const struct bench_rivals *rivals, const struct sw_limits *limits)
{
    struct sw_progress progress;
    int status = 0;
    const bool terminal = sw__is_terminal(fileno(stderr));
    sw__progress_begin(&progress, cli_write, stderr, terminal, cli_columns(stderr));
    for (int64_t i = 0; i < k->rows.count && !status; i++) {
        struct bench_times times;
        show(&progress, k, i);
        status = bench_measure(verb, &k->rows.row[i], rivals, &times);
        if (status) break;
        k->figures[i] = bench_figure(&k->rows.row[i], &times, limits);
        k->n_figures = i + 1;
        if (terminal) fprintf(stderr, "\r\033[K");
        if (k->json) {
            fputs(i ? ",\n" : "", stdout);
            if (!bench_print_json(stdout, &k->figures[i], sw_context_cpu(rivals->ctx)))
                status = cli_fail(verb, "out of memory");
        } else {
            bench_print_row(stdout, &k->figures[i]);
        }
    }
    return status;
}

static int measure(const struct verb *verb, struct kernels *k, struct bench_rivals *rivals)
{
    struct sw_limits limits;
    k->figures = sw__calloc2((size_t)k->rows.count, sizeof *k->figures);
    if (!k->figures) return cli_fail(verb, "out of memory");
    if (sw__limits_measure(rivals->ctx, &limits) != SW_OK)
        return cli_fail(verb, "%s", sw_error(rivals->ctx));
    if (k->json)
        fputs("[\n", stdout);
    else
        bench_print_head(stdout, rivals->ctx, &limits);
    int status = measure_rows(verb, k, rivals, &limits);
    if (k->json)
        fputs("\n]\n", stdout);
    else
        bench_print_summary(stdout, k->figures, k->n_figures);
    if (!status && k->roofline &&
        !roofline_write_svg(k->roofline, rivals->ctx, &limits, k->figures, k->n_figures))
        status = cli_fail(verb, "--roofline %s: %s", k->roofline, strerror(errno));
    return status;
}

static int measure_beside_peers(const struct verb *verb, struct kernels *k)
{
    struct pinned pinned = {0};
    struct bench_rivals rivals = {.rounds = k->rounds, .pinned = &pinned};
    int status = 1;
    rivals.ctx = cli_context(verb, (int)k->threads, k->cpu);
    if (rivals.ctx) pin_begin(&pinned, sw_context_threads(rivals.ctx));
    if (rivals.ctx) rivals.single = cli_context(verb, 1, k->cpu);
    if (rivals.single && k->peers)
        rivals.peers = peers_load(verb, k->peers, sw_context_cpu(rivals.ctx),
                                  sw_context_threads(rivals.ctx));
    else if (rivals.single)
        fprintf(stderr, "swell bench kernels: no --peers; 'make bench' builds and uses them\n");
    pin_new(&pinned);
    if (rivals.single && (rivals.peers || !k->peers)) status = measure(verb, k, &rivals);
    sw_context_destroy(rivals.single);
    sw_context_destroy(rivals.ctx);
    return status;
}

static void list(const struct kernels *k)
{
    for (int64_t i = 0; i < k->rows.count; i++) {
        const struct bench_row *r = &k->rows.row[i];
        printf("%-9s %-26s %-6s %s\n", r->group, r->name, r->dtype, r->shape);
    }
}

static int run(const struct verb *verb, int argc, char **argv)
{
    struct kernels k = {0};
    int status = read_options(verb, &k, argc, argv);
    if (status >= 0) return status;
    status = choose_rows(verb, &k);
    if (!status && k.list)
        list(&k);
    else if (!status)
        status = measure_beside_peers(verb, &k);
    free(k.figures);
    free(k.rows.row);
    return status;
}

const struct verb verb_bench_kernels = {"bench kernels", "how near the kernels come to the limits",
                                        help, run};

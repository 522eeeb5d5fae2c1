/* swell bench: how fast a network runs here, and where its time goes. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>

#include "base/clock.h"
#include "cli/bench_language.h"
#include "cli/network.h"
#include "cli/verbs.h"

static const char help[] =
    "usage: swell bench MODEL [options]\n"
    "\n"
    "Run a network (alexnet, convnet, a .safetensors or .pth file of one, or "
    "any ONNX file) again and\n"
    "again: median time of a run, pictures a second; with --profile, a "
    "table of its steps against\n"
    "the limits of this machine.\n"
    "\n"
    "  --batch N         pictures (default 1, or what an ONNX file says)\n"
    "  --at-once N       of them that run together (default: as many as suits "
    "the caches)\n"
    "  --runs N          counted runs (default 20)\n"
    "  --bf16            products in bf16\n"
    "  --training        a training step: loss, gradients, update\n"
    "  --recompute HOW   none, cheap or kept\n"
    "  --threads N       default: all cores\n"
    "  --profile         where the time goes\n"
    "  --trace FILE.json one run for chrome://tracing\n"
    "  --json            one JSON object\n"
    "  --turns           obey a program that measures several by turns: "
    "each line of standard input, a\n"
    "                    number of seconds, is answered by the median of "
    "runs for that long\n"
    "\n"
    "examples:\n"
    "  swell bench alexnet --batch 16 --profile\n"
    "  swell bench convnet --training --batch 128\n"
    "  swell bench squeezenet1.0.onnx --batch 32\n"
    "\n"
    "swell bench MODEL.gguf measures a language model: swell bench MODEL.gguf --help\n"
    "swell bench kernels measures kernels: swell help bench kernels\n"
    "make bench measures whole networks beside other programs\n";

enum {
    BATCH = 1000,
    AT_ONCE,
    RUNS,
    BF16,
    TRAINING,
    RECOMPUTE,
    THREADS,
    PROFILE,
    TRACE,
    TURNS,
    JSON
};

static const struct option options[] = {{"batch", required_argument, NULL, BATCH},
                                        {"at-once", required_argument, NULL, AT_ONCE},
                                        {"runs", required_argument, NULL, RUNS},
                                        {"bf16", no_argument, NULL, BF16},
                                        {"training", no_argument, NULL, TRAINING},
                                        {"recompute", required_argument, NULL, RECOMPUTE},
                                        {"threads", required_argument, NULL, THREADS},
                                        {"profile", no_argument, NULL, PROFILE},
                                        {"trace", required_argument, NULL, TRACE},
                                        {"turns", no_argument, NULL, TURNS},
                                        {"json", no_argument, NULL, JSON},
                                        {"help", no_argument, NULL, 'h'},
                                        {0}};

struct bench {
    struct network_options o;
    int64_t runs, threads;
    bool profile, turns, json;
    const char *trace;
};

/* -1: go on; else the exit status. */
static int read_options(const struct verb *verb, struct bench *b, int argc, char **argv)
{
    int status = 0;
    for (int c; (c = cli_option(verb, argc, argv, options, &status)) != -1;) {
        bool good = true;
        switch (c) {
        case BATCH: good = cli_integer(verb, "batch", 1, 65536, &b->o.batch); break;
        case AT_ONCE: good = cli_integer(verb, "at-once", 1, 65536, &b->o.at_once); break;
        case RUNS: good = cli_integer(verb, "runs", 1, 1000000, &b->runs); break;
        case BF16: b->o.bf16 = true; break;
        case TRAINING: b->o.training = true; break;
        case RECOMPUTE: good = network_recompute(verb, optarg, &b->o.recompute); break;
        case THREADS: good = cli_integer(verb, "threads", 1, 256, &b->threads); break;
        case PROFILE: b->profile = true; break;
        case TRACE: b->trace = optarg; break;
        case TURNS: b->turns = true; break;
        case JSON: b->json = true; break;
        default: return status;
        }
        if (!good) return 1;
    }
    if (optind + 1 != argc) return cli_fail(verb, "name one network; see 'swell help bench'");
    if (b->turns && (b->profile || b->trace || b->json))
        return cli_fail(verb, "--turns excludes --profile, --trace and --json");
    b->o.name = argv[optind];
    b->o.alike = b->profile || b->trace;
    return -1;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static int write_trace(const struct verb *verb, const struct network *n, const char *path)
{
    FILE *f = fopen(path, "w");
    if (!f) return cli_fail(verb, "%s: %s", path, strerror(errno));
    sw_status status = sw_plan_profile_trace(n->plan, cli_write, f);
    bool written = !ferror(f);
    if ((fclose(f) == 0) & written && status == SW_OK) return 0;
    return cli_fail(verb, "%s: %s", path, status == SW_OK ? strerror(errno) : sw_error(n->ctx));
}

static int report_json(const struct verb *verb, const struct bench *b, const struct network *n,
                       double median, double flops)
{
    json_t *root = json_pack("{ss sI sb si ss sf sf sf}", "name", b->o.name, "batch",
                             (json_int_t)n->batch, "training", (int)b->o.training, "threads",
                             sw_context_threads(n->ctx), "cpu", sw_context_cpu(n->ctx),
                             "median_seconds", median, "images_per_second",
                             (double)n->batch / median, "gflops", flops / median * 1e-9);
    if (!root) return cli_fail(verb, "a name is no UTF-8 text, or out of memory");
    json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    printf("\n");
    json_decref(root);
    return 0;
}

static int measure(const struct verb *verb, const struct bench *b, struct network *n)
{
    double *seconds = malloc((size_t)b->runs * sizeof *seconds);
    if (!seconds) return cli_fail(verb, "out of memory");
    sw_status status = network_run(n); /* warm: packs the weights, touches the memory */
    if (status == SW_OK) status = network_run(n);
    if (status == SW_OK && (b->profile || b->trace)) status = sw_plan_profile(n->plan, true);
    for (int64_t i = 0; i < b->runs && status == SW_OK; i++) {
        double start = sw__clock_seconds();
        status = network_run(n);
        seconds[i] = sw__clock_seconds() - start;
    }
    if (status != SW_OK) {
        free(seconds);
        return cli_fail(verb, "%s", sw_error(n->ctx));
    }
    qsort(seconds, (size_t)b->runs, sizeof *seconds, ascending);
    double median = seconds[b->runs / 2], flops = n->flops;
    int result = 0;
    char parts[40] = "";
    if (n->at_once < n->batch)
        snprintf(parts, sizeof parts, " (%lld at once)", (long long)n->at_once);
    if (b->json)
        result = report_json(verb, b, n, median, flops);
    else
        printf(
            "%s, batch %lld%s%s: median of %lld runs %.3f ms (%.3f to %.3f), %.1f images/s, %.1f "
            "GFLOP/s\n",
            b->o.name, (long long)n->batch, parts, b->o.training ? ", training" : "",
            (long long)b->runs, median * 1e3, seconds[0] * 1e3, seconds[b->runs - 1] * 1e3,
            (double)n->batch / median, flops / median * 1e-9);
    free(seconds);
    return result;
}

/* ---- turns ------------------------------------------------------------------------------------------- */

enum { MOST_RUNS = 65536 };

/* The median of runs for so many seconds, at least one; negative: a run failed. */
static double one_turn(struct network *n, double seconds)
{
    static double runs[MOST_RUNS];
    const double start = sw__clock_seconds();
    double last = start;
    int64_t count = 0;
    while (count < MOST_RUNS && (!count || last - start < seconds)) {
        if (network_run(n) != SW_OK) return -1;
        const double now = sw__clock_seconds();
        runs[count++] = now - last;
        last = now;
    }
    qsort(runs, (size_t)count, sizeof *runs, ascending);
    return runs[count / 2];
}

/* First a line about what is measured, with the first results, which other programs must have too;
 * then one line a turn. */
static int take_turns(const struct verb *verb, struct network *n)
{
    char line[64];
    if (network_run(n) != SW_OK) return cli_fail(verb, "%s", sw_error(n->ctx));
    printf("{\"setting\":\"%s, %d threads\",\"first\":[", sw_context_cpu(n->ctx),
           sw_context_threads(n->ctx));
    if (!n->trainer) {
        const sw_tensor y = sw_plan_tensor(n->plan, n->outputs[0]);
        const int64_t count = sw_shape_elements(&y.shape);
        for (int i = 0; y.dtype == SW_F32 && i < 10 && i < count; i++)
            printf("%s%.9g", i ? "," : "", (double)((const float *)y.data)[i]);
    }
    printf("]}\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        char *end;
        const double seconds = strtod(line, &end);
        if (end == line || !(seconds >= 0 && seconds <= 3600))
            return cli_fail(verb, "--turns: a line is a number of seconds");
        const double median = one_turn(n, seconds);
        if (median < 0) return cli_fail(verb, "%s", sw_error(n->ctx));
        printf("%.9g\n", median);
        fflush(stdout);
    }
    return 0;
}

static int run(const struct verb *verb, int argc, char **argv)
{
    struct bench b = {.runs = 20};
    struct network n;
    if (bench_is_language(argc, argv)) return bench_language(verb, argc, argv);
    int status = read_options(verb, &b, argc, argv);
    if (status >= 0) return status;
    status = network_open(verb, &n, &b.o, (int)b.threads);
    if (!status) status = network_plan(verb, &n, &b.o);
    if (!status) status = b.turns ? take_turns(verb, &n) : measure(verb, &b, &n);
    if (!status && b.profile && sw_plan_profile_table(n.plan, cli_write, stdout) != SW_OK)
        status = cli_fail(verb, "%s", sw_error(n.ctx));
    if (!status && b.trace) status = write_trace(verb, &n, b.trace);
    network_close(&n);
    return status;
}

const struct verb verb_bench = {"bench", "how fast a network runs here", help, run};

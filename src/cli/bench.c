/* swell bench: how fast a network runs here, and where its time goes. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>

#include "base/clock.h"
#include "cli/network.h"
#include "cli/verbs.h"

static const char help[] = "usage: swell bench MODEL [options]\n"
                           "\n"
                           "Run a network (alexnet, convnet, or a safetensors file of one) again "
                           "and again: median time of a\n"
                           "run, pictures a second; with --profile, a table of its steps against "
                           "the limits of this machine.\n"
                           "\n"
                           "  --batch N         pictures at once (default 1)\n"
                           "  --runs N          counted runs (default 20)\n"
                           "  --training        a training step: loss and all gradients\n"
                           "  --recompute HOW   none, cheap or kept\n"
                           "  --threads N       default: all cores\n"
                           "  --profile         where the time goes\n"
                           "  --trace FILE.json one run for chrome://tracing\n"
                           "  --json            one JSON object\n"
                           "\n"
                           "examples:\n"
                           "  swell bench alexnet --batch 16 --profile\n"
                           "  swell bench convnet --training --batch 128\n"
                           "\n"
                           "swell bench kernels measures kernels: swell help bench kernels\n";

enum { BATCH = 1000, RUNS, TRAINING, RECOMPUTE, THREADS, PROFILE, TRACE, JSON };

static const struct option options[] = {{"batch", required_argument, NULL, BATCH},
                                        {"runs", required_argument, NULL, RUNS},
                                        {"training", no_argument, NULL, TRAINING},
                                        {"recompute", required_argument, NULL, RECOMPUTE},
                                        {"threads", required_argument, NULL, THREADS},
                                        {"profile", no_argument, NULL, PROFILE},
                                        {"trace", required_argument, NULL, TRACE},
                                        {"json", no_argument, NULL, JSON},
                                        {"help", no_argument, NULL, 'h'},
                                        {0}};

struct bench {
    struct network_options o;
    int64_t runs, threads;
    bool profile, json;
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
        case RUNS: good = cli_integer(verb, "runs", 1, 1000000, &b->runs); break;
        case TRAINING: b->o.training = true; break;
        case RECOMPUTE: good = network_recompute(verb, optarg, &b->o.recompute); break;
        case THREADS: good = cli_integer(verb, "threads", 1, 256, &b->threads); break;
        case PROFILE: b->profile = true; break;
        case TRACE: b->trace = optarg; break;
        case JSON: b->json = true; break;
        default: return status;
        }
        if (!good) return 1;
    }
    if (optind + 1 != argc) return cli_fail(verb, "name one network; see 'swell help bench'");
    b->o.name = argv[optind];
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
                             (json_int_t)b->o.batch, "training", (int)b->o.training, "threads",
                             sw_context_threads(n->ctx), "cpu", sw_context_cpu(n->ctx),
                             "median_seconds", median, "images_per_second",
                             (double)b->o.batch / median, "gflops", flops / median * 1e-9);
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
    sw_status status = sw_run(n->plan); /* warm: packs the weights, touches the memory */
    if (status == SW_OK) status = sw_run(n->plan);
    if (status == SW_OK && (b->profile || b->trace)) status = sw_plan_profile(n->plan, true);
    for (int64_t i = 0; i < b->runs && status == SW_OK; i++) {
        double start = sw__clock_seconds();
        status = sw_run(n->plan);
        seconds[i] = sw__clock_seconds() - start;
    }
    if (status != SW_OK) {
        free(seconds);
        return cli_fail(verb, "%s", sw_error(n->ctx));
    }
    qsort(seconds, (size_t)b->runs, sizeof *seconds, ascending);
    double median = seconds[b->runs / 2], flops = sw_plan_get_stats(n->plan).flops;
    int result = 0;
    if (b->json)
        result = report_json(verb, b, n, median, flops);
    else
        printf("%s, batch %lld%s: median of %lld runs %.3f ms (%.3f to %.3f), %.1f images/s, %.1f "
               "GFLOP/s\n",
               b->o.name, (long long)b->o.batch, b->o.training ? ", training" : "",
               (long long)b->runs, median * 1e3, seconds[0] * 1e3, seconds[b->runs - 1] * 1e3,
               (double)b->o.batch / median, flops / median * 1e-9);
    free(seconds);
    return result;
}

static int run(const struct verb *verb, int argc, char **argv)
{
    struct bench b = {.o = {.batch = 1}, .runs = 20};
    struct network n;
    int status = read_options(verb, &b, argc, argv);
    if (status >= 0) return status;
    status = network_open(verb, &n, &b.o, (int)b.threads);
    if (!status) status = measure(verb, &b, &n);
    if (!status && b.profile && sw_plan_profile_table(n.plan, cli_write, stdout) != SW_OK)
        status = cli_fail(verb, "%s", sw_error(n.ctx));
    if (!status && b.trace) status = write_trace(verb, &n, b.trace);
    network_close(&n);
    return status;
}

const struct verb verb_bench = {"bench", "how fast a network runs here", help, run};

/* swell info: what is in a model, and what a plan of it looks like. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/info_gguf.h"
#include "cli/network.h"
#include "cli/verbs.h"

static const char help[] =
    "usage: swell info MODEL [options]\n"
    "       swell info                      the networks that are built in\n"
    "\n"
    "MODEL is a file (.safetensors, .pth of torch.save, .onnx, .gguf), or a network that is built "
    "in.\n"
    "Lists its tensors, and inputs and outputs of an ONNX file; with --plan, "
    "the\n"
    "steps, fusions, kernels, memory of a compiled plan.\n"
    "\n"
    "  --plan            compile and describe the plan\n"
    "  --batch N         for N pictures at once (default 1, or what an ONNX file says)\n"
    "  --bf16            with products in bf16\n"
    "  --training        the plan of a training step: loss, gradients, update\n"
    "  --recompute HOW   none, cheap or kept: what the backward pass computes again\n"
    "  --threads N       default: all cores\n"
    "  --context N       of a language model (.gguf): memory for so many tokens (default: as many "
    "as it\n"
    "                    was trained for)\n"
    "  --json            tensors and sizes as one JSON object\n"
    "\n"
    "examples:\n"
    "  swell info alexnet --plan\n"
    "  swell info fashion.safetensors\n"
    "  swell info squeezenet1.0.onnx --plan\n"
    "  swell info convnet --plan --training --batch 128\n"
    "  swell info tinyllama-1.1b.Q4_0.gguf --context 2048\n";

enum { PLAN = 1000, BATCH, BF16, TRAINING, RECOMPUTE, THREADS, CONTEXT, JSON };

static const struct option options[] = {{"plan", no_argument, NULL, PLAN},
                                        {"batch", required_argument, NULL, BATCH},
                                        {"bf16", no_argument, NULL, BF16},
                                        {"training", no_argument, NULL, TRAINING},
                                        {"recompute", required_argument, NULL, RECOMPUTE},
                                        {"threads", required_argument, NULL, THREADS},
                                        {"context", required_argument, NULL, CONTEXT},
                                        {"json", no_argument, NULL, JSON},
                                        {"help", no_argument, NULL, 'h'},
                                        {0}};

struct sums {
    int64_t elements, bytes, trainable;
};

static struct sums add_up(const sw_weights *ws)
{
    struct sums s = {0};
    for (int64_t i = 0; i < sw_weights_count(ws); i++) {
        const sw_weight *w = sw_weights_at(ws, i);
        sw_tensor t = sw_weight_tensor(w);
        s.elements += sw_shape_elements(&t.shape);
        s.bytes += sw_shape_bytes(&t.shape, t.dtype);
        if (sw_weight_trainable(w)) s.trainable += sw_shape_elements(&t.shape);
    }
    return s;
}

static void list_value(const char *what, sw_onnx_value v)
{
    printf("%-9s %-26s %-6s ", what, v.name, v.type);
    for (int d = 0; d < v.shape.rank; d++) {
        printf("%s", d ? "," : "(");
        if (v.shape.dim[d] < 0)
            printf("%s", *v.symbol[d] ? v.symbol[d] : "?");
        else
            printf("%lld", (long long)v.shape.dim[d]);
    }
    printf("%s\n", v.shape.rank > 0 ? ")" : v.shape.rank < 0 ? "of any shape" : "()");
}

static void list_onnx(const sw_onnx *m)
{
    const sw_onnx_info i = sw_onnx_get_info(m);
    const char *key, *value;
    printf("ONNX, opset %lld, %lld nodes, by %s %s\n", (long long)i.opset, (long long)i.nodes,
           *i.producer ? i.producer : "an unknown program", i.producer_version);
    for (int j = 0; j < sw_onnx_input_count(m); j++) list_value("input", sw_onnx_input(m, j));
    for (int j = 0; j < sw_onnx_output_count(m); j++) list_value("output", sw_onnx_output(m, j));
    for (int j = 0; j < i.metadata; j++) {
        sw_onnx_metadata_at(m, j, &key, &value);
        printf("%-9s %s: %.60s%s\n", "metadata", key, value, strlen(value) > 60 ? "..." : "");
    }
    printf("\n");
}

static void list(const sw_weights *ws)
{
    char shape[SW_SHAPE_TEXT], bytes[24];
    struct sums s = add_up(ws);
    for (int64_t i = 0; i < sw_weights_count(ws); i++) {
        const sw_weight *w = sw_weights_at(ws, i);
        sw_tensor t = sw_weight_tensor(w);
        printf("%-36s %-6s %s\n", sw_weight_name(w), sw_dtype_get(t.dtype)->name,
               sw_shape_text(&t.shape, shape));
    }
    printf("\n%lld tensors, %lld numbers, %s\n", (long long)sw_weights_count(ws),
           (long long)s.elements, sw__bytes_text((double)s.bytes, bytes));
}

/* NULL: there is no plan. */
static json_t *plan_json(const struct network *n)
{
    if (!n->plan) return NULL;
    const sw_plan_stats p = sw_plan_get_stats(n->plan);
    return json_pack("{sisisIsIsIsf}", "steps", p.steps, "fused", p.fused, "buffer_bytes",
                     (json_int_t)p.buffer_bytes, "live_bytes", (json_int_t)p.live_bytes,
                     "packed_bytes", (json_int_t)p.packed_bytes, "flops", p.flops);
}

static int list_json(const struct verb *verb, const struct network *n)
{
    struct sums s = add_up(n->ws);
    json_t *tensors = json_array();
    for (int64_t i = 0; i < sw_weights_count(n->ws); i++) {
        const sw_weight *w = sw_weights_at(n->ws, i);
        sw_tensor t = sw_weight_tensor(w);
        json_t *shape = json_array();
        for (int d = 0; d < t.shape.rank; d++)
            json_array_append_new(shape, json_integer(t.shape.dim[d]));
        json_array_append_new(tensors, json_pack("{ssssso}", "name", sw_weight_name(w), "dtype",
                                                 sw_dtype_get(t.dtype)->name, "shape", shape));
    }
    json_t *root = json_pack("{sososIsIsIso*}", "tensors", tensors, "version",
                             json_string(sw_version()), "numbers", (json_int_t)s.elements, "bytes",
                             (json_int_t)s.bytes, "batch", (json_int_t)n->batch, "plan",
                             plan_json(n));
    if (!root) return cli_fail(verb, "a name is no UTF-8 text, or out of memory");
    json_dumpf(root, stdout, JSON_INDENT(1));
    printf("\n");
    json_decref(root);
    return 0;
}

/* The networks that are built in. */
static void list_networks(void)
{
    const sw_image_network *net;
    for (int i = 0; (net = sw_image_network_at(i)); i++)
        printf("%-20s %s\n", net->name, net->summary);
}

static int run(const struct verb *verb, int argc, char **argv)
{
    struct network_options o = {0};
    struct network n;
    int64_t threads = 0, context = 0;
    bool plan = false, json = false;
    int status = 0;
    for (int c; (c = cli_option(verb, argc, argv, options, &status)) != -1;) switch (c) {
        case PLAN: plan = true; break;
        case BATCH:
            if (!cli_integer(verb, "batch", 1, 65536, &o.batch)) return 1;
            break;
        case BF16: o.bf16 = true; break;
        case TRAINING: o.training = true; break;
        case RECOMPUTE:
            if (!network_recompute(verb, optarg, &o.recompute)) return 1;
            break;
        case THREADS:
            if (!cli_integer(verb, "threads", 1, 256, &threads)) return 1;
            break;
        case CONTEXT:
            if (!cli_integer(verb, "context", 1, INT64_C(1) << 40, &context)) return 1;
            break;
        case JSON: json = true; break;
        default: return status;
        }
    if (argc == 1) {
        list_networks();
        return 0;
    }
    if (optind + 1 != argc) return cli_fail(verb, "name one model; see 'swell help info'");
    o.name = argv[optind];
    const size_t length = strlen(o.name);
    if (length > 5 && strcmp(o.name + length - 5, ".gguf") == 0) {
        if (plan || o.batch || o.bf16 || o.training || o.recompute || threads)
            return cli_fail(
                verb, "%s: a language model has no plan here; --context and --json go with it",
                o.name);
        return info_gguf(verb, o.name, context, json);
    }
    if (context) return cli_fail(verb, "--context: for language models (.gguf)");
    status = network_open(verb, &n, &o, (int)threads);
    if (!status && (plan || n.known || n.onnx)) status = network_plan(verb, &n, &o);
    if (!status && n.onnx && !json && !plan) list_onnx(n.onnx);
    if (!status && json) status = list_json(verb, &n);
    if (!status && !json && plan) sw_plan_describe(n.plan, cli_write, stdout);
    if (!status && !json && !plan) list(n.ws);
    network_close(&n);
    return status;
}

const struct verb verb_info = {"info", "what is in a model, and how it will run", help, run};

/* swell convert: a model from one file format to another, with what it says about itself. */
#include "cli/convert_verb.h"

#include <string.h>

#include "base/folder.h"
#include "format/gguf_mixture.h"

static const char help[] =
    "usage: swell convert IN OUT [options]\n"
    "       swell convert IN.gguf|FOLDER OUT.gguf --type TYPE [--calibrate TEXT | --imatrix FILE] "
    "[--pure]\n"
    "       swell convert IN.gguf OUT-FOLDER\n"
    "\n"
    "IN is a .safetensors, .pth (torch.save of a state_dict) or .onnx file; OUT an .onnx or "
    ".safetensors file.\n"
    "Labels and preprocessing are kept.  From weights to ONNX the network is found by the names of "
    "its tensors\n"
    "(torchvision's); the model ends in probabilities, and its batch is open.\n"
    "\n"
    "A language model in GGUF (any part names a split one) is written in another type: f32, f16, "
    "bf16, "
    "q8_0,\n"
    "q6_k, q5_k_m, q5_k_s, q5_1, q5_0, q4_k_m, q4_k_s, q4_1, q4_0, iq4_nl, iq4_xs, mxfp4, q3_k_l, "
    "q3_k_m,\n"
    "q3_k_s, q2_k.  Mixtures give some matrices more bits, as llama.cpp does; vectors stay f32.\n"
    "A folder of Hugging Face (config.json, safetensors, tokenizer.json) or a .bin of llama2.c "
    "becomes "
    "GGUF, in its\n"
    "own type without --type; a GGUF becomes such a folder, blocks as f32 (--half: f16).\n"
    "\n"
    "  --type TYPE       of most matrices\n"
    "  --imatrix FILE    importances of inputs (llama.cpp's, GGUF or .dat): errors count by them\n"
    "  --calibrate TEXT  ... measured on a text: some hundred kB of what the model is for\n"
    "  --pure            all matrices in this type\n"
    "  --tokenizer FILE  of a language model that brings none\n"
    "\n"
    "  --half            store weights as f16\n"
    "  --int8            convolutions and products on bytes (ONNX only; needs --calibrate)\n"
    "  --calibrate DIR   pictures, in DIR or its folders, that show which values occur\n"
    "  --images N        use N of them (default 200)\n"
    "  --method HOW      range of a value: mse (least error, default), percentile, minmax\n"
    "  --agree PERCENT   keep the most sensitive layers in f32 until the first answer is that of "
    "f32 on so\n"
    "                    many of the pictures (default: none)\n"
    "  --network NAME    the network that the weights belong to\n"
    "  --labels FILE     labels, one a line\n"
    "  --threads N       default: all cores\n"
    "\n"
    "examples:\n"
    "  swell convert alexnet.safetensors alexnet.onnx\n"
    "  swell convert resnet50.pth resnet50.safetensors --half\n"
    "  swell convert squeezenet1.0.onnx small.onnx --int8 --calibrate photos\n"
    "  swell convert story-f16.gguf story-q3.gguf --type q3_k_m --calibrate stories.txt\n"
    "  swell convert story-f16.gguf story-q4.gguf --type q4_k_m\n"
    "  swell convert Qwen2.5-0.5B qwen.gguf --type q8_0\n"
    "  swell convert model.gguf folder\n";

enum {
    HALF = 1000,
    INT8,
    CALIBRATE,
    IMAGES,
    METHOD,
    AGREE,
    NETWORK,
    LABELS,
    THREADS,
    TYPE,
    IMATRIX,
    PURE,
    TOKENIZER
};

static const struct option options[] = {{"half", no_argument, NULL, HALF},
                                        {"int8", no_argument, NULL, INT8},
                                        {"calibrate", required_argument, NULL, CALIBRATE},
                                        {"images", required_argument, NULL, IMAGES},
                                        {"method", required_argument, NULL, METHOD},
                                        {"agree", required_argument, NULL, AGREE},
                                        {"network", required_argument, NULL, NETWORK},
                                        {"labels", required_argument, NULL, LABELS},
                                        {"threads", required_argument, NULL, THREADS},
                                        {"type", required_argument, NULL, TYPE},
                                        {"imatrix", required_argument, NULL, IMATRIX},
                                        {"pure", no_argument, NULL, PURE},
                                        {"tokenizer", required_argument, NULL, TOKENIZER},
                                        {"help", no_argument, NULL, 'h'},
                                        {0}};

/* In a folder, with all that belongs to it. */
#define MODEL "model.safetensors"

bool convert_ends(const char *path, const char *end)
{
    const size_t n = strlen(path), m = strlen(end);
    return n > m && strcmp(path + n - m, end) == 0;
}

static bool method_of(const struct verb *verb, const char *text, sw_onnx_range *out)
{
    static const char *const names[] = {[SW_RANGE_LEAST_ERROR] = "mse",
                                        [SW_RANGE_PERCENTILE] = "percentile",
                                        [SW_RANGE_EXTREMES] = "minmax"};
    for (int i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = (sw_onnx_range)i;
            return true;
        }
    cli_fail(verb, "--method %s: not mse, percentile or minmax", text);
    return false;
}

/* The same for a language model; `other`: an option of the other networks. */
static int check_language(const struct convert *c, const char *other)
{
    const bool from_gguf = convert_ends(c->from, ".gguf"), to_gguf = convert_ends(c->to, ".gguf");
    if (other) return cli_fail(c->verb, "--%s: not for language models", other);
    if (c->imatrix && c->calibrate)
        return cli_fail(c->verb, "--imatrix and --calibrate: choose one");
    if (from_gguf && (convert_ends(c->to, ".onnx") || convert_ends(c->to, ".safetensors")))
        return cli_fail(c->verb, "%s: a language model is written as .gguf, or as a folder", c->to);
    if (!from_gguf && !convert_ends(c->from, ".bin") && !convert_ends(c->from, MODEL) &&
        sw__path_kind(c->from) != SW_PATH_FOLDER)
        return cli_fail(c->verb,
                        "%s: what becomes a .gguf is a folder with config.json and " MODEL
                        ", or a .bin of llama2.c",
                        c->from);
    if (c->type && !sw__gguf_mixture_find(c->type))
        return cli_fail(c->verb, "--type %s: no such type; see 'swell help convert'", c->type);
    if (from_gguf && to_gguf && !c->type)
        return cli_fail(c->verb, "--type: which type? see 'swell help convert'");
    if (!c->type && (c->imatrix || c->calibrate || c->pure))
        return cli_fail(c->verb, "--%s needs --type",
                        c->imatrix     ? "imatrix"
                        : c->calibrate ? "calibrate"
                                       : "pure");
    if (c->half && (c->type || (from_gguf && to_gguf)))
        return cli_fail(c->verb, "--half: --type f16 says that");
    if (!to_gguf && c->type) return cli_fail(c->verb, "--type: of GGUF; a folder can have --half");
    if (c->tokenizer && from_gguf) return cli_fail(c->verb, "--tokenizer: a GGUF brings its own");
    return 0;
}

/* A language model: GGUF on one side, or a folder that becomes one. */
static bool is_language(const struct convert *c)
{
    return convert_ends(c->from, ".gguf") || convert_ends(c->to, ".gguf");
}

/* What the options ask for together; `ranged`: one of those that go with --int8 only. */
static int check(const struct convert *c, const char *ranged)
{
    if (c->type || c->imatrix || c->pure || c->tokenizer)
        return cli_fail(c->verb, "--%s: for language models in GGUF",
                        c->type      ? "type"
                        : c->pure    ? "pure"
                        : c->imatrix ? "imatrix"
                                     : "tokenizer");
    const bool to_onnx = convert_ends(c->to, ".onnx"), from_onnx = convert_ends(c->from, ".onnx");
    if (!to_onnx && !convert_ends(c->to, ".safetensors"))
        return cli_fail(c->verb, "%s: the file to write must end in .onnx or .safetensors", c->to);
    if (!from_onnx && !convert_ends(c->from, ".safetensors") && !convert_ends(c->from, ".pth") &&
        !convert_ends(c->from, ".pt"))
        return cli_fail(
            c->verb, "%s: the file to read must end in .onnx, .safetensors, .pth or .pt", c->from);
    if (c->int8 && !to_onnx) return cli_fail(c->verb, "--int8: bytes are written as .onnx only");
    if (c->int8 && c->half) return cli_fail(c->verb, "--int8 and --half: choose one");
    if (c->int8 && !c->calibrate)
        return cli_fail(c->verb, "--int8 needs pictures: --calibrate DIR");
    if (!c->int8 && (ranged || c->calibrate))
        return cli_fail(c->verb, "--%s goes with --int8", ranged ? ranged : "calibrate");
    if (c->network && from_onnx && to_onnx)
        return cli_fail(c->verb, "--network: an ONNX file brings its own");
    if (c->network && !sw_image_network_find(c->network))
        return cli_fail(c->verb, "--network %s: no such network; 'swell help info' lists them",
                        c->network);
    return 0;
}

static int run(const struct verb *verb, int argc, char **argv)
{
    struct convert c = {.verb = verb, .images = 200};
    int64_t threads = 0;
    int status = 0;
    double percent = 0;
    const char *ranged = NULL;
    for (int o; (o = cli_option(verb, argc, argv, options, &status)) != -1;) switch (o) {
        case HALF: c.half = true; break;
        case INT8: c.int8 = true; break;
        case CALIBRATE: c.calibrate = optarg; break;
        case IMAGES:
            ranged = "images";
            if (!cli_integer(verb, "images", 1, 100000, &c.images)) return 1;
            break;
        case METHOD:
            ranged = "method";
            if (!method_of(verb, optarg, &c.range)) return 1;
            break;
        case AGREE:
            ranged = "agree";
            if (!cli_real(verb, "agree", 0, 100, &percent)) return 1;
            break;
        case NETWORK: c.network = optarg; break;
        case LABELS: c.labels = optarg; break;
        case TYPE: c.type = optarg; break;
        case IMATRIX: c.imatrix = optarg; break;
        case PURE: c.pure = true; break;
        case TOKENIZER: c.tokenizer = optarg; break;
        case THREADS:
            if (!cli_integer(verb, "threads", 1, 256, &threads)) return 1;
            break;
        default: return status;
        }
    if (optind + 2 != argc)
        return cli_fail(verb, "name the file to read and the file to write; see 'swell help %s'",
                        verb->name);
    c.from = argv[optind];
    c.to = argv[optind + 1];
    c.agreement = percent / 100;
    const bool language = is_language(&c);
    const char *other = c.int8 ? "int8" : c.network ? "network" : c.labels ? "labels" : ranged;
    if (language ? check_language(&c, other) : check(&c, ranged)) return 1;
    c.ctx = cli_context(verb, (int)threads, NULL);
    if (!c.ctx) return 1;
    if (language)
        status = convert_language(&c);
    else if (!convert_ends(c.to, ".onnx"))
        status = convert_weights(&c);
    else if (convert_ends(c.from, ".onnx") && !c.int8)
        status = convert_graph(&c);
    else
        status = convert_classifier(&c);
    sw_context_destroy(c.ctx);
    return status;
}

const struct verb verb_convert = {"convert", "a model to another format or type", help, run};

/* Options of training a language model: one table, a line an option, and what is meant where nothing is said.
 *
 * The defaults are nanoGPT's for characters on a CPU (4 layers, 128 wide, AdamW with beta2 0.99, decay 0.1, a
 * cosine from 0.001 to a tenth of it); a loaded model is trained at a tenth of that rate. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/flag_table.h"
#include "cli/gpt_job.h"

static const char *const kinds[] = {"gpt2", "llama", NULL};
static const char *const optimizers[] = {"sgd", "adam", "adamw", "muon", NULL};
static const char *const schedules[] = {"constant", "linear", "cosine", NULL};
static const sw_schedule_kind schedule_kinds[] = {SW_SCHEDULE_CONSTANT, SW_SCHEDULE_LINEAR,
                                                  SW_SCHEDULE_COSINE};
static const char *const packed[] = {"u16", "u32", NULL};

static const struct gpt_flags none = {.run = {.every = -1, .seconds = -1},
                                      .kind = -1,
                                      .layers = -1,
                                      .width = -1,
                                      .heads = -1,
                                      .kv_heads = -1,
                                      .hidden = -1,
                                      .context = -1,
                                      .vocabulary = -1,
                                      .lora = -1,
                                      .batch = -1,
                                      .accumulate = -1,
                                      .steps = -1,
                                      .warmup = -1,
                                      .seed = -1,
                                      .threads = -1,
                                      .optimizer = -1,
                                      .schedule = -1,
                                      .val_every = -1,
                                      .sample_every = -1,
                                      .sample_tokens = -1,
                                      .rate = -1,
                                      .floor = -1,
                                      .decay = -1,
                                      .beta2 = -1,
                                      .momentum = -1,
                                      .clip = -1,
                                      .dropout = -1,
                                      .val_fraction = -1,
                                      .temperature = -1};

#define AT(field) offsetof(struct gpt_flags, field)
static const struct flag flags[] = {
    {"data", FLAG_TEXT, AT(data), 0, 0, NULL, NULL},
    {"val", FLAG_TEXT, AT(val), 0, 0, NULL, NULL},
    {"tokenizer", FLAG_TEXT, AT(tokenizer), 0, 0, NULL, NULL},
    {"from", FLAG_TEXT, AT(from), 0, 0, NULL, NULL},
    {"lora", FLAG_WHOLE, AT(lora), 1, 4096, NULL, NULL},
    {"out", FLAG_TEXT, AT(out), 0, 0, NULL, NULL},
    {"prompt", FLAG_TEXT, AT(prompt), 0, 0, NULL, NULL},
    {"checkpoint", FLAG_TEXT, AT(run.checkpoint), 0, 0, NULL, NULL},
    {"resume", FLAG_TEXT, AT(run.resume), 0, 0, NULL, NULL},
    {"curve", FLAG_TEXT, AT(run.curve), 0, 0, NULL, NULL},
    {"log", FLAG_TEXT, AT(run.log), 0, 0, NULL, NULL},
    {"every", FLAG_WHOLE, AT(run.every), 1, 1e9, NULL, NULL},
    {"seconds", FLAG_REAL, AT(run.seconds), 0.1, 1e7, NULL, NULL},
    {"json", FLAG_YES, AT(run.json), 0, 0, NULL, NULL},
    {"network", FLAG_CHOICE, AT(kind), 0, 0, kinds, NULL},
    {"layers", FLAG_WHOLE, AT(layers), 1, 1024, NULL, NULL},
    {"width", FLAG_WHOLE, AT(width), 1, 65536, NULL, NULL},
    {"heads", FLAG_WHOLE, AT(heads), 1, 65536, NULL, NULL},
    {"kv-heads", FLAG_WHOLE, AT(kv_heads), 1, 65536, NULL, NULL},
    {"hidden", FLAG_WHOLE, AT(hidden), 1, 524288, NULL, NULL},
    {"context", FLAG_WHOLE, AT(context), 2, 1 << 20, NULL, NULL},
    {"vocabulary", FLAG_WHOLE, AT(vocabulary), 2, 1 << 22, NULL, NULL},
    {"untied", FLAG_YES, AT(untied), 0, 0, NULL, NULL},
    {"batch", FLAG_WHOLE, AT(batch), 1, 65536, NULL, NULL},
    {"accumulate", FLAG_WHOLE, AT(accumulate), 1, 1 << 20, NULL, NULL},
    {"steps", FLAG_WHOLE, AT(steps), 0, 1e12, NULL, NULL},
    {"warmup", FLAG_WHOLE, AT(warmup), 0, 1e12, NULL, NULL},
    {"seed", FLAG_WHOLE, AT(seed), 0, 9e15, NULL, NULL},
    {"threads", FLAG_WHOLE, AT(threads), 1, 256, NULL, NULL},
    {"optimizer", FLAG_CHOICE, AT(optimizer), 0, 0, optimizers, NULL},
    {"schedule", FLAG_CHOICE, AT(schedule), 0, 0, schedules, NULL},
    {"rate", FLAG_REAL, AT(rate), 1e-9, 100, NULL, NULL},
    {"floor", FLAG_REAL, AT(floor), 0, 1, NULL, NULL},
    {"decay", FLAG_REAL, AT(decay), 0, 10, NULL, NULL},
    {"beta2", FLAG_REAL, AT(beta2), 1e-3, 0.999999, NULL, NULL},
    {"momentum", FLAG_REAL, AT(momentum), 0, 0.9999, NULL, NULL},
    {"clip", FLAG_REAL, AT(clip), 0, 1e9, NULL, NULL},
    {"dropout", FLAG_REAL, AT(dropout), 0, 0.9, NULL, NULL},
    {"bf16", FLAG_YES, AT(bf16), 0, 0, NULL, NULL},
    {"packed", FLAG_EITHER, AT(wide), 0, 0, packed, NULL},
    {"document-mask", FLAG_YES, AT(document_mask), 0, 0, NULL, NULL},
    {"val-fraction", FLAG_REAL, AT(val_fraction), 0, 0.9, NULL, NULL},
    {"val-every", FLAG_WHOLE, AT(val_every), 1, 1e9, NULL, NULL},
    {"sample-every", FLAG_WHOLE, AT(sample_every), 1, 1e9, NULL, NULL},
    {"sample-tokens", FLAG_WHOLE, AT(sample_tokens), 1, 1e6, NULL, NULL},
    {"temperature", FLAG_REAL, AT(temperature), 0, 10, NULL, NULL},
    {"half", FLAG_YES, AT(half), 0, 0, NULL, NULL},
    {"profile", FLAG_YES, AT(profile), 0, 0, NULL, NULL},
};
enum { FLAGS = sizeof flags / sizeof *flags };

static void real_or(double *x, double usual)
{
    if (*x < 0) *x = usual;
}

static void whole_or(int64_t *x, int64_t usual)
{
    if (*x < 0) *x = usual;
}

static void complete(struct gpt_flags *f)
{
    whole_or(&f->kind, SW_GPT_KIND_GPT2);
    whole_or(&f->layers, 4);
    whole_or(&f->width, 128);
    whole_or(&f->heads, 4);
    whole_or(&f->kv_heads, 0);
    whole_or(&f->hidden, 0);
    if (!f->from) whole_or(&f->context, 64);
    whole_or(&f->batch, 12);
    whole_or(&f->accumulate, 1);
    whole_or(&f->steps, 0);
    whole_or(&f->seed, 1);
    whole_or(&f->optimizer, SW_ADAMW);
    whole_or(&f->schedule, 2);
    whole_or(&f->warmup, f->steps / 20 < 100 ? f->steps / 20 : 100);
    whole_or(&f->sample_tokens, 200);
    const bool muon = f->optimizer == SW_MUON;
    const double rate = muon ? 0.02 : f->optimizer == SW_SGD ? 0.1 : 1e-3;
    real_or(&f->rate, f->from && f->lora < 0 ? rate / 10 : rate);
    real_or(&f->floor, 0.1);
    real_or(&f->decay, muon ? 0.01 : 0.1);
    real_or(&f->beta2, 0.99);
    real_or(&f->momentum, muon ? 0.95 : 0.9);
    real_or(&f->clip, muon ? 0 : 1);
    real_or(&f->dropout, 0);
    real_or(&f->temperature, 0.8);
    if (!f->tokenizer) f->tokenizer = f->from ? f->from : "chars";
    f->prompt_given = f->prompt;
    if (!f->prompt) f->prompt = "\n";
}

static bool ends_with(const char *name, const char *end)
{
    const size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

/* What the model is to be written to: hours before it is. */
static int check_out(const struct gpt_job *j)
{
    const struct gpt_flags *f = &j->f;
    const bool gguf = f->out && ends_with(f->out, ".gguf");
    const char *tokenizer = f->tokenizer ? f->tokenizer : f->from ? f->from : "chars";
    const bool chars = strcmp(tokenizer, "chars") == 0;
    if (f->out && !gguf && !ends_with(f->out, ".safetensors"))
        return cli_fail(j->verb, "--out %s: the name must end in .gguf or .safetensors", f->out);
    if (f->out && !gguf && f->lora > 0 && !ends_with(f->out, "adapter_model.safetensors"))
        return cli_fail(j->verb,
                        "--out %s: adapters go into a .gguf, or DIR/adapter_model.safetensors",
                        f->out);
    if (f->out && !gguf && f->lora > 0 && f->half)
        return cli_fail(j->verb, "--half: adapters stay f32");
    if (gguf && f->lora < 0 && chars && ends_with(f->data, ".bin"))
        return cli_fail(j->verb, "--out %s: packed tokens need --tokenizer for a vocabulary",
                        f->out);
    if (!flags_writable(j->verb, "out", f->out)) return 1;
    return training_check(j->verb, &f->run);
}

/* With --from, the network is the file's. */
static int check_from(const struct gpt_job *j)
{
    const struct gpt_flags *f = &j->f;
    if (f->lora > 0 && !f->from) return cli_fail(j->verb, "--lora needs --from MODEL");
    if (f->from && (f->kind >= 0 || f->layers > 0 || f->width > 0 || f->heads > 0 ||
                    f->kv_heads > 0 || f->hidden > 0 || f->untied || f->vocabulary > 0))
        return cli_fail(j->verb, "--from brings the network: no option for it besides");
    if (f->from && f->tokenizer && strcmp(f->tokenizer, "chars") == 0)
        return cli_fail(j->verb, "--tokenizer chars: %s has a vocabulary of its own", f->from);
    return -1;
}

/* What excludes or needs each other. */
static int check(const struct gpt_job *j)
{
    const struct gpt_flags *f = &j->f;
    const bool adam = f->optimizer < 0 || f->optimizer == SW_ADAM || f->optimizer == SW_ADAMW;
    if (!f->data) return cli_fail(j->verb, "--data is missing; see 'swell help train gpt'");
    if (f->steps < 0 && f->run.seconds < 0)
        return cli_fail(j->verb, "--steps is missing; see 'swell help train gpt'");
    if (f->steps >= 0 && f->run.seconds > 0)
        return cli_fail(j->verb, "--seconds and --steps exclude each other");
    if (f->warmup >= 0 && f->run.seconds > 0)
        return cli_fail(j->verb, "--seconds and --warmup exclude each other");
    if (f->steps >= 0 && f->warmup > f->steps)
        return cli_fail(j->verb, "--warmup %lld is more than --steps", (long long)f->warmup);
    if (f->val && f->val_fraction >= 0)
        return cli_fail(j->verb, "--val and --val-fraction exclude each other");
    if (f->kind != SW_GPT_KIND_LLAMA && (f->kv_heads > 0 || f->untied))
        return cli_fail(j->verb, "--%s needs --network llama", f->untied ? "untied" : "kv-heads");
    if (f->beta2 > 0 && f->optimizer == SW_SGD)
        return cli_fail(j->verb, "--beta2 is none of --optimizer sgd's");
    if (f->momentum >= 0 && adam)
        return cli_fail(j->verb, "--momentum needs --optimizer sgd or muon");
    if (f->floor >= 0 && f->schedule == 0)
        return cli_fail(j->verb, "--floor is none of --schedule constant's");
    if (f->sample_every < 0 && (f->prompt || f->sample_tokens > 0 || f->temperature >= 0))
        return cli_fail(j->verb, "--prompt, --sample-tokens and --temperature need --sample-every");
    if (f->profile && f->steps >= 0 && f->steps < 2)
        return cli_fail(j->verb,
                        "--profile looks at the steps behind the first: --steps 2 at least");
    if (f->half && !f->out) return cli_fail(j->verb, "--half needs --out FILE");
    return check_out(j);
}

int gpt_flags_read(struct gpt_job *j, int argc, char **argv)
{
    j->f = none;
    int status = flags_read(j->verb, flags, FLAGS, &j->f, argc, argv);
    if (status < 0) status = check_from(j);
    if (status < 0) status = check(j);
    complete(&j->f);
    return status;
}

/* By the clock, warm-up takes a twentieth of the time. */
sw_schedule gpt_schedule(const struct gpt_job *j)
{
    const struct gpt_flags *f = &j->f;
    const bool clock = f->run.seconds > 0;
    const int64_t total = clock                  ? TRAINING_CLOCK_STEPS
                          : f->steps > f->warmup ? f->steps
                                                 : f->warmup + 1;
    return (sw_schedule){.kind = schedule_kinds[f->schedule],
                         .rate = (float)f->rate,
                         .warmup = clock ? total / 20 : f->warmup,
                         .total = total,
                         .floor = (float)(f->floor * f->rate)};
}

enum { TEXT = 2048 };

char *gpt_recipe_text(const struct gpt_job *j)
{
    const struct gpt_flags *f = &j->f;
    /* A constant rate does not know where it ends: such a run may be made longer, or shorter. */
    const int64_t steps = schedule_kinds[f->schedule] == SW_SCHEDULE_CONSTANT ? 0 : f->steps;
    const struct sw_gpt_net *n = &j->net;
    char *text = malloc(TEXT);
    if (!text) return NULL;
    snprintf(text, TEXT,
             "network %s, layers %lld, width %lld, heads %lld, kv-heads %lld, hidden %lld, context "
             "%lld, vocabulary %lld, untied %d, dropout %.9g, tokens %lld to %lld of %lld, batch "
             "%lld, accumulate %lld, steps %lld, seed %lld, optimizer %s, rate %.9g, decay %.9g, "
             "beta2 %.9g, momentum %.9g, clip %.9g, schedule %s, warmup %lld, floor %.9g, bf16 %d, "
             "document-mask %d, window %lld, lora %lld, from %s",
             kinds[n->kind], (long long)n->layers, (long long)n->width, (long long)n->heads,
             (long long)n->kv_heads, (long long)n->hidden, (long long)n->context,
             (long long)n->vocabulary, n->untied, (double)n->dropout, (long long)j->train.begin,
             (long long)j->train.end, (long long)j->set.count, (long long)f->batch,
             (long long)f->accumulate, (long long)steps, (long long)f->seed,
             optimizers[f->optimizer], f->rate, f->decay, f->beta2, f->momentum, f->clip,
             schedules[f->schedule], (long long)f->warmup, f->floor, f->bf16, f->document_mask,
             (long long)j->window, (long long)n->lora_rank, f->from ? f->from : "nothing");
    return text;
}

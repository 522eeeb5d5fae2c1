/* The options of `swell write`: one table, a line an option, under the names that llama.cpp gave them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/flag_table.h"
#include "cli/write_flags.h"

const char write_help[] =
    "usage: swell write [TEXT] [options]\n"
    "\n"
    "Goes on with TEXT, to standard output, as it comes.  TEXT - is standard input; without it, "
    "the\n"
    "model begins by itself.\n"
    "\n"
    "the model\n"
    "  --model M         a GGUF file, a folder of Hugging Face, or llama2.c's .bin with its "
    "--tokenizer\n"
    "                    (default: tales.gguf, a small one that comes along)\n"
    "  --tokenizer T     a tokenizer of its own: GGUF, tokenizer.json, .tiktoken, llama2.c's .bin\n"
    "  --lora FILE[:S]   an adapter in GGUF or a folder of PEFT, S times as strong (default 1); up "
    "to 8, all at once\n"
    "\n"
    "the text\n"
    "  -n, --tokens N    write at most N tokens (default 256); 0: until the text or the context "
    "ends\n"
    "  --only-new        leave TEXT out of the output\n"
    "  --ignore-end      go on where the model ends its text\n"
    "  --schema FILE     what is written is JSON that a JSON schema describes\n"
    "  --grammar FILE    ... fits a grammar in GBNF\n"
    "  --regex R         ... matches a regular expression as a whole\n"
    "                    in each case complete within N tokens\n"
    "\n"
    "the next token: filters, in the order in which they work\n"
    "  --top-k K         of the K most likely tokens (default 40; 0: all)\n"
    "  --typical P       of those nearest to the expected surprise, together P (default 1: all)\n"
    "  --top-p P         of the fewest most likely ones that have P together (default 0.95; 1: "
    "all)\n"
    "  --min-p P         of those with at least P times the largest probability (default 0.05; 0: "
    "all)\n"
    "  --xtc-probability P  so often, only the least likely of those that have at least\n"
    "  --xtc-threshold P    (default 0.1; P up to 0.5) is left of these (default 0: never)\n"
    "  --temperature T   0: always the most likely; 1: as the model says (default 0.8)\n"
    "  --mirostat 2      in place of all filters: keeps the surprise of a token near to\n"
    "  --mirostat-ent E  E bits (default 5), which it learns at the rate\n"
    "  --mirostat-lr R   R (default 0.1)\n"
    "  --seed S          the same seed writes the same text (default 0)\n"
    "\n"
    "against repetition, and for or against single tokens: before all filters\n"
    "  --repeat-penalty R     above 1: against tokens of the last N (default 1: off)\n"
    "  --presence-penalty R   the same, by subtraction; once (default 0)\n"
    "  --frequency-penalty R  ... for each time it stands there (default 0)\n"
    "  --repeat-last-n N      how far these look back (default 64; 0: off; -1: all)\n"
    "  --dry-multiplier R     DRY, against going on with a repetition (default 0: off; 0.8 is "
    "usual):\n"
    "                         costs multiplier * base ^ (length - allowed length)\n"
    "  --dry-base R           default 1.75\n"
    "  --dry-allowed-length N default 2\n"
    "  --dry-penalty-last-n N how far it looks back (default -1: all; 0: off)\n"
    "  --dry-sequence-breaker S  no repetition reaches over it; several; none: no such (default:\n"
    "                         \\n : \" *)\n"
    "  --logit-bias T+B, T-B  makes token T, a number or its text, more or less likely; T-inf: "
    "never\n"
    "\n"
    "memory and speed\n"
    "  --context N       tokens that it can look back on (default: as many as this call can need)\n"
    "  --shift           in a full context, and for a longer TEXT: forget the older half, go on\n"
    "  --keep N          with --shift: the first N tokens are never forgotten\n"
    "  --kv TYPE         keys and values as f16 (default), bf16, f32, or q8_0: half of f16\n"
    "  --lookup N        guess N tokens ahead from what stands in the text: the same words, "
    "sooner\n"
    "                    where it repeats itself\n"
    "  --draft MODEL     a smaller model of the same vocabulary guesses ahead: at temperature 0 "
    "the "
    "same\n"
    "                    words, sooner; above, words of the same distribution\n"
    "  --draft-tokens N  how many at a time (default 4); --stats tells how many were right\n"
    "  --save FILE       keep the text as the model has read it, at the end\n"
    "  --session FILE    ... and go on from there: with its end; or with TEXT, of which nothing is "
    "read\n"
    "                    again that it begins with\n"
    "  --chunk N         read TEXT by N tokens (default 512)\n"
    "  --bf16            multiply weights of 16 and 32 bits in bf16: faster, less exact\n"
    "  --threads N       default: all cores\n"
    "  --stats           times and memory on standard error\n"
    "  --json            one object at the end in place of the text\n"
    "\n"
    "examples:\n"
    "  swell write \"Once upon a time\"\n"
    "  swell write \"Once upon a time\" --model tinyllama-1.1b.Q4_0.gguf\n"
    "  swell write \"The capital of France is\" --model qwen2.5.gguf -n 8 --temperature 0 --stats\n"
    "  swell write - --model smollm.gguf --only-new < chapter.txt\n"
    "  swell write \"Lily, a dog: \" --model m.gguf --only-new --schema animal.json\n"
    "  swell write \"The sea\" --model m.gguf --dry-multiplier 0.8 --logit-bias \" sea-2\"\n"
    "  swell write --model stories260K.bin --tokenizer tok512.bin --temperature 0\n";

/* ---- options that are not a number ------------------------------------------------------------- */

/* FILE or FILE:S. */
static bool take_lora(const struct verb *verb, const struct flag *flag, void *to)
{
    struct write_flags *f = to;
    char *colon = strrchr(optarg, ':'), *end;
    if (f->n_adapters == SW_MODEL_MOST_ADAPTERS) {
        cli_fail(verb, "--%s: at most %d at once", flag->name, SW_MODEL_MOST_ADAPTERS);
        return false;
    }
    sw_model_adapter *a = &f->adapters[f->n_adapters++];
    *a = (sw_model_adapter){.path = optarg, .scale = 1};
    if (!colon || !colon[1]) return true;
    const float scale = strtof(colon + 1, &end);
    if (*end) return true;
    a->scale = scale;
    *colon = 0;
    return true;
}

static bool take_fit(const struct verb *verb, const struct flag *flag, void *to)
{
    struct write_flags *f = to;
    if (f->fit) {
        cli_fail(verb, "one of --schema, --grammar and --regex");
        return false;
    }
    f->fit = optarg;
    f->fit_kind = strcmp(flag->name, "schema") == 0    ? SW_GRAMMAR_JSON_SCHEMA
                  : strcmp(flag->name, "grammar") == 0 ? SW_GRAMMAR_GBNF
                                                       : SW_GRAMMAR_REGEX;
    return true;
}

static bool take_word(const struct verb *verb, const struct flag *flag, void *to)
{
    struct write_words *words = (void *)((char *)to + flag->at);
    if (words->n == WRITE_MOST_WORDS) {
        cli_fail(verb, "--%s: at most %d of them", flag->name, WRITE_MOST_WORDS);
        return false;
    }
    words->at[words->n++] = optarg;
    return true;
}

/* ---- the table --------------------------------------------------------------------------------- */

static const char *const kv_names[] = {[SW_MODEL_KV_F16] = "f16",
                                       [SW_MODEL_KV_BF16] = "bf16",
                                       [SW_MODEL_KV_F32] = "f32",
                                       [SW_MODEL_KV_Q8_0] = "q8_0",
                                       NULL};
static const char *const mirostats[] = {"0", "2", NULL};

#define AT(field) offsetof(struct write_flags, field)
#define REAL(name, field, lo, hi)                                                                  \
    {                                                                                              \
        name, FLAG_REAL, AT(field), lo, hi, NULL, NULL                                             \
    }
#define WHOLE(name, field, lo, hi)                                                                 \
    {                                                                                              \
        name, FLAG_WHOLE, AT(field), lo, hi, NULL, NULL                                            \
    }
#define YES(name, field)                                                                           \
    {                                                                                              \
        name, FLAG_YES, AT(field), 0, 0, NULL, NULL                                                \
    }
#define TEXT(name, field)                                                                          \
    {                                                                                              \
        name, FLAG_TEXT, AT(field), 0, 0, NULL, NULL                                               \
    }
static const struct flag flags[] = {
    TEXT("model", model),
    TEXT("tokenizer", tokenizer),
    {"lora", FLAG_OTHER, 0, 0, 0, NULL, take_lora},
    WHOLE("n", tokens, 0, 1 << 30),
    WHOLE("tokens", tokens, 0, 1 << 30),
    YES("only-new", only_new),
    YES("ignore-end", ignore_end),
    {"schema", FLAG_OTHER, 0, 0, 0, NULL, take_fit},
    {"grammar", FLAG_OTHER, 0, 0, 0, NULL, take_fit},
    {"regex", FLAG_OTHER, 0, 0, 0, NULL, take_fit},
    WHOLE("top-k", top_k, 0, INT32_MAX),
    REAL("typical", typical, 0, 1),
    REAL("top-p", top_p, 0, 1),
    REAL("min-p", min_p, 0, 1),
    REAL("xtc-probability", xtc_probability, 0, 1),
    REAL("xtc-threshold", xtc_threshold, 0.0001, 0.5),
    REAL("temperature", temperature, 0, 100),
    {"mirostat", FLAG_CHOICE, AT(mirostat), 0, 0, mirostats, NULL},
    REAL("mirostat-ent", mirostat_tau, 0.01, 100),
    REAL("mirostat-lr", mirostat_eta, 0.0001, 1),
    WHOLE("seed", seed, 0, 9e18),
    REAL("repeat-penalty", repeat_penalty, 0.01, 100),
    REAL("presence-penalty", presence_penalty, -100, 100),
    REAL("frequency-penalty", frequency_penalty, -100, 100),
    WHOLE("repeat-last-n", repeat_last_n, -1, 1 << 20),
    REAL("dry-multiplier", dry_multiplier, 0, 1e6),
    REAL("dry-base", dry_base, 1, 1e6),
    WHOLE("dry-allowed-length", dry_allowed_length, 1, 1 << 20),
    WHOLE("dry-penalty-last-n", dry_last_n, -1, 1 << 20),
    {"dry-sequence-breaker", FLAG_OTHER, AT(breakers), 0, 0, NULL, take_word},
    {"logit-bias", FLAG_OTHER, AT(bias), 0, 0, NULL, take_word},
    WHOLE("context", context, 1, 1 << 30),
    YES("shift", shift),
    WHOLE("keep", keep, 0, 1 << 30),
    {"kv", FLAG_CHOICE, AT(kv), 0, 0, kv_names, NULL},
    WHOLE("lookup", lookup, 0, 64),
    TEXT("session", session),
    TEXT("save", save),
    TEXT("draft", draft),
    WHOLE("draft-tokens", draft_tokens, 1, 64),
    WHOLE("chunk", chunk, 1, 65536),
    YES("bf16", bf16),
    WHOLE("threads", threads, 1, 256),
    YES("stats", stats),
    YES("json", json),
};

int write_flags_read(const struct verb *verb, struct write_flags *f, int argc, char **argv)
{
    int words;
    *f = (struct write_flags){.tokens = 256,
                              .temperature = 0.8,
                              .top_k = WRITE_UNSAID,
                              .top_p = NAN,
                              .min_p = NAN,
                              .typical = NAN,
                              .repeat_penalty = NAN,
                              .presence_penalty = NAN,
                              .frequency_penalty = NAN,
                              .repeat_last_n = WRITE_UNSAID,
                              .dry_multiplier = NAN,
                              .dry_base = NAN,
                              .dry_allowed_length = WRITE_UNSAID,
                              .dry_last_n = WRITE_UNSAID,
                              .xtc_probability = NAN,
                              .xtc_threshold = NAN,
                              .mirostat_tau = NAN,
                              .mirostat_eta = NAN};
    const int n = sizeof flags / sizeof *flags;
    const int status = flags_and_words(verb, flags, n, f, argc, argv, &words);
    if (status >= 0) return status;
    if (words + 1 < argc)
        return cli_fail(verb, "one text, in quotes: '%s' is another", argv[words + 1]);
    if (f->keep && !f->shift) return cli_fail(verb, "--keep needs --shift");
    if (f->draft_tokens && !f->draft) return cli_fail(verb, "--draft-tokens needs --draft");
    if (f->lookup && f->draft) return cli_fail(verb, "one of --lookup and --draft");
    if (!flags_writable(verb, "save", f->save)) return 1;
    f->prompt = argv[words];
    return -1;
}

/* What the options of `swell write` say, and the sampler they mean. */
#ifndef SWELL_CLI_WRITE_FLAGS_H
#define SWELL_CLI_WRITE_FLAGS_H

#include "cli/verbs.h"

enum { WRITE_MOST_WORDS = 256 };

/* Values of an option that may come several times. */
struct write_words {
    const char *at[WRITE_MOST_WORDS];
    int n;
};

struct write_flags {
    const char *model, *tokenizer, *draft, *session, *save, *prompt;
    const char *fit;  /* a file, or the expression itself */
    int64_t fit_kind; /* sw_grammar_kind */
    sw_model_adapter adapters[SW_MODEL_MOST_ADAPTERS];
    int n_adapters;
    /* numbers that were not said are NAN and WRITE_UNSAID */
    double temperature, top_p, min_p, typical;
    double repeat_penalty, presence_penalty, frequency_penalty;
    double dry_multiplier, dry_base;
    double xtc_probability, xtc_threshold;
    double mirostat_tau, mirostat_eta;
    int64_t top_k, seed, repeat_last_n, dry_allowed_length, dry_last_n, mirostat;
    struct write_words breakers, bias;
    int64_t tokens, context, keep, kv, lookup, draft_tokens, chunk, threads;
    bool only_new, ignore_end, shift, bf16, stats, json;
};

#define WRITE_UNSAID INT64_MIN

/* Read the command line.  -1 to go on, else the exit status, with everything said. */
int write_flags_read(const struct verb *verb, struct write_flags *f, int argc, char **argv);
extern const char write_help[];

/* All of the sampler but what names tokens; options that contradict each other are refused: exit status 1 after a
 * line, else 0.  `context`: as far back as anything looks. */
int write_sampler(const struct verb *verb, const struct write_flags *f, int64_t context,
                  sw_sampler_options *o);
/* And what names tokens, now that there are any.  Arrays are the caller's to free, also after a failure. */
struct write_named {
    int32_t *breakers, *bias_ids;
    float *bias;
};
int write_named_tokens(const struct verb *verb, const struct write_flags *f, const sw_model *m,
                       const sw_token_trie *trie, sw_sampler_options *o, struct write_named *named);
/* Whether that needs a trie. */
bool write_needs_trie(const sw_sampler_options *o);

#endif

/* From the options of `swell write` to a sampler.  llama.cpp ignores an option that another makes void (--top-k
 * beside --mirostat, --dry-base without --dry-multiplier); here it is refused. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "cli/write_flags.h"

enum { TOP_K = 40, WINDOW = 64, MOST_WINDOW = 1 << 20 };
static const double top_p_default = 0.95, min_p_default = 0.05, tau_default = 5;

/* An option, and whether it was said. */
struct said {
    const char *name;
    bool is;
};

static const char *first_said(const struct said *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i].is) return s[i].name;
    return NULL;
}

#define FIRST_SAID(list) first_said(list, sizeof(list) / sizeof *(list))

static double real(double said, double otherwise)
{
    return isnan(said) ? otherwise : said;
}

/* ---- what contradicts -------------------------------------------------------------------------- */

static int check_mirostat(const struct verb *verb, const struct write_flags *f)
{
    const struct said filters[] = {{"top-k", f->top_k != WRITE_UNSAID},
                                   {"typical", !isnan(f->typical)},
                                   {"top-p", !isnan(f->top_p)},
                                   {"min-p", !isnan(f->min_p)},
                                   {"xtc-probability", !isnan(f->xtc_probability)}};
    const struct said own[] = {{"mirostat-ent", !isnan(f->mirostat_tau)},
                               {"mirostat-lr", !isnan(f->mirostat_eta)}};
    if (!f->mirostat) {
        if (FIRST_SAID(own)) return cli_fail(verb, "--%s needs --mirostat 2", FIRST_SAID(own));
        return 0;
    }
    if (FIRST_SAID(filters))
        return cli_fail(verb, "--mirostat takes the place of --%s: one of them",
                        FIRST_SAID(filters));
    if (f->temperature <= 0) return cli_fail(verb, "--mirostat needs a --temperature above 0");
    return 0;
}

static int check_needs(const struct verb *verb, const struct write_flags *f)
{
    const struct said penalties[] = {{"repeat-penalty", !isnan(f->repeat_penalty)},
                                     {"presence-penalty", !isnan(f->presence_penalty)},
                                     {"frequency-penalty", !isnan(f->frequency_penalty)}};
    const struct said dry[] = {{"dry-base", !isnan(f->dry_base)},
                               {"dry-allowed-length", f->dry_allowed_length != WRITE_UNSAID},
                               {"dry-penalty-last-n", f->dry_last_n != WRITE_UNSAID},
                               {"dry-sequence-breaker", f->breakers.n > 0}};
    if (f->repeat_last_n != WRITE_UNSAID && !FIRST_SAID(penalties))
        return cli_fail(verb, "--repeat-last-n needs --repeat-penalty, --presence-penalty or "
                              "--frequency-penalty");
    if (isnan(f->dry_multiplier) && FIRST_SAID(dry))
        return cli_fail(verb, "--%s needs --dry-multiplier", FIRST_SAID(dry));
    if (isnan(f->xtc_probability) && !isnan(f->xtc_threshold))
        return cli_fail(verb, "--xtc-threshold needs --xtc-probability");
    return 0;
}

/* ---- numbers ----------------------------------------------------------------------------------- */

/* Tokens to look back on: 0 for none. */
static int32_t window(int64_t said, int64_t otherwise, int64_t context)
{
    const int64_t n = said == WRITE_UNSAID ? otherwise : said;
    return (int32_t)sw__min64(n < 0 ? context : n, MOST_WINDOW);
}

static void repetition(const struct write_flags *f, int64_t context, sw_sampler_options *o)
{
    o->penalty_window = window(f->repeat_last_n, WINDOW, context);
    if (o->penalty_window > 0) {
        o->repeat_penalty = (float)real(f->repeat_penalty, 1);
        o->presence_penalty = (float)real(f->presence_penalty, 0);
        o->frequency_penalty = (float)real(f->frequency_penalty, 0);
    }
    o->dry_window = window(f->dry_last_n, -1, context);
    if (o->dry_window == 0 || isnan(f->dry_multiplier)) return;
    o->dry_multiplier = (float)f->dry_multiplier;
    o->dry_base = (float)real(f->dry_base, 0);
    o->dry_allowed_length = f->dry_allowed_length == WRITE_UNSAID ? 0
                                                                  : (int32_t)f->dry_allowed_length;
}

int write_sampler(const struct verb *verb, const struct write_flags *f, int64_t context,
                  sw_sampler_options *o)
{
    if (check_mirostat(verb, f) || check_needs(verb, f)) return 1;
    *o = (sw_sampler_options){.temperature = (float)f->temperature, .seed = (uint64_t)f->seed};
    repetition(f, context, o);
    if (f->mirostat) {
        o->mirostat_tau = (float)real(f->mirostat_tau, tau_default);
        o->mirostat_eta = (float)real(f->mirostat_eta, 0);
        return 0;
    }
    o->top_k = f->top_k == WRITE_UNSAID ? TOP_K : (int32_t)f->top_k;
    o->typical_p = (float)real(f->typical, 0);
    o->top_p = (float)real(f->top_p, top_p_default);
    o->min_p = (float)real(f->min_p, min_p_default);
    o->xtc_probability = (float)real(f->xtc_probability, 0);
    o->xtc_threshold = (float)real(f->xtc_threshold, 0);
    return 0;
}

/* ---- tokens ------------------------------------------------------------------------------------ */

/* A number behind `sign`, as a whole. */
static bool number(const char *sign, float *value)
{
    char *end;
    if (*sign != '+' && *sign != '-') return false;
    *value = strtof(sign, &end);
    return end > sign + 1 && !*end && *value < INFINITY;
}

/* TOKEN+BIAS or TOKEN-BIAS; TOKEN is an id or a text. */
static int take_bias(const struct verb *verb, const sw_model *m, const char *word, int32_t *id,
                     float *bias)
{
    const sw_tokenizer *t = sw_model_tokenizer(m);
    char *end;
    const long long digits = strtoll(word, &end, 10);
    const size_t all = strlen(word);
    size_t bytes = 1;
    if (end > word && *word >= '0' && *word <= '9' && number(end, bias)) {
        if (digits >= sw_model_get_info(m).vocabulary)
            return cli_fail(verb, "--logit-bias %s: the vocabulary has %lld tokens", word,
                            (long long)sw_model_get_info(m).vocabulary);
        *id = (int32_t)digits;
        return 0;
    }
    while (bytes < all && !number(word + bytes, bias)) bytes++;
    if (bytes >= all) return cli_fail(verb, "--logit-bias %s: not TOKEN+BIAS or TOKEN-BIAS", word);
    *id = sw_token_find(t, word, bytes);
    if (*id < 0)
        return cli_fail(verb, "--logit-bias %s: '%.*s' is not one token of this model", word,
                        (int)bytes, word);
    return 0;
}

/* \n, \t and \\ are what C makes of them. */
static size_t unescape(const char *word, char *out, size_t room)
{
    size_t n = 0;
    for (; *word && n < room; word++) {
        const char next = *word == '\\' ? word[1] : 0;
        const bool escape = next == 'n' || next == 't' || next == '\\';
        out[n++] = (char)(!escape ? *word : next == 'n' ? '\n' : next == 't' ? '\t' : '\\');
        if (escape) word++;
    }
    return n;
}

/* `must`: each has to be in some token. */
static int find_breakers(const struct verb *verb, const struct write_words *words,
                         const sw_token_trie *trie, bool must, int32_t **ids, int64_t *n)
{
    char text[256];
    int64_t capacity = 0;
    for (int i = 0; i < words->n; i++) {
        const size_t bytes = unescape(words->at[i], text, sizeof text);
        const int64_t more = bytes ? sw_token_trie_containing(trie, text, bytes, NULL, 0) : 0;
        if (more == 0 && must)
            return cli_fail(verb, "--dry-sequence-breaker '%s': no token has this text",
                            words->at[i]);
        if (!sw__grow(ids, &capacity, *n + more, sizeof **ids))
            return cli_fail(verb, "out of memory");
        *n += sw_token_trie_containing(trie, text, bytes, *ids + *n, more);
    }
    return 0;
}

bool write_needs_trie(const sw_sampler_options *o)
{
    return o->dry_multiplier > 0;
}

int write_named_tokens(const struct verb *verb, const struct write_flags *f, const sw_model *m,
                       const sw_token_trie *trie, sw_sampler_options *o, struct write_named *named)
{
    static const struct write_words usual = {{"\\n", ":", "\"", "*"}, 4};
    const bool none = f->breakers.n == 1 && strcmp(f->breakers.at[0], "none") == 0;
    int64_t n = 0;
    if (f->bias.n) {
        named->bias_ids = sw__calloc2((size_t)f->bias.n, sizeof *named->bias_ids);
        named->bias = sw__calloc2((size_t)f->bias.n, sizeof *named->bias);
        if (!named->bias_ids || !named->bias) return cli_fail(verb, "out of memory");
    }
    for (int i = 0; i < f->bias.n; i++)
        if (take_bias(verb, m, f->bias.at[i], &named->bias_ids[i], &named->bias[i])) return 1;
    if (write_needs_trie(o) && !none &&
        find_breakers(verb, f->breakers.n ? &f->breakers : &usual, trie, f->breakers.n > 0,
                      &named->breakers, &n))
        return 1;
    o->bias_ids = named->bias_ids;
    o->bias = named->bias;
    o->n_bias = f->bias.n;
    o->dry_breakers = named->breakers;
    o->n_dry_breakers = n;
    return 0;
}

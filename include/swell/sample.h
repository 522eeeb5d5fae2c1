/* Choosing the next token from logits.
 *
 *     sw_sampler_options o = {.temperature = 0.8f, .top_k = 40, .top_p = 0.95f, .min_p = 0.05f, .seed = 7};
 *     sw_sampler *s;
 *     if (sw_sampler_create(ctx, &o, sw_tokenizer_size(t), &s) != SW_OK) ...
 *     for (i = 0; i < n; i++) sw_sampler_accept(s, prompt[i]);       // what the penalties see
 *     while (... && sw_sampler_draw(s, logits, n, NULL, &token) == SW_OK) sw_sampler_accept(s, token);
 *
 * The order is llama.cpp's default:
 *
 *     logit bias, penalties, DRY, top-k, typical, top-p, min-p, XTC, temperature, draw
 *
 * A filter keeps a part of the tokens that the one before left, and works on their probabilities
 * at temperature 1, normalised; a mask of allowed tokens comes before all of them.  Mirostat 2 takes the
 * place of the filters: bias, penalties, DRY, temperature, mirostat.
 *
 * Draw number i of a sampler is a function of the seed, of i, of the logits and of what was
 * accepted (Philox, counter based): the same seed gives the same tokens, whatever else runs. */
#ifndef SWELL_SAMPLE_H
#define SWELL_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swell/context.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sw_sampler sw_sampler;

/* All zeros: the likeliest token, always.  0 switches each part off. */
typedef struct sw_sampler_options {
    float temperature; /* 0: the likeliest of what is left; among equals the lowest id */
    uint64_t seed;

    int32_t top_k; /* the k likeliest tokens; among equals those of lower ids, here and below */
    float
        typical_p; /* locally typical (Meister et al. 2022): those whose surprise is nearest to the
                        entropy, until their mass is above typical_p; 0 or 1: off */
    float top_p;   /* nucleus (Holtzman et al. 2020): the fewest likeliest tokens with at least this
                        mass; 0 or 1: off */
    float min_p; /* those with at least min_p times the largest probability (Nguyen et al. 2024) */

    /* Penalties of tokens among the last penalty_window accepted ones (0: 64; at most 2^20).  A token
     * that stands there `count` times: its logit is divided by repeat_penalty where positive, else
     * multiplied (Keskar et al. 2019; 0 or 1: off); then count * frequency_penalty + presence_penalty
     * is subtracted. */
    int32_t penalty_window;
    float repeat_penalty, frequency_penalty, presence_penalty;

    /* DRY ("don't repeat yourself"): a token that would continue a repetition of the last n tokens,
     * n >= dry_allowed_length (0: 2), loses dry_multiplier * dry_base ^ (n - dry_allowed_length).
     * dry_base 0: 1.75.  dry_window: how far back it looks; 0: 4096, at most 2^20.  A repetition does
     * not reach over a token of dry_breakers, and these are never penalised: usually all tokens whose
     * text has a line end, ':', '"' or '*'.  The array is copied. */
    float dry_multiplier, dry_base;
    int32_t dry_allowed_length, dry_window;
    const int32_t *dry_breakers;
    int64_t n_dry_breakers;

    /* XTC ("exclude top choices"): with this probability, of all tokens that have at least
     * xtc_threshold (0: 0.1; at most 0.5) only the least likely one stays. */
    float xtc_probability, xtc_threshold;

    /* Mirostat 2 (Basu et al. 2021, algorithm 2): drops tokens of more surprise than mu bits, and moves
     * mu so that the surprise of what is drawn comes near to mirostat_tau (0: off; 5 is usual) at the
     * rate mirostat_eta (0: 0.1).  Not together with filters, nor at temperature 0. */
    float mirostat_tau, mirostat_eta;

    /* logits[bias_ids[i]] += bias[i] before all else; -INFINITY forbids a token.  Copied. */
    const int32_t *bias_ids;
    const float *bias;
    int64_t n_bias;

    /* Keep log probabilities of each draw: of the chosen token and of the `top_logprobs` (at most
     * 1024) likeliest.  They are natural logarithms of the model's own distribution: the
     * softmax of the logits as given, before bias, penalties, mask, filters and temperature. */
    bool logprobs;
    int32_t top_logprobs;
} sw_sampler_options;

/* A sampler for `vocabulary` tokens.  All memory is taken here.  It uses ctx for the text of
 * errors: one thread at a time.  SW_ERR_ARGUMENT, with a text that names the option: one that is
 * outside its range or that contradicts another. */
SW_API sw_status sw_sampler_create(sw_context *ctx, const sw_sampler_options *options,
                                   int64_t vocabulary, sw_sampler **out);
/* NULL is fine. */
SW_API void sw_sampler_destroy(sw_sampler *s);

/* As just created: no history, draw number 0, mirostat's mu. */
SW_API void sw_sampler_reset(sw_sampler *s);

/* Tell what stands in the text now: tokens of the prompt, and each that was drawn and kept.  Ids
 * outside of the vocabulary are ignored. */
SW_API void sw_sampler_accept(sw_sampler *s, int32_t token);

/* Choose a token.  logits: `n` of them, n the vocabulary's size (SW_ERR_ARGUMENT); the call works in
 * them and gives them back as they were.  -INFINITY is a forbidden token.  mask: NULL, or bit i % 32
 * of mask[i / 32] says whether token i is allowed.  SW_ERR_NAN: a logit is not a number or is
 * +infinity; SW_ERR_STATE: no token is allowed.  After an error no draw is counted. */
SW_API sw_status sw_sampler_draw(sw_sampler *s, float *logits, int64_t n, const uint32_t *mask,
                                 int32_t *token);

/* Speculative decoding (Leviathan et al. 2023, algorithm 1): which token stands where a draft has `drafted` and the
 * model has these logits.  *token is `drafted`, which is then accepted, or another, and the draft is void from here on.
 * draft: the n probabilities that `drafted` was drawn by; it is accepted with probability min(1, p / q), else a token is
 * drawn by max(0, p - q).  So tokens have the distribution of sw_sampler_draw, whose draws this counts with.  NULL for a
 * draft that was not drawn (prompt lookup): then *token is what sw_sampler_draw gives, to the bit.  Temperature 0: the
 * likeliest token, either way.  Besides the errors of a draw, SW_ERR_ARGUMENT: draft[drafted] is not within 0 < q <= 1. */
SW_API sw_status sw_sampler_verify(sw_sampler *s, float *logits, int64_t n, const uint32_t *mask,
                                   int32_t drafted, const float *draft, int32_t *token);

/* A token for a draft: what might be drawn after the `n_ahead` (at most 64) tokens `ahead`, which were not accepted yet,
 * by another model's logits; the n probabilities it was drawn by go to `probabilities`, for sw_sampler_verify.  Options
 * as for a draw, random numbers of its own; nothing of the sampler changes.  Errors of a draw. */
#define SW_SAMPLER_MOST_AHEAD 64
SW_API sw_status sw_sampler_propose(sw_sampler *s, float *logits, int64_t n, const int32_t *ahead,
                                    int n_ahead, int32_t *token, float *probabilities);

typedef struct sw_token_logprob {
    int32_t token;
    float logprob; /* natural logarithm */
} sw_token_logprob;

/* Log probabilities of the last draw, as the option `logprobs` says: of the chosen token, and of the
 * likeliest in falling order.  Returns how many of these there are, 0 without the option; *top lies in
 * the sampler, valid to the next call.  Both pointers may be NULL. */
SW_API int64_t sw_sampler_logprobs(const sw_sampler *s, sw_token_logprob *chosen,
                                   const sw_token_logprob **top);

#ifdef __cplusplus
}
#endif
#endif

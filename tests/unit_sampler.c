/* Samplers: cases of the papers computed by hand, kept sets against loops in float64 that sort everything, and
 * frequencies of many draws against the probabilities (chi-square; the seeds are fixed, so a bound
 * either always holds or never). */
#include "unit.h"

#include <float.h>
#include <math.h>
#include <swell/swell.h>
#include "base/rng.h"

static sw_context *ctx;

static sw_sampler *make(sw_sampler_options o, int64_t vocabulary)
{
    sw_sampler *s;
    assert_int_equal(sw_sampler_create(ctx, &o, vocabulary, &s), SW_OK);
    return s;
}

static int32_t draw(sw_sampler *s, float *logits, int64_t n)
{
    int32_t token = -1;
    assert_int_equal(sw_sampler_draw(s, logits, n, NULL, &token), SW_OK);
    return token;
}

/* ---- the reference ----------------------------------------------------------------------------- */

#define LIMIT 300

struct reference {
    double x[LIMIT]; /* logits, -INFINITY for what is dropped */
    int n;
};

static double probability(const struct reference *r, int i)
{
    double sum = 0;
    for (int j = 0; j < r->n; j++) sum += exp(r->x[j]);
    return exp(r->x[i]) / sum;
}

/* Ids in falling order of `by`; equal ones in the order of ids. */
static void order_by(const double *by, int n, int *ids)
{
    for (int i = 0; i < n; i++) {
        int at = i;
        while (at > 0 && by[ids[at - 1]] < by[i]) {
            ids[at] = ids[at - 1];
            at--;
        }
        ids[at] = i;
    }
}

static void keep_first(struct reference *r, const int *ids, int n)
{
    for (int i = n; i < r->n; i++) r->x[ids[i]] = -INFINITY;
}

/* How many of ids have mass p together; above: more than p. */
static int mass(const struct reference *r, const int *ids, double p, bool above)
{
    double sum = 0;
    for (int i = 0; i < r->n; i++) {
        sum += probability(r, ids[i]);
        if (above ? sum > p : sum >= p) return i + 1;
    }
    return r->n;
}

static void filter(struct reference *r, const sw_sampler_options *o)
{
    int ids[LIMIT];
    order_by(r->x, r->n, ids);
    if (o->top_k > 0 && o->top_k < r->n) keep_first(r, ids, o->top_k);
    if (o->typical_p > 0) {
        double entropy = 0, nearness[LIMIT];
        for (int i = 0; i < r->n; i++)
            if (probability(r, i) > 0) entropy -= probability(r, i) * log(probability(r, i));
        for (int i = 0; i < r->n; i++) nearness[i] = -fabs(-log(probability(r, i)) - entropy);
        order_by(nearness, r->n, ids);
        keep_first(r, ids, mass(r, ids, (double)o->typical_p, true));
    }
    order_by(r->x, r->n, ids);
    if (o->top_p > 0) keep_first(r, ids, mass(r, ids, (double)o->top_p, false));
    if (o->min_p > 0) {
        const double least = (double)o->min_p * probability(r, ids[0]);
        int n = 0;
        while (n < r->n && probability(r, ids[n]) >= least) n++;
        keep_first(r, ids, n);
    }
    if (o->xtc_probability == 1) {
        int n = 0;
        while (n < r->n && probability(r, ids[n]) >= (double)o->xtc_threshold) n++;
        for (int i = 0; i + 1 < n; i++) r->x[ids[i]] = -INFINITY;
    }
}

/* Draws `draws` tokens; their frequencies must be the reference's: the statistic is below its mean by
 * five deviations more (chi-square with d degrees: mean d, variance 2 d). */
static void check_frequencies(sw_sampler *s, float *logits, const struct reference *r, int draws)
{
    int seen[LIMIT] = {0}, freedom = -1;
    double statistic = 0, rare = 0;
    int rare_seen = 0;
    for (int i = 0; i < draws; i++) seen[draw(s, logits, r->n)]++;
    for (int i = 0; i < r->n; i++) {
        const double expected = probability(r, i) * draws;
        if (expected == 0) assert_int_equal(seen[i], 0);
        if (expected < 10) {
            rare += expected;
            rare_seen += seen[i];
            continue;
        }
        statistic += (seen[i] - expected) * (seen[i] - expected) / expected;
        freedom++;
    }
    if (rare >= 10) {
        statistic += (rare_seen - rare) * (rare_seen - rare) / rare;
        freedom++;
    }
    assert_true(statistic <= freedom + 5 * sqrt(2.0 * (freedom > 0 ? freedom : 0)) + 1e-9);
}

static const sw_sampler_options chains[] = {
    {.temperature = 1},
    {.temperature = 0.7f},
    {.temperature = 1.8f, .top_k = 7},
    {.temperature = 1, .top_k = 250, .top_p = 0.5f},
    {.temperature = 1, .top_p = 0.9f},
    {.temperature = 1, .top_p = 0.01f},
    {.temperature = 1, .min_p = 0.2f},
    {.temperature = 1, .typical_p = 0.3f},
    {.temperature = 1, .typical_p = 0.95f, .top_p = 0.7f},
    {.temperature = 1, .xtc_probability = 1, .xtc_threshold = 0.05f},
    {.temperature = 0.8f, .top_k = 40, .top_p = 0.95f, .min_p = 0.05f},
    {.temperature = 1.5f,
     .top_k = 60,
     .typical_p = 0.9f,
     .top_p = 0.9f,
     .min_p = 0.02f,
     .xtc_probability = 1,
     .xtc_threshold = 0.03f},
};

static void distributions(void **state)
{
    static const int sizes[] = {1, 2, 31, 32, 33, 100, LIMIT};
    for (size_t c = 0; c < sizeof chains / sizeof *chains; c++)
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            float logits[LIMIT];
            const int n = sizes[k];
            struct reference r = {.n = n};
            sw__fill_normal(logits, n, 0, 2, 5, 100 * c + k);
            for (int i = 0; i < n; i++) r.x[i] = (double)logits[i];
            filter(&r, &chains[c]);
            for (int i = 0; i < n; i++) r.x[i] /= (double)chains[c].temperature;
            sw_sampler_options o = chains[c];
            o.seed = 77 + k;
            sw_sampler *s = make(o, n);
            check_frequencies(s, logits, &r, 20000);
            sw_sampler_destroy(s);
        }
}

/* Tokens of a draft that was drawn by q, verified: their frequencies are p's, and as many stay as the sum of min(p, q)
 * says; of a draft that was not drawn, the token is that of sw_sampler_draw. */
static void verified(void **state)
{
    enum { N = 40, DRAWS = 40000 };
    for (size_t c = 0; c < sizeof chains / sizeof *chains; c++) {
        float logits[N], q[N];
        double sum = 0, stays = 0;
        int seen[N] = {0}, stayed = 0, freedom = -1;
        struct reference r = {.n = N};
        struct sw_rng rng = {.seed = 31, .stream = c};
        sw__fill_normal(logits, N, 0, 1.5f, 6, c);
        sw__fill_normal(q, N, 0, 1.5f, 7, c);
        for (int i = 0; i < N; i++) {
            q[i] = expf(0.5f * q[i] + 0.5f * logits[i]);
            sum += (double)q[i];
            r.x[i] = (double)logits[i];
        }
        for (int i = 0; i < N; i++) q[i] = (float)((double)q[i] / sum);
        filter(&r, &chains[c]);
        for (int i = 0; i < N; i++) r.x[i] /= (double)chains[c].temperature;
        sw_sampler_options o = chains[c];
        o.seed = 12;
        sw_sampler *s = make(o, N), *plain = make(o, N);
        for (int k = 0; k < DRAWS; k++) {
            int32_t token, drafted = 0;
            for (double u = (double)sw__rng_uniform(&rng); drafted < N - 1; drafted++)
                if ((u -= (double)q[drafted]) < 0) break;
            assert_int_equal(sw_sampler_verify(s, logits, N, NULL, drafted, q, &token), SW_OK);
            seen[token]++;
            stayed += token == drafted;
        }
        double statistic = 0;
        for (int i = 0; i < N; i++) {
            const double p = probability(&r, i), expected = p * DRAWS;
            stays += fmin(p, (double)q[i]);
            if (expected == 0) assert_int_equal(seen[i], 0);
            if (expected < 10) continue;
            statistic += (seen[i] - expected) * (seen[i] - expected) / expected;
            freedom++;
        }
        assert_true(statistic <= freedom + 5 * sqrt(2.0 * (freedom > 0 ? freedom : 0)) + 1e-9);
        assert_true(fabs(stayed - stays * DRAWS) <= 5 * sqrt(DRAWS * stays * (1 - stays)) + 1e-6);
        sw_sampler_reset(s);
        for (int k = 0; k < 200; k++) {
            int32_t token;
            assert_int_equal(sw_sampler_verify(s, logits, N, NULL, k % N, NULL, &token), SW_OK);
            assert_int_equal(token, draw(plain, logits, N));
        }
        sw_sampler_destroy(s);
        sw_sampler_destroy(plain);
    }
}

/* ---- by hand ----------------------------------------------------------------------------------- */

/* Which tokens 20000 draws give, as bits; all probabilities here are above 1/100. */
static unsigned drawn(sw_sampler_options o, const double *p, int n)
{
    float logits[32];
    unsigned bits = 0;
    for (int i = 0; i < n; i++) logits[i] = (float)log(p[i]);
    o.temperature = 1;
    sw_sampler *s = make(o, n);
    for (int i = 0; i < 20000; i++) bits |= 1u << draw(s, logits, n);
    sw_sampler_destroy(s);
    return bits;
}

static void by_hand(void **state)
{
    const double p[] = {0.1, 0.4, 0.02, 0.3, 0.18};

    assert_int_equal(drawn((sw_sampler_options){0}, p, 5), 0x1F);
    assert_int_equal(drawn((sw_sampler_options){.top_k = 2}, p, 5), 1 << 1 | 1 << 3);
    /* 0.4 + 0.3 + 0.18 = 0.88 >= 0.8 > 0.7 */
    assert_int_equal(drawn((sw_sampler_options){.top_p = 0.8f}, p, 5), 1 << 1 | 1 << 3 | 1 << 4);
    /* min-p, Nguyen et al. 2024, section 3: the bound is 0.3 * 0.4 = 0.12. */
    assert_int_equal(drawn((sw_sampler_options){.min_p = 0.3f}, p, 5), 1 << 1 | 1 << 3 | 1 << 4);
    /* typical, Meister et al. 2022, equation 7.  H = 1.345 nats; surprises 2.303 0.916 3.912 1.204
     * 1.715, distances 0.957 0.429 2.567 0.141 0.370: in order 0.3, 0.18, 0.4: above 0.45 with two. */
    assert_int_equal(drawn((sw_sampler_options){.typical_p = 0.45f}, p, 5), 1 << 3 | 1 << 4);
    assert_int_equal(drawn((sw_sampler_options){.typical_p = 0.5f}, p, 5),
                     1 << 1 | 1 << 3 | 1 << 4);
    /* XTC: at least 0.15 have 0.4, 0.3 and 0.18; the last of these stays. */
    assert_int_equal(
        drawn((sw_sampler_options){.xtc_probability = 1, .xtc_threshold = 0.15f}, p, 5),
        1 << 0 | 1 << 2 | 1 << 4);
    /* One alone above the threshold stays. */
    assert_int_equal(
        drawn((sw_sampler_options){.xtc_probability = 1, .xtc_threshold = 0.35f}, p, 5), 0x1F);
}

/* Half of the draws are excluded from. */
static void xtc_probability(void **state)
{
    float logits[] = {logf(0.6f), logf(0.3f), logf(0.1f)};
    sw_sampler *s = make(
        (sw_sampler_options){.temperature = 1, .xtc_probability = 0.5f, .xtc_threshold = 0.2f}, 3);
    int first = 0;
    for (int i = 0; i < 20000; i++) first += draw(s, logits, 3) == 0;
    assert_true(fabs(first - 6000.0) < 5 * sqrt(20000 * 0.3 * 0.7));
    sw_sampler_destroy(s);
}

/* Mirostat 2: mu begins at 2 tau.  With probabilities 1/2 1/4 1/8 1/8 and tau 1: mu = 2, so 1/2 and
 * 1/4 stay, 2/3 and 1/3 of what is left: surprises log2(3/2) and log2(3). */
static void mirostat(void **state)
{
    float logits[] = {logf(0.5f), logf(0.25f), logf(0.125f), logf(0.125f)};
    double mu = 2;
    sw_sampler *s = make(
        (sw_sampler_options){.temperature = 1, .mirostat_tau = 1, .mirostat_eta = 0.3f}, 4);
    for (int i = 0; i < 300; i++) {
        const int32_t token = draw(s, logits, 4);
        /* mu never stands on a bound of 1, 2 or 3 bits but in the beginning, so float and double agree. */
        const int kept = mu < 2 - 1e-9 ? 1 : mu < 3 - 1e-9 ? 2 : 4;
        const double sum = kept == 1 ? 0.5 : kept == 2 ? 0.75 : 1, p[] = {0.5, 0.25, 0.125, 0.125};
        if (i == 0) assert_true(token < 2);
        assert_true(token < kept);
        mu -= (double)0.3f * (log2(sum / p[token]) - 1);
        if (fabs(mu - 2) < 1e-3 || fabs(mu - 3) < 1e-3) break;
    }
    /* The surprise of many draws comes near to tau. */
    double surprise = 0;
    float many[LIMIT];
    sw_sampler_destroy(s);
    sw__fill_normal(many, LIMIT, 0, 3, 1, 2);
    s = make((sw_sampler_options){.temperature = 1, .mirostat_tau = 3, .logprobs = true}, LIMIT);
    for (int i = 0; i < 4000; i++) {
        sw_token_logprob chosen;
        draw(s, many, LIMIT);
        sw_sampler_logprobs(s, &chosen, NULL);
        surprise -= (double)chosen.logprob / M_LN2 / 4000;
    }
    /* By the paper's rule what is learned from is the surprise after the cut, never above this. */
    assert_true(surprise >= 2.9 && surprise < 4);
    sw_sampler_destroy(s);
}

static void accept_all(sw_sampler *s, const char *text)
{
    for (; *text; text++) sw_sampler_accept(s, *text - 'a');
}

/* What a draw sees of the logits: with the given options the log probability of each token, by asking with all
 * others masked out would say nothing; so the order of two is asked for. */
static bool beats(sw_sampler *s, float *logits, int n, int a, int b)
{
    uint32_t mask = 1u << a | 1u << b;
    int32_t token;
    assert_int_equal(sw_sampler_draw(s, logits, n, &mask, &token), SW_OK);
    return token == a;
}

/* The penalty of a token, by bisection against token 25, which is never accepted. */
static double penalty(sw_sampler *s, float logit, int token)
{
    float logits[26] = {0};
    double low = -100, high = 100;
    for (int i = 0; i < 60; i++) {
        const double middle = (low + high) / 2;
        logits[token] = logit;
        logits[25] = (float)middle;
        if (beats(s, logits, 26, token, 25))
            low = middle;
        else
            high = middle;
    }
    return (double)logit - low;
}

#define assert_near(a, b) assert_true(fabs((double)(a) - (double)(b)) < 1e-4)

static void penalties(void **state)
{
    sw_sampler *s = make((sw_sampler_options){.repeat_penalty = 2, .penalty_window = 4}, 26);
    accept_all(s, "abbcd");
    assert_near(penalty(s, 3, 1), 1.5);
    assert_near(penalty(s, -3, 1), 3);
    assert_near(penalty(s, 3, 0), 0); /* out of the window */
    assert_near(penalty(s, 3, 4), 0);
    sw_sampler_destroy(s);
    s = make((sw_sampler_options){.frequency_penalty = 0.5f, .presence_penalty = 2}, 26);
    accept_all(s, "abbcd");
    assert_near(penalty(s, 3, 0), 2.5);
    assert_near(penalty(s, 3, 1), 3);
    assert_near(penalty(s, 3, 5), 0);
    sw_sampler_reset(s);
    assert_near(penalty(s, 3, 1), 0);
    sw_sampler_destroy(s);
    s = make((sw_sampler_options){.bias_ids = (int32_t[]){2, 3},
                                  .bias = (float[]){1.25f, -INFINITY},
                                  .n_bias = 2},
             26);
    assert_near(penalty(s, 3, 2), -1.25);
    float logits[26] = {[3] = 50};
    assert_int_equal(draw(s, logits, 26), 2);
    assert_true(logits[2] == 0 && logits[3] == 50); /* given back as they were */
    sw_sampler_destroy(s);
}

/* DRY's own words: a repetition of n tokens costs multiplier * base ^ (n - allowed length). */
static void dry(void **state)
{
    sw_sampler_options o = {.dry_multiplier = 0.8f,
                            .dry_base = 1.75f,
                            .dry_allowed_length = 2,
                            .dry_breakers = (int32_t[]){'y' - 'a'},
                            .n_dry_breakers = 1};
    sw_sampler *s = make(o, 26);
    accept_all(s, "abcdxabc"); /* abc stood before d */
    assert_near(penalty(s, 1, 'd' - 'a'), 0.8 * 1.75);
    assert_near(penalty(s, 1, 'x' - 'a'), 0);
    sw_sampler_reset(s);
    accept_all(s, "abcdxbcexbc"); /* bc before d and e, but xbc, too, before e */
    assert_near(penalty(s, 1, 'd' - 'a'), 0.8);
    assert_near(penalty(s, 1, 'e' - 'a'), 0.8 * 1.75);
    sw_sampler_reset(s);
    accept_all(s, "aybcdxaybc"); /* only bc counts: y breaks */
    assert_near(penalty(s, 1, 'd' - 'a'), 0.8);
    sw_sampler_reset(s);
    accept_all(s, "abyab"); /* y itself is never penalised */
    assert_near(penalty(s, 1, 'y' - 'a'), 0);
    sw_sampler_reset(s);
    accept_all(s, "aaaaa"); /* four a before the last: 0.8 * 1.75 ^ 2 */
    assert_near(penalty(s, 1, 0), 0.8 * 1.75 * 1.75);
    sw_sampler_destroy(s);
}

/* Random text: the longest repetition found by comparing everything with everything. */
static void dry_against_loops(void **state)
{
    for (int trial = 0; trial < 40; trial++) {
        sw_sampler_options o = {.dry_multiplier = 0.01f,
                                .dry_base = 1.1f,
                                .dry_allowed_length = 1 + trial % 3,
                                .dry_window = trial % 2 ? 20 : 0,
                                .dry_breakers = (int32_t[]){4},
                                .n_dry_breakers = 1};
        sw_sampler *s = make(o, 26);
        int text[60], first = trial % 2 ? 40 : 0;
        for (int i = 0; i < 60; i++) {
            text[i] = (int)(sw__random_u32(9, (uint64_t)trial, (uint64_t)i) % 8);
            if (text[i] > 4) text[i] = 0;
            if (trial >= 20 && text[i] == 4) text[i] = 1;
            sw_sampler_accept(s, text[i]);
        }
        for (int token = 0; token < 6; token++) {
            int longest = 0;
            for (int at = first + 1; at < 60; at++) {
                int n = 0;
                while (at - 1 - n >= first && text[at - 1 - n] == text[59 - n] && text[59 - n] != 4)
                    n++;
                if (text[at] == token && n > longest) longest = n;
            }
            const bool counts = longest >= o.dry_allowed_length && token != 4;
            const double expected = counts ? (double)0.01f *
                                                 pow((double)1.1f, longest - o.dry_allowed_length)
                                           : 0;
            assert_near(penalty(s, 1, token), expected);
        }
        sw_sampler_destroy(s);
    }
}

/* ---- the rest ---------------------------------------------------------------------------------- */

static void greedy(void **state)
{
    float logits[] = {1, 5, -INFINITY, 5, 4};
    sw_sampler *s = make((sw_sampler_options){0}, 5);
    assert_int_equal(draw(s, logits, 5), 1); /* the lowest id of equals */
    uint32_t mask = 0x1C;
    int32_t token;
    assert_int_equal(sw_sampler_draw(s, logits, 5, &mask, &token), SW_OK);
    assert_int_equal(token, 3);
    sw_sampler_destroy(s);
    s = make((sw_sampler_options){.xtc_probability = 1},
             5); /* of the chain, at temperature 0 too */
    assert_int_equal(draw(s, logits, 5), 4);
    sw_sampler_destroy(s);
    s = make((sw_sampler_options){.top_k = 1, .temperature = 1}, 5);
    for (int i = 0; i < 50; i++) assert_int_equal(draw(s, logits, 5), 1);
    sw_sampler_destroy(s);
}

static void same_seed(void **state)
{
    float logits[LIMIT], other[7] = {0};
    sw__fill_normal(logits, LIMIT, 0, 2, 3, 4);
    sw_sampler_options o = {.temperature = 1, .seed = 42};
    sw_sampler *a = make(o, LIMIT), *b = make(o, LIMIT);
    o.seed = 43;
    sw_sampler *c = make(o, LIMIT), *d = make(o, 7);
    int different = 0;
    int32_t first[100];
    for (int i = 0; i < 100; i++) {
        first[i] = draw(a, logits, LIMIT);
        draw(d, other, 7);
        assert_int_equal(first[i], draw(b, logits, LIMIT));
        different += first[i] != draw(c, logits, LIMIT);
    }
    assert_true(different > 50);
    sw_sampler_reset(a);
    for (int i = 0; i < 100; i++) assert_int_equal(first[i], draw(a, logits, LIMIT));
    sw_sampler_destroy(a);
    sw_sampler_destroy(b);
    sw_sampler_destroy(c);
    sw_sampler_destroy(d);
}

static void logprobs(void **state)
{
    float logits[LIMIT];
    struct reference r = {.n = LIMIT};
    int ids[LIMIT];
    sw__fill_normal(logits, LIMIT, 3, 2, 5, 6);
    for (int i = 0; i < LIMIT; i++) r.x[i] = (double)logits[i];
    order_by(r.x, LIMIT, ids);
    /* Filters, temperature and bias leave them alone. */
    sw_sampler_options o = {.temperature = 0.5f,
                            .top_k = 3,
                            .bias_ids = &ids[2],
                            .bias = (float[]){-20},
                            .n_bias = 1,
                            .logprobs = true,
                            .top_logprobs = 20};
    sw_sampler *s = make(o, LIMIT);
    for (int k = 0; k < 20; k++) {
        sw_token_logprob chosen;
        const sw_token_logprob *top;
        const int32_t token = draw(s, logits, LIMIT);
        assert_int_equal(sw_sampler_logprobs(s, &chosen, &top), 20);
        assert_int_equal(chosen.token, token);
        assert_near(chosen.logprob, log(probability(&r, token)));
        for (int i = 0; i < 20; i++) {
            assert_int_equal(top[i].token, ids[i]);
            assert_near(top[i].logprob, log(probability(&r, ids[i])));
        }
    }
    sw_sampler_destroy(s);
}

static void bad_logits(void **state)
{
    float logits[40] = {0};
    int32_t token = 5;
    sw_sampler *s = make((sw_sampler_options){.temperature = 1, .presence_penalty = 1}, 40);
    sw_sampler_accept(s, 3);
    sw_sampler_accept(s, -1);
    sw_sampler_accept(s, 40);
    logits[33] = NAN;
    assert_int_equal(sw_sampler_draw(s, logits, 40, NULL, &token), SW_ERR_NAN);
    assert_string_equal(sw_error(ctx), "sampler: the logit of token 33 is nan");
    logits[33] = INFINITY;
    assert_int_equal(sw_sampler_draw(s, logits, 40, NULL, &token), SW_ERR_NAN);
    assert_int_equal(sw_sampler_draw(s, logits, 39, NULL, &token), SW_ERR_ARGUMENT);
    for (int i = 0; i < 40; i++) logits[i] = -INFINITY;
    assert_int_equal(sw_sampler_draw(s, logits, 40, NULL, &token), SW_ERR_STATE);
    logits[7] = -FLT_MAX;
    assert_int_equal(sw_sampler_draw(s, logits, 40, NULL, &token), SW_OK);
    assert_int_equal(token, 7);
    logits[8] = FLT_MAX;
    assert_int_equal(sw_sampler_draw(s, logits, 40, NULL, &token), SW_OK);
    assert_int_equal(token, 8);
    const uint32_t none[2] = {0, 0xFFFFFF00}; /* bits behind the vocabulary count for nothing */
    assert_int_equal(sw_sampler_draw(s, logits, 40, none, &token), SW_ERR_STATE);
    const float q[40] = {[1] = 0.5f};
    assert_int_equal(sw_sampler_verify(s, logits, 40, NULL, 2, q, &token), SW_ERR_ARGUMENT);
    assert_string_equal(sw_error(ctx),
                        "sampler: the draft gives its own token 2 the probability 0");
    assert_int_equal(sw_sampler_verify(s, logits, 40, NULL, 40, NULL, &token), SW_ERR_ARGUMENT);
    const int32_t ahead[65] = {[64] = 40};
    float p[40];
    assert_int_equal(sw_sampler_propose(s, logits, 40, ahead, 65, &token, p), SW_ERR_ARGUMENT);
    assert_int_equal(sw_sampler_propose(s, logits, 40, ahead + 64, 1, &token, p), SW_ERR_ARGUMENT);
    assert_string_equal(sw_error(ctx), "sampler: a draft names token 40; the vocabulary has 40");
    sw_sampler_destroy(s);
}

/* A proposal is drawn by the probabilities that come with it, which are those after the tokens ahead; and it leaves no
 * trace: draws with and without proposals between them are the same. */
static void proposals(void **state)
{
    enum { N = 20, AHEAD = 5, ROUNDS = 20000 };
    const sw_sampler_options o = {.temperature = 0.9f,
                                  .seed = 4,
                                  .top_p = 0.95f,
                                  .repeat_penalty = 1.5f,
                                  .penalty_window = 8,
                                  .dry_multiplier = 1,
                                  .dry_window = 12};
    sw_sampler *plain, *asked, *told;
    double expected[N] = {0};
    int count[N] = {0};
    assert_int_equal(sw_sampler_create(ctx, &o, N, &plain), SW_OK);
    assert_int_equal(sw_sampler_create(ctx, &o, N, &asked), SW_OK);
    for (int round = 0; round < ROUNDS; round++) {
        float logits[N], q[N], same[N];
        int32_t ahead[AHEAD], a, b, proposed, again;
        const int n = round % (AHEAD + 1);
        for (int i = 0; i < N; i++)
            logits[i] = 4 * sw__uniform_of(sw__random_u32(8, 0, (uint64_t)(round * N + i)));
        for (int i = 0; i < n; i++) ahead[i] = (round + i * i) % N;
        assert_int_equal(sw_sampler_propose(asked, logits, N, ahead, n, &proposed, q), SW_OK);
        count[proposed]++;
        for (int i = 0; i < N; i++) expected[i] += (double)q[i];
        assert_int_equal(sw_sampler_draw(plain, logits, N, NULL, &a), SW_OK);
        assert_int_equal(sw_sampler_draw(asked, logits, N, NULL, &b), SW_OK);
        assert_int_equal(a, b);
        if (round < 50) { /* another sampler that was told all of it */
            assert_int_equal(sw_sampler_create(ctx, &o, N, &told), SW_OK);
            for (int i = 0; i < round; i++) sw_sampler_accept(told, (i * i) % N);
            for (int i = 0; i < n; i++) sw_sampler_accept(told, ahead[i]);
            assert_int_equal(sw_sampler_propose(told, logits, N, NULL, 0, &again, same), SW_OK);
            assert_memory_equal(q, same, sizeof q);
            sw_sampler_destroy(told);
        }
        sw_sampler_accept(plain, (round * round) % N);
        sw_sampler_accept(asked, (round * round) % N);
    }
    for (int i = 0; i < N; i++) /* 5 deviations of a sum of coins */
        assert_true(fabs(count[i] - expected[i]) < 5 * sqrt(expected[i]) + 1);
    sw_sampler_destroy(plain);
    sw_sampler_destroy(asked);
}

static void refused(void **state)
{
    const struct {
        sw_sampler_options o;
        const char *text;
    } rows[] = {
        {{.temperature = -1}, "sampler: temperature -1 is not within 0 .. 1e+06"},
        {{.temperature = NAN}, "sampler: temperature nan is not within 0 .. 1e+06"},
        {{.top_k = -1}, "sampler: top_k -1 is not within 0 .. 2.14748e+09"},
        {{.top_p = 1.5f}, "sampler: top_p 1.5 is not within 0 .. 1"},
        {{.xtc_probability = 1, .xtc_threshold = 0.75f},
         "sampler: xtc_threshold 0.75 is not within 0 .. 0.5"},
        {{.dry_base = 0.5f}, "sampler: dry_base 0.5 is not within 1 .. 1e+06"},
        {{.mirostat_tau = 5, .temperature = 1, .top_k = 40},
         "sampler: mirostat takes the place of filters; top_k is set too"},
        {{.mirostat_tau = 5}, "sampler: mirostat needs a temperature above 0"},
        {{.bias_ids = (int32_t[]){10}, .bias = (float[]){1}, .n_bias = 1},
         "sampler: bias names token 10; the vocabulary has 10"},
        {{.bias_ids = (int32_t[]){1}, .bias = (float[]){INFINITY}, .n_bias = 1},
         "sampler: the bias of token 1 is inf"},
        {{.dry_breakers = (int32_t[]){-1}, .n_dry_breakers = 1},
         "sampler: dry_breakers names token -1; the vocabulary has 10"},
        {{.top_logprobs = 2000}, "sampler: top_logprobs 2000 is not within 0 .. 1024"},
    };
    sw_sampler *s;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(sw_sampler_create(ctx, &rows[i].o, 10, &s), SW_ERR_ARGUMENT);
        assert_null(s);
        assert_string_equal(sw_error(ctx), rows[i].text);
    }
    assert_int_equal(sw_sampler_create(ctx, &(sw_sampler_options){0}, 0, &s), SW_ERR_ARGUMENT);
}

static int setup(void **state)
{
    return sw_context_create(&(sw_context_options){.threads = 1}, &ctx);
}

static int teardown(void **state)
{
    sw_context_destroy(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distributions), cmocka_unit_test(verified),
        cmocka_unit_test(by_hand),       cmocka_unit_test(xtc_probability),
        cmocka_unit_test(mirostat),      cmocka_unit_test(penalties),
        cmocka_unit_test(dry),           cmocka_unit_test(dry_against_loops),
        cmocka_unit_test(greedy),        cmocka_unit_test(same_seed),
        cmocka_unit_test(logprobs),      cmocka_unit_test(bad_logits),
        cmocka_unit_test(proposals),     cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

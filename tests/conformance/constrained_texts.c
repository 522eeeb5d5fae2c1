/* constrained_texts TOKENIZER: 500 random schemas, for each some texts of a model that knows nothing (random logits at
 * temperature 2) with budgets from 20 tokens.  A line of JSON a text: {"schema": ..., "text": "..."}; with a second
 * argument, how long masks took after the first text of each schema. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swell/swell.h>
#include "../random_schema.h"
#include "base/clock.h"

enum { SCHEMAS = 500, TEXTS = 2, ROOM = 1 << 16 };

struct run {
    sw_context *ctx;
    const sw_tokenizer *t;
    int64_t size;
    float *logits;
    uint32_t *mask;
    char text[ROOM];
    double seconds, slowest;
    long masks;
    bool timed;
};

/* False: something failed, which the context says. */
static bool draw_text(struct run *r, sw_grammar *g, uint64_t seed, int64_t budget)
{
    sw_constraint *c;
    sw_sampler *s;
    size_t n = 0;
    bool good = true;
    const sw_sampler_options o = {.temperature = 2, .seed = seed};
    if (sw_constraint_create(r->ctx, g, &c) != SW_OK ||
        sw_sampler_create(r->ctx, &o, r->size, &s) != SW_OK)
        return false;
    if (sw_constraint_check_budget(c, budget) != SW_OK) budget = sw_constraint_shortest(c);
    for (int64_t left = budget; good && left > 0 && !sw_constraint_ended(c); left--) {
        int32_t token;
        size_t bytes;
        const double begin = sw__clock_seconds();
        good = sw_constraint_mask(c, left, r->mask) == SW_OK;
        const double took = sw__clock_seconds() - begin;
        if (r->timed) {
            r->seconds += took;
            r->masks++;
            if (took > r->slowest) r->slowest = took;
        }
        sw__fill_normal(r->logits, r->size, 0, 3, seed, (uint64_t)left);
        if (sw_sampler_draw(s, r->logits, r->size, r->mask, &token) != SW_OK) {
            good = sw_constraint_may_end(c);
            break;
        }
        good = good && sw_constraint_accept(c, token) == SW_OK;
        if (sw_token_ends(r->t, token)) break;
        const char *text = sw_token_text(r->t, token, &bytes);
        if (n + bytes >= ROOM) break;
        memcpy(r->text + n, text, bytes);
        n += bytes;
    }
    r->text[n] = 0;
    good = good && sw_constraint_may_end(c);
    sw_constraint_destroy(c);
    sw_sampler_destroy(s);
    return good;
}

static bool print_text(const char *schema, const char *text)
{
    json_t *string = json_string(text); /* NULL: no UTF-8 */
    char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
    if (quoted) printf("{\"schema\": %s, \"text\": %s}\n", schema, quoted);
    free(quoted);
    json_decref(string);
    return string != NULL;
}

static bool try_schema(struct run *r, const sw_token_trie *trie, uint64_t number, bool timing)
{
    json_t *schema = numbered_schema(number);
    char *source = json_dumps(schema, 0);
    sw_grammar *g;
    bool good = true;
    if (sw_grammar_create(r->ctx, trie, SW_GRAMMAR_JSON_SCHEMA, source, strlen(source), &g) ==
        SW_OK) {
        for (uint64_t k = 0; good && k < (timing ? 3 * TEXTS : TEXTS); k++) {
            r->timed = k >= 2 * TEXTS;
            good = draw_text(r, g, number * TEXTS + k % TEXTS, 20 + (int64_t)(k % TEXTS * 60));
            if (good && !timing) good = print_text(source, r->text);
        }
        if (!good) fprintf(stderr, "schema %d: '%s': %s\n", (int)number, r->text, sw_error(r->ctx));
    } else {
        good = strstr(sw_error(r->ctx), "no text fits") != NULL;
        if (!good) fprintf(stderr, "%s: %s\n", source, sw_error(r->ctx));
    }
    sw_grammar_destroy(g);
    free(source);
    json_decref(schema);
    return good;
}

int main(int argc, char **argv)
{
    static struct run r;
    sw_tokenizer *t;
    sw_token_trie *trie;
    bool good = true;
    if (argc < 2 || sw_context_create(NULL, &r.ctx) != SW_OK) return 2;
    if (sw_tokenizer_open(r.ctx, argv[1], &t) != SW_OK ||
        sw_token_trie_of(r.ctx, t, &trie) != SW_OK) {
        fprintf(stderr, "%s\n", sw_error(r.ctx));
        return 2;
    }
    r.t = t;
    r.size = sw_tokenizer_size(t);
    r.logits = calloc((size_t)r.size, sizeof *r.logits);
    r.mask = calloc((size_t)(r.size + 31) / 32, sizeof *r.mask);
    const bool timing = argc > 2;
    for (uint64_t i = 0; r.logits && r.mask && i < (timing ? 40 : SCHEMAS); i++)
        good &= try_schema(&r, trie, i, timing);
    if (timing)
        printf("%ld masks of %lld tokens: mean %.2f us, slowest %.1f us\n", r.masks,
               (long long)r.size, 1e6 * r.seconds / (double)r.masks, 1e6 * r.slowest);
    free(r.logits);
    free(r.mask);
    sw_token_trie_destroy(trie);
    sw_tokenizer_destroy(t);
    sw_context_destroy(r.ctx);
    return good ? 0 : 1;
}

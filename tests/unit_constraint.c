/* Constraints: masks against trying every token, texts of regular expressions against the C library's regexec,
 * budgets against the texts that come out, refusals by their words. */
#include "unit.h"

#include <regex.h>
#include <swell/swell.h>
#include "base/rng.h"
#include "small_vocabulary.h"

static sw_context *ctx;
static sw_token_trie *trie;

static sw_grammar *compile(sw_grammar_kind kind, const char *source)
{
    sw_grammar *g;
    if (sw_grammar_create(ctx, trie, kind, source, strlen(source), &g) != SW_OK)
        fail_msg("%s: %s", source, sw_error(ctx));
    return g;
}

/* A walk at random: at each place the mask is compared with what every token does, for some budgets too. The text goes
 * to `text`.  False: it did not end within the budget. */
static bool walk(sw_grammar *g, uint64_t seed, int64_t budget, bool check, char *text, size_t room)
{
    sw_constraint *c, *other;
    struct sw_rng rng = {.seed = seed};
    const int64_t size = small_vocabulary_size();
    uint32_t mask[SMALL_WORDS];
    size_t n = 0;

    assert_int_equal(sw_constraint_create(ctx, g, &c), SW_OK);
    assert_int_equal(sw_constraint_create(ctx, g, &other), SW_OK);
    assert_true(sw_constraint_check_budget(c, budget) == SW_OK);
    for (int64_t left = budget; left > 0 && !sw_constraint_ended(c); left--) {
        int32_t allowed[SMALL_LIMIT], count = 0;
        if (sw_constraint_mask(c, left, mask) != SW_OK) fail_msg("%s", sw_error(ctx));
        for (int32_t t = 0; t < size; t++) {
            const bool bit = mask[t / 32] >> t % 32 & 1;
            if (bit) allowed[count++] = t;
            if (!check) continue;
            assert_int_equal(sw_constraint_copy(other, c), SW_OK);
            const bool fits = sw_constraint_accept(other, t) == SW_OK;
            const bool ends = fits && (t == SMALL_END || sw_constraint_shortest(other) < left);
            if (bit != ends)
                fail_msg("'%.*s' and then '%s': mask %d, accepted %d, %lld left", (int)n, text,
                         small_token(t).text, bit, fits, (long long)left);
        }
        if (count == 0) {
            assert_true(sw_constraint_may_end(c));
            break;
        }
        const int32_t token = allowed[sw__rng_below(&rng, (uint64_t)count)];
        assert_int_equal(sw_constraint_accept(c, token), SW_OK);
        if (token == SMALL_END) break;
        assert_true(n + small_token(token).bytes < room);
        memcpy(text + n, small_token(token).text, small_token(token).bytes);
        n += small_token(token).bytes;
    }
    text[n] = 0;
    const bool ended = sw_constraint_may_end(c);
    sw_constraint_destroy(c);
    sw_constraint_destroy(other);
    return ended;
}

/* ---- regular expressions ----------------------------------------------------------------------- */

static const char *const expressions[] = {
    "abc",
    "a*b+c?",
    "(ab|ba){2,4}",
    "[a-c]{3}x?",
    "(a|b)*a(a|b){3}",
    "((a*)*b)*",
    "(a?){5}a{5}",
    "[yz0-9]y|z",
    "a{0,3}(b|)c",
    "(foo|foobar|bar)(baz)?",
    "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,2})?",
    "x{40}y{0,20}",
    "(a|ab)(c|bcd)(d*)",
};

static void against_regexec(void **state)
{
    char text[4096], pattern[256];
    for (size_t e = 0; e < sizeof expressions / sizeof *expressions; e++) {
        regex_t re;
        sw_grammar *g = compile(SW_GRAMMAR_REGEX, expressions[e]);
        snprintf(pattern, sizeof pattern, "^(%s)$", expressions[e]);
        assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
        for (uint64_t seed = 0; seed < 40; seed++) {
            assert_true(walk(g, seed, 60, seed < 4, text, sizeof text));
            if (regexec(&re, text, 0, NULL, 0) != 0) fail_msg("%s: '%s'", expressions[e], text);
        }
        regfree(&re);
        sw_grammar_destroy(g);
    }
}

/* Strings of a few letters: what the one accepts the other does. */
static void same_language(void **state)
{
    for (size_t e = 0; e < sizeof expressions / sizeof *expressions; e++) {
        regex_t re;
        char pattern[256];
        sw_constraint *c;
        struct sw_rng rng = {.seed = e};
        int matches = 0;
        sw_grammar *g = compile(SW_GRAMMAR_REGEX, expressions[e]);
        snprintf(pattern, sizeof pattern, "^(%s)$", expressions[e]);
        assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
        assert_int_equal(sw_constraint_create(ctx, g, &c), SW_OK);
        for (int i = 0; i < 3000; i++) {
            char text[12];
            const int n = (int)sw__rng_below(&rng, 11);
            bool fits = true;
            for (int k = 0; k < n; k++)
                text[k] = "abcdxyz01-."[sw__rng_below(&rng, i % 3 ? 4 : 11)];
            text[n] = 0;
            sw_constraint_reset(c);
            for (int k = 0; k < n && fits; k++)
                fits = sw_constraint_accept(c, (uint8_t)text[k]) == SW_OK;
            fits = fits && sw_constraint_may_end(c);
            if (fits != (regexec(&re, text, 0, NULL, 0) == 0))
                fail_msg("%s: '%s' %d", expressions[e], text, fits);
            matches += fits;
        }
        (void)matches;
        sw_constraint_destroy(c);
        regfree(&re);
        sw_grammar_destroy(g);
    }
}

/* ---- grammars ---------------------------------------------------------------------------------- */

static bool accepts(sw_grammar *g, const char *text)
{
    sw_constraint *c;
    bool fits = true;
    assert_int_equal(sw_constraint_create(ctx, g, &c), SW_OK);
    for (; *text && fits; text++) fits = sw_constraint_accept(c, (uint8_t)*text) == SW_OK;
    fits = fits && sw_constraint_may_end(c);
    sw_constraint_destroy(c);
    return fits;
}

static const char arithmetic[] = "# sums\n"
                                 "root  ::= sum \"=\" num \"\\n\"   # the text\n"
                                 "sum   ::= term ([-+*/] term)*\n"
                                 "term  ::= num | (\"(\" sum\n"
                                 "     \")\") | [\\u00e4-\\xfc] | \"\\U0001F600\"\n"
                                 "num ::=\n"
                                 "  [0-9]{1,3} | .{0} \"x\"\n"
                                 "  | [^\\x00-\\uffff]\n";

static void gbnf(void **state)
{
    sw_grammar *g = compile(SW_GRAMMAR_GBNF, arithmetic);
    static const char *const good[] = {
        "1=2\n",        "1+22=333\n",           "((1)*(2-x))/4=x\n",
        "\xc3\xa4=1\n", "\xf0\x9f\x98\x80=1\n", "(\xc3\xbc)=\xf0\x9f\x98\x81\n"};
    static const char *const bad[] = {"1=2",          "1234=2\n", "(1=2\n", "1)=2\n",
                                      "\xc3\xa3=1\n", "+1=1\n",   ""};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_true(accepts(g, good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(accepts(g, bad[i]));
    char text[4096];
    for (uint64_t seed = 0; seed < 30; seed++) {
        assert_true(walk(g, seed, 4 + (int64_t)seed, true, text, sizeof text));
        assert_true(accepts(g, text));
    }
    sw_grammar_destroy(g);
}

/* Right recursion, many readings of one text, nothing that repeats. */
static void grammars_that_are_hard(void **state)
{
    static const char *const sources[] = {
        "root ::= \"a\" root \"b\" | \"\"",        "root ::= \"a\" root | \"b\"",
        "root ::= (\"a\"? \"a\"*)* (\"\")* \"b\"", "root ::= s\ns ::= \"a\" s s | \"b\"",
        "root ::= x*\nx ::= \"a\"+ | \"b\"?",      "root ::= (((((\"a\"*)*)*)*)*)*",
        "root ::= [ab]* \"a\" [ab]{16}",
    };
    char text[4096];
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        sw_grammar *g = compile(SW_GRAMMAR_GBNF, sources[i]);
        for (uint64_t seed = 0; seed < 10; seed++) {
            assert_true(walk(g, seed, 40, seed == 0, text, sizeof text));
            assert_true(accepts(g, text));
        }
        sw_grammar_destroy(g);
    }
}

/* ---- refusals ---------------------------------------------------------------------------------- */

static void refused(void **state)
{
    static const struct {
        sw_grammar_kind kind;
        sw_status status;
        const char *source, *text;
    } rows[] = {
        {SW_GRAMMAR_REGEX, SW_ERR_UNSUPPORTED, "a(?=b)",
         "regex: position 1: look-ahead is not supported"},
        {SW_GRAMMAR_REGEX, SW_ERR_UNSUPPORTED, "(?<!b)",
         "regex: position 0: look-behind is not supported"},
        {SW_GRAMMAR_REGEX, SW_ERR_UNSUPPORTED, "(a)\\1",
         "regex: position 4: back references are not supported"},
        {SW_GRAMMAR_REGEX, SW_ERR_UNSUPPORTED, "\\bx",
         "regex: position 1: word boundaries (\\b, \\B) are not supported"},
        {SW_GRAMMAR_REGEX, SW_ERR_UNSUPPORTED, "(^a)",
         "regex: position 1: ^ and $ are supported at the ends of the expression only"},
        {SW_GRAMMAR_REGEX, SW_ERR_FORMAT, "(a", "regex: position 0: a group without )"},
        {SW_GRAMMAR_REGEX, SW_ERR_FORMAT, "a)", "regex: position 1: a ) that closes nothing"},
        {SW_GRAMMAR_REGEX, SW_ERR_FORMAT, "*a", "regex: position 0: nothing to repeat"},
        {SW_GRAMMAR_REGEX, SW_ERR_FORMAT, "[b-a]",
         "regex: position 4: a range whose end is before its beginning"},
        {SW_GRAMMAR_REGEX, SW_ERR_FORMAT, "a{3,2}", "regex: position 1: no count {m,n}"},
        {SW_GRAMMAR_REGEX, SW_ERR_SIZE, "a{100001}", "regex: position 2: a count above 100000"},
        {SW_GRAMMAR_REGEX, SW_ERR_SIZE, "((a{1000}){1000}){1000}",
         "grammar: too large: more than 262144 states"},
        {SW_GRAMMAR_GBNF, SW_ERR_FORMAT, "a ::= \"x\"", "grammar: there is no rule 'root'"},
        {SW_GRAMMAR_GBNF, SW_ERR_FORMAT, "root ::= x", "grammar: there is no rule 'x'"},
        {SW_GRAMMAR_GBNF, SW_ERR_FORMAT, "root ::= \"x",
         "grammar: line 1: a text without its closing \""},
        {SW_GRAMMAR_GBNF, SW_ERR_FORMAT, "root ::= \"x\"\nroot ::= \"y\"",
         "grammar: rule 'root' stands twice"},
        {SW_GRAMMAR_GBNF, SW_ERR_FORMAT, "root ::= root2\nroot2 ::= \"a\" root2",
         "grammar: no text fits it: each would go on for ever"},
        {SW_GRAMMAR_GBNF, SW_ERR_UNSUPPORTED, "root ::= root \"a\" | \"b\"",
         "grammar: rule 'root' begins with itself (left recursion)"},
        {SW_GRAMMAR_GBNF, SW_ERR_UNSUPPORTED, "root ::= e x | \"b\"\ne ::= \"\"\nx ::= root \"c\"",
         "grammar: rule 'root' begins with itself (left recursion)"},
        {SW_GRAMMAR_GBNF, SW_ERR_UNSUPPORTED, "root ::= <think>",
         "grammar: line 1: tokens by name (<...>) are not supported"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sw_grammar *g;
        const sw_status status = sw_grammar_create(ctx, trie, rows[i].kind, rows[i].source,
                                                   strlen(rows[i].source), &g);
        assert_string_equal(sw_error(ctx), rows[i].text);
        assert_int_equal(status, rows[i].status);
        assert_null(g);
    }
}

static void budgets(void **state)
{
    sw_constraint *c;
    uint32_t mask[SMALL_WORDS];
    sw_grammar *g = compile(SW_GRAMMAR_REGEX, "q{20}");
    assert_int_equal(sw_constraint_create(ctx, g, &c), SW_OK);
    assert_int_equal(sw_constraint_shortest(c), 20);
    assert_int_equal(sw_constraint_check_budget(c, 19), SW_ERR_ARGUMENT);
    assert_string_equal(sw_error(ctx),
                        "constraint: the shortest text takes 20 tokens; the budget is 19");
    assert_int_equal(sw_constraint_mask(c, 19, mask), SW_ERR_STATE);
    assert_string_equal(sw_error(ctx), "constraint: 19 tokens are left; the shortest end takes 20");
    assert_int_equal(sw_constraint_mask(c, 20, mask), SW_OK);
    assert_int_equal(sw_constraint_accept(c, 'x'), SW_ERR_ARGUMENT);
    assert_int_equal(sw_constraint_accept(c, SMALL_END), SW_ERR_ARGUMENT);
    assert_int_equal(sw_constraint_accept(c, 'q'), SW_OK);
    assert_int_equal(sw_constraint_shortest(c), 19);
    sw_constraint_destroy(c);
    sw_grammar_destroy(g);
}

static int setup(void **state)
{
    return sw_context_create(&(sw_context_options){.threads = 1}, &ctx) ||
           small_vocabulary(ctx, &trie);
}

static int teardown(void **state)
{
    sw_token_trie_destroy(trie);
    sw_context_destroy(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_regexec),
        cmocka_unit_test(same_language),
        cmocka_unit_test(gbnf),
        cmocka_unit_test(grammars_that_are_hard),
        cmocka_unit_test(refused),
        cmocka_unit_test(budgets),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

/* Texts under JSON schemas: random ones always parse, validate (json_validator.h) and end within their budget; masks
 * against trying every token; what is refused, by its words. */
#include "unit.h"

#include <swell/swell.h>
#include "format/json_read.h"
#include "json_validator.h"
#include "random_schema.h"
#include "small_vocabulary.h"

static sw_context *ctx;
static sw_token_trie *trie;

static sw_grammar *compile(const char *source)
{
    sw_grammar *g;
    if (sw_grammar_create(ctx, trie, SW_GRAMMAR_JSON_SCHEMA, source, strlen(source), &g) != SW_OK)
        fail_msg("%s: %s", source, sw_error(ctx));
    return g;
}

/* Whether token t, and then left - 1 more, can end the text: by doing it. */
static bool token_fits(sw_constraint *other, const sw_constraint *c, int32_t t, int64_t left)
{
    assert_int_equal(sw_constraint_copy(other, c), SW_OK);
    return sw_constraint_accept(other, t) == SW_OK &&
           (t == SMALL_END || sw_constraint_shortest(other) < left);
}

/* A text of random tokens.  The mask never allows what does not fit; `check`: and never anything less, but for tokens
 * that begin and end a name. */
static void draw_text(sw_grammar *g, uint64_t seed, int64_t budget, bool check, char *text,
                      size_t room)
{
    sw_constraint *c, *other;
    struct sw_rng rng = {.seed = seed};
    uint32_t mask[SMALL_WORDS];
    size_t n = 0;
    assert_int_equal(sw_constraint_create(ctx, g, &c), SW_OK);
    assert_int_equal(sw_constraint_create(ctx, g, &other), SW_OK);
    if (budget < sw_constraint_shortest(c)) budget = sw_constraint_shortest(c);
    for (int64_t left = budget; left > 0 && !sw_constraint_ended(c); left--) {
        int32_t allowed[SMALL_LIMIT], count = 0;
        if (sw_constraint_mask(c, left, mask) != SW_OK)
            fail_msg("'%.*s': %s", (int)n, text, sw_error(ctx));
        for (int32_t t = 0; t < small_vocabulary_size(); t++) {
            const bool bit = mask[t / 32] >> t % 32 & 1;
            if (bit) allowed[count++] = t;
            if (check && bit && !token_fits(other, c, t, left))
                fail_msg("'%.*s' and then '%s' is not to be, %lld left", (int)n, text,
                         small_token(t).text, (long long)left);
        }
        if (count == 0) break;
        const int32_t token = allowed[sw__rng_below(&rng, (uint64_t)count)];
        assert_int_equal(sw_constraint_accept(c, token), SW_OK);
        if (token == SMALL_END) break;
        assert_true(n + small_token(token).bytes < room);
        memcpy(text + n, small_token(token).text, small_token(token).bytes);
        n += small_token(token).bytes;
    }
    text[n] = 0;
    if (!sw_constraint_may_end(c)) fail_msg("'%s' does not end", text);
    sw_constraint_destroy(c);
    sw_constraint_destroy(other);
}

static void check_text(json_t *schema, const char *source, const char *text)
{
    struct sw_json_error error;
    json_t *value;
    if (sw__json_read(text, strlen(text), &value, &error) != SW_OK)
        fail_msg("%s\n%s\nis no JSON: %s", source, text, error.why);
    if (!json_is_valid(schema, schema, value)) fail_msg("%s\n%s\nis not valid", source, text);
    json_decref(value);
}

static void random_schemas(void **state)
{
    static char text[1 << 16];
    int made = 0;
    for (uint64_t i = 0; i < 500; i++) {
        json_t *schema = numbered_schema(i);
        char *source = json_dumps(schema, 0);
        sw_grammar *g;
        if (sw_grammar_create(ctx, trie, SW_GRAMMAR_JSON_SCHEMA, source, strlen(source), &g) ==
            SW_OK) {
            for (uint64_t k = 0; k < 6; k++) {
                draw_text(g, 10 * i + k, 20 + (int64_t)(40 * k), i % 10 == 0 && k < 2, text,
                          sizeof text);
                check_text(schema, source, text);
            }
            made++;
        } else if (!strstr(sw_error(ctx), "oneOf") && !strstr(sw_error(ctx), "no text fits")) {
            fail_msg("%s\n%s", source, sw_error(ctx));
        }
        sw_grammar_destroy(g);
        free(source);
        json_decref(schema);
    }
    assert_true(made >= 480);
}

/* ---- by hand ----------------------------------------------------------------------------------- */

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

/* Texts that a schema takes, then those that it does not. */
static void by_hand(void **state)
{
    static const struct {
        const char *schema, *good[6], *bad[8];
    } rows[] = {
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":"
         "\"null\"}},"
         "\"required\":[\"b\"]}",
         {"{\"a\":1,\"b\":null}", "{\"b\":null}", "{\"a\": -12, \"b\": null}"},
         {"{}", "{\"a\":1}", "{\"b\":null,\"a\":1}", "{\"a\":01,\"b\":null}", "{\"b\":null,}",
          "{\"c\":1,\"b\":null}"}},
        {"{\"type\":\"object\",\"properties\":{\"a\":true},\"additionalProperties\":{\"type\":"
         "\"boolean\"}}",
         {"{}", "{\"a\":[{}]}", "{\"a\":1,\"b\":true,\"c\":false}", "{\"aa\":true}",
          "{\"\":true,\"b\":true}"},
         {"{\"b\":true,\"b\":true}", "{\"b\":true,\"a\":true}", "{\"a\":1,\"a\":true}", "{\"b\":1}",
          "{\"\":true,\"\":true}"}},
        {"{\"type\":\"integer\",\"minimum\":-5,\"exclusiveMaximum\":1234}",
         {"-5", "0", "999", "1233", "7", "-1"},
         {"-6", "1234", "-0", "1.5", "00", "9999"}},
        {"{\"type\":\"number\",\"exclusiveMinimum\":0,\"maximum\":10}",
         {"0.5", "10", "9.99", "1", "0.001"},
         {"0", "0.0", "-1", "10.5", "11", "-0.5"}},
        {"{\"type\":\"number\",\"minimum\":-3,\"exclusiveMaximum\":-1}",
         {"-3", "-2.5", "-1.01", "-2"},
         {"-1", "-3.5", "-1.0", "0", "-0.5", "2"}},
        {"{\"type\":\"array\",\"items\":{\"enum\":[1,\"x\"]},\"minItems\":1,\"maxItems\":3}",
         {"[1]", "[\"x\", 1]", "[1,1,\"x\"]"},
         {"[]", "[1,1,1,1]", "[2]", "[1,]"}},
        {"{\"type\":\"array\",\"prefixItems\":[{\"type\":\"string\",\"maxLength\":2},{\"const\":"
         "null}],\"items\":false,\"minItems\":1}",
         {"[\"\"]", "[\"a\\n\",null]", "[\"\xc3\xa4\\u00e4\"]"},
         {"[]", "[\"abc\"]", "[\"a\",null,null]", "[null]"}},
        {"{\"allOf\":[{\"properties\":{\"a\":{\"minimum\":3}}},{\"properties\":{\"a\":{\"type\":"
         "\"integer\",\"maximum\":4}},\"required\":[\"a\"]}]}",
         {"{\"a\":3}", "{\"a\":4}"},
         {"{\"a\":2}", "{\"a\":5}", "{}", "3"}},
        {"{\"$ref\":\"#/$defs/"
         "l\",\"$defs\":{\"l\":{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"object\",\"properties\":"
         "{\"n\":{\"$ref\":\"#/$defs/l\"}},\"required\":[\"n\"]}]}}}",
         {"null", "{\"n\":{\"n\":null}}"},
         {"{}", "{\"n\":1}"}},
        {"{\"type\":\"string\",\"pattern\":\"^a.\\\"?$\"}",
         {"\"ab\"", "\"a\\\\\"", "\"ax\\\"\""},
         {"\"a\"", "\"ax\"\"", "\"a\\n\"", "\"xab\""}},
        {"{\"type\":\"string\",\"pattern\":\"b\"}", {"\"b\"", "\"xbx\""}, {"\"\"", "\"ac\""}},
        {"{\"type\":\"string\",\"format\":\"date\"}",
         {"\"2024-02-28\"", "\"1999-12-31\""},
         {"\"2024-02-30\"", "\"2024-13-01\"", "\"2024-1-1\""}},
        {"{\"oneOf\":[{\"type\":\"object\",\"properties\":{\"k\":{\"const\":1},\"v\":{\"type\":"
         "\"null\"}},\"required\":[\"k\"]},"
         "{\"type\":\"object\",\"properties\":{\"k\":{\"const\":2}},\"required\":[\"k\"]}]}",
         {"{\"k\":1,\"v\":null}", "{\"k\":2}"},
         {"{\"k\":2,\"v\":null}", "{}"}},
        {"{\"type\":[\"null\",\"boolean\"]}", {"null", "true", "false"}, {"0", "\"\""}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sw_grammar *g = compile(rows[i].schema);
        for (int k = 0; k < 6 && rows[i].good[k]; k++)
            if (!accepts(g, rows[i].good[k])) fail_msg("%s: %s", rows[i].schema, rows[i].good[k]);
        for (int k = 0; k < 8 && rows[i].bad[k]; k++)
            if (accepts(g, rows[i].bad[k])) fail_msg("%s: not %s", rows[i].schema, rows[i].bad[k]);
        sw_grammar_destroy(g);
    }
}

static void any_object(void **state)
{
    static char text[1 << 16];
    sw_grammar *g;
    assert_int_equal(sw_grammar_create(ctx, trie, SW_GRAMMAR_JSON_OBJECT, NULL, 0, &g), SW_OK);
    assert_true(accepts(g, "{\"a\":{\"a\":[1.5e3,\"\\u00e4\",null]},\"b\":{}}"));
    assert_false(accepts(g, "{\"a\":1,\"a\":2}"));
    assert_false(accepts(g, "[]"));
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct sw_json_error error;
        json_t *value;
        draw_text(g, seed, 1 + (int64_t)(seed * 7), seed < 15, text, sizeof text);
        if (sw__json_read(text, strlen(text), &value, &error) != SW_OK)
            fail_msg("%s: %s", text, error.why);
        json_decref(value);
    }
    sw_grammar_destroy(g);
}

static void refused(void **state)
{
    static const char *const rows[][2] = {
        {"{", "json schema: position 1: no name in an object"},
        {"1", "json schema: #: no schema: neither an object nor a boolean"},
        {"{\"type\":\"int\"}", "json schema: #: type 'int' is none"},
        {"{\"properties\":{\"a/b\":{\"not\":{}}}}",
         "json schema: #/properties/a~1b: keyword 'not' is not supported"},
        {"{\"type\":\"number\",\"multipleOf\":2}",
         "json schema: #: keyword 'multipleOf' is not supported"},
        {"{\"type\":\"string\",\"format\":\"iri\"}",
         "json schema: #: format 'iri' is not supported"},
        {"{\"type\":\"string\",\"pattern\":\"a(?=b)\"}",
         "#/pattern: position 1: look-ahead is not supported"},
        {"{\"$ref\":\"http://x\"}",
         "json schema: #: $ref 'http://x': only pointers into the schema (#/...) are supported"},
        {"{\"$ref\":\"#/$defs/x\"}", "json schema: #: $ref '#/$defs/x' points nowhere"},
        {"{\"oneOf\":[{\"type\":\"number\"},{\"type\":\"integer\"}]}",
         "json schema: #: alternatives 0 and 1 of oneOf are not seen to exclude each other (by "
         "type, "
         "constants or a required name); anyOf would do"},
        {"{\"type\":\"number\",\"minimum\":0.5}",
         "json schema: #: minimum 0.5 of a number: only whole bounds are supported"},
        {"{\"type\":\"array\",\"minItems\":200000}",
         "json schema: #: minItems 200000 is above 100000"},
        {"{\"type\":\"integer\",\"minimum\":3,\"maximum\":2}",
         "grammar: no text fits it: each would go on for ever"},
        {"{\"properties\":{\"a\":{\"$ref\":\"#\"}},\"required\":[\"a\"]}",
         "grammar: no text fits it: each would go on for ever"},
        {"{\"$ref\":\"#\"}", "grammar: no text fits it: each would go on for ever"},
        {"{\"allOf\":[{\"$ref\":\"#\"}]}",
         "json schema: #: allOf or $ref that leads back to itself"},
        {"{\"enum\":[1],\"minimum\":0}",
         "json schema: #: 'minimum' beside enum or const is not supported"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sw_grammar *g;
        assert_int_not_equal(sw_grammar_create(ctx, trie, SW_GRAMMAR_JSON_SCHEMA, rows[i][0],
                                               strlen(rows[i][0]), &g),
                             SW_OK);
        assert_string_equal(sw_error(ctx), rows[i][1]);
        assert_null(g);
    }
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
        cmocka_unit_test(by_hand),
        cmocka_unit_test(refused),
        cmocka_unit_test(any_object),
        cmocka_unit_test(random_schemas),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

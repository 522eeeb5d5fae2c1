/* Numbers of a JSON schema: ranges of integers as digits.
 *
 * A range of numbers of the same length is a tree of at most two spines: the first digit is the lower
 * bound's, the upper one's, or between, and then the rest is free.  Fractions stand behind an integer:
 * between whole bounds a and b are a, a.x, ..., (b-1).x, b.  So bounds of numbers must be whole.  Magnitudes are at
 * most 15 digits, which doubles hold; bounds of integers beyond 2^53 are taken as 2^53. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "text/json_schema_int.h"

#define LIMIT    INT64_C(9007199254740992) /* 2^53 */
#define FREE     INT64_C(999999999999999)  /* without bounds */
#define EXPONENT "(?:[eE][-+]?[0-9]{1,2})?"

static struct sw_tree *expression(struct sw_schema_reader *r, const char *text)
{
    return sw__regex_tree(r->s, text, strlen(text), false, false, "");
}

static struct sw_tree *digit(struct sw_schema_reader *r, char low, char high)
{
    return sw__tree_chars(r->s, &(struct sw_range){(uint32_t)low, (uint32_t)high}, 1, false, false);
}

static struct sw_tree *free_digits(struct sw_schema_reader *r, int n)
{
    return sw__tree_repeat(r->s, digit(r, '0', '9'), n, n);
}

static struct sw_tree *pair(struct sw_schema_reader *r, struct sw_tree *a, struct sw_tree *b)
{
    return sw__tree_seq(r->s, (struct sw_tree *[]){a, b}, 2);
}

/* Texts of n digits from low to high; `bounded` tells whether each end still binds. */
static struct sw_tree *same_length(struct sw_schema_reader *r, const char *low, const char *high,
                                   bool low_binds, bool high_binds, int n)
{
    struct sw_tree *t[3];
    int k = 0;
    if (n == 0) return sw__tree_text(r->s, "");
    if (!low_binds && !high_binds) return free_digits(r, n);
    const char first = low_binds ? *low : '0', last = high_binds ? *high : '9';
    if (first == last && low_binds && high_binds)
        return pair(r, digit(r, first, first),
                    same_length(r, low + 1, high + 1, true, true, n - 1));
    if (low_binds)
        t[k++] = pair(r, digit(r, first, first),
                      same_length(r, low + 1, high + 1, true, false, n - 1));
    const char between_first = (char)(first + low_binds), between_last = (char)(last - high_binds);
    if (between_first <= between_last)
        t[k++] = pair(r, digit(r, between_first, between_last), free_digits(r, n - 1));
    if (high_binds)
        t[k++] = pair(r, digit(r, last, last),
                      same_length(r, low + 1, high + 1, false, true, n - 1));
    return sw__tree_alt(r->s, t, k);
}

/* Integers low .. high, both at least 0. */
static struct sw_tree *magnitudes(struct sw_schema_reader *r, int64_t low, int64_t high)
{
    struct sw_tree *t[20];
    int k = 0;
    for (int64_t first = 0, last = 9; first <= high; first = last + 1, last = last * 10 + 9) {
        char a[24], b[24];
        if (last < low) continue;
        const int n = snprintf(a, sizeof a, "%lld", (long long)(low > first ? low : first));
        snprintf(b, sizeof b, "%lld", (long long)(high < last ? high : last));
        t[k++] = same_length(r, a, b, true, true, n);
    }
    return sw__tree_alt(r->s, t, k);
}

static struct sw_tree *signed_tree(struct sw_schema_reader *r, bool negative, struct sw_tree *t)
{
    return negative ? pair(r, sw__tree_text(r->s, "-"), t) : t;
}

static struct sw_tree *integers(struct sw_schema_reader *r, int64_t low, int64_t high)
{
    struct sw_tree *t[2];
    int k = 0;
    if (high >= 0 && high >= low) t[k++] = magnitudes(r, low > 0 ? low : 0, high);
    if (low < 0 && high >= low)
        t[k++] = signed_tree(r, true, magnitudes(r, high < 0 ? -high : 1, -low));
    return sw__tree_alt(r->s, t, k);
}

/* ---- numbers with fractions -------------------------------------------------------------------- */

struct bound {
    int64_t at;
    bool open; /* the bound itself is excluded */
};

/* Magnitudes from low to high. */
static struct sw_tree *fractions(struct sw_schema_reader *r, struct bound low, struct bound high)
{
    struct sw_tree *t[3];
    int k = 0;
    const int64_t whole = low.open ? low.at + 1 : low.at;
    if (whole <= high.at - 1)
        t[k++] = pair(r, magnitudes(r, whole, high.at - 1), expression(r, "(?:\\.[0-9]{1,15})?"));
    if (low.open && low.at < high.at)
        t[k++] = pair(r, magnitudes(r, low.at, low.at), expression(r, "\\.[0-9]{0,14}[1-9]"));
    if (!high.open && high.at >= whole) t[k++] = magnitudes(r, high.at, high.at);
    return sw__tree_alt(r->s, t, k);
}

static struct sw_tree *numbers(struct sw_schema_reader *r, struct bound low, struct bound high)
{
    const struct bound zero = {0, false};
    struct sw_tree *t[2];
    int k = 0;
    if (high.at > 0 || (high.at == 0 && !high.open && low.at <= 0))
        t[k++] = fractions(r, low.at >= 0 ? low : zero, high);
    if (low.at < 0) {
        const struct bound from = {-high.at, high.open}, to = {-low.at, low.open};
        t[k++] = signed_tree(r, true, fractions(r, high.at <= 0 ? from : zero, to));
    }
    return sw__tree_alt(r->s, t, k);
}

/* ---- bounds ------------------------------------------------------------------------------------ */

/* One keyword: sharpens *bound, which is a lower one if sign is 1 and an upper one if -1.  False: refused. */
static bool sharpen(struct sw_schema_reader *r, json_t *schema, const char *where,
                    const char *keyword, bool open, bool integer, int sign, struct bound *bound)
{
    const json_t *value = json_object_get(schema, keyword);
    if (!value) return true;
    if (!json_is_number(value))
        return sw__schema_refuse(r, SW_ERR_FORMAT, where, "%s is no number", keyword) != NULL;
    double x = json_number_value(value);
    if (integer && x != floor(x)) {
        x = sign > 0 ? ceil(x) : floor(x);
        open = false;
    }
    if (x != floor(x))
        return sw__schema_refuse(r, SW_ERR_UNSUPPORTED, where,
                                 "%s %g of a number: only whole bounds are supported", keyword,
                                 x) != NULL;
    if (integer && open) {
        x += sign;
        open = false;
    }
    const int64_t at = x > 0x1p53 ? LIMIT : x < -0x1p53 ? -LIMIT : (int64_t)x;
    const bool sharper = sign > 0 ? at > bound->at : at < bound->at;
    if (sharper || (at == bound->at && open)) *bound = (struct bound){at, open};
    return true;
}

/* "int32", which OpenAPI writes beside integers. */
static bool check_format(struct sw_schema_reader *r, json_t *schema, const char *where,
                         struct bound *low, struct bound *high)
{
    const char *name = json_string_value(json_object_get(schema, "format"));
    if (!json_object_get(schema, "format")) return true;
    if (sw__schema_made_types(schema) & SW_JSON_STRING) return true;
    if (name && strcmp(name, "int32") == 0) {
        if (low->at < INT32_MIN) *low = (struct bound){INT32_MIN, false};
        if (high->at > INT32_MAX) *high = (struct bound){INT32_MAX, false};
        return true;
    }
    if (name &&
        (strcmp(name, "int64") == 0 || strcmp(name, "float") == 0 || strcmp(name, "double") == 0))
        return true;
    return sw__schema_refuse(r, SW_ERR_UNSUPPORTED, where,
                             "format '%.40s' of a number is not supported",
                             name ? name : "?") != NULL;
}

struct sw_tree *sw__schema_number(struct sw_schema_reader *r, json_t *schema, const char *where,
                                  bool integer)
{
    const struct bound none_low = {-FREE - 1, false}, none_high = {FREE + 1, false};
    struct bound low = none_low, high = none_high;
    if (!sharpen(r, schema, where, "minimum", false, integer, 1, &low) ||
        !sharpen(r, schema, where, "exclusiveMinimum", true, integer, 1, &low) ||
        !sharpen(r, schema, where, "maximum", false, integer, -1, &high) ||
        !sharpen(r, schema, where, "exclusiveMaximum", true, integer, -1, &high) ||
        !check_format(r, schema, where, &low, &high))
        return NULL;
    const bool bounded = low.at != none_low.at || high.at != none_high.at;
    if (integer) return integers(r, low.at, high.at);
    if (bounded) return numbers(r, low, high);
    return expression(r, "-?(?:0|[1-9][0-9]{0,14})(?:\\.[0-9]{1,15})?" EXPONENT);
}

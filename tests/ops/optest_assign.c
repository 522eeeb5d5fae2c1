/* assign: the weight holds the value after the run, and readers see old and new in order. */
#include "op_test.h"

static void build_assign(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    (void)arg;
    out[0] = sw_assign(g, in[0], in[1]);
}

/* The handle holds nothing; what counts is the weight afterwards. */
static void oracle_assign(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    (void)in, (void)out, (void)arg;
}

static void after_assign(const struct oracle_array *in, struct oracle_array *after, const void *arg)
{
    (void)arg;
    for (int64_t i = 0; i < oracle_count(&in[0]); i++) after[0].v[i] = in[1].v[i];
}

#define ASSIGN(text)                                                                               \
    .name = text, .build = build_assign, .oracle = oracle_assign, .oracle_after = after_assign,    \
    .n_in = 2

const struct op_case optest_assign[] = {
    {ASSIGN("matrix"), .in = {{.shape = {2, {5, 7}}, .state = true}, {.shape = {2, {5, 7}}}}},
    {ASSIGN("large"),
     .in = {{.shape = {2, {300, 301}}, .state = true}, {.shape = {2, {300, 301}}}}},
    {ASSIGN("bf16"), .in = {{.shape = {1, {33}}, .state = true, .dtype = SW_BF16},
                            {.shape = {1, {33}}, .dtype = SW_BF16}}},
    {0}};

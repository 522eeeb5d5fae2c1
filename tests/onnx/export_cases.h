/* Small graphs, one an op or a use of it, that are exported as ONNX models. */
#ifndef SWELL_TESTS_EXPORT_CASES_H
#define SWELL_TESTS_EXPORT_CASES_H

#include <swell/swell.h>

#define EXPORT_BATCH 3
#define EXPORT_MOST  4

/* A graph under construction. */
struct export_graph {
    sw_graph *g;
    sw_weights *ws;
    sw_node *in[EXPORT_MOST], *out[EXPORT_MOST];
    int n_in, n_out;
    int weights; /* made so far, for names */
};

enum export_kind {
    EXPORT_OPEN,
    EXPORT_FIXED, /* bound to its batch */
    EXPORT_LARGE  /* run only when asked for by name */
};

struct export_case {
    const char *name;
    void (*build)(struct export_graph *e);
    float
        tolerance; /* of a composed op, relative to 1 + |y|; 0: the same bits after a round trip */
    enum export_kind kind;
};

extern const struct export_case export_cases[];
extern const int export_case_count;

#endif

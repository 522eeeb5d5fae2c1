/* What `swell bench kernels` prints: a table with a summary of each group, or JSON. */
#ifndef SWELL_CLI_BENCH_REPORT_H
#define SWELL_CLI_BENCH_REPORT_H

#include "cli/bench_turns.h"

struct bench_figure {
    const struct bench_row *row;
    struct bench_times times;
    double rate;       /* operations, or bytes, a second; seconds where the row counts these */
    double ratio;      /* to the peer, above 1: we are faster; 0: no peer */
    double share;      /* of what the limits of this machine allow; 0: none holds */
    double same_clock; /* f32: of the limit of arithmetic right after our turns; else 0 */
};

struct bench_figure bench_figure(const struct bench_row *row, const struct bench_times *times,
                                 const struct sw_limits *limits);

void bench_print_head(FILE *to, const sw_context *ctx, const struct sw_limits *limits);
void bench_print_row(FILE *to, const struct bench_figure *f);
/* Geometric mean and worst of the n rows of each group. */
void bench_print_summary(FILE *to, const struct bench_figure *f, int64_t n);
/* One object of the array; false: out of memory. */
bool bench_print_json(FILE *to, const struct bench_figure *f, const char *isa);

#endif

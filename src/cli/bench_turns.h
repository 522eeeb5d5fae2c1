/* Measuring by turns: the rivals of a row run one after the other, several times over. */
#ifndef SWELL_CLI_BENCH_TURNS_H
#define SWELL_CLI_BENCH_TURNS_H

#include "cli/bench_rows.h"
#include "cli/pin_threads.h"
#include "graph/limits.h"

struct bench_rivals {
    sw_context *ctx;
    sw_context *single;              /* one thread, for scaling */
    const struct peer *const *peers; /* NULL: none */
    int64_t rounds;                  /* 0: as many as a few tenths of a second allow */
    struct pinned *pinned;
};

struct bench_times {
    double ours, peer;       /* seconds of a run, the median; peer 0: there is none */
    const char *peer_name;   /* of the fastest */
    double f32_flops;        /* of f32 rows: the limit right after our turns, at their clock */
    struct sw_limits memory; /* of rows that memory limits: measured by turns too */
};

/* 0, or 1 after a line: the row could not be built, or a peer's result differs from ours. */
int bench_measure(const struct verb *verb, const struct bench_row *row,
                  const struct bench_rivals *rivals, struct bench_times *times);

#endif

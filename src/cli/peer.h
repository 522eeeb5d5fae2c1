/* What the benchmarks ask of other libraries.  They stand in a module of their own (bench/), which
 * `swell bench kernels --peers FILE` loads, so that the program itself needs none of them. */
#ifndef SWELL_CLI_PEER_H
#define SWELL_CLI_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <swell/tensor.h>

enum peer_op { PEER_NONE, PEER_GEMM, PEER_CONV_FORWARD, PEER_CONV_DATA, PEER_CONV_WEIGHTS };

/* One piece of work.  Operands are dense, row-major, and live as long as the work.
 *   GEMM          (M,K) x (K,N) -> (M,N); transposed ones are stored (K,M), (N,K)
 *   CONV_FORWARD  x (N,C,S,S), w (O,C/groups,R,R) -> y (N,O,P,P)
 *   CONV_DATA     dy, w -> dx
 *   CONV_WEIGHTS  x, dy -> dw */
struct peer_case {
    enum peer_op op;
    sw_dtype a, b, c; /* first operand, second, result: f32 or i32 */
    int64_t m, k, n;
    bool a_transposed, b_transposed;
    bool b_constant; /* a weight: may be packed before the first run */
    struct {
        int64_t n, c, size, o, kernel, stride, pad, groups, out; /* N, C, S, O, R, ..., P */
    } conv;
    const void *first, *second;
};

struct peer {
    const char *name;
    double rest; /* seconds for which its threads spin after their work */
    /* NULL when it has no such kernel.  Everything that may be done before the first run is done. */
    void *(*create)(const struct peer_case *c);
    void (*run)(void *work);
    /* Run, and copy the result, dense and row-major, to `out`. */
    void (*result)(void *work, void *out);
    void (*destroy)(void *work);
};

/* The module's one symbol: its peers, NULL after the last, with this many threads. */
#define PEER_SYMBOL "swell_peers"
typedef const struct peer *const *peer_list(int threads);

#endif

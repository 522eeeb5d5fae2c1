/* The peers of this module, one file each. */
#ifndef SWELL_BENCH_PEER_LIST_H
#define SWELL_BENCH_PEER_LIST_H

#include "cli/peer.h"

extern const struct peer peer_openblas, peer_onednn, peer_onednn_conv;

/* Before the first piece of work. */
void peer_openblas_threads(int n);
bool peer_onednn_start(void);

#endif

/* Loading the module of peers. */
#ifndef SWELL_CLI_PEER_LOAD_H
#define SWELL_CLI_PEER_LOAD_H

#include "cli/peer.h"
#include "cli/verbs.h"

/* The peers of the module `path`, limited to the instructions of the level `cpu` and to `threads`
 * threads; NULL after a line. */
const struct peer *const *peers_load(const struct verb *verb, const char *path, const char *cpu,
                                     int threads);

#endif

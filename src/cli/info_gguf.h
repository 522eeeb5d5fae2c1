/* swell info of a language model. */
#ifndef SWELL_CLI_INFO_GGUF_H
#define SWELL_CLI_INFO_GGUF_H

#include "cli/verbs.h"

/* What is in a GGUF file, and the memory for `context` tokens (0: as many as it was trained for).  Exit status,
 * after a line. */
int info_gguf(const struct verb *verb, const char *path, int64_t context, bool json);

#endif

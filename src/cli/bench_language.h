/* swell bench of a language model. */
#ifndef SWELL_CLI_BENCH_LANGUAGE_H
#define SWELL_CLI_BENCH_LANGUAGE_H

#include "cli/verbs.h"

/* Whether one of the words is the file of a language model. */
bool bench_is_language(int argc, char **argv);
/* All of it; exit status. */
int bench_language(const struct verb *verb, int argc, char **argv);

#endif

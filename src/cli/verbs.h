/* The verbs of the program, one file each, and what they share. */
#ifndef SWELL_CLI_VERBS_H
#define SWELL_CLI_VERBS_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <swell/swell.h>

struct verb {
    const char *name;    /* one word or two */
    const char *summary; /* one line */
    const char *help;    /* usage, options, examples */
    int (*run)(const struct verb *verb, int argc,
               char **argv); /* argv[0] is the verb's last word; exit status */
};

extern const struct verb verb_bench;
extern const struct verb verb_bench_kernels;
extern const struct verb verb_bench_perplexity;
extern const struct verb verb_convert;
extern const struct verb verb_embed;
extern const struct verb verb_info;
extern const struct verb verb_pull;
extern const struct verb verb_see;
extern const struct verb verb_train;
extern const struct verb verb_train_alexnet;
extern const struct verb verb_train_convnet;
extern const struct verb verb_train_gpt;
extern const struct verb verb_tokenize, verb_train_tokenizer, verb_version;
extern const struct verb verb_write;

/* One line on standard error, "swell train: ...", and exit status 1. */
int cli_fail(const struct verb *verb, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The next option of getopt_long, or -1 at the end; '?' after an unknown option, a missing value, or
 * --help, with *status set and everything said: the verb returns it. */
int cli_option(const struct verb *verb, int argc, char **argv, const struct option *options,
               int *status);

/* A number within lo..hi from optarg; false, and a line that names the option, otherwise. */
bool cli_integer(const struct verb *verb, const char *option, int64_t lo, int64_t hi, int64_t *out);
bool cli_real(const struct verb *verb, const char *option, double lo, double hi, double *out);

/* A context with this many threads (0: all) and kernels for at most `cpu` (NULL: $SWELL_CPU, else the
 * best), warnings to standard error; NULL after a line. */
sw_context *cli_context(const struct verb *verb, int threads, const char *cpu);

/* sw_text_fn that writes to the FILE `user`. */
void cli_write(void *user, const char *text, size_t size);

/* Whether standard output understands colours: a terminal, and neither NO_COLOR nor TERM=dumb. */
bool cli_colour(FILE *stream);
/* Columns of the terminal, 80 if unknown. */
int cli_columns(FILE *stream);

#endif

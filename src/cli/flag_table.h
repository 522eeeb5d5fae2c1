/* Options of a verb with many: a table, a line an option, read into a struct. */
#ifndef SWELL_CLI_FLAG_TABLE_H
#define SWELL_CLI_FLAG_TABLE_H

#include <stddef.h>

#include "cli/verbs.h"

enum flag_kind {
    FLAG_TEXT,   /* const char * */
    FLAG_WHOLE,  /* int64_t, lo..hi */
    FLAG_REAL,   /* double, lo..hi */
    FLAG_CHOICE, /* int64_t: the place in the list of choices */
    FLAG_EITHER, /* bool: the same, of two */
    FLAG_YES,    /* bool, without a value */
    FLAG_OTHER   /* whatever take() makes of optarg */
};

struct flag {
    const char
        *name; /* a single letter (-n) takes a value, and stands for the option of the next row */
    enum flag_kind kind;
    size_t at; /* in the struct */
    double lo, hi;
    const char *const *choices; /* ended by NULL */
    /* false after a line */
    bool (*take)(const struct verb *verb, const struct flag *f, void *to);
};

/* Read all options into `to`.  -1 to go on, else the exit status, with everything said (also after --help, and
 * for a word that is no option). */
int flags_read(const struct verb *verb, const struct flag *flags, int n, void *to, int argc,
               char **argv);

/* The same for a verb that takes words too: they are argv[*words] .. argv[argc - 1] afterwards. */
int flags_and_words(const struct verb *verb, const struct flag *flags, int n, void *to, int argc,
                    char **argv, int *words);

/* Files are written when hours of work are over: find out now that one cannot be.  path may be NULL.  False after a
 * line. */
bool flags_writable(const struct verb *verb, const char *option, const char *path);

#endif

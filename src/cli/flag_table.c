/* Options from a table; every one is honoured or refused with a line that names it. */
#include "cli/flag_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/folder.h"

enum { MOST_FLAGS = 96, FIRST = 1000 };

/* The place of a word in a list; false after a line that lists them. */
static bool take_choice(const struct verb *verb, const struct flag *f, int64_t *value)
{
    char all[128] = "";
    size_t n = 0;
    for (int i = 0; f->choices[i]; i++) {
        if (strcmp(optarg, f->choices[i]) == 0) {
            *value = i;
            return true;
        }
        n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", i ? ", " : "", f->choices[i]);
    }
    cli_fail(verb, "--%s %s: it can be %s", f->name, optarg, all);
    return false;
}

static bool take(const struct verb *verb, const struct flag *f, void *to)
{
    char *at = (char *)to + f->at;
    int64_t value = 0;
    switch (f->kind) {
    case FLAG_TEXT: *(const char **)(void *)at = optarg; return true;
    case FLAG_WHOLE:
        return cli_integer(verb, f->name, (int64_t)f->lo, (int64_t)f->hi, (int64_t *)(void *)at);
    case FLAG_REAL: return cli_real(verb, f->name, f->lo, f->hi, (double *)(void *)at);
    case FLAG_YES: *(bool *)at = true; return true;
    case FLAG_OTHER: return f->take(verb, f, to);
    case FLAG_CHOICE:
    case FLAG_EITHER: break;
    }
    if (!take_choice(verb, f, &value)) return false;
    if (f->kind == FLAG_EITHER)
        *(bool *)at = value;
    else
        *(int64_t *)(void *)at = value;
    return true;
}

/* What getopt found: a row, or a letter, which stands for the row behind its own. */
static const struct flag *find(const struct flag *flags, int c)
{
    if (c >= FIRST) return &flags[c - FIRST];
    while (flags->name[0] != c || flags->name[1]) flags++;
    return flags + 1;
}

int flags_and_words(const struct verb *verb, const struct flag *flags, int n, void *to, int argc,
                    char **argv, int *words)
{
    struct option options[MOST_FLAGS + 2] = {{0}};
    int status = 0;
    if (n > MOST_FLAGS) return cli_fail(verb, "a table of %d options", n);
    for (int i = 0; i < n; i++)
        options[i] = (struct option){flags[i].name,
                                     flags[i].kind == FLAG_YES ? no_argument : required_argument,
                                     NULL, flags[i].name[1] ? FIRST + i : flags[i].name[0]};
    options[n] = (struct option){"help", no_argument, NULL, 'h'};
    for (int c; (c = cli_option(verb, argc, argv, options, &status)) != -1;) {
        if (c == '?') return status;
        if (!take(verb, find(flags, c), to)) return 1;
    }
    *words = optind;
    return -1;
}

int flags_read(const struct verb *verb, const struct flag *flags, int n, void *to, int argc,
               char **argv)
{
    int words, status = flags_and_words(verb, flags, n, to, argc, argv, &words);
    if (status < 0 && words < argc) return cli_fail(verb, "'%s' is no option", argv[words]);
    return status;
}

bool flags_writable(const struct verb *verb, const char *option, const char *path)
{
    char folder[4096];
    errno = 0;
    if (!path) return true;
    const char *slash = strrchr(path, '/');
    const int n = slash ? (int)(slash - path) + 1 : 2;
    if (n >= (int)sizeof folder) {
        cli_fail(verb, "--%s: the name is too long", option);
        return false;
    }
    snprintf(folder, sizeof folder, "%.*s", n, slash ? path : "./");
    if (access(folder, W_OK) == 0 && sw__path_kind(path) != SW_PATH_FOLDER) return true;
    cli_fail(verb, "--%s %s: cannot be written: %s", option, path,
             errno ? strerror(errno) : "a folder");
    return false;
}

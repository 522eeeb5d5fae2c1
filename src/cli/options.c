/* Options, numbers, errors: every flag is honoured or refused with one line. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/terminal.h"
#include "cli/verbs.h"

int cli_fail(const struct verb *verb, const char *format, ...)
{
    va_list args;
    fflush(stdout);
    fprintf(stderr, "swell %s: ", verb->name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return 1;
}

int cli_option(const struct verb *verb, int argc, char **argv, const struct option *options,
               int *status)
{
    opterr = 0;
    char letters[16] = ":"; /* options that take a value and have a letter too */
    size_t n = 1;
    for (const struct option *o = options; o->name && n + 3 <= sizeof letters; o++)
        if (o->val < 128 && o->has_arg == required_argument) {
            letters[n++] = (char)o->val;
            letters[n++] = ':';
        }
    int c = getopt_long(argc, argv, letters, options, NULL);
    if (c == 'h') {
        fputs(verb->help, stdout);
        *status = 0;
        return '?';
    }
    if (c == ':')
        *status = cli_fail(verb, "%s needs a value; see 'swell help %s'", argv[optind - 1],
                           verb->name);
    else if (c == '?') {
        const char letter[3] = {'-', (char)optopt, 0}; /* of several in one word, the one */
        *status = cli_fail(verb, "unknown option '%s'; see 'swell help %s'",
                           optopt > 0 && optopt < 128 ? letter : argv[optind - 1], verb->name);
    }
    return c == ':' ? '?' : c;
}

bool cli_integer(const struct verb *verb, const char *option, int64_t lo, int64_t hi, int64_t *out)
{
    char *end;
    errno = 0;
    long long v = strtoll(optarg, &end, 10);
    if (errno || end == optarg || *end || v < lo || v > hi) {
        cli_fail(verb, "--%s %s: not a whole number from %lld to %lld", option, optarg,
                 (long long)lo, (long long)hi);
        return false;
    }
    *out = v;
    return true;
}

bool cli_real(const struct verb *verb, const char *option, double lo, double hi, double *out)
{
    char *end;
    double v = strtod(optarg, &end);
    if (end == optarg || *end || !isfinite(v) || v < lo || v > hi) {
        cli_fail(verb, "--%s %s: not a number from %g to %g", option, optarg, lo, hi);
        return false;
    }
    *out = v;
    return true;
}

/* What the log of a context goes through. */
struct log {
    const struct verb *verb;
    bool said; /* a warning or an error was written */
};

static void log_line(void *user, sw_log_level level, const char *line)
{
    struct log *log = user;
    if (level < SW_LOG_WARN) return;
    log->said = true;
    fprintf(stderr, "swell %s: %s\n", log->verb->name, line);
}

sw_context *cli_context(const struct verb *verb, int threads, const char *cpu)
{
    static struct log log; /* one verb a process */
    sw_context *ctx = NULL;
    log = (struct log){verb, false};
    sw_context_options o = {.threads = threads, .cpu = cpu, .log = log_line, .log_user = &log};
    sw_status status = sw_context_create(&o, &ctx);
    if (status != SW_OK && !log.said)
        cli_fail(verb, "cannot start %d threads: %s", threads, sw_status_text(status));
    return ctx;
}

void cli_write(void *user, const char *text, size_t size)
{
    fwrite(text, 1, size, user);
}

bool cli_colour(FILE *stream)
{
    const char *term = getenv("TERM");
    return sw__is_terminal(fileno(stream)) && !getenv("NO_COLOR") && term &&
           strcmp(term, "dumb") != 0;
}

int cli_columns(FILE *stream)
{
    return sw__terminal_columns(fileno(stream));
}

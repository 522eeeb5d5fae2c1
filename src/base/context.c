/* The context: which kernels, how many threads, where the log goes, what failed last.
 *
 * Messages often carry names that came out of a file, so whatever reaches the error text or the log
 * is made one printable line here, in one place: control characters become '?' (the C1 ones too,
 * which are two bytes in UTF-8 and which terminals obey), and a text that is too long ends in "...". */
#include "base/context_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_THREADS 256

const char *sw_version(void)
{
    return SWELL_VERSION;
}

/* Format into text[SW_ERROR_TEXT] as one printable line. */
__attribute__((format(printf, 2, 0))) static void format_line(char *text, const char *format,
                                                              va_list args)
{
    int n = vsnprintf(text, SW_ERROR_TEXT, format, args);

    if (n < 0) snprintf(text, SW_ERROR_TEXT, "(text that cannot be formatted)");
    if (n >= SW_ERROR_TEXT) {
        size_t end = SW_ERROR_TEXT - 4;
        while (end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80) end--; /* whole characters */
        memcpy(text + end, "...", 4);
    }
    for (unsigned char *c = (unsigned char *)text; *c; c++) {
        if (c[0] == 0xC2 && c[1] >= 0x80 && c[1] < 0xA0)
            memset(c, '?', 2);
        else if (*c < 0x20 || *c == 0x7F)
            *c = '?';
    }
}

/* Log to options that may not have become a context. */
__attribute__((format(printf, 3, 4))) static void
log_options(const sw_context_options *options, sw_log_level level, const char *format, ...)
{
    char line[SW_ERROR_TEXT];
    va_list args;

    if (!options->log) return;
    va_start(args, format);
    format_line(line, format, args);
    va_end(args);
    options->log(options->log_user, level, line);
}

void sw__log(sw_context *ctx, sw_log_level level, const char *format, ...)
{
    char line[SW_ERROR_TEXT];
    va_list args;

    if (!ctx || !ctx->options.log) return;
    va_start(args, format);
    format_line(line, format, args);
    va_end(args);
    ctx->options.log(ctx->options.log_user, level, line);
}

sw_status sw__failv(sw_context *ctx, sw_status status, const char *format, va_list args)
{
    char line[SW_ERROR_TEXT]; /* not ctx->error: an argument may point into it */

    if (!ctx) return status;
    format_line(line, format, args);
    for (char *c = line; *c; c++) /* one line, whatever a file calls its things */
        if ((unsigned char)*c < ' ' || *c == 0x7F) *c = '?';
    memcpy(ctx->error, line, sizeof(line));
    if (ctx->options.log) ctx->options.log(ctx->options.log_user, SW_LOG_DEBUG, ctx->error);
    return status;
}

sw_status sw__fail(sw_context *ctx, sw_status status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    sw__failv(ctx, status, format, args);
    va_end(args);
    return status;
}

/* The ISA that options and environment ask for; the best of this CPU if they do not say. */
static sw_status choose_isa(const sw_context_options *options, enum sw_isa *isa)
{
    const char *name = options->cpu;
    const char *source = "options.cpu";

    *isa = sw__cpu()->best;
    if (!name) {
        name = getenv("SWELL_CPU");
        source = "SWELL_CPU";
        if (!name || !*name) return SW_OK; /* `SWELL_CPU= program` is how a shell unsets */
    }
    enum sw_isa wanted = sw__isa_find(name);
    if (wanted == SW_ISA_COUNT) {
        log_options(options, SW_LOG_ERROR, "%s is '%s'; it may be " SW_ISA_NAMES, source, name);
        return SW_ERR_ARGUMENT;
    }
    if (wanted > sw__cpu()->best) {
        log_options(options, SW_LOG_ERROR, "%s is '%s', but this CPU has at most %s", source, name,
                    sw__isa_name(sw__cpu()->best));
        return SW_ERR_UNSUPPORTED;
    }
    *isa = wanted;
    return SW_OK;
}

sw_status sw_context_create(const sw_context_options *options, sw_context **out)
{
    static const sw_context_options defaults = {0};
    enum sw_isa isa;

    *out = NULL;
    if (!options) options = &defaults;
    if (options->threads < 0 || options->threads > MAX_THREADS) {
        log_options(options, SW_LOG_ERROR, "options.threads is %d; it may be 0 to %d",
                    options->threads, MAX_THREADS);
        return SW_ERR_ARGUMENT;
    }
    sw_status status = choose_isa(options, &isa);
    if (status) return status;

    int threads = options->threads ? options->threads : sw__cpu()->cores;
    if (threads > MAX_THREADS) threads = MAX_THREADS;
    sw_context *ctx = calloc(1, sizeof(*ctx));
    if (!ctx) {
        log_options(options, SW_LOG_ERROR, "out of memory for a context");
        return SW_ERR_MEMORY;
    }
    ctx->options = *options;
    ctx->options.threads = threads;
    ctx->options.cpu = sw__isa_name(isa); /* the caller's string may not live as long */
    ctx->isa = isa;
    status = sw__threads_create(threads, &ctx->threads);
    if (status) {
        log_options(options, SW_LOG_ERROR,
                    "cannot start %d threads: out of memory, or over a limit on processes",
                    threads);
        free(ctx);
        return status;
    }
    *out = ctx;
    return SW_OK;
}

void sw_context_destroy(sw_context *ctx)
{
    if (!ctx) return;
    sw__threads_destroy(ctx->threads);
    free(ctx);
}

const char *sw_error(const sw_context *ctx)
{
    return ctx ? ctx->error : "";
}

int sw_context_threads(const sw_context *ctx)
{
    return sw__threads_count(ctx->threads);
}

const char *sw_context_cpu(const sw_context *ctx)
{
    return sw__isa_name(ctx->isa);
}

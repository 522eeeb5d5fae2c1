/* What a context holds; for the library only. */
#ifndef SWELL_BASE_CONTEXT_INT_H
#define SWELL_BASE_CONTEXT_INT_H

#include <stdarg.h>
#include <swell/context.h>
#include "base/cpu.h"
#include "base/threads.h"

#define SW_ERROR_TEXT 512

struct sw_context {
    sw_context_options options;
    enum sw_isa isa; /* at most what the CPU has and the user allows */
    struct sw_threads *threads;
    char error[SW_ERROR_TEXT]; /* text of the last error */
};

/* Store the text of an error, log it at SW_LOG_DEBUG, return `status`:
 *     return sw__fail(ctx, SW_ERR_SHAPE, "matmul '%s': %s x %s", name, a, b); */
sw_status sw__fail(sw_context *ctx, sw_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
sw_status sw__failv(sw_context *ctx, sw_status status, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

void sw__log(sw_context *ctx, sw_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif

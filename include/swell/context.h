/* The context: threads, kernels for this CPU, the log, and the text of the last error.
 *
 * A context belongs to one thread at a time; make one a thread.  There is no global state, so any
 * number of contexts may live side by side, and weights (weights.h) may be shared between them.
 *
 *     sw_context *ctx;
 *     if (sw_context_create(&(sw_context_options){.threads = 2}, &ctx) != SW_OK) ...
 *     sw_context_destroy(ctx);
 */
#ifndef SWELL_CONTEXT_H
#define SWELL_CONTEXT_H

#include <stddef.h>
#include <stdint.h>
#include <swell/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sw_context sw_context;

typedef enum sw_log_level { SW_LOG_DEBUG, SW_LOG_INFO, SW_LOG_WARN, SW_LOG_ERROR } sw_log_level;

/* Receives one line of log, without a line end.  Called on the thread that uses the context. */
typedef void (*sw_log_fn)(void *user, sw_log_level level, const char *line);

/* Receives text that a report is made of (a profile, a plan); `size` bytes, not terminated. */
typedef void (*sw_text_fn)(void *user, const char *text, size_t size);

typedef struct sw_context_options {
    int threads; /* worker threads, the caller's included; 0: one per core this process may use */
    /* At most these kernels: "ref", "avx2", "avx512", "avx512vnni", "avx512bf16", "amx", each a superset
     * of the one before.  NULL: $SWELL_CPU, else the best that this CPU has. */
    const char *cpu;
    sw_log_fn log; /* NULL: silent */
    void *log_user;
} sw_context_options;

/* Make a context.  `options` may be NULL for the defaults.  SW_ERR_ARGUMENT for a thread count
 * outside 0..256 or an unknown cpu name, SW_ERR_UNSUPPORTED when this CPU lacks what was named,
 * SW_ERR_MEMORY when memory or a limit on processes forbids so many threads.  As there is no context
 * to ask for the text of the error, it goes to options->log. */
SW_API sw_status sw_context_create(const sw_context_options *options, sw_context **out);

/* Free a context after all that was made with it.  NULL is fine. */
SW_API void sw_context_destroy(sw_context *ctx);

/* What went wrong in the last failed call on this context; "" if none did.  Valid till the next
 * failure. */
SW_API const char *sw_error(const sw_context *ctx);

SW_API int sw_context_threads(const sw_context *ctx);

/* The kernels in use: a name of sw_context_options.cpu. */
SW_API const char *sw_context_cpu(const sw_context *ctx);

/* "0.1.0" */
SW_API const char *sw_version(void);

#ifdef __cplusplus
}
#endif
#endif

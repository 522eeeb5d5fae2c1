/* swell version */
#include <string.h>

#include "base/cpu.h"
#include "cli/verbs.h"

static const char help[] = "usage: swell version\n\n"
                           "Print the version, the CPU and the kernels that will be used.\n\n"
                           "example: swell version\n";

static int run(const struct verb *verb, int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
    int status = 0;
    while (argc > 1 && strcmp(argv[0], "version") == 0) {
        int c = cli_option(verb, argc, argv, options, &status);
        if (c == '?') return status;
        if (c == -1) break;
    }
    sw_context *ctx = cli_context(verb, 0, NULL);
    if (!ctx) return 1;
    printf("swell %s\ncpu %s, %d threads, kernels for %s\n", sw_version(), sw__cpu()->name,
           sw_context_threads(ctx), sw_context_cpu(ctx));
    sw_context_destroy(ctx);
    return 0;
}

const struct verb verb_version = {"version", "the version, the CPU, the kernels in use", help, run};

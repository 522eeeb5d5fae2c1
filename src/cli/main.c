/* swell VERB ...: finds the verb, hands over. */
#include <string.h>

#include "cli/verbs.h"

static const struct verb *const verbs[] = {&verb_train, &verb_info, &verb_bench, &verb_version};
enum { VERBS = sizeof verbs / sizeof *verbs };

static void usage(FILE *to)
{
    fprintf(to, "usage: swell VERB [options]\n\n");
    for (int i = 0; i < VERBS; i++) fprintf(to, "  %-9s %s\n", verbs[i]->name, verbs[i]->summary);
    fprintf(to, "  %-9s %s\n\nexample: swell train convnet --seconds 60\n", "help",
            "what a verb does: swell help train");
}

static const struct verb *find(const char *name)
{
    for (int i = 0; i < VERBS; i++)
        if (strcmp(verbs[i]->name, name) == 0) return verbs[i];
    return NULL;
}

static int unknown(const char *name)
{
    fprintf(stderr, "swell: there is no verb '%s'; 'swell help' lists them\n", name);
    return 1;
}

static int help(int argc, char **argv)
{
    if (argc < 2) {
        usage(stdout);
        return 0;
    }
    const struct verb *verb = find(argv[1]);
    if (!verb) return unknown(argv[1]);
    fputs(verb->help, stdout);
    return 0;
}

int main(int argc, char **argv)
{
    int status;
    if (argc < 2) {
        usage(stderr);
        return 1;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0)
        return help(argc - 1, argv + 1);
    const struct verb *verb = strcmp(argv[1], "--version") == 0 ? &verb_version : find(argv[1]);
    if (!verb) return unknown(argv[1]);
    status = verb->run(verb, argc - 1, argv + 1);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "swell: standard output could not be written\n");
        return 1;
    }
    return status;
}

/* swell VERB ...: finds the verb, hands over. */
#include <string.h>

#include "cli/verbs.h"

/* clang-format off */
static const struct verb *const verbs[] = {
    &verb_see,
    &verb_write,
    &verb_embed,
    &verb_train,
    &verb_train_alexnet,
    &verb_train_convnet,
    &verb_train_gpt,
    &verb_train_tokenizer,
    &verb_tokenize, &verb_info,
    &verb_convert,
    &verb_pull,
    &verb_bench_kernels,
    &verb_bench_perplexity,
    &verb_bench,
    &verb_version,
};
/* clang-format on */
enum { VERBS = sizeof verbs / sizeof *verbs };

static void usage(FILE *to)
{
    fprintf(to, "usage: swell VERB [options]\n\n");
    for (int i = 0; i < VERBS; i++) fprintf(to, "  %-14s %s\n", verbs[i]->name, verbs[i]->summary);
    fprintf(to, "  %-14s %s\n\nexample: swell train convnet --seconds 60\n", "help",
            "what a verb does: swell help train");
}

/* The verb that the words argv[0], argv[1] begin with, one of two words first; *words: how many it
 * has. */
static const struct verb *find(int argc, char **argv, int *words)
{
    char two[64];
    for (*words = argc > 1 ? 2 : 1; *words > 0; --*words) {
        snprintf(two, sizeof two, "%s%s%s", argv[0], *words > 1 ? " " : "",
                 *words > 1 ? argv[1] : "");
        for (int i = 0; i < VERBS; i++)
            if (strcmp(verbs[i]->name, two) == 0) return verbs[i];
    }
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
    int words;
    const struct verb *verb = find(argc - 1, argv + 1, &words);
    if (!verb) return unknown(argv[1]);
    fputs(verb->help, stdout);
    return 0;
}

int main(int argc, char **argv)
{
    int status, words = 1;
    if (argc < 2) {
        usage(stderr);
        return 1;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0)
        return help(argc - 1, argv + 1);
    const struct verb *verb = strcmp(argv[1], "--version") == 0 ? &verb_version
                                                                : find(argc - 1, argv + 1, &words);
    if (!verb) return unknown(argv[1]);
    status = verb->run(verb, argc - words, argv + words);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "swell: standard output could not be written\n");
        return 1;
    }
    return status;
}

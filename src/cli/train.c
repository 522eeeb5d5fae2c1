/* swell train: what can be trained; each has a verb of its own. */
#include <string.h>

#include "cli/verbs.h"

static const char help[] =
    "usage: swell train alexnet --data DIR --epochs N [options]\n"
    "       swell train convnet [options]\n"
    "\n"
    "  alexnet   a network of pictures, on your own pictures: 'swell help train alexnet'\n"
    "  convnet   a small one on Fashion-MNIST, in a minute: 'swell help train convnet'\n"
    "\n"
    "examples:\n"
    "  swell train convnet\n"
    "  swell train alexnet --data flowers/ --epochs 30 --out flowers.safetensors\n";

static int run(const struct verb *verb, int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return 0;
    }
    if (argc < 2)
        return cli_fail(verb,
                        "train what? 'alexnet' and 'convnet' are there; see 'swell help train'");
    return cli_fail(verb,
                    "'%s' cannot be trained; 'alexnet' and 'convnet' can; see 'swell help train'",
                    argv[1]);
}

const struct verb verb_train = {"train", "learn from data", help, run};

/* swell train: what can be trained; each has a verb of its own. */
#include <string.h>

#include "cli/verbs.h"

static const char help[] =
    "usage: swell train alexnet --data DIR --epochs N [options]\n"
    "       swell train convnet [options]\n"
    "       swell train gpt --data FILE|DIR --steps N [options]\n"
    "       swell train tokenizer --data FILE|DIR --vocabulary N --out FILE [options]\n"
    "\n"
    "  alexnet   a network of pictures, on your own pictures: 'swell help train alexnet'\n"
    "  convnet   a small one on Fashion-MNIST, in a minute: 'swell help train convnet'\n"
    "  gpt       a language model, on your own text: 'swell help train gpt'\n"
    "  tokenizer a vocabulary, from your own text: 'swell help train tokenizer'\n"
    "\n"
    "examples:\n"
    "  swell train convnet\n"
    "  swell train alexnet --data flowers/ --epochs 30 --out flowers.safetensors\n"
    "  swell train gpt --data input.txt --steps 2000 --out model.gguf\n";

static int run(const struct verb *verb, int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return 0;
    }
    if (argc < 2)
        return cli_fail(verb, "train what? 'alexnet', 'convnet', 'gpt' and 'tokenizer' are there; "
                              "see 'swell help train'");
    return cli_fail(verb,
                    "'%s' cannot be trained; 'alexnet', 'convnet', 'gpt' and 'tokenizer' can; see "
                    "'swell help train'",
                    argv[1]);
}

const struct verb verb_train = {"train", "learn from data", help, run};

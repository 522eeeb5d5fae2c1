/* swell train: hands over to what is to be trained. */
#include <string.h>

#include "cli/train_convnet.h"
#include "cli/verbs.h"

static const char help[] =
    "usage: swell train convnet [options]\n"
    "\n"
    "Train a small convolutional network on pictures in IDX files (Fashion-MNIST, MNIST), show "
    "how\n"
    "well it does on the test set, and ten of its pictures.\n"
    "\n"
    "  --data DIR        folder with train-images-idx3-ubyte[.gz] and so on\n"
    "                    (default /usr/share/datasets/fashion-mnist)\n"
    "  --seconds S       train for S seconds (default 60); the learning rate follows the clock\n"
    "  --epochs N        train for N passes over the data instead; the same weights every time\n"
    "  --limit N         use the first N training pictures only\n"
    "  --batch N         pictures a step (default 64)\n"
    "  --rate R          largest learning rate (default 0.003)\n"
    "  --seed S          of weights, dropout and order (default 1)\n"
    "  --threads N       default: all cores; the result does not depend on it\n"
    "  --bf16            multiply in bf16, sum in f32\n"
    "  --out FILE        write the trained weights (safetensors)\n"
    "  --checkpoint FILE write everything that is needed to go on, at the end and on Ctrl-C\n"
    "  --every N         ... and every N steps\n"
    "  --resume FILE     go on from a checkpoint (with --epochs)\n"
    "  --curve FILE.svg  draw loss and accuracy\n"
    "  --json            one JSON object a line instead of the progress bar\n"
    "\n"
    "examples:\n"
    "  swell train convnet\n"
    "  swell train convnet --epochs 10 --checkpoint run.safetensors --every 500\n"
    "  swell train convnet --epochs 10 --resume run.safetensors --out fashion.safetensors\n";

static int run(const struct verb *verb, int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return 0;
    }
    if (argc < 2) return cli_fail(verb, "train what? 'convnet' is there; see 'swell help train'");
    if (strcmp(argv[1], "convnet") == 0) return train_convnet(verb, argc - 1, argv + 1);
    return cli_fail(verb, "'%s' cannot be trained; 'convnet' can; see 'swell help train'", argv[1]);
}

const struct verb verb_train = {"train", "learn from data", help, run};

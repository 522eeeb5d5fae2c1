/* swell train convnet: the main job of `make run`.  The small network on Fashion-MNIST for a minute, and
 * then ten of the test pictures; the rest is as in `swell train alexnet`.
 *
 * With --epochs everything is a function of the seed.  With --seconds the schedule follows the clock,
 * so the weights depend on the machine; that is why a resumed run needs --epochs. */
#include <stdlib.h>
#include <string.h>

#include "cli/image_job.h"
#include "cli/pictures.h"

#define FASHION "/usr/share/datasets/fashion-mnist"

enum { SHOWN = 10 };

static const char help[] =
    "usage: swell train convnet [options]\n"
    "\n"
    "Train a small convolutional network on pictures in IDX files (Fashion-MNIST, MNIST), show how "
    "well it\n"
    "does on the test set, and ten of its pictures.\n"
    "\n"
    "  --data DIR        folder with train-images-idx3-ubyte[.gz] and so on\n"
    "                    (default /usr/share/datasets/fashion-mnist)\n"
    "  --seconds S       train for S seconds (default 60); the learning rate follows the clock\n"
    "  --epochs N        train for N passes over the data instead; the same weights every time\n"
    "  --limit N         use N of the training pictures only\n"
    "  --batch N         pictures a step (default 64)\n"
    "  --rate R          largest learning rate (default 0.003)\n"
    "  --seed S          of weights, dropout and order (default 1)\n"
    "  --threads N       default: all cores; the result does not depend on it\n"
    "  --bf16            multiply in bf16, sum in f32\n"
    "  --out FILE        write the trained weights (safetensors)\n"
    "  --checkpoint FILE write everything that is needed to go on, at the end and on Ctrl-C\n"
    "  --every N         ... and every N steps\n"
    "  --resume FILE     go on from a checkpoint (with --epochs)\n"
    "  --curve FILE.svg  draw loss, accuracy and rate\n"
    "  --json            one JSON object a line instead of the progress bar\n"
    "\n"
    "All other options are those of 'swell train alexnet'.\n"
    "\n"
    "examples:\n"
    "  swell train convnet\n"
    "  swell train convnet --epochs 10 --checkpoint run.safetensors --every 500\n"
    "  swell train convnet --epochs 10 --resume run.safetensors --out fashion.safetensors\n";

/* The first test pictures with what the network thinks of them. */
static int show(struct image_job *j)
{
    struct picture p[SHOWN];
    const sw_image_set *set = j->test.set;
    const int n = j->test.count < SHOWN ? (int)j->test.count : SHOWN;
    if (!set || !set->images || set->channels != 1) return 0;
    float *answers = calloc((size_t)(SHOWN * j->classes), sizeof *answers);
    if (!answers) return cli_fail(j->verb, "out of memory");
    int status = image_answers(j, &j->test, n, answers);
    for (int i = 0; i < n; i++) {
        const float *x = answers + i * j->classes;
        const int64_t at = j->test.index[i];
        int best = 0;
        for (int c = 1; c < j->classes; c++)
            if (x[c] > x[best]) best = c;
        p[i] = (struct picture){.pixels = set->images + at * set->height * set->width,
                                .height = set->height,
                                .width = set->width,
                                .label = j->names[set->labels[at]],
                                .predicted = j->names[best],
                                .probability = x[best],
                                .right = best == set->labels[at]};
    }
    free(answers);
    if (status) return status;
    printf("\n");
    pictures_draw(stdout, p, n, cli_columns(stdout), cli_colour(stdout));
    return 0;
}

static int run(const struct verb *verb, int argc, char **argv)
{
    struct image_job j = {.verb = verb, .f = image_flags_none};
    j.f.recipe = RECIPE_CONVNET;
    int status = image_flags_read(&j, argc, argv);
    if (status >= 0) return status;
    if (!j.f.data) j.f.data = FASHION;
    if (j.f.epochs < 0 && j.f.run.seconds < 0) j.f.run.seconds = 60;
    j.network = sw_image_network_find("convnet");
    j.ctx = cli_context(verb, (int)(j.f.threads > 0 ? j.f.threads : 0), NULL);
    if (!j.ctx) return 1;
    status = image_recipe_complete(&j);
    if (!status) status = image_data_open(&j);
    if (!status) status = image_build(&j);
    if (!status) status = image_train(&j);
    if (!status) status = image_finish(&j);
    if (!status && !j.f.run.json) status = show(&j);
    if (training_end(&j.run) && !status) status = 1;
    image_release(&j);
    return status;
}

const struct verb verb_train_convnet = {"train convnet", "learn Fashion-MNIST in a minute", help,
                                        run};

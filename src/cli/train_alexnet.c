/* swell train alexnet: from a folder of pictures to a classifier.
 *
 * options -> network -> pictures -> graphs -> steps -> measured on pictures that it has not seen -> a file */
#include <string.h>

#include "cli/image_job.h"

static const char help[] =
    "usage: swell train alexnet --data DIR|FILE --epochs N [options]\n"
    "\n"
    "Train a network of pictures on your own pictures, measure it, write it to a file.\n"
    "\n"
    "pictures\n"
    "  --data PATH       a folder with a folder of pictures for each class, or with such folders "
    "'train' and\n"
    "                    'val' or 'test'; CIFAR-10's or CIFAR-100's binaries; IDX files (MNIST); "
    "FILE.csv with\n"
    "                    lines path,label.  JPEG, PNG and WebP are read; bad pictures are left out "
    "and counted\n"
    "  --val PATH        pictures to measure on (default: the second split of --data)\n"
    "  --val-fraction F  measure on this part of the training pictures between epochs (default 0.1 "
    "where there\n"
    "                    is no second split)\n"
    "  --limit N         train on N of the pictures only\n"
    "\n"
    "network\n"
    "  --network NAME    default alexnet; a name that is none lists them all\n"
    "  --from FILE       begin with these weights (.safetensors, .pth), with a new last layer "
    "where the classes\n"
    "                    are others; the network is found by them\n"
    "  --freeze          train the last layer only (with --from)\n"
    "\n"
    "training\n"
    "  --epochs N        passes over the pictures; 0 only measures\n"
    "  --seconds S       or so long; the learning rate follows the clock\n"
    "  --recipe NAME     paper (default): sgd, momentum 0.9, decay 0.0005, rate 0.01, divided by "
    "10 when the\n"
    "                    error on --val stops improving, colour jitter 0.1\n"
    "                    today (default with --from): adamw, rate 0.001 (0.0001 with --from), "
    "decay 0.05,\n"
    "                    cosine after a short warm-up, label smoothing 0.1\n"
    "  --batch N         pictures a step (default 128)\n"
    "  --optimizer O     sgd, adam, adamw or muon\n"
    "  --rate R          largest learning rate\n"
    "  --momentum M --nesterov --decay D --decay-all --bias-rate F (of biases and norms, times the "
    "rate)\n"
    "  --schedule S      constant, step, plateau, linear or cosine\n"
    "  --warmup E        epochs of linear rise        --floor F     last rate, part of --rate "
    "(linear, cosine)\n"
    "  --steps-at E,E    epochs of --schedule step    --factor F    step, plateau: default 0.1\n"
    "  --patience N      plateau: measurements without improvement before the rate drops (default "
    "3)\n"
    "  --label-smoothing F   --ema D (measure and write moving averages of the weights; the "
    "statistics of batch\n"
    "                    norms stay the last ones)\n"
    "  --bf16            multiply in bf16, sum in f32\n"
    "  --seed S          of weights, dropout, order, augmentation (default 1)\n"
    "  --threads N       default: all cores; the result does not depend on it\n"
    "\n"
    "what is seen of a picture\n"
    "  --short-side N    resize to this shorter side (default: for 227 pixels 256; small pictures "
    "as they are)\n"
    "  --crop N          side of the random crop, for networks that take any\n"
    "  --pad N           crop from the picture with N pixels more around it; --pad-mode reflect or "
    "zero\n"
    "  --mirror M        none, random (default) or alternate (every picture in every second "
    "epoch)\n"
    "  --jitter A        shift colours along their principal components, N(0,A) (2012, section "
    "4.1)\n"
    "  --cutout N        a square of N pixels is left out   --mixup A   mix pairs of pictures, "
    "Beta(A,A)\n"
    "  --normalise N     network (default): its own mean and deviation; measured: of these "
    "pictures\n"
    "  --crops N         test by the average of 1, 2, 6, 10 or 18 views: centre; mirrored; shifted "
    "by a pixel;\n"
    "                    corners and centre (the paper's ten); 3 x 3 places\n"
    "\n"
    "files\n"
    "  --out FILE        write the weights (safetensors), with labels and preprocessing; --half: "
    "in f16\n"
    "  --checkpoint FILE write everything that is needed to go on, at the end and on Ctrl-C\n"
    "  --every N         ... and every N steps\n"
    "  --resume FILE     go on from a checkpoint, to the same bits; with all other "
    "options as before\n"
    "  --curve FILE.svg  draw loss, accuracy and rate\n"
    "  --log FILE.jsonl  a JSON object every 50 steps and every epoch (--val-every N)\n"
    "  --confusion FILE.json  which class was taken for which\n"
    "  --json            the same on standard output instead of the progress bar\n"
    "\n"
    "examples:\n"
    "  swell train alexnet --data flowers/ --epochs 30 --out flowers.safetensors\n"
    "  swell train alexnet --data flowers/ --from alexnet.pth --epochs 10 --out "
    "flowers.safetensors\n"
    "  swell train alexnet --data cifar-10-batches-bin --network cifarnet --pad 4 --epochs 20\n";

static int no_network(const struct image_job *j, const char *name)
{
    char all[512] = "";
    const sw_image_network *n;
    size_t at = 0;
    for (int i = 0; (n = sw_image_network_at(i)) && at < sizeof all; i++)
        at += (size_t)snprintf(all + at, sizeof all - at, "%s%s", i ? ", " : "", n->name);
    return cli_fail(j->verb, "--network: there is no '%s'; there are %s", name, all);
}

/* The row of the table that --network or the tensors of --from name. */
static int find_network(struct image_job *j, const char *name)
{
    sw_weights *ws = NULL;
    sw_image_sizes sizes;
    if (name && !(j->network = sw_image_network_find(name))) return no_network(j, name);
    if (!j->f.from) return 0;
    const bool opened = sw_weights_create(j->ctx, &ws) == SW_OK &&
                        sw_weights_load(j->ctx, ws, j->f.from, false, NULL) == SW_OK;
    const sw_image_network *found = opened ? sw_image_network_of(ws, &sizes) : NULL;
    sw_weights_destroy(ws);
    if (!opened) return cli_fail(j->verb, "%s", sw_error(j->ctx));
    if (!name) j->network = found;
    if (!j->network)
        return cli_fail(j->verb, "%s: the weights of no network that is known here", j->f.from);
    return 0;
}

/* What a file of weights says about pictures; a .pth says nothing. */
static int read_notes(struct image_job *j)
{
    const size_t n = j->f.from ? strlen(j->f.from) : 0;
    if (n < 12 || strcmp(j->f.from + n - 12, ".safetensors") != 0) return 0;
    return sw_image_notes_load(j->ctx, j->f.from, &j->notes) == SW_OK
               ? 0
               : cli_fail(j->verb, "%s", sw_error(j->ctx));
}

static int run(const struct verb *verb, int argc, char **argv)
{
    struct image_job j = {.verb = verb, .f = image_flags_none};
    int status = image_flags_read(&j, argc, argv);
    if (status >= 0) return status;
    if (!j.f.data) return cli_fail(verb, "--data is missing; see 'swell help train alexnet'");
    if (j.f.epochs < 0 && j.f.run.seconds < 0)
        return cli_fail(verb, "--epochs is missing; see 'swell help train alexnet'");
    j.ctx = cli_context(verb, (int)(j.f.threads > 0 ? j.f.threads : 0), NULL);
    if (!j.ctx) return 1;
    status = find_network(&j, j.f.network ? j.f.network : j.f.from ? NULL : "alexnet");
    if (!status) status = read_notes(&j);
    if (!status) status = image_recipe_complete(&j);
    if (!status) status = image_data_open(&j);
    if (!status) status = image_build(&j);
    if (!status) status = image_train(&j);
    if (!status) status = image_finish(&j);
    if (training_end(&j.run) && !status) status = 1;
    image_release(&j);
    return status;
}

const struct verb verb_train_alexnet = {"train alexnet", "learn to classify pictures", help, run};

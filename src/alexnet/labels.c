/* Names of classes: the lists that are built in, and lists from text files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <swell/see.h>
#include "alexnet/label_lists.h"
#include "base/context_int.h"
#include "base/file.h"

/* Krizhevsky 2009, in the order of its batches.meta. */
static const char *const cifar10[] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                      "dog",      "frog",       "horse", "ship", "truck"};

/* The same: fine labels, alphabetical. */
static const char *const cifar100[] = {
    "apple",       "aquarium fish", "baby",      "bear",       "beaver",       "bed",
    "bee",         "beetle",        "bicycle",   "bottle",     "bowl",         "boy",
    "bridge",      "bus",           "butterfly", "camel",      "can",          "castle",
    "caterpillar", "cattle",        "chair",     "chimpanzee", "clock",        "cloud",
    "cockroach",   "couch",         "crab",      "crocodile",  "cup",          "dinosaur",
    "dolphin",     "elephant",      "flatfish",  "forest",     "fox",          "girl",
    "hamster",     "house",         "kangaroo",  "keyboard",   "lamp",         "lawn mower",
    "leopard",     "lion",          "lizard",    "lobster",    "man",          "maple tree",
    "motorcycle",  "mountain",      "mouse",     "mushroom",   "oak tree",     "orange",
    "orchid",      "otter",         "palm tree", "pear",       "pickup truck", "pine tree",
    "plain",       "plate",         "poppy",     "porcupine",  "possum",       "rabbit",
    "raccoon",     "ray",           "road",      "rocket",     "rose",         "sea",
    "seal",        "shark",         "shrew",     "skunk",      "skyscraper",   "snail",
    "snake",       "spider",        "squirrel",  "streetcar",  "sunflower",    "sweet pepper",
    "table",       "tank",          "telephone", "television", "tiger",        "tractor",
    "train",       "trout",         "tulip",     "turtle",     "wardrobe",     "whale",
    "willow tree", "wolf",          "woman",     "worm"};

/* Xiao, Rasul, Vollgraf 2017, table 2. */
static const char *const fashion[] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                      "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

static const struct {
    const char *name;
    const char *const *labels;
    int count;
} lists[] = {{"imagenet", sw__labels_imagenet, 1000},
             {"cifar10", cifar10, sizeof cifar10 / sizeof *cifar10},
             {"cifar100", cifar100, sizeof cifar100 / sizeof *cifar100},
             {"fashion-mnist", fashion, sizeof fashion / sizeof *fashion}};

const char *const *sw_labels_find(const char *name, int *count)
{
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (strcmp(lists[i].name, name) == 0) {
            *count = lists[i].count;
            return lists[i].labels;
        }
    return NULL;
}

/* Cut a text into its lines, ends of lines of any system; empty lines at the end do not count. */
static int cut_lines(char *text, const char **lines)
{
    int n = 0, last = 0;
    for (char *at = text; at && *at; n++) {
        char *end = strchr(at, '\n');
        if (end) *end = 0;
        size_t length = strlen(at);
        if (length && at[length - 1] == '\r') at[--length] = 0;
        lines[n] = at;
        if (length) last = n + 1;
        at = end ? end + 1 : NULL;
    }
    return last;
}

static sw_status read_lines(sw_context *ctx, const char *path, char *text, size_t size,
                            sw_image_notes *notes)
{
    size_t lines = 1;
    if (strlen(text) != size)
        return sw__fail(ctx, SW_ERR_FORMAT, "%s: offset %zu: a zero byte: no text of labels", path,
                        strlen(text));
    for (const char *c = text; *c; c++) lines += *c == '\n';
    const char **line = malloc(lines * sizeof *line);
    if (!line) return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", path);
    const int n = cut_lines(text, line);
    sw_status status;
    if (n < 1 || n > SW_MAX_CLASSES)
        status = sw__fail(ctx, SW_ERR_FORMAT, "%s: %d labels; 1 to %d are possible", path, n,
                          SW_MAX_CLASSES);
    else
        status = sw_image_notes_label(ctx, notes, line, n);
    free(line);
    return status;
}

sw_status sw_image_notes_label_file(sw_context *ctx, const char *path, sw_image_notes *notes)
{
    enum { LIMIT = 16 << 20 };
    char *text = NULL;
    size_t size;
    errno = 0;
    sw_status status = sw__file_read(path, LIMIT, &text, &size);
    if (status != SW_OK)
        return sw__fail(ctx, status, "%s: %s", path,
                        status == SW_ERR_SIZE ? "too long for a text of labels"
                        : errno               ? strerror(errno)
                                              : sw_status_text(status));
    status = read_lines(ctx, path, text, size, notes);
    free(text);
    return status;
}

/* Neighbours by Euclidean distance of features: all of a folder are kept, and looked through for each
 * picture. */
#include "cli/see_neighbours.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"

static bool keep(void *user, const char *path, const sw_class *top, const float *features)
{
    struct see_neighbours *n = user;
    if (!sw__grow(&n->paths, &n->paths_capacity, n->count + 1, sizeof *n->paths) ||
        !sw__grow(&n->features, &n->features_capacity, (n->count + 1) * n->size,
                  sizeof *n->features))
        return false;
    n->paths[n->count] = path;
    memcpy(n->features + n->count * n->size, features, (size_t)n->size * sizeof *features);
    n->count++;
    return true;
}

bool see_neighbours_open(struct see_neighbours *n, const struct see_scan *scan, const char *folder,
                         int most)
{
    struct see_scan s = *scan;
    *n = (struct see_neighbours){.most = most,
                                 .size = sw_classifier_get_info(s.classifier).features};
    n->nearest = sw__calloc2((size_t)most, sizeof *n->nearest);
    if (!see_files_add(s.verb, &n->files, folder)) return false;
    s.found = keep;
    s.user = n;
    s.good = s.bad = 0;
    const bool whole = n->nearest && see_scan(&s, &n->files);
    if (!n->nearest || (!whole && s.good > n->count))
        cli_fail(s.verb, "out of memory for the features of %s", folder);
    if (whole && !n->count) cli_fail(s.verb, "%s: none of its pictures could be read", folder);
    return whole && n->count;
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int see_neighbours_find(struct see_neighbours *n, const char *path, const float *features)
{
    int found = 0;
    for (int64_t i = 0; i < n->count; i++) {
        double sum = 0;
        for (int64_t k = 0; k < n->size; k++) {
            const double d = (double)n->features[i * n->size + k] - (double)features[k];
            sum += d * d;
        }
        if (found == n->most && sum >= n->nearest[found - 1].distance) continue;
        if (same_file(path, n->paths[i])) continue;
        int at = found < n->most ? found++ : found - 1;
        for (; at > 0 && n->nearest[at - 1].distance > sum; at--)
            n->nearest[at] = n->nearest[at - 1];
        n->nearest[at] = (struct see_neighbour){n->paths[i], sum};
    }
    for (int i = 0; i < found; i++) n->nearest[i].distance = sqrt(n->nearest[i].distance);
    return found;
}

void see_neighbours_close(struct see_neighbours *n)
{
    see_files_free(&n->files);
    free(n->paths);
    free(n->features);
    free(n->nearest);
    *n = (struct see_neighbours){0};
}

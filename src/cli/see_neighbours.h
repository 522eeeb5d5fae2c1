/* The nearest pictures of a folder by features: Krizhevsky et al. 2012, section 6 and figure 4. */
#ifndef SWELL_CLI_SEE_NEIGHBOURS_H
#define SWELL_CLI_SEE_NEIGHBOURS_H

#include "cli/see_scan.h"

struct see_neighbours {
    struct see_files files;
    const char **paths; /* of those that could be read */
    float *features;    /* (count, size) */
    int64_t count, paths_capacity, features_capacity, size;
    struct see_neighbour *nearest; /* room for `most` */
    int most;
};

/* Read a folder's pictures; the scan gives everything else.  False after a line. */
bool see_neighbours_open(struct see_neighbours *n, const struct see_scan *scan, const char *folder,
                         int most);
/* The nearest to these features, the picture itself left out, into n->nearest; returns how many. */
int see_neighbours_find(struct see_neighbours *n, const char *path, const float *features);
void see_neighbours_close(struct see_neighbours *n);

#endif

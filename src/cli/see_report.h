/* What was seen, as text with bars or as JSON. */
#ifndef SWELL_CLI_SEE_REPORT_H
#define SWELL_CLI_SEE_REPORT_H

#include <stdbool.h>
#include <stdio.h>
#include <swell/see.h>

struct see_neighbour {
    const char *path;
    double distance;
};

struct see_seen {
    const char *path;
    const sw_class *top; /* n */
    int n;
    const struct see_neighbour *neighbours; /* NULL: not asked for */
    int n_neighbours;
};

struct see_style {
    bool json, colour;
};

/* Text: the name, and a line a class; JSON: one line. */
void see_report(FILE *to, const struct see_seen *seen, const struct see_style *style);
/* A name of a file fit for a terminal: control characters become '?'.  At most room - 1 bytes. */
const char *see_name(const char *path, char *text, size_t room);

#endif

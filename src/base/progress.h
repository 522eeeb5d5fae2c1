/* A progress line for long work: rewritten in place on a terminal, one line every few seconds
 * elsewhere, nothing when silent.  It writes through a callback, so that src/cli decides where to. */
#ifndef SWELL_BASE_PROGRESS_H
#define SWELL_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <swell/context.h>

struct sw_progress {
    sw_text_fn write;
    void *user;
    bool terminal;               /* rewrite in place with \r and erase-line */
    int width;                   /* columns of the terminal; 80 if unknown */
    double started, last, every; /* seconds; `every` = least time between two lines */
};

/* every: 0.1 s on a terminal, 5 s elsewhere. */
void sw__progress_begin(struct sw_progress *p, sw_text_fn write, void *user, bool terminal,
                        int width);
/* Show `done` of [0,1] as a bar with the time left, and `text` (never wider than the line); does
 * nothing when called again too soon, unless done >= 1. */
void sw__progress_show(struct sw_progress *p, double done, const char *text);
/* Finish the line. */
void sw__progress_end(struct sw_progress *p);

/* "1:05" or "2:03:04" */
char *sw__duration_text(double seconds, char text[32]);

#endif

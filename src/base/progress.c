/* The progress line.
 *
 *     terminal    [##########..........]  50%  0:12 left  epoch 3  loss 0.31
 *     elsewhere    50%  0:12 left  epoch 3  loss 0.31
 *
 * A line never reaches the last column, so that no terminal wraps it.  Columns are counted as UTF-8
 * characters; control characters in the text are shown as '?', for a name may come from a file. */
#include "base/progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"

#define LINE_COLUMNS 240
#define LINE_BYTES   (4 * LINE_COLUMNS + 16)
#define BAR_COLUMNS  24

struct line {
    char text[LINE_BYTES];
    size_t size;
    int columns, width;
};

/* C0, DEL, and in two bytes C1. */
static bool is_control(const unsigned char *s)
{
    return s[0] < 0x20 || s[0] == 0x7F || (s[0] == 0xC2 && s[1] >= 0x80 && s[1] < 0xA0);
}

/* Append whole characters while they fit; true if all of `s` did. */
static bool put(struct line *line, const char *s)
{
    while (*s) {
        size_t bytes = 1;
        while (((unsigned char)s[bytes] & 0xC0) == 0x80 && bytes < 4) bytes++;
        if (line->columns >= line->width) return false;
        if (is_control((const unsigned char *)s)) {
            line->text[line->size++] = '?';
        } else {
            memcpy(line->text + line->size, s, bytes);
            line->size += bytes;
        }
        line->columns++;
        s += bytes;
    }
    return true;
}

char *sw__duration_text(double seconds, char text[32])
{
    if (!(seconds >= 0 && seconds < 1e9)) { /* NaN too */
        snprintf(text, 32, "?");
        return text;
    }
    long s = (long)(seconds + 0.5);
    if (s < 3600)
        snprintf(text, 32, "%ld:%02ld", s / 60, s % 60);
    else
        snprintf(text, 32, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    return text;
}

void sw__progress_begin(struct sw_progress *p, sw_text_fn write, void *user, bool terminal,
                        int width)
{
    *p = (struct sw_progress){
        .write = write, .user = user, .terminal = terminal, .width = width > 0 ? width : 80};
    p->started = sw__clock_seconds();
    p->every = terminal ? 0.1 : 5.0;
    p->last = -INFINITY; /* nothing shown yet */
}

static void put_bar(struct line *line, double done)
{
    int full = (int)(done * BAR_COLUMNS);
    char bar[BAR_COLUMNS + 4];

    bar[0] = '[';
    memset(bar + 1, '.', BAR_COLUMNS);
    memset(bar + 1, '#', (size_t)full);
    memcpy(bar + 1 + BAR_COLUMNS, "] ", 3);
    put(line, bar);
}

void sw__progress_show(struct sw_progress *p, double done, const char *text)
{
    char time[32], left[64];
    double now = sw__clock_seconds();

    if (!p->write || (done < 1 && now - p->last < p->every)) return;
    done = done > 0 ? (done < 1 ? done : 1) : 0; /* NaN is 0 */
    p->last = now;

    double elapsed = now - p->started;
    if (done >= 1)
        snprintf(left, sizeof(left), "100%%  %s  ", sw__duration_text(elapsed, time));
    else if (done > 0)
        snprintf(left, sizeof(left), "%3d%%  %s left  ", (int)(done * 100),
                 sw__duration_text(elapsed / done - elapsed, time));
    else
        snprintf(left, sizeof(left), "  0%%  ");

    struct line line = {.width = LINE_COLUMNS};
    if (p->terminal) {
        line.width = p->width - 1 < LINE_COLUMNS ? p->width - 1 : LINE_COLUMNS;
        if (line.width >= 2 * BAR_COLUMNS) put_bar(&line, done);
    }
    put(&line, left);
    put(&line, text);
    while (line.size > 0 && line.text[line.size - 1] == ' ') line.size--;
    if (p->terminal)
        p->write(p->user, "\r\033[K", 4);
    else
        line.text[line.size++] = '\n';
    p->write(p->user, line.text, line.size);
}

void sw__progress_end(struct sw_progress *p)
{
    if (p->write && p->terminal && p->last > -INFINITY) p->write(p->user, "\n", 1);
    p->write = NULL;
}

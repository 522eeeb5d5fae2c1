/* Pictures as text.  A character shows two pixels, one above the other: the upper half block with
 * the upper pixel as foreground and the lower as background (24 grey levels of the 256-colour
 * palette), or a ramp of characters by their mean. */
#include "cli/pictures.h"

#include <string.h>

enum { SIDE = 14, GAP = 2, CELL = SIDE + GAP };

/* Mean brightness of the box that pixel (row, column) of a SIDE x SIDE picture stands for. */
static int shade(const struct picture *p, int row, int column)
{
    int y0 = row * p->height / SIDE, y1 = (row + 1) * p->height / SIDE;
    int x0 = column * p->width / SIDE, x1 = (column + 1) * p->width / SIDE;
    int sum = 0, n = 0;
    for (int y = y0; y < (y1 > y0 ? y1 : y0 + 1); y++)
        for (int x = x0; x < (x1 > x0 ? x1 : x0 + 1); x++) {
            sum += p->pixels[y * p->width + x];
            n++;
        }
    return sum / n;
}

static int grey(int value)
{
    return 232 + value * 23 / 255;
}

static void picture_row(FILE *to, const struct picture *p, int row, bool colour)
{
    static const char ramp[] = " .:-=+*#%@";
    for (int c = 0; c < SIDE; c++) {
        int upper = shade(p, row, c), lower = shade(p, row + 1, c);
        if (colour)
            fprintf(to, "\x1b[38;5;%d;48;5;%dm\xe2\x96\x80", grey(upper), grey(lower));
        else
            fputc(ramp[(upper + lower) / 2 * 9 / 255], to);
    }
    fprintf(to, "%s%*s", colour ? "\x1b[0m" : "", GAP, "");
}

/* A cell of text, cut or padded. */
static void cell(FILE *to, const char *text, const char *paint, bool colour)
{
    fprintf(to, "%s%-*.*s%s%*s", colour ? paint : "", SIDE, SIDE, text, colour ? "\x1b[0m" : "",
            GAP, "");
}

static void captions(FILE *to, const struct picture *p, int n, bool colour)
{
    char text[64];
    for (int i = 0; i < n; i++)
        cell(to, p[i].predicted, p[i].right ? "\x1b[32m" : "\x1b[31m", colour);
    fputc('\n', to);
    for (int i = 0; i < n; i++) {
        int filled = (int)(p[i].probability * 8 + 0.5f);
        snprintf(text, sizeof text, "%.*s%.*s %3.0f%%", filled, "########", 8 - filled, "........",
                 (double)p[i].probability * 100);
        cell(to, text, "", colour);
    }
    fputc('\n', to);
    for (int i = 0; i < n; i++) {
        snprintf(text, sizeof text, "right");
        if (!p[i].right) snprintf(text, sizeof text, "no: %s", p[i].label);
        cell(to, text, p[i].right ? "\x1b[32m" : "\x1b[31m", colour);
    }
    fputs("\n\n", to);
}

void pictures_draw(FILE *to, const struct picture *p, int n, int columns, bool colour)
{
    int across = columns / CELL > 0 ? columns / CELL : 1;
    if (across > 5) across = 5;
    for (int i = 0; i < n; i += across) {
        int here = n - i < across ? n - i : across;
        for (int row = 0; row < SIDE; row += 2) {
            for (int k = 0; k < here; k++) picture_row(to, &p[i + k], row, colour);
            fputc('\n', to);
        }
        captions(to, p + i, here, colour);
    }
}

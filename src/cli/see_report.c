/* Reports of what was seen.  Names of files and labels come from outside: for a terminal they lose their
 * control characters, for JSON they are escaped, and bytes that are no UTF-8 become U+FFFD. */
#include "cli/see_report.h"

#include <string.h>

#include "base/utf8.h"

enum { BAR = 24 };

const char *see_name(const char *path, char *text, size_t room)
{
    size_t n = 0;
    for (const unsigned char *c = (const unsigned char *)path; *c && n + 1 < room; c++) {
        const bool c1 = c[0] == 0xC2 && c[1] >= 0x80 && c[1] < 0xA0;
        text[n++] = (char)(*c < 0x20 || *c == 0x7F || c1 ? '?' : *c);
        if (c1) c++;
    }
    text[n] = 0;
    return text;
}

/* ---- text ------------------------------------------------------------------------------------------ */

/* Of a terminal: eighths of a character; else whole ones. */
static void bar(FILE *to, double p, bool colour)
{
    static const char *const eighth[] = {"",
                                         "\xe2\x96\x8f",
                                         "\xe2\x96\x8e",
                                         "\xe2\x96\x8d",
                                         "\xe2\x96\x8c",
                                         "\xe2\x96\x8b",
                                         "\xe2\x96\x8a",
                                         "\xe2\x96\x89"};
    const int units = (int)(p * BAR * 8 + 0.5), whole = colour ? units / 8 : (units + 4) / 8;
    const int rest = colour ? units % 8 : 0;
    if (colour) fputs("\x1b[36m", to);
    for (int i = 0; i < whole; i++) fputs(colour ? "\xe2\x96\x88" : "#", to);
    fputs(eighth[rest], to);
    fprintf(to, "%s%*s", colour ? "\x1b[0m" : "", BAR - whole - (rest != 0), "");
}

static void text(FILE *to, const struct see_seen *s, bool colour)
{
    char name[4096];
    fprintf(to, "%s%s%s\n", colour ? "\x1b[1m" : "", see_name(s->path, name, sizeof name),
            colour ? "\x1b[0m" : "");
    for (int i = 0; i < s->n; i++) {
        const sw_class *c = &s->top[i];
        fprintf(to, "  %5.1f %%  ", 100 * (double)c->probability);
        bar(to, (double)c->probability, colour);
        if (c->label)
            fprintf(to, "  %s\n", see_name(c->label, name, sizeof name));
        else
            fprintf(to, "  class %d\n", c->index);
    }
    if (s->neighbours) fprintf(to, "  nearest by features (distance):\n");
    for (int i = 0; i < s->n_neighbours; i++)
        fprintf(to, "  %9.3f  %s\n", s->neighbours[i].distance,
                see_name(s->neighbours[i].path, name, sizeof name));
}

/* ---- JSON ------------------------------------------------------------------------------------------ */

static void json_text(FILE *to, const char *text)
{
    fputc('"', to);
    for (const char *s = text, *end = text + strlen(text); s < end;) {
        const size_t n = sw__utf8_size(s, (size_t)(end - s));
        if (n == 0)
            fputs("\xef\xbf\xbd", to);
        else if (*s == '"' || *s == '\\')
            fprintf(to, "\\%c", *s);
        else if ((unsigned char)*s < 0x20 || *s == 0x7F)
            fprintf(to, "\\u%04x", (unsigned)*s);
        else
            fwrite(s, 1, n, to);
        s += n ? n : 1;
    }
    fputc('"', to);
}

static void json(FILE *to, const struct see_seen *s)
{
    fputs("{\"file\":", to);
    json_text(to, s->path);
    fputs(",\"top\":[", to);
    for (int i = 0; i < s->n; i++) {
        fprintf(to, "%s{\"class\":%d,\"label\":", i ? "," : "", s->top[i].index);
        if (s->top[i].label)
            json_text(to, s->top[i].label);
        else
            fputs("null", to);
        fprintf(to, ",\"p\":%.6g}", (double)s->top[i].probability);
    }
    fputs("]", to);
    if (s->neighbours) fputs(",\"neighbours\":[", to);
    for (int i = 0; i < s->n_neighbours; i++) {
        fprintf(to, "%s{\"file\":", i ? "," : "");
        json_text(to, s->neighbours[i].path);
        fprintf(to, ",\"distance\":%.6g}", s->neighbours[i].distance);
    }
    fputs(s->neighbours ? "]}\n" : "}\n", to);
}

void see_report(FILE *to, const struct see_seen *seen, const struct see_style *style)
{
    if (style->json)
        json(to, seen);
    else
        text(to, seen, style->colour);
}

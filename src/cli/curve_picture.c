/* Curves as SVG: two lines, two axes, no dependencies. */
#include "cli/curve_picture.h"

#include <stdio.h>

enum { WIDTH = 720, HEIGHT = 360, LEFT = 60, RIGHT = 60, TOP = 40, BOTTOM = 40 };

static double across(const struct curve_point *p, int64_t n, int64_t i)
{
    double last = (double)(p[n - 1].step > 0 ? p[n - 1].step : 1);
    return LEFT + (WIDTH - LEFT - RIGHT) * (double)p[i].step / last;
}

static double down(double value, double top)
{
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
}

static void line(FILE *f, const struct curve_point *p, int64_t n, bool loss, double top)
{
    fprintf(f, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" points=\"",
            loss ? "#c0392b" : "#2060a0");
    for (int64_t i = 0; i < n; i++)
        fprintf(f, "%.1f,%.1f ", across(p, n, i),
                down((double)(loss ? p[i].loss : p[i].accuracy), top));
    fprintf(f, "\"/>\n");
}

static void axes(FILE *f, const struct curve_point *p, int64_t n, double top)
{
    for (int i = 0; i <= 4; i++) {
        double y = down(i / 4.0, 1), x = LEFT + (WIDTH - LEFT - RIGHT) * i / 4.0;
        fprintf(f,
                "<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/>\n"
                "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" fill=\"#c0392b\">%.2f</text>\n"
                "<text x=\"%d\" y=\"%.1f\" fill=\"#2060a0\">%d %%</text>\n"
                "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%lld</text>\n",
                LEFT, y, WIDTH - RIGHT, LEFT - 6, y + 4, top * i / 4, WIDTH - RIGHT + 6, y + 4,
                25 * i, x, HEIGHT - BOTTOM + 18, (long long)(p[n - 1].step * i / 4));
    }
}

bool curve_write_svg(const char *path, const char *title, const struct curve_point *p, int64_t n)
{
    double top = 0.1;
    FILE *f = fopen(path, "w");
    if (!f) return false;
    for (int64_t i = 0; i < n; i++)
        if ((double)p[i].loss > top) top = (double)p[i].loss;
    fprintf(
        f,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
        "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" "
        "fill=\"white\"/>\n<text x=\"%d\" y=\"22\" font-size=\"14\">%s: "
        "<tspan fill=\"#c0392b\">loss</tspan> and <tspan fill=\"#2060a0\">accuracy</tspan> over "
        "steps</text>\n",
        WIDTH, HEIGHT, LEFT, title);
    if (n > 0) {
        axes(f, p, n, top);
        line(f, p, n, true, top);
        line(f, p, n, false, 1);
    }
    fprintf(f, "</svg>\n");
    bool written = !ferror(f);
    return (fclose(f) == 0) & written;
}

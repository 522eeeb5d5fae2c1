/* Curves as SVG: lines over steps, each of its own scale; no dependencies. */
#include "cli/curve_picture.h"

#include <math.h>
#include <stdio.h>

enum { WIDTH = 720, HEIGHT = 360, LEFT = 60, RIGHT = 60, TOP = 40, BOTTOM = 40 };

struct axes {
    FILE *f;
    int64_t last; /* step at the right end */
};

static double across(const struct axes *a, int64_t step)
{
    return LEFT + (WIDTH - LEFT - RIGHT) * (double)step / (double)a->last;
}

static double down(double part)
{
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - fmin(fmax(part, 0), 1));
}

static double top_of(const struct curve_line *l)
{
    double top = 1e-9;
    if (l->top > 0) return l->top;
    for (int64_t i = 0; i < l->n; i++)
        if (isfinite(l->points[i].value)) top = fmax(top, l->points[i].value);
    return top;
}

static void draw_line(const struct axes *a, const struct curve_line *l)
{
    const double top = top_of(l);
    fprintf(a->f, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" points=\"",
            l->colour);
    for (int64_t i = 0; i < l->n; i++)
        if (isfinite(l->points[i].value))
            fprintf(a->f, "%.1f,%.1f ", across(a, l->points[i].step),
                    down(l->points[i].value / top));
    fprintf(a->f, "\"/>\n");
}

static void draw_grid(const struct axes *a, const struct curve_line *first)
{
    const double top = top_of(first);
    for (int i = 0; i <= 4; i++) {
        const double y = down(i / 4.0);
        fprintf(a->f,
                "<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/>\n"
                "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" fill=\"%s\">%.3g</text>\n"
                "<text x=\"%d\" y=\"%.1f\">%d %%</text>\n"
                "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%lld</text>\n",
                LEFT, y, WIDTH - RIGHT, LEFT - 6, y + 4, first->colour, top * i / 4,
                WIDTH - RIGHT + 6, y + 4, 25 * i, across(a, a->last * i / 4), HEIGHT - BOTTOM + 18,
                (long long)(a->last * i / 4));
    }
}

static void draw_title(const struct axes *a, const char *title, const struct curve_line *lines,
                       int n)
{
    fprintf(a->f, "<text x=\"%d\" y=\"22\" font-size=\"14\">%s over steps:", LEFT, title);
    for (int i = 0; i < n; i++) {
        if (lines[i].n == 0) continue;
        fprintf(a->f, " <tspan fill=\"%s\">%s", lines[i].colour, lines[i].name);
        if (i > 0 && lines[i].top == 0) fprintf(a->f, " (at most %.3g)", top_of(&lines[i]));
        fprintf(a->f, "</tspan>");
    }
    fprintf(a->f, "</text>\n");
}

bool curve_write_svg(const char *path, const char *title, const struct curve_line *lines, int n)
{
    struct axes a = {fopen(path, "w"), 1};
    if (!a.f) return false;
    for (int i = 0; i < n; i++)
        if (lines[i].n > 0 && lines[i].points[lines[i].n - 1].step > a.last)
            a.last = lines[i].points[lines[i].n - 1].step;
    fprintf(a.f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" "
            "fill=\"white\"/>\n",
            WIDTH, HEIGHT);
    draw_title(&a, title, lines, n);
    draw_grid(&a, &lines[0]);
    for (int i = 0; i < n; i++) draw_line(&a, &lines[i]);
    fprintf(a.f, "</svg>\n");
    const bool written = !ferror(a.f);
    return (fclose(a.f) == 0) & written;
}

/* The roofline (Williams, Waterman, Patterson 2009): speed over arithmetic intensity, both logarithmic.
 * What a kernel can reach at best is the lower of the slope of memory and the level of its arithmetic.
 *
 * Every row of the benchmark is a small dot.  The rows of one kernel and dtype share a number, which
 * stands at the row with their median share of the limit, and the legend names it.  A number that would
 * cover another one is moved away along a spiral, and a line leads back to its dot. */
#include "cli/roofline.h"

#include <math.h>
#include <string.h>

#include "base/cpu.h"

enum { LEFT = 70, TOP = 56, PLOT_WIDTH = 800, PLOT_HEIGHT = 620, LEGEND = LEFT + PLOT_WIDTH + 30 };
enum { COLUMN_WIDTH = 262, LINE_HEIGHT = 18, MOST_KERNELS = 160, LABEL = 9 };

static const struct colour {
    const char *group, *colour;
} colours[] = {{"gemm", "#1f5fa8"},      {"conv", "#c0392b"},   {"layers", "#d35400"},
               {"attention", "#7d3c98"}, {"decode", "#2c3e50"}, {"matvec", "#1e8449"},
               {"memory", "#b9770e"}};

enum { COLOURS = sizeof colours / sizeof *colours };

struct kernel {
    const struct bench_figure *f; /* the row of median share */
    int rows;
    double x, y, label_x, label_y;
};

struct picture {
    FILE *file;
    const struct sw_limits *limits;
    double least_x, most_x, least_y, most_y; /* operations a byte; operations a second */
    struct kernel kernel[MOST_KERNELS];
    int kernels;
};

static const char *colour_of(const struct bench_row *row)
{
    for (int i = 0; i < COLOURS; i++)
        if (strcmp(colours[i].group, row->group) == 0) return colours[i].colour;
    return NULL;
}

static double intensity(const struct bench_row *row)
{
    return row->operations / (row->read + row->written);
}

static double speed(const struct bench_figure *f)
{
    return f->row->operations / f->times.ours;
}

static double across(const struct picture *p, double x)
{
    return LEFT + PLOT_WIDTH * log(x / p->least_x) / log(p->most_x / p->least_x);
}

static double down(const struct picture *p, double y)
{
    return TOP + PLOT_HEIGHT * (1 - log(y / p->least_y) / log(p->most_y / p->least_y));
}

/* ---- what is drawn ---------------------------------------------------------------------------------- */

static bool same_kernel(const struct bench_row *a, const struct bench_row *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->dtype, b->dtype) == 0 &&
           strcmp(a->group, b->group) == 0;
}

static bool is_drawn(const struct bench_figure *f)
{
    return colour_of(f->row) && f->times.ours > 0;
}

/* The row of the kernel of f[i] with half of its rows below. */
static struct kernel kernel_of(const struct bench_figure *f, int64_t n, int64_t i)
{
    struct kernel k = {0};
    for (int64_t j = 0; j < n; j++) k.rows += same_kernel(f[j].row, f[i].row);
    for (int64_t j = 0; j < n; j++) {
        int below = 0;
        if (!same_kernel(f[j].row, f[i].row)) continue;
        for (int64_t other = 0; other < n; other++)
            below += same_kernel(f[other].row, f[i].row) &&
                     (f[other].share < f[j].share || (f[other].share == f[j].share && other < j));
        if (below == k.rows / 2) k.f = &f[j];
    }
    return k;
}

static bool is_first(const struct bench_figure *f, int64_t i)
{
    for (int64_t j = 0; j < i; j++)
        if (same_kernel(f[j].row, f[i].row)) return false;
    return true;
}

static bool is_free(const struct picture *p, int count, double x, double y)
{
    if (x < LEFT + LABEL || x > LEFT + PLOT_WIDTH - LABEL || y < TOP + LABEL ||
        y > TOP + PLOT_HEIGHT - LABEL)
        return false;
    for (int i = 0; i < count; i++)
        if (hypot(p->kernel[i].label_x - x, p->kernel[i].label_y - y) < 2 * LABEL + 1) return false;
    return true;
}

static void place_labels(struct picture *p)
{
    for (int i = 0; i < p->kernels; i++) {
        struct kernel *k = &p->kernel[i];
        k->x = across(p, intensity(k->f->row));
        k->y = down(p, speed(k->f));
        for (int step = 0; step < 4000; step++) {
            const double r = 0.12 * step, angle = 0.5 * step;
            k->label_x = k->x + r * cos(angle);
            k->label_y = k->y + r * sin(angle);
            if (is_free(p, i, k->label_x, k->label_y)) break;
        }
    }
}

static void choose(struct picture *p, const struct bench_figure *f, int64_t n)
{
    p->least_x = 0.125;
    p->most_x = 1024;
    p->least_y = 1e9;
    p->most_y = 2 * fmax(p->limits->f32_flops, fmax(p->limits->bf16_flops, p->limits->int8_ops));
    for (int64_t i = 0; i < n; i++) {
        if (!is_drawn(&f[i])) continue;
        p->least_x = fmin(p->least_x, intensity(f[i].row) / 1.5);
        p->most_x = fmax(p->most_x, intensity(f[i].row) * 1.5);
        p->least_y = fmin(p->least_y, speed(&f[i]) / 1.5);
        if (is_first(f, i) && p->kernels < MOST_KERNELS)
            p->kernel[p->kernels++] = kernel_of(f, n, i);
    }
    place_labels(p);
}

/* ---- drawing ---------------------------------------------------------------------------------------- */

static void draw_axes(const struct picture *p)
{
    FILE *f = p->file;
    fprintf(f, "<g stroke=\"#e4e4e4\" fill=\"none\">\n");
    for (double x = exp2(ceil(log2(p->least_x))); x <= p->most_x; x *= 2)
        fprintf(f, "<path d=\"M%.1f %dv%d\"/>\n", across(p, x), TOP, PLOT_HEIGHT);
    for (double y = pow(10, ceil(log10(p->least_y))); y <= p->most_y; y *= 10)
        fprintf(f, "<path d=\"M%d %.1fh%d\"/>\n", LEFT, down(p, y), PLOT_WIDTH);
    fprintf(f, "</g>\n<g fill=\"#444\">\n");
    for (double x = exp2(ceil(log2(p->least_x))); x <= p->most_x; x *= 2)
        fprintf(f, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s%.0f</text>\n", across(p, x),
                TOP + PLOT_HEIGHT + 18, x < 1 ? "1/" : "", x < 1 ? 1 / x : x);
    for (double y = pow(10, ceil(log10(p->least_y))); y <= p->most_y; y *= 10)
        fprintf(f, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%g</text>\n", LEFT - 8,
                down(p, y) + 4, y * 1e-9);
    fprintf(
        f,
        "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">operations a byte that must move</text>\n"
        "<text transform=\"translate(20,%d) rotate(-90)\" text-anchor=\"middle\">GOP/s</text>\n"
        "</g>\n<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" "
        "stroke=\"#888\"/>\n",
        LEFT + PLOT_WIDTH / 2, TOP + PLOT_HEIGHT + 40, TOP + PLOT_HEIGHT / 2, LEFT, TOP, PLOT_WIDTH,
        PLOT_HEIGHT);
}

/* A horizontal roof, from where the slope of `bytes` reaches it. */
static void draw_level(const struct picture *p, double operations, double bytes, const char *what)
{
    const double from = across(p, fmax(operations / bytes, p->least_x)), y = down(p, operations);
    fprintf(p->file,
            "<path d=\"M%.1f %.1fH%d\" stroke=\"#333\" stroke-width=\"1.5\" fill=\"none\"/>\n"
            "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" fill=\"#333\">%s %.0f GOP/s</text>\n",
            from, y, LEFT + PLOT_WIDTH, LEFT + PLOT_WIDTH - 6, y - 5, what, operations * 1e-9);
}

static void draw_slope(const struct picture *p, double bytes, double top, const char *dash,
                       const char *what)
{
    const double x1 = fmax(p->least_x, p->least_y / bytes), x2 = fmin(top / bytes, p->most_x);
    const double ax = across(p, x1), ay = down(p, x1 * bytes), bx = across(p, x2),
                 by = down(p, x2 * bytes), tilt = atan2(by - ay, bx - ax) * 180 / acos(-1);
    fprintf(
        p->file,
        "<path d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"#333\" stroke-width=\"1.5\" fill=\"none\" "
        "stroke-dasharray=\"%s\"/>\n"
        "<text transform=\"translate(%.1f,%.1f) rotate(%.1f)\" fill=\"#333\">%s %.1f GB/s</text>\n",
        ax, ay, bx, by, dash, ax + 0.08 * (bx - ax), ay + 0.08 * (by - ay) - 6, tilt, what,
        bytes * 1e-9);
}

static void draw_roofs(const struct picture *p)
{
    const struct sw_limits *l = p->limits;
    const double top = fmax(l->int8_ops, l->bf16_flops);
    draw_slope(p, l->read_bytes, top, "none", "memory");
    draw_slope(p, l->cache_bytes, top, "6 4", "second-level caches");
    draw_level(p, l->f32_flops, l->cache_bytes, "f32");
    if (l->bf16_flops > 1.02 * l->f32_flops) draw_level(p, l->bf16_flops, l->cache_bytes, "bf16");
    draw_level(p, l->int8_ops, l->cache_bytes, "int8");
}

static void draw_rows(const struct picture *p, const struct bench_figure *f, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (is_drawn(&f[i]))
            fprintf(p->file,
                    "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\" fill=\"%s\" opacity=\"0.45\"/>\n",
                    across(p, intensity(f[i].row)), down(p, speed(&f[i])), colour_of(f[i].row));
}

static void draw_number(FILE *f, double x, double y, int number, const char *colour)
{
    fprintf(f,
            "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%d\" fill=\"%s\"/><text x=\"%.1f\" y=\"%.1f\" "
            "text-anchor=\"middle\" font-size=\"10\" fill=\"white\">%d</text>\n",
            x, y, LABEL, colour, x, y + 3.5, number);
}

static void draw_kernels(const struct picture *p)
{
    for (int i = 0; i < p->kernels; i++) {
        const struct kernel *k = &p->kernel[i];
        fprintf(p->file, "<path d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"%s\" stroke-width=\"0.8\"/>\n",
                k->x, k->y, k->label_x, k->label_y, colour_of(k->f->row));
    }
    for (int i = 0; i < p->kernels; i++) {
        const struct kernel *k = &p->kernel[i];
        draw_number(p->file, k->label_x, k->label_y, i + 1, colour_of(k->f->row));
    }
}

/* Lines of the legend that one column holds. */
static int legend_lines(const struct picture *p)
{
    const int fit = PLOT_HEIGHT / LINE_HEIGHT + 2, half = (p->kernels + 1) / 2;
    return half > fit ? half : fit;
}

static void draw_legend(const struct picture *p)
{
    const int lines = legend_lines(p);
    fprintf(
        p->file,
        "<text x=\"%d\" y=\"%d\" fill=\"#444\">median share of the limit; how many shapes</text>\n",
        LEGEND, TOP + 8);
    for (int i = 0; i < p->kernels; i++) {
        const struct kernel *k = &p->kernel[i];
        const int x = LEGEND + i / lines * COLUMN_WIDTH;
        const int y = TOP + 30 + LINE_HEIGHT * (i % lines);
        draw_number(p->file, x + LABEL, y - 4, i + 1, colour_of(k->f->row));
        fprintf(p->file,
                "<text x=\"%d\" y=\"%d\" font-size=\"11\">%s %s <tspan fill=\"#777\">%.0f %%, "
                "%d</tspan></text>\n",
                x + 24, y, k->f->row->name, k->f->row->dtype, 100 * k->f->share, k->rows);
    }
}

bool roofline_write_svg(const char *path, const sw_context *ctx, const struct sw_limits *limits,
                        const struct bench_figure *figures, int64_t n)
{
    struct picture p = {.file = fopen(path, "w"), .limits = limits};
    if (!p.file) return false;
    choose(&p, figures, n);
    const int columns = p.kernels > legend_lines(&p) ? 2 : 1;
    const int legend = 60 + LINE_HEIGHT * legend_lines(&p), plot = PLOT_HEIGHT + 60;
    fprintf(p.file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" "
            "fill=\"white\"/>\n<text x=\"%d\" y=\"30\" font-size=\"16\">Roofline: %s, %d thread%s, "
            "kernels for %s</text>\n",
            LEGEND + columns * COLUMN_WIDTH + 10, TOP + (plot > legend ? plot : legend), LEFT,
            sw__cpu()->name, sw_context_threads(ctx), sw_context_threads(ctx) > 1 ? "s" : "",
            sw_context_cpu(ctx));
    draw_axes(&p);
    draw_roofs(&p);
    draw_rows(&p, figures, n);
    draw_kernels(&p);
    draw_legend(&p);
    fprintf(p.file, "</svg>\n");
    bool written = !ferror(p.file);
    return (fclose(p.file) == 0) & written;
}

/* The weight of conv2d_u8: panels of NR out-channels, in which four numbers that follow each other along K
 * stand together.  K walks rows of taps, taps of a row, channels; channels (or, where the taps of a row lie
 * side by side, all of the row) are padded with zeros to whole fours.  Behind all panels stand the sums of
 * their columns. */
#include <string.h>
#include "base/memory.h"
#include "base/size.h"
#include "graph/ops/conv_u8.h"

/* Sizes of a packed weight. */
struct layout {
    int64_t nr, panels, panel; /* panels of a group, bytes of each */
};

static struct layout layout_of(enum sw_isa isa, const struct conv_u8_dims *d)
{
    const int64_t nr = sw__int8_blocks(isa)->nr;
    return (struct layout){nr, sw__ceil_div(d->og, nr), d->runs * d->in_run * d->steps * 4 * nr};
}

enum { O, CG, KH, KW, GROUPS, MERGED, ISA };

static struct conv_u8_dims dims_of(const struct sw_pack *p)
{
    const bool merged = p->param[MERGED] != 0;
    return (struct conv_u8_dims){
        .cg = p->param[CG],
        .og = p->param[O] / p->param[GROUPS],
        .groups = p->param[GROUPS],
        .kernel = {p->param[KH], p->param[KW]},
        .merged = merged,
        .runs = p->param[KH],
        .in_run = merged ? 1 : p->param[KW],
        .steps = sw__ceil_div(merged ? p->param[KW] * p->param[CG] : p->param[CG], 4)};
}

/* One column: out-channel `w` (CG,KH,KW), to every NR-th four of a panel; its sum. */
static int32_t pack_column(const struct conv_u8_dims *d, const int8_t *w, int8_t *to, int64_t nr)
{
    const int64_t plane = d->kernel[0] * d->kernel[1],
                  tap = d->merged ? d->kernel[1] * d->cg : d->cg;
    int32_t sum = 0;
    for (int64_t r = 0; r < d->runs; r++)
        for (int64_t t = 0; t < d->in_run; t++, to += d->steps * 4 * nr)
            for (int64_t k = 0; k < tap; k++) {
                const int64_t kx = d->merged ? k / d->cg : t, channel = d->merged ? k % d->cg : k;
                const int8_t x = w[channel * plane + r * d->kernel[1] + kx];
                to[k / 4 * 4 * nr + k % 4] = x;
                sum += x;
            }
    return sum;
}

static void pack_run(const struct sw_pack *p, const struct sw_kernels *k, const void *src,
                     void *dst, int64_t begin, int64_t end)
{
    (void)k;
    const struct conv_u8_dims d = dims_of(p);
    const enum sw_isa isa = (enum sw_isa)p->param[ISA];
    const struct layout l = layout_of(isa, &d);
    const int64_t column = d.cg * d.kernel[0] * d.kernel[1];
    for (int64_t i = begin; i < end; i++) {
        const int64_t group = i / l.panels, j = i % l.panels * l.nr;
        int8_t *panel = (int8_t *)dst + i * l.panel;
        int32_t *sums = (int32_t *)(void *)((int8_t *)dst + d.groups * l.panels * l.panel) +
                        i * l.nr;
        memset(panel, 0, (size_t)l.panel);
        for (int64_t c = 0; c < l.nr; c++) {
            const int8_t *w = (const int8_t *)src + (group * d.og + j + c) * column;
            sums[c] = j + c < d.og ? pack_column(&d, w, panel + 4 * c, l.nr) : 0;
        }
    }
}

void sw__conv_u8_describe(enum sw_isa isa, const struct conv_u8_dims *d, struct sw_pack *out)
{
    const struct layout l = layout_of(isa, d);
    const int64_t panels = d->groups * l.panels;
    *out = (struct sw_pack){
        .layout = "conv_u8",
        .param = {d->o, d->cg, d->kernel[0], d->kernel[1], d->groups, d->merged, isa},
        .bytes = (size_t)sw__round_up(panels * (l.panel + l.nr * (int64_t)sizeof(int32_t)),
                                      SW_ALIGN),
        .tasks = panels,
        .run = pack_run};
}

const int8_t *sw__conv_u8_panels(const void *packed, enum sw_isa isa, const struct conv_u8_dims *d,
                                 int64_t group)
{
    const struct layout l = layout_of(isa, d);
    return (const int8_t *)packed + group * l.panels * l.panel;
}

const int32_t *sw__conv_u8_sums(const void *packed, enum sw_isa isa, const struct conv_u8_dims *d,
                                int64_t group)
{
    const struct layout l = layout_of(isa, d);
    const int8_t *sums = (const int8_t *)packed + d->groups * l.panels * l.panel;
    return (const int32_t *)(const void *)sums + group * l.panels * l.nr;
}

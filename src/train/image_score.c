/* How well pictures are classified: top-1 and top-5, the loss, and which class was taken for which. */
#include <math.h>
#include <swell/data.h>

void sw_image_score_add(sw_image_score *s, const float *probabilities, int label)
{
    int before = 0, best = 0; /* classes that stand before the truth */
    for (int c = 0; c < s->classes; c++) {
        const float p = probabilities[c], truth = probabilities[label];
        before += p > truth || (p == truth && c < label);
        if (p > probabilities[best]) best = c;
    }
    s->count++;
    s->top1 += before < 1;
    s->top5 += before < 5;
    s->loss -= log(fmax((double)probabilities[label], 1e-30));
    if (s->confusion) s->confusion[(int64_t)label * s->classes + best]++;
}

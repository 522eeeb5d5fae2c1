/* Learning rates as pure functions of the step: warm-up (Goyal et al. 2017, section 2.2), steps and
 * plateaus (Krizhevsky et al. 2012, section 5: "divide the learning rate by 10 when the validation
 * error rate stopped improving"), linear and cosine decay (Loshchilov and Hutter 2017, equation 5,
 * without restarts).  Computed in double, rounded once. */
#include <math.h>
#include <swell/train.h>

#define PI 3.14159265358979323846

/* How far between the end of warm-up and `total`, 0..1. */
static double progress(const sw_schedule *s, int64_t step)
{
    if (step >= s->total || s->total <= s->warmup) return 1;
    return (double)(step - s->warmup) / (double)(s->total - s->warmup);
}

static int milestones_past(const sw_schedule *s, int64_t step)
{
    int n = 0;
    for (int i = 0; i < s->n_milestones && i < SW_MAX_MILESTONES; i++)
        n += step >= s->milestones[i];
    return n;
}

float sw_schedule_rate(const sw_schedule *s, int64_t step)
{
    double rate = (double)s->rate, floor = (double)s->floor;
    double factor = s->factor > 0 ? (double)s->factor : 0.1;
    if (step < 0) step = 0;
    if (step < s->warmup) return (float)(rate * (double)(step + 1) / (double)s->warmup);
    switch (s->kind) {
    case SW_SCHEDULE_CONSTANT: break;
    case SW_SCHEDULE_STEP: rate *= pow(factor, milestones_past(s, step)); break;
    case SW_SCHEDULE_PLATEAU: rate *= pow(factor, s->drops); break;
    case SW_SCHEDULE_LINEAR: rate += (floor - rate) * progress(s, step); break;
    case SW_SCHEDULE_COSINE:
        rate = floor + (rate - floor) * 0.5 * (1 + cos(PI * progress(s, step)));
        break;
    }
    return (float)rate;
}

bool sw_schedule_report(sw_schedule *s, double loss)
{
    if (s->kind != SW_SCHEDULE_PLATEAU) return false;
    if (!isnan(loss) && (!s->reported || loss < s->best)) {
        s->reported = true;
        s->best = loss;
        s->bad = 0;
        return false;
    }
    if (++s->bad < (s->patience > 0 ? s->patience : 1)) return false;
    s->bad = 0;
    s->drops++;
    return true;
}

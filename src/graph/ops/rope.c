/* Rotary position embedding: Su et al. 2021 (RoFormer), equation 34.
 *
 * Pair i of a head's features is turned by the angle  position * scale * base^(-2i/dims) / factor[i].
 * A rotation is orthogonal, so the gradient is the rotation by the negative angle: the same op with
 * the sign turned.  The table of frequencies is made once, in double, when the op is built; angles
 * are formed and reduced in double, so that a position of a hundred thousand is as exact as one of
 * ten: the error of cosine and sine stays below 2^-23 up to |angle| = 2^28.
 *
 * YaRN (Peng et al. 2023, section 3.2) makes other frequencies when the op is built, and multiplies cosine
 * and sine by its magnitude.  Left out: the dynamic scalings, whose frequencies depend on the length. */
#include <math.h>
#include <stddef.h>
#include "base/size.h"
#include "graph/op.h"
#include "graph/op_list.h"

#define PI 3.14159265358979323846

enum { MOST_DIMS = 1024 }; /* features of a head that may turn */

struct rope_attr {
    bool interleaved;
    int64_t dims;                    /* 0 while being built: all features */
    double scale;                    /* of positions; negative in the gradient */
    float magnitude;                 /* of cosine and sine */
    double frequency[MOST_DIMS / 2]; /* dims / 2 of them are stored */
};

struct rope_note {
    int64_t copies, tokens;   /* x is `copies` times `tokens` rows; row t of each has position t */
    int64_t heads, hs, grain; /* grain: tokens a task */
};

static sw_status rope_infer(struct sw_infer *q)
{
    const struct rope_attr *attr = q->attr;
    sw_status status = sw__infer_dtype(q, 0, SW_F32);
    if (status == SW_OK) status = sw__infer_dtype(q, 1, SW_I32);
    if (status == SW_OK && q->in[2]) status = sw__infer_dtype(q, 2, SW_F32);
    if (status == SW_OK) status = sw__infer_rank(q, 0, 3, SW_MAX_RANK);
    if (status != SW_OK) return status;
    const sw_shape *x = &q->in[0]->shape, *p = &q->in[1]->shape;
    const int lead = x->rank - 2; /* axes in front of the heads */
    bool fits = p->rank == 1 && p->dim[0] == x->dim[lead - 1];
    if (p->rank == lead) {
        fits = true;
        for (int i = 0; i < lead; i++) fits = fits && p->dim[i] == x->dim[i];
    }
    if (!fits)
        return sw__infer_mismatch(q, 0, 1, "positions are not (T) or (...,T) of (...,T,NH,HS)");
    if (attr->dims > x->dim[x->rank - 1])
        return sw__infer_fail(q, SW_ERR_SHAPE, "%lld features cannot turn in heads of %lld",
                              (long long)attr->dims, (long long)x->dim[x->rank - 1]);
    if (q->in[2] && (q->in[2]->shape.rank != 1 || q->in[2]->shape.dim[0] != attr->dims / 2))
        return sw__infer_mismatch(q, 0, 2, "not one frequency factor for each pair of features");
    *q->out[0] = (sw_tensor){.dtype = SW_F32, .shape = *x};
    return SW_OK;
}

static void rope_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                      sw_node **dx)
{
    struct rope_attr attr;
    const struct rope_attr *forward = sw__op_attr(op);
    const size_t size = offsetof(struct rope_attr, frequency) +
                        (size_t)(forward->dims / 2) * sizeof attr.frequency[0];
    if (need[2]) {
        sw__graph_poison(g, SW_ERR_UNSUPPORTED, "rope: no gradient for the frequency factors");
        return;
    }
    if (!need[0]) return;
    attr = (struct rope_attr){
        forward->interleaved, forward->dims, -forward->scale, forward->magnitude, {0}};
    for (int64_t i = 0; i < attr.dims / 2; i++) attr.frequency[i] = forward->frequency[i];
    sw_node *const in[] = {dy[0], sw__op_in(op, 1), sw__op_in(op, 2)};
    dx[0] = sw__op_add(g, &sw__op_rope, &attr, size, in, 3, 1);
}

static sw_status rope_prepare(struct sw_step *s)
{
    const struct rope_attr *attr = s->attr;
    const sw_shape *x = &s->in[0]->shape;
    struct rope_note *note = s->note;
    const int64_t all = sw_shape_elements(x);
    note->hs = x->dim[x->rank - 1];
    note->heads = x->dim[x->rank - 2];
    note->tokens = sw_shape_elements(&s->in[1]->shape);
    s->kernel = s->k->names[SW_SLOT_rope_apply];
    s->flops = 3. * (double)all;
    s->scratch = (size_t)(attr->dims / 2) * (sizeof(double) + 2 * sizeof(float));
    s->n_phases = all > 0;
    if (all == 0) return SW_OK;
    note->copies = all / (note->tokens * note->heads * note->hs);
    note->grain = sw__max64(1, SW_GRAIN / (all / note->tokens));
    s->tasks[0] = sw__ceil_div(note->tokens, note->grain);
    return SW_OK;
}

static void rope_run(const struct sw_step *s, int phase, int64_t begin, int64_t end, void *scratch)
{
    const struct rope_attr *attr = s->attr;
    const struct rope_note *note = s->note;
    const int64_t half = attr->dims / 2, row = note->heads * note->hs;
    const int32_t *positions = s->in[1]->data;
    const float *x = s->in[0]->data, *factors = s->in[2] ? s->in[2]->data : NULL;
    float *y = s->out[0]->data;
    double *frequency = scratch;
    float *cosine = (float *)(frequency + half), *sine = cosine + half;
    int64_t from, to;
    for (int64_t i = 0; i < half; i++)
        frequency[i] = attr->frequency[i] * attr->scale / (factors ? (double)factors[i] : 1);
    sw__step_range(note->tokens, note->grain, begin, end, &from, &to);
    for (int64_t t = from; t < to; t++) {
        s->k->rope_angles(cosine, sine, (double)positions[t], frequency, half);
        if (attr->magnitude != 1) s->k->scale_f32(cosine, cosine, 2 * half, attr->magnitude, 0);
        for (int64_t c = 0; c < note->copies; c++) {
            const int64_t at = (c * note->tokens + t) * row;
            s->k->rope_apply(y + at, x + at, cosine, sine, note->heads, note->hs, attr->dims,
                             attr->interleaved);
        }
    }
    (void)phase;
}

const struct sw_op_class sw__op_rope = {.name = "rope",
                                        .flags = SW_OP_CHEAP,
                                        .inplace = 1u << 0,
                                        .note_size = sizeof(struct rope_note),
                                        .infer = rope_infer,
                                        .grad = rope_grad,
                                        .prepare = rope_prepare,
                                        .run = rope_run};

/* The pair that turns `turns` times within the original positions. */
static double pair_of(double turns, double original, double base, double dims)
{
    return dims * log(original / (turns * 2 * PI)) / (2 * log(base));
}

/* Equations 16 to 22: frequencies divided by factor, but for those that turn often enough. */
static void yarn(struct rope_attr *attr, const sw_rope_options *o, double base)
{
    const double original = (double)o->yarn.original, dims = (double)attr->dims;
    const double factor = (double)o->yarn.factor;
    double low = pair_of(o->yarn.fast == 0 ? 32 : (double)o->yarn.fast, original, base, dims);
    double high = pair_of(o->yarn.slow == 0 ? 1 : (double)o->yarn.slow, original, base, dims);
    if (!o->yarn.fractional) {
        low = floor(low);
        high = ceil(high);
    }
    low = fmax(low, 0);
    high = fmin(high, dims - 1);
    for (int64_t i = 0; i < attr->dims / 2; i++) {
        double divided = ((double)i - low) / fmax(high - low, 0.001);
        divided = fmin(fmax(divided, 0), 1);
        attr->frequency[i] *= divided / factor + (1 - divided);
    }
    attr->magnitude = o->yarn.magnitude;
    if (attr->magnitude == 0) attr->magnitude = (float)(1 + 0.1 * log(factor));
}

sw_node *sw_rope(sw_graph *g, sw_node *x, sw_node *positions, sw_rope_options o)
{
    const sw_shape shape = sw_node_shape(x);
    const double base = o.base == 0 ? 10000 : (double)o.base;
    struct rope_attr attr = {o.pairing == SW_ROPE_INTERLEAVED, o.dims, 1, 1, {0}};
    if (o.dims == 0 && shape.rank > 0) attr.dims = shape.dim[shape.rank - 1];
    if (attr.dims < 0 || attr.dims % 2 != 0 || attr.dims > MOST_DIMS)
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "rope: %lld features cannot turn: even, 0..%d",
                                (long long)attr.dims, MOST_DIMS);
    if (!(base > 0) || !isfinite(base) || !isfinite(o.scale) ||
        (o.pairing != SW_ROPE_NEOX && o.pairing != SW_ROPE_INTERLEAVED))
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "rope: base %g, scale %g, pairing %d", base,
                                (double)o.scale, (int)o.pairing);
    if (o.scale != 0) attr.scale = (double)o.scale;
    for (int64_t i = 0; i < attr.dims / 2; i++)
        attr.frequency[i] = pow(base, -2. * (double)i / (double)attr.dims);
    if (o.yarn.factor != 0) {
        if (!(o.yarn.factor >= 1) || !isfinite(o.yarn.factor) || o.yarn.original < 1 ||
            !(o.yarn.fast >= 0) || !(o.yarn.slow >= 0) || !(o.yarn.magnitude >= 0) || base <= 1)
            return sw__graph_poison(g, SW_ERR_ARGUMENT,
                                    "rope: yarn of factor %g, %lld original positions, fast %g, "
                                    "slow %g, magnitude %g, base %g",
                                    (double)o.yarn.factor, (long long)o.yarn.original,
                                    (double)o.yarn.fast, (double)o.yarn.slow,
                                    (double)o.yarn.magnitude, base);
        yarn(&attr, &o, base);
    }
    sw_node *const in[] = {x, positions, o.frequencies};
    return sw__op_add(g, &sw__op_rope, &attr,
                      offsetof(struct rope_attr, frequency) +
                          (size_t)(attr.dims / 2) * sizeof attr.frequency[0],
                      in, 3, 1);
}

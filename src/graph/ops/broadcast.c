/* Broadcasting as a loop nest (broadcast.h). */
#include "graph/ops/broadcast.h"

/* Stride of an operand along axis `i` from the end: 0 where it is broadcast. */
static void operand_strides(const sw_shape *s, int rank, int64_t *stride)
{
    int64_t step = 1;
    for (int i = 1; i <= rank; i++) {
        int64_t d = i <= s->rank ? s->dim[s->rank - i] : 1;
        stride[rank - i] = d == 1 ? 0 : step;
        step *= d;
    }
}

void sw__broadcast_make(struct sw_broadcast *b, const sw_shape *out, const sw_shape *const *in,
                        int operands)
{
    int64_t full[SW_BROADCAST_OPERANDS][SW_MAX_RANK];
    *b = (struct sw_broadcast){.operands = operands, .total = sw_shape_elements(out)};
    for (int o = 0; o < operands; o++) operand_strides(in[o], out->rank, full[o]);
    int n = 0; /* outermost first */
    for (int i = 0; i < out->rank; i++) {
        bool merge = n > 0;
        if (out->dim[i] == 1) continue;
        for (int o = 0; o < operands && merge; o++)
            merge = b->stride[o][n - 1] == full[o][i] * out->dim[i];
        if (!merge) b->size[n++] = 1;
        b->size[n - 1] *= out->dim[i];
        for (int o = 0; o < operands; o++) b->stride[o][n - 1] = full[o][i];
    }
    if (n == 0) b->size[n++] = 1;
    b->rank = n;
    for (int o = 0; o < operands; o++)
        if (b->stride[o][n - 1] == 0) b->scalar |= 1 << o;
}

int64_t sw__broadcast_run(const struct sw_broadcast *b, int64_t at, int64_t end, int64_t *offset)
{
    int last = b->rank - 1;
    int64_t inner = at % b->size[last], rest = at / b->size[last];
    for (int o = 0; o < b->operands; o++) offset[o] = inner * b->stride[o][last];
    for (int i = last - 1; i >= 0; i--) {
        int64_t index = rest % b->size[i];
        rest /= b->size[i];
        for (int o = 0; o < b->operands; o++) offset[o] += index * b->stride[o][i];
    }
    int64_t left = b->size[last] - inner;
    return left < end - at ? left : end - at;
}

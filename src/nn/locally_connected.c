/* A convolution whose filters differ from position to position (cuda-convnet's layer "local"; Gregor and
 * LeCun 2010), made of ordinary ops: the windows of all positions side by side, then one matrix product
 * for each position.
 *
 *   x (N,C,H,W) -> pad -> KH KW strided slices (N,C,1,P) -> (N,C,KH KW,P) -> (P,N,C KH KW)
 *   times w (P,C KH KW,O) -> (P,N,O) -> (N,O,OH,OW)                          P = OH OW positions */
#include <swell/ops.h>
#include "graph/op.h"

struct local_shape {
    int64_t n, c, o, kernel[2], out[2];
    int stride[2], dilation[2];
};

/* Sizes from the operands; false: poisoned. */
static bool find_shape(sw_graph *g, sw_node *x, sw_node *w, const sw_conv_options *o,
                       struct local_shape *s)
{
    sw_shape a = sw_node_shape(x), b = sw_node_shape(w);
    if (sw_graph_status(g) != SW_OK) return false;
    bool right = a.rank == 4 && b.rank == 5 && o->groups <= 1 && b.dim[2] == a.dim[1];
    *s = (struct local_shape){.n = a.dim[0], .c = a.dim[1], .o = b.dim[1]};
    for (int i = 0; right && i < 2; i++) {
        s->stride[i] = o->stride[i] ? o->stride[i] : 1;
        s->dilation[i] = o->dilation[i] ? o->dilation[i] : 1;
        s->kernel[i] = b.dim[3 + i];
        int64_t room = a.dim[2 + i] + o->pad[i] + o->pad[2 + i] - 1 -
                       s->dilation[i] * (s->kernel[i] - 1);
        right = s->stride[i] > 0 && s->dilation[i] > 0 && o->pad[i] >= 0 && o->pad[2 + i] >= 0 &&
                s->kernel[i] > 0 && room >= 0;
        if (right) s->out[i] = room / s->stride[i] + 1;
    }
    right = right && s->kernel[0] * s->kernel[1] <= SW_MAX_CONCAT &&
            b.dim[0] == s->out[0] * s->out[1];
    if (!right)
        sw__graph_poison(g, SW_ERR_SHAPE,
                         "locally_connected2d: filters (positions,O,C,KH,KW) do not fit x "
                         "(N,C,H,W), or a window of more than %d elements",
                         SW_MAX_CONCAT);
    return right;
}

/* What element (row, column) of all windows sees: (N,C,1,P). */
static sw_node *seen_by(sw_graph *g, sw_node *x, const struct local_shape *s, const int64_t at[2])
{
    for (int i = 0; i < 2; i++) {
        int64_t begin = at[i] * s->dilation[i];
        x = sw_slice(g, x,
                     (sw_slice_options){.axis = 2 + i,
                                        .begin = begin,
                                        .end = begin + (s->out[i] - 1) * s->stride[i] + 1,
                                        .step = s->stride[i]});
    }
    return sw_reshape(g, x, SW_SHAPE(-1, s->c, 1, s->out[0] * s->out[1]));
}

sw_node *sw_locally_connected2d(sw_graph *g, sw_node *x, sw_node *w, sw_node *b, sw_conv_options o)
{
    struct local_shape s;
    sw_node *parts[SW_MAX_CONCAT];
    if (!find_shape(g, x, w, &o, &s)) return x;
    int64_t window = s.kernel[0] * s.kernel[1], positions = s.out[0] * s.out[1];
    x = sw_pad(g, x,
               (sw_pad_options){.before = {0, 0, o.pad[0], o.pad[1]},
                                .after = {0, 0, o.pad[2], o.pad[3]}});
    for (int64_t i = 0; i < window; i++)
        parts[i] = seen_by(g, x, &s, (const int64_t[2]){i / s.kernel[1], i % s.kernel[1]});
    x = sw_concat(g, parts, (int)window, 2);                     /* (N,C,KH KW,P) */
    x = sw_transpose(g, x, (const int[4]){3, 0, 1, 2}, 4);       /* (P,N,C,KH KW) */
    x = sw_reshape(g, x, SW_SHAPE(positions, -1, s.c * window)); /* (P,N,C KH KW) */
    w = sw_reshape(g, w, SW_SHAPE(positions, s.o, s.c * window));
    x = sw_matmul(g, x, w, (sw_matmul_options){.transpose_b = true}); /* (P,N,O) */
    x = sw_transpose(g, x, (const int[3]){1, 2, 0}, 3);               /* (N,O,P) */
    x = sw_reshape(g, x, SW_SHAPE(-1, s.o, s.out[0], s.out[1]));
    return b ? sw_add(g, x, b) : x;
}

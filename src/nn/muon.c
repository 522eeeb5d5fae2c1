/* Muon (Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks"): the momentum of
 * a matrix, with all its singular values moved near 1.
 *
 *   v <- momentum v + dw;  u = dw + momentum v                           (Nesterov)
 *   X = u / |u|;  five times:  A = X X^T;  X <- a X + (b A + c A A) X     (Newton-Schulz, quintic)
 *   w <- w - lr (sqrt(max(1, rows / columns)) X + decay w)
 *
 * For a tall matrix the same polynomial is applied from the right, X (b A + c A A) with A = X^T X, which
 * costs less and gives the same.  Everything is ordinary ops of the graph, so products follow
 * sw_graph_compute (the paper multiplies in bf16). */
#include <math.h>
#include <swell/train.h>
#include "graph/op.h"

/* Chosen in the paper for the steepest slope at 0; singular values end within about 0.7 to 1.2. */
static const float a = 3.4445f, b = -4.7750f, c = 2.0315f;
enum { ITERATIONS = 5 };

static sw_node *newton_schulz(sw_graph *g, sw_node *u, bool tall) /* (M,N) -> (M,N) */
{
    sw_node *norm = sw_add(g, sw_global_norm(g, &u, 1), sw_scalar(g, 1e-7f));
    sw_node *x = sw_div(g, u, norm);
    sw_matmul_options gram = {.transpose_a = tall, .transpose_b = !tall};
    for (int i = 0; i < ITERATIONS; i++) {
        sw_node *s = sw_matmul(g, x, x, gram);                          /* A  (K,K) */
        sw_node *s2 = sw_matmul(g, s, s, (sw_matmul_options){0});       /* A A */
        sw_node *p = sw_add(g, sw_scale(g, s, b), sw_scale(g, s2, c));  /* b A + c A A */
        sw_node *q = tall ? sw_matmul(g, x, p, (sw_matmul_options){0})  /* X p */
                          : sw_matmul(g, p, x, (sw_matmul_options){0}); /* p X */
        x = sw_add(g, sw_scale(g, x, a), q);
    }
    return x;
}

sw_node *sw_muon_update(sw_graph *g, sw_node *weight, sw_node *grad, sw_node *velocity, sw_node *lr,
                        sw_node *scale, float momentum, float weight_decay)
{
    sw_shape shape = sw_node_shape(weight);
    if (shape.rank < 2 || !velocity || !lr || !(momentum >= 0 && momentum < 1))
        return sw__graph_poison(g, SW_ERR_ARGUMENT,
                                "muon_update: needs a matrix, its velocity and a momentum below 1");
    int64_t rows = shape.dim[0], columns = rows ? sw_shape_elements(&shape) / rows : 0;
    if (!rows || !columns) return sw__graph_poison(g, SW_ERR_SHAPE, "muon_update: an empty matrix");

    sw_node *moved = sw_accumulate(g, velocity, grad, sw_scalar(g, momentum), scale);
    if (scale) grad = sw_mul(g, grad, scale);
    sw_node *u = sw_add(g, grad, sw_scale(g, velocity, momentum));
    sw_node *x = newton_schulz(g, sw_reshape(g, u, SW_SHAPE(rows, columns)), rows > columns);
    float width = sqrtf(fmaxf(1, (float)rows / (float)columns));
    /* Not a number where `scale` is none, else the factor: so that a bad step is not taken. */
    sw_node *gate = sw_update_scale(g, scale, NULL, 0, width);
    x = sw_reshape(g, x, shape);
    sw_node *stepped = sw_sgd_update(g, weight, x, NULL, lr, gate, 0, weight_decay);
    return sw_group(g, (sw_node *[]){moved, stepped}, 2);
}

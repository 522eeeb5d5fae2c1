/* Trains a small network and runs it: which of two interleaved spirals does a point belong to?
 *
 *     cc train_and_run.c $(pkg-config --cflags --libs swell) -lm -o train_and_run && ./train_and_run
 */
#include <math.h>
#include <stdio.h>
#include <swell/swell.h>

enum { B = 256, STEPS = 600, SIDE = 33 };

/* Point i of spiral `label`: one and a half turns, outwards. */
static void spiral(int i, int label, float *x)
{
    double turn = 0.1 + 0.9 * (i % 128) / 128, angle = 3 * 3.14159265 * turn + 3.14159265 * label;
    x[0] = (float)(turn * cos(angle));
    x[1] = (float)(turn * sin(angle));
}

/* A layer of the net.  x: (B,in) -> (B,out) */
static sw_node *dense(sw_graph *g, sw_weights *ws, int i, sw_node *x, int in, int out)
{
    static const char *const names[][2] = {{"1.w", "1.b"}, {"2.w", "2.b"}, {"3.w", "3.b"}};
    sw_node *w = sw_param(g, ws, names[i][0], SW_F32, SW_SHAPE(out, in), sw_init_he(in));
    sw_node *b = sw_param(g, ws, names[i][1], SW_F32, SW_SHAPE(out), sw_init_zeros());
    return sw_linear(g, x, w, b);
}

int main(void)
{
    static float points[B][2], screen[SIDE * SIDE][2];
    static int32_t labels[B];
    sw_context *ctx = NULL;
    sw_weights *ws = NULL;
    sw_graph *g = NULL;
    sw_trainer *trainer = NULL;
    sw_plan *net = NULL;
    float value = 0;

    for (int i = 0; i < B; i++) spiral(i, labels[i] = i / 128, points[i]);
    for (int i = 0; i < SIDE * SIDE; i++)
        screen[i][0] = 2.2f * (i % SIDE) / SIDE - 1.1f,
        screen[i][1] = 1.1f - 2.2f * (i / SIDE) / SIDE;

    if (sw_context_create(NULL, &ctx) || sw_weights_create(ctx, &ws) || sw_graph_create(ctx, &g))
        goto end;

    /* The model.  The first dimension is the largest batch that a plan of it takes. */
    sw_node *x = sw_input(g, "x", SW_F32, SW_SHAPE(SIDE * SIDE, 2));
    sw_node *label = sw_input(g, "label", SW_I32, SW_SHAPE(SIDE * SIDE));
    sw_node *h = sw_tanh(g, dense(g, ws, 0, x, 2, 48));
    h = sw_tanh(g, dense(g, ws, 1, h, 48, 48));
    sw_node *logits = dense(g, ws, 2, h, 48, 2);
    sw_node *loss = sw_cross_entropy(g, logits, label, (sw_cross_entropy_options){0});
    sw_node *answer = sw_argmax(g, logits, 1, false);

    /* Train it: gradients and updates become part of the graph. */
    sw_trainer_options options = {.optimizer = {.kind = SW_ADAM}, .schedule = {.rate = 0.01f}};
    if (sw_trainer_create(g, ws, loss, options, &trainer) ||
        sw_bind(sw_trainer_plan(trainer), x, points, SW_SHAPE(B, 2)) ||
        sw_bind(sw_trainer_plan(trainer), label, labels, SW_SHAPE(B)))
        goto end;
    for (int step = 0; step < STEPS; step++)
        if (sw_trainer_step(trainer, &value)) goto end;
    printf("loss after %d steps: %.4f\n", STEPS, value);

    /* Run it: another plan of the same graph, on the same weights. */
    if (sw_compile(g, (sw_plan_options){.outputs = &answer, .n_outputs = 1}, &net) ||
        sw_bind(net, x, screen, SW_SHAPE(SIDE * SIDE, 2)) || sw_run(net))
        goto end;
    const int32_t *class = sw_plan_tensor(net, answer).data;
    for (int i = 0; i < SIDE * SIDE; i++)
        printf("%s%s", class[i] ? "##" : "  ", i % SIDE == SIDE - 1 ? "\n" : "");
end:
    if (!net) fprintf(stderr, "%s\n", ctx ? sw_error(ctx) : "out of memory");
    sw_plan_destroy(net);
    sw_trainer_destroy(trainer);
    sw_graph_destroy(g);
    sw_weights_destroy(ws);
    sw_context_destroy(ctx);
    return net ? 0 : 1;
}

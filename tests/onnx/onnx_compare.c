/* onnx_compare MODEL INPUT OUTPUTS [BOUND]: run a model with one f32 input, both files of raw numbers, and
 * compare all its outputs, one behind the other in OUTPUTS, with those of another engine: within 1e-4, or BOUND. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swell/swell.h>

static float *read_numbers(const char *path, long *n)
{
    FILE *f = fopen(path, "rb");
    float *x = NULL;
    if (f && fseek(f, 0, SEEK_END) == 0 && (*n = ftell(f) / (long)sizeof *x) > 0) {
        x = malloc((size_t)*n * sizeof *x);
        rewind(f);
        if (x && fread(x, sizeof *x, (size_t)*n, f) != (size_t)*n) x = NULL;
    }
    if (f) fclose(f);
    return x;
}

int main(int argc, char **argv)
{
    sw_context *ctx;
    sw_onnx *m;
    sw_graph *g;
    sw_weights *ws;
    sw_plan *p;
    sw_node *in[1] = {NULL}, *out[16];
    long n_in, n_out, at = 0;
    const double bound = argc > 4 ? atof(argv[4]) : 1e-4;
    if (argc < 4 || argc > 5 || sw_context_create(NULL, &ctx) != SW_OK) return 2;
    float *x = read_numbers(argv[2], &n_in), *want = read_numbers(argv[3], &n_out);
    if (!x || !want) return 2;
    bool right = sw_onnx_open(ctx, argv[1], &m) == SW_OK && sw_onnx_input_count(m) == 1 &&
                 sw_onnx_output_count(m) <= 16 && sw_graph_create(ctx, &g) == SW_OK &&
                 sw_weights_create(ctx, &ws) == SW_OK &&
                 sw_onnx_build(m, g, ws, 1, in, out) == SW_OK &&
                 sw_compile(g,
                            (sw_plan_options){.outputs = out, .n_outputs = sw_onnx_output_count(m)},
                            &p) == SW_OK &&
                 sw_bind(p, in[0], x, sw_node_shape(in[0])) == SW_OK && sw_run(p) == SW_OK;
    if (!right) {
        printf("%s\n", sw_error(ctx));
        return 1;
    }
    double most = 0;
    for (int o = 0; o < sw_onnx_output_count(m); o++) {
        sw_tensor y = sw_plan_tensor(p, out[o]);
        int64_t n = sw_shape_elements(&y.shape);
        for (int64_t i = 0; i < n && at < n_out; i++, at++) {
            double off = fabs((double)((const float *)y.data)[i] - (double)want[at]);
            most = off > most || off != off ? off : most;
        }
    }
    printf("%ld numbers, off by at most %g\n", at, most);
    if (at != n_out || !(most <= bound)) return 1;
    sw_plan_destroy(p);
    sw_graph_destroy(g);
    sw_weights_destroy(ws);
    sw_onnx_close(m);
    sw_context_destroy(ctx);
    free(x);
    free(want);
    return 0;
}

/* face_boxes MODEL PHOTO ...: UltraFace (one input (1,3,240,320), outputs scores and boxes) on photos.  Standard
 * output gets, of each, the numbers that the network saw, its scores (4420,2) and its boxes (4420,4), as raw
 * f32, for onnxruntime_faces.cjs to judge. */
#include <stdio.h>
#include <swell/swell.h>

enum { WIDTH = 320, HEIGHT = 240, SEEN = 3 * WIDTH * HEIGHT };

struct detector {
    sw_context *ctx;
    sw_graph *g;
    sw_weights *ws;
    sw_plan *plan;
    sw_node *in[1], *out[2];
};

static sw_status open_model(struct detector *d, const char *path)
{
    sw_onnx *m;
    sw_status status = sw_onnx_open(d->ctx, path, &m);
    if (status != SW_OK) return status;
    if (sw_onnx_input_count(m) != 1 || sw_onnx_output_count(m) != 2) status = SW_ERR_ARGUMENT;
    if (status == SW_OK) status = sw_graph_create(d->ctx, &d->g);
    if (status == SW_OK) status = sw_weights_create(d->ctx, &d->ws);
    if (status == SW_OK) status = sw_onnx_build(m, d->g, d->ws, 1, d->in, d->out);
    sw_onnx_close(m);
    if (status != SW_OK) return status;
    return sw_compile(d->g, (sw_plan_options){.outputs = d->out, .n_outputs = 2}, &d->plan);
}

static bool write_numbers(const void *x, int64_t n)
{
    return fwrite(x, sizeof(float), (size_t)n, stdout) == (size_t)n;
}

/* Stretched to the network's size; (byte - 127) / 128, as its authors do. */
static bool look(const struct detector *d, const char *path)
{
    static float seen[SEEN];
    const float mean[3] = {127 / 255.0f, 127 / 255.0f, 127 / 255.0f};
    const float deviation[3] = {128 / 255.0f, 128 / 255.0f, 128 / 255.0f};
    sw_picture *photo, *small;
    if (sw_picture_load(d->ctx, path, 0, &photo) != SW_OK) return false;
    bool good = sw_picture_resize(d->ctx, photo, WIDTH, HEIGHT, &small) == SW_OK;
    sw_picture_destroy(photo);
    if (!good) return false;
    sw_picture_planes(small, 0, 0, WIDTH, HEIGHT, false, mean, deviation, seen);
    sw_picture_destroy(small);
    good = sw_bind(d->plan, d->in[0], seen, SW_SHAPE(1, 3, HEIGHT, WIDTH)) == SW_OK &&
           sw_run(d->plan) == SW_OK && write_numbers(seen, SEEN);
    for (int i = 0; good && i < 2; i++) {
        const sw_tensor t = sw_plan_tensor(d->plan, d->out[i]);
        good = write_numbers(t.data, sw_shape_elements(&t.shape));
    }
    return good;
}

int main(int argc, char **argv)
{
    struct detector d = {0};
    if (argc < 3 || sw_context_create(NULL, &d.ctx) != SW_OK) return 2;
    bool good = open_model(&d, argv[1]) == SW_OK;
    for (int i = 2; good && i < argc; i++) good = look(&d, argv[i]);
    if (!good) fprintf(stderr, "face_boxes: %s\n", sw_error(d.ctx));
    sw_plan_destroy(d.plan);
    sw_graph_destroy(d.g);
    sw_weights_destroy(d.ws);
    sw_context_destroy(d.ctx);
    return !good;
}

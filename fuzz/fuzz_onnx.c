/* Any bytes through the ONNX reader, and what it accepts into a graph: every failure has one line. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <swell/onnx.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int right)
{
    if (!right) abort();
}

/* One line, of the file, that ends. */
static void require_text(const sw_context *ctx)
{
    const char *text = sw_error(ctx);
    require(*text && strlen(text) < 512 && !strchr(text, '\n'));
}

static void build(sw_context *ctx, sw_onnx *m)
{
    sw_graph *g = NULL;
    sw_weights *ws = NULL;
    int inputs = sw_onnx_input_count(m), outputs = sw_onnx_output_count(m);
    sw_node **nodes = calloc((size_t)(inputs + outputs) + 1, sizeof *nodes);
    require(nodes && sw_graph_create(ctx, &g) == SW_OK && sw_weights_create(ctx, &ws) == SW_OK);
    if (sw_onnx_build(m, g, ws, 2, nodes, nodes + inputs) != SW_OK) require_text(ctx);
    sw_graph_destroy(g);
    sw_weights_destroy(ws);
    free(nodes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sw_context *ctx;
    sw_onnx *m;
    if (!ctx) require(sw_context_create(&(sw_context_options){.threads = 1}, &ctx) == SW_OK);
    if (sw_onnx_parse(ctx, "fuzz", data, size, &m) != SW_OK) {
        require_text(ctx);
        return 0;
    }
    size_t letters = strlen(sw_onnx_get_info(m).producer);
    for (int i = 0; i < sw_onnx_get_info(m).metadata; i++) {
        const char *key, *value;
        sw_onnx_metadata_at(m, i, &key, &value);
        letters += strlen(key) + strlen(value);
    }
    for (int i = 0; i < sw_onnx_input_count(m); i++) letters += strlen(sw_onnx_input(m, i).name);
    for (int i = 0; i < sw_onnx_output_count(m); i++) letters += strlen(sw_onnx_output(m, i).name);
    require(letters <= size);
    build(ctx, m);
    sw_onnx_close(m);
    return 0;
}

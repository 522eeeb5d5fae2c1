/* Inside the quantiser: the graph it works on, what is rounded, and what was measured.  See
 * onnx_quantise.c for the order of things. */
#ifndef SWELL_FORMAT_ONNX_QUANTISE_H
#define SWELL_FORMAT_ONNX_QUANTISE_H

#include "format/onnx/onnx_export.h"

#define SW_RANGE_BINS 2048

/* A value of the graph, by node. */
struct sw_onnx_range_of {
    bool rounded; /* it is stored as u8 */
    int group;    /* values of one group share scale and zero: the lowest node of them */
    int64_t count;
    float lo, hi;       /* seen */
    int64_t *histogram; /* SW_RANGE_BINS over lo..hi */
    double *energy; /* mean of squares by channel (axis 1): what an error of a weight there costs */
    int64_t channels;
};

/* A convolution or a product with a constant weight. */
struct sw_onnx_layer {
    const struct sw_op *op;
    const sw_node *x, *w, *b, *y; /* y: behind its relu; b may be NULL */
    int axis;                     /* of w, along which its outputs lie */
    bool whole;                   /* stays in f32 */
    double noise;                 /* measured: of the outputs, when this layer alone is rounded */
};

struct sw_onnx_quantiser {
    sw_context *ctx;
    const char *path;
    const sw_onnx_quantise_options *o;
    sw_graph *g; /* a copy with its normalisations folded */
    sw_weights *ws;
    sw_node *in, **out;
    int n_out;
    int64_t batch;
    struct sw_arena arena;
    struct sw_onnx_range_of *values; /* by node */
    int64_t n_values;
    struct sw_onnx_layer *layers;
    int n_layers;
    struct sw_onnx_bytes *bytes; /* by node: what is exported */
    float *wanted;               /* output 0 of the samples in f32 */
    int64_t width;               /* numbers of it a sample */
};

/* Which layers there are. */
sw_status sw__quantise_find_layers(struct sw_onnx_quantiser *q);
/* Which values are rounded, and which share a scale, for the layers that are not `whole`. */
void sw__quantise_mark(struct sw_onnx_quantiser *q);
/* Run the samples: ranges, histograms, energies of all values that a layer could need rounded. */
sw_status sw__quantise_measure(struct sw_onnx_quantiser *q);
/* Scale and zero of each group; then weights and biases of each layer. */
sw_status sw__quantise_activations(struct sw_onnx_quantiser *q);
sw_status sw__quantise_weights(struct sw_onnx_quantiser *q);

#endif

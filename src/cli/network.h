/* Networks by name or file, for the verbs that look at them. */
#ifndef SWELL_CLI_NETWORK_H
#define SWELL_CLI_NETWORK_H

#include "cli/verbs.h"

#define NETWORK_INPUTS  16
#define NETWORK_OUTPUTS 16

struct network_options {
    const char
        *name; /* a network of the table; a file of weights of one (.safetensors, .pth); .onnx */
    int64_t batch;   /* 0: what an ONNX file says, else 1 */
    int64_t at_once; /* pictures that run together; 0: as many as suits the caches */
    bool alike;      /* then all parts alike, or one: for a profile */
    bool training;   /* a whole step: loss, gradients, update */
    bool bf16;       /* products in bf16 */
    sw_recompute recompute;
};

struct network {
    sw_context *ctx;
    sw_weights *ws;   /* as the file has them */
    sw_weights *wide; /* a copy in f32 to compute with, if some have two bytes; else NULL */
    const sw_image_network *known; /* NULL: an ONNX file, or tensors of no network of the table */
    sw_image_sizes size;           /* of the known network */
    sw_onnx *onnx;                 /* NULL: no ONNX file */
    sw_graph *graph;
    sw_node *inputs[NETWORK_INPUTS], *outputs[NETWORK_OUTPUTS];
    void *data[NETWORK_INPUTS]; /* what the inputs are bound to */
    int n_inputs, n_outputs;
    sw_trainer *trainer; /* training only; the plan is then the trainer's */
    sw_plan *plan;
    int64_t batch;
    int64_t at_once; /* pictures of a batch that run together */
    double flops;    /* of the batch */
};

/* Open what o->name says: the weights of a file, or an ONNX file unbuilt.  0, or 1 after a line. */
int network_open(const struct verb *verb, struct network *n, const struct network_options *o,
                 int threads);
/* Build, compile and bind (random pictures).  0, or 1 after a line. */
int network_plan(const struct verb *verb, struct network *n, const struct network_options *o);
/* Run it once, `at_once` pictures at a time and the first ones last; or train one step. */
sw_status network_run(struct network *n);
void network_close(struct network *n);

/* "none", "cheap", "kept" */
bool network_recompute(const struct verb *verb, const char *text, sw_recompute *out);

#endif

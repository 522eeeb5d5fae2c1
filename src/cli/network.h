/* Networks by name or file, for the verbs that look at them. */
#ifndef SWELL_CLI_NETWORK_H
#define SWELL_CLI_NETWORK_H

#include "cli/verbs.h"

struct network {
    sw_context *ctx;
    sw_weights *ws;
    sw_graph *graph;
    sw_node *images, *labels; /* labels: training only */
    sw_node *outputs[64];     /* logits; or loss and gradients */
    int n_outputs;
    sw_plan *plan;
    int64_t batch;
    void *input, *label_input;
};

struct network_options {
    const char *name; /* alexnet, convnet, or a safetensors file with the tensors of one */
    int64_t batch;
    bool training;
    sw_recompute recompute;
};

/* Build, compile and bind (random pictures).  0, or 1 after a line. */
int network_open(const struct verb *verb, struct network *n, const struct network_options *o,
                 int threads);
void network_close(struct network *n);

/* "none", "cheap", "kept" */
bool network_recompute(const struct verb *verb, const char *text, sw_recompute *out);

#endif

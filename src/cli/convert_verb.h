/* Models from one format to another: what the files of `swell convert` share. */
#ifndef SWELL_CLI_CONVERT_H
#define SWELL_CLI_CONVERT_H

#include "cli/verbs.h"

struct convert {
    const struct verb *verb;
    const char *from, *to;
    const char *network, *labels;
    bool half, int8;
    const char *calibrate; /* a folder of pictures; for a language model a text */
    int64_t images;
    sw_onnx_range range;
    double agreement;
    const char *type, *imatrix, *tokenizer; /* of language models */
    bool pure;
    sw_context *ctx;
};

/* Whether a file's name ends so. */
bool convert_ends(const char *path, const char *end);

/* ONNX to ONNX: its own graph, names and metadata.  All of these: 0, or 1 after a line. */
int convert_graph(const struct convert *c);
/* A classifier of any format to ONNX, in bytes if asked for. */
int convert_classifier(const struct convert *c);
/* Any format to safetensors. */
int convert_weights(const struct convert *c);

/* A language model: GGUF to another type; to GGUF, in two steps if to another type; to a folder. */
int convert_language(const struct convert *c);
int convert_gguf(const struct convert *c);

#endif

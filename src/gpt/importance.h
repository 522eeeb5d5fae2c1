/* How much each input of each matrix of a language model matters on some text: what quantising weighs errors by. */
#ifndef SWELL_GPT_IMPORTANCE_H
#define SWELL_GPT_IMPORTANCE_H

#include <swell/generate.h>
#include "format/imatrix.h"

struct sw_importance_options {
    int64_t
        window; /* tokens that are read at once, each window begun anew; at most the model's context; 0: 512 */
    void (*progress)(void *user, double part);
    void *user;
};

/* *out: the means of squares of the inputs of all matrices but the first and last (embeddings and logits), by
 * GGUF's names, as llama.cpp's imatrix has them.  SW_ERR_SIZE for a text that does not fill a window;
 * errors of sw_model_open. */
sw_status sw__gpt_importances(sw_context *ctx, const char *model, const char *text, size_t bytes,
                              struct sw_importance_options o, struct sw_imatrix **out);

#endif

/* A language model, loaded or trained, as the sizes and tensors of a GGUF file. */
#ifndef SWELL_GPT_MODEL_GGUF_H
#define SWELL_GPT_MODEL_GGUF_H

#include "format/gguf_write.h"
#include "gpt/gpt_int.h"

/* Put the sizes and all weights of net->ws, which has the names of GGUF; architecture and z say what they are.
 * Vectors go as f32; matrices as they are, or as f16 if they are f32 and `half`.  Rows of queries and keys change
 * places where z turns other pairs than the format says of the architecture.  The set must stay until the writer
 * has finished; then free(*held).  SW_ERR_UNSUPPORTED names what the format cannot say. */
sw_status sw__gpt_put_gguf(sw_context *ctx, const struct sw_gpt *net, bool half,
                           struct sw_gguf_writer *w, void **held);

/* A model of sw__gpt_open_weights that comes from a folder or a file of llama2.c to a file: with the tokenizer of that
 * path, or its own if it brings one. */
sw_status sw__gpt_write_gguf(sw_model *m, const char *tokenizer, bool half, const char *path);

/* A matrix of queries or keys of which pair i of a head is (i, i + HS/2) as one of which it is (2i, 2i + 1): which row
 * of the first is `row` of the second. */
int64_t sw__gpt_half_of_pair(int64_t row, int64_t head);
/* Whether rows of this weight are turned by rope. */
bool sw__gpt_turns(const char *name);

#endif

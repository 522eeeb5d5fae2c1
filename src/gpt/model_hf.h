/* A language model, loaded or trained, as a folder of Hugging Face. */
#ifndef SWELL_GPT_MODEL_HF_H
#define SWELL_GPT_MODEL_HF_H

#include "gpt/gpt_int.h"

/* The weights of `net` by the names and layouts of transformers, in the new set *out, which refers to those of net
 * where nothing changes: llama's queries and keys with pairs (i, i + HS/2), GPT-2's matrices (in,out), Gemma's norms
 * without their 1, experts one by one.  Blocks as f32; matrices of f32 and blocks as f16 if `half`.
 * SW_ERR_UNSUPPORTED names a weight or an architecture that has no place there. */
sw_status sw__gpt_hf_weights(sw_context *ctx, const struct sw_gpt *net, bool half,
                             sw_weights **out);

/* A file of settings. */
struct json_t;
sw_status sw__hf_write_json(sw_context *ctx, const char *folder, const char *name,
                            struct json_t *root);

/* config.json of `net` into the folder; bos and eos -1: none.  SW_ERR_UNSUPPORTED names what it cannot say. */
sw_status sw__gpt_write_hf_config(sw_context *ctx, const struct sw_gpt *net, int32_t bos,
                                  int32_t eos, const char *folder);

/* tokenizer.json and tokenizer_config.json; `name` is the tokenizer's file, chat_template NULL: none. */
sw_status sw__gpt_write_hf_tokenizer(sw_context *ctx, const char *name, const sw_tokenizer *t,
                                     const char *chat_template, const char *folder);

/* A model of sw__gpt_open_weights into a folder that exists: config.json, model.safetensors and, if it brings a
 * tokenizer, tokenizer.json and tokenizer_config.json. */
sw_status sw__gpt_write_hf(sw_model *m, bool half, const char *folder);

#endif

/* What a folder of sentence-transformers says of vectors of texts. */
#ifndef SWELL_GPT_HF_POOLING_H
#define SWELL_GPT_HF_POOLING_H

#include <jansson.h>

#include "gpt/gpt_int.h"

/* Most bytes of a file of settings. */
enum { SW_HF_CONFIG = 1 << 20 };

/* The JSON object, or list, in the file `name` of the model's folder. */
sw_status sw__hf_json(sw_model *m, const char *name, size_t limit, bool list, json_t **out);

/* In that of any folder. */
sw_status sw__hf_json_in(sw_context *ctx, const char *folder, const char *name, size_t limit,
                         bool list, json_t **out);

/* Fill m->net.pooling.  Without modules.json, nothing is said and nothing changes. */
sw_status sw__hf_pooling(sw_model *m);

#endif

/* A model that exists, to be trained further. */
#ifndef SWELL_GPT_TRAIN_LOAD_H
#define SWELL_GPT_TRAIN_LOAD_H

#include <swell/generate.h>

#include "gpt/train_net.h"

/* Add the weights of a model (generate.h says of which files) to the empty set `ws`, by GGUF's names, and say what net they
 * are of.  frozen: as they are stored, not to be trained; they lie in *model, which must outlive the set.  Else copies
 * in f32, and *model is NULL.  SW_ERR_UNSUPPORTED names what training does not know: another architecture, windows,
 * scaled positions, more weights.  Errors of opening as sw_model_open. */
sw_status sw__gpt_net_load(sw_context *ctx, const char *path, bool frozen, sw_weights *ws,
                           struct sw_gpt_net *net, sw_model **model);

struct sw_gpt;
/* The other way: architecture, sizes and weights of a net as a model has them, for whoever writes files. */
void sw__gpt_net_model(const struct sw_gpt_net *net, sw_weights *ws, struct sw_gpt *out);

#endif

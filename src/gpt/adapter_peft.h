/* Low-rank adapters in folders of PEFT. */
#ifndef SWELL_GPT_ADAPTER_PEFT_H
#define SWELL_GPT_ADAPTER_PEFT_H

#include "gpt/gpt_int.h"

enum { SW_PEFT_PATH = 4096 };

/* Whether a path is such a folder, or names adapter_model.safetensors in one: the folder. */
bool sw__gpt_is_peft(const char *path, char folder[SW_PEFT_PATH]);
/* Into a->ws, which is empty, with a->scale; SW_ERR_FORMAT, SW_ERR_UNSUPPORTED name folder and reason. */
sw_status sw__gpt_open_peft(const sw_model *m, struct sw_gpt_adapter *a, const char *folder,
                            float scale);
/* A matrix that stays where it is, as the model's weights lie; halves: rows of queries and keys have pairs
 * (i, i + HS/2) in it. */
sw_status sw__gpt_add_adapter_tensor(const sw_model *m, struct sw_gpt_adapter *a, const char *name,
                                     sw_tensor t, bool halves);

/* The adapters among the weights of a trained net, of rank r, to DIR/adapter_model.safetensors with
 * adapter_config.json beside it. */
sw_status sw__gpt_write_peft(sw_context *ctx, const struct sw_gpt *net, int64_t r, double alpha,
                             const char *path);

#endif

/* A trained network to a GGUF file, for `swell write`, llama.cpp and what is built on it. */
#ifndef SWELL_GPT_TRAIN_GGUF_H
#define SWELL_GPT_TRAIN_GGUF_H

#include <swell/tokenizer.h>
#include "gpt/train_net.h"

/* Where the vocabulary of the file comes from: a file whose pairs are copied, with as many tokens as the net, or a
 * tokenizer, with at most as many. */
struct sw_gpt_tokens {
    const char *gguf;
    const sw_tokenizer *tokenizer;
    const char *name; /* of the tokenizer, for errors */
};

/* half: matrices as f16.  With adapters in the net: these alone, as llama.cpp reads them, tokens NULL.
 * SW_ERR_ARGUMENT when the vocabulary has another size than the net; SW_ERR_UNSUPPORTED for adapters of a net
 * whose rope turns halves, as in folders of Hugging Face, and for a tokenizer that GGUF cannot say; else errors of
 * writing, which name the file. */
sw_status sw__gpt_net_write_gguf(sw_context *ctx, sw_weights *ws, const struct sw_gpt_net *net,
                                 const struct sw_gpt_tokens *tokens, bool half, const char *path);

#endif

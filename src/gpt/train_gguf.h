/* A trained network to a GGUF file, for `swell write`, llama.cpp and what is built on it. */
#ifndef SWELL_GPT_TRAIN_GGUF_H
#define SWELL_GPT_TRAIN_GGUF_H

#include "gpt/train_net.h"
#include "train/alphabet.h"

/* Where the vocabulary of the file comes from: one of the two.  Both have as many tokens as the net. */
struct sw_gpt_tokens {
    const struct sw_alphabet *alphabet; /* its last token ends a document */
    const char *gguf;                   /* a file whose vocabulary is copied */
};

/* half: matrices as f16.  With adapters in the net: these alone, as llama.cpp reads them, tokens NULL.   adapters alone, as a file of adapters with this alpha.  SW_ERR_ARGUMENT when the
 * vocabulary has another size than the net; SW_ERR_UNSUPPORTED for a net whose rope turns halves, as in folders of
 * Hugging Face; else errors of writing,
 * which name the file. */
sw_status sw__gpt_net_write_gguf(sw_context *ctx, const sw_weights *ws,
                                 const struct sw_gpt_net *net, const struct sw_gpt_tokens *tokens,
                                 bool half, const char *path);

#endif

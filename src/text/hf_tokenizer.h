/* Reading tokenizer.json: what its parts share. */
#ifndef SWELL_TEXT_HF_TOKENIZER_H
#define SWELL_TEXT_HF_TOKENIZER_H

#include <jansson.h>
#include "text/tokenizer_int.h"

struct sw_hf {
    sw_context *ctx;
    const char *name;
    json_t *root;
    struct sw_tokenizer *t;
    bool spaces; /* U+2581 stands for a space */
    struct sw_hf_token {
        const char *text; /* NULL: a hole */
        size_t bytes;
        bool added;
        enum sw_token_kind kind;
    } * token;
    int64_t tokens;
};

/* SW_ERR_FORMAT, SW_ERR_UNSUPPORTED with "<file>: ..." */
sw_status sw__hf_fail(const struct sw_hf *h, sw_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Members; `otherwise` where there is none, or null, or another type. */
const char *sw__hf_text(const json_t *object, const char *key, const char *otherwise);
bool sw__hf_flag(const json_t *object, const char *key, bool otherwise);
/* The token written so, -1: none. */
int32_t sw__hf_find(const struct sw_hf *h, const char *text);

/* normalizer, pre_tokenizer, post_processor, decoder. */
sw_status sw__hf_read_normalizer(struct sw_hf *h);
sw_status sw__hf_read_pre_tokenizer(struct sw_hf *h);
sw_status sw__hf_read_post_processor(struct sw_hf *h);
sw_status sw__hf_read_decoder(struct sw_hf *h);

#endif
